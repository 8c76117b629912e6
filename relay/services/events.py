"""What comes back from the provider: find the copies, take each event in once, act on it.

Events are taken in by the batch, because the database's round trips are what they cost. In a
batch as between batches, order does not matter: an outcome only grows stronger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from relay import bulk
from relay.addresses import EmailAddress
from relay.db import among, table_of
from relay.mail import DeliveryEvent
from relay.models import Attempt, Event, EventKey, Message, Recipient
from relay.policy.bounces import BounceClass, Diagnosis
from relay.policy.consent import scope_of_complaint
from relay.policy.counted import is_not_spam
from relay.policy.erasures import is_placeholder, without_person
from relay.policy.gateways import Gateway
from relay.policy.lifecycle import after
from relay.sayings import phrase
from relay.services import aftermath, diagnoses, holds, paces, receivers
from relay.services.delivery import REPORT_WITHIN, event_row
from relay.services.suppressions import suppress
from relay.vocabulary import (
    AttemptState,
    EventType,
    Outcome,
    Stage,
    SuppressionReason,
)

_COPIES, _TRIES, _MAILS = table_of(Recipient), table_of(Attempt), table_of(Message)

_STANDING = (
    select(
        _TRIES.c.id.label("attempt_id"),
        _TRIES.c.heard_at,
        _TRIES.c.started_at,
        _TRIES.c.provider_id,
        _COPIES.c.id,
        _COPIES.c.message_id,
        _COPIES.c.site_id,
        _COPIES.c.account_id,
        _COPIES.c.address,
        _COPIES.c.stage,
        _COPIES.c.outcome,
        _COPIES.c.due_at,
        _COPIES.c.reason,
        _COPIES.c.attempt_id.label("current"),
        _MAILS.c.stream,
    )
    .join(_COPIES, _COPIES.c.id == _TRIES.c.recipient_id)
    .join(_MAILS, _MAILS.c.id == _COPIES.c.message_id)
    .where(or_(among(_TRIES.c.id, "attempts"), among(_TRIES.c.provider_id, "providers")))
    .order_by(_COPIES.c.id, _TRIES.c.id)
    .with_for_update(of=(_COPIES, _TRIES))
)


@dataclass(slots=True)
class _Copy:
    """One person's copy while a batch changes it; `changes` are the columns to write."""

    row: Any
    outcome: Outcome
    stage: Stage
    due_at: datetime
    reason: Mapping[str, Any] | None
    changed: bool = False


@dataclass(slots=True)
class _Batch:
    """What a batch found and what it will write."""

    attempts: dict[UUID, Any]
    by_provider: dict[str, list[Any]]
    copies: dict[UUID, _Copy]
    heard: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    deliveries: list[tuple[UUID, str, datetime]] = field(default_factory=list)
    too_fast: list[tuple[UUID, str, datetime]] = field(default_factory=list)

    def find(self, event: DeliveryEvent) -> Any:
        """The attempt an event is about: by our tag, else by the provider's id if only one has it."""
        if event.attempt_id is not None:
            return self.attempts.get(event.attempt_id)
        found = self.by_provider.get(event.provider_id, ()) if event.provider_id else ()
        return found[0] if len(found) == 1 else None


def record(session: Session, events: Sequence[DeliveryEvent], *, now: datetime) -> list[bool]:
    """Take in events; for each, whether it belongs to an attempt we know (else nothing is written).

    The same event told twice changes nothing; an event that comes before our own record of the
    hand-off settles the attempt; late or weaker news never weakens an outcome.
    """
    batch = _find(session, events)
    attempts = [batch.find(event) for event in events]
    known = {
        event.key: event for event, row in zip(events, attempts, strict=True) if row is not None
    }
    new = bulk.insert_new(session, EventKey, [{"key": key, "seen_at": now} for key in known], "key")
    refused = {
        _domain(row.address)
        for event, row in zip(events, attempts, strict=True)
        if row is not None and event.type in diagnoses.REFUSALS
    }
    if refused:
        batch.gateways = receivers.gateways_of(session, refused)
    complained = _complained(session, events, attempts)
    taken: set[str] = set()
    for event, row in zip(events, attempts, strict=True):
        if row is None or event.key not in new or event.key in taken:
            continue
        taken.add(event.key)
        if _is_complaint(event):
            if row.id in complained:
                continue
            complained.add(row.id)
        _take(session, batch, row, event, now)
    holds.clear(session, batch.deliveries, now=now)
    paces.refused(session, batch.too_fast, now=now)
    bulk.insert_rows(session, Event, batch.events)
    bulk.update_rows(session, Attempt, list(batch.heard.values()))
    bulk.update_rows(session, Recipient, list(_changed(batch.copies.values())))
    return [row is not None for row in attempts]


def _is_complaint(event: DeliveryEvent) -> bool:
    return event.type is EventType.COMPLAINED and not is_not_spam(event.data)


