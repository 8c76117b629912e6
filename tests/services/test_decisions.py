"""What follows from an operator's decision: the policy before approval, bans after an end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from relay.context import Relay
from relay.errors import Conflict, DomainRefused, SenderNotVerified
from relay.models import Account, Action, Site
from relay.services import acceptable_use, decisions, domain_rules, domains
from relay.services.actions import Order, Subject
from relay.services.decisions import Waivers
from relay.vocabulary import Cause, DomainStatus, State, Verb
from tests import factories
from tests.steps import accept


def terminate(relay: Relay, account_id: UUID, cause: Cause = Cause.SPAM, **given: Any) -> Action:
    with relay.sessions.begin() as session:
        return decisions.decide(
            session,
            Subject(account_id=account_id),
            Order(Verb.TERMINATE, "operator:ada", "a secret reason", cause),
            Waivers(**given),
            sender="relay@relay.example",
            public_url="https://relay.example",
            now=relay.clock(),
        )


def other_site(relay: Relay, domain: str, *, state: State = State.ACTIVE) -> Site:
    """Another customer, whose domain is verified."""
    with relay.sessions.begin() as session:
        account = factories.make_account(session, name="Other Ltd", state=state)
        factories.make_domain(session, account, domain)
        return factories.make_site(session, account, default_from=f"x@{domain}")


def status(relay: Relay, site: Site, name: str) -> DomainStatus:
    with relay.reads() as session:
        return domains.find(session, site.account_id, name).status


def banned(relay: Relay) -> list[str]:
    with relay.reads() as session:
        return [rule.name for rule in domain_rules.list_rules(session)]


@pytest.mark.parametrize(
    ("cause", "closes"),
    [
        (Cause.PHISHING, True),
        (Cause.MALWARE, True),
        (Cause.SPAM, True),
        (Cause.STOLEN_KEY, False),
        (Cause.COMPLAINTS, False),
        (Cause.OTHER, False),
    ],
)
def test_who_ends_for_phishing_malware_or_spam_takes_the_domains_along(
    cause: Cause, closes: bool, relay: Relay, site: Site
) -> None:
    done = terminate(relay, site.account_id, cause)
    assert banned(relay) == (["shop.example"] if closes else [])
    assert done.evidence.get("domains") == (
        {"banned": ["shop.example"], "spared": []} if closes else None
    )


def test_an_operator_may_leave_the_domains_alone(relay: Relay, site: Site) -> None:
    done = terminate(relay, site.account_id, keep_domains=True)
    assert banned(relay) == []
    assert done.evidence["domains"] == {"kept": ["shop.example"]}


def test_what_is_only_claimed_is_not_banned(relay: Relay, site: Site) -> None:
    """Anybody can claim a name: a ban of it would hurt whose it is."""
    with relay.sessions.begin() as session:
        account = session.get_one(Account, site.account_id)
        factories.make_domain(session, account, "victim.example", DomainStatus.PENDING)
        factories.make_domain(session, account, "mail.shop.example")
    done = terminate(relay, site.account_id)
    assert done.evidence["domains"]["banned"] == ["shop.example"]  # which closes what is below
    assert banned(relay) == ["shop.example"]


@pytest.mark.parametrize("name", ["shop.example", "other.shop.example"])
def test_a_domain_that_somebody_in_good_standing_sends_from_is_spared(
    name: str, relay: Relay, site: Site
) -> None:
    other = other_site(relay, name)
    done = terminate(relay, site.account_id)
    assert done.evidence["domains"] == {"banned": [], "spared": ["shop.example"]}
    accept(relay, other, From=f"x@{name}")


@pytest.mark.parametrize("state", [State.SUSPENDED, State.TERMINATED, State.PENDING])
def test_who_is_in_no_good_standing_saves_no_domain(state: State, relay: Relay, site: Site) -> None:
    other_site(relay, "shop.example", state=state)
    terminate(relay, site.account_id)
    assert banned(relay) == ["shop.example"]


def test_others_do_not_read_why_an_account_has_ended(relay: Relay, site: Site) -> None:
    terminate(relay, site.account_id, Cause.PHISHING)
    other = other_site(relay, "else.example")
    with (
        pytest.raises(DomainRefused, match="used for phishing") as refused,
        relay.sessions.begin() as session,
    ):
        domains.claim(
            session, other.account_id, "shop.example", region="eu-west-1", now=relay.clock()
        )
    assert "secret" not in refused.value.detail


# --- how far a ban reaches ------------------------------------------------------------------


@pytest.mark.parametrize("sender", ["a.bad.example", "deep.a.bad.example"])
def test_a_ban_reaches_names_below_that_another_account_has_verified(
    sender: str, relay: Relay
) -> None:
    other = other_site(relay, "a.bad.example")
    accept(relay, other, From=f"x@{sender}")
    with relay.sessions.begin() as session:
        domain_rules.ban(session, "bad.example", reason="phishing", now=relay.clock())
    assert status(relay, other, "a.bad.example") is DomainStatus.SUSPENDED
    with pytest.raises(SenderNotVerified):
        accept(relay, other, From=f"x@{sender}")


@pytest.mark.parametrize(
    ("sender", "refused"),
    [
        ("bad.shop.example", True),
        ("deep.bad.shop.example", True),
        ("shop.example", False),
        ("good.shop.example", False),
        ("notbad.shop.example", False),
    ],
)
def test_a_ban_below_a_verified_domain_stops_from_addresses_there_and_no_others(
    sender: str, refused: bool, relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        domain_rules.ban(session, "bad.shop.example", reason="phishing", now=relay.clock())
    if refused:
        with pytest.raises(SenderNotVerified):
            accept(relay, site, From=f"x@{sender}")
    else:
        accept(relay, site, From=f"x@{sender}")


@pytest.mark.parametrize("name", ["bad.example", "a.bad.example", "b.a.bad.example"])
def test_nobody_claims_a_banned_name_or_one_below(name: str, relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        domain_rules.ban(session, "bad.example", reason="phishing", now=relay.clock())
    with pytest.raises(DomainRefused), relay.sessions.begin() as session:
        domains.claim(session, site.account_id, name, region="eu-west-1", now=relay.clock())


def test_a_claim_below_that_waits_for_its_proof_never_gets_it(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        account = session.get_one(Account, site.account_id)
        factories.make_domain(session, account, "a.bad.example", DomainStatus.PENDING)
        domain_rules.ban(session, "bad.example", reason="phishing", now=relay.clock())
    with relay.reads() as session:
        found = domains.find(session, site.account_id, "a.bad.example")
    assert (found.status, found.due_at) == (DomainStatus.SUSPENDED, None)


# --- the policy -----------------------------------------------------------------------------


def approve(relay: Relay, account: Account, **given: Any) -> Action:
    with relay.sessions.begin() as session:
        return decisions.decide(
            session,
            Subject(account_id=account.id),
            Order(Verb.APPROVE, "operator:ada", "known"),
            Waivers(**given),
            sender="relay@relay.example",
            public_url="https://relay.example",
            now=relay.clock(),
        )


def test_the_policy_in_force_has_to_be_accepted_before_approval(relay: Relay) -> None:
    with relay.sessions.begin() as session:
        account = factories.make_account(session, state=State.PENDING)
        account.policy_version = "2020-01"
    with pytest.raises(Conflict, match="accept-policy"):
        approve(relay, account)
    with relay.sessions.begin() as session, pytest.raises(Conflict, match="in force"):
        acceptable_use.accept(session, account.id, "2020-01", by="Nora", now=relay.clock())
    with relay.sessions.begin() as session:
        acceptable_use.accept(
            session, account.id, acceptable_use.VERSION, by="Nora", now=relay.clock()
        )
    assert approve(relay, account).after["state"] == "active"


def test_accepting_again_keeps_when_it_was_accepted(relay: Relay, account: Account) -> None:
    with relay.sessions.begin() as session:
        for name in ("Nora", "Otto"):
            made = acceptable_use.accept(
                session, account.id, acceptable_use.VERSION, by=name, now=relay.clock()
            )
    assert made.policy_accepted_by == "Nora"


def test_who_sends_already_goes_on_without_the_policy(relay: Relay, site: Site) -> None:
    with relay.reads() as session:
        assert session.get_one(Account, site.account_id).policy_version is None
    accept(relay, site)
