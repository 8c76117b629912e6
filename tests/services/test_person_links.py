"""Links of one person: sealed, not stored, equally long, and good for as long as their key is kept."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from relay.addresses import LONGEST, EmailAddress, parse
from relay.db import new_id
from relay.errors import NotFound
from relay.keys import Keyring
from relay.services import opt_outs, person_links
from relay.services.person_links import LENGTH, Page, PersonLink, open_link, seal

KEYS = Keyring({1: b"1" * 32})
SITE = UUID("018f0000-0000-7000-8000-000000000001")
ADA = parse("Ada@Customer.example")


@pytest.mark.parametrize(
    "link",
    [
        PersonLink(SITE, ADA, opt_outs.of_list(new_id()), new_id()),
        PersonLink(SITE, ADA, opt_outs.MARKETING),
        PersonLink(SITE, parse("a@b.example"), opt_outs.of_plugin("bbpress"), new_id()),
        PersonLink(SITE, ADA, opt_outs.of_plugin("x" * 100), new_id()),
        PersonLink(SITE, EmailAddress("x" * (LONGEST - 10) + "@b.example"), "notification"),
    ],
    ids=["list", "marketing", "plugin", "longest topic", "longest address"],
)
def test_a_link_comes_back_as_it_was_and_is_as_long_as_any_other(link: PersonLink) -> None:
    token = seal(KEYS, link)

    assert len(token) == LENGTH
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    opened = open_link(KEYS, token)
    assert opened == link
    assert str(opened.address) == str(link.address)


def test_no_two_links_look_alike() -> None:
    link = PersonLink(SITE, ADA, opt_outs.MARKETING)

    assert seal(KEYS, link) != seal(KEYS, link)


def test_a_link_of_an_older_key_still_opens_and_one_of_a_lost_key_does_not() -> None:
    link = PersonLink(SITE, ADA, opt_outs.MARKETING)
    token = seal(KEYS, link)

    assert open_link(Keyring({**KEYS.keys, 2: b"2" * 32}), token) == link
    with pytest.raises(NotFound):
        open_link(Keyring({2: b"2" * 32}), token)


def test_every_character_of_a_token_matters() -> None:
    token = seal(KEYS, PersonLink(SITE, ADA, opt_outs.MARKETING))

    for place in range(0, LENGTH, 7):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(NotFound):
            open_link(KEYS, token[:place] + other + token[place + 1 :])


def test_a_token_of_another_purpose_opens_nothing() -> None:
    text = "x" * person_links._PAYLOAD
    assert len(KEYS.seal("confirm", text)) == LENGTH

    with pytest.raises(NotFound):
        open_link(KEYS, KEYS.seal("confirm", text))


@pytest.mark.parametrize(
    ("topic", "address"),
    [
        ("x" * 400, ADA),
        ("a\nb", ADA),
        ("é", ADA),
        ("x" * opt_outs.LONGEST, EmailAddress("a" * (LONGEST + 1))),
    ],
)
def test_what_no_mail_can_have_is_not_sealed(topic: str, address: EmailAddress) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        seal(KEYS, PersonLink(SITE, address, topic))


def test_a_link_is_an_address_below_the_relay_s_own() -> None:
    assert (
        person_links.url("https://relay.example/", Page.REPORT_ABUSE, "TOKEN")
        == "https://relay.example/report-abuse/TOKEN"
    )
