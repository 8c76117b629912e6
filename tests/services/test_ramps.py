"""Thirty days of warm-up on a fake clock, judged as the worker judges them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from relay.context import Relay
from relay.db import new_id
from relay.errors import NotFound
from relay.models import Event, Message, Ramp, Site
from relay.policy import warm_up
from relay.services import progress, ramps
from relay.services.first_contacts import first_id
from relay.vocabulary import EventType, Lane, State, Stream
from tests.factories import make_site
from tests.fakes import FakeClock

CLEAN = {EventType.DELIVERED: 25}
BAD = {EventType.DELIVERED: 25, EventType.COMPLAINED: 1}
INVALID = {EventType.DELIVERED: 40, EventType.BOUNCED: 1}
FEW = {EventType.DELIVERED: 19}


_ids: Iterator[int] = iter(range(1, 1 << 30))


def had(
    relay: Relay,
    site: Site,
    day: datetime,
    told: Mapping[EventType, int],
    *,
    stream: Stream = Stream.MARKETING,
    sender: str = "news@shop.example",
) -> None:
    """What was reported of the site's mail in a day; ids are of that day, as they would be."""
    message = new_id()
    at = day.replace(hour=14)
    with relay.sessions.begin() as session:
        session.add(
            Message(
                id=message, account_id=site.account_id, site_id=site.id, stream=stream,
                lane=Lane(stream.value), source={}, sender=sender, subject="News", size=1,
                removed_headers=[], accepted_at=at, expires_at=at + timedelta(days=7),
            )
        )  # fmt: skip
        session.flush()
        rows = [
            {
                "id": UUID(int=first_id(at).int + next(_ids)),
                "recipient_id": new_id(),
                "message_id": message,
                "site_id": site.id,
                "type": type,
                "occurred_at": at,
                "recorded_at": at,
                "data": {"diagnosis": {"suppresses": "invalid-address"}},
            }
            for type, count in told.items()
            for _ in range(count)
        ]
        if rows:
            session.execute(insert(Event), rows)
        if stream is not Stream.TRANSACTIONAL:
            session.execute(
                update(Ramp)
                .where(Ramp.id.in_((f"site:{site.id}", "domain:shop.example")))
                .values(last_sent_at=at)
            )


def judge(relay: Relay) -> int:
    with relay.sessions.begin() as session:
        return ramps.judge_yesterday(session, now=relay.clock())


def ramp(relay: Relay, id: str) -> Ramp:
    with relay.reads() as session:
        return session.get_one(Ramp, id)


def seen(relay: Relay, site: Site) -> progress.Progress:
    with relay.reads() as session:
        return progress.of_site(session, site.id, now=relay.clock())


@pytest.fixture
def begun(relay: Relay, newcomer: Site) -> Site:
    """The newcomer with its ramps, as its first newsletter makes them."""
    with relay.sessions.begin() as session:
        ramps.set_ramp(session, newcomer.id, warm_up.BEGIN)
    return newcomer


def test_thirty_clean_days_reach_the_plan_on_the_day_that_was_forecast(
    relay: Relay, begun: Site, clock: FakeClock
) -> None:
    promised = seen(relay, begun).site.full_volume_on
    assert promised == date(2026, 12, 15)
    reached, allowances = None, []
    for _ in range(30):
        found = seen(relay, begun)
        allowances.append(found.site.allowed.per_day)
        if found.site.full_volume_on is None and reached is None:
            reached = clock().date()
        had(relay, begun, clock(), CLEAN)
        clock.advance(days=1)
        judge(relay)
    assert reached == promised
    assert allowances[:5] == [50, 75, 112, 168, 252]
    assert allowances[23:] == [500_000] * 7
    assert seen(relay, begun).domains[0].allowed.per_day == 500_000
    assert ramp(relay, f"site:{begun.id}").clean_days == 30


