"""Waiting newsletters and notifications: who waits, who goes when, and never more than allowed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, func, select, update

from relay.addresses import parse
from relay.context import Relay
from relay.mail import Source
from relay.models import (
    Account,
    AddressHold,
    Domain,
    Event,
    Ramp,
    Recipient,
    Sending,
    SendingBudget,
    Site,
)
from relay.policy import warm_up
from relay.services import erasures, messages, opt_outs, progress, ramps, releases, timelines
from relay.services.messages import Request
from relay.services.suppressions import suppress
from relay.vocabulary import (
    DomainStatus,
    HoldKind,
    Kind,
    Outcome,
    Stage,
    State,
    Stream,
    SuppressionReason,
    SuppressionScope,
    WaitReason,
)
from tests import factories
from tests.factories import make_account, make_domain, make_draft, make_site
from tests.fakes import FakeClock
from tests.steps import accept, copy_of, deliver_due, let_go, links, subscribe, tell

FORUM = {"stream": Stream.NOTIFICATION, "source": Source("bbpress", None)}


def crowd(name: str, count: int) -> list[str]:
    return [f"{name}{n}@customer.example" for n in range(count)]


def newsletter(relay: Relay, site: Site, people: Sequence[str]) -> None:
    """As WordPress sends one: a message for each person."""
    subscribe(relay, site, *map(parse, people))
    for person in people:
        accept(relay, site, to=[person], stream=Stream.MARKETING, list_id="news")


def stages(relay: Relay, site: Site | None = None) -> dict[str, int]:
    with relay.reads() as session:
        query = select(Recipient.stage, func.count()).group_by(Recipient.stage)
        if site is not None:
            query = query.where(Recipient.site_id == site.id)
        return {stage.value: count for stage, count in session.execute(query)}


def sending(relay: Relay) -> Sending:
    with relay.reads() as session:
        return session.scalars(select(Sending)).one()


def set_budget(relay: Relay, per_day: int | None) -> None:
    with relay.sessions.begin() as session:
        session.add(SendingBudget(provider="ses", per_day=per_day))


# --- the windows ----------------------------------------------------------------------------


def test_a_newcomer_sends_20_an_hour_and_50_a_day(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    newsletter(relay, newcomer, crowd("a", 60))
    assert stages(relay) == {"queued": 20, "waiting": 40}

    told = []
    for _ in range(4):
        clock.advance(hours=1)
        let_go(relay)
        told.append(stages(relay)["queued"])
    assert told == [40, 50, 50, 50]

    clock.now = datetime(2026, 11, 23, tzinfo=UTC)
    let_go(relay)
    assert stages(relay) == {"queued": 60}


def test_the_oldest_go_first_and_the_rest_knows_its_time(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    newsletter(relay, newcomer, crowd("a", 30))
    assert let_go(relay) == 0
    waiting = sending(relay)
    assert (waiting.waits, waiting.due_at) == (
        WaitReason.WARM_UP,
        clock() + timedelta(hours=1),
    )
    clock.advance(hours=1)
    let_go(relay)
    with relay.reads() as session:
        gone = session.scalars(
            select(Recipient.address).where(
                Recipient.due_at == clock(), Recipient.stage == Stage.QUEUED
            )
        ).all()
    assert sorted(gone) == sorted(crowd("a", 30)[20:])
    assert sending(relay).due_at is None


@pytest.mark.parametrize(
    ("given", "waits"),
    [
        ({}, False),
        ({"kind": Kind.SECURITY}, False),
        (FORUM, True),
        ({"stream": Stream.MARKETING}, True),
    ],
)
def test_only_promotional_mail_waits(
    given: dict[str, Any], waits: bool, relay: Relay, newcomer: Site
) -> None:
    newsletter(relay, newcomer, crowd("a", 20))
    accept(relay, newcomer, to=["b@customer.example"], **given)
    with relay.reads() as session:
        row = session.scalars(
            select(Recipient).where(Recipient.address == "b@customer.example")
        ).one()
    assert (row.stage is Stage.WAITING) is waits
    assert (row.sending_id is not None) is waits


def test_who_comes_after_those_that_wait_waits_too_and_notifications_go_before_newsletters(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    newsletter(relay, newcomer, crowd("a", 25))
    clock.advance(hours=1)
    accept(relay, newcomer, to=["late@customer.example"], stream=Stream.MARKETING)
    accept(relay, newcomer, to=["forum@customer.example"], **FORUM)
    assert stages(relay)["waiting"] == 7  # although the new hour has room for 20
    with relay.sessions.begin() as session:
        session.execute(update(Ramp).values(hour_began=clock(), hour_people=19))
    let_go(relay)
    with relay.reads() as session:
        found = session.scalars(
            select(Recipient.address).where(
                Recipient.stage == Stage.QUEUED, Recipient.due_at == clock()
            )
        ).all()
    assert found == ["forum@customer.example"]


def test_a_message_that_does_not_fit_as_a_whole_goes_piece_by_piece(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    accept(relay, newcomer, to=crowd("a", 30), stream=Stream.MARKETING)
    assert stages(relay) == {"waiting": 30}
    let_go(relay)
    assert stages(relay) == {"queued": 20, "waiting": 10}
    clock.advance(hours=1)
    let_go(relay)
    assert stages(relay) == {"queued": 30}


def test_a_batch_draws_message_by_message(relay: Relay, newcomer: Site) -> None:
    people = crowd("a", 24)
    subscribe(relay, newcomer, *map(parse, people))
    drafts = [
        make_draft(to=people[n : n + 8], stream=Stream.MARKETING, list_id="news")
        for n in (0, 8, 16)
    ]
    with relay.sessions.begin() as session:
        messages.accept_batch(
            session,
            newcomer.id,
            [Request(draft, None, "x") for draft in drafts],
            links=links(relay),
            now=relay.clock(),
        )
    assert stages(relay) == {"queued": 16, "waiting": 8}
    let_go(relay)
    assert stages(relay) == {"queued": 20, "waiting": 4}


def test_a_new_domain_binds_a_site_that_is_warm(relay: Relay, account: Account, site: Site) -> None:
    with relay.sessions.begin() as session:
        make_domain(session, account, "new.example", per_day=None)
    for n in range(21):
        message = factories.make_message(From="News <n@mail.new.example>")
        accept(relay, site, to=[f"a{n}@customer.example"], message=message, **FORUM)
    newsletter(relay, site, ["b@customer.example"])
    assert stages(relay) == {"queued": 20, "waiting": 2}
    let_go(relay)
    assert stages(relay) == {"queued": 21, "waiting": 1}  # the warm domain's copy goes


def test_two_sites_share_the_allowance_of_their_domain(
    relay: Relay, account: Account, site: Site
) -> None:
    with relay.sessions.begin() as session:
        make_domain(session, account, "new.example", per_day=None)
        other = make_site(session, account)
    for which in (site, other):
        message = factories.make_message(From="News <n@new.example>")
        accept(relay, which, to=crowd("a", 15), message=message, **FORUM)
    assert stages(relay) == {"queued": 15, "waiting": 15}
    let_go(relay)
    assert stages(relay) == {"queued": 20, "waiting": 10}


def test_a_site_at_full_volume_waits_for_nothing(relay: Relay, site: Site) -> None:
    newsletter(relay, site, crowd("a", 70))
    assert stages(relay) == {"queued": 70}
    assert sending(relay).accepted == 70


# --- young sites ----------------------------------------------------------------------------


def test_young_sites_share_a_tenth_of_the_provider_s_day(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    set_budget(relay, 300)
    with relay.sessions.begin() as session:
        second = make_account(session)
        make_domain(session, second, "other.example")
        other = make_site(session, second)
    newsletter(relay, site, crowd("a", 20))
    for n in range(15):
        message = factories.make_message(From="News <n@other.example>")
        accept(relay, other, to=[f"b{n}@customer.example"], message=message, **FORUM)
    let_go(relay)
    assert stages(relay, site) == {"queued": 20}
    assert stages(relay, other) == {"queued": 10, "waiting": 5}
    with relay.reads() as session:
        waiting = session.scalars(select(Sending).where(Sending.due_at.is_not(None))).one()
    assert (waiting.waits, waiting.due_at) == (
        WaitReason.YOUNG_SITES,
        datetime(2026, 11, 23, tzinfo=UTC),
    )
    clock.now = datetime(2026, 11, 23, tzinfo=UTC)
    let_go(relay)
    assert stages(relay, other) == {"queued": 15}


@pytest.mark.parametrize(("age", "per_day"), [(30, 300), (0, None), (0, -1)])
def test_older_sites_and_providers_without_a_limit_know_no_such_share(
    age: int, per_day: int | None, relay: Relay, site: Site
) -> None:
    set_budget(relay, per_day)
    with relay.sessions.begin() as session:
        row = session.get_one(Site, site.id)
        row.created_at = relay.clock() - timedelta(days=age)
    newsletter(relay, site, crowd("a", 40))
    assert stages(relay) == {"queued": 40}


# --- standing -------------------------------------------------------------------------------


def test_limited_halves_the_allowance_at_once_and_suspended_stops_all(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    newsletter(relay, newcomer, crowd("a", 30))
    assert stages(relay) == {"queued": 20, "waiting": 10}
    for state in (State.LIMITED, State.SUSPENDED):
        with relay.sessions.begin() as session:
            session.get_one(Site, newcomer.id).state = state
        clock.advance(hours=1)
        let_go(relay)
        assert stages(relay) == {"queued": 20, "waiting": 10}
    with relay.sessions.begin() as session:
        session.get_one(Site, newcomer.id).state = State.ACTIVE
    clock.advance(minutes=5)
    let_go(relay)
    assert stages(relay) == {"queued": 25, "waiting": 5}  # clean days bring back what was halved
    with relay.reads() as session:
        ramp = session.get_one(Ramp, f"site:{newcomer.id}")
    assert (ramp.per_day, ramp.halved) == (25, False)


def test_forty_days_without_mail_are_a_step_back_that_is_taken_once(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        ramps.set_ramp(session, site.id, 4_000)
    newsletter(relay, site, ["a@customer.example"])
    clock.advance(days=40)
    newsletter(relay, site, ["b@customer.example", "c@customer.example"])
    with relay.reads() as session:
        assert session.get_one(Ramp, f"site:{site.id}").per_day == 1_000


def test_a_domain_that_was_closed_keeps_its_waiting_mail_back(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    def status(wanted: DomainStatus) -> None:
        with relay.sessions.begin() as session:
            session.execute(update(Domain).values(status=wanted))

    newsletter(relay, newcomer, crowd("a", 30))
    status(DomainStatus.SUSPENDED)
    clock.advance(hours=1)
    let_go(relay)
    assert stages(relay) == {"queued": 20, "waiting": 10}
    status(DomainStatus.FAILING)
    clock.advance(minutes=5)
    let_go(relay)
    assert stages(relay) == {"queued": 30}


# --- people who leave while their copy waits ------------------------------------------------


def leave(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        opt_outs.opt_out(
            session,
            site.id,
            parse("b@customer.example"),
            "marketing",
            evidence={},
            now=relay.clock(),
        )


def bounce(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        suppress(
            session,
            account_id=site.account_id,
            site_id=site.id,
            address=parse("b@customer.example"),
            reason=SuppressionReason.INVALID_ADDRESS,
            scope=SuppressionScope.ALL,
            evidence={},
            now=relay.clock(),
        )


@pytest.mark.parametrize(("happens", "code"), [(leave, "no-consent"), (bounce, "suppressed")])
def test_who_leaves_while_waiting_gets_nothing_and_takes_nobody_s_place(
    happens: Callable[[Relay, Site], None],
    code: str,
    relay: Relay,
    newcomer: Site,
    clock: FakeClock,
) -> None:
    newsletter(relay, newcomer, [*crowd("a", 20), "b@customer.example", *crowd("c", 20)])
    happens(relay, newcomer)
    clock.advance(hours=1)
    let_go(relay)
    let_go(relay)
    with relay.reads() as session:
        gone = session.scalars(
            select(Recipient).where(Recipient.address == "b@customer.example")
        ).one()
    assert (gone.stage, gone.outcome) == (Stage.DONE, Outcome.SUPPRESSED)
    assert gone.reason is not None
    assert gone.reason["code"] == code
    assert stages(relay) == {"queued": 40, "done": 1}


def test_an_erased_person_s_waiting_copy_ends(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    newsletter(relay, newcomer, [*crowd("a", 20), "b@customer.example"])
    with relay.sessions.begin() as session:
        erasures.erase(
            session,
            relay.settings.keyring,
            site_id=newcomer.id,
            address=parse("b@customer.example"),
            now=relay.clock(),
        )
    clock.advance(hours=1)
    let_go(relay)
    assert stages(relay) == {"queued": 20, "done": 1}
    assert sending(relay).due_at is None


def test_the_copy_that_settles_a_dispute_goes(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        session.add(
            AddressHold(
                site_id=newcomer.id, address="b@customer.example", address_key="b@customer.example",
                kind=HoldKind.DISPUTED, began_at=clock() - timedelta(days=4),
                probe_at=clock() - timedelta(days=1), evidence={},
            )
        )  # fmt: skip
    newsletter(relay, newcomer, [*crowd("a", 20), "b@customer.example"])
    assert stages(relay) == {"queued": 20, "waiting": 1}
    clock.advance(hours=1)
    let_go(relay)
    assert stages(relay) == {"queued": 21}


# --- the end of waiting ---------------------------------------------------------------------


def test_what_waits_too_long_expires_with_a_reason(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    newsletter(relay, newcomer, crowd("a", 20))
    receipt = accept(
        relay,
        newcomer,
        to=["b@customer.example"],
        stream=Stream.MARKETING,
        expires_at=clock() + timedelta(minutes=20),
    )
    clock.advance(minutes=20)
    let_go(relay)
    copy = copy_of(relay, newcomer, receipt)
    assert (copy.recipient.stage, copy.status) == (Stage.DONE, "expired")
    assert copy.recipient.reason == {"code": "expired", "title": releases.EXPIRED}
    assert [event.type.value for event in copy.events] == ["expired"]
    clock.advance(hours=1)
    let_go(relay)
    assert sending(relay).due_at is None


def test_a_worker_that_starts_again_goes_on_where_the_rows_say(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    newsletter(relay, newcomer, crowd("a", 30))
    clock.advance(hours=1)
    with relay.sessions() as session:
        house = releases.House(relay.settings.keyring, relay.settings.house_sender)
        assert releases.release_due(session, house, now=relay.clock()) == 10
        session.rollback()  # what a killed worker's database does
    assert stages(relay) == {"queued": 20, "waiting": 10}
    let_go(relay)
    assert stages(relay) == {"queued": 30}
    with relay.reads() as session:
        assert session.get_one(Ramp, f"site:{newcomer.id}").hour_people == 10


def test_released_copies_are_delivered(relay: Relay, newcomer: Site, clock: FakeClock) -> None:
    newsletter(relay, newcomer, crowd("a", 25))
    assert len(deliver_due(relay)) == 20
    clock.advance(hours=1)
    let_go(relay)
    for envelope in deliver_due(relay):
        assert tell(relay, "Delivery", envelope)
    with relay.reads() as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 5


# --- exactness ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "allowed"), [(None, 20), (150, 15)], ids=["the domain binds", "young sites share"]
)
def test_acceptance_and_release_together_never_exceed_what_is_allowed(
    provider: int | None, allowed: int, shared: Relay
) -> None:
    set_budget(shared, provider)
    with shared.sessions.begin() as session:
        account = make_account(session)
        make_domain(session, account, per_day=None)
        sites = [make_site(session, account, per_day=None) for _ in range(2)]
    errors: list[Exception] = []

    def run(work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except Exception as error:
                errors.append(error)

        thread = threading.Thread(target=guarded)
        thread.start()
        return thread

    def hand_in(site: Site, name: str) -> Callable[[], None]:
        def work() -> None:
            for n in range(8):
                accept(shared, site, to=[f"{name}{n}@customer.example"], **FORUM)

        return work

    def release() -> None:
        for _ in range(15):
            let_go(shared)

    threads = [run(hand_in(site, name)) for site in sites for name in ("a", "b")]
    threads += [run(release), run(release)]
    for thread in threads:
        thread.join()

    assert errors == []
    let_go(shared)
    assert stages(shared) == {"queued": allowed, "waiting": 32 - allowed}
    with shared.reads() as session:
        counts = {ramp.id: ramp.hour_people for ramp in session.scalars(select(Ramp))}
        by_site = Counter(
            session.scalars(select(Recipient.site_id).where(Recipient.stage == Stage.QUEUED))
        )
    assert counts["domain:shop.example"] == allowed
    of_sites = {UUID(id[5:]): n for id, n in counts.items() if id.startswith("site:") and n}
    assert of_sites == by_site


@pytest.mark.parametrize(
    ("given", "more"),
    [({}, 0), ({"kind": Kind.SECURITY}, 0), (FORUM, 2), ({"stream": Stream.MARKETING}, 2)],
)
def test_it_costs_promotional_mail_two_statements_and_other_mail_none(
    given: dict[str, Any], more: int, relay: Relay, site: Site
) -> None:
    accept(relay, site, to=["a@customer.example"], **given)  # what is made once is there by now
    draft = make_draft(to=["a@customer.example"], **given)
    if draft.stream is Stream.MARKETING:
        draft = replace(draft, list_id="news")

    seen: list[str] = []

    def note(*told: Any) -> None:
        seen.append(told[2])

    with relay.sessions.begin() as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", note)
        request = Request(draft, None, "x")
        messages.accept(session, site.id, request, links=links(relay), now=relay.clock())
        event.remove(connection, "before_cursor_execute", note)

    found = sum("ramps" in each or "sendings" in each for each in seen)
    on_postgresql = relay.sessions.kw["bind"].dialect.name == "postgresql"
    assert found == (more if on_postgresql or not more else more + 1)  # SQLite has no joint ones


# --- what is told ---------------------------------------------------------------------------


def test_a_message_says_why_it_waits_and_when_its_turn_comes(
    relay: Relay, newcomer: Site, clock: FakeClock
) -> None:
    newsletter(relay, newcomer, crowd("a", 20))
    told = []
    for n in range(61):
        told.append(accept(relay, newcomer, to=[f"b{n}@customer.example"], stream=Stream.MARKETING))
    let_go(relay)
    with relay.reads() as session:
        found = [
            timelines.find(session, newcomer.id, UUID(receipt["id"]), now=clock()).recipients[0]
            for receipt in (told[0], told[29], told[30], told[60])
        ]
    assert {copy.status for copy in found} == {"queued"}
    assert {(copy.reason or {})["code"] for copy in found} == {"warm-up"}
    assert [(copy.reason or {})["until"] for copy in found] == [
        "2026-11-22T10:00:00Z",
        "2026-11-22T11:00:00Z",
        "2026-11-23T00:00:00Z",
        "2026-11-23T01:00:00Z",  # 30 an hour after a clean day
    ]


def test_a_copy_whose_turn_comes_too_late_says_so(relay: Relay, newcomer: Site) -> None:
    newsletter(relay, newcomer, crowd("a", 45))
    receipt = accept(
        relay,
        newcomer,
        to=["b@customer.example"],
        stream=Stream.MARKETING,
        expires_at=relay.clock() + timedelta(minutes=90),
    )
    reason = copy_of(relay, newcomer, receipt).reason
    assert reason == {"code": "warm-up", "title": warm_up.TITLES[WaitReason.WARM_UP]}
    with relay.reads() as session:
        found = timelines.find(session, newcomer.id, UUID(receipt["id"]), now=relay.clock())
    assert found.recipients[0].reason is not None
    assert found.recipients[0].reason["until"] is None
    assert found.recipients[0].reason["detail"] == progress.NOT_IN_TIME
