"""What comes back from the provider: find the copy, take the event in once, act on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.mail import DeliveryEvent
from relay.models import Attempt, Event, EventKey, Message, Recipient
from relay.policy.bounces import diagnose
from relay.policy.consent import scope_of_complaint
from relay.policy.lifecycle import after
from relay.services.delivery import REPORT_WITHIN, event_row
from relay.services.suppressions import suppress
from relay.vocabulary import (
    AttemptState,
    EventType,
    Outcome,
    Stage,
    SuppressionReason,
    SuppressionScope,
)

NOT_SPAM = "not-spam"
"""complaintFeedbackType of somebody who took mail out of the spam folder (RFC 5965 registry)."""


def record_all(session: Session, events: Sequence[DeliveryEvent], *, now: datetime) -> int:
    """Take in the events of one notice; returns how many found no copy of ours (yet)."""
    return sum(not record(session, event, now=now) for event in events)


def record(session: Session, event: DeliveryEvent, *, now: datetime) -> bool:
    """Take in one event. False: it belongs to no attempt we know (yet); nothing was written.

    The same event told twice changes nothing; an event that comes before our own record of the
    hand-off settles the attempt; late or weaker news never weakens an outcome.
    """
    row = _find(session, event)
    if row is None:
        return False
    if not _first_time(session, event.key, now):
        return True
    event = _read(event)
    session.execute(
        insert(Event).values(
            event_row(
                row,
                event.type,
                event.data,
                now,
                attempt_id=row.attempt_id,
                occurred_at=event.occurred_at,
            )
        )
    )
    _settle_attempt(session, row, event, now)
    _move_copy(session, row, event, now)
    _suppress(session, row, event, now)
    return True


def _find(session: Session, event: DeliveryEvent) -> Any:
    """The attempt and the copy it concerns, locked; by our tag, else by the provider's id."""
    query = (
        select(
            Attempt.id.label("attempt_id"),
            Attempt.state,
            Attempt.heard_at,
            Attempt.provider_id,
            Recipient.id,
            Recipient.message_id,
            Recipient.site_id,
            Recipient.account_id,
            Recipient.address,
            Recipient.stage,
            Recipient.outcome,
            Recipient.attempt_id.label("current"),
            Message.stream,
        )
        .join(Recipient, Recipient.id == Attempt.recipient_id)
        .join(Message, Message.id == Recipient.message_id)
        .with_for_update(of=Recipient)
    )
    if event.attempt_id is not None:
        return session.execute(query.where(Attempt.id == event.attempt_id)).one_or_none()
    if not event.provider_id:
        return None
    found = session.execute(query.where(Attempt.provider_id == event.provider_id)).all()
    return found[0] if len(found) == 1 else None


def _first_time(session: Session, key: str, now: datetime) -> bool:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    new = session.execute(
        dialect.insert(EventKey)
        .values(key=key, seen_at=now)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(EventKey.key)
    ).one_or_none()
    return new is not None


def _read(event: DeliveryEvent) -> DeliveryEvent:
    """The event with our reading of a bounce beside what the server said."""
    if event.type is not EventType.BOUNCED:
        return event
    diagnosis = diagnose(event.data)
    return replace(
        event,
        data={
            **event.data,
            "diagnosis": {
                "rule": diagnosis.rule,
                "suppresses": diagnosis.suppression.value if diagnosis.suppression else None,
                "summary": diagnosis.summary,
            },
        },
    )


def _settle_attempt(session: Session, row: Any, event: DeliveryEvent, now: datetime) -> None:
    """An event proves that the provider had the copy, whatever we heard at the time."""
    session.execute(
        update(Attempt)
        .where(Attempt.id == row.attempt_id)
        .values(
            state=AttemptState.ACCEPTED,
            heard_at=row.heard_at or now,
            provider_id=row.provider_id or event.provider_id or None,
        )
        .execution_options(synchronize_session=False)
    )


def _move_copy(session: Session, row: Any, event: DeliveryEvent, now: datetime) -> None:
    outcome = after(row.outcome, event.type)
    changes: dict[str, Any] = {}
    if outcome is not row.outcome:
        changes["outcome"] = outcome
        changes["reason"] = _reason(event)
    if row.current == row.attempt_id and row.stage is not Stage.DONE:
        changes["stage"] = Stage.DONE
        changes.setdefault("reason", None)
    if changes:
        if outcome in (Outcome.SENT, Outcome.DEFERRED):
            changes["due_at"] = now + REPORT_WITHIN
        session.execute(
            update(Recipient)
            .where(Recipient.id == row.id)
            .values(**changes)
            .execution_options(synchronize_session=False)
        )


def _reason(event: DeliveryEvent) -> dict[str, Any] | None:
    """Why the copy ended as it did, for people; None where it went well."""
    said = {name: event.data[name] for name in ("status", "diagnosticCode") if name in event.data}
    match event.type:
        case EventType.BOUNCED:
            return {"code": "bounced", "title": event.data["diagnosis"]["summary"], **said}
        case EventType.SOFT_BOUNCED:
            return {"code": "soft-bounced", "title": "It could not be delivered for now", **said}
        case EventType.DEFERRED:
            kind = event.data.get("delayType", "")
            return {"code": "deferred", "title": "The receiving server asks to wait", "kind": kind}
        case EventType.COMPLAINED:
            return {"code": "complained", "title": "The recipient marked it as spam"}
        case EventType.REJECTED:
            return {
                "code": "rejected",
                "title": "Amazon SES found harmful content and did not send it",
            }
        case EventType.RENDER_FAILED:
            return {"code": "render-failed", "title": "Amazon SES could not build the message"}
    return None


def _suppress(session: Session, row: Any, event: DeliveryEvent, now: datetime) -> None:
    reason: SuppressionReason | None = None
    scope = SuppressionScope.ALL
    if event.type is EventType.BOUNCED:
        reason = diagnose(event.data).suppression
    elif event.type is EventType.COMPLAINED and event.data.get("complaintFeedbackType") != NOT_SPAM:
        reason, scope = SuppressionReason.COMPLAINT, scope_of_complaint(row.stream)
    if reason is not None:
        suppress(
            session,
            account_id=row.account_id,
            site_id=row.site_id,
            address=EmailAddress(row.address),
            reason=reason,
            scope=scope,
            evidence={
                "recipient": str(row.id),
                "occurred_at": event.occurred_at.isoformat(),
                **{
                    name: event.data[name]
                    for name in (
                        "status",
                        "diagnosticCode",
                        "bounceSubType",
                        "complaintFeedbackType",
                    )
                    if name in event.data
                },
            },
            now=now,
        )
