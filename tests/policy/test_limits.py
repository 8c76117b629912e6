"""What may be accepted: plans, what was set otherwise, and the rules of counting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from relay.api.rate_limits import WINDOW
from relay.errors import Invalid, LimitReached, NotFound, TooLarge
from relay.mail import Source
from relay.policy import limits, plans
from relay.policy.limits import Meter, Quota
from relay.policy.plans import LEAST, MOST, NAMES, Limits
from relay.vocabulary import Limit
from tests.factories import make_draft

STANDARD = plans.plan("standard").limits

# --- plans ----------------------------------------------------------------------------------


def test_a_larger_plan_allows_nothing_less() -> None:
    sizes = [plans.by_name(plan.limits) for plan in plans.plans().values()]

    for smaller, larger in pairwise(sizes):
        assert all(smaller[name] <= larger[name] for name in NAMES)


@pytest.mark.parametrize("name", plans.plans())
def test_every_plan_can_be(name: str) -> None:
    found = plans.by_name(plans.plan(name).limits)
    assert all(LEAST[limit] <= found[limit] <= MOST[limit] for limit in NAMES)
    assert found["second"] <= found["hour"] <= found["day"]


def test_a_plan_that_is_not_there_says_which_are() -> None:
    with pytest.raises(NotFound, match="trial, standard, business, agency"):
        plans.plan("gold")


@pytest.mark.parametrize(
    ("account", "site", "differs"),
    [
        (None, None, {}),
        ({"hour": 7}, None, {"hour": 7}),
        ({"hour": 7}, {"hour": 9}, {"hour": 9}),
        ({"hour": 7, "day": 70}, {"hour": 9}, {"hour": 9, "day": 70}),
        ({"of an older release": 1}, None, {}),
    ],
)
def test_site_before_account_before_plan(account: Any, site: Any, differs: dict[str, int]) -> None:
    assert plans.limits_of("standard", account, site) == replace(STANDARD, **differs)


def test_a_plan_of_a_later_release_counts_as_the_usual_one() -> None:
    assert plans.limits_of("enterprise", None) == STANDARD


@pytest.mark.parametrize(
    ("before", "given", "cleared", "after"),
    [
        (None, {"hour": 5}, set(), {"hour": 5}),
        ({"hour": 5}, {"day": 6}, set(), {"hour": 5, "day": 6}),
        ({"hour": 5, "day": 6}, {}, {"hour"}, {"day": 6}),
        ({"hour": 5}, {"hour": 7}, {"hour"}, {"hour": 7}),
        ({"hour": 5}, {}, set(NAMES), None),
    ],
)
def test_what_is_set_stays_until_it_is_cleared(
    before: Any, given: dict[str, int], cleared: set[str], after: Any
) -> None:
    assert plans.changed(before, given, frozenset(cleared)) == after


@pytest.mark.parametrize(
    "given", [{"recipients": 51}, {"recipients": 0}, {"size": 1}, {"second": 0}, {"day": -1}]
)
def test_a_limit_has_bounds(given: dict[str, int]) -> None:
    with pytest.raises(Invalid, match="lies between"):
        plans.changed(None, given, frozenset())


# --- one message ----------------------------------------------------------------------------


def test_people_and_bytes_of_a_message() -> None:
    draft = make_draft(to=["a@b.example", "c@b.example"])
    size = draft.mime.size
    limits.check_message(draft, replace(STANDARD, recipients=2, size=size))
    with pytest.raises(TooLarge) as people:
        limits.check_message(draft, replace(STANDARD, recipients=1))
    with pytest.raises(TooLarge) as octets:
        limits.check_message(draft, replace(STANDARD, size=size - 1))
    assert people.value.members == {"limit": 1, "unit": "recipients"}
    assert octets.value.members == {"limit": size - 1, "unit": "bytes"}


# --- what a site may send -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "given", "allowed"),
    [
        (500, {}, (50, 125, 500)),
        (10_000, {}, (50, 2_000, 10_000)),  # the plan's hour
        (1_000_000, {}, (50, 2_000, 20_000)),  # the plan's day
        (40, {}, (50, 20, 40)),  # an hour has twenty, whatever its share
        (7, {}, (50, 7, 7)),  # but no more than the day
        (0, {}, (50, 0, 0)),
        (500, {"hour": 30, "second": 2}, (2, 30, 500)),
    ],
)
def test_the_day_is_declared_and_the_hour_a_share_of_it(
    declared: int, given: dict[str, int], allowed: tuple[int, ...]
) -> None:
    found = limits.transactional(replace(STANDARD, **given), declared)
    assert tuple(found.values()) == allowed
    assert list(found) == ["second", "hour", "day"]


@pytest.mark.parametrize(
    ("declared", "used", "after"),
    [
        (500, 250, 750),
        (500, 249, 500),
        (500, 500, 750),
        (15_000, 10_000, 20_000),  # up to the plan
        (30_000, 30_000, 30_000),  # what an operator has set beyond it stays
        (1, 1, 1),
    ],
)
def test_a_volume_grows_where_half_of_it_was_used(declared: int, used: int, after: int) -> None:
    assert limits.grown(declared, used, STANDARD.day) == after


@pytest.mark.parametrize(
    ("hour", "source", "allowed"),
    [
        (125, "woocommerce", 62),
        (125, "contact-form-7/footer", 31),
        (20, "contact-form-7/footer", 10),
        (8, "contact-form-7", 8),
        (0, "shop", 0),
    ],
)
def test_no_source_has_the_hour_for_itself(hour: int, source: str, allowed: int) -> None:
    assert limits.source_allowed(hour, source) == allowed


@pytest.mark.parametrize(
    ("source", "key"),
    [
        (Source("shop", None), "shop"),
        (Source("cf7", "footer"), "cf7/footer"),
        (Source(None, "footer"), "/footer"),
        (Source(None, None), None),
        (Source("", ""), None),
    ],
)
def test_what_a_source_is_counted_under(source: Source, key: str | None) -> None:
    assert limits.source_key(source) == key


# --- meters ---------------------------------------------------------------------------------


def meter(limit: Limit, allowed: int, used: int, resets: int = 60) -> Meter:
    window = 1 if limit in (Limit.SITE_SECOND, Limit.ACCOUNT_SECOND) else 3_600
    return Meter(limit, allowed, used, window, resets)


@pytest.mark.parametrize(
    ("used", "people", "takes"), [(0, 9, True), (0, 10, False), (8, 1, True), (8, 2, False)]
)
def test_a_message_is_taken_whole_or_not_at_all(used: int, people: int, takes: bool) -> None:
    assert meter(Limit.SITE_HOUR, 9, used).takes(people) is takes


@pytest.mark.parametrize(("used", "people", "takes"), [(0, 50, True), (1, 50, False), (1, 8, True)])
def test_a_second_takes_one_message_however_many_it_is_for(
    used: int, people: int, takes: bool
) -> None:
    assert meter(Limit.SITE_SECOND, 9, used).takes(people) is takes


def test_of_several_limits_that_are_reached_the_longest_is_named() -> None:
    quota = Quota(
        [
            meter(Limit.SITE_SECOND, 1, 1, 1),
            meter(Limit.SITE_HOUR, 10, 9, 700),
            meter(Limit.SITE_DAY, 10_000, 9_999, 7_000),
            meter(Limit.ACCOUNT_HOUR, 10, 9, 700),
        ]
    )
    with pytest.raises(LimitReached, match="may write to 10,000 people a day") as refused:
        limits.check_quota(2, None, quota)
    assert refused.value.members == {
        "limit": "site-day",
        "allowed": 10_000,
        "remaining": 1,
        "retry_after": 7_000,
    }
    with pytest.raises(LimitReached) as refused:
        limits.check_quota(1, None, quota)
    assert (refused.value.members["limit"], refused.value.members["retry_after"]) == (
        "site-second",
        1,
    )


def test_what_is_drawn_counts_for_the_site_and_the_source() -> None:
    quota = Quota([meter(Limit.SITE_DAY, 10, 0)], {"cf7": meter(Limit.SOURCE, 5, 0)})
    quota.draw(5, "cf7")
    quota.draw(1, None)
    assert [each.used for each in quota.meters_for("cf7")] == [6, 5]
    with pytest.raises(LimitReached, match="look whether strangers use it"):
        limits.check_quota(1, "cf7", quota)
    limits.check_quota(4, "another", quota)


def test_every_limit_has_a_sentence_and_a_window() -> None:
    counted = set(Limit) - {Limit.FIRST_CONTACTS, Limit.REQUESTS}
    assert set(limits.SENTENCES) == counted
    assert set(WINDOW) == set(Limit)


# --- breakers -------------------------------------------------------------------------------

NOW = datetime(2026, 11, 22, 9, 20, tzinfo=UTC)
ENDS = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("openings", "closed_ago", "times", "beyond"),
    [
        (0, None, 1, timedelta(0)),
        (1, timedelta(minutes=20), 2, timedelta(hours=3)),
        (2, timedelta(hours=24), 3, timedelta(hours=23)),
        (3, timedelta(hours=1), 4, timedelta(hours=23)),
        (3, timedelta(hours=25), 1, timedelta(0)),
    ],
)
def test_a_breaker_that_opens_again_stays_open_longer(
    openings: int, closed_ago: timedelta | None, times: int, beyond: timedelta
) -> None:
    closed = NOW - closed_ago if closed_ago is not None else None
    assert limits.opens(openings, closed, hour_ends=ENDS, now=NOW) == (times, ENDS + beyond)


def test_limits_are_compared_by_value() -> None:
    assert Limits(1, 2, 3, 4, 5).merged({"day": 3}) == Limits(1, 2, 3, 4, 5)
