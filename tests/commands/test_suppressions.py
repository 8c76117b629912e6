"""`python -m relay suppression` and `gateway`: what operators see and do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from relay.context import Relay
from relay.models import ReceivingDomain, Suppression
from relay.services.suppressions import suppress
from relay.vocabulary import SuppressionReason, SuppressionScope
from tests import factories
from tests.commands import running
from tests.fakes import MORNING


@pytest.fixture
def site(installation: Relay) -> str:
    """The id of a site on which ada complained. The provider does not answer."""
    with installation.sessions.begin() as session:
        account = factories.make_account(session)
        made = factories.make_site(session, account)
        suppress(
            session,
            account_id=account.id,
            site_id=made.id,
            address=factories.parse("ada@customer.example"),
            reason=SuppressionReason.COMPLAINT,
            scope=SuppressionScope.ALL,
            evidence={},
            now=MORNING,
        )
    return str(made.id)


def run(*arguments: str) -> Any:
    done = running.run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_operator_lists_and_lifts(installation: Relay, site: str) -> None:
    (row,) = run("suppression", "list", "--site", site)
    assert (row["address"], row["reason"]) == ("ada@customer.example", "complaint")
    lifted = run("suppression", "lift", row["id"], "--because", "by mistake")
    assert lifted["ending"] == "lifted-by-operator"
    assert run("suppression", "list", "--site", site) == []
    assert len(run("suppression", "list", "--site", site, "--ended")) == 1
    with installation.reads() as session:
        found = session.scalars(select(Suppression)).one()
        assert found.evidence == {"lifted_because": "by mistake"}
        assert found.provider_due_at is not None  # the provider did not answer: asked again later


def test_unknown_gateways_are_shown(installation: Relay) -> None:
    with installation.sessions.begin() as session:
        session.add(
            ReceivingDomain(domain="a.example", mx=[], zone="filter.example", due_at=MORNING)
        )
    assert run("gateway", "unknown") == [{"mx_zone": "filter.example", "domains": 1}]
