"""What all workers may send together: what the provider allows, less after a refusal, nothing on a hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.policy.budget import (
    BACK_OFF,
    BURST,
    HOLDS,
    KEPT,
    SLOWEST,
    STEADY,
    UNLIMITED,
    Budget,
    allowance,
    filled,
    held_for,
    learned,
    left_today,
    put_off,
    spent,
    troubled,
    until_next,
)
from tests.fakes import MORNING


def at(seconds: float) -> datetime:
    return MORNING + timedelta(seconds=seconds)


def limited(rate: float) -> Budget:
    return learned(Budget(), ceiling=rate, per_day=None, sent_day=0, since=0)


def take(budget: Budget, most: int, now: datetime, *, lower: bool = False) -> tuple[Budget, int]:
    """Take what may leave, all of it from the upper or all from the lower lanes."""
    budget = filled(budget, now)
    allowed = allowance(budget, most, now)
    copies = allowed.lower if lower else allowed.copies
    return spent(budget, copies, copies if lower else 0), copies


def sent_in(
    budget: Budget, seconds: float, *, since: float = 0.0, lower: bool = False
) -> tuple[Budget, int]:
    """How many copies leave within so many seconds, asking every hundredth."""
    total = 0
    for n in range(int(seconds * 100)):
        budget, copies = take(budget, 1_000, at(since + n / 100), lower=lower)
        total += copies
    return budget, total


def test_without_a_limit_everything_leaves_at_once() -> None:
    assert take(Budget(), 500, at(0))[1] == 500


@pytest.mark.parametrize(("rate", "seconds"), [(14.0, 20), (1.0, 100), (500.0, 5)])
def test_the_providers_rate_is_used_and_never_exceeded(rate: float, seconds: float) -> None:
    _, total = sent_in(limited(rate), seconds)
    assert 0.95 * rate * seconds <= total <= rate * seconds + rate * BURST + 1


def test_a_tenth_is_kept_from_the_lower_lanes() -> None:
    _, total = sent_in(limited(100.0), 10, lower=True)
    assert total == pytest.approx(1_000 * STEADY * (1 - KEPT), rel=0.02)


def test_a_receipt_finds_a_token_while_newsletters_take_all_they_may() -> None:
    budget, _ = sent_in(limited(100.0), 10, lower=True)
    assert allowance(filled(budget, at(10)), 10, at(10)).copies >= 10


def test_idle_time_earns_no_flood() -> None:
    budget, _ = take(limited(100.0), 1, at(0))
    assert take(budget, 1_000, at(3_600))[1] <= 25


@given(
    rate=st.floats(1, 1_000),
    pauses=st.lists(st.floats(0, 3), max_size=40),
    most=st.integers(1, 200),
    lower=st.booleans(),
)
def test_however_it_is_asked_no_more_leaves_than_the_rate_allows(
    rate: float, pauses: list[float], most: int, lower: bool
) -> None:
    budget, now, total = limited(rate), 0.0, 0
    for pause in pauses:
        now += pause
        budget, copies = take(budget, most, at(now), lower=lower)
        total += copies
        assert budget.tokens >= 0
    assert total <= rate * now + max(1.0, rate * BURST) + 1


def test_a_clock_that_steps_back_gives_nothing_twice() -> None:
    budget, _ = take(limited(100.0), 1_000, at(10))
    budget, _ = take(budget, 1_000, at(5))
    assert take(budget, 1_000, at(10))[1] == 0


def test_how_long_the_next_token_takes() -> None:
    budget, _ = take(limited(2.0), 10, at(0))
    assert until_next(budget) == pytest.approx(1 / (2 * STEADY))
    assert until_next(Budget()) == 0


def test_a_throttle_slows_down_once_a_second() -> None:
    budget = filled(limited(100.0), at(0))
    for now in (5.0, 5.1, 5.9):
        budget = troubled(budget, "rate", at(now), in_use=10)
    assert budget.rate == pytest.approx(100 * BACK_OFF)
    budget = troubled(budget, "rate", at(6.0), in_use=10)
    assert budget.rate == pytest.approx(100 * BACK_OFF**2)


def test_a_throttle_of_an_unknown_limit_starts_from_what_was_on_the_wire() -> None:
    assert troubled(Budget(), "rate", at(0), in_use=20).rate == pytest.approx(20 * BACK_OFF)


def test_it_never_stops_altogether_and_recovers() -> None:
    budget = filled(limited(100.0), at(0))
    for second in range(60):
        budget = troubled(budget, "rate", at(second), in_use=1)
    assert budget.rate == SLOWEST
    budget, _ = sent_in(budget, 30, since=61)
    assert budget.rate == pytest.approx(100.0)


@pytest.mark.parametrize("code", sorted(set(HOLDS) - {"rate"}))
def test_trouble_that_concerns_everything_holds_everybody(code: str) -> None:
    budget = troubled(Budget(), code, at(0), in_use=1)
    assert take(budget, 10, at(0))[1] == 0
    assert held_for(budget, at(0)) == HOLDS[code]
    assert budget.held_code == code
    assert take(budget, 10, at(HOLDS[code]))[1] == 10


def test_a_short_hold_does_not_end_a_long_one() -> None:
    budget = troubled(Budget(), "daily-quota", at(0), in_use=1)
    budget = troubled(budget, "unreachable", at(1), in_use=1)
    assert (held_for(budget, at(10)), budget.held_code) == (590.0, "daily-quota")


@pytest.mark.parametrize("code", [*HOLDS, "something-new"])
def test_a_copy_that_was_turned_back_comes_back(code: str) -> None:
    assert put_off(code) > 0


@pytest.mark.parametrize(
    ("per_day", "sent_day", "taken", "upper", "lower"),
    [
        pytest.param(None, 0, 0, 50, 50, id="unknown"),
        pytest.param(UNLIMITED, 1_000_000, 0, 50, 50, id="no quota"),
        pytest.param(1_000, 0, 0, 50, 50, id="all of it left"),
        pytest.param(1_000, 860, 20, 50, 20, id="the last tenth begins"),
        pytest.param(1_000, 900, 0, 50, 0, id="the last tenth"),
        pytest.param(1_000, 970, 10, 20, 0, id="nearly used up"),
        pytest.param(1_000, 900, 100, 0, 0, id="used up"),
        pytest.param(1_000, 1_100, 0, 0, 0, id="more than used up: somebody else sends, too"),
    ],
)
def test_the_day_quota_and_its_last_tenth(
    per_day: int | None, sent_day: int, taken: int, upper: int, lower: int
) -> None:
    allowed = allowance(Budget(per_day=per_day, sent_day=sent_day, taken=taken), 50, at(0))
    assert (allowed.copies, allowed.lower) == (upper, lower)


def test_what_was_sent_since_the_provider_told_counts() -> None:
    budget = learned(Budget(), ceiling=None, per_day=1_000, sent_day=300, since=5)
    assert left_today(spent(budget, 20, 0)) == 675


def test_a_raised_limit_holds_at_once_but_a_slowed_rate_only_recovers() -> None:
    raised = learned(limited(14.0), ceiling=50.0, per_day=None, sent_day=0, since=0)
    slowed = troubled(limited(14.0), "rate", at(0), in_use=1)
    assert raised.rate == 50.0
    assert learned(slowed, ceiling=50.0, per_day=None, sent_day=0, since=0).rate == slowed.rate


def test_the_limit_may_be_lowered_or_lifted() -> None:
    assert learned(limited(14.0), ceiling=1.0, per_day=None, sent_day=0, since=0).rate == 1.0
    lifted = learned(limited(14.0), ceiling=None, per_day=None, sent_day=0, since=0)
    assert take(replace(lifted, tokens=0.0), 500, at(0))[1] == 500
