"""From the queue to the provider: lease, start, send, record; and what to do when nobody knows.

Four short steps, each a transaction of its own or none at all (docs/states.md):

1. `claim` leases due copies: nothing has left, a crash only lets the lease run out.
2. `start` commits an attempt for the few copies that go on the wire now.
3. `Mailer.send` – no transaction is open while the provider thinks.
4. `record` writes what came of it, for its own attempt only (fencing).

A copy that was started and of which nobody knows what became is `unknown`; events settle it, or
`settle` does by the rules of its lane.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from relay.db import new_id
from relay.errors import MailerBusy, MailerRefused, MailerSilent
from relay.mail import Envelope
from relay.models import Attempt, Content, Event, Message, Recipient
from relay.policy.lifecycle import after
from relay.vocabulary import AttemptState, EventType, Lane, Outcome, Stage

LEASE = timedelta(minutes=2)
"""How long a claimed copy may wait with its worker before it is started."""

GO_WITHIN = timedelta(seconds=10)
"""A started copy goes on the wire within this time, or not at all."""

MARGIN = timedelta(seconds=10)
"""A copy counts as lost this long after its go-time and the mailer's time-out have passed."""

PATIENCE = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 120, 240, 480))
"""Waiting times between tries that the provider put off; the last one repeats until expiry."""

JITTER = 0.2
"""Share by which a waiting time varies, so that a crowd does not come back as a crowd."""

MOST_TRIES = 25
"""Claims of one copy after which it fails: a copy that kills its worker must stop."""

REPORT_WITHIN = timedelta(hours=24)
"""After this long without any event, a sent copy ends as `no_report`, an unknown as `unconfirmed`."""

SENT_AGAIN = (Lane.PROTECTED.rank, Lane.TRANSACTIONAL.rank)
"""Lanes whose unknown copies are sent again: a second password reset beats none."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A leased copy: enough to start it."""

    recipient_id: UUID
    message_id: UUID
    lease: UUID
    lane_rank: int
    tries: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt: the provider's id, or the error in our families."""

    envelope: Envelope
    provider_id: str | None = None
    error: MailerBusy | MailerRefused | MailerSilent | None = None


