"""`python -m relay domain`: what operators see and do, as they call it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.context import Relay
from tests import factories
from tests.commands import running


@pytest.fixture
def account(installation: Relay) -> str:
    """The installation's one account; its id. The provider does not answer."""
    with installation.sessions.begin() as session:
        return str(factories.make_account(session).id)


def run(*arguments: str, code: int = 0) -> str:
    """What the command prints; where it is refused, why."""
    done = running.run("domain", *arguments)
    assert done.returncode == code, done
    return done.stderr if code == 1 else done.stdout


def test_a_domain_s_life_on_the_command_line(account: str) -> None:
    added: dict[str, Any] = json.loads(run("add", "Shop.example", "--account", account, "--json"))
    assert (added["name"], added["status"]) == ("shop.example", "pending")
    assert [record["key"] for record in added["records"]][:2] == ["ownership", "dkim"]

    shown = run("check", "shop.example", "--account", account, code=3)
    assert "TXT   _postreeve.shop.example" in shown
    assert "postreeve-account=" in shown

    assert "already a domain of this account" in run(
        "add", "shop.example", "--account", account, code=1
    )
    run("ban", "shop.example", "--reason", "phishing")
    assert "suspended" in run("list", "--account", account)
    assert "banned" in run("rules")
    assert "closed by an operator" in run("remove", "shop.example", "--account", account, code=1)
    run("unban", "shop.example")
    run("remove", "shop.example", "--account", account)
    assert "No domains yet" in run("list")
    assert "Nothing waits for an operator" in run("list", "--review")
