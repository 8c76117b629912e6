"""A few copies of an unusual sending go first, and the rest goes, waits or is held by what they show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from relay.addresses import parse
from relay.context import Relay
from relay.mail import Envelope
from relay.models import CanaryCopy, Message, Recipient, Sending, Site
from relay.policy import canary
from relay.services import letters, messages, ramps, reviews
from relay.services.messages import Request
from relay.vocabulary import CanaryCause, CanaryState, Decision, Stage, Stream, WaitReason
from tests.factories import make_draft
from tests.fakes import FakeClock
from tests.steps import deliver_due, let_go, links, subscribe, tell


def crowd(count: int, name: str = "a") -> list[str]:
    return [f"{name}{n}@customer.example" for n in range(count)]


def hand_in(relay: Relay, site: Site, people: Sequence[str]) -> None:
    """A newsletter in messages of up to 50 people, as one batch."""
    subscribe(relay, site, *map(parse, people))
    drafts = [
        make_draft(to=people[n : n + 50], stream=Stream.MARKETING, list_id="news")
        for n in range(0, len(people), 50)
    ]
    with relay.sessions.begin() as session:
        messages.accept_batch(
            session,
            site.id,
            [Request(draft, None, "x") for draft in drafts],
            links=links(relay),
            now=relay.clock(),
        )


def stages(relay: Relay) -> dict[str, int]:
    """Where the copies of the newsletter stand; the house's own letters aside."""
    with relay.reads() as session:
        rows = session.execute(
            select(Recipient.stage, func.count())
            .where(Recipient.sending_id.is_not(None))
            .group_by(Recipient.stage)
        )
        return {stage.value: count for stage, count in rows}


def sending(relay: Relay) -> Sending:
    with relay.reads() as session:
        return session.scalars(select(Sending).order_by(Sending.id.desc())).all()[0]


def go(relay: Relay, clock: FakeClock, **span: float) -> None:
    clock.advance(**span)
    let_go(relay)


def send_first(relay: Relay, clock: FakeClock) -> list[Envelope]:
    """Let the first copies be chosen, go, and leave."""
    go(relay, clock, minutes=5)
    envelopes: list[Envelope] = []
    while more := deliver_due(relay):
        envelopes += more
    return envelopes


@pytest.fixture
def envelopes(relay: Relay, site: Site, clock: FakeClock) -> list[Envelope]:
    """The first 100 copies of a list's first newsletter to 130 people."""
    hand_in(relay, site, crowd(130))
    return send_first(relay, clock)


