"""What a site asks, and how it proves that it was the one who asked."""

from __future__ import annotations

import pytest

from relay.addresses import parse
from relay.errors import Invalid
from relay.policy.connecting import (
    LETTER_LASTS,
    READ_WITHIN,
    Letters,
    Traffic,
    domain_for,
    is_proof,
    read,
)
from tests.connecting import CHALLENGE, VERIFIER, asking


def test_a_site_says_who_it_is_and_where_to_go_back() -> None:
    asked = read(asking(site="https://shop.example/"))

    assert asked.site_url == "https://shop.example"
    assert asked.site_name == "The shop"
    assert str(asked.sender) == "news@shop.example"
    assert (asked.state, asked.challenge) == ("a-state-of-the-plugin", CHALLENGE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": ""}, {"state": "short"}, {"state": "x" * 201}, {"state": "with spaces in it"},
        {"challenge": ""}, {"challenge": CHALLENGE + "="}, {"challenge": CHALLENGE[:-1]},
        {"return_": "https://evil.example/"}, {"site": "shop.example"},
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        read(asking(**wrong))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("  The\r\nshop\u202e\x00 ", "The shop"), ("", "shop.example"), ("\n", "shop.example"),
        ("x" * 300, "x" * 200), ("商店", "商店"),
    ],
)  # fmt: skip
def test_a_name_is_one_line_of_what_can_be_seen(given: str, shown: str) -> None:
    assert read(asking(name=given)).site_name == shown


@pytest.mark.parametrize("sender", ["", "wordpress", "wordpress@localhost", "a b@c", "\x00"])
def test_a_usual_sender_that_is_no_address_is_left_out(sender: str) -> None:
    assert read(asking(from_=sender)).sender is None


def test_of_the_plugin_s_version_only_a_version_stays() -> None:
    assert read(asking(plugin="0.1.0 <b>")).plugin == "0.1.0b"


def test_the_proof_is_the_example_of_rfc_7636() -> None:
    assert CHALLENGE == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert is_proof(VERIFIER, CHALLENGE)


@pytest.mark.parametrize(
    "verifier",
    ["", VERIFIER[:-1], VERIFIER + "x", VERIFIER.lower(), CHALLENGE, "ä" * 43, "x" * 129],
)
def test_nothing_else_proves_it(verifier: str) -> None:
    assert not is_proof(verifier, CHALLENGE)
    assert not is_proof(verifier, verifier)  # the method "plain" is not spoken


@pytest.mark.parametrize(
    ("site", "sender", "domain"),
    [
        ("https://www.shop.co.uk", None, "shop.co.uk"),
        ("https://blog.shop.example/x", "news@shop.example", "shop.example"),
        ("https://shop.example", "me@gmail.com", "shop.example"),
        ("https://shop.example", "me@mail.shop.example", "shop.example"),
        ("http://localhost:8080", None, ""),
        ("http://localhost:8080", "news@shop.example", "shop.example"),
        ("http://127.0.0.1", None, ""),
        ("http://shop.local", None, ""),
        ("https://co.uk", None, ""),
    ],
)
def test_the_domain_that_is_suggested_is_one_that_can_be_owned(
    site: str, sender: str | None, domain: str
) -> None:
    assert domain_for(site, parse(sender) if sender else None) == domain


NONE = Letters(0, 0)


@pytest.mark.parametrize(
    ("ip", "network", "overall", "crowd"),
    [(19, 59, 599, False), (20, 0, 0, True), (0, 60, 0, True), (0, 0, 600, True)],
)
def test_a_crowd_is_about_the_place(ip: int, network: int, overall: int, crowd: bool) -> None:
    assert Traffic(ip, network, overall, NONE, NONE, waits=False).is_crowd is crowd


@pytest.mark.parametrize(
    ("from_here", "from_all", "waits", "writes"),
    [
        (Letters(0, 0), Letters(0, 0), False, True),
        (Letters(2, 9), Letters(5, 19), True, True),
        # this network has had its share, whatever the others did
        (Letters(3, 3), Letters(3, 3), False, False),
        (Letters(0, 10), Letters(0, 10), False, False),
        # others have used up the share of all: what waits is enough
        (Letters(0, 0), Letters(6, 6), True, False),
        (Letters(0, 0), Letters(0, 20), True, False),
        # and where nothing waits, one more goes out
        (Letters(0, 0), Letters(6, 6), False, True),
        (Letters(2, 9), Letters(0, 50), False, True),
    ],
)
def test_strangers_use_up_their_own_share_and_never_the_owner_s_way_in(
    from_here: Letters, from_all: Letters, waits: bool, writes: bool
) -> None:
    assert Traffic(0, 0, 0, from_here, from_all, waits).may_write is writes


def test_however_many_ask_a_mailbox_gets_fewer_than_fifty_letters_a_day() -> None:
    """Each minute somebody asks from a network that has never asked before, and nobody uses a letter."""
    sent: list[int] = []
    day = 24 * 60
    for minute in range(3 * day):
        letters = Letters(
            sum(minute - at < 60 for at in sent), sum(minute - at < day for at in sent)
        )
        patience = (LETTER_LASTS - READ_WITHIN).total_seconds() / 60
        waits = any(minute - at < patience for at in sent)
        if Traffic(0, 0, 0, NONE, letters, waits).may_write:
            sent.append(minute)
    for minute in range(3 * day):
        assert sum(minute <= at < minute + day for at in sent) < 50
        lasts = LETTER_LASTS.total_seconds() / 60
        assert any(minute - lasts < at <= minute for at in sent), (
            "the owner has a letter that works"
        )
