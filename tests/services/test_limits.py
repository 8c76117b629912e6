"""What a site, its account and its sources may have accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relay.addresses import parse
from relay.context import Relay
from relay.errors import LimitReached, NotFound, PostreeveError, TooLarge
from relay.gateways.compose import Mailbox
from relay.mail import Source
from relay.models import Account, Site, SiteCount, SourceCount
from relay.policy.limits import Meter
from relay.services import letters, limits, messages, retention, volumes
from relay.services.messages import Accepted, Request
from relay.services.suppressions import suppress
from relay.vocabulary import Kind, Limit, Stream, SuppressionReason, SuppressionScope
from tests.factories import make_draft, make_site
from tests.fakes import FakeClock
from tests.steps import accept, deliver_due, links, submit, subscribe, tell


def crowd(name: str, count: int) -> list[str]:
    return [f"{name}{n}@customer.example" for n in range(count)]


@pytest.fixture
def new_site(relay: Relay, account: Account, site: Site) -> Callable[..., Site]:
    """Make another site of the account, as small as a test wants it."""

    def make(**given: Any) -> Site:
        with relay.sessions.begin() as session:
            return make_site(session, account, **given)

    return make


def refusal(relay: Relay, site: Site, **given: Any) -> str | None:
    """The limit that refuses a mail, or None where it is taken."""
    try:
        accept(relay, site, **given)
    except LimitReached as error:
        return str(error.members["limit"])
    return None


def used(relay: Relay, site: Site) -> tuple[int, int, int, int]:
    with relay.reads() as session:
        row = session.get_one(SiteCount, site.id)
        return row.second_used, row.hour_used, row.day_used, row.day_before_used


# --- windows --------------------------------------------------------------------------------


def test_a_second_an_hour_and_a_day(
    relay: Relay, new_site: Callable[..., Site], clock: FakeClock
) -> None:
    site = new_site(limits={"second": 3, "hour": 5, "day": 7})
    assert refusal(relay, site, to=crowd("a", 2)) is None
    assert refusal(relay, site, to=crowd("a", 2)) == "site-second"
    clock.advance(seconds=1)
    assert refusal(relay, site, to=crowd("a", 3)) is None
    clock.advance(seconds=1)
    with pytest.raises(LimitReached) as refused:
        accept(relay, site, to=crowd("a", 1))
    left = 3_600 - (clock.now.minute * 60 + clock.now.second)
    assert refused.value.members == {
        "limit": "site-hour",
        "allowed": 5,
        "remaining": 0,
        "retry_after": left,
    }
    clock.advance(hours=1)
    assert refusal(relay, site, to=crowd("a", 3)) == "site-day"  # two are left
    assert refusal(relay, site, to=crowd("a", 2)) is None
    assert used(relay, site) == (2, 2, 7, 0)
    clock.advance(days=1)
    assert refusal(relay, site, to=crowd("a", 3)) is None
    assert used(relay, site) == (3, 3, 3, 7)
    clock.advance(days=2)
    assert refusal(relay, site, to=crowd("a", 1)) is None
    assert used(relay, site) == (1, 1, 1, 0)


def test_who_comes_late_counts_in_the_window_that_runs(
    relay: Relay, new_site: Callable[..., Site], clock: FakeClock
) -> None:
    """A request that waited for the site's lock may be older than what was counted meanwhile."""
    site = new_site(limits={"second": 3, "hour": 50, "day": 70})
    waited = clock.now
    clock.advance(days=1)
    accept(relay, site, to=crowd("a", 2))
    later, clock.now = clock.now, waited
    assert refusal(relay, site, to=crowd("a", 2)) == "site-second"
    accept(relay, site, to=crowd("a", 1))
    clock.now = later
    assert used(relay, site) == (3, 3, 3, 0)
    assert refusal(relay, site, to=crowd("a", 1)) == "site-second"


def test_a_new_site_has_its_declared_volume_and_a_quarter_of_it_an_hour(
    relay: Relay, new_site: Callable[..., Site], clock: FakeClock
) -> None:
    site = new_site(declared_daily=500)
    for n in range(4):
        for part in range(3):
            assert refusal(relay, site, to=crowd(f"{n}-{part}-", 40)) is None
        assert refusal(relay, site, to=crowd("x", 6)) == "site-hour"
        clock.advance(hours=1)
    assert refusal(relay, site, to=crowd("y", 21)) == "site-day"
    assert refusal(relay, site, to=crowd("y", 20)) is None


