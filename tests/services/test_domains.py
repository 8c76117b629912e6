"""Sending domains: claimed, proven, lost, regained; nobody takes another's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from relay.context import Relay
from relay.db import Sessions, new_id
from relay.errors import (
    AlreadyExists,
    DomainRefused,
    DomainTaken,
    FreeMailSender,
    Invalid,
    LookAlikeDomain,
    NotFound,
    SenderNotVerified,
)
from relay.models import Account, Content, Domain, DomainRule, Identity, Message, Recipient, Site
from relay.services import domain_looks, domain_rules, domain_views, domains
from relay.services.letters import HOUSE_SITE
from relay.vocabulary import DomainRuleKind, DomainStatus, Stage
from tests import factories
from tests.fakes import MORNING, FakeClock, FakeIdentities, FakeNames
from tests.steps import accept

PENDING, VERIFIED, FAILING, LAPSED, SUSPENDED = DomainStatus


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("shop.example", "shop.example"),
        (" Shop.Example. ", "shop.example"),
        ("mail.shop.example", "mail.shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ],
)
def test_a_domain_is_kept_as_it_is_compared(typed: str, kept: str) -> None:
    assert domains.canonical(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", ".", "localhost", "com", "shop example", "shop..example", "-shop.example", "a@shop.example",
     "https://shop.example", "x" * 64 + ".example", ".".join(["abcdefgh"] * 40), "shop.example/x",
     "*.example", "\x00.example", "shop\n.example", "192.0.2.1", "\ud800.example"],
)  # fmt: skip
def test_what_is_no_domain_is_refused(typed: str) -> None:
    with pytest.raises(Invalid):
        domains.canonical(typed)


def claim(relay: Relay, account: Account, name: str = "new.example", **given: object) -> Domain:
    """The account claims the name, and the provider makes the identity."""
    with relay.sessions.begin() as session:
        made = domains.claim(
            session, account.id, name, region="us-east-1", now=relay.clock(), **given
        )  # type: ignore[arg-type]
    domain_looks.provision(relay, made.name)
    return made


def wanted(relay: Relay, account: Account, name: str) -> list[tuple[str, str, str]]:
    """The records to publish for the account's claim: key, name and value."""
    with relay.sessions.begin() as session:
        found = domains.find(session, account.id, name)
        domains.refresh(session, found.id, region="us-east-1")
        view = domain_views.view(session, found, public_url="https://relay.example")
        return [(r["key"], r["name"], r["value"]) for r in view.records if r["required"]]


def publish(relay: Relay, names: FakeNames, account: Account, name: str = "new.example") -> None:
    """Somebody publishes the required records; Amazon SES sees them as well."""
    for key, record, value in wanted(relay, account, name):
        names.publish(record, "TXT" if key == "ownership" else "CNAME", value)
    identities = relay.identities
    assert isinstance(identities, FakeIdentities)
    identities.verified.add(name)


def look(relay: Relay, account: Account, name: str = "new.example") -> DomainStatus:
    """The status after a look."""
    with relay.reads() as session:
        found = domains.find(session, account.id, name)
    return domain_looks.look(relay, found.id).status


def letters(relay: Relay) -> list[tuple[str, str]]:
    """The relay's own letters: to whom, and the subject."""
    with relay.reads() as session:
        rows = session.execute(
            select(Recipient.address, Message.subject)
            .join(Message, Message.id == Recipient.message_id)
            .where(Message.site_id == HOUSE_SITE)
            .order_by(Message.id)
        )
        return [(row.address, row.subject) for row in rows]


@pytest.fixture
def other(sessions: Sessions) -> Account:
    """Another customer."""
    with sessions.begin() as session:
        return factories.make_account(session, name="Other")


def test_a_claim_waits_for_its_proof(relay: Relay, account: Account) -> None:
    claimed = claim(relay, account)

    assert (claimed.status, claimed.verified_at) == (PENDING, None)


