"""Signing in by a letter: limits that hold exactly, and digests that outlive a change of keys."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from sqlalchemy import select

from relay.addresses import parse
from relay.context import Relay
from relay.errors import LimitReached, NotFound
from relay.keys import Keyring
from relay.models import SiteConnection
from relay.policy.connecting import read
from relay.services import connections, sign_ins
from relay.services.sign_ins import House, Start
from relay.services.visitors import Visitor
from tests.connecting import OWNER, asking, letters_to
from tests.fakes import FakeClock
from tests.steps import at_once

BROWSER, OTHER_BROWSER = "the secret of a browser", "the secret of another"
HERE, STRANGER = "203.0.113.9", "198.51.100.1"


def begin(
    relay: Relay,
    address: str = OWNER,
    ip: str | None = None,
    browser: str = BROWSER,
    **given: bool,
) -> UUID:
    settings = relay.settings
    start = Start(
        read(asking()), parse(address), Visitor(ip, "Browser/1.0"), browser, "en", **given
    )
    with relay.sessions.begin() as session:
        return sign_ins.begin(
            session,
            House(settings.keyring, settings.public_url, settings.house_sender),
            start,
            now=relay.clock(),
        )


def test_three_letters_are_three_however_many_ask_at_once(shared: Relay) -> None:
    at_once(8, lambda _: begin(shared, ip=HERE))

    assert len(letters_to(shared, OWNER)) == 3
    with shared.reads() as session:
        assert len(session.scalars(select(SiteConnection.id)).all()) == 8


def test_a_mailbox_gets_ten_letters_a_day_from_one_network(relay: Relay, clock: FakeClock) -> None:
    for number in range(48):
        begin(relay, ip=f"203.0.113.{number}")
        clock.advance(minutes=29)
    assert len(letters_to(relay, OWNER)) == 10


def test_a_stranger_uses_up_no_letter_of_the_owner(relay: Relay, clock: FakeClock) -> None:
    for _ in range(8):
        begin(relay, ip=STRANGER, browser=OTHER_BROWSER)
    assert len(letters_to(relay, OWNER)) == 3

    id = begin(relay, ip=HERE)
    assert number_signs_in(relay, id, letters_to(relay, OWNER)[-1])


def test_where_strangers_from_everywhere_ask_the_owner_uses_their_letter(
    relay: Relay, clock: FakeClock
) -> None:
    for number in range(8):
        begin(relay, ip=f"198.51.{number}.1", browser=OTHER_BROWSER)
    ours = begin(relay, ip=HERE)
    assert len(letters_to(relay, OWNER)) == 6

    assert link_signs_in(relay, letters_to(relay, OWNER)[2]) == ours
    with pytest.raises(NotFound):
        link_signs_in(relay, letters_to(relay, OWNER)[2])


def test_the_day_s_share_is_used_up_and_the_owner_still_gets_in(
    relay: Relay, clock: FakeClock
) -> None:
    for number in range(24 * 4):
        begin(relay, ip=f"198.51.{number}.1", browser=OTHER_BROWSER)
        clock.advance(minutes=15)
        browser = f"the owner's {number}th browser"
        ours = begin(relay, "Owner@shop.example", ip=HERE, browser=browser)
        letter, keyring = letters_to(relay, OWNER)[-1], relay.settings.keyring
        with relay.reads() as session:  # only looked at: what is used counts no more
            found = sign_ins.look(session, keyring, token(letter), now=clock())
            on = sign_ins.goes_on(session, keyring, found, browser, now=clock())
        assert on is not None
        assert on.id == ours
    assert 20 < len(letters_to(relay, OWNER)) < 50


def test_a_letter_to_somebody_else_signs_nobody_in(relay: Relay) -> None:
    begin(relay, "thief@shop.example")
    begin(relay, browser=OTHER_BROWSER)
    with pytest.raises(NotFound):
        link_signs_in(relay, letters_to(relay, OWNER)[0])


def test_a_connection_that_is_over_is_not_signed_in(relay: Relay, clock: FakeClock) -> None:
    begin(relay)
    clock.advance(minutes=30)
    begin(relay, browser=OTHER_BROWSER)
    clock.advance(minutes=30)
    with pytest.raises(NotFound):
        link_signs_in(relay, letters_to(relay, OWNER)[-1])


def test_what_was_used_does_not_count(relay: Relay) -> None:
    for _ in range(12):
        begin(relay, ip=HERE)
        link_signs_in(relay, letters_to(relay, OWNER)[-1])
    assert len(letters_to(relay, OWNER)) == 12


def test_who_asks_again_may_type_the_number_of_the_first_letter(relay: Relay) -> None:
    begin(relay)
    again = begin(relay)
    first, second = letters_to(relay, OWNER)

    assert number_signs_in(relay, again, first)
    assert not number_signs_in(relay, again, first)
    assert number_signs_in(relay, again, second)


def test_the_number_of_a_letter_that_another_browser_asked_for_is_worth_nothing(
    relay: Relay,
) -> None:
    begin(relay, browser=OTHER_BROWSER)
    ours = begin(relay)
    assert not number_signs_in(relay, ours, letters_to(relay, OWNER)[0])


def test_asking_again_brings_no_more_guesses(relay: Relay) -> None:
    ids = [begin(relay, ip=HERE) for _ in range(5)]
    right = number(letters_to(relay, OWNER)[0])
    wrong = f"{(int(right) + 1) % 10**8:08}"
    for id in ids:
        assert not number_signs_in(relay, id, wrong)
    assert not number_signs_in(relay, ids[0], right)


def number_signs_in(relay: Relay, id: UUID, letter: str) -> bool:
    """Type a letter's number, or a number, where this connection waits."""
    said = letter if letter.isdecimal() else number(letter)
    with relay.sessions.begin() as session:
        keyring, now = relay.settings.keyring, relay.clock()
        return sign_ins.by_number(session, keyring, id, BROWSER, said, now=now) is not None


