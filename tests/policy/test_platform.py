"""Whose newsletters are slowed while all mail together is in danger."""

from __future__ import annotations

from relay.policy.platform import Contribution, contributors
from relay.policy.reputation import Figures


def part(key: str, people: int, permanent: int = 0, complaints: int = 0) -> Contribution:
    return Contribution(
        key, Figures(people=people, heard=people, permanent=permanent, complaints=complaints)
    )


def test_nobody_is_slowed_while_all_is_well() -> None:
    assert contributors([part("a", 10_000, permanent=290)]) == {}


def test_the_largest_contributor_makes_room_and_the_others_go_on() -> None:
    sites = [part("good", 8_000, permanent=80), part("bad", 1_000, permanent=250)]
    sites.append(part("worse", 1_000, permanent=300))
    assert set(contributors(sites)) == {"worse", "bad"}
    assert set(contributors(sites[:1] + sites[2:])) == {"worse"}


def test_a_large_good_sender_is_not_slowed_for_its_size() -> None:
    sites = [part("large", 9_000, permanent=180), part("small", 1_000, permanent=150)]
    assert set(contributors(sites)) == {"small"}


def test_complaints_have_a_line_of_their_own() -> None:
    found = contributors([part("a", 10_000, complaints=8), part("b", 10_000, complaints=6)])
    assert {key: row["what"] for key, row in found.items()} == {"a": "complaints"}


def test_little_mail_says_nothing() -> None:
    assert contributors([part("a", 900, permanent=400)]) == {}
    assert contributors([part("a", 2_000, complaints=4)]) == {}
