"""From the queue to the provider: lease, start, send, record; and what to do when nobody knows.

Four short steps, each a transaction of its own or none at all (docs/states.md):

1. `claims.claim` leases due copies: nothing has left, a crash only lets the lease run out.
2. `start` commits an attempt for the few copies that go on the wire now.
3. `Mailer.send` – no transaction is open while the provider thinks.
4. `record` writes what came of it, for its own attempt only (fencing).

A copy that was started and of which nobody knows what became is `unknown`; events settle it, or
`settle` does by the rules of its lane.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import Sessions, among, constant, new_id, table_of
from relay.errors import MailerBusy, MailerRefused, MailerSilent
from relay.gateways.mime import PART
from relay.mail import Envelope
from relay.models import Account, Attempt, Content, Event, Message, Recipient, Site
from relay.policy import topics
from relay.policy.budget import put_off
from relay.policy.lifecycle import after
from relay.policy.standing import freezes, together
from relay.sayings import phrase
from relay.services import tenancy
from relay.services.copies import personal
from relay.services.person_links import Links
from relay.vocabulary import AttemptState, EventType, Lane, Outcome, Stage, State

LEASE = timedelta(seconds=30)
"""How long a claimed copy may wait with its worker before it is started; so long a crash costs."""

GO_WITHIN = timedelta(seconds=10)
"""A started copy goes on the wire within this time, or not at all."""

MARGIN = timedelta(seconds=10)
"""A copy counts as lost this long after its go-time and the mailer's time-out have passed."""

PATIENCE = tuple(timedelta(minutes=m) for m in (0.25, 1, 5, 15, 60, 120, 240, 480))
"""Waiting times between tries that the provider put off; the last one repeats until expiry."""

JITTER = 0.2
"""Share by which a waiting time varies, so that a crowd does not come back as a crowd."""

MOST_TRIES = 25
"""Claims of one copy after which it fails: a copy that kills its worker must stop."""

REPORT_WITHIN = timedelta(hours=24)
"""After this long without any event, a sent copy ends as `no_report`, an unknown as `unconfirmed`."""

STOPPED = timedelta(seconds=5)
"""A copy whose site may not send is looked at again after so long; `freezing` takes it out before."""

UNSURE = phrase("Amazon SES gave no answer and no report came; it may have arrived")

SENT_AGAIN = (Lane.PROTECTED.rank, Lane.TRANSACTIONAL.rank)
"""Lanes whose unknown copies are sent again: a second password reset beats none."""


_COPIES = table_of(Recipient)
_TRIES = table_of(Attempt)


_STILL_OURS = (
    select(
        _COPIES.c.id,
        _COPIES.c.lease,
        _COPIES.c.lane_rank,
        _COPIES.c.reason,
        Site.account_id,
        Site.state,
        Site.cause,
        Site.streams,
        Account.state.label("account_state"),
        Account.cause.label("account_cause"),
    )
    .join(Site, Site.id == _COPIES.c.site_id)
    .join(Account, Account.id == Site.account_id)
    .where(
        among(_COPIES.c.id, "ids"),
        among(_COPIES.c.lease, "leases"),
        _COPIES.c.stage == constant(_COPIES.c.stage, Stage.QUEUED),
        _COPIES.c.leased_until > bindparam("now"),
    )
    .with_for_update(of=_COPIES)
)

_CONTENTS = (
    select(
        Message.id,
        Message.site_id,
        Message.sender,
        Message.stream,
        Message.list_id,
        Message.source,
        Content.data,
    )
    .outerjoin(Content, and_(Content.message_id == Message.id, Message.size <= PART))
    .where(among(Message.id, "ids"))
    .order_by(Message.id, Content.part)
)

_STANDING = (
    select(
        _TRIES.c.id.label("attempt_id"),
        _TRIES.c.state,
        _TRIES.c.provider_id,
        _COPIES.c.id,
        _COPIES.c.stage,
        _COPIES.c.outcome,
        _COPIES.c.attempt_id.label("current"),
        _COPIES.c.message_id,
        _COPIES.c.site_id,
        _COPIES.c.expires_at,
        _COPIES.c.tries,
    )
    .join(_COPIES, _COPIES.c.id == _TRIES.c.recipient_id)
    .where(among(_TRIES.c.id, "attempts"))
    .order_by(_COPIES.c.id)
    .with_for_update(of=(_COPIES, _TRIES))
)


@dataclass(frozen=True, slots=True)
class Copy:
    """A leased copy: enough to start it."""

    recipient_id: UUID
    message_id: UUID
    address: str
    lease: UUID
    lane_rank: int
    tries: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt: the provider's id, or the error in our families."""

    envelope: Envelope
    provider_id: str | None = None
    error: MailerBusy | MailerRefused | MailerSilent | None = None


