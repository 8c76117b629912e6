"""Chance with a seed."""

from __future__ import annotations

import pytest

from relay.replay.chance import Chance


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, other = Chance(7), Chance(7)
    assert [one.of(100, 0.3) for _ in range(20)] == [other.of(100, 0.3) for _ in range(20)]


@pytest.mark.parametrize(
    ("many", "share"), [(1, 0.5), (50, 0.02), (100, 0.9), (2_000, 0.01), (50_000, 0.3)]
)
def test_shares_come_out_on_average_and_within_bounds(many: int, share: float) -> None:
    drawn = [Chance(seed).of(many, share) for seed in range(400)]
    assert all(0 <= each <= many for each in drawn)
    assert sum(drawn) / len(drawn) == pytest.approx(many * share, rel=0.1)


@pytest.mark.parametrize(("many", "share", "gives"), [(0, 0.5, 0), (9, 0.0, 0), (9, 1.0, 9)])
def test_nothing_and_everything_are_certain(many: int, share: float, gives: int) -> None:
    assert Chance(1).of(many, share) == gives


@pytest.mark.parametrize("mean", [0.0, 0.4, 12.0, 1_000.0])
def test_so_many_come_on_average(mean: float) -> None:
    drawn = [Chance(seed).around(mean) for seed in range(400)]
    assert sum(drawn) / len(drawn) == pytest.approx(mean, rel=0.15)


def test_a_split_loses_nobody() -> None:
    parts, rest = Chance(3).split(1_000, {"a": 0.5, "b": 0.5})
    assert sum(many for _, many in parts) + rest == 1_000
    parts, rest = Chance(3).split(1_000, {"a": 0.3})
    assert rest == pytest.approx(700, abs=60)