# --- what counts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        ({}, True),
        ({"kind": Kind.SECURITY, "body": "https://bank.example/"}, True),  # not protected, then
        ({"kind": Kind.SECURITY}, False),
        ({"stream": Stream.NOTIFICATION}, False),
        ({"stream": Stream.MARKETING}, False),
    ],
)
def test_only_transactional_mail_is_refused(
    given: dict[str, Any], bound: bool, relay: Relay, new_site: Callable[..., Site]
) -> None:
    site = new_site(limits={"hour": 1})
    accept(relay, site)
    assert refusal(relay, site, **given) == ("site-hour" if bound else None)


def test_what_the_relay_writes_draws_on_nothing(
    relay: Relay, account: Account, new_site: Callable[..., Site]
) -> None:
    site = new_site(limits={"day": 0})
    with relay.sessions.begin() as session:
        letters.write(
            session,
            account_id=account.id,
            site_id=site.id,
            sender=Mailbox(parse("news@shop.example"), "The shop"),
            to=parse("ada@customer.example"),
            letter=letters.Letter("Please confirm", "https://shop.example/", "<p>x</p>"),
            now=relay.clock(),
        )
    with relay.reads() as session:
        assert session.get(SiteCount, site.id) is None
    assert len(deliver_due(relay)) == 1


