"""Spellings of an address are one mailbox where the provider says so, and only there."""

from __future__ import annotations

import pytest

from relay.addresses import parse
from relay.policy.mailboxes import FOLDINGS, mailbox


@pytest.mark.parametrize(
    ("spellings", "folded"),
    [
        (
            ["ada.lovelace@gmail.com", "a.d.a.lovelace+shop@gmail.com", "AdaLovelace@GoogleMail.com"],
            "adalovelace@gmail.com",
        ),
        (["ada@outlook.com", "ada+news@outlook.com", "Ada+@Outlook.com"], "ada@outlook.com"),
        (["ada@fastmail.com", "ada+x+y@fastmail.com"], "ada@fastmail.com"),
        (["ada@icloud.com", "ada+x@me.com", "ada@mac.com"], "ada@icloud.com"),
        (["ada@proton.me", "a.da+x@protonmail.com", "ada@pm.me"], "ada@proton.me"),
        (["ada@yandex.ru", "ada+x@ya.ru", "ada@yandex.com"], "ada@yandex.ru"),
        (["ada@yahoo.com", "ada-shop@yahoo.com", "ADA-x-y@yahoo.com"], "ada@yahoo.com"),
    ],
)  # fmt: skip
def test_spellings_of_one_mailbox(spellings: list[str], folded: str) -> None:
    assert {mailbox(parse(each)) for each in spellings} == {folded}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.da@outlook.com", "ada@outlook.com"),
        ("ada+x@yahoo.com", "ada@yahoo.com"),
        ("ada-x@gmail.com", "ada@gmail.com"),
        ("a.da@shop.example", "ada@shop.example"),
        ("ada+x@shop.example", "ada@shop.example"),
        ("ada@yahoo.de", "ada@yahoo.com"),
    ],
)
def test_what_the_provider_keeps_apart_stays_apart(one: str, other: str) -> None:
    assert mailbox(parse(one)) != mailbox(parse(other))


@pytest.mark.parametrize("odd", ["+@gmail.com", "+tag@outlook.com", "-x@yahoo.com"])
def test_an_address_that_begins_with_its_tag_stays_somebody(odd: str) -> None:
    assert not mailbox(parse(odd)).startswith("@")


def test_folding_twice_changes_nothing() -> None:
    for domain, folding in FOLDINGS.items():
        once = mailbox(parse(f"a.b{folding.tag}c@{domain}"))
        assert mailbox(parse(once)) == once