def link_signs_in(relay: Relay, letter: str) -> UUID:
    """Press a letter's link in our browser; the connection that goes on."""
    with relay.sessions.begin() as session:
        keyring, now = relay.settings.keyring, relay.clock()
        return sign_ins.by_link(session, keyring, token(letter), BROWSER, now=now).id


def number(letter: str) -> str:
    (found,) = re.findall(r"\b(\d{4}) (\d{4})\b", letter)
    return "".join(found)


def token(letter: str) -> str:
    return letter.partition("/connect/link/")[2].split()[0]


def test_a_network_is_a_crowd_from_its_sixty_first_on(relay: Relay, clock: FakeClock) -> None:
    for number in range(60):
        begin(relay, f"a{number}@shop.example", ip=f"203.0.113.{number}")
    with pytest.raises(LimitReached):
        begin(relay, ip="203.0.113.200")
    begin(relay, ip="198.51.100.1")

    clock.advance(hours=1)
    begin(relay, ip="203.0.113.200")


def test_an_address_inside_the_network_is_nobody_s(relay: Relay) -> None:
    for number in range(25):
        begin(relay, f"a{number}@shop.example", ip="10.0.0.1")


def test_whoever_is_signed_in_gets_no_letter_and_no_number(relay: Relay) -> None:
    id = begin(relay, signed_in=True)
    assert letters_to(relay, OWNER) == []
    assert not number_signs_in(relay, id, "12345678")


def test_a_new_key_version_loses_nobody_on_the_way(relay: Relay) -> None:
    id = begin(relay)
    (letter,) = letters_to(relay, OWNER)
    old = relay.settings.keyring
    newer = Keyring({**old.keys, old.current + 1: b"x" * 32})
    with relay.sessions.begin() as session:
        assert connections.find(session, newer, id, BROWSER, now=relay.clock()).id == id
        assert sign_ins.by_link(session, newer, token(letter), BROWSER, now=relay.clock()).id == id


@pytest.mark.parametrize("stuck", [".", ">", ")"])
def test_what_a_mail_program_leaves_on_the_link_does_no_harm(stuck: str, relay: Relay) -> None:
    begin(relay)
    link = token(letters_to(relay, OWNER)[0]) + stuck
    with relay.reads() as session:
        assert sign_ins.look(session, relay.settings.keyring, link, now=relay.clock())