def claim(session: Session, *, most: int, now: datetime) -> list[Copy]:
    """Lease up to `most` due copies, lanes in order, oldest first. Copies others hold are skipped."""
    lease = new_id()
    due = (
        select(Recipient.id)
        .where(Recipient.stage == Stage.QUEUED, Recipient.due_at <= now)
        .order_by(Recipient.lane_rank, Recipient.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    rows = session.execute(
        update(Recipient)
        .where(Recipient.id.in_(select(due.c.id)))
        .values(stage=Stage.LEASED, lease=lease, due_at=now + LEASE, tries=Recipient.tries + 1)
        .returning(
            Recipient.id,
            Recipient.message_id,
            Recipient.lane_rank,
            Recipient.tries,
            Recipient.expires_at,
        )
        .execution_options(synchronize_session=False)
    ).all()
    hopeless = [row for row in rows if row.expires_at <= now or row.tries > MOST_TRIES]
    for row in hopeless:
        expired = row.expires_at <= now
        _finish(
            session,
            [row.id],
            EventType.EXPIRED if expired else EventType.FAILED,
            "It waited longer than it was worth" if expired else "It was tried too often",
            code="expired" if expired else "too-many-tries",
            now=now,
        )
    given_up = {row.id for row in hopeless}
    copies = [
        Copy(row.id, row.message_id, lease, row.lane_rank, row.tries)
        for row in rows
        if row.id not in given_up
    ]
    return sorted(copies, key=lambda copy: (copy.lane_rank, copy.recipient_id))


def start(
    session: Session, copies: Sequence[Copy], *, answer_within: timedelta, now: datetime
) -> list[Envelope]:
    """Write down an attempt for each of these copies that is still ours; they go on the wire next.

    Returns complete envelopes whose deadline is `GO_WITHIN` from now. `answer_within` is the
    mailer's time-out; a copy of which nothing is recorded by then is lost (see `find_lost`).
    Call it for no more copies than leave within about a second.
    """
    if not copies:
        return []
    deadline = time.monotonic() + GO_WITHIN.total_seconds()
    by_id = {copy.recipient_id: copy for copy in copies}
    attempts = {copy.recipient_id: new_id() for copy in copies}
    rows = session.execute(
        select(Recipient.id, Recipient.address, Recipient.message_id)
        .where(
            Recipient.id.in_(list(by_id)),
            Recipient.stage == Stage.LEASED,
            Recipient.lease.in_({copy.lease for copy in copies}),
            Recipient.due_at > now,
        )
        .with_for_update()
    ).all()
    if not rows:
        return []
    session.connection().execute(
        update(Recipient)
        .where(Recipient.id == bindparam("copy"))
        .values(
            stage=Stage.SENDING,
            attempt_id=bindparam("attempt"),
            due_at=now + GO_WITHIN + answer_within + MARGIN,
        ),
        [{"copy": row.id, "attempt": attempts[row.id]} for row in rows],
    )
    session.execute(
        insert(Attempt),
        [
            {
                "id": attempts[row.id],
                "recipient_id": row.id,
                "number": by_id[row.id].tries,
                "state": AttemptState.STARTED,
                "started_at": now,
            }
            for row in rows
        ],
    )
    contents = _contents(session, {row.message_id for row in rows})
    senders = {
        message.id: message.sender
        for message in session.execute(
            select(Message.id, Message.sender).where(Message.id.in_(list(contents)))
        )
    }
    return [
        Envelope(
            attempt_id=attempts[row.id],
            recipient_id=row.id,
            message_id=row.message_id,
            sender=senders[row.message_id],
            recipient=row.address,
            parts=contents[row.message_id],
            deadline=deadline,
        )
        for row in rows
    ]


def _contents(session: Session, message_ids: set[UUID]) -> dict[UUID, tuple[bytes, ...]]:
    found: dict[UUID, list[bytes]] = {id: [] for id in message_ids}
    for row in session.execute(
        select(Content.message_id, Content.data)
        .where(Content.message_id.in_(list(message_ids)))
        .order_by(Content.message_id, Content.part)
    ):
        found[row.message_id].append(row.data)
    return {id: tuple(parts) for id, parts in found.items()}


def record(session: Session, results: Sequence[Result], *, now: datetime) -> None:
    """Write what came of these attempts; each touches only the copy whose current attempt it is."""
    if not results:
        return
    rows = {
        row.attempt_id: row
        for row in session.execute(
            select(
                Attempt.id.label("attempt_id"),
                Attempt.state,
                Attempt.provider_id,
                Recipient.id,
                Recipient.stage,
                Recipient.outcome,
                Recipient.attempt_id.label("current"),
                Recipient.message_id,
                Recipient.site_id,
                Recipient.expires_at,
                Recipient.tries,
            )
            .join(Recipient, Recipient.id == Attempt.recipient_id)
            .where(Attempt.id.in_([result.envelope.attempt_id for result in results]))
            .order_by(Recipient.id)
            .with_for_update(of=Recipient)
        )
    }
    attempts, copies, events = [], [], []
    for result in results:
        row = rows.get(result.envelope.attempt_id)
        if row is None:
            continue
        attempts.append(_attempt_after(row, result, now))
        if row.current == row.attempt_id and _concerns(row.stage, result):
            moved = _copy_after(row, result, now)
            copies.append(moved)
            if moved["outcome"] is Outcome.FAILED:
                events.append(
                    event_row(
                        row, EventType.FAILED, moved["reason"], now, attempt_id=row.attempt_id
                    )
                )
    _update_each(session, Attempt, attempts)
    _update_each(session, Recipient, copies)
    if events:
        session.execute(insert(Event), events)


def _concerns(stage: Stage, result: Result) -> bool:
    """Whether the result still moves the copy: it was going out, or an acceptance came late.

    An acceptance also stops a copy that `settle` has put back into the queue meanwhile.
    """
    if result.error is None:
        return stage is not Stage.DONE
    return stage in (Stage.SENDING, Stage.UNKNOWN)


def _attempt_after(row: Any, result: Result, now: datetime) -> dict[str, Any]:
    error = result.error
    if error is None or row.state is AttemptState.ACCEPTED:  # an event may have told already
        state = AttemptState.ACCEPTED
    elif isinstance(error, MailerSilent):
        state = AttemptState.UNKNOWN
    else:
        state = AttemptState.REFUSED
    return {
        "row": row.attempt_id,
        "state": state,
        "ended_at": now,
        "provider_id": result.provider_id or row.provider_id,
        "error": {"code": error.code, "detail": error.detail} if error else None,
    }


def _copy_after(row: Any, result: Result, now: datetime) -> dict[str, Any]:
    """Where the copy goes: done, back to the queue, or unknown."""
    stage, outcome, due_at, reason = Stage.DONE, row.outcome, now, None
    match result.error:
        case None:
            outcome = after(row.outcome, EventType.SENT)
            due_at = now + REPORT_WITHIN
        case MailerRefused() as error:
            outcome = after(row.outcome, EventType.FAILED)
            reason = {
                "code": error.code,
                "title": "Amazon SES refused this copy",
                "detail": error.detail,
            }
        case MailerBusy() as error:
            stage, due_at = Stage.QUEUED, now + pause(row.tries)
            reason = {
                "code": error.code,
                "title": "Amazon SES put this off",
                "detail": error.detail,
            }
        case MailerSilent() as error:
            if row.outcome.strength >= Outcome.SENT.strength:
                due_at = now + REPORT_WITHIN
            else:
                stage = Stage.UNKNOWN
                reason = {
                    "code": error.code,
                    "title": "Amazon SES gave no answer",
                    "detail": error.detail,
                }
    return {
        "row": row.id,
        "stage": stage,
        "outcome": outcome,
        "due_at": due_at,
        "reason": reason,
    }


def pause(tries: int) -> timedelta:
    """How long to wait after the nth try, with jitter."""
    base = PATIENCE[min(max(tries, 1), len(PATIENCE)) - 1]
    return base * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (no secret)


def _update_each(
    session: Session, model: type[Attempt] | type[Recipient], rows: list[dict[str, Any]]
) -> None:
    if rows:
        names = [name for name in rows[0] if name != "row"]
        session.connection().execute(
            update(model)
            .where(model.id == bindparam("row"))
            .values({name: bindparam(f"new_{name}") for name in names}),
            [{"row": row["row"]} | {f"new_{name}": row[name] for name in names} for row in rows],
        )


def release(session: Session, copies: Sequence[Copy], *, now: datetime) -> None:
    """Give leased copies back at once, as a stopping worker does; the claim does not count."""
    if copies:
        session.execute(
            update(Recipient)
            .where(
                Recipient.id.in_([copy.recipient_id for copy in copies]),
                Recipient.stage == Stage.LEASED,
                Recipient.lease.in_({copy.lease for copy in copies}),
            )
            .values(stage=Stage.QUEUED, due_at=now, tries=Recipient.tries - 1)
            .execution_options(synchronize_session=False)
        )


def return_expired_leases(session: Session, *, now: datetime) -> int:
    """Leased copies whose worker went away go back into the queue: they never left the house."""
    returned = session.scalars(
        update(Recipient)
        .where(Recipient.stage == Stage.LEASED, Recipient.due_at <= now)
        .values(stage=Stage.QUEUED, due_at=now)
        .returning(Recipient.id)
        .execution_options(synchronize_session=False)
    )
    return len(returned.all())


def find_lost(session: Session, *, now: datetime) -> int:
    """Copies that were going out when their worker went away become `unknown`."""
    lost = session.scalars(
        select(Recipient.attempt_id)
        .where(Recipient.stage == Stage.SENDING, Recipient.due_at <= now)
        .limit(1_000)
        .with_for_update(skip_locked=True)
    ).all()
    if not lost:
        return 0
    session.execute(
        update(Attempt)
        .where(Attempt.id.in_(lost), Attempt.state == AttemptState.STARTED)
        .values(state=AttemptState.UNKNOWN, ended_at=now)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Recipient)
        .where(Recipient.attempt_id.in_(lost), Recipient.stage == Stage.SENDING)
        .values(
            stage=Stage.UNKNOWN,
            due_at=now,
            reason={"code": "worker-lost", "title": "The worker stopped while this copy went out"},
        )
        .execution_options(synchronize_session=False)
    )
    return len(lost)


def settle(session: Session, *, settle_after: timedelta, now: datetime) -> int:
    """Decide on unknown copies that no event has settled; returns how many were decided.

    The settling window counts from the attempt's start and is over only when the events of later
    attempts have arrived: while SNS is out, nothing is decided. Then protected and transactional
    copies go out again; others wait, and end as `unconfirmed` after `REPORT_WITHIN`.
    """
    rows = session.execute(
        select(
            Recipient.id,
            Recipient.lane_rank,
            Recipient.message_id,
            Recipient.site_id,
            Recipient.attempt_id,
            Recipient.outcome,
            Recipient.expires_at,
            Attempt.started_at,
        )
        .join(Attempt, Attempt.id == Recipient.attempt_id)
        .where(Recipient.stage == Stage.UNKNOWN, Recipient.due_at <= now)
        .order_by(Recipient.due_at)
        .limit(500)
        .with_for_update(of=Recipient, skip_locked=True)
    ).all()
    return sum(_settled(session, row, settle_after, now) for row in rows)


def _settled(session: Session, row: Any, settle_after: timedelta, now: datetime) -> bool:
    window_over = now >= row.started_at + settle_after
    again = (
        row.lane_rank in SENT_AGAIN
        and window_over
        and events_have_caught_up(session, row.attempt_id, settle_after=settle_after, now=now)
    )
    if again and now < row.expires_at:
        _move(session, row.id, Stage.QUEUED, due_at=now)
        return True
    if again or now >= row.started_at + REPORT_WITHIN:
        _finish(
            session,
            [row.id],
            EventType.UNCONFIRMED,
            "Amazon SES gave no answer and no report came; it may have arrived",
            code="unconfirmed",
            now=now,
        )
        return True
    look_again = min(settle_after / 5, timedelta(seconds=30))
    _move(session, row.id, Stage.UNKNOWN, due_at=now + look_again)
    return False


def events_have_caught_up(
    session: Session, attempt_id: UUID | None, *, settle_after: timedelta, now: datetime
) -> bool:
    """Whether silence about this attempt means anything: news of later attempts has come.

    Looks at up to 500 accepted attempts after it that are old enough to have been heard of. At
    least one must have been, and no more than one in twenty may still be silent.
    """
    grace = min(settle_after / 5, timedelta(seconds=60))
    later = (
        select(Attempt.heard_at)
        .where(
            Attempt.id > attempt_id,
            Attempt.state == AttemptState.ACCEPTED,
            Attempt.started_at <= now - grace,
        )
        .order_by(Attempt.id)
        .limit(500)
        .subquery()
    )
    total, heard = session.execute(
        select(func.count(), func.count(later.c.heard_at)).select_from(later)
    ).one()
    return bool(heard and (total - heard) * 20 <= total)


def close_silent(session: Session, *, now: datetime) -> int:
    """Sent copies of which nothing was heard in `REPORT_WITHIN` end as `no_report`."""
    ids = session.scalars(
        select(Recipient.id)
        .where(
            Recipient.stage == Stage.DONE,
            Recipient.outcome.in_((Outcome.SENT, Outcome.DEFERRED)),
            Recipient.due_at <= now,
        )
        .limit(1_000)
        .with_for_update(skip_locked=True)
    ).all()
    _finish(
        session,
        ids,
        EventType.NO_REPORT,
        "Amazon SES took it, but told nothing more within a day",
        code="no-report",
        now=now,
    )
    return len(ids)


def _move(session: Session, recipient_id: UUID, stage: Stage, *, due_at: datetime) -> None:
    session.execute(
        update(Recipient)
        .where(Recipient.id == recipient_id)
        .values(stage=stage, due_at=due_at)
        .execution_options(synchronize_session=False)
    )


def _finish(
    session: Session, ids: Sequence[UUID], type: EventType, title: str, *, code: str, now: datetime
) -> None:
    """End these copies with an outcome of ours, explained, as an event like any other."""
    if not ids:
        return
    reason = {"code": code, "title": title}
    rows = session.execute(
        select(
            Recipient.id,
            Recipient.message_id,
            Recipient.site_id,
            Recipient.attempt_id,
            Recipient.outcome,
        ).where(Recipient.id.in_(ids))
    ).all()
    _update_each(
        session,
        Recipient,
        [
            {
                "row": row.id,
                "stage": Stage.DONE,
                "outcome": after(row.outcome, type),
                "due_at": now,
                "reason": reason,
            }
            for row in rows
        ],
    )
    session.execute(
        insert(Event),
        [event_row(row, type, reason, now, attempt_id=row.attempt_id) for row in rows],
    )


def event_row(
    row: Any,
    type: EventType,
    data: Mapping[str, Any] | None,
    now: datetime,
    *,
    attempt_id: UUID | None,
    occurred_at: datetime | None = None,
) -> dict[str, Any]:
    """The columns of an event about the recipient `row`."""
    return {
        "id": new_id(),
        "recipient_id": row.id,
        "message_id": row.message_id,
        "site_id": row.site_id,
        "attempt_id": attempt_id,
        "type": type,
        "occurred_at": occurred_at or now,
        "recorded_at": now,
        "data": dict(data or {}),
    }


def next_due(session: Session) -> datetime | None:
    """When the next queued copy is due, to know how long to sleep."""
    return session.scalar(select(func.min(Recipient.due_at)).where(Recipient.stage == Stage.QUEUED))
