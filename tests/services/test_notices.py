"""SNS notices: kept as they came, taken in once, looked at again while they match nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, select

from relay.context import Relay
from relay.gateways.sns import SignedNotice
from relay.models import Notice, Site
from relay.services import notices
from relay.services.notices import MOST_TRIES, WAITING
from relay.vocabulary import NoticeState
from tests.factories import make_envelope, ses_event
from tests.fakes import TOPIC, FakeClock
from tests.steps import (
    accept,
    claim,
    copy_of,
    deliver_due,
    find,
    hand_over,
    record,
    start,
    status,
)


def signed(relay: Relay, message: Any, **given: Any) -> SignedNotice:
    return SignedNotice(
        **{
            "type": "Notification",
            "id": "5d0f3c1e",
            "topic_arn": TOPIC,
            "message": message if isinstance(message, str) else json.dumps(message),
            "token": None,
            "sent_at": relay.clock(),
            "late": False,
        }
        | given
    )


def keep(relay: Relay, message: Any, **given: Any) -> bool:
    with relay.sessions.begin() as session:
        return notices.keep(session, signed(relay, message, **given), now=relay.clock())


def apply(relay: Relay) -> int:
    with relay.sessions.begin() as session:
        return notices.apply_waiting(session, now=relay.clock())


def kept(relay: Relay) -> list[Notice]:
    with relay.reads() as session:
        return list(session.scalars(select(Notice).order_by(Notice.id)))


def test_a_notice_is_kept_as_it_came_and_applied_a_moment_later(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site)
    (envelope,) = deliver_due(relay)
    message = json.dumps(ses_event("Delivery", envelope), indent=1)

    assert keep(relay, message)
    (notice,) = kept(relay)
    assert (notice.state, notice.body, notice.topic_arn) == (NoticeState.RECEIVED, message, TOPIC)
    assert status(relay, site, receipt) == "sent"

    assert apply(relay) == 1
    (notice,) = kept(relay)
    assert (notice.state, notice.applied_at) == (NoticeState.APPLIED, relay.clock())
    assert status(relay, site, receipt) == "delivered"
    assert apply(relay) == 0


def test_SNS_may_deliver_a_notice_twice(relay: Relay) -> None:
    assert keep(relay, "x")
    assert not keep(relay, "x")
    assert not keep(relay, "even with another text")
    assert len(kept(relay)) == 1


@pytest.mark.parametrize(
    ("message", "explanation"),
    [
        ("Successfully validated SNS topic for Amazon SES event publishing.", "no event"),
        ('{"notificationType": "AmazonSnsSubscriptionSucceeded"}', "no event"),
        ('{"eventType": "OfNextYear", "mail": {}}', "no event"),
        ('{"eventType": "Bounce", "mail": {}}', "could not be read"),
        ('{"eventType": "Delivery", "mail": {}, "delivery": {"timestamp": "?"}}', "without a time"),
        ("\x00", "no event"),
    ],
)
def test_what_is_no_event_is_kept_and_ignored(message: str, explanation: str, relay: Relay) -> None:
    keep(relay, message)
    apply(relay)
    (notice,) = kept(relay)
    assert notice.state is NoticeState.IGNORED
    assert explanation in notice.explanation
    assert apply(relay) == 0


def test_an_event_that_comes_before_its_attempt_is_applied_later(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    """As when an identity notification, which has no tags, overtakes our record of the SES id."""
    receipt = accept(relay, site)
    (envelope,) = start(relay, claim(relay))
    keep(relay, ses_event("Delivery", envelope, dialect="notificationType"))
    apply(relay)
    (notice,) = kept(relay)
    assert notice.state is NoticeState.UNMATCHED
    assert notice.explanation == "1 of 1 events match no attempt of this relay"

    record(relay, hand_over(relay, envelope))
    assert apply(relay) == 0  # not due yet
    clock.advance(seconds=WAITING[0].total_seconds())
    assert apply(relay) == 1
    assert status(relay, site, receipt) == "delivered"
    assert kept(relay)[0].state is NoticeState.APPLIED


def test_each_look_waits_longer_until_only_people_look(relay: Relay, clock: FakeClock) -> None:
    keep(relay, ses_event("Delivery", make_envelope()))
    waits = []
    for _ in range(MOST_TRIES):
        assert apply(relay) == 1
        (notice,) = kept(relay)
        waits.append(notice.due_at - clock.now)
        clock.now = notice.due_at
    assert tuple(waits[: len(WAITING)]) == WAITING
    assert set(waits[len(WAITING) :]) == {WAITING[-1]}
    assert sum(waits, timedelta()) > timedelta(hours=24)
    assert kept(relay)[0].state is NoticeState.ORPHANED
    clock.advance(days=30)
    assert apply(relay) == 0


def test_a_notice_that_matches_nothing_spoils_nobody_elses(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site)
    (envelope,) = deliver_due(relay)
    keep(relay, ses_event("Bounce", make_envelope()), id="stranger")
    keep(relay, "broken {", id="broken")
    keep(relay, ses_event("Delivery", envelope), id="ours")

    assert apply(relay) == 3

    assert status(relay, site, receipt) == "delivered"
    assert [notice.state for notice in kept(relay)] == [
        NoticeState.UNMATCHED,
        NoticeState.IGNORED,
        NoticeState.APPLIED,
    ]


def test_many_notices_are_taken_in_at_once_and_each_once(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site, to=[f"p{n}@customer.example" for n in range(30)])
    for n, envelope in enumerate(deliver_due(relay)):
        for kind in ("Send", "Delivery", "Complaint"):
            keep(relay, ses_event(kind, envelope), id=f"{kind}-{n}")
            keep(relay, ses_event(kind, envelope), id=f"{kind}-{n}-again")
    assert apply(relay) == 180
    found = find(relay, site, receipt)
    assert {copy.status for copy in found.recipients} == {"complained"}
    assert {len(copy.events) for copy in found.recipients} == {3}


def test_a_batch_has_an_end(relay: Relay) -> None:
    for n in range(3):
        keep(relay, "x", id=str(n))
    with relay.sessions.begin() as session:
        assert notices.apply_waiting(session, now=relay.clock(), most=2) == 2
    assert apply(relay) == 1


def test_a_multi_recipient_report_waits_for_all_its_people(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site)
    (envelope,) = deliver_due(relay)
    known = ses_event("Bounce", envelope)
    known["bounce"]["bouncedRecipients"] *= 2
    keep(relay, known)
    apply(relay)
    assert kept(relay)[0].state is NoticeState.APPLIED
    assert copy_of(relay, site, receipt).status == "bounced"


def test_a_notice_that_cannot_be_applied_spoils_nobody_elses(
    relay: Relay, site: Site, connection: Connection, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    (envelope,) = deliver_due(relay)
    keep(relay, ses_event("Delivery", envelope, smtpResponse="poison"), id="poison")
    keep(relay, ses_event("Send", envelope), id="good")

    def trip(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("INSERT INTO events") and "poison" in str(parameters):
            raise RuntimeError("a bug")

    event.listen(connection, "before_cursor_execute", trip)
    apply(relay)
    event.remove(connection, "before_cursor_execute", trip)

    poisoned, good = kept(relay)
    assert (poisoned.state, good.state) == (NoticeState.UNMATCHED, NoticeState.APPLIED)
    assert "RuntimeError" in poisoned.explanation
    assert status(relay, site, receipt) == "sent"
    clock.advance(seconds=WAITING[0].total_seconds())
    apply(relay)
    assert status(relay, site, receipt) == "delivered"
