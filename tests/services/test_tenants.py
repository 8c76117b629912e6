"""Accounts as tenants of Amazon SES: made, switched as they stand, read, and sent under."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import func, select

from relay.context import Relay
from relay.errors import Conflict, MailerBusy, NotFound
from relay.gateways.tenants import Finding
from relay.models import Account, Action, Domain, Identity, Site, Tenant, TenantDomain
from relay.services import tenancy, tenants
from relay.services.letters import HOUSE_ACCOUNT
from relay.vocabulary import Cause, DomainStatus, Kind, SendingStatus, State, Verb
from tests import factories
from tests.connecting import letters_to
from tests.fakes import MORNING, FakeClock, FakeMailer, FakeTenant, FakeTenants
from tests.steps import accept, act, deliver_due, status

BOUNCES = Finding("BOUNCE", "HIGH", "15 % of 400 mails bounced.")


@pytest.fixture
def ses() -> FakeTenants:
    """Amazon SES's tenants."""
    return FakeTenants()


@pytest.fixture
def relay(relay: Relay, ses: FakeTenants) -> Relay:
    """A relay that uses tenants."""
    return replace(relay, settings=replace(relay.settings, ses_tenants=True), tenants=ses)


@pytest.fixture
def account(relay: Relay, account: Account) -> Account:
    """A customer whose domain Amazon SES has."""
    identity(relay, "shop.example")
    return account


def identity(relay: Relay, name: str) -> None:
    with relay.sessions.begin() as session:
        session.add(
            Identity(name=name, mail_from=f"bounce.{name}", dkim_tokens=[], created_at=MORNING)
        )


def tenant(relay: Relay, account_id: UUID) -> Tenant:
    with relay.reads() as session:
        return session.get_one(Tenant, account_id)


def at_ses(ses: FakeTenants, account_id: UUID) -> FakeTenant:
    return ses.there[f"postreeve-{account_id.hex}"]


def audit(relay: Relay) -> list[Action]:
    with relay.reads() as session:
        return list(session.scalars(select(Action).order_by(Action.id)))


def hour_later(relay: Relay, clock: FakeClock) -> None:
    clock.advance(hours=1)
    assert tenants.keep(relay)


@pytest.fixture
def tenanted(relay: Relay, site: Site, ses: FakeTenants) -> Site:
    """The customer's site, whose tenant is ready: it has sent one mail before."""
    accept(relay, site)
    deliver_due(relay)
    assert tenants.keep(relay) == 1
    return site


# --- making ---------------------------------------------------------------------------------


def test_an_account_that_sends_gets_a_tenant_with_all_it_needs(
    relay: Relay, site: Site, ses: FakeTenants
) -> None:
    assert (tenants.keep(relay), ses.there) == (0, {})  # who does not send costs nothing
    accept(relay, site)
    assert tenants.keep(relay) == 1
    made = at_ses(ses, site.account_id)
    assert made.resources == {"identity/shop.example", "configuration-set/postreeve"}
    assert made.ours is SendingStatus.ENABLED
    assert ses.calls == ["create", "set_policy", "associate", "associate", "standing"]
    assert tenants.keep(relay) == 0  # and then an hour's rest


def test_the_house_has_none(relay: Relay, tenanted: Site, ses: FakeTenants) -> None:
    act(relay, tenanted.account_id, Verb.WARN, Cause.SPAM)  # the house writes to the owner
    (letter,) = deliver_due(relay)
    tenants.keep(relay)
    assert letter.tenant is None
    assert [*ses.there] == [f"postreeve-{tenanted.account_id.hex}"]
    with relay.reads() as session:
        assert session.get(Tenant, HOUSE_ACCOUNT) is None


def test_an_account_without_a_domain_at_SES_waits(
    relay: Relay, site: Site, ses: FakeTenants
) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Identity, "shop.example").wanted_at = MORNING
    accept(relay, site)
    assert (tenants.keep(relay), ses.calls) == (0, [])


def test_domains_come_and_go_with_the_account_s(
    relay: Relay, tenanted: Site, ses: FakeTenants
) -> None:
    identity(relay, "new.example")
    with relay.sessions.begin() as session:
        account = session.get_one(Account, tenanted.account_id)
        factories.make_domain(session, account, "new.example")
        old = session.scalars(select(Domain).where(Domain.name == "shop.example")).one()
        old.status = DomainStatus.LAPSED
    assert tenants.keep(relay) == 1
    assert at_ses(ses, tenanted.account_id).resources == {
        "identity/new.example",
        "configuration-set/postreeve",
    }
    with relay.reads() as session:
        assert session.scalars(select(TenantDomain.name)).all() == ["new.example"]


