"""The copies of a sending that go first: which they are, what became of them, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, case, func, insert, literal, select
from sqlalchemy.orm import Session

from relay.db import constant, table_of
from relay.models import (
    Attempt,
    CanaryCopy,
    Event,
    MailingList,
    Message,
    Recipient,
    Review,
    Sending,
    Site,
)
from relay.policy import canary, counted
from relay.policy.canary import Figures
from relay.policy.reputation import TELL_NOBODY
from relay.services import letters, reviews
from relay.vocabulary import (
    CanaryState,
    EventType,
    Outcome,
    ReviewKind,
    Stage,
    SuppressionReason,
)

SOON = timedelta(minutes=1)
"""Between looks while none of the first copies has left yet."""

HELD_AT_ONCE = 1_000
"""Copies that are held in one turn."""

STOPPED = frozenset((CanaryState.FAILED, CanaryState.UNCLEAR))

KINDS: Mapping[CanaryState | None, ReviewKind] = {
    CanaryState.FAILED: ReviewKind.CANARY_FAILED,
    CanaryState.UNCLEAR: ReviewKind.CANARY_UNCLEAR,
}
"""For what an operator looks at the rest of a sending that was stopped."""

_REPORTED = (Outcome.DELIVERED, Outcome.SOFT_BOUNCED, Outcome.BOUNCED, Outcome.COMPLAINED)
"""What a receiving server has said something about; a copy the provider refused says nothing."""

_VOID = (Outcome.SUPPRESSED, Outcome.EXPIRED)

_COPIES, _FIRST = table_of(Recipient), table_of(CanaryCopy)

STILL_WAITS = _COPIES.c.stage == constant(_COPIES.c.stage, Stage.WAITING)
"""That a copy waits, written so that the partial indexes on waiting copies can serve."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The first copies as they stand: those that still wait, and when the last one left."""

    figures: Figures
    waiting: int
    last_sent_at: datetime | None


def step(session: Session, sending: Sending, *, house_sender: str, now: datetime) -> None:
    """Choose the copies that go first, or judge them, if it is time; changes the sending's state."""
    if sending.canary is CanaryState.GATHERING:
        _choose(session, sending, now)
    elif sending.canary is CanaryState.WATCHING:
        found = seen(session, sending)
        if found.waiting:
            return
        if not found.figures.sent:  # all of them were stopped meanwhile: others have to go first
            _move(sending, CanaryState.GATHERING, now)
            _choose(session, sending, now)
        elif found.last_sent_at is not None:
            decided = canary.verdict(found.figures, found.last_sent_at, now)
            if decided is not None:
                _move(sending, decided, now)
                sending.figures = asdict(found.figures)
                if decided in STOPPED:
                    _tell_owner(session, sending, house_sender, now)


def _move(sending: Sending, state: CanaryState, now: datetime) -> None:
    sending.canary, sending.canary_at = state, now


def _choose(session: Session, sending: Sending, now: datetime) -> None:
    """Let copies go first, chosen by chance among all that wait, in whatever order they came."""
    chosen = session.scalar(
        select(func.count())
        .select_from(_FIRST.join(_COPIES, _COPIES.c.id == _FIRST.c.recipient_id))
        .where(_FIRST.c.sending_id == sending.id, _COPIES.c.outcome.not_in(_VOID))
    )
    wanted = canary.first_copies(sending.accepted) - (chosen or 0)
    some = (
        select(_COPIES.c.id, literal(sending.id, Uuid()))
        .where(
            _COPIES.c.sending_id == sending.id,
            STILL_WAITS,
            _COPIES.c.expires_at > now,
            ~select(_FIRST.c.recipient_id).where(_FIRST.c.recipient_id == _COPIES.c.id).exists(),
        )
        .order_by(func.random())
        .limit(max(wanted, 0))
    )
    made = session.execute(
        insert(_FIRST)
        .from_select(["recipient_id", "sending_id"], some)
        .returning(_FIRST.c.recipient_id)
    ).all()
    if (chosen or 0) + len(made) >= canary.LEAST:
        _move(sending, CanaryState.WATCHING, now)


