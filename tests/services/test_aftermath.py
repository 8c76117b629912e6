"""What follows from a bounce: suppression, dispute, cool-off, one more try; and what ends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from relay.addresses import parse
from relay.context import Relay
from relay.errors import NobodyToMail
from relay.mail import Envelope
from relay.models import AddressHold, Site, UnknownAddress
from relay.services.holds import note_confirmation
from relay.services.messages import Receipt
from relay.services.suppressions import list_suppressions
from relay.vocabulary import Stream
from relay.worker import Duties
from tests import factories
from tests.fakes import FakeClock
from tests.steps import accept, copy_of, deliver_due, status, tell

ADA = "ada@customer.example"
GONE = {"status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
AMBIGUOUS = {
    "status": "5.4.1",
    "diagnosticCode": "smtp; 550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
}
MIMECAST = {
    "status": "5.7.1",
    "diagnosticCode": "smtp; 550 Rejected by header based manually Blocked Senders - "
    "https://community.mimecast.com/docs/DOC-1369#550",
}
FULL = {
    "bounceType": "Transient",
    "bounceSubType": "MailboxFull",
    "status": "5.2.2",
    "diagnosticCode": "smtp; 552 5.2.2 mailbox full",
}
INACTIVE = {
    "status": "5.2.1",
    "diagnosticCode": "smtp; 550 5.2.1 The email account that you tried to reach is inactive",
}


def mail(relay: Relay, site: Site, **given: Any) -> tuple[Receipt, Envelope]:
    receipt = accept(relay, site, **({"stream": Stream.NOTIFICATION} | given))
    (envelope,) = deliver_due(relay)
    return receipt, envelope


def bounce(relay: Relay, site: Site, told: dict[str, Any], **given: Any) -> Receipt:
    receipt, envelope = mail(relay, site, **given)
    tell(relay, "Bounce", envelope, **told)
    return receipt


def reasons(relay: Relay, site: Site) -> list[str]:
    with relay.reads() as session:
        return [each.reason.value for each in list_suppressions(session, site.id)]


def held(relay: Relay) -> list[tuple[str, str | None]]:
    with relay.reads() as session:
        rows = session.scalars(select(AddressHold).order_by(AddressHold.id)).all()
        return [(row.kind.value, row.ending) for row in rows]


def refusal(relay: Relay, site: Site, **given: Any) -> str:
    with pytest.raises(NobodyToMail) as refused:
        accept(relay, site, **given)
    (told,) = refused.value.members["recipients"]
    return str(told["code"])


def confirm(relay: Relay, site: Site, **ago: float) -> None:
    with relay.sessions.begin() as session:
        note_confirmation(session, site.id, parse(ADA), relay.clock() - timedelta(**ago))


def probe(relay: Relay) -> list[Envelope]:
    """The duty, and what it sends."""
    Duties(relay).run_once()
    return deliver_due(relay)


def other_site(relay: Relay) -> Site:
    with relay.sessions.begin() as session:
        account = factories.make_account(session, name="Another Ltd")
        factories.make_domain(session, account)
        return factories.make_site(session, account)


# --- unknown, and disputed ------------------------------------------------------------------


def test_a_mailbox_that_does_not_exist_is_suppressed_after_one_bounce(
    relay: Relay, site: Site
) -> None:
    receipt = bounce(relay, site, GONE)
    assert (status(relay, site, receipt), reasons(relay, site)) == ("bounced", ["invalid-address"])
    assert refusal(relay, site) == "suppressed"
    assert held(relay) == []


def test_an_address_that_confirmed_and_is_clearly_unknown_is_believed(
    relay: Relay, site: Site
) -> None:
    confirm(relay, site, days=7)
    bounce(relay, site, GONE)
    assert reasons(relay, site) == ["invalid-address"]


def test_an_ambiguous_refusal_of_an_address_nobody_knows_is_believed(
    relay: Relay, site: Site
) -> None:
    confirm(relay, site, days=181)
    bounce(relay, site, AMBIGUOUS)
    assert reasons(relay, site) == ["invalid-address"]


def test_a_confirmed_address_is_disputed_re_probed_after_three_days_and_cleared_by_a_delivery(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    confirm(relay, site, days=7)
    receipt = bounce(relay, site, AMBIGUOUS)
    assert (reasons(relay, site), held(relay)) == ([], [("disputed", None)])
    assert refusal(relay, site) == "disputed"
    (event,) = copy_of(relay, site, receipt).events
    assert (event.data["follows"]["code"], event.data["follows"]["at"]) == (
        "dispute", "2026-11-25T09:00:00Z",
    )  # fmt: skip

    clock.advance(days=2, hours=23)
    assert probe(relay) == []
    clock.advance(hours=2)
    (again,) = probe(relay)
    assert (again.recipient, status(relay, site, receipt)) == (ADA, "sent")
    assert probe(relay) == []
    assert refusal(relay, site) == "disputed"

    tell(relay, "Delivery", again)
    assert (status(relay, site, receipt), held(relay)) == ("delivered", [("disputed", "cleared")])
    accept(relay, site)


def test_a_disputed_address_that_is_unknown_again_is_suppressed(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    confirm(relay, site, days=7)
    receipt = bounce(relay, site, AMBIGUOUS)
    clock.advance(days=3)
    (again,) = probe(relay)
    tell(relay, "Bounce", again, feedbackId="second", **AMBIGUOUS)
    assert (reasons(relay, site), held(relay)) == (
        ["invalid-address"], [("disputed", "suppressed")],
    )  # fmt: skip
    assert status(relay, site, receipt) == "bounced"
    clock.advance(days=30)
    assert probe(relay) == []


def test_where_the_copy_is_worth_nothing_any_more_the_next_mail_is_the_probe(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    confirm(relay, site, days=7)
    bounce(relay, site, AMBIGUOUS, stream=Stream.TRANSACTIONAL)
    clock.advance(days=3, minutes=1)
    assert probe(relay) == []
    _, next_mail = mail(relay, site)
    assert refusal(relay, site) == "disputed"
    tell(relay, "Delivery", next_mail)
    assert held(relay) == [("disputed", "cleared")]
    accept(relay, site)


def test_a_probe_that_nobody_answers_leaves_it_to_the_next_mail(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    confirm(relay, site, days=7)
    bounce(relay, site, AMBIGUOUS)
    clock.advance(days=3)
    assert len(probe(relay)) == 1
    clock.advance(days=3)
    assert probe(relay) == []
    accept(relay, site)
    assert refusal(relay, site) == "disputed"


def test_an_old_delivery_that_is_told_late_does_not_clear_a_dispute(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    confirm(relay, site, days=7)
    _, before = mail(relay, site)
    clock.advance(minutes=10)
    bounce(relay, site, AMBIGUOUS)
    tell(relay, "Delivery", before, at=clock() - timedelta(minutes=9))
    assert held(relay) == [("disputed", None)]


def test_many_known_people_failing_alike_speak_against_the_gateway(
    relay: Relay, site: Site
) -> None:
    """The third of three is disputed although the words are plain."""
    people = [f"p{n}@customer.example" for n in range(3)]
    with relay.sessions.begin() as session:
        for person in people:
            note_confirmation(session, site.id, parse(person), relay.clock())
    for person in people:
        bounce(relay, site, GONE, to=[person])
    assert reasons(relay, site) == ["invalid-address", "invalid-address"]
    assert held(relay) == [("disputed", None)]


# --- refusals that are not about the address ------------------------------------------------


def test_a_mimecast_policy_refusal_suppresses_nobody_and_is_re_probed_once(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = bounce(relay, site, MIMECAST)
    (event,) = copy_of(relay, site, receipt).events
    assert event.data["diagnosis"]["class"] == "policy_related"
    assert event.data["diagnosis"]["vendor"] == "mimecast"
    assert (reasons(relay, site), held(relay)) == ([], [("re-probe", None)])

    clock.advance(hours=23)
    assert probe(relay) == []
    clock.advance(hours=2)
    (again,) = probe(relay)
    tell(relay, "Bounce", again, feedbackId="second", **MIMECAST)
    assert (reasons(relay, site), held(relay)) == ([], [("re-probe", "refused-again")])
    clock.advance(days=3)
    assert probe(relay) == []
    assert status(relay, site, receipt) == "bounced"
    accept(relay, site)  # the address stays usable


def test_a_receipt_that_has_expired_is_not_re_probed(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    bounce(relay, site, MIMECAST, stream=Stream.TRANSACTIONAL)
    clock.advance(days=1, minutes=1)
    assert probe(relay) == []
    assert held(relay) == [("re-probe", "next-mail")]


def test_a_full_mailbox_cools_off_and_three_strikes_suppress_it(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    for strike in range(3):
        assert reasons(relay, site) == []
        bounce(relay, site, FULL, stream=Stream.TRANSACTIONAL)
        if strike < 2:
            assert refusal(relay, site) == "cool-off"
            clock.advance(days=3, minutes=1)
            Duties(relay).run_once()
    assert reasons(relay, site) == ["mailbox-full"]
    assert held(relay) == [("cool-off", "over"), ("cool-off", "over")]


def test_a_delivery_in_between_forgives_the_strikes(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    for _ in range(4):
        _, late = mail(relay, site)
        bounce(relay, site, FULL, stream=Stream.TRANSACTIONAL)
        clock.advance(hours=1)
        tell(relay, "Delivery", late)
    assert reasons(relay, site) == []


def test_a_mailbox_out_of_use_rests_a_month_and_is_then_suppressed(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    bounce(relay, site, INACTIVE)
    assert (reasons(relay, site), held(relay)) == ([], [("cool-off", None)])
    clock.advance(days=29)
    Duties(relay).run_once()
    assert refusal(relay, site) == "cool-off"
    clock.advance(days=1, minutes=1)
    Duties(relay).run_once()
    bounce(relay, site, INACTIVE)
    assert reasons(relay, site) == ["inactive-mailbox"]


# --- over all accounts ----------------------------------------------------------------------


def test_an_unknown_address_is_mailed_by_no_site_for_ninety_days(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    other = other_site(relay)
    bounce(relay, site, GONE)
    with pytest.raises(NobodyToMail) as refused:
        accept(relay, other)
    (told,) = refused.value.members["recipients"]
    assert told["code"] == "unknown-address"
    assert told["evidence"] == {"class": "invalid_recipient", "code": "550 5.1.1"}
    clock.advance(days=90, minutes=1)
    accept(relay, other)
    assert refusal(relay, site) == "suppressed"


def test_somebody_s_delivery_of_late_keeps_an_address_off_that_list(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    other = other_site(relay)
    _, delivered = mail(relay, other)
    tell(relay, "Delivery", delivered)
    clock.advance(days=29)
    bounce(relay, site, GONE)
    accept(relay, other)


def test_a_delivery_anywhere_ends_the_entry(relay: Relay, site: Site, clock: FakeClock) -> None:
    other = other_site(relay)
    _, under_way = mail(relay, other)
    bounce(relay, site, GONE)
    assert refusal(relay, other) == "unknown-address"
    clock.advance(minutes=1)
    tell(relay, "Delivery", under_way)
    accept(relay, other)
    with relay.reads() as session:
        assert session.scalars(select(UnknownAddress)).one().until == clock()


def test_a_disputed_address_is_no_other_site_s_business(relay: Relay, site: Site) -> None:
    confirm(relay, site, days=7)
    bounce(relay, site, AMBIGUOUS)
    accept(relay, other_site(relay))