def start(
    session: Session,
    copies: Sequence[Copy],
    *,
    answer_within: timedelta,
    tenants: bool = False,
    now: datetime,
) -> list[Envelope]:
    """Write down an attempt for each of these copies that is still ours; they go on the wire next.

    Returns envelopes whose deadline is `GO_WITHIN` from now; those of messages above `mime.PART`
    have no parts yet: `complete` sees to them. `answer_within` is the
    mailer's time-out; a copy of which nothing is recorded by then is lost (see `find_lost`). With
    `tenants` each leaves under its account's tenant, if that is ready.
    Call it for no more copies than leave within about a second.
    """
    if not copies:
        return []
    deadline = time.monotonic() + GO_WITHIN.total_seconds()
    connection = session.connection()
    rows = connection.execute(
        _STILL_OURS,
        {
            "ids": [copy.recipient_id for copy in copies],
            "leases": list({copy.lease for copy in copies}),
            "now": now,
        },
    ).all()
    under = tenancy.of(session, {row.account_id for row in rows}) if tenants else {}
    stopped_accounts = {id for id, each in under.items() if each.is_stopped}
    ours = {
        (row.id, row.lease)
        for row in rows
        if row.account_id not in stopped_accounts and _may_leave(row)
    }
    stopped = {(row.id, row.lease) for row in rows} - ours
    release(
        session,
        [copy for copy in copies if (copy.recipient_id, copy.lease) in stopped],
        now=now + STOPPED,
    )
    going = [(copy, new_id()) for copy in copies if (copy.recipient_id, copy.lease) in ours]
    lost_at = now + GO_WITHIN + answer_within + MARGIN
    bulk.update_rows(
        session,
        Recipient,
        [
            {
                "id": copy.recipient_id,
                "stage": Stage.SENDING,
                "attempt_id": attempt,
                "due_at": lost_at,
                "leased_until": None,
            }
            for copy, attempt in going
        ],
    )
    bulk.insert_rows(
        session,
        Attempt,
        [
            {
                "id": attempt,
                "recipient_id": copy.recipient_id,
                "number": copy.tries,
                "state": AttemptState.STARTED,
                "started_at": now,
            }
            for copy, attempt in going
        ],
    )
    contents = _contents(session, {copy.message_id for copy, _ in going})
    tenant_of = {
        row.id: under[row.account_id]
        for row in rows
        if row.account_id in under and (row.reason or {}).get("code") != tenancy.REFUSED
    }
    return [
        Envelope(
            attempt_id=attempt,
            recipient_id=copy.recipient_id,
            message_id=copy.message_id,
            sender=contents[copy.message_id].sender,
            recipient=copy.address,
            parts=tuple(contents[copy.message_id].parts),
            deadline=deadline,
            topic=contents[copy.message_id].topic,
            site_id=contents[copy.message_id].site_id,
            tenant=(
                tenant_of[copy.recipient_id].name_for(contents[copy.message_id].sender)
                if copy.recipient_id in tenant_of
                else None
            ),
        )
        for copy, attempt in going
    ]


def _may_leave(row: Any) -> bool:
    """Whether its account and site may send mail of this lane, as they stand right now."""
    stand = together(row.account_state, row.account_cause, row.state, row.cause, row.streams)
    return (
        freezes(Lane.of_rank(row.lane_rank), stand) is None and stand.state is not State.TERMINATED
    )


@dataclass(slots=True)
class _Content:
    sender: str
    site_id: UUID
    topic: str | None
    parts: list[bytes]


def _contents(session: Session, message_ids: set[UUID]) -> dict[UUID, _Content]:
    """Sender and bytes of each message; of those above `mime.PART` only the sender."""
    found: dict[UUID, _Content] = {}
    for row in session.connection().execute(_CONTENTS, {"ids": list(message_ids)}):
        content = found.get(row.id)
        if content is None:
            topic = topics.of_mail(row.stream, row.source.get("plugin"), row.list_id)
            content = found[row.id] = _Content(row.sender, row.site_id, topic, [])
        if row.data is not None:
            content.parts.append(row.data)
    return found


class StoredParts(Iterable[bytes]):
    """The parts of a large message, read from the database one at a time as they are needed."""

    def __init__(self, reads: Sessions, message_id: UUID) -> None:
        self._reads = reads
        self._message_id = message_id

    def __iter__(self) -> Iterator[bytes]:
        for number in count():
            with self._reads() as session:
                part = session.scalar(
                    select(Content.data).where(
                        Content.message_id == self._message_id, Content.part == number
                    )
                )
            if part is None:
                return
            yield part


