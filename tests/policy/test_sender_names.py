"""Display names: what misleads is taken out, what people call themselves stays."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.policy.display_names import LONGEST_NAME, MOST_MENTIONED, clean_name, mentioned
from tests.policy.tables import FOLDER, lines

KEPT = lines("kept.txt")
CLEANED: list[tuple[str, str]] = [
    (name, cleaned) for name, cleaned in json.loads((FOLDER / "cleaned.json").read_text("utf-8"))
]


def nobody(domain: str) -> bool:
    """No domain is the site's own."""
    return False


def ours(domain: str) -> bool:
    """The site has shop.example and bücher.example."""
    return any(
        domain == own or domain.endswith(f".{own}")
        for own in ("shop.example", "xn--bcher-kva.example", "shop.com")
    )


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert len(set(KEPT)) >= 120
    assert len({name for name, _ in CLEANED}) >= 60


def test_names_that_people_have_stay_as_they_are() -> None:
    assert {name: found for name in KEPT if (found := clean_name(name, nobody)) != name} == {}


def test_what_misleads_is_taken_out() -> None:
    found = {name: clean_name(name, nobody) for name, _ in CLEANED}
    assert found == dict(CLEANED)


@pytest.mark.parametrize("name", [name for name, _ in CLEANED] + KEPT)
def test_a_clean_name_is_clean(name: str) -> None:
    once = clean_name(name, nobody)
    assert clean_name(once, nobody) == once


@pytest.mark.parametrize(
    "name",
    [
        "shop.example",
        "Shop.Example",
        "Shop (shop.example)",
        "news@shop.example",
        "The team of mail.shop.example",
        "Bücher.example",
        "xn--bcher-kva.example",
        "https://shop.example/news",
        "SHOP.COM",
        "team at shop dot com",
    ],
)
def test_own_domains_may_be_shown(name: str) -> None:
    assert clean_name(name, ours) == name


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("shop.example and bank.com", "shop.example and"),
        ("shop.example.evil.com", ""),
        ("notshop.example", ""),
        ("shop.example@evil.com", ""),
        ("https://shop.example@evil.com/", ""),
        ("news@shop.example (2)", "news@shop.example"),
    ],
)
def test_beside_an_own_domain_the_rest_is_still_taken_out(name: str, cleaned: str) -> None:
    assert clean_name(name, ours) == cleaned


@pytest.mark.parametrize(
    ("name", "domains"),
    [
        ("The shop", ()),
        ("Node.js Meetup", ()),
        ("Shop.Example", ("shop.example",)),
        ("bücher.example", ("xn--bcher-kva.example",)),
        ("ａ．ｃｏｍ", ("a.com",)),
        ("a@b.com, c.de", ("b.com", "c.de")),
        ("x.com x.com", ("x.com",)),
        (" ".join(f"a{n}.com" for n in range(20)), tuple(f"a{n}.com" for n in range(5))),
    ],
)
def test_the_domains_that_a_name_mentions(name: str, domains: tuple[str, ...]) -> None:
    assert mentioned(name) == domains
    assert len(domains) <= MOST_MENTIONED


def test_a_name_longer_than_anybody_is_shown_is_cut() -> None:
    assert clean_name("Anna " * 100, nobody) == ("Anna " * 60).rstrip()
    assert len(clean_name("a" * 1_000, nobody)) == LONGEST_NAME


TRICKY = st.text(
    st.sampled_from("ab1. @()[]<>-–:/\"'\u200b\u200d\ufe0f．＠。․\u202e✓🛡語äрDOTatpunk\u0301"),
    max_size=40,
)
PIECES = st.lists(
    st.sampled_from(
        ["bank.com", "at", "dot", " ", "(2)", "[", "]", "(", ")", "✓", "@", ".", "Dr.", "Shop", "http://",
         "\u200b", "語", "de", "(at)", "\"", "xn--", "-", "1", "new", "via"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(st.text(max_size=60) | TRICKY | PIECES)
@example("(" * 150 + "1" + ")" * 150)
@example("a.com" * 60)
def test_cleaning_never_fails_and_leaves_nothing_to_clean(name: str) -> None:
    once = clean_name(name, nobody)
    assert clean_name(once, nobody) == once
    assert "\r" not in once
    assert "\n" not in once
    mentioned(name)


@pytest.mark.parametrize(
    "piece",
    ["a.", "a@", "(1", "a at ", "a . ", " ", "()", "a-", ".", "(1)", "a dot ", "[at]", "http://", "語."],
)  # fmt: skip
def test_hostile_names_take_no_time(piece: str) -> None:
    begun = time.process_time()
    clean_name(piece * 50_000, nobody)
    mentioned(piece * 50_000)
    assert time.process_time() - begun < 0.5
