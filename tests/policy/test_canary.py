"""What is unusual, how many copies go first, and what they must have shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from relay.policy import canary
from relay.policy.canary import Figures
from relay.vocabulary import CanaryState

LEFT = datetime(2026, 11, 22, 9, tzinfo=UTC)
CLEAN, FAILED, UNCLEAR = CanaryState.CLEAN, CanaryState.FAILED, CanaryState.UNCLEAR


@pytest.mark.parametrize(
    ("today", "usual", "unusual"),
    [(500, 0, False), (501, 0, True), (501, 100, True), (501, 101, False), (50_001, 10_000, True)],
)
def test_more_than_five_times_the_usual_is_unusual(today: int, usual: int, unusual: bool) -> None:
    assert canary.is_unusual(today, usual) is unusual


@pytest.mark.parametrize(
    ("accepted", "first"), [(0, 100), (2_000, 100), (2_001, 101), (9_999, 500)]
)
def test_a_twentieth_goes_first_and_at_least_a_hundred(accepted: int, first: int) -> None:
    assert canary.first_copies(accepted) == first


@pytest.mark.parametrize(
    ("figures", "minutes", "said"),
    [
        (Figures(100, 100), 29, None),
        (Figures(100, 100, invalid=50), 29, None),
        (Figures(100, 100), 30, CLEAN),
        (Figures(100, 100, invalid=2), 30, CLEAN),
        (Figures(100, 100, invalid=3), 30, FAILED),
        (Figures(1_000, 1_000, invalid=19), 30, CLEAN),
        (Figures(1_000, 1_000, invalid=20), 30, FAILED),
        (Figures(100, 100, complained=1), 30, FAILED),
        (Figures(100, 100, spam=4), 30, CLEAN),
        (Figures(100, 100, spam=5), 30, FAILED),
        (Figures(1_000, 1_000, spam=49), 30, CLEAN),
        (Figures(100, 50), 30, CLEAN),
        (Figures(100, 49), 30, None),
        (Figures(100, 49), 359, None),
        (Figures(100, 49), 360, UNCLEAR),
        (Figures(100, 0), 360, UNCLEAR),
        (Figures(100, 10, complained=1), 30, FAILED),  # bad signs need no half
        (Figures(100, 10, invalid=2), 30, None),
        (Figures(100, 10, invalid=3), 30, FAILED),
        (Figures(0, 0), 360, UNCLEAR),
    ],
)
def test_the_verdict(figures: Figures, minutes: int, said: CanaryState | None) -> None:
    assert canary.verdict(figures, LEFT, LEFT + timedelta(minutes=minutes)) is said