def test_an_operator_may_vouch_for_a_domain(relay: Relay, account: Account) -> None:
    claimed = claim(relay, account, vouched=True)

    assert (claimed.status, claimed.verified_at) == (VERIFIED, MORNING)
    assert look(relay, account) is VERIFIED


def test_a_claim_says_what_to_publish(
    relay: Relay, account: Account, identities: FakeIdentities
) -> None:
    claim(relay, account)

    records = wanted(relay, account, "new.example")

    assert [(key, name) for key, name, _ in records] == [
        ("ownership", "_postreeve.new.example"),
        ("dkim-1", "token1ofnew._domainkey.new.example"),
        ("dkim-2", "token2ofnew._domainkey.new.example"),
        ("dkim-3", "token3ofnew._domainkey.new.example"),
    ]
    assert records[0][2].startswith("postreeve-account=")
    assert records[1][2] == "token1ofnew.dkim.amazonses.com"
    assert identities.made == {"new.example": "bounce.new.example"}


def test_zone_edits_alone_lead_from_pending_to_verified_to_failing_and_back(
    relay: Relay, account: Account, site: Site, names: FakeNames, clock: FakeClock
) -> None:
    claim(relay, account)
    assert look(relay, account) is PENDING
    with pytest.raises(SenderNotVerified):
        accept(relay, site, From="news@new.example")

    publish(relay, names, account)
    clock.advance(minutes=5)
    assert look(relay, account) is VERIFIED
    accept(relay, site, From="news@new.example")

    names.withdraw("_postreeve.new.example")
    clock.advance(days=1)
    assert look(relay, account) is FAILING
    accept(relay, site, From="news@new.example")

    publish(relay, names, account)
    clock.advance(hours=1)
    assert look(relay, account) is VERIFIED
    assert [subject for _, subject in letters(relay)] == [
        "new.example is verified: mail can leave",
        "new.example is not in order, mail stops in 72 hours",
        "new.example is in order again",
    ]


def test_after_72_hours_without_proof_nothing_leaves_any_more(
    relay: Relay, account: Account, site: Site, names: FakeNames, clock: FakeClock
) -> None:
    claim(relay, account)
    publish(relay, names, account)
    look(relay, account)
    names.zone.clear()

    statuses = []
    for _ in range(74):
        clock.advance(hours=1)
        statuses.append(look(relay, account))

    assert statuses == [FAILING] * 72 + [LAPSED] * 2
    with pytest.raises(SenderNotVerified):
        accept(relay, site, From="news@new.example")
    publish(relay, names, account)
    assert look(relay, account) is VERIFIED


def test_an_unproven_claim_ends_after_seven_days_and_may_be_made_again(
    relay: Relay, account: Account, clock: FakeClock
) -> None:
    claim(relay, account)
    clock.advance(days=7)

    assert look(relay, account) is LAPSED
    assert letters(relay) == [("owner@shop.example", "new.example was not verified within 7 days")]
    assert claim(relay, account).status is PENDING


def test_silence_is_never_a_failure(
    relay: Relay,
    account: Account,
    names: FakeNames,
    identities: FakeIdentities,
    clock: FakeClock,
) -> None:
    claim(relay, account)
    publish(relay, names, account)
    look(relay, account)

    names.silent.add("new.example")
    for _ in range(10):
        clock.advance(days=1)
        assert look(relay, account) is VERIFIED
    names.silent.clear()
    identities.away = True
    clock.advance(days=1)

    assert look(relay, account) is VERIFIED


def test_letters_go_to_the_owner_in_both_forms_and_name_the_wrong_record(
    relay: Relay, account: Account, names: FakeNames, clock: FakeClock
) -> None:
    claim(relay, account)
    publish(relay, names, account)
    look(relay, account)
    names.publish("_postreeve.new.example", "TXT", "something else")
    clock.advance(days=1)
    look(relay, account)

    with relay.reads() as session:
        row = session.execute(
            select(Message, Recipient, Content.data)
            .join(Recipient, Recipient.message_id == Message.id)
            .join(Content, Content.message_id == Message.id)
            .where(Message.site_id == HOUSE_SITE)
            .order_by(Message.id.desc())
            .limit(1)
        ).one()
    text = row.data.decode()

    assert (row.Recipient.address, row.Recipient.stage) == ("owner@shop.example", Stage.QUEUED)
    assert row.Message.sender == "postreeve@relay.example"
    assert "multipart/alternative" in text
    assert "Auto-Submitted: auto-generated" in text
    assert text.count("_postreeve.new.example") >= 2
    assert "Thursday, 26 November 2026, 09:00 UTC" in text.replace("=\r\n", "")
    assert "Bcc" not in text


