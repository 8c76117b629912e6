"""Who else may be the same people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from relay.addresses import EmailAddress
from relay.context import Relay
from relay.db import new_id
from relay.models import Account, Site, Wording
from relay.services import domains, letters, relations
from relay.services.letter_texts import Letter
from relay.vocabulary import DomainStatus, State
from tests import factories


def other(relay: Relay, name: str = "Other Ltd", owner: str = "x@else.example") -> Account:
    """An account that has nothing in common with the shop."""
    with relay.sessions.begin() as session:
        made = factories.make_account(session, name=name)
        made.owner_email = owner
    return made


def ties(relay: Relay, account: Account) -> dict[str, list[tuple[str, str]]]:
    with relay.reads() as session:
        return {
            each.account.name: [(tie.kind.value, tie.what) for tie in each.because]
            for each in relations.of_account(session, account.id)
        }


def owned_by(relay: Relay, account: Account, owner: str) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Account, account.id).owner_email = owner


def test_who_has_nothing_in_common_is_not_related(relay: Relay, account: Account) -> None:
    other(relay)
    assert ties(relay, account) == {}


@pytest.mark.parametrize("status", list(DomainStatus))
def test_names_of_one_registered_domain_tie_whatever_became_of_them(
    status: DomainStatus, relay: Relay, account: Account
) -> None:
    made = other(relay)
    with relay.sessions.begin() as session:
        factories.make_domain(session, made, "mail.shop.example", status)
        factories.make_domain(session, made, "notshop.example")
    assert ties(relay, account) == {"Other Ltd": [("sending-domain", "shop.example")]}


def test_a_domain_that_was_given_up_still_ties(relay: Relay, account: Account) -> None:
    made = other(relay)
    with relay.sessions.begin() as session:
        for _ in range(2):
            factories.make_domain(session, made, "news.shop.example")
            domains.remove(session, made.id, "news.shop.example", now=relay.clock())
    assert ties(relay, account) == {"Other Ltd": [("sending-domain", "shop.example")]}
    assert ties(relay, made) == {"Shop Ltd": [("sending-domain", "shop.example")]}


@pytest.mark.parametrize(
    ("one", "two", "kind"),
    [
        ("owner@shop.example", "OWNER@shop.example", "owner-address"),
        ("a.da+x@gmail.com", "ada@googlemail.com", "owner-address"),
        ("owner@shop.example", "boss@mail.shop.example", "owner-domain"),
        ("ada@gmail.com", "bob@gmail.com", None),
        ("ada@shop.co.uk", "bob@other.co.uk", None),
    ],
)
def test_owners_tie_by_mailbox_and_by_a_domain_of_their_own(
    one: str, two: str, kind: str | None, relay: Relay, account: Account
) -> None:
    owned_by(relay, account, one)
    other(relay, owner=two)
    found = ties(relay, account)
    assert [tie[0] for tie in found.get("Other Ltd", [])] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("url", "tied"),
    [
        ("https://shop.example", True),
        ("http://WWW.Shop.Example/blog", True),
        ("https://notshop.example", False),
        ("https://evil.example/?shop.example", False),
        ("https://192.0.2.1", False),
        ("http://[", False),
    ],
)
def test_sites_of_one_registered_domain_tie(
    url: str, tied: bool, relay: Relay, site: Site, account: Account
) -> None:
    made = other(relay)
    with relay.sessions.begin() as session:
        factories.make_site(session, made, url=url)
    assert ties(relay, account) == ({"Other Ltd": [("site-host", "shop.example")]} if tied else {})


def test_the_same_words_tie(relay: Relay, site: Site, account: Account) -> None:
    made = other(relay)
    with relay.sessions.begin() as session:
        theirs = factories.make_site(session, made, url="https://else.example")
        for of, wording in ((site, "a"), (site, "b"), (theirs, "b"), (theirs, "b"), (theirs, "c")):
            session.add(
                Wording(
                    message_id=new_id(),
                    site_id=of.id,
                    wording=wording * 64,
                    accepted_at=relay.clock() - timedelta(hours=1),
                )
            )
    assert ties(relay, account) == {"Other Ltd": [("wording", "2 mails")]}


def test_those_who_were_stopped_come_first_and_then_who_has_most_in_common(
    relay: Relay, account: Account, site: Site
) -> None:
    for name, state, owner in (
        ("Little", State.ACTIVE, "x@shop.example"),
        ("Much", State.ACTIVE, "owner@shop.example"),
        ("Stopped", State.SUSPENDED, "x@shop.example"),
        ("Ended", State.TERMINATED, "x@shop.example"),
    ):
        made = other(relay, name, owner)
        with relay.sessions.begin() as session:
            session.get_one(Account, made.id).state = state
            if name == "Much":
                factories.make_site(session, made)
    assert list(ties(relay, account)) == ["Ended", "Stopped", "Much", "Little"]


def test_the_relays_own_account_is_nobodys_relative(relay: Relay, account: Account) -> None:
    with relay.sessions.begin() as session:
        letter = Letter("x", "x", "<p>x</p>")
        to = EmailAddress(account.owner_email)
        letters.from_house(session, to, letter, sender="r@relay.example", now=relay.clock())
    owned_by(relay, account, "postreeve@localhost.invalid")
    assert ties(relay, account) == {}