def test_the_first_sending_to_a_list_sends_a_hundred_first_chosen_by_chance(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    hand_in(relay, site, crowd(260))
    found = sending(relay)
    assert (found.canary, found.canary_cause) == (
        CanaryState.GATHERING,
        CanaryCause.FIRST_SENDING,
    )
    assert (found.waits, found.due_at) == (WaitReason.CANARY, clock() + canary.GATHER)
    assert stages(relay) == {"waiting": 260}
    let_go(relay)
    assert stages(relay) == {"waiting": 260}

    went = [envelope.recipient for envelope in send_first(relay, clock)]

    assert len(went) == 100
    assert stages(relay) == {"done": 100, "waiting": 160}
    places = [int(address.partition("@")[0][1:]) for address in went]
    assert max(places) > 150  # by order of arrival it would be below 100


def test_a_list_of_a_hundred_readers_needs_none(relay: Relay, site: Site) -> None:
    hand_in(relay, site, crowd(100))
    assert stages(relay) == {"queued": 100}
    assert sending(relay).canary is None


def test_clean_first_copies_release_the_rest_after_half_an_hour(
    relay: Relay, site: Site, clock: FakeClock, envelopes: list[Envelope]
) -> None:
    for envelope in envelopes:
        tell(relay, "Delivery", envelope)
    go(relay, clock, minutes=29)
    assert stages(relay)["waiting"] == 30
    go(relay, clock, minutes=2)
    assert stages(relay) == {"done": 100, "queued": 30}
    found = sending(relay)
    assert (found.canary, found.due_at, found.waits) == (CanaryState.CLEAN, None, None)
    assert found.figures == {"sent": 100, "reported": 100, "invalid": 0, "complained": 0, "spam": 0}

    hand_in(relay, site, crowd(150, "b"))  # the list is known to be good now
    assert stages(relay) == {"done": 100, "queued": 180}


SPAM = {
    "status": "5.7.1",
    "diagnosticCode": "smtp; 550-5.7.1 [192.0.2.1] Gmail has detected that this message is likely "
    "unsolicited mail. https://support.google.com/mail/?p=UnsolicitedMessageError - gsmtp",
    "reportingMTA": "dns; googlemail.com",
}


@pytest.mark.parametrize(
    ("kind", "times", "told"),
    [("Bounce", 3, {}), ("Complaint", 1, {}), ("Bounce", 5, SPAM)],
)
def test_bad_first_copies_hold_the_rest_and_the_owner_is_told(
    kind: str,
    times: int,
    told: dict[str, Any],
    relay: Relay,
    site: Site,
    clock: FakeClock,
    envelopes: list[Envelope],
) -> None:
    for envelope in envelopes[times:]:
        tell(relay, "Delivery", envelope)
    for envelope in envelopes[:times]:
        tell(relay, kind, envelope, **told)
    go(relay, clock, minutes=31)

    assert stages(relay) == {"done": 100, "held": 30}
    with relay.reads() as session:
        held = session.scalars(select(Recipient).where(Recipient.stage == Stage.HELD)).all()
        told = session.scalars(select(Message).where(Message.site_id == letters.HOUSE_SITE)).all()
    found = sending(relay)
    assert found.canary is CanaryState.FAILED
    assert {(row.reason or {})["code"] for row in held} == {"canary-failed"}
    assert {row.review_id for row in held} == {found.review_id}
    assert [message.subject for message in told] == [
        "Stopped after its first copies: “News from the shop”"
    ]

    hand_in(relay, site, crowd(3, "late"))  # more of the same sending
    let_go(relay)
    assert stages(relay) == {"done": 100, "held": 33}
    clock.advance(hours=7)
    hand_in(relay, site, crowd(120, "next"))
    assert sending(relay).canary is CanaryState.GATHERING  # the list has proven nothing


@pytest.mark.parametrize("decision", Decision)
def test_an_operator_decides_about_what_was_held(
    decision: Decision, relay: Relay, site: Site, clock: FakeClock, envelopes: list[Envelope]
) -> None:
    with relay.sessions.begin() as session:
        ramps.set_ramp(session, site.id, 300)  # 120 an hour, and 100 have gone
    tell(relay, "Complaint", envelopes[0])
    go(relay, clock, minutes=31)
    assert stages(relay) == {"done": 100, "held": 30}
    with relay.sessions.begin() as session:
        (open_review,) = reviews.waiting(session)
        assert (open_review.review.people, open_review.held) == (130, 30)
        reviews.decide(
            session, open_review.review.id, decision, because="asked the owner", now=clock()
        )
        reviews.carry_out(session, now=clock())
    let_go(relay)
    if decision is Decision.REJECTED:
        assert stages(relay) == {"done": 130}
        return
    assert stages(relay) == {"done": 100, "queued": 20, "waiting": 10}
    go(relay, clock, hours=1)
    assert stages(relay) == {"done": 100, "queued": 30}


def test_one_bad_address_in_a_hundred_is_no_reason(
    relay: Relay, clock: FakeClock, envelopes: list[Envelope]
) -> None:
    tell(relay, "Bounce", envelopes[0])
    for envelope in envelopes[1:]:
        tell(relay, "Delivery", envelope)
    go(relay, clock, minutes=31)
    assert stages(relay) == {"done": 100, "queued": 30}


def test_silence_is_waited_out_and_then_said(
    relay: Relay, clock: FakeClock, envelopes: list[Envelope]
) -> None:
    for envelope in envelopes[:49]:
        tell(relay, "Delivery", envelope)
    go(relay, clock, minutes=31)
    assert (sending(relay).canary, stages(relay)["waiting"]) == (CanaryState.WATCHING, 30)
    for _ in range(32):
        go(relay, clock, minutes=10)
    assert stages(relay)["waiting"] == 30
    go(relay, clock, minutes=10)
    assert stages(relay) == {"done": 100, "held": 30}
    assert sending(relay).canary is CanaryState.UNCLEAR
    with relay.reads() as session:
        told = session.scalars(select(Message).where(Message.site_id == letters.HOUSE_SITE)).all()
    assert [message.subject for message in told] == ["On hold: “News from the shop”"]


def test_reports_that_come_late_still_release_it(
    relay: Relay, clock: FakeClock, envelopes: list[Envelope]
) -> None:
    go(relay, clock, minutes=31)
    for envelope in envelopes[:50]:
        tell(relay, "Delivery", envelope)
    go(relay, clock, minutes=10)
    assert stages(relay) == {"done": 100, "queued": 30}


def test_far_more_than_usual_is_tried_on_a_part(relay: Relay, site: Site, clock: FakeClock) -> None:
    hand_in(relay, site, crowd(90))
    for _ in range(3):
        clock.advance(days=1)
        hand_in(relay, site, crowd(250))  # more than 5 x 90, were there not a floor of 100
    assert stages(relay) == {"queued": 840}

    clock.advance(days=1)
    hand_in(relay, site, crowd(1_200))
    assert stages(relay) == {"queued": 2_040}  # the usual is 250 by now

    clock.advance(days=41)
    hand_in(relay, site, crowd(501))
    found = sending(relay)
    assert (found.canary, found.canary_cause) == (
        CanaryState.GATHERING,
        CanaryCause.UNUSUAL_VOLUME,
    )
    assert stages(relay)["waiting"] == 501


def test_a_sending_that_grows_beyond_the_usual_is_stopped_on_its_way(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    hand_in(relay, site, crowd(100))
    clock.advance(minutes=10)
    hand_in(relay, site, crowd(390, "b"))
    assert stages(relay) == {"queued": 490}
    clock.advance(minutes=10)
    hand_in(relay, site, crowd(60, "c"))
    assert stages(relay) == {"queued": 490, "waiting": 60}
    go(relay, clock, minutes=6)
    assert stages(relay) == {"queued": 550}  # fewer than a hundred: all of them go first
    hand_in(relay, site, crowd(70, "d"))
    go(relay, clock, minutes=6)
    assert stages(relay) == {"queued": 590, "waiting": 30}  # 40 more, and the rest waits
    assert sending(relay).canary is CanaryState.WATCHING


def test_first_copies_that_are_stopped_are_replaced(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        ramps.set_ramp(session, site.id, 1)  # nothing goes for now
    hand_in(relay, site, crowd(130))
    go(relay, clock, minutes=5)
    with relay.sessions.begin() as session:
        for row in session.scalars(
            select(Recipient).join(CanaryCopy, CanaryCopy.recipient_id == Recipient.id)
        ):
            row.expires_at = clock() + timedelta(minutes=1)
        ramps.set_ramp(session, site.id, 10_000)
    clock.advance(hours=1)
    let_go(relay)
    clock.advance(minutes=6)
    let_go(relay)
    assert stages(relay) == {"done": 100, "queued": 30}


def test_a_pause_of_six_hours_ends_a_sending_and_so_does_a_day(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    for hours in (0, 5, 5, 5, 5, 5, 7):
        clock.advance(hours=hours)
        hand_in(relay, site, crowd(1))
    with relay.reads() as session:
        found = session.scalars(select(Sending).order_by(Sending.id)).all()
    assert [each.accepted for each in found] == [5, 1, 1]
    assert {each.site_id for each in found} == {site.id}