def test_many_domains_are_associated_a_few_at_a_time(
    relay: Relay, tenanted: Site, ses: FakeTenants
) -> None:
    for n in range(25):
        identity(relay, f"n{n}.example")
        with relay.sessions.begin() as session:
            account = session.get_one(Account, tenanted.account_id)
            factories.make_domain(session, account, f"n{n}.example", per_day=None)
    assert tenants.keep(relay) == 3
    assert len(at_ses(ses, tenanted.account_id).resources) == 27


@pytest.mark.parametrize("answers", range(5))
def test_wherever_SES_falls_silent_nothing_is_lost(
    answers: int, relay: Relay, site: Site, ses: FakeTenants, clock: FakeClock
) -> None:
    accept(relay, site)
    ses.answers = answers
    tenants.keep(relay)
    found = tenant(relay, site.account_id)
    assert (found.trouble, found.tries) == ("Amazon SES does not answer", 1)
    assert tenants.keep(relay) == 0  # not at once
    ses.answers = None
    clock.advance(seconds=15)
    assert tenants.keep(relay) == 1
    assert at_ses(ses, site.account_id).resources == {
        "identity/shop.example",
        "configuration-set/postreeve",
    }
    assert tenant(relay, site.account_id).trouble is None
    done = [call for call in ses.calls if call != "create"]  # that is asked again, to be sure
    assert done == ["set_policy", "associate", "associate", "standing"]


def test_one_that_was_deleted_over_there_is_made_anew(
    relay: Relay, tenanted: Site, ses: FakeTenants, clock: FakeClock
) -> None:
    ses.there.clear()
    clock.advance(hours=1)
    assert tenants.keep(relay) == 2
    assert at_ses(ses, tenanted.account_id).resources >= {"identity/shop.example"}


def test_one_worker_asks_for_all(relay: Relay, tenanted: Site, clock: FakeClock) -> None:
    clock.advance(hours=1)
    assert tenants._take(relay) == tenanted.account_id
    assert tenants._take(relay) is None
    clock.advance(minutes=2)  # that worker has died
    assert tenants._take(relay) == tenanted.account_id


def test_the_tenant_of_a_terminated_account_can_be_deleted_and_no_other(
    relay: Relay, tenanted: Site, ses: FakeTenants
) -> None:
    with pytest.raises(Conflict, match="would get a new tenant"):
        tenants.remove(relay, tenanted.account_id)
    act(relay, tenanted.account_id, Verb.TERMINATE, Cause.SPAM)
    tenants.remove(relay, tenanted.account_id)
    assert (ses.there, tenants.keep(relay)) == ({}, 0)
    with pytest.raises(NotFound):
        tenants.remove(relay, tenanted.account_id)


# --- the switch -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "cause", "ours"),
    [
        (Verb.SUSPEND, Cause.PHISHING, SendingStatus.DISABLED),
        (Verb.SUSPEND, Cause.STOLEN_KEY, SendingStatus.DISABLED),
        (Verb.SUSPEND, Cause.SPAM, SendingStatus.ENABLED),  # security mail still leaves
        (Verb.LIMIT, Cause.COMPLAINTS, SendingStatus.ENABLED),
        (Verb.TERMINATE, Cause.SPAM, SendingStatus.DISABLED),
    ],
)
def test_SES_is_told_when_nothing_may_leave_any_more(
    verb: Verb, cause: Cause, ours: SendingStatus, relay: Relay, tenanted: Site, ses: FakeTenants
) -> None:
    act(relay, tenanted.account_id, verb, cause)
    tenants.keep(relay)
    assert at_ses(ses, tenanted.account_id).ours is ours


def test_who_is_reinstated_is_so_at_SES_and_mail_waits_for_it(
    relay: Relay, tenanted: Site, ses: FakeTenants, clock: FakeClock
) -> None:
    act(relay, tenanted.account_id, Verb.SUSPEND, Cause.PHISHING)
    tenants.keep(relay)
    clock.advance(minutes=5)
    act(relay, tenanted.account_id, Verb.REINSTATE)
    receipt = accept(relay, tenanted, to=["later@customer.example"])
    deliver_due(relay)
    assert status(relay, tenanted, receipt) == "queued"  # SES would refuse it still
    assert tenants.keep(relay) == 1
    assert at_ses(ses, tenanted.account_id).ours is SendingStatus.REINSTATED
    clock.advance(seconds=6)
    deliver_due(relay)
    assert status(relay, tenanted, receipt) == "sent"
    hour_later(relay, clock)
    assert ses.calls.count("set_status") == 2


