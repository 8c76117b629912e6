"""How fast a site mails a gateway that has refused for rate: slower, and in time as before."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.policy.pace import (
    FIRST,
    FREE,
    GROWTH,
    HALVE_EVERY,
    SLOWEST,
    WAIT_AT_MOST,
    Pace,
    is_free,
    rate_at,
    refused,
    slots,
)
from tests.fakes import MORNING


def at(seconds: float) -> datetime:
    return MORNING + timedelta(seconds=seconds)


def paced(rate: float = FIRST, *, next_at: float = 0.0, refused_at: float = 0.0) -> Pace:
    return Pace(rate, at(next_at), at(refused_at), at(refused_at))


def test_the_first_refusal_sets_a_slow_pace() -> None:
    pace = refused(None, at(0), at(1))
    assert (pace.rate, pace.next_at) == (FIRST, at(1 + 1 / FIRST))


def test_a_refusal_of_what_left_before_is_no_news() -> None:
    pace = refused(None, at(0), at(1))
    assert refused(pace, at(0.9), at(60)) == pace


def test_further_refusals_halve_it_but_not_all_at_once() -> None:
    pace = refused(None, at(0), at(0))
    soon = refused(pace, at(1), at(2))
    assert soon.rate == pytest.approx(FIRST, rel=0.02)
    later = HALVE_EVERY.total_seconds()
    again = refused(soon, at(3), at(later))
    assert again.rate == pytest.approx(FIRST / 2, rel=0.1)
    assert refused(again, at(later + 1), at(later + 2)).rate >= again.rate


def test_it_never_stops_altogether() -> None:
    pace = refused(None, at(0), at(0))
    for n in range(1, 100):
        pace = refused(pace, at(n * 20 - 1), at(n * 20))
    assert pace.rate == SLOWEST


def test_clean_time_lets_it_recover_until_nothing_holds_it_back() -> None:
    pace = paced()
    assert rate_at(pace, at(60)) == pytest.approx(FIRST * GROWTH)
    assert rate_at(pace, at(120)) == pytest.approx(FIRST * GROWTH**2)
    assert not is_free(pace, at(600))
    assert is_free(pace, at(660))
    assert is_free(paced(SLOWEST), at(30 * 60))


def test_a_gateway_that_was_free_again_begins_anew() -> None:
    assert refused(paced(SLOWEST), at(1_999), at(2_000)).rate == FIRST


def test_what_may_not_leave_gets_slots_one_after_the_other() -> None:
    pace, going, waiting = slots(paced(next_at=5), 3, at(5))
    assert (going, pace.next_at) == (1, at(5) + timedelta(seconds=1 / rate_at(pace, at(5))))
    assert waiting[0] == pace.next_at
    assert [each > at(5) for each in waiting] == [True, True]
    assert waiting[1] - waiting[0] == timedelta(seconds=1 / rate_at(pace, at(5)))


def test_nobody_waits_so_long_that_the_recovery_is_not_felt() -> None:
    _, _, waiting = slots(paced(SLOWEST), 500, at(0))
    assert max(waiting) == at(0) + WAIT_AT_MOST


def test_idle_time_earns_no_flood() -> None:
    _, going, _ = slots(paced(), 100, at(60))
    assert going <= 3


@given(
    rate=st.floats(SLOWEST, FREE / 2),
    steps=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 20)), max_size=30),
)
def test_however_it_is_asked_the_pace_is_kept(rate: float, steps: list[tuple[float, int]]) -> None:
    pace, now, gone = paced(rate), 0.0, 0
    for pause, copies in steps:
        now += pause
        pace, going, waiting = slots(pace, copies, at(now))
        gone += going
        assert going + len(waiting) == copies
        assert all(each > at(now) for each in waiting)
    assert gone <= rate_at(pace, at(now)) * (now + 2) + 2
