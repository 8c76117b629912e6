"""Connecting a site, from the button in WordPress to the first mail with the key."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from relay.context import Relay
from relay.models import Account, AccountRequest, ApiKey, Domain, Site
from relay.vocabulary import DomainStatus, State
from tests.connecting import Owner, back, letters_to, said


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
