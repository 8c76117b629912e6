"""Signing in by a letter: limits that hold exactly, and digests that outlive a change of keys."""

from __future__ import annotations

import threading
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

BROWSER = "the secret of a browser"


def begin(relay: Relay, address: str = OWNER, ip: str | None = None, **given: bool) -> UUID:
    settings = relay.settings
    start = Start(
        read(asking()), parse(address), Visitor(ip, "Browser/1.0"), BROWSER, "en", **given
    )
    with relay.sessions.begin() as session:
        return sign_ins.begin(
            session,
            House(settings.keyring, settings.public_url, settings.house_sender),
            start,
            now=relay.clock(),
        )


def test_three_letters_are_three_however_many_ask_at_once(shared: Relay) -> None:
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        begin(shared)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(letters_to(shared, OWNER)) == 3
    with shared.reads() as session:
        assert len(session.scalars(select(SiteConnection.id)).all()) == 8


def test_a_mailbox_gets_ten_letters_a_day(relay: Relay, clock: FakeClock) -> None:
    for _ in range(12):
        begin(relay)
        clock.advance(minutes=30)
    assert len(letters_to(relay, OWNER)) == 10


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
    with relay.sessions.begin() as session, pytest.raises(NotFound):
        sign_ins.by_number(
            session, relay.settings.keyring, id, BROWSER, "12345678", now=relay.clock()
        )


def test_a_new_key_version_loses_nobody_on_the_way(relay: Relay) -> None:
    id = begin(relay)
    (letter,) = letters_to(relay, OWNER)
    old = relay.settings.keyring
    newer = Keyring({**old.keys, old.current + 1: b"x" * 32})
    token = letter.partition("/connect/link/")[2].split()[0]
    with relay.sessions.begin() as session:
        assert connections.find(session, newer, id, BROWSER, now=relay.clock()).id == id
        assert sign_ins.by_link(session, newer, token, BROWSER, now=relay.clock()).id == id


@pytest.mark.parametrize("stuck", [".", ">", ")"])
def test_what_a_mail_program_leaves_on_the_link_does_no_harm(stuck: str, relay: Relay) -> None:
    begin(relay)
    token = letters_to(relay, OWNER)[0].partition("/connect/link/")[2].split()[0]
    with relay.reads() as session:
        assert sign_ins.look(session, relay.settings.keyring, token + stuck, now=relay.clock())
