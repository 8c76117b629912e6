"""How the number of new people grows."""

from __future__ import annotations

from itertools import accumulate, repeat

import pytest

from relay.policy.first_contacts import BEGIN, MOST, Day, grown


@pytest.mark.parametrize(
    ("day", "clean"),
    [
        (Day(20), True),
        (Day(19), False),  # too few to say anything
        (Day(0), False),
        (Day(98, invalid=2), False),  # 2 % is not below 2 %
        (Day(99, invalid=1), True),
        (Day(5_000, complained=1), False),
    ],
)
def test_which_days_are_clean(day: Day, clean: bool) -> None:
    assert day.is_clean is clean


def test_clean_days_earn_half_as_much_again_up_to_a_bound() -> None:
    story = list(accumulate(repeat(None, 13), lambda budget, _: grown(budget), initial=BEGIN))
    assert story == [20, 30, 45, 67, 100, 150, 225, 337, 505, 757, 1135, 1702, MOST, MOST]


def test_a_budget_above_the_bound_is_left_alone() -> None:
    assert grown(MOST + 1) == MOST + 1
