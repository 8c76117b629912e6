"""Which network an address belongs to, and when mail from a new one looks like a thief's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relay.policy.networks import is_far_more, is_new, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("unknown", None),
        (None, None),
    ],
)
def test_networks(address: str | None, network: str | None) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("hours", "after_first", "expected"),
    [(0, 0, False), (1, 0.5, False), (1, 1, False), (0, 2, True), (23.9, 100, True), (24, 100, False)],
)  # fmt: skip
def test_a_network_is_new_for_a_day_and_the_first_ones_never(
    hours: float, after_first: float, expected: bool
) -> None:
    assert is_new(timedelta(hours=hours), timedelta(hours=after_first)) is expected


@pytest.mark.parametrize(
    ("people", "usual", "expected"),
    [(49, 0, False), (50, 0, True), (60, 20, False), (61, 20, True), (3_000, 1_000, False)],
)
def test_far_more_is_more_than_three_times_the_usual(
    people: int, usual: int, expected: bool
) -> None:
    assert is_far_more(people, usual) is expected