def seen(session: Session, sending: Sending) -> Seen:
    """What became of the copies that went first."""

    def times(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    invalid = (
        select(Event.id)
        .where(
            Event.recipient_id == _COPIES.c.id,
            Event.type == EventType.BOUNCED,
            Event.data["diagnosis"]["suppresses"].as_string()
            == SuppressionReason.INVALID_ADDRESS.value,
        )
        .exists()
    )
    diagnosis = Event.data["diagnosis"]
    spam = (
        select(Event.id)
        .where(
            Event.recipient_id == _COPIES.c.id,
            Event.type.in_((EventType.BOUNCED, EventType.SOFT_BOUNCED)),
            diagnosis["class"].as_string().in_(counted.SPAM),
            diagnosis["vendor"].as_string().in_([each.value for each in TELL_NOBODY]),
        )
        .exists()
    )
    waits = _COPIES.c.stage == Stage.WAITING
    row = session.execute(
        select(
            times(~waits & _COPIES.c.outcome.not_in(_VOID)),
            times(_COPIES.c.outcome.in_(_REPORTED)),
            times(invalid),
            times(_COPIES.c.outcome == Outcome.COMPLAINED),
            times(spam),
            times(waits),
            func.max(Attempt.started_at),
        )
        .select_from(_FIRST)
        .join(_COPIES, _COPIES.c.id == _FIRST.c.recipient_id)
        .outerjoin(Attempt, Attempt.id == _COPIES.c.attempt_id)
        .where(_FIRST.c.sending_id == sending.id)
    ).one()
    *counts, waiting, last_sent_at = row
    return Seen(Figures(*map(int, counts)), int(waiting), last_sent_at)


def next_look(session: Session, sending: Sending, *, now: datetime) -> datetime:
    """When the sending has to be looked at again while its first copies are on their way."""
    if sending.canary is CanaryState.GATHERING:
        return now + canary.GATHER
    last = seen(session, sending).last_sent_at
    if last is None:
        return now + SOON
    ready = last + canary.WAIT
    return ready if ready > now else now + canary.AGAIN


def is_first() -> Any:
    """Whether a copy is one of those that go first; the sending leads to the few of them."""
    return (
        select(_FIRST.c.recipient_id)
        .where(_FIRST.c.sending_id == _COPIES.c.sending_id, _FIRST.c.recipient_id == _COPIES.c.id)
        .exists()
    )


def hold_rest(session: Session, sending: Sending, *, now: datetime) -> int:
    """Hold what still waits of a sending that was stopped; an operator decides. How many were held."""
    waiting = session.execute(
        select(_COPIES.c.id, _COPIES.c.message_id)
        .where(_COPIES.c.sending_id == sending.id, STILL_WAITS)
        .limit(HELD_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    if waiting:
        review = _review(session, sending, waiting[0].message_id, now)
        reviews.hold(session, review, [copy.id for copy in waiting])
    return len(waiting)


def _review(session: Session, sending: Sending, message_id: UUID, now: datetime) -> Review:
    """The review of this sending, opened with its first copy that is held."""
    if sending.review_id is not None:
        return session.get_one(Review, sending.review_id)
    message = session.get_one(Message, message_id)
    kind = KINDS[sending.canary]
    made = reviews.open_review(session, message, kind, people=sending.accepted, now=now)
    made.told_at = now  # by a letter of its own, with the figures
    sending.review_id = made.id
    return made


def _tell_owner(session: Session, sending: Sending, house_sender: str, now: datetime) -> None:
    site = session.get_one(Site, sending.site_id)
    name = session.scalar(select(MailingList.name).where(MailingList.id == sending.list_id))
    values = {
        "list_name": name,
        "site": site.name,
        "failed": sending.canary is CanaryState.FAILED,
        "figures": sending.figures,
    }
    letters.to_owner(session, site.account_id, "canary", values, sender=house_sender, now=now)