def _complained(
    session: Session, events: Sequence[DeliveryEvent], attempts: Sequence[Any]
) -> set[UUID]:
    """Copies about which somebody complained before, among those that complaints are about now.

    One person complains once about one mail, however many tell us: Amazon SES, and mailbox providers
    that send their feedback reports to us (`arf`).
    """
    about = [
        row.id
        for event, row in zip(events, attempts, strict=True)
        if row is not None and _is_complaint(event)
    ]
    if not about:
        return set()
    earlier = session.execute(
        select(Event.recipient_id, Event.data).where(
            among(Event.recipient_id, "copies"), Event.type == EventType.COMPLAINED
        ),
        {"copies": about},
    )
    return {row.recipient_id for row in earlier if not is_not_spam(row.data)}


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _find(session: Session, events: Sequence[DeliveryEvent]) -> _Batch:
    """The attempts and copies the events are about, locked in the copies' order."""
    rows = (
        session.connection()
        .execute(
            _STANDING,
            {
                "attempts": [event.attempt_id for event in events if event.attempt_id],
                "providers": [
                    event.provider_id
                    for event in events
                    if not event.attempt_id and event.provider_id
                ],
            },
        )
        .all()
    )
    by_provider: dict[str, list[Any]] = {}
    for row in rows:
        if row.provider_id:
            by_provider.setdefault(row.provider_id, []).append(row)
    return _Batch(
        attempts={row.attempt_id: row for row in rows},
        by_provider=by_provider,
        copies={row.id: _Copy(row, row.outcome, row.stage, row.due_at, row.reason) for row in rows},
    )


def _changed(copies: Iterable[_Copy]) -> Iterable[dict[str, Any]]:
    for copy in copies:
        if copy.changed:
            yield {
                "id": copy.row.id,
                "stage": copy.stage,
                "outcome": copy.outcome,
                "due_at": copy.due_at,
                "reason": copy.reason,
            }


def _take(session: Session, batch: _Batch, row: Any, event: DeliveryEvent, now: datetime) -> None:
    """Write down one new event and what follows from it."""
    found = None
    erased = is_placeholder(row.address)  # meanwhile: what happened is kept, not to whom
    if not erased:
        found = diagnoses.read(event, row.address, batch.gateways.get(_domain(row.address)))
    if erased:
        event = replace(event, data=without_person(event.data))
    elif found is not None:
        told = aftermath.act(session, row, event, found, now)
        if found.bounce_class is BounceClass.RATE_LIMITED:
            gateway = paces.gateway_name(_domain(row.address), batch.gateways)
            batch.too_fast.append((row.site_id, gateway, row.started_at))
        read = diagnoses.as_data(event.type, found)
        event = replace(event, data={**event.data, "diagnosis": read, "follows": told})
    elif event.type is EventType.COMPLAINED:
        _heed(session, row, event, now)
    elif event.type is EventType.DELIVERED:
        key = EmailAddress(row.address).key
        batch.deliveries.append((row.site_id, key, event.occurred_at))
    batch.events.append(
        event_row(
            row,
            event.type,
            event.data,
            now,
            attempt_id=row.attempt_id,
            occurred_at=event.occurred_at,
        )
    )
    # An event proves that the provider had the copy, whatever we heard at the time.
    batch.heard[row.attempt_id] = {
        "id": row.attempt_id,
        "state": AttemptState.ACCEPTED,
        "heard_at": row.heard_at or now,
        "provider_id": row.provider_id or event.provider_id or None,
    }
    _move(batch.copies[row.id], row.attempt_id, event, found, now)


def _move(
    copy: _Copy, attempt_id: UUID, event: DeliveryEvent, found: Diagnosis | None, now: datetime
) -> None:
    """What the event changes about the copy. An automatic answer proves that the mail arrived."""
    answered = _only_proves_arrival(event, found)
    outcome = after(copy.outcome, EventType.DELIVERED if answered else event.type)
    if outcome is not copy.outcome:
        copy.outcome, copy.changed = outcome, True
        copy.reason = None if answered else _reason(event, found)
        if outcome in (Outcome.SENT, Outcome.DEFERRED):
            copy.due_at = now + REPORT_WITHIN
    if copy.row.current == attempt_id and copy.stage is not Stage.DONE:
        copy.stage, copy.changed = Stage.DONE, True
        copy.due_at = now + REPORT_WITHIN
        if outcome is Outcome.SENT:
            copy.reason = None


def _only_proves_arrival(event: DeliveryEvent, found: Diagnosis | None) -> bool:
    """Whether it is an automatic answer, or word of somebody who took the mail out of the spam folder."""
    if found is not None:
        return found.bounce_class is BounceClass.AUTO_REPLY
    return event.type is EventType.COMPLAINED and is_not_spam(event.data)


def _reason(event: DeliveryEvent, found: Diagnosis | None) -> dict[str, Any] | None:
    """Why the copy ended as it did, for people; None where it went well."""
    if found is not None:
        said = {n: event.data[n] for n in ("status", "diagnosticCode") if n in event.data}
        if event.type is EventType.DEFERRED:
            said["kind"] = event.data.get("delayType", "")
        code = event.type.value.replace("_", "-")
        return {
            "code": code,
            "title": diagnoses.title(found),
            **said,
            "diagnosis": diagnoses.in_short(found),
        }
    match event.type:
        case EventType.COMPLAINED:
            return {"code": "complained", "title": phrase("The recipient marked it as spam")}
        case EventType.REJECTED:
            return {
                "code": "rejected",
                "title": phrase("Amazon SES found harmful content and did not send it"),
            }
        case EventType.RENDER_FAILED:
            return {
                "code": "render-failed",
                "title": phrase("Amazon SES could not build the message"),
            }
    return None


def _heed(session: Session, row: Any, event: DeliveryEvent, now: datetime) -> None:
    """A complaint stops its stream; word that it was no spam stops nothing."""
    if is_not_spam(event.data):
        return
    suppress(
        session,
        account_id=row.account_id,
        site_id=row.site_id,
        address=EmailAddress(row.address),
        reason=SuppressionReason.COMPLAINT,
        scope=scope_of_complaint(row.stream),
        evidence=aftermath.evidence_of(row.id, event, None),
        now=now,
    )