def test_after_trouble_the_switch_waits_its_turn_and_is_thrown(
    relay: Relay, tenanted: Site, ses: FakeTenants, clock: FakeClock
) -> None:
    ses.answers = 0
    act(relay, tenanted.account_id, Verb.SUSPEND, Cause.PHISHING)
    tenants.keep(relay)
    ses.answers = None
    clock.advance(seconds=15)
    tenants.keep(relay)
    assert at_ses(ses, tenanted.account_id).ours is SendingStatus.DISABLED


def test_a_domain_that_SES_refuses_stops_neither_the_others_nor_the_switch(
    relay: Relay, tenanted: Site, ses: FakeTenants, clock: FakeClock
) -> None:
    ses.refused.add("identity/broken.example")
    for name in ("broken.example", "fine.example"):
        identity(relay, name)
        with relay.sessions.begin() as session:
            account = session.get_one(Account, tenanted.account_id)
            factories.make_domain(session, account, name, per_day=None)
    for _ in range(4):  # by now the next try is a quarter of an hour away
        assert tenants.keep(relay) == 1
        clock.advance(minutes=5)
    found = tenant(relay, tenanted.account_id)
    assert (found.trouble, found.tries, found.synced_at is not None) == (
        "Amazon SES refused it", 4, True,
    )  # fmt: skip
    assert "identity/fine.example" in at_ses(ses, tenanted.account_id).resources
    act(relay, tenanted.account_id, Verb.SUSPEND, Cause.PHISHING)
    assert tenants.keep(relay) == 1
    assert at_ses(ses, tenanted.account_id).ours is SendingStatus.DISABLED


def test_a_switch_thrown_over_there_is_put_back(
    relay: Relay, tenanted: Site, ses: FakeTenants, clock: FakeClock
) -> None:
    at_ses(ses, tenanted.account_id).ours = SendingStatus.DISABLED
    clock.advance(hours=1)
    assert tenants.keep(relay) == 2
    assert at_ses(ses, tenanted.account_id).ours is SendingStatus.ENABLED


# --- what SES finds -------------------------------------------------------------------------


def test_a_grave_finding_warns_the_account_once_with_the_evidence(
    relay: Relay, tenanted: Site, ses: FakeTenants, clock: FakeClock
) -> None:
    at_ses(ses, tenanted.account_id).findings = (BOUNCES, Finding("COMPLAINT", "LOW", "few"))
    hour_later(relay, clock)
    hour_later(relay, clock)
    (done,) = audit(relay)
    assert (done.verb, done.actor, done.cause) == (Verb.WARN, "relay", Cause.INVALID_ADDRESSES)
    assert BOUNCES.description in done.reason
    assert done.evidence["ses"]["findings"][0] == {
        "type": "BOUNCE", "impact": "HIGH", "description": BOUNCES.description,
    }  # fmt: skip
    found = tenant(relay, tenanted.account_id)
    assert (found.impact, found.status, len(found.findings)) == ("HIGH", "enabled", 2)
    (sent,) = deliver_due(relay)
    assert sent.recipient == "owner@shop.example"
    (letter,) = letters_to(relay, "owner@shop.example")
    assert f"Why: {done.reason}" in " ".join(letter.split())


def test_one_that_is_closed_and_comes_again_warns_again(
    relay: Relay, tenanted: Site, ses: FakeTenants, clock: FakeClock
) -> None:
    for findings in ((BOUNCES,), (), (BOUNCES,)):
        at_ses(ses, tenanted.account_id).findings = findings
        hour_later(relay, clock)
        if not findings:
            act(relay, tenanted.account_id, Verb.REINSTATE)
            tenants.keep(relay)
    assert [each.verb for each in audit(relay)] == [Verb.WARN, Verb.REINSTATE, Verb.WARN]


def test_an_account_that_is_not_simply_active_keeps_its_state(
    relay: Relay, tenanted: Site, ses: FakeTenants, clock: FakeClock
) -> None:
    act(relay, tenanted.account_id, Verb.LIMIT, Cause.COMPLAINTS)
    at_ses(ses, tenanted.account_id).findings = (BOUNCES,)
    hour_later(relay, clock)
    with relay.reads() as session:
        assert session.get_one(Account, tenanted.account_id).state is State.LIMITED
    assert tenant(relay, tenanted.account_id).warned == ["BOUNCE"]


def test_a_pause_by_SES_warns_and_mail_of_this_account_waits_without_harming_others(
    relay: Relay, tenanted: Site, ses: FakeTenants, clock: FakeClock, mailer: FakeMailer
) -> None:
    other, _ = factories.make_shop(relay)
    at_ses(ses, tenanted.account_id).theirs = SendingStatus.DISABLED
    hour_later(relay, clock)
    mine = accept(relay, tenanted, to=["waits@customer.example"])
    theirs = accept(relay, other, to=["goes@customer.example"])
    tenants.keep(relay)
    deliver_due(relay)
    assert status(relay, tenanted, mine) == "queued"
    assert status(relay, other, theirs) == "sent"
    assert audit(relay)[-1].cause is Cause.OTHER
    assert "paused" in audit(relay)[-1].reason

    at_ses(ses, tenanted.account_id).theirs = SendingStatus.ENABLED
    hour_later(relay, clock)
    deliver_due(relay)
    assert status(relay, tenanted, mine) == "sent"


