"""Lanes by rank, and none starves."""

from __future__ import annotations

import pytest

from relay.policy.lanes import MOST_OWED, SHARE, order, settled

PROTECTED, TRANSACTIONAL, NOTIFICATION, MARKETING = range(4)
NONE = frozenset[int]()


def drained(demand: dict[int, int], *, claims: int, most: int) -> dict[int, int]:
    """What leaves of each lane in so many claims of `most` copies, with so much waiting in each."""
    left, owed, gone = dict(demand), dict[int, float](), dict.fromkeys(demand, 0)
    for _ in range(claims):
        room, served = most, dict[int, int]()
        for rank, at_most in order(owed):
            given = min(room, left.get(rank, 0), room if at_most is None else at_most)
            served[rank] = served.get(rank, 0) + given
            left[rank] = left.get(rank, 0) - given
            room -= given
        owed = settled(owed, served, frozenset(rank for rank in range(4) if not left.get(rank)))
        for rank, given in served.items():
            gone[rank] = gone.get(rank, 0) + given
    return gone


def test_a_higher_lane_goes_first() -> None:
    gone = drained({PROTECTED: 5, TRANSACTIONAL: 5, MARKETING: 5}, claims=1, most=10)
    assert gone == {PROTECTED: 5, TRANSACTIONAL: 5, NOTIFICATION: 0, MARKETING: 0}


@pytest.mark.parametrize("most", [1, 7, 100])
def test_while_all_lanes_are_full_each_lower_one_gets_its_share(most: int) -> None:
    claims = 20_000 // most
    gone = drained(dict.fromkeys(range(4), 1_000_000), claims=claims, most=most)
    for rank in (TRANSACTIONAL, NOTIFICATION, MARKETING):
        assert gone[rank] == pytest.approx(SHARE * claims * most, rel=0.02)
    assert gone[PROTECTED] == pytest.approx((1 - 3 * SHARE) * claims * most, rel=0.02)


def test_one_lane_alone_has_everything() -> None:
    assert drained({MARKETING: 1_000}, claims=10, most=10)[MARKETING] == 100


def test_an_empty_lane_is_owed_nothing() -> None:
    assert settled({}, {PROTECTED: 100}, frozenset({TRANSACTIONAL, NOTIFICATION})) == {
        MARKETING: SHARE * 100
    }


def test_a_long_wait_earns_no_flood() -> None:
    owed: dict[int, float] = {}
    for _ in range(1_000):
        owed = settled(owed, {PROTECTED: 100}, NONE)
    assert max(owed.values()) == MOST_OWED