def test_a_left_over_identity_proves_nothing_for_the_next_claimant(
    relay: Relay, account: Account, other: Account, site: Site, names: FakeNames, clock: FakeClock
) -> None:
    # given: a customer proved the domain, left, and their records are still in DNS
    claim(relay, other, "old.example")
    publish(relay, names, other, "old.example")
    assert look(relay, other, "old.example") is VERIFIED
    with relay.sessions.begin() as session:
        domains.remove(session, other.id, "old.example", now=clock())

    # when: somebody else claims the name, for which Amazon SES still signs
    claim(relay, account, "old.example")

    # then: the old account's record is not theirs
    assert look(relay, account, "old.example") is PENDING
    with relay.reads() as session:
        report = domains.find(session, account.id, "old.example").report
    assert report is not None
    assert report["provider"]["verified"] is True
    assert [
        (r["key"], r["code"]) for r in report["records"] if r["required"] and r["result"] != "pass"
    ] == [("ownership", "other-account")]
    with pytest.raises(SenderNotVerified):
        accept(relay, site, From="news@old.example")


def test_two_accounts_may_both_prove_one_domain(
    relay: Relay, account: Account, other: Account, names: FakeNames
) -> None:
    for each in (account, other):
        claim(relay, each, "both.example")
    publish(relay, names, account, "both.example")
    theirs = {key: value for key, _, value in wanted(relay, other, "both.example")}
    mine = {key: value for key, _, value in wanted(relay, account, "both.example")}
    assert mine["ownership"] != theirs["ownership"]

    names.publish("_postreeve.both.example", "TXT", mine["ownership"], theirs["ownership"])

    assert look(relay, account, "both.example") is VERIFIED
    assert look(relay, other, "both.example") is VERIFIED


def test_a_sub_domain_of_another_account_s_domain_needs_that_account_s_consent(
    relay: Relay, account: Account, other: Account
) -> None:
    with pytest.raises(DomainTaken):
        claim(relay, other, "news.shop.example")

    with relay.sessions.begin() as session:
        domains.consent(session, account.id, "shop.example", other.id, now=MORNING)

    assert claim(relay, other, "news.shop.example").status is PENDING


def test_a_mere_claim_of_the_domain_above_takes_nothing(
    relay: Relay, account: Account, other: Account
) -> None:
    claim(relay, account, "above.example")

    assert claim(relay, other, "news.above.example").status is PENDING
    with relay.sessions.begin() as session, pytest.raises(Invalid):
        domains.consent(session, account.id, "above.example", other.id, now=MORNING)


def test_a_sub_domain_claimed_before_its_owner_came_is_not_verified_without_consent(
    relay: Relay, account: Account, other: Account, names: FakeNames
) -> None:
    # given: the other one claims first, the owner of the whole proves it then
    claim(relay, other, "sub.late.example")
    claim(relay, account, "late.example")
    publish(relay, names, account, "late.example")
    assert look(relay, account, "late.example") is VERIFIED

    publish(relay, names, other, "sub.late.example")

    assert look(relay, other, "sub.late.example") is PENDING
    with relay.sessions.begin() as session:
        domains.consent(session, account.id, "late.example", other.id, now=MORNING)
    assert look(relay, other, "sub.late.example") is VERIFIED


def test_the_own_account_s_sub_domains_need_nobody(relay: Relay, account: Account) -> None:
    assert claim(relay, account, "news.shop.example").status is PENDING