def complete(envelope: Envelope, reads: Sessions, links: Links) -> Envelope:
    """The envelope with all its bytes: a large message's come while it is sent; the person's own way
    out is put in."""
    if not envelope.parts:
        envelope = replace(envelope, parts=StoredParts(reads, envelope.message_id))
    return personal(envelope, links)


def record(session: Session, results: Sequence[Result], *, now: datetime) -> None:
    """Write what came of these attempts; each touches only the copy whose current attempt it is."""
    if not results:
        return
    rows = {
        row.attempt_id: row
        for row in session.connection().execute(
            _STANDING, {"attempts": [result.envelope.attempt_id for result in results]}
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
    bulk.update_rows(session, Attempt, attempts)
    bulk.update_rows(session, Recipient, copies)
    bulk.insert_rows(session, Event, events)


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
        "id": row.attempt_id,
        "state": state,
        "ended_at": now,
        "provider_id": result.provider_id or row.provider_id,
        "error": {"code": error.code, "detail": error.detail} if error else None,
    }


def _copy_after(row: Any, result: Result, now: datetime) -> dict[str, Any]:
    """Where the copy goes: done, back to the queue, or unknown."""
    stage, outcome, due_at, reason = Stage.DONE, row.outcome, now, None
    tries = row.tries
    match result.error:
        case None:
            outcome = after(row.outcome, EventType.SENT)
            due_at = now + REPORT_WITHIN
        case MailerRefused() as error:
            outcome = after(row.outcome, EventType.FAILED)
            reason = {
                "code": error.code,
                "title": phrase("Amazon SES refused this copy"),
                "detail": error.detail,
            }
        case MailerBusy() as error:
            if (
                error.scope != "copy"
            ):  # it says nothing about this copy, which has not used up a try
                tries, wait = tries - 1, jittered(timedelta(seconds=put_off(error.code)))
            else:
                wait = pause(tries)
            stage, due_at = Stage.QUEUED, now + wait
            reason = {
                "code": error.code,
                "title": phrase("Amazon SES put this off"),
                "detail": error.detail,
            }
        case MailerSilent() as error:
            if row.outcome.strength >= Outcome.SENT.strength:
                due_at = now + REPORT_WITHIN
            else:
                stage = Stage.UNKNOWN
                reason = {
                    "code": error.code,
                    "title": phrase("Amazon SES gave no answer"),
                    "detail": error.detail,
                }
    return {
        "id": row.id,
        "stage": stage,
        "outcome": outcome,
        "due_at": due_at,
        "tries": tries,
        "reason": reason,
    }


def pause(tries: int) -> timedelta:
    """How long to wait after the nth try, with jitter."""
    return jittered(PATIENCE[min(max(tries, 1), len(PATIENCE)) - 1])


def jittered(wait: timedelta) -> timedelta:
    """The span, longer or shorter by up to `JITTER` of it."""
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (no secret)


def release(session: Session, copies: Sequence[Copy], *, now: datetime) -> None:
    """Give leased copies back at once, as a stopping worker does; the claim does not count."""
    if copies:
        session.execute(
            update(Recipient)
            .where(
                Recipient.id.in_([copy.recipient_id for copy in copies]),
                Recipient.stage == Stage.QUEUED,
                Recipient.lease.in_({copy.lease for copy in copies}),
                Recipient.leased_until.is_not(None),
            )
            .values(leased_until=None, due_at=now, tries=Recipient.tries - 1)
            .execution_options(synchronize_session=False)
        )


def return_expired_leases(session: Session, *, now: datetime) -> int:
    """Copies that workers of the release before have leased by their stage, and left, are queued again.

    Those leased by `leased_until` never left the queue: they are free when it has passed.
    """
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
            reason={
                "code": "worker-lost",
                "title": phrase("The worker stopped while this copy went out"),
            },
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
        finish(
            session,
            [row.id],
            EventType.UNCONFIRMED,
            UNSURE,
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
    finish(
        session,
        ids,
        EventType.NO_REPORT,
        phrase("Amazon SES took it, but told nothing more within a day"),
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


def finish(
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
    bulk.update_rows(
        session,
        Recipient,
        [
            {
                "id": row.id,
                "stage": Stage.DONE,
                "outcome": after(row.outcome, type),
                "due_at": now,
                "reason": reason,
            }
            for row in rows
        ],
    )
    bulk.insert_rows(
        session,
        Event,
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