# --- sending --------------------------------------------------------------------------------


def test_mail_goes_without_a_tenant_until_it_is_ready(
    relay: Relay, site: Site, ses: FakeTenants, clock: FakeClock
) -> None:
    ses.answers = 2
    accept(relay, site)
    tenants.keep(relay)
    (first,) = deliver_due(relay)
    ses.answers = None
    clock.advance(seconds=15)
    tenants.keep(relay)
    accept(relay, site, to=["second@customer.example"])
    (second,) = deliver_due(relay)
    assert (first.tenant, second.tenant) == (None, f"postreeve-{site.account_id.hex}")


def test_a_domain_SES_does_not_know_of_yet_goes_without(relay: Relay, tenanted: Site) -> None:
    with relay.sessions.begin() as session:
        account = session.get_one(Account, tenanted.account_id)
        factories.make_domain(session, account, "new.example")
    accept(relay, tenanted, From="a@new.example", to=["x@customer.example"])
    (envelope,) = deliver_due(relay)
    assert envelope.tenant is None


def test_where_tenants_are_switched_off_again_nothing_goes_under_one(
    relay: Relay, tenanted: Site
) -> None:
    off = replace(relay, settings=replace(relay.settings, ses_tenants=False))
    accept(off, tenanted, to=["x@customer.example"])
    (envelope,) = deliver_due(off)
    assert envelope.tenant is None


def trouble(relay: Relay, name: str, code: str) -> None:
    """What the worker does with such an answer."""
    with relay.sessions.begin() as session:
        tenancy.refused(session, name, code, "said SES", now=relay.clock())


def test_a_pause_that_an_answer_tells_stops_the_account_until_SES_was_asked(
    relay: Relay, tenanted: Site, mailer: FakeMailer, ses: FakeTenants, clock: FakeClock
) -> None:
    mailer.failures.append(MailerBusy("paused", code=tenancy.PAUSED, scope="tenant"))
    first = accept(relay, tenanted, to=["1@customer.example"])
    (envelope,) = deliver_due(relay)
    assert envelope.tenant is not None
    trouble(relay, envelope.tenant, tenancy.PAUSED)
    second = accept(relay, tenanted, to=["2@customer.example"])
    assert deliver_due(relay) == []
    assert tenants.keep(relay) == 1  # it was no pause of this tenant after all
    clock.advance(minutes=1)
    deliver_due(relay)
    assert {status(relay, tenanted, each) for each in (first, second)} == {"sent"}


def test_a_copy_refused_for_its_tenant_goes_without_and_the_tenant_is_made_whole(
    relay: Relay, tenanted: Site, mailer: FakeMailer, ses: FakeTenants, clock: FakeClock
) -> None:
    mailer.failures.append(MailerBusy("not associated", code=tenancy.REFUSED, scope="tenant"))
    receipt = accept(relay, tenanted, to=["1@customer.example"])
    (envelope,) = deliver_due(relay)
    assert envelope.tenant is not None
    at_ses(ses, tenanted.account_id).resources.clear()
    trouble(relay, envelope.tenant, tenancy.REFUSED)
    assert tenants.keep(relay) == 1
    assert len(at_ses(ses, tenanted.account_id).resources) == 2
    clock.advance(minutes=1)
    (again,) = deliver_due(relay)
    assert (again.tenant, status(relay, tenanted, receipt)) == (None, "sent")


def test_security_mail_of_a_suspended_account_leaves_under_its_tenant(
    relay: Relay, tenanted: Site
) -> None:
    act(relay, tenanted.account_id, Verb.SUSPEND, Cause.SPAM)
    tenants.keep(relay)
    accept(relay, tenanted, kind=Kind.SECURITY, to=["reset@customer.example"])
    reset = next(e for e in deliver_due(relay) if e.recipient == "reset@customer.example")
    assert reset.tenant == f"postreeve-{tenanted.account_id.hex}"


def test_a_tenant_nobody_knows_troubles_nobody(relay: Relay, tenanted: Site) -> None:
    trouble(relay, "somebody-else", tenancy.PAUSED)
    with relay.reads() as session:
        stopped = select(func.count()).where(Tenant.status == SendingStatus.DISABLED)
        assert session.scalar(stopped) == 0
