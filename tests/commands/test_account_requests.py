"""Accounts that somebody asks for by connecting a site: what operators see of them."""

from __future__ import annotations

import json

from relay.app import create_app
from relay.context import Relay
from tests.commands.running import run
from tests.connecting import Owner


def test_an_operator_sees_what_was_said_and_lets_the_account_send(installation: Relay) -> None:
    owner = Owner(installation, create_app(installation).test_client())
    owner.choose(
        owner.sign_in(), account_name="Shop Ltd", volume="2000", purpose="Receipts and a newsletter"
    )

    (waiting,) = json.loads(run("account", "list", "--state", "pending", "--json").stdout)
    assert waiting["name"] == "Shop Ltd"
    shown = json.loads(run("account", "show", waiting["id"], "--json").stdout)
    assert shown["asked_for"].startswith(
        "Receipts and a newsletter – about 2,000 mails a day from https://shop.example (asked 20"
    )
    run("account", "approve", waiting["id"], "--reason", "answered by telephone")
    assert json.loads(run("account", "show", waiting["id"], "--json").stdout)["state"] == "active"
