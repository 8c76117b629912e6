"""What is reported of mail is counted, judged and acted on: from the event to the held newsletter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from sqlalchemy import event, func, select

from relay.context import Relay
from relay.errors import Conflict, Invalid
from relay.mail import Source
from relay.models import Account, Action, Message, Site, SourceCount, Tally
from relay.policy.standing import stream_state
from relay.services import (
    accounts,
    actions,
    allowances,
    feed,
    freezing,
    judging,
    progress,
    ramps,
    standing,
    tallies,
)
from relay.services.actions import Order, Subject
from relay.services.letters import HOUSE_SITE
from relay.services.tallies import Told
from relay.vocabulary import Cause, Dimension, Kind, State, Stream, Verb
from tests.catalogs import Said
from tests.connecting import letters_to
from tests.factories import make_account, make_draft, make_site
from tests.fakes import FakeClock
from tests.steps import accept, deliver_due, status, statuses, tell

SENDER = "relay@relay.example"


def count(relay: Relay) -> int:
    """The worker's duties: number the events, and count them."""
    with relay.sessions.begin() as session:
        feed.number(session)
    with relay.sessions.begin() as session:
        return tallies.roll_up(session, now=relay.clock())


def judge(relay: Relay) -> int:
    with relay.sessions.begin() as session:
        return judging.judge_due(session, sender=SENDER, now=relay.clock())


def add(relay: Relay, told: Iterable[Told]) -> None:
    with relay.sessions.begin() as session:
        tallies.add(session, told, now=relay.clock())


def told(
    relay: Relay, site: Site, times: int, stream: Stream = Stream.MARKETING, **given: Any
) -> list[Told]:
    """So many copies of which the same was reported."""
    numbers = {"sent": 1, "ended": 1, "delivered": 1} | given.pop("numbers", {})
    values = {
        "sent_at": relay.clock() - timedelta(hours=3),
        "domain": "shop.example",
        "source": "newsletter",
        "provider": "yahoo",
        "ip": None,
    } | given
    return [Told(site.id, stream, numbers=numbers, **values)] * times


INVALID = {"delivered": 0, "invalid": 1, "permanent": 1}


def old(relay: Relay, site: Site) -> None:
    """Let the site have a history, so that only rates judge it."""
    with relay.sessions.begin() as session:
        found = session.get_one(Site, site.id)
        found.created_at = relay.clock() - timedelta(days=200)
        for stream in Stream:
            tallies.wake(session, site.id, stream, now=relay.clock())
    add(
        relay,
        told(
            relay,
            site,
            1,
            Stream.NOTIFICATION,
            numbers=dict.fromkeys(("sent", "ended", "delivered"), 5_000),
        ),
    )


def state(relay: Relay, site: Site, stream: Stream = Stream.MARKETING) -> State:
    with relay.reads() as session:
        return stream_state(session.get_one(Site, site.id).streams, stream)


def last_action(relay: Relay, site: Site) -> Action:
    with relay.reads() as session:
        found = session.scalars(
            select(Action).where(Action.site_id == site.id).order_by(Action.id.desc())
        ).first()
    assert found is not None
    return found


def reinstate(relay: Relay, site: Site, stream: Stream | None = None) -> None:
    with relay.sessions.begin() as session:
        actions.act(
            session,
            Subject(site_id=site.id, stream=stream),
            Order(Verb.REINSTATE, "operator:ada", "mended"),
            sender=SENDER,
            now=relay.clock(),
        )