def test_whom_the_relay_does_not_mail_is_not_counted(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        suppress(
            session,
            account_id=site.account_id,
            site_id=site.id,
            address=parse("a0@customer.example"),
            reason=SuppressionReason.MANUAL,
            scope=SuppressionScope.ALL,
            evidence={},
            now=relay.clock(),
        )
    accept(relay, site, to=crowd("a", 3))
    assert used(relay, site)[1:3] == (2, 2)


@pytest.mark.parametrize("stream", Stream)
def test_people_and_bytes_of_a_message_bind_every_stream(
    stream: Stream, relay: Relay, new_site: Callable[..., Site]
) -> None:
    site = new_site(limits={"recipients": 2, "size": 20_000})
    accept(relay, site, stream=stream, to=crowd("a", 2))
    with pytest.raises(TooLarge, match="2 recipients"):
        accept(relay, site, stream=stream, to=crowd("a", 3))
    with pytest.raises(TooLarge, match="20,000 bytes"):
        accept(relay, site, stream=stream, to=crowd("a", 1), body="x\r\n" * 9_000)


# --- account --------------------------------------------------------------------------------


def test_sites_of_an_account_share_its_limits(
    relay: Relay, account: Account, new_site: Callable[..., Site], clock: FakeClock
) -> None:
    one, other = new_site(), new_site()
    with relay.sessions.begin() as session:
        limits.set_for_account(session, account.id, {"hour": 5})
    assert refusal(relay, one, to=crowd("a", 3)) is None
    assert refusal(relay, other, to=crowd("b", 3)) == "account-hour"
    assert refusal(relay, other, to=crowd("b", 2)) is None
    assert refusal(relay, one, to=crowd("c", 1)) == "account-hour"
    clock.advance(hours=1)
    assert refusal(relay, one, to=crowd("c", 5)) is None


def test_a_site_may_have_more_than_its_account_but_the_account_binds(
    relay: Relay, account: Account, new_site: Callable[..., Site]
) -> None:
    site = new_site(limits={"hour": 1_000})
    with relay.sessions.begin() as session:
        limits.set_for_account(session, account.id, {"hour": 2})
    assert refusal(relay, site, to=crowd("a", 3)) == "account-hour"


# --- batches --------------------------------------------------------------------------------


def batch(relay: Relay, site: Site, *drafts: Any) -> list[Accepted | PostreeveError]:
    with relay.sessions.begin() as session:
        return messages.accept_batch(
            session,
            site.id,
            [Request(draft, None, str(n)) for n, draft in enumerate(drafts)],
            links=links(relay),
            now=relay.clock(),
        )


def test_a_batch_draws_message_by_message(relay: Relay, new_site: Callable[..., Site]) -> None:
    site = new_site(limits={"hour": 40})
    form = Source("cf7", "footer")  # a quarter of it: 10
    told = batch(
        relay,
        site,
        make_draft(to=crowd("a", 8), source=form),
        make_draft(to=crowd("b", 3), source=form),
        make_draft(to=crowd("b", 2), source=form),
        make_draft(to=crowd("c", 25)),
        make_draft(to=crowd("d", 6)),
        make_draft(to=crowd("d", 5)),
        make_draft(to=crowd("e", 1), stream=Stream.NOTIFICATION),
    )
    assert [
        each.members["limit"] if isinstance(each, LimitReached) else isinstance(each, Accepted)
        for each in told
    ] == [True, "source", True, True, "site-hour", True, True]
    assert used(relay, site)[1] == 40
    with relay.reads() as session:
        assert session.get_one(SourceCount, (site.id, "cf7/footer")).open_until is not None
    assert refusal(relay, site) == "site-hour"


# --- sources --------------------------------------------------------------------------------


def test_a_flooded_form_stops_itself_and_nothing_else(
    relay: Relay, new_site: Callable[..., Site], clock: FakeClock
) -> None:
    site = new_site(limits={"hour": 80})
    flooded, other = Source("cf7", "footer"), Source("cf7", "quote")
    clock.advance(minutes=30)
    for n in range(20):
        assert refusal(relay, site, to=crowd(f"a{n}-", 1), source=flooded) is None
    with pytest.raises(LimitReached) as refused:
        accept(relay, site, source=flooded)
    assert refused.value.members == {
        "limit": "source",
        "allowed": 20,
        "remaining": 0,
        "retry_after": 30 * 60,
    }
    assert refusal(relay, site, source=other) is None
    assert refusal(relay, site, source=Source("cf7")) is None
    assert refusal(relay, site) is None

    clock.advance(minutes=31)  # the hour is over
    for n in range(20):
        assert refusal(relay, site, to=crowd(f"b{n}-", 1), source=flooded) is None
    clock.advance(hours=1)  # the second time it takes three hours more
    assert refusal(relay, site, source=flooded) == "source"
    clock.advance(hours=3)
    assert refusal(relay, site, source=flooded) is None


def test_an_operator_closes_the_breaker_of_a_form_that_was_mended(
    relay: Relay, new_site: Callable[..., Site]
) -> None:
    site = new_site(limits={"hour": 40})
    form = Source("cf7", "footer")
    accept(relay, site, to=crowd("a", 10), source=form)
    assert refusal(relay, site, source=form) == "source"

    with relay.sessions.begin() as session:
        limits.close_breaker(session, site.id, "cf7/footer", now=relay.clock())

    assert refusal(relay, site, source=form) is None
    with pytest.raises(NotFound, match="No breaker"), relay.sessions.begin() as session:
        limits.close_breaker(session, site.id, "cf7/footer", now=relay.clock())


def test_a_source_of_newsletters_and_protected_mail_has_no_breaker(
    relay: Relay, new_site: Callable[..., Site]
) -> None:
    site = new_site(limits={"hour": 20})
    shop = Source("shop")
    accept(relay, site, to=crowd("a", 40), stream=Stream.NOTIFICATION, source=shop)
    accept(relay, site, kind=Kind.SECURITY, source=shop)
    with relay.reads() as session:
        assert session.get(SourceCount, (site.id, "shop")) is None


def test_sources_that_were_silent_for_a_month_are_forgotten(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    accept(relay, site, source=Source("shop"))
    clock.advance(days=20)
    accept(relay, site, source=Source("cf7"))
    clock.advance(days=11)
    with relay.sessions.begin() as session:
        retention.purge(session, now=relay.clock())
    with relay.reads() as session:
        assert session.get(SourceCount, (site.id, "shop")) is None
        assert session.get(SourceCount, (site.id, "cf7")) is not None


# --- what is shown --------------------------------------------------------------------------


def test_a_site_s_limits_are_shown_with_their_use(
    relay: Relay, account: Account, new_site: Callable[..., Site]
) -> None:
    site = new_site(limits={"hour": 40}, declared_daily=400)
    accept(relay, site, to=crowd("a", 10), source=Source("cf7", "footer"))
    accept(relay, site, to=crowd("b", 3), source=Source("shop"))
    with relay.sessions.begin() as session:
        limits.set_for_account(session, account.id, {"day": 9_000})
        found = limits.of_site(session, site.id, now=relay.clock())

    assert (found.plan, found.limits.hour, found.limits.day) == ("agency", 40, 9_000)
    assert (found.declared_daily, found.overrides) == (400, {"day": "account", "hour": "site"})
    assert [(m.limit, m.allowed, m.used) for m in found.meters] == [
        (Limit.SITE_SECOND, 500, 13),
        (Limit.SITE_HOUR, 40, 13),
        (Limit.SITE_DAY, 400, 13),
        (Limit.ACCOUNT_SECOND, 500, 13),
        (Limit.ACCOUNT_HOUR, 50_000, 13),
        (Limit.ACCOUNT_DAY, 9_000, 13),
    ]
    assert [(s.plugin, s.form, s.used, s.allowed) for s in found.sources] == [
        ("cf7", "footer", 10, 10),
        ("shop", None, 3, 20),
    ]
    assert found.sources[0].open_until == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert found.sources[1].open_until is None


def test_an_acceptance_says_what_is_left(relay: Relay, new_site: Callable[..., Site]) -> None:
    site = new_site(limits={"hour": 40})
    accepted = submit(relay, site, to=crowd("a", 3), source=Source("shop"))
    left = {meter.limit: meter.left for meter in accepted.meters}
    assert (left[Limit.SITE_HOUR], left[Limit.SOURCE]) == (37, 17)
    assert all(isinstance(meter, Meter) for meter in accepted.meters)


# --- growing --------------------------------------------------------------------------------


@pytest.fixture
def today(clock: FakeClock) -> datetime:
    """The clock shows the real day, for ids are made by the real clock."""
    clock.now = datetime.now(UTC)
    return clock.now


def judge(relay: Relay, now: datetime) -> int:
    with relay.sessions.begin() as session:
        return volumes.judge_yesterday(session, now=now)


def volume(relay: Relay, site: Site) -> int:
    with relay.reads() as session:
        return session.get_one(Site, site.id).declared_daily


@pytest.mark.parametrize(
    ("declared", "complaint", "sends_today", "after"),
    [
        (40, False, False, 60),
        (40, False, True, 60),  # what yesterday had is still known
        (41, False, False, 41),  # half of it was not used
        (40, True, False, 40),
    ],
)
def test_a_clean_day_that_needed_its_volume_lets_it_grow(
    declared: int, complaint: bool, sends_today: bool, after: int,
    relay: Relay, new_site: Callable[..., Site], clock: FakeClock, today: datetime,
) -> None:  # fmt: skip
    site = new_site(declared_daily=declared)
    accept(relay, site, to=crowd("a", 20))
    envelopes = deliver_due(relay)
    for envelope in envelopes:
        tell(relay, "Delivery", envelope, at=today)
    if complaint:
        tell(relay, "Complaint", envelopes[0], at=today)
    clock.advance(days=1)
    if sends_today:
        accept(relay, site, to=crowd("b", 1))

    judge(relay, clock.now)

    assert volume(relay, site) == after
    assert judge(relay, clock.now) == 0  # a day is judged once


def test_a_volume_grows_no_further_than_the_plan(
    relay: Relay, new_site: Callable[..., Site], clock: FakeClock, today: datetime
) -> None:
    site = new_site(declared_daily=30, limits={"day": 35})
    accept(relay, site, to=crowd("a", 20))
    for envelope in deliver_due(relay):
        tell(relay, "Delivery", envelope, at=today)
    assert judge(relay, clock.now + timedelta(days=1)) == 1
    assert volume(relay, site) == 35


def test_marketing_to_confirmed_people_is_counted_in_usage_only(
    relay: Relay, new_site: Callable[..., Site]
) -> None:
    site = new_site(limits={"day": 0})
    subscribe(relay, site, *make_draft(to=crowd("a", 5)).recipients)
    accept(relay, site, stream=Stream.MARKETING, list_id="news", to=crowd("a", 5))
    with relay.reads() as session:
        assert session.get(SiteCount, site.id) is None
