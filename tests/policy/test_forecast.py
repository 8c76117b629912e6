"""When the queue will be gone, by arithmetic that a person can check."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relay.policy.budget import UNLIMITED
from relay.policy.forecast import DAY, Supply, forecast, share_of_site

PROTECTED, TRANSACTIONAL, NOTIFICATION, MARKETING = range(4)


def seconds(found: dict[int, timedelta | None]) -> dict[int, float | None]:
    return {rank: end.total_seconds() if end else None for rank, end in found.items()}


@pytest.mark.parametrize(
    ("waiting", "supply", "gone"),
    [
        pytest.param({}, Supply(10.0), {}, id="nothing waits"),
        pytest.param({TRANSACTIONAL: 100}, Supply(None), {TRANSACTIONAL: None}, id="rate unknown"),
        pytest.param({TRANSACTIONAL: 100}, Supply(10.0), {TRANSACTIONAL: 10}, id="one lane"),
        pytest.param({MARKETING: 90}, Supply(10.0), {MARKETING: 10}, id="a tenth is kept"),
        pytest.param(
            {TRANSACTIONAL: 90, MARKETING: 100},
            Supply(10.0),
            # 9/s and 1/s for 10 s; then 90 newsletters at 9/s
            {TRANSACTIONAL: 10, MARKETING: 20},
            id="the lower lane gets its share meanwhile",
        ),
        pytest.param({PROTECTED: 10}, Supply(10.0, held=60), {PROTECTED: 61}, id="held"),
        pytest.param(
            {TRANSACTIONAL: 100},
            Supply(10.0, per_day=UNLIMITED),
            {TRANSACTIONAL: 10},
            id="no quota",
        ),
    ],
)
def test_how_long_it_takes(
    waiting: dict[int, int], supply: Supply, gone: dict[int, float | None]
) -> None:
    found = seconds(forecast(waiting, supply))
    assert found.keys() == gone.keys()
    for rank, expected in gone.items():
        assert found[rank] == (pytest.approx(expected, rel=0.001) if expected else expected)


def test_when_the_quota_is_used_up_as_much_leaves_as_falls_out_of_the_day() -> None:
    back = 8_640 / DAY  # a tenth of a copy a second
    found = forecast({TRANSACTIONAL: 1_100}, Supply(10.0, per_day=8_640, left=1_000))
    first = 1_000 / (10 - back)
    rest = (1_100 - 10 * first) / back
    assert seconds(found)[TRANSACTIONAL] == pytest.approx(first + rest, rel=0.01)


def test_newsletters_stop_at_the_last_tenth_of_the_quota() -> None:
    supply = Supply(10.0, per_day=10_000, left=1_500)
    found = seconds(forecast({MARKETING: 400}, supply))
    assert found[MARKETING] == pytest.approx(400 / 9, rel=0.01)
    found = seconds(forecast({MARKETING: 2_000}, supply))
    assert found[MARKETING] is not None
    assert found[MARKETING] > 10 * 400 / 9


def test_what_never_ends_is_not_foretold() -> None:
    assert forecast({MARKETING: 10**9}, Supply(1.0)) == {MARKETING: None}


@pytest.mark.parametrize(
    ("own", "copies", "sites", "share"),
    [
        pytest.param(50, 50, 1, 1.0, id="alone"),
        pytest.param(10, 50_990, 100, 1_000 / 50_990, id="a small site beside a large one"),
        pytest.param(50_000, 50_990, 100, 1.0, id="the large one is last"),
    ],
)
def test_a_sites_own_share(own: int, copies: int, sites: int, share: float) -> None:
    whole = timedelta(hours=1)
    found = share_of_site(own, copies, sites, whole)
    assert found.total_seconds() == pytest.approx(whole.total_seconds() * share, rel=0.001)
