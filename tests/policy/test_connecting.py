"""What a site asks, and how it proves that it was the one who asked."""

from __future__ import annotations

import pytest

from relay.addresses import parse
from relay.errors import Invalid
from relay.policy.connecting import Traffic, domain_for, is_proof, read
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


def test_a_crowd_is_about_the_place_and_a_letter_about_the_mailbox() -> None:
    assert not Traffic(19, 59, 599, 2, 9).is_crowd
    assert Traffic(20, 0, 0, 0, 0).is_crowd
    assert Traffic(0, 60, 0, 0, 0).is_crowd
    assert Traffic(0, 0, 600, 0, 0).is_crowd
    assert Traffic(0, 0, 0, 2, 9).may_write
    assert not Traffic(0, 0, 0, 3, 3).may_write
    assert not Traffic(0, 0, 0, 0, 10).may_write