def test_thirty_days_with_all_that_can_go_wrong(
    relay: Relay, begun: Site, clock: FakeClock
) -> None:
    def state(wanted: State) -> None:
        with relay.sessions.begin() as session:
            session.get_one(Site, begun.id).state = wanted

    told: list[int] = []
    plan: list[Mapping[EventType, int] | State] = [
        CLEAN, CLEAN, CLEAN,                      # 75, 112, 168
        BAD, INVALID, FEW, {},                    # stays
        CLEAN,                                    # 252
        State.WARNED, CLEAN, CLEAN,               # frozen
        State.LIMITED, CLEAN, CLEAN,              # halved, once
        State.ACTIVE, CLEAN, CLEAN,               # and up again
    ]  # fmt: skip
    for step in plan:
        if isinstance(step, State):
            state(step)
            continue
        had(relay, begun, clock(), step)
        clock.advance(days=1)
        judge(relay)
        told.append(seen(relay, begun).site.allowed.per_day)
    assert told == [75, 112, 168, 168, 168, 168, 168, 252, 252, 252, 126, 126, 189, 283]
    assert ramp(relay, "domain:shop.example").per_day == 567  # a domain freezes, and is not halved
    clock.advance(days=40)
    assert seen(relay, begun).site.allowed.per_day == 70


@pytest.mark.parametrize(
    ("stream", "after"),
    [(Stream.MARKETING, 75), (Stream.NOTIFICATION, 75), (Stream.TRANSACTIONAL, 50)],
)
def test_a_ramp_is_judged_by_the_mail_it_binds(
    stream: Stream, after: int, relay: Relay, begun: Site, clock: FakeClock
) -> None:
    had(relay, begun, clock(), CLEAN, stream=stream)
    clock.advance(days=1)
    judge(relay)
    assert ramp(relay, f"site:{begun.id}").per_day == after


def test_a_domain_is_judged_by_all_sites_that_send_from_it_and_by_the_strictest(
    relay: Relay, begun: Site, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        other = make_site(session, session.get_one(Site, begun.id).account, per_day=50)
    had(relay, begun, clock(), {EventType.DELIVERED: 10}, sender="a@news.shop.example")
    had(relay, other, clock(), {EventType.DELIVERED: 10}, sender="b@SHOP.example")
    clock.advance(days=1)
    assert judge(relay) == 1
    assert ramp(relay, "domain:shop.example").per_day == 75
    with relay.sessions.begin() as session:
        session.get_one(Site, other.id).state = State.WARNED
    had(relay, begun, clock(), CLEAN)
    had(relay, other, clock(), CLEAN)
    clock.advance(days=1)
    judge(relay)
    assert ramp(relay, "domain:shop.example").per_day == 75
    assert ramp(relay, f"site:{begun.id}").per_day == 75
    assert ramp(relay, f"site:{other.id}").per_day == 50


def test_a_day_is_judged_once(relay: Relay, begun: Site, clock: FakeClock) -> None:
    had(relay, begun, clock(), CLEAN)
    clock.advance(days=1)
    assert [judge(relay) for _ in range(3)] == [2, 0, 0]


def test_an_operator_may_set_it_and_start_it_anew(relay: Relay, newcomer: Site) -> None:
    with relay.sessions.begin() as session:
        ramps.set_ramp(session, newcomer.id, 4_000)
    found = seen(relay, newcomer)
    assert (found.site.allowed.per_day, found.domains[0].allowed.per_day) == (4_000, 4_000)
    with relay.sessions.begin() as session:
        ramps.set_ramp(session, newcomer.id, 1_000)
    found = seen(relay, newcomer)
    assert (found.site.allowed.per_day, found.domains[0].allowed.per_day) == (1_000, 4_000)
    with relay.sessions.begin() as session:
        ramps.restart(session, newcomer.id)
    assert seen(relay, newcomer).site.allowed.per_day == 50
    for change in (lambda s: ramps.set_ramp(s, new_id(), 1), lambda s: ramps.restart(s, new_id())):
        with pytest.raises(NotFound), relay.sessions.begin() as session:
            change(session)


def test_the_day_ends_at_midnight_utc(relay: Relay, begun: Site, clock: FakeClock) -> None:
    clock.now = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
    had(relay, begun, clock(), CLEAN)
    assert judge(relay) == 0
    clock.advance(minutes=1)
    assert judge(relay) == 2
