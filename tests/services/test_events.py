"""What comes back from the provider: each event once, in any order, with its consequences."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from relay.context import Relay
from relay.errors import MailerSilent, NobodyToMail
from relay.gateways.ses_events import read_events
from relay.mail import Envelope
from relay.models import Account, Event, Site, Suppression
from relay.services import delivery, events
from relay.services.delivery import Result
from relay.services.messages import Receipt
from relay.services.suppressions import list_suppressions
from relay.vocabulary import AttemptState, Kind, Stage, Stream, SuppressionReason
from tests import factories
from tests.factories import make_envelope, make_event
from tests.fakes import FakeClock
from tests.steps import (
    accept,
    claim,
    copy_of,
    deliver_due,
    record,
    rows,
    start,
    status,
    statuses,
    tell,
)


@pytest.fixture
def sent(relay: Relay, site: Site) -> tuple[Receipt, Envelope]:
    """A message to Ada that Amazon SES has taken."""
    receipt = accept(relay, site)
    (envelope,) = deliver_due(relay)
    return receipt, envelope


def suppressed(relay: Relay, site: Site) -> list[tuple[str, str, str]]:
    with relay.reads() as session:
        return [
            (each.address, each.reason.value, each.scope.value)
            for each in list_suppressions(session, site.id)
        ]


# --- what each event does -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "told", "expected", "code"),
    [
        ("Send", {}, "sent", None),
        ("Delivery", {}, "delivered", None),
        ("DeliveryDelay", {}, "deferred", "deferred"),
        ("Bounce", {}, "bounced", "bounced"),
        ("Bounce", {"bounceType": "Transient"}, "soft_bounced", "soft-bounced"),
        ("Bounce", {"bounceType": "Undetermined"}, "soft_bounced", "soft-bounced"),
        ("Complaint", {}, "complained", "complained"),
        ("Reject", {}, "rejected", "rejected"),
        ("Rendering Failure", {}, "render_failed", "render-failed"),
        ("Open", {}, "sent", None),
        ("Click", {}, "sent", None),
        ("Subscription", {}, "sent", None),
    ],
)
def test_an_event_moves_the_copy_and_says_why(
    kind: str,
    told: dict[str, Any],
    expected: str,
    code: str | None,
    relay: Relay,
    site: Site,
    sent: tuple[Receipt, Envelope],
) -> None:
    receipt, envelope = sent
    assert tell(relay, kind, envelope, **told)
    copy = copy_of(relay, site, receipt)
    assert (copy.status, copy.recipient.stage) == (expected, Stage.DONE)
    assert (copy.recipient.reason or {}).get("code") == code
    assert len(copy.events) == 1


@pytest.mark.parametrize("kind", ["Open", "Click", "Subscription"])
def test_whoever_opens_a_mail_of_which_nobody_knew_whether_it_left_has_got_it(
    kind: str, relay: Relay, site: Site, clock: FakeClock
) -> None:
    """The worker died on the way, no other notice came: the copy still ends, explained."""
    receipt = accept(relay, site)
    (envelope,) = start(relay, claim(relay))

    tell(relay, kind, envelope)
    assert status(relay, site, receipt) == "sent"
    clock.advance(hours=25)
    with relay.sessions.begin() as session:
        delivery.close_silent(session, now=relay.clock())
    assert status(relay, site, receipt) == "no_report"


def test_a_bounce_is_kept_with_what_the_server_said_and_our_reading(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    receipt, envelope = sent
    tell(relay, "Bounce", envelope)
    copy = copy_of(relay, site, receipt)
    short = {
        "class": "invalid_recipient",
        "fault": "address",
        "confidence": "firm",
        "advice": "remove-address",
        "parameters": {
            "recipient": "ada@customer.example",
            "domain": "customer.example",
            "vendor": "",
            "code": "550 5.1.1",
        },
    }
    assert copy.recipient.reason == {
        "code": "bounced",
        "title": "The mailbox does not exist",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        "diagnosis": short,
    }
    told = copy.events[0].data["diagnosis"]
    assert short.items() <= told.items()
    assert (told["suppresses"], told["ambiguous"], told["vendor"]) == (
        "invalid-address", False, None,
    )  # fmt: skip
    assert told["summary"] == "The mailbox does not exist"
    assert told["explanation"].startswith(
        "customer.example's mail server says that ada@customer.example does not exist."
    )


def test_a_delay_is_diagnosed_too_and_suppresses_nobody(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    receipt, envelope = sent
    tell(relay, "DeliveryDelay", envelope, status="4.2.2", delayType="MailboxFull")
    copy = copy_of(relay, site, receipt)
    assert copy.recipient.reason is not None
    assert copy.recipient.reason["title"] == "The mailbox is full"
    assert copy.events[0].data["diagnosis"]["class"] == "mailbox_full"
    assert suppressed(relay, site) == []


def test_an_out_of_office_note_counts_as_delivered(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    receipt, envelope = sent
    tell(relay, "Bounce", envelope, bounceType="Transient", status=None, diagnosticCode=None)
    copy = copy_of(relay, site, receipt)
    assert (copy.status, copy.recipient.reason) == ("delivered", None)
    assert copy.events[0].data["diagnosis"]["class"] == "auto_reply"
    assert suppressed(relay, site) == []


def test_a_bounce_after_the_delivery_counts_and_suppresses(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    receipt, envelope = sent
    tell(relay, "Delivery", envelope)
    tell(relay, "Bounce", envelope)
    assert status(relay, site, receipt) == "bounced"
    assert suppressed(relay, site) == [("ada@customer.example", "invalid-address", "all")]


def test_events_in_any_order_end_the_same(relay: Relay, site: Site, clock: FakeClock) -> None:
    """With a database, and both one by one and as one batch."""
    story = ("Send", "Delivery", "DeliveryDelay", "Complaint")
    ends = set()
    for order in permutations(story):
        for together in (False, True):
            clock.advance(hours=1)  # security mail to one person is not for every minute
            receipt = accept(relay, site, kind=Kind.SECURITY)
            (envelope,) = deliver_due(relay)
            if together:
                batch = [make_event(kind, envelope) for kind in order]
                with relay.sessions.begin() as session:
                    assert events.record(session, batch, now=clock()) == [True] * 4
            else:
                for kind in order:
                    tell(relay, kind, envelope)
            copy = copy_of(relay, site, receipt)
            ends.add((copy.status, str(copy.recipient.reason), len(copy.events)))
    assert len(ends) == 1
    assert suppressed(relay, site) == [("ada@customer.example", "complaint", "all")]


# --- once -----------------------------------------------------------------------------------


def test_the_same_event_twice_is_taken_in_once(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope], clock: FakeClock
) -> None:
    _, envelope = sent
    at = clock.now
    assert tell(relay, "Bounce", envelope, at=at)
    with relay.reads() as session:
        before = rows(session)
    clock.advance(hours=1)
    assert tell(relay, "Bounce", envelope, at=at)  # known, though nothing new
    with relay.reads() as session:
        assert rows(session) == before


def test_the_same_event_twice_in_one_batch_is_taken_in_once(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    receipt, envelope = sent
    with relay.sessions.begin() as session:
        told = [make_event("Delivery", envelope)] * 3
        assert events.record(session, told, now=relay.clock()) == [True] * 3
    assert len(copy_of(relay, site, receipt).events) == 1


@pytest.mark.parametrize("first", ["eventType", "notificationType"])
@pytest.mark.parametrize("kind", ["Delivery", "Bounce", "Complaint"])
def test_the_same_news_in_both_dialects_is_taken_in_once(
    kind: str, first: str, relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    receipt, envelope = sent
    second = {"eventType": "notificationType", "notificationType": "eventType"}[first]
    assert tell(relay, kind, envelope, dialect=first)
    assert tell(relay, kind, envelope, dialect=second)
    assert len(copy_of(relay, site, receipt).events) == 1


def test_two_delays_are_two_events(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope], clock: FakeClock
) -> None:
    receipt, envelope = sent
    tell(relay, "DeliveryDelay", envelope)
    clock.advance(hours=1)
    tell(relay, "DeliveryDelay", envelope)
    assert [event.type for event in copy_of(relay, site, receipt).events] == ["deferred"] * 2


# --- whose it is ----------------------------------------------------------------------------


def test_an_event_about_a_stranger_is_not_ours(relay: Relay) -> None:
    for dialect in ("eventType", "notificationType"):
        assert not tell(relay, "Bounce", make_envelope(), dialect=dialect)
    with relay.reads() as session:
        assert session.scalars(select(Event)).all() == []
        assert session.scalars(select(Suppression)).all() == []


def test_without_tags_the_providers_id_finds_the_copy(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    receipt, envelope = sent
    assert tell(relay, "Delivery", envelope, dialect="notificationType")
    assert status(relay, site, receipt) == "delivered"


def test_an_event_about_one_copy_leaves_the_others_alone(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site, to=["ada@customer.example", "bob@customer.example"])
    ada = next(copy for copy in deliver_due(relay) if copy.recipient.startswith("ada"))
    tell(relay, "Bounce", ada)
    assert statuses(relay, site, receipt) == {
        "ada@customer.example": "bounced",
        "bob@customer.example": "sent",
    }


def test_a_report_that_names_several_people_counts_for_our_copy(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    """As when the address forwards to others: the suppression is for whom we mailed."""
    receipt, envelope = sent
    event = factories.ses_event(
        "Bounce",
        envelope,
        bouncedRecipients=[
            {"emailAddress": "forwarded@elsewhere.example", "status": "5.1.1"},
            {"emailAddress": "also@elsewhere.example", "status": "5.2.2"},
        ],
    )
    with relay.sessions.begin() as session:
        assert (
            events.record(session, read_events(json.dumps(event)), now=relay.clock()) == [True] * 2
        )
    copy = copy_of(relay, site, receipt)
    assert copy.status == "bounced"
    assert len(copy.events) == 2
    assert suppressed(relay, site) == [("ada@customer.example", "invalid-address", "all")]


def test_an_event_proves_that_the_provider_had_the_copy(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    (envelope,) = start(relay, claim(relay))
    record(relay, Result(envelope, error=MailerSilent("no answer")))
    tell(relay, "Open", envelope)  # even one that says no more
    copy = copy_of(relay, site, receipt)
    assert copy.attempts[0].state is AttemptState.ACCEPTED
    assert copy.recipient.stage is Stage.DONE


# --- whom it suppresses ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "told", "stream", "expected"),
    [
        ("Bounce", {}, Stream.MARKETING, ("invalid-address", "all")),
        ("Bounce", {"bounceSubType": "OnAccountSuppressionList"}, Stream.TRANSACTIONAL,
         ("provider-list", "all")),
        ("Bounce", {"bounceSubType": "Suppressed"}, Stream.TRANSACTIONAL, ("provider-list", "all")),
        ("Bounce", {"status": "5.7.1", "diagnosticCode": "550 5.7.1 blocked"},
         Stream.TRANSACTIONAL, None),
        ("Bounce", {"bounceType": "Transient"}, Stream.TRANSACTIONAL, None),
        ("Complaint", {}, Stream.TRANSACTIONAL, ("complaint", "all")),
        ("Complaint", {}, Stream.NOTIFICATION, ("complaint", "promotional")),
        ("Complaint", {}, Stream.MARKETING, ("complaint", "promotional")),
        ("Complaint", {"complaintFeedbackType": None}, Stream.MARKETING,
         ("complaint", "promotional")),
        ("Complaint", {"complaintFeedbackType": "not-spam"}, Stream.MARKETING, None),
        ("Delivery", {}, Stream.MARKETING, None),
        ("Reject", {}, Stream.MARKETING, None),
        ("DeliveryDelay", {"status": "4.1.1"}, Stream.MARKETING, None),
    ],
)  # fmt: skip
def test_whom_an_event_suppresses(
    kind: str,
    told: dict[str, Any],
    stream: Stream,
    expected: tuple[str, str] | None,
    relay: Relay,
    site: Site,
) -> None:
    accept(relay, site, stream=stream, to=["Ada@customer.example"])
    (envelope,) = deliver_due(relay)
    tell(relay, kind, envelope, **told)
    assert suppressed(relay, site) == ([("Ada@customer.example", *expected)] if expected else [])


def test_who_takes_a_mail_out_of_the_spam_folder_only_proves_that_it_arrived(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    receipt, envelope = sent
    tell(relay, "Complaint", envelope, complaintFeedbackType="not-spam")
    assert status(relay, site, receipt) == "delivered"
    tell(relay, "Complaint", envelope, feedbackId="another", complaintFeedbackType="abuse")
    assert status(relay, site, receipt) == "complained"


def test_the_next_mail_is_refused_with_the_evidence(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    receipt, envelope = sent
    tell(relay, "Bounce", envelope)
    with pytest.raises(NobodyToMail) as refused:
        accept(relay, site, to=["ADA@customer.example"])
    (told,) = refused.value.members["recipients"]
    assert told["evidence"] == {
        "recipient": receipt["recipients"][0]["id"],
        "occurred_at": "2026-11-22T09:00:00+00:00",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        "bounceSubType": "General",
        "class": "invalid_recipient",
        "rule": told["evidence"]["rule"],
    }


def test_a_second_bounce_adds_no_second_suppression(relay: Relay, site: Site) -> None:
    for _ in range(2):
        accept(relay, site)
    for envelope in deliver_due(relay):
        tell(relay, "Bounce", envelope)
    assert suppressed(relay, site) == [("ada@customer.example", "invalid-address", "all")]


def test_reasons_add_up(relay: Relay, site: Site, sent: tuple[Receipt, Envelope]) -> None:
    _, envelope = sent
    tell(relay, "Complaint", envelope)
    tell(relay, "Bounce", envelope)
    assert {reason for _, reason, _ in suppressed(relay, site)} == {
        SuppressionReason.COMPLAINT,
        SuppressionReason.INVALID_ADDRESS,
    }


def test_a_suppression_is_the_sites_own(
    relay: Relay, site: Site, account: Account, sent: tuple[Receipt, Envelope]
) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_site(session, account)
    tell(relay, "Bounce", sent[1])
    assert suppressed(relay, other) == []


def test_a_complaint_about_a_newsletter_leaves_the_receipt(relay: Relay, site: Site) -> None:
    accept(relay, site, stream=Stream.MARKETING)
    (envelope,) = deliver_due(relay)
    tell(relay, "Complaint", envelope)
    accept(relay, site, stream=Stream.TRANSACTIONAL)
    with pytest.raises(NobodyToMail):
        accept(relay, site, stream=Stream.MARKETING)
    with pytest.raises(NobodyToMail):
        accept(relay, site, stream=Stream.NOTIFICATION)


def test_whoever_complained_about_receipts_can_still_reset_the_password(
    relay: Relay, site: Site, sent: tuple[Receipt, Envelope]
) -> None:
    tell(relay, "Complaint", sent[1])
    with pytest.raises(NobodyToMail):
        accept(relay, site)
    accept(relay, site, kind=Kind.SECURITY)
