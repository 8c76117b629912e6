"""Accounts as tenants, with the real gateways against the simulator in Amazon's place."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from relay.context import Relay
from relay.gateways import ses
from relay.gateways.identities import SesIdentities
from relay.gateways.tenants import SesTenants
from relay.models import Account, Identity, Site, Tenant
from relay.services import domain_looks, tenants
from relay.vocabulary import Cause, SendingStatus, State, Verb
from relay.worker import Worker
from tests import factories
from tests.fakes import MORNING, FakeClock
from tests.simulator.simulator_rig import Simulator, eventually
from tests.steps import accept, act, status

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    running = Simulator(tmp_path_factory.mktemp("simulator"))
    yield running
    running.stop()


@pytest.fixture
def relay(simulator: Simulator, shared: Relay) -> Relay:
    """A relay with a database of its own and Amazon's real gateways, but impatient ones."""

    def client() -> Any:
        return ses.control_client("sesv2", region="us-east-1", endpoint_url=simulator.url)

    return replace(
        shared,
        settings=replace(shared.settings, ses_tenants=True),
        mailer=ses.SesMailer(
            region="us-east-1",
            configuration_set="postreeve",
            endpoint_url=simulator.url,
            timeout=timedelta(seconds=60),
        ),
        sending_account=lambda: ses.sending_account(client()),
        identities=SesIdentities(client),
        tenants=SesTenants(client, between=0.0),
    )


@pytest.fixture
def shop(relay: Relay) -> Site:
    """A site that sends under its account's tenant."""
    site = make_site(relay, f"t{uuid4().hex[:8]}.example")
    hand_in(relay, site)
    assert tenants.keep(relay) == 1
    return site


def make_site(relay: Relay, domain: str) -> Site:
    with relay.sessions.begin() as session:
        account = factories.make_account(session, name=domain)
        factories.make_domain(session, account, domain)
        session.add(
            Identity(
                name=domain, mail_from=f"bounce.{domain}", dkim_tokens=[], created_at=MORNING,
                wanted_at=MORNING,
            )
        )  # fmt: skip
        site = factories.make_site(session, account, default_from=f"news@{domain}")
    domain_looks.provision_due(relay)
    return site


def hand_in(relay: Relay, site: Site, who: str = "ada") -> Any:
    receipt = accept(relay, site, From=str(site.default_from), to=[f"{who}@customer.example"])
    Worker(relay).run_until_idle()
    return receipt


def tenant(relay: Relay, site: Site) -> Tenant:
    with relay.reads() as session:
        return session.get_one(Tenant, site.account_id)


def tenants_of_mails(simulator: Simulator, who: str = "ada") -> list[str | None]:
    """Under which tenant each mail to this customer left; letters to the owner leave beside them."""
    lines = (json.loads(line) for line in simulator.open("/mails/ledger")[2].splitlines())
    return [line["tenant"] for line in lines if line["destination"] == [f"{who}@customer.example"]]


def refused_by_ses(simulator: Simulator, site: Site, name: str) -> bool:
    """Whether Amazon itself refuses this tenant's mail, whatever the relay thinks."""
    client = simulator.aws("sesv2")
    try:
        simulator.send(
            "ada@customer.example",
            raw=factories.make_message(From=str(site.default_from)),
            FromEmailAddress=str(site.default_from),
            TenantName=name,
        )
    except client.exceptions.SendingPausedException:
        return True
    return False


def test_suspended_for_phishing_SES_refuses_it_and_reinstated_it_flows(
    relay: Relay, shop: Site, simulator: Simulator, clock: FakeClock
) -> None:
    name = tenant(relay, shop).name
    assert status(relay, shop, hand_in(relay, shop, "first")) == "sent"
    assert tenants_of_mails(simulator, "first")[-1] == name
    assert not refused_by_ses(simulator, shop, name)

    act(relay, shop.account_id, Verb.SUSPEND, Cause.PHISHING)
    assert tenants.keep(relay) == 1
    assert refused_by_ses(simulator, shop, name)

    clock.advance(minutes=1)
    act(relay, shop.account_id, Verb.REINSTATE)
    assert tenants.keep(relay) == 1
    assert not refused_by_ses(simulator, shop, name)
    assert tenant(relay, shop).status is SendingStatus.REINSTATED
    assert status(relay, shop, hand_in(relay, shop, "second")) == "sent"
    assert tenants_of_mails(simulator, "second")[-1] == name


def test_a_running_worker_throws_the_switch_within_seconds(
    relay: Relay, shop: Site, simulator: Simulator
) -> None:
    name = tenant(relay, shop).name
    worker = Worker(relay)
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        act(relay, shop.account_id, Verb.SUSPEND, Cause.MALWARE)
        eventually(lambda: refused_by_ses(simulator, shop, name))
    finally:
        worker.stop()
        running.join()


def test_a_pause_by_SES_is_met_while_sending_and_stops_only_this_account(
    relay: Relay, shop: Site, simulator: Simulator, clock: FakeClock
) -> None:
    beside = make_site(relay, "beside.example")
    simulator.control(tenants={tenant(relay, shop).name: {"BOUNCE": "HIGH"}})
    waits = hand_in(relay, shop, "waits")
    assert status(relay, shop, waits) == "queued"
    assert tenant(relay, shop).status is SendingStatus.DISABLED
    assert status(relay, beside, hand_in(relay, beside)) == "sent"

    tenants.keep(relay)
    found = tenant(relay, shop)
    assert (found.theirs, found.impact) == (SendingStatus.DISABLED, "HIGH")
    with relay.reads() as session:
        assert session.get_one(Account, shop.account_id).state is State.WARNED

    simulator.control(tenants={found.name: {"BOUNCE": None}})
    clock.advance(minutes=5)
    tenants.keep(relay)
    Worker(relay).run_until_idle()
    assert status(relay, shop, waits) == "sent"


def test_a_tenant_that_somebody_broke_over_there_is_mended_and_no_mail_is_lost(
    relay: Relay, shop: Site, simulator: Simulator, clock: FakeClock
) -> None:
    simulator.aws("sesv2").delete_tenant(TenantName=tenant(relay, shop).name)
    receipt = hand_in(relay, shop, "survives")
    assert status(relay, shop, receipt) == "queued"
    clock.advance(minutes=1)
    Worker(relay).run_until_idle()
    assert status(relay, shop, receipt) == "sent"
    assert tenants_of_mails(simulator, "survives")[-1] is None
    assert tenants.keep(relay) >= 1
    assert status(relay, shop, hand_in(relay, shop, "again")) == "sent"
    assert tenants_of_mails(simulator, "again")[-1] == tenant(relay, shop).name
