"""Whoever is erased leaves no trace of who they were, stays unmailed, and breaks no chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update

from relay.context import Relay
from relay.db import Base, new_id, table_of
from relay.keys import Keyring
from relay.models import (
    AbuseReport,
    Account,
    AddressHold,
    Confirmation,
    ConsentRecord,
    Content,
    Erasure,
    IdempotencyKey,
    Message,
    Recipient,
    Site,
    Subscription,
    SubscriptionRequest,
    Suppression,
)
from relay.services import erasures, opt_outs, people, verification
from relay.services.erasures import Erased
from relay.services.suppressions import suppress
from relay.vocabulary import (
    AbuseReason,
    ConsentKind,
    HoldKind,
    Outcome,
    RequestOutcome,
    Stage,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)
from tests import factories
from tests.factories import make_record, parse
from tests.fakes import MORNING, FakeClock
from tests.services.test_ledger import seal
from tests.steps import accept, claim, deliver_due, find, hand_over, record, start, tell

ADA = parse("Ada.Lovelace@customer.example")
TRACES = ("lovelace", "customer.example", "192.0.2.7", "browser/1.0", "my mother")


def erase(relay: Relay, site: Site, who: str = str(ADA)) -> Erased:
    """Erase a person at the site."""
    with relay.sessions.begin() as session:
        return erasures.erase(
            session, relay.settings.keyring, site_id=site.id, address=parse(who), now=relay.clock()
        )


def erased(relay: Relay, site: Site, *people: str) -> set[str]:
    """Which of these are known as erased."""
    with relay.reads() as session:
        found = erasures.is_erased(
            session, relay.settings.keyring, site.id, [parse(each) for each in people]
        )
    return {str(each) for each in found}


def traces(relay: Relay, *, but: tuple[type[Base], ...] = ()) -> list[tuple[str, str, str]]:
    """Where something of the person is left: table, column, value."""
    found = []
    with relay.reads() as session:
        for table in Base.metadata.sorted_tables:
            if table.name in ("accounts", "sites", *(table_of(each).name for each in but)):
                continue
            for column in table.columns:
                for value in session.scalars(select(column)):
                    text = value.decode() if isinstance(value, bytes) else str(value)
                    if any(trace in text.lower() for trace in TRACES):
                        found.append((table.name, column.name, text))
    return found


@pytest.fixture
def known(relay: Relay, account: Account, site: Site) -> Site:
    """A site that knows a lot about Ada: the site."""
    for kind in (ConsentKind.REQUESTED, ConsentKind.CONFIRMED):
        make_record(relay, site, str(ADA), kind=kind)
    with relay.sessions.begin() as session:
        news = factories.make_list(session, site)
        subscription = factories.make_subscription(session, news, str(ADA))
        session.add(
            SubscriptionRequest(
                id=new_id(), site_id=site.id, list_id=news.id, subscription_id=subscription.id,
                mailbox="m" * 64, form="f" * 64, ip="i" * 64, network="n" * 64, at=MORNING,
                outcome=RequestOutcome.SENT, language="en", source={}, sent_at=MORNING,
                token_digest="t" * 64,
            )
        )  # fmt: skip
        session.add(
            SubscriptionRequest(
                id=new_id(), site_id=site.id, list_id=news.id, mailbox="m" * 64, form="f" * 64,
                at=MORNING, outcome=RequestOutcome.QUEUED, language="en", source={},
                person={"address": "ADA.Lovelace@customer.example", "ip": "192.0.2.7"},
                due_at=MORNING,
            )
        )  # fmt: skip
        opt_outs.opt_out(
            session, site.id, ADA, opt_outs.NOTIFICATION, evidence={"by": "page"}, now=MORNING
        )
        for _ in range(2):
            session.add(
                AbuseReport(
                    id=new_id(), account_id=account.id, site_id=site.id, message_id=new_id(),
                    address_key=ADA.key, reason=next(iter(AbuseReason)), at=MORNING,
                    comment="This is my mother's address", evidence={"ip": "192.0.2.7"},
                )
            )  # fmt: skip
        session.add(Confirmation(site_id=site.id, address_key=ADA.key, at=MORNING))
    accept(relay, site, to=[str(ADA)], body="Dear Ms Lovelace", Subject="Lovelace's order")
    (sent,) = deliver_due(relay)
    tell(relay, "Delivery", sent, smtpResponse="250 OK for ada.lovelace@customer.example")
    tell(relay, "Open", sent)
    accept(relay, site, to=[str(ADA)])
    (sent,) = deliver_due(relay)
    tell(relay, "Bounce", sent, diagnosticCode="550 5.1.1 ada.lovelace@customer.example unknown")
    with relay.sessions.begin() as session:
        session.add(
            AddressHold(
                id=new_id(), site_id=site.id, address=str(ADA), address_key=ADA.key,
                kind=HoldKind.COOL_OFF, began_at=MORNING, probe_at=MORNING, evidence={},
            )
        )  # fmt: skip
    seal(relay)
    return site


def test_nothing_personal_is_left(relay: Relay, known: Site) -> None:
    assert len(traces(relay)) > 15

    did = erase(relay, known)

    # A repetition within 72 hours gets the same answer again; addresses that do not exist are
    # known for all sites together; docs/consent.md says both.
    names = {name for name, _, _ in traces(relay)}
    assert names <= {"unknown_addresses", "receiving_domains"}
    assert dict(did.rows) == {
        "sign_ups": 2, "subscriptions": 1, "copies": 2, "abuse_reports": 2, "ledger_people": 2,
        "suppressions": 1, "opt_outs": 1, "holds": did.rows["holds"], "confirmations": 1,
    }  # fmt: skip


def test_the_chain_is_whole_afterwards(relay: Relay, known: Site) -> None:
    erase(relay, known)
    seal(relay)

    with relay.reads() as session:
        verdict = verification.verify(session, relay.settings.keyring, known.id, now=relay.clock())
        last = session.scalars(select(ConsentRecord).order_by(ConsentRecord.id.desc())).first()
    assert verdict.whole
    assert (verdict.head.number, verdict.personal) == (3, 0)
    assert last is not None
    assert last.kind is ConsentKind.ERASED
    assert last.facts["rows"]["copies"] == 2


def test_what_stays_tells_what_happened_and_not_to_whom(relay: Relay, known: Site) -> None:
    erase(relay, known)

    with relay.reads() as session:
        subscription = session.scalars(select(Subscription)).one()
        requests = session.scalars(
            select(SubscriptionRequest).order_by(SubscriptionRequest.id)
        ).all()
        reports = session.scalars(select(AbuseReport)).all()
        copies = session.scalars(select(Recipient).order_by(Recipient.id)).all()
        subjects = session.scalars(select(Message.subject)).all()
        assert session.scalar(select(func.count()).select_from(Content)) == 0
    assert (subscription.status, subscription.ending, subscription.ended_at) == (
        SubscriptionStatus.UNSUBSCRIBED, "erased", relay.clock(),
    )  # fmt: skip
    assert subscription.address.endswith("@erased.invalid")
    assert [each.outcome for each in requests] == [RequestOutcome.SENT, RequestOutcome.DROPPED]
    assert {each.mailbox for each in requests} == {"m" * 64}, "it protects the mailbox from floods"
    assert all(each.ip is each.token_digest is each.due_at is None for each in requests)
    assert len({each.address_key for each in reports}) == 2
    assert [each.outcome for each in copies] == [Outcome.DELIVERED, Outcome.BOUNCED]
    stand_ins = {each.address_key for each in copies} | {each.address_key for each in reports}
    assert len(stand_ins) == 4, "no two rows tell that they were of one person"
    assert set(subjects) == {""}


def test_the_person_stays_unmailed_at_that_site_only(
    relay: Relay, account: Account, known: Site
) -> None:
    with relay.sessions.begin() as session:
        neighbour = factories.make_site(session, account, name="The neighbour")
    assert erased(relay, known, str(ADA)) == set()

    erase(relay, known)

    asked = ("ADA.LOVELACE@customer.example", "bob@customer.example")
    assert erased(relay, known, *asked) == {"ADA.LOVELACE@customer.example"}
    assert erased(relay, neighbour, *asked) == set()
    assert erased(relay, known) == set()


def test_transactional_mail_still_reaches_them(relay: Relay, site: Site) -> None:
    erase(relay, site)

    accept(relay, site, to=[str(ADA)])

    assert [each.recipient for each in deliver_due(relay)] == [str(ADA)]


@pytest.mark.parametrize("scope", SuppressionScope)
def test_an_erasure_keeps_what_a_complaint_stopped(
    scope: SuppressionScope, relay: Relay, account: Account, site: Site
) -> None:
    with relay.sessions.begin() as session:
        suppress(
            session, account_id=account.id, site_id=site.id, address=ADA, evidence={},
            reason=SuppressionReason.COMPLAINT, scope=scope, now=MORNING,
        )  # fmt: skip

    assert erase(relay, site).scope is scope
    assert erase(relay, site).scope is scope, "and a second one does not forget it"

    with relay.reads() as session:
        found = erasures.erasures_of(session, relay.settings.keyring, site.id, [ADA])
        assert session.scalars(select(Suppression)).all() == []
    assert found == {ADA: scope}


def test_erasing_twice_changes_nothing(relay: Relay, known: Site) -> None:
    erase(relay, known)
    with relay.reads() as session:
        before = session.scalar(select(func.count()).select_from(ConsentRecord))

    again = erase(relay, known)

    assert not any(again.rows.values())
    with relay.reads() as session:
        assert session.scalar(select(func.count()).select_from(ConsentRecord)) == before
        assert session.scalar(select(func.count()).select_from(Erasure)) == 1


def test_a_fresh_opt_in_lifts_it_and_a_second_erasure_works(relay: Relay, known: Site) -> None:
    erase(relay, known)
    with relay.sessions.begin() as session:
        keyring = relay.settings.keyring
        lift: Callable[[], bool] = lambda: erasures.lift_erasure(  # noqa: E731
            session, keyring, site_id=known.id, address=ADA
        )
        assert (lift(), lift()) == (True, False)
        news = session.scalars(select(Subscription.list_id)).one()
        mailing_list = session.get_one(factories.MailingList, news)
        factories.make_subscription(session, mailing_list, str(ADA))
    make_record(relay, known, str(ADA), kind=ConsentKind.CONFIRMED)
    assert erased(relay, known, str(ADA)) == set()

    did = erase(relay, known)

    assert (did.rows["subscriptions"], did.rows["ledger_people"]) == (1, 1)
    assert erased(relay, known, str(ADA)) == {str(ADA)}


def test_an_erasure_is_known_after_the_keys_were_rotated(relay: Relay, site: Site) -> None:
    old, both = Keyring({1: b"1" * 32}), Keyring({1: b"1" * 32, 2: b"2" * 32})

    def known_to(keyring: Keyring) -> set[Any]:
        with relay.reads() as session:
            return erasures.is_erased(session, keyring, site.id, [ADA])

    with relay.sessions.begin() as session:
        erasures.erase(session, old, site_id=site.id, address=ADA, now=relay.clock())
    assert known_to(both) == {ADA}
    with relay.sessions.begin() as session:
        erasures.erase(session, both, site_id=site.id, address=ADA, now=relay.clock())
        versions = session.scalars(select(Erasure.key_version)).all()
    assert list(versions) == [1]
    with relay.sessions.begin() as session:
        assert erasures.lift_erasure(session, both, site_id=site.id, address=ADA)
    assert known_to(both) == set()


# --- mail that is on its way ----------------------------------------------------------------


def test_what_waits_is_not_sent_and_says_why(relay: Relay, site: Site, clock: FakeClock) -> None:
    receipt = accept(relay, site, to=[str(ADA), "bob@customer.example"])
    with relay.sessions.begin() as session:
        session.execute(
            update(Recipient).where(Recipient.address_key == ADA.key).values(stage=Stage.HELD)
        )

    erase(relay, site)

    assert [each.recipient for each in deliver_due(relay)] == ["bob@customer.example"]
    ada, bob = find(relay, site, receipt).recipients
    assert (ada.recipient.stage, ada.status) == (Stage.DONE, "suppressed")
    assert ada.recipient.reason == {
        "code": "erased", "title": "This person's data were erased on request",
    }  # fmt: skip
    assert bob.status == "sent"
    with relay.reads() as session:
        assert session.scalar(select(func.count()).select_from(Content)) == 1, "it is Bob's too"
        assert session.scalar(select(Message.subject)) == "Your order"


def test_what_a_worker_has_leased_does_not_leave(relay: Relay, site: Site) -> None:
    accept(relay, site, to=[str(ADA)])
    leased = claim(relay)

    erase(relay, site)

    assert start(relay, leased) == []


@pytest.mark.parametrize("heard", ["at once", "by an event only"])
def test_what_is_on_the_wire_is_settled_and_never_repeated(
    heard: str, relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = accept(relay, site, to=[str(ADA)])
    (sending,) = start(relay, claim(relay))

    erase(relay, site)

    if heard == "at once":
        record(relay, hand_over(relay, sending))
    tell(relay, "Bounce", sending, diagnosticCode="550 5.1.1 ada.lovelace@customer.example unknown")
    (copy,) = find(relay, site, receipt).recipients
    assert (copy.recipient.stage, copy.status) == (Stage.DONE, "bounced")
    assert {name for name, _, _ in traces(relay, but=(IdempotencyKey, Content))} == set()
    with relay.reads() as session:
        assert session.scalars(select(Suppression)).all() == [], "nobody is left to suppress"
    clock.advance(hours=25)
    assert deliver_due(relay) == []


# --- export ---------------------------------------------------------------------------------


def export(relay: Relay, site: Site, who: str = str(ADA)) -> dict[str, Any]:
    """What there is about a person at the site."""
    with relay.reads() as session:
        return people.export(
            session, relay.settings.keyring, site_id=site.id, address=parse(who), now=relay.clock()
        )


def test_an_export_has_everything_and_no_bodies(relay: Relay, known: Site) -> None:
    found = export(relay, known)

    assert {name: len(value) for name, value in found.items() if isinstance(value, list)} == {
        "subscriptions": 1, "ledger": 2, "sign_ups": 2, "suppressions": 1, "opt_outs": 1,
        "holds": len(found["holds"]), "confirmations": 1, "abuse_reports": 2, "messages": 2,
    }  # fmt: skip
    assert found["subscriptions"][0]["list"] == "news"
    assert found["ledger"][0]["personal"] == {
        "address": str(ADA), "ip": "192.0.2.7", "user_agent": "Browser/1.0",
    }  # fmt: skip
    assert found["ledger"][1]["number"] == 2
    assert found["sign_ups"][1]["given"]["ip"] == "192.0.2.7"
    assert found["abuse_reports"][0]["comment"] == "This is my mother's address"
    delivered, bounced = found["messages"]
    assert (delivered["status"], bounced["status"]) == ("delivered", "bounced")
    assert [event["type"] for event in delivered["events"]] == ["delivered", "opened"]
    assert "Dear Ms Lovelace" not in str(found)


def test_an_export_of_somebody_erased_says_so_and_names_nobody(relay: Relay, known: Site) -> None:
    erase(relay, known)

    found = export(relay, known)

    assert found["erased_at"] == relay.clock().isoformat()
    assert [row["kind"] for row in found["ledger"]] == ["requested", "confirmed", "erased"]
    assert {row["personal"] for row in found["ledger"]} == {None}
    assert found["messages"] == found["subscriptions"] == found["suppressions"] == []


def test_an_export_of_somebody_unknown_is_empty(relay: Relay, known: Site) -> None:
    found = export(relay, known, "bob@customer.example")

    assert not any(value for value in found.values() if isinstance(value, list))
