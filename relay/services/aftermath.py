"""What follows from a refusal, done: the record of the address is read, the rule asked, and acted on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import upsert
from relay.mail import DeliveryEvent
from relay.models import (
    AddressHold,
    Confirmation,
    Event,
    ReceivingDomain,
    Recipient,
    UnknownAddress,
)
from relay.policy import consequences
from relay.policy.bounces import BounceClass, Diagnosis, Suppress
from relay.policy.consequences import Consequence, Record
from relay.sayings import phrase
from relay.services import diagnoses, holds
from relay.services.circumstances import iso
from relay.services.suppressions import suppress
from relay.vocabulary import EventType, HoldKind, Outcome, SuppressionReason, SuppressionScope

UNKNOWN_FOR = timedelta(days=90)
"""How long an address that does not exist is mailed by no site (our decision)."""

DELIVERED_WITHIN = timedelta(days=30)
"""Somebody's delivery within this time keeps an address off that list (our decision)."""

FRESH = {"populate_existing": True}
"""An earlier event of the same batch may have ended a hold by a plain UPDATE."""

ALIVE = (EventType.DELIVERED, EventType.OPENED, EventType.CLICKED)

NEVER_LEFT = (Outcome.NONE, Outcome.SUPPRESSED, Outcome.EXPIRED, Outcome.FAILED)

REASONS = {
    **diagnoses.REASONS,
    BounceClass.MAILBOX_FULL: SuppressionReason.MAILBOX_FULL,
    BounceClass.INACTIVE_MAILBOX: SuppressionReason.INACTIVE_MAILBOX,
}

TITLES = {
    Consequence.SUPPRESS: phrase("The address is not mailed any more"),
    Consequence.DISPUTE: phrase(
        "We doubt that: nothing is sent to the address until one more try decides"
    ),
    Consequence.COOL_OFF: phrase("The address is left alone for a while"),
    Consequence.RE_PROBE: phrase("It is tried once more; the address stays usable"),
    Consequence.NOTHING: phrase("The address stays usable"),
}


def act(
    session: Session, row: Any, event: DeliveryEvent, found: Diagnosis, now: datetime
) -> dict[str, Any]:
    """Do what follows from this refusal; returns it for the event: code, title, when."""
    if event.type is EventType.DEFERRED:
        return _told(Consequence.NOTHING)
    address = EmailAddress(row.address)
    at = min(event.occurred_at, now)
    open_holds = session.scalars(
        select(AddressHold).where(
            AddressHold.site_id == row.site_id,
            AddressHold.address_key == address.key,
            AddressHold.ended_at.is_(None),
        ),
        execution_options=FRESH,
    ).all()
    probed = [h for h in open_holds if h.recipient_id == row.id and h.probed_at is not None]
    record = _record(session, row, address, found, open_holds, probed, at)
    decided = consequences.follows(found, record, final=event.type is EventType.BOUNCED)
    evidence = evidence_of(row.id, event, found)
    if probed:
        ending = "suppressed" if decided is Consequence.SUPPRESS else "refused-again"
        holds.end(session, [hold.id for hold in probed], ending, now=now)
    match decided:
        case Consequence.SUPPRESS:
            _suppress(session, row, address, found, evidence, now)
        case Consequence.DISPUTE:
            lasts = consequences.DISPUTED_FOR
            _hold(session, row, address, HoldKind.DISPUTED, lasts, evidence, at)
            return _told(decided, at + lasts)
        case Consequence.COOL_OFF:
            lasts = consequences.pause(found)
            _hold(session, row, address, HoldKind.COOL_OFF, lasts, evidence, at)
            return _told(decided, at + lasts)
        case Consequence.RE_PROBE:
            lasts = consequences.probe_after(found)
            _hold(session, row, address, HoldKind.RE_PROBE, lasts, evidence, at)
            return _told(decided, at + lasts)
    return _told(decided)


def evidence_of(
    recipient_id: UUID, event: DeliveryEvent, found: Diagnosis | None
) -> dict[str, Any]:
    """What a suppression or hold rests on."""
    names = ("status", "diagnosticCode", "bounceSubType", "complaintFeedbackType")
    return {
        "recipient": str(recipient_id),
        "occurred_at": event.occurred_at.isoformat(),
        **{name: event.data[name] for name in names if name in event.data},
        **({"class": found.bounce_class.value, "rule": found.rule} if found else {}),
    }


def _told(decided: Consequence, at: datetime | None = None) -> dict[str, Any]:
    return {
        "code": decided.value,
        "title": TITLES[decided],
        "at": iso(at) if at is not None else None,
    }


def _hold(
    session: Session,
    row: Any,
    address: EmailAddress,
    kind: HoldKind,
    lasts: timedelta,
    evidence: Mapping[str, Any],
    at: datetime,
) -> None:
    holds.begin(
        session,
        site_id=row.site_id,
        address=address,
        kind=kind,
        recipient_id=row.id,
        evidence=evidence,
        lasts=lasts,
        now=at,
    )


