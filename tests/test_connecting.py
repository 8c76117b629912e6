"""Connecting a site, from the button in WordPress to the first mail with the key."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from relay.context import Relay
from relay.models import Account, AccountRequest, ApiKey, Domain, Site
from relay.services import decisions
from relay.services.actions import Order, Subject
from relay.vocabulary import DomainStatus, State, Verb
from tests.catalogs import Said
from tests.connecting import Owner, back, letters_to, said

BLOG = "https://blog.shop.example/wp-admin/options-general.php?page=postreeve"


@pytest.fixture
def owner(relay: Relay, client: FlaskClient) -> Owner:
    return Owner(relay, client)


def test_a_site_is_connected_in_two_minutes(
    owner: Owner, relay: Relay, client: FlaskClient
) -> None:
    # WordPress sends the browser; the owner gives an address nobody knows yet.
    asked = owner.ask()
    assert "https://shop.example" in said(asked)
    waiting = owner.send_address()
    assert "Look into your mailbox" in owner.page

    # The letter's button signs them in, and they say who they are.
    link = owner.link()
    assert "Sign in to connect this website?" in owner.get(link).text
    assert owner.fill(link).location == waiting
    assert "With these lines you ask for one" in said(owner.get(waiting))
    answer = owner.choose(
        waiting, account_name="Shop Ltd", volume="500", purpose="Receipts of a shop"
    )

    # The browser goes back with a code, and the site's server fetches the key.
    assert answer.status_code == 303, said(answer)
    assert answer.location.startswith("https://shop.example/wp-admin/")
    told = back(answer)
    assert (told["page"], told["state"]) == ("postreeve", "a-state-of-the-plugin")
    connected = owner.fetch(told["code"])
    assert connected.status_code == 200, connected.text
    body = connected.get_json()
    assert body["scopes"] == ["manage", "read", "send"]
    assert body["account"]["name"] == "Shop Ltd"
    assert body["account"]["state"] == "pending"
    assert (body["site"]["name"], body["site"]["url"]) == ("The shop", "https://shop.example")
    assert body["default_from"] == "news@shop.example"

    # The key is good, for this site only.
    headers = {"Authorization": f"Bearer {body['key']}"}
    for address, status in (("https://shop.example/", 200), ("https://clone.example", 403)):
        seen = client.get("/v1/account", headers=headers | {"X-Postreeve-Site": address})
        assert seen.status_code == status

    # Everything stands in the database, and the operator sees what was said.
    with relay.reads() as session:
        account = session.scalars(select(Account).where(Account.name == "Shop Ltd")).one()
        assert (account.owner_email, account.state) == (owner.address, State.PENDING)
        request = session.get_one(AccountRequest, account.id)
        assert (request.expected_daily, request.purpose) == (500, "Receipts of a shop")
        domain = session.scalars(select(Domain)).one()
        assert (domain.name, domain.status) == ("shop.example", DomainStatus.PENDING)
        assert session.scalars(select(Site).where(Site.account_id == account.id)).one()

    # The owner hears of it, and can take it back.
    told_owner = letters_to(relay, owner.address)[-1]
    assert "The shop (https://shop.example) is connected now." in told_owner
    assert f"https://relay.example/setup/{domain.share_token}" in told_owner
    (undo,) = re.findall(r"https://relay\.example(/connect/undo/\S+)", told_owner)
    assert "End this website’s key?" in said(owner.get(undo))
    assert "The key has ended" in said(owner.fill(undo))
    assert client.get("/v1/account", headers=headers).status_code == 401
    with relay.reads() as session:
        assert session.scalars(select(ApiKey)).one().revoked_at is not None


GERMAN: Said = {
    "Sign in to connect %(site)s": "Anmelden, um %(site)s zu verbinden",
    "%(site)s is connected": "%(site)s ist verbunden",
    "%(name)s may send": "%(name)s darf senden",
    "Why": "Warum",
    "The next step, for each website that is not connected yet:": "Der nächste Schritt:",
    "Get the plugin for WordPress": "Das Plugin für WordPress holen",
}


def test_who_asks_for_an_account_in_german_is_written_to_in_german(
    owner: Owner, relay: Relay, translated: Callable[[str, Said], None]
) -> None:
    translated("de", GERMAN)

    # They ask on the German page, and hear in German what was connected …
    choice = owner.sign_in(lang="de_DE")
    answer = owner.choose(choice, account_name="Laden", volume="500", purpose="Belege")
    owner.fetch(back(answer)["code"])
    signed_in, connected = letters_to(relay, owner.address)
    assert signed_in.splitlines()[0] == "Anmelden, um The shop zu verbinden"
    assert connected.splitlines()[0] == "The shop ist verbunden"

    # … and later that they may send, in the operator's own words, with the way to the plugin.
    with relay.sessions.begin() as session:
        account = session.scalars(select(Account).where(Account.name == "Laden")).one()
        decisions.decide(
            session,
            Subject(account_id=account.id),
            Order(Verb.APPROVE, "operator:ada", "We know them"),
            sender="relay@relay.example",
            public_url="https://relay.example/",
            now=relay.clock(),
        )
    approved = letters_to(relay, owner.address)[-1].splitlines()
    assert approved[0] == "Laden darf senden"
    assert "Warum: We know them" in approved
    assert "Der nächste Schritt:" in approved
    button = approved.index("Das Plugin für WordPress holen:")
    assert approved[button + 1] == "https://relay.example/plugin"


def test_an_owner_is_written_to_in_the_language_of_the_page_on_which_they_last_pressed_connect(
    owner: Owner, relay: Relay
) -> None:
    def language() -> str:
        with relay.reads() as session:
            return session.scalars(
                select(Account.language).where(Account.owner_email == owner.address)
            ).one()

    asked = {"account_name": "Shop Ltd", "volume": "500", "purpose": "Receipts"}
    owner.choose(owner.sign_in(lang="es"), **asked)
    assert language() == "es"

    owner.choose(owner.sign_in(site="https://blog.shop.example", return_=BLOG, lang="es"))
    assert language() == "es"

    path = owner.sign_in(site="https://blog.shop.example", return_=BLOG, lang="es") + "?lang=ar"
    owner.get(path)  # by the link at the foot of the page
    owner.choose(path)
    assert language() == "ar"