# --- cost -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sites", [1, 3])
def test_judging_reads_each_pulse_once_however_many_there_are(
    sites: int, relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        account = session.get_one(Account, site.account_id)
        others = [make_site(session, account, url=f"https://{n}.example") for n in range(1, sites)]
    for each in (site, *others):
        for stream in (Stream.MARKETING, Stream.TRANSACTIONAL):
            add(relay, told(relay, each, 1, stream, numbers=INVALID))
    seen: list[str] = []

    def note(*told: Any) -> None:
        seen.append(told[2])

    with relay.sessions.begin() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", note)
        assert judging.judge_due(session, sender=SENDER, now=relay.clock()) == 2 * sites
        event.remove(connection, "before_cursor_execute", note)

    assert len([each for each in seen if "pulses.recent" in each]) == 1
    assert len(seen) == 5, "what is due, what is known of it, its figures, reports; when next"


# --- counting -------------------------------------------------------------------------------


def tally(relay: Relay, dimension: Dimension) -> dict[str, dict[str, int]]:
    with relay.reads() as session:
        rows = session.scalars(select(Tally).where(Tally.dimension == dimension)).all()
    return {
        row.value: {name: n for name in tallies.COUNTED if (n := getattr(row, name))}
        for row in rows
    }


def test_what_is_reported_is_counted_in_every_dimension(relay: Relay, site: Site) -> None:
    accept(relay, site, to=["ada@customer.example"], source=Source("woocommerce"))
    accept(relay, site, to=["nobody@customer.example"], source=Source("woocommerce"))
    for envelope in deliver_due(relay):
        tell(relay, "Send", envelope)
        gone = envelope.recipient.startswith("nobody")
        tell(relay, "Bounce" if gone else "Delivery", envelope)
    assert count(relay) == 4
    both = {"sent": 2, "ended": 2, "delivered": 1, "invalid": 1, "permanent": 1}
    assert tally(relay, Dimension.SITE) == {"": both}
    assert tally(relay, Dimension.DOMAIN) == {"shop.example": both}
    assert tally(relay, Dimension.SOURCE) == {"woocommerce": both}
    assert tally(relay, Dimension.PROVIDER) == {"other": both}
    assert count(relay) == 0


def test_mail_to_amazons_simulator_and_of_the_relay_itself_judges_nobody(
    relay: Relay, site: Site
) -> None:
    accept(relay, site, to=["bounce@simulator.amazonses.com"])
    with relay.sessions.begin() as session:
        actions.act(
            session,
            Subject(site_id=site.id),
            Order(Verb.WARN, "operator:ada", "why", Cause.SPAM),
            sender=SENDER,
            now=relay.clock(),
        )
    for envelope in deliver_due(relay):
        tell(relay, "Bounce", envelope)
    count(relay)
    assert tally(relay, Dimension.SITE) == {}
    with relay.reads() as session:
        sites = set(session.scalars(select(Tally.site_id)))
    assert sites == {HOUSE_SITE}


def test_a_thousand_events_make_one_row_an_hour(relay: Relay, site: Site) -> None:
    add(relay, told(relay, site, 1_000))
    with relay.reads() as session:
        rows = session.scalar(
            select(func.count()).select_from(Tally).where(Tally.dimension == Dimension.SITE)
        )
    assert rows == 1


# --- acting ---------------------------------------------------------------------------------


def test_a_bad_list_holds_the_newsletters_and_receipts_flow_on(relay: Relay, site: Site) -> None:
    old(relay, site)
    waiting = accept(relay, site, to=["m@customer.example"], stream=Stream.MARKETING)
    add(relay, told(relay, site, 920) + told(relay, site, 80, numbers=INVALID))
    judge(relay)
    assert state(relay, site) is State.LIMITED
    action = last_action(relay, site)
    assert (action.actor, action.verb, action.stream) == ("relay", Verb.LIMIT, Stream.MARKETING)
    assert action.evidence["cases"] == 80
    assert action.evidence["providers"] == ["yahoo"]
    with relay.sessions.begin() as session:
        freezing.freeze(session, now=relay.clock())
    assert status(relay, site, waiting) == "held"
    later = accept(relay, site, to=["x@customer.example"], stream=Stream.MARKETING)
    assert later["recipients"][0]["disposition"] == "held"
    reset = accept(relay, site, to=["r@customer.example"], kind=Kind.SECURITY)
    receipt = accept(relay, site, to=["t@customer.example"])
    deliver_due(relay)
    assert [status(relay, site, each) for each in (reset, receipt)] == ["sent", "sent"]


def test_the_owner_reads_what_happened_in_numbers(relay: Relay, site: Site) -> None:
    old(relay, site)
    add(relay, told(relay, site, 920) + told(relay, site, 80, numbers=INVALID))
    judge(relay)
    with relay.reads() as session:
        letter = session.scalars(
            select(Message).where(Message.site_id == HOUSE_SITE).order_by(Message.id.desc())
        ).first()
    assert letter is not None
    assert letter.subject == "Mail of The shop (newsletters) is held"
    (envelope,) = [e for e in deliver_due(relay) if "owner" in e.recipient]
    mail = message_from_bytes(b"".join(envelope.parts), policy=policy.default)
    text = mail.get_body(("plain",)).get_content()
    assert "80 of 1,000 mails went to addresses that do not exist (in 24 hours)" in text
    assert "8.0 %" in text


def test_the_owner_reads_what_a_rule_saw_in_their_language_and_an_operator_s_words_as_they_are(
    relay: Relay, site: Site, translated: Callable[[str, Said], None]
) -> None:
    translated(
        "de",
        {
            "%(cases)s of %(of)s mails went to addresses that do not exist (%(window)s)": (
                "%(cases)s von %(of)s Mails gingen an Adressen, die es nicht gibt (%(window)s)"
            ),
            "in 24 hours": "in 24 Stunden",
            "lately": "zuletzt",
        },
    )
    with relay.sessions.begin() as session:
        accounts.set_language(session, site.account_id, "de")
    old(relay, site)
    add(relay, told(relay, site, 920) + told(relay, site, 80, numbers=INVALID))
    judge(relay)

    saw = "80 von 1.000 Mails gingen an Adressen, die es nicht gibt (in 24 Stunden)"
    assert saw in letters_to(relay, "owner@shop.example")[-1]
    assert last_action(relay, site).reason.startswith("80 of 1,000 mails went to addresses")

    with relay.sessions.begin() as session:
        order = Order(Verb.WARN, "operator:ada", "lately", Cause.OTHER)
        actions.act(session, Subject(site_id=site.id), order, sender=SENDER, now=relay.clock())
    assert "Why: lately" in letters_to(relay, "owner@shop.example")[-1]


def test_too_many_invalid_receipts_suspend_the_site_but_for_security_mail(
    relay: Relay, site: Site
) -> None:
    old(relay, site)
    add(relay, told(relay, site, 880, Stream.TRANSACTIONAL))
    add(relay, told(relay, site, 120, Stream.TRANSACTIONAL, numbers=INVALID))
    judge(relay)
    with relay.reads() as session:
        assert session.get_one(Site, site.id).state is State.SUSPENDED
        found = standing.of_site(session, site.id, now=relay.clock()).where
    assert found.lanes["protected"] == "goes"
    assert found.action_id == last_action(relay, site).id


def test_nothing_is_done_twice_and_nothing_milder_afterwards(relay: Relay, site: Site) -> None:
    old(relay, site)
    add(relay, told(relay, site, 920) + told(relay, site, 80, numbers=INVALID))
    judge(relay)
    first = last_action(relay, site)
    add(relay, told(relay, site, 3_000) + told(relay, site, 1, numbers=INVALID))
    judge(relay)
    assert last_action(relay, site).id == first.id


def test_what_an_operator_reinstated_begins_anew(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    old(relay, site)
    add(relay, told(relay, site, 920) + told(relay, site, 80, numbers=INVALID))
    judge(relay)
    clock.advance(hours=2)
    reinstate(relay, site, Stream.MARKETING)
    late = told(relay, site, 30, numbers=INVALID, sent_at=relay.clock() - timedelta(hours=2))
    add(relay, late)
    judge(relay)
    assert state(relay, site) is State.ACTIVE
    clock.advance(hours=2)
    add(relay, told(relay, site, 10, numbers=INVALID, sent_at=relay.clock()))
    judge(relay)
    assert state(relay, site) is State.LIMITED


def test_reinstating_a_site_lets_its_streams_go_too(relay: Relay, site: Site) -> None:
    old(relay, site)
    add(relay, told(relay, site, 920) + told(relay, site, 80, numbers=INVALID))
    judge(relay)
    reinstate(relay, site)
    assert state(relay, site) is State.ACTIVE


def test_a_warning_ends_by_itself_after_a_clean_week(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    old(relay, site)
    for _ in range(30):
        add(relay, told(relay, site, 32) + told(relay, site, 1, numbers=INVALID))
    judge(relay)
    assert state(relay, site) is State.WARNED
    for _ in range(40):
        clock.advance(days=1)
        add(relay, told(relay, site, 40))
        judge(relay)
        clock.advance(hours=1)
        judge(relay)
    assert state(relay, site) is State.ACTIVE
    assert last_action(relay, site).evidence["rule"] == "recovered"


def test_ten_invalid_of_the_last_hundred_hold_the_stream_at_once(relay: Relay, site: Site) -> None:
    old(relay, site)
    draft = make_draft(to=[f"p{n}@customer.example" for n in range(12)], stream=Stream.NOTIFICATION)
    mail = accept(relay, site, draft)
    for envelope in deliver_due(relay):
        tell(relay, "Bounce", envelope)
    count(relay)
    judge(relay)
    assert set(statuses(relay, site, mail).values()) == {"bounced"}
    assert state(relay, site, Stream.NOTIFICATION) is State.LIMITED
    assert last_action(relay, site).evidence["rule"] == "burst"


def test_a_spammed_form_is_held_for_a_day_and_nothing_else(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    old(relay, site)
    add(relay, told(relay, site, 60, Stream.TRANSACTIONAL, source="woocommerce"))
    bad = told(relay, site, 10, Stream.TRANSACTIONAL, source="cf7/contact", numbers=INVALID)
    add(relay, bad)
    judge(relay)
    with relay.reads() as session:
        count = session.get(SourceCount, (site.id, "cf7/contact"))
        assert session.get_one(Site, site.id).state is State.ACTIVE
    assert count is not None
    assert count.open_until == relay.clock() + timedelta(hours=24)
    assert state(relay, site, Stream.TRANSACTIONAL) is State.ACTIVE
    assert last_action(relay, site).verb is Verb.HOLD_SOURCE


def test_a_limited_stream_halves_the_warm_up(relay: Relay, site: Site) -> None:
    old(relay, site)
    with relay.sessions.begin() as session:
        ramps.set_ramp(session, site.id, 400)
        actions.act(
            session,
            Subject(site_id=site.id, stream=Stream.MARKETING),
            Order(Verb.LIMIT, "operator:ada", "why", Cause.SPAM),
            sender=SENDER,
            now=relay.clock(),
        )
    with relay.reads() as session:
        assert progress.of_site(session, site.id, now=relay.clock()).site.allowed.per_day == 200


@pytest.mark.parametrize(
    ("whom", "order"),
    [
        ({"stream": Stream.MARKETING}, Order(Verb.SUSPEND, "operator:ada", "why", Cause.SPAM)),
        ({"stream": Stream.MARKETING}, Order(Verb.REINSTATE, "operator:ada", "why")),
    ],
)
def test_a_stream_is_warned_limited_and_reinstated_only(
    whom: dict[str, Any], order: Order, relay: Relay, site: Site
) -> None:
    with pytest.raises((Conflict, Invalid)), relay.sessions.begin() as session:
        actions.act(
            session, Subject(site_id=site.id, **whom), order, sender=SENDER, now=relay.clock()
        )


def test_a_form_that_goes_on_after_a_day_is_held_for_a_week(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    old(relay, site)
    form: dict[str, Any] = {"source": "cf7/contact", "numbers": INVALID}

    def held_for() -> timedelta:
        add(relay, told(relay, site, 60, Stream.TRANSACTIONAL, source="woocommerce"))
        add(relay, told(relay, site, 10, Stream.TRANSACTIONAL, sent_at=relay.clock(), **form))
        judge(relay)
        with relay.reads() as session:
            count = session.get(SourceCount, (site.id, "cf7/contact"))
        assert count is not None
        assert count.open_until is not None
        return count.open_until - relay.clock()

    assert held_for() == timedelta(hours=24)
    late = told(relay, site, 12, Stream.TRANSACTIONAL, **form)
    add(relay, late)
    judge(relay)
    clock.advance(hours=25)
    assert held_for() == timedelta(days=7)
    first, second = letters_to(relay, "owner@shop.example")
    assert "Until Monday, 23 November 2026, 09:00 UTC its mail is refused." in first
    assert "Until Monday, 30 November 2026, 10:00 UTC its mail is refused." in second


def test_late_bounces_of_a_form_that_is_held_say_nothing_new(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    old(relay, site)
    form: dict[str, Any] = {"source": "cf7/contact", "numbers": INVALID}
    add(relay, told(relay, site, 60, Stream.TRANSACTIONAL, source="woocommerce"))
    add(relay, told(relay, site, 10, Stream.TRANSACTIONAL, **form))
    judge(relay)
    first = last_action(relay, site)
    assert first.verb is Verb.HOLD_SOURCE
    add(relay, told(relay, site, 12, Stream.TRANSACTIONAL, **form))
    judge(relay)
    assert last_action(relay, site).id == first.id
    assert state(relay, site, Stream.TRANSACTIONAL) is State.ACTIVE


def test_what_is_held_does_not_get_worse_as_its_good_mail_grows_old(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    old(relay, site)
    before = relay.clock() - timedelta(hours=20)
    add(relay, told(relay, site, 200, Stream.TRANSACTIONAL, sent_at=before))
    add(relay, told(relay, site, 10, Stream.TRANSACTIONAL, numbers=INVALID))
    judge(relay)
    assert last_action(relay, site).evidence["rule"] == "burst"
    assert state(relay, site, Stream.TRANSACTIONAL) is State.LIMITED
    clock.advance(days=6, hours=6)
    judge(relay)
    with relay.reads() as session:
        assert session.get_one(Site, site.id).state is State.ACTIVE


# --- the platform ---------------------------------------------------------------------------


def test_while_all_mail_is_in_danger_the_largest_contributor_is_slowed(
    relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        good = make_site(session, make_account(session, name="Good Ltd"))
    refused = {"delivered": 0, "permanent": 1}
    add(relay, told(relay, good, 2_000))
    add(relay, told(relay, site, 500) + told(relay, site, 100, numbers=refused))
    with relay.sessions.begin() as session:
        assert judging.guard(session, sender=SENDER, now=relay.clock()) == 1
    with relay.sessions.begin() as session:
        assert judging.guard(session, sender=SENDER, now=relay.clock()) == 0
    with relay.reads() as session:
        assert session.get_one(Site, good.id).slowed_until is None
        assert session.get_one(Site, site.id).slowed_until == relay.clock() + timedelta(hours=24)


def test_a_slowed_site_has_a_quarter_of_its_allowance(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    def room() -> int:
        with relay.sessions.begin() as session:
            found = allowances.standing(session, site.id, ["shop.example"], now=relay.clock())
            return found.room("shop.example", relay.clock()).people

    with relay.sessions.begin() as session:
        ramps.set_ramp(session, site.id, 4_000)
    before = room()
    with relay.sessions.begin() as session:
        session.get_one(Site, site.id).slowed_until = relay.clock() + timedelta(hours=1)
    assert room() == before // 4
    clock.advance(hours=2)
    assert room() == before