def _record(
    session: Session,
    row: Any,
    address: EmailAddress,
    found: Diagnosis,
    open_holds: Any,
    probed: Any,
    at: datetime,
) -> Record:
    """What is known of the address, as far as this class of refusal asks for it."""
    if found.suppress is Suppress.YES:
        disputed = any(hold.kind is HoldKind.DISPUTED for hold in open_holds)
        known = not disputed and _known(session, row, address, at)
        alike, mailed = (0, 0)
        if known and not found.ambiguous:
            alike, mailed = _alike(session, row, address, found)
        return Record(
            known=known,
            disputed=disputed,
            is_probe=any(hold.kind is HoldKind.DISPUTED for hold in probed),
            alike=alike,
            mailed=mailed,
        )
    earlier = session.scalars(
        select(AddressHold).where(
            AddressHold.site_id == row.site_id,
            AddressHold.address_key == address.key,
            AddressHold.began_at > at - consequences.KNOWN_FOR,
        ),
        execution_options=FRESH,
    ).all()
    within = at - consequences.STRIKES_WITHIN
    pauses = sum(
        hold.kind is HoldKind.COOL_OFF
        and hold.ended_at is not None
        and hold.ending != "cleared"
        and hold.evidence.get("class") == found.bounce_class.value
        and (found.bounce_class is BounceClass.INACTIVE_MAILBOX or hold.began_at > within)
        for hold in earlier
    )
    lately = at - consequences.PROBED_AGAIN_AFTER
    return Record(
        pauses=pauses if not any(h.kind is HoldKind.COOL_OFF for h in open_holds) else 0,
        probed_lately=any(
            hold.kind is HoldKind.RE_PROBE
            and hold.probed_at is not None
            and hold.probed_at > lately
            and hold.ending != "cleared"
            for hold in earlier
        ),
    )


def _known(session: Session, row: Any, address: EmailAddress, at: datetime) -> bool:
    """Whether the address was good to this site lately: confirmed, delivered to, opened, clicked."""
    since = at - consequences.KNOWN_FOR
    confirmed = session.scalar(
        select(Confirmation.at).where(
            Confirmation.site_id == row.site_id, Confirmation.address_key == address.key
        )
    )
    if confirmed is not None and confirmed >= since:
        return True
    alive = (
        select(Event.id)
        .join(Recipient, Recipient.id == Event.recipient_id)
        .where(
            Recipient.site_id == row.site_id,
            Recipient.address_key == address.key,
            Event.type.in_(ALIVE),
            Event.occurred_at >= since,
            or_(Event.recipient_id != row.id, Event.type != EventType.DELIVERED),
        )
        .limit(1)
    )
    return session.execute(alive).first() is not None


def _alike(session: Session, row: Any, address: EmailAddress, found: Diagnosis) -> tuple[int, int]:
    """How many behind the gateway (or at the domain) failed alike, and how many were mailed, within a day.

    Counted over all sites, from a day before this copy was made (its id tells that time).
    """
    day = int(consequences.ALIKE_WITHIN.total_seconds() * 1_000)
    first = UUID(int=max((row.id.int >> 80) - day, 0) << 80)
    alike = Recipient.reason["diagnosis"]["class"].as_string() == found.bounce_class.value
    failed = (Recipient.outcome == Outcome.BOUNCED) & alike
    behind = Recipient.domain == address.domain
    if found.vendor is not None:
        same = select(ReceivingDomain.domain).where(ReceivingDomain.gateway == found.vendor.value)
        behind = or_(behind, Recipient.domain.in_(same))
    mailed, others = session.execute(
        select(func.count(), func.coalesce(func.sum(case((failed, 1), else_=0)), 0)).where(
            Recipient.id >= first,
            Recipient.id != row.id,
            behind,
            Recipient.outcome.not_in(NEVER_LEFT),
        )
    ).one()
    return others + 1, mailed + 1


def _suppress(
    session: Session,
    row: Any,
    address: EmailAddress,
    found: Diagnosis,
    evidence: Mapping[str, Any],
    now: datetime,
) -> None:
    suppress(
        session,
        account_id=row.account_id,
        site_id=row.site_id,
        address=address,
        reason=REASONS[found.bounce_class],
        scope=SuppressionScope.ALL,
        evidence=evidence,
        now=now,
    )
    if found.bounce_class in (BounceClass.INVALID_RECIPIENT, BounceClass.BAD_DOMAIN):
        _enter_as_unknown(session, row, address, found, now)


def _enter_as_unknown(
    session: Session, row: Any, address: EmailAddress, found: Diagnosis, now: datetime
) -> None:
    """No site mails this address for a while, unless somebody's mail arrived there lately.

    The entry says what and when, and not whose mail it was: other accounts will read it.
    """
    delivered = (
        select(Event.id)
        .join(Recipient, Recipient.id == Event.recipient_id)
        .where(
            Recipient.address_key == address.key,
            Recipient.id != row.id,
            Event.type == EventType.DELIVERED,
            Event.occurred_at > now - DELIVERED_WITHIN,
        )
        .limit(1)
    )
    if session.execute(delivered).first() is not None:
        return
    entry = upsert(session, UnknownAddress).values(
        address_key=address.key,
        since=now,
        until=now + UNKNOWN_FOR,
        evidence={"class": found.bounce_class.value, "code": found.parameters["code"]},
    )
    session.execute(
        entry.on_conflict_do_update(
            index_elements=["address_key"],
            set_={name: entry.excluded[name] for name in ("since", "until", "evidence")},
        )
    )
