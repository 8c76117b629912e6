"""How fast a worker sends: as the provider allows, slower after a refusal, not at all on a hold."""

from __future__ import annotations

import pytest

from relay.policy.pace import BACK_OFF, HOLDS, SLOWEST, Pace, put_off


def sent_in(pace: Pace, seconds: float, *, since: float = 0.0, wanted: int = 1_000) -> int:
    """How many copies leave within so many seconds, asking every hundredth."""
    return sum(pace.take(wanted, since + n / 100) for n in range(int(seconds * 100)))


def test_without_a_limit_everything_leaves_at_once() -> None:
    assert Pace().take(500, now=0.0) == 500


def test_the_providers_rate_is_kept() -> None:
    pace = Pace()
    pace.learn(14.0)
    assert sent_in(pace, 10) == pytest.approx(140, abs=4)


def test_a_slow_rate_still_lets_copies_through() -> None:
    pace = Pace()
    pace.learn(1.0)  # the sandbox
    assert sent_in(pace, 10) == pytest.approx(10, abs=1)


def test_idle_time_earns_no_flood() -> None:
    pace = Pace()
    pace.learn(100.0)
    pace.take(1, now=0.0)
    assert pace.take(1_000, now=3_600.0) <= 25


def test_a_throttle_slows_down_once_a_second() -> None:
    pace = Pace()
    pace.learn(100.0)
    for now in (5.0, 5.1, 5.9):
        pace.trouble("rate", now, in_use=10)
    assert pace.rate == pytest.approx(100 * BACK_OFF)
    pace.trouble("rate", 6.0, in_use=10)
    assert pace.rate == pytest.approx(100 * BACK_OFF**2)


def test_a_throttle_of_an_unknown_limit_starts_from_what_was_on_the_wire() -> None:
    pace = Pace()
    pace.trouble("rate", 0.0, in_use=20)
    assert pace.rate == pytest.approx(20 * BACK_OFF)


def test_it_never_stops_altogether_and_recovers() -> None:
    pace = Pace()
    pace.learn(100.0)
    for second in range(60):
        pace.trouble("rate", float(second), in_use=1)
    assert pace.rate == SLOWEST
    sent_in(pace, 30, since=61.0)
    assert pace.rate == pytest.approx(100.0)


@pytest.mark.parametrize("code", sorted(set(HOLDS) - {"rate"}))
def test_trouble_that_concerns_everything_holds_everything(code: str) -> None:
    pace = Pace()
    pace.trouble(code, 100.0, in_use=1)
    assert pace.take(10, 100.0) == 0
    assert pace.held_for(100.0) == HOLDS[code]
    assert pace.take(10, 100.0 + HOLDS[code]) == 10


def test_a_short_hold_does_not_end_a_long_one() -> None:
    pace = Pace()
    pace.trouble("daily-quota", 0.0, in_use=1)
    pace.trouble("unreachable", 1.0, in_use=1)
    assert pace.held_for(10.0) == HOLDS["daily-quota"] - 10


def test_what_was_granted_and_not_used_comes_back() -> None:
    pace = Pace()
    pace.learn(4.0)
    granted = pace.take(10, 1.0)
    pace.give_back(granted)
    assert pace.take(10, 1.0) == granted


def test_the_limit_may_be_lifted() -> None:
    pace = Pace()
    pace.learn(1.0)
    pace.learn(None)
    assert pace.take(500, 0.0) == 500


@pytest.mark.parametrize("code", [*HOLDS, "something-new"])
def test_a_copy_that_was_turned_back_comes_back(code: str) -> None:
    assert put_off(code) > 0