def test_a_domain_is_added_once_by_one_account(
    relay: Relay, account: Account, other: Account
) -> None:
    claim(relay, other, "shop.example")
    with pytest.raises(AlreadyExists):
        claim(relay, account, "SHOP.example")
    with relay.sessions.begin() as session, pytest.raises(NotFound):
        domains.claim(session, new_id(), "x.example", region="us-east-1", now=MORNING)


@pytest.mark.parametrize(
    ("name", "error"),
    [("gmail.com", FreeMailSender), ("paypa1.example", LookAlikeDomain)],
)
def test_names_that_nobody_may_claim(
    relay: Relay, account: Account, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        claim(relay, account, name)


def test_an_operator_may_allow_a_look_alike_for_one_account(
    relay: Relay, account: Account, other: Account
) -> None:
    with relay.sessions.begin() as session:
        domain_rules.allow(
            session, "paypa1.example", account_id=account.id, reason="theirs", now=MORNING
        )

    assert claim(relay, account, "paypa1.example").status is PENDING
    with pytest.raises(LookAlikeDomain):
        claim(relay, other, "paypa1.example")


def test_a_ban_reaches_the_names_below_and_stops_what_is_there(
    relay: Relay, account: Account, other: Account, site: Site
) -> None:
    with relay.sessions.begin() as session:
        stopped = domain_rules.ban(session, "shop.example", reason="phishing", now=MORNING)

    assert stopped == 1
    with pytest.raises(SenderNotVerified, match="suspended"):
        accept(relay, site)
    for name in ("shop.example", "x.shop.example"):
        with pytest.raises(DomainRefused, match="phishing"):
            claim(relay, other, name)
    with relay.sessions.begin() as session, pytest.raises(DomainRefused):
        domains.remove(session, account.id, "shop.example", now=MORNING)
    assert look(relay, account, "shop.example") is SUSPENDED


def test_a_ban_of_a_sub_domain_is_not_covered_by_the_domain_above(
    relay: Relay, account: Account, site: Site
) -> None:
    with relay.sessions.begin() as session:
        domain_rules.ban(session, "evil.shop.example", reason="phishing", now=MORNING)

    accept(relay, site)
    accept(relay, site, From="x@good.shop.example")
    with pytest.raises(SenderNotVerified):
        accept(relay, site, From="x@evil.shop.example")
    with relay.sessions.begin() as session:
        domain_rules.lift(session, "evil.shop.example", now=MORNING)
    accept(relay, site, From="x@evil.shop.example")


def test_after_a_ban_is_lifted_a_claim_is_proven_again(
    relay: Relay, account: Account, names: FakeNames
) -> None:
    claim(relay, account)
    publish(relay, names, account)
    look(relay, account)
    with relay.sessions.begin() as session:
        domain_rules.ban(session, "new.example", reason="mistake", now=MORNING)
        domain_rules.lift(session, "new.example", now=MORNING)

    assert look(relay, account) is VERIFIED


def test_a_listed_domain_waits_for_an_operator(
    relay: Relay, account: Account, names: FakeNames
) -> None:
    listing = replace(relay.settings, domain_blocklists=("dbl.spamhaus.org",))
    relay = replace(relay, settings=listing)
    names.publish("new.example.dbl.spamhaus.org", "A", "127.0.1.4")
    claim(relay, account)
    publish(relay, names, account)

    assert look(relay, account) is PENDING
    with relay.sessions.begin() as session:
        (waiting,) = domain_looks.in_review(session)
        assert waiting.review is not None
        assert (waiting.review["code"], waiting.review["answer"]) == ("listed", "127.0.1.4")
        domain_rules.approve(
            session, account.id, "new.example", reason="delisted soon", now=MORNING
        )
    assert look(relay, account) is VERIFIED


def test_a_list_that_knows_registered_domains_only_is_asked_for_that(
    relay: Relay, account: Account, names: FakeNames
) -> None:
    listing = replace(relay.settings, domain_blocklists=("multi.surbl.org",))
    relay = replace(relay, settings=listing)
    names.publish("new.example.multi.surbl.org", "A", "127.0.0.8")
    claim(relay, account, "mail.new.example")
    publish(relay, names, account, "mail.new.example")

    assert look(relay, account, "mail.new.example") is PENDING


@pytest.mark.parametrize("answer", ["127.255.255.254", "192.0.2.1", None])
def test_a_block_list_that_is_in_trouble_lists_nobody(
    relay: Relay, account: Account, names: FakeNames, answer: str | None
) -> None:
    relay = replace(
        relay, settings=replace(relay.settings, domain_blocklists=("dbl.spamhaus.org",))
    )
    if answer is None:
        names.silent.add("dbl.spamhaus.org")
    else:
        names.publish("new.example.dbl.spamhaus.org", "A", answer)
    claim(relay, account)
    publish(relay, names, account)

    assert look(relay, account) is VERIFIED


def test_the_provider_is_asked_again_until_it_has_made_the_identity(
    relay: Relay, account: Account, identities: FakeIdentities, clock: FakeClock
) -> None:
    identities.away = True
    claim(relay, account)
    assert [key for key, _, _ in wanted(relay, account, "new.example")] == ["ownership", "dkim"]
    identities.away = False
    clock.advance(minutes=2)

    assert domain_looks.provision_due(relay) == 1
    assert [key for key, _, _ in wanted(relay, account, "new.example")][1:] == [
        "dkim-1",
        "dkim-2",
        "dkim-3",
    ]
    assert domain_looks.provision_due(relay) == 0


def test_an_identity_nobody_claims_is_deleted_a_day_later(
    relay: Relay, account: Account, other: Account, identities: FakeIdentities, clock: FakeClock
) -> None:
    for each in (account, other):
        claim(relay, each)
    with relay.sessions.begin() as session:
        domains.remove(session, account.id, "new.example", now=clock())
    clock.advance(days=2)
    domain_looks.provision_due(relay)
    assert "new.example" in identities.made

    with relay.sessions.begin() as session:
        domains.remove(session, other.id, "new.example", now=clock())
    domain_looks.provision_due(relay)
    assert "new.example" in identities.made
    clock.advance(days=2)
    domain_looks.provision_due(relay)

    assert identities.made == {}
    with relay.reads() as session:
        assert session.get(Identity, "new.example") is None


def test_due_domains_are_looked_at_by_one_worker_at_a_time(
    relay: Relay, account: Account, names: FakeNames, clock: FakeClock
) -> None:
    claim(relay, account)

    assert domain_looks.look_due(relay) == 1
    assert domain_looks.look_due(relay) == 0
    clock.advance(minutes=5)
    publish(relay, names, account)
    assert domain_looks.look_due(relay) == 1
    with relay.reads() as session:
        assert domains.find(session, account.id, "new.example").status is VERIFIED


def test_a_look_by_hand_comes_at_most_every_ten_seconds(
    relay: Relay, account: Account, names: FakeNames, clock: FakeClock
) -> None:
    claimed = claim(relay, account)
    domain_looks.look(relay, claimed.id, by_hand=True)
    asked = len(names.asked)
    clock.advance(seconds=9)
    domain_looks.look(relay, claimed.id, by_hand=True)
    assert len(names.asked) == asked
    clock.advance(seconds=1)
    domain_looks.look(relay, claimed.id, by_hand=True)
    assert len(names.asked) > asked


def test_a_pending_claim_of_a_sub_domain_does_not_stop_what_the_domain_above_covers(
    relay: Relay, account: Account, site: Site
) -> None:
    accept(relay, site, From="x@news.shop.example")
    claim(relay, account, "news.shop.example")

    accept(relay, site, From="x@news.shop.example")


def test_the_first_claim_chooses_the_mail_from_and_a_verified_one_keeps_it(
    relay: Relay, account: Account, other: Account, names: FakeNames, identities: FakeIdentities
) -> None:
    claim(relay, account, mail_from="mail")
    assert identities.made["new.example"] == "mail.new.example"
    publish(relay, names, account)
    look(relay, account)

    claim(relay, other, mail_from="theirs")

    assert identities.made["new.example"] == "mail.new.example"


def test_a_stranger_s_claim_moves_nobody_s_mail_from(
    relay: Relay, account: Account, other: Account, identities: FakeIdentities
) -> None:
    claim(relay, account)

    claim(relay, other, mail_from="www")

    assert identities.made["new.example"] == "bounce.new.example"


def ban(relay: Relay, name: str) -> None:
    with relay.sessions.begin() as session:
        session.add(
            DomainRule(
                id=new_id(), name=name, account_id=None, kind=DomainRuleKind.BANNED,
                reason="phishing", created_at=MORNING,
            )
        )  # fmt: skip


def test_a_ban_that_came_while_somebody_claimed_closes_the_claim_at_the_next_look(
    relay: Relay, account: Account, names: FakeNames
) -> None:
    claim(relay, account)
    publish(relay, names, account)
    ban(relay, "new.example")

    assert look(relay, account) is SUSPENDED


def test_a_name_banned_below_while_somebody_claimed_is_not_covered(
    relay: Relay, account: Account, names: FakeNames
) -> None:
    claim(relay, account)
    publish(relay, names, account)
    ban(relay, "evil.new.example")

    assert look(relay, account) is VERIFIED
    with relay.reads() as session:
        assert domains.find(session, account.id, "evil.new.example").status is SUSPENDED


def summary(relay: Relay, account: Account) -> str:
    """Where the domain stands, as everybody is told."""
    with relay.reads() as session:
        found = domains.find(session, account.id, "new.example")
        return str(domain_views.view(session, found, public_url="https://relay.example").summary)


def test_each_state_says_what_is_true(
    relay: Relay,
    account: Account,
    names: FakeNames,
    identities: FakeIdentities,
    clock: FakeClock,
) -> None:
    identities.away = True
    claim(relay, account)
    assert "Amazon SES has not told" in summary(relay, account)
    identities.away = False
    clock.advance(minutes=5)
    domain_looks.provision_due(relay)
    look(relay, account)
    assert summary(relay, account).startswith("4 required records are not there yet")
    names.silent.add("new.example")
    look(relay, account)
    assert summary(relay, account) == "DNS gave no answer just now; we keep looking."
    names.silent.clear()
    publish(relay, names, account)
    identities.verified.clear()
    look(relay, account)
    assert "Amazon SES has not noticed yet" in summary(relay, account)
    identities.away = True
    look(relay, account)
    assert "Amazon SES gives no answer" in summary(relay, account)
    identities.away = False
    identities.verified.add("new.example")
    look(relay, account)
    assert summary(relay, account) == "All required records are in place; mail can leave."


def test_where_only_amazon_has_lost_the_domain_nobody_is_told_of_a_record(
    relay: Relay, account: Account, names: FakeNames, identities: FakeIdentities, clock: FakeClock
) -> None:
    claim(relay, account)
    publish(relay, names, account)
    look(relay, account)
    identities.verified.clear()

    assert look(relay, account) is FAILING

    assert summary(relay, account).startswith("The records are there, but Amazon SES does not")
    with relay.reads() as session:
        found = domains.find(session, account.id, "new.example")
        assert domains.history(session, found.id)[-1].title.startswith("Amazon SES does not accept")
    names.silent.add("new.example")
    clock.advance(hours=80)
    assert look(relay, account) is FAILING
    assert "stops as soon as it is certain" in summary(relay, account)


def test_a_claim_made_again_is_one_that_nobody_has_looked_at(
    relay: Relay, account: Account, clock: FakeClock
) -> None:
    claim(relay, account)
    clock.advance(days=7)
    assert look(relay, account) is LAPSED

    claim(relay, account)

    assert summary(relay, account) == "Publish the records below; we look every few minutes."


@pytest.mark.parametrize("label", ["", "a.b", "-x", "x-", "ü", "a b", "x" * 64])
def test_a_mail_from_label_is_one_label(relay: Relay, account: Account, label: str) -> None:
    with pytest.raises(Invalid):
        claim(relay, account, mail_from=label)
