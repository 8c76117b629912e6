"""`python -m relay tenants`: what Amazon SES says of accounts, for operators."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from relay.context import Relay
from relay.gateways.tenants import Finding
from relay.models import Identity, Site
from relay.services import tenant_looks, tenants
from relay.vocabulary import SendingStatus
from tests import factories
from tests.commands.running import run
from tests.fakes import MORNING, FakeTenants
from tests.steps import accept


@pytest.fixture
def site(installation: Relay, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site of an account of which Amazon SES has found something."""
    monkeypatch.setenv("POSTREEVE_SES_TENANTS", "on")
    site, _ = factories.make_shop(installation)
    with installation.sessions.begin() as session:
        session.add(
            Identity(
                name="shop.example", mail_from="b.shop.example", dkim_tokens=[], created_at=MORNING
            )
        )
    accept(installation, site)
    ses = FakeTenants()
    relay = replace(
        installation, settings=replace(installation.settings, ses_tenants=True), tenants=ses
    )
    tenants.keep(relay)
    (there,) = ses.there.values()
    there.theirs = SendingStatus.DISABLED
    there.findings = (Finding("BOUNCE", "HIGH", "15 % bounced."),)
    tenant_looks.sync(relay, site.account_id)
    return site


def test_tenants_are_listed_with_what_SES_found(site: Site) -> None:
    shown = run("tenants", "list").stdout
    assert "disabled" in shown
    assert "BOUNCE" in shown
    (row,) = json.loads(run("tenants", "list", "--json").stdout)
    assert (row["status"], row["by_ses"], row["told"]) == ("disabled", "disabled", "enabled")
    assert row["findings"][0]["description"] == "15 % bounced."
    assert row["ready"] is True


def test_an_account_shows_its_tenant(site: Site) -> None:
    row = json.loads(run("account", "show", str(site.account_id), "--json").stdout)
    assert row["tenant"]["domains"] == ["shop.example"]
    assert (row["state"], row["tenant"]["impact"]) == ("warned", "HIGH")
    shown = run("account", "show", str(site.account_id)).stdout
    assert "tenant status" in shown
    assert "BOUNCE HIGH: 15 % bounced." in shown


def test_one_asks_SES_now_and_hears_of_trouble(site: Site) -> None:
    done = run("tenants", "sync", "--account", str(site.account_id), "--json")
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["in order"]) == (1, False)
    assert "does not answer" in row["trouble"]


def test_without_tenants_it_says_how_to_get_some(installation: Relay) -> None:
    assert "POSTREEVE_SES_TENANTS=on" in run("tenants", "list").stdout
    off = run("tenants", "sync")
    assert (off.returncode, "is off" in off.stderr) == (1, True)


def test_an_account_without_a_tenant(site: Site) -> None:
    nobody = "018f0000-0000-7000-8000-000000000001"
    for command in ("sync", "delete"):
        arguments = ("--account", nobody) if command == "sync" else (nobody,)
        done = run("tenants", command, *arguments)
        assert (done.returncode, "has no tenant" in done.stderr) == (1, True)


def test_who_may_still_send_keeps_the_tenant(site: Site) -> None:
    done = run("tenants", "delete", str(site.account_id))
    assert (done.returncode, "terminate the account" in done.stderr) == (1, True)
