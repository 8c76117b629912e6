"""SNS notices: kept as they came, taken in once, asked again later where they match nothing yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from relay.db import new_id
from relay.errors import Invalid
from relay.gateways.ses_events import read_events
from relay.gateways.sns import SignedNotice
from relay.models import Notice, NoticeId
from relay.services import events
from relay.vocabulary import NoticeState

WAITING = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 3_600))
"""When an event that matches no attempt yet is looked at again; the last one repeats."""

MOST_TRIES = 40
"""Looks (about a day and a half) after which an unmatched event is only shown, not tried again."""


def keep(session: Session, notice: SignedNotice, *, now: datetime) -> Notice | None:
    """Store the notice as it came; None if SNS had delivered it before."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    new = session.execute(
        dialect.insert(NoticeId)
        .values(id=notice.id, seen_at=now)
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(NoticeId.id)
    ).one_or_none()
    if new is None:
        return None
    values: dict[str, Any] = {
        "id": new_id(),
        "notice_id": notice.id,
        "topic_arn": notice.topic_arn,
        "body": notice.message.replace("\x00", ""),
        "state": NoticeState.RECEIVED,
        "explanation": "",
        "tries": 0,
        "received_at": now,
        "due_at": now,
    }
    session.execute(insert(Notice).values(values))
    return Notice(**values)  # a plain value here: it is not added to the session


def apply(session: Session, notice: Notice, *, now: datetime) -> NoticeState:
    """Draw the consequences of a stored notice and note what became of it."""
    state, explanation = _applied(session, notice.body, now)
    tries = notice.tries + 1
    if state is NoticeState.UNMATCHED and tries >= MOST_TRIES:
        state = NoticeState.ORPHANED
    session.execute(
        update(Notice)
        .where(Notice.id == notice.id)
        .values(
            state=state,
            explanation=explanation,
            tries=tries,
            due_at=now + WAITING[min(tries, len(WAITING)) - 1],
            applied_at=now if state is NoticeState.APPLIED else None,
        )
        .execution_options(synchronize_session=False)
    )
    return state


def _applied(session: Session, body: str, now: datetime) -> tuple[NoticeState, str]:
    try:
        told = read_events(body)
    except Invalid as error:
        return NoticeState.IGNORED, f"It could not be read: {error.detail}"
    if not told:
        return NoticeState.IGNORED, "It is no event about a mail"
    if missing := events.record_all(session, told, now=now):
        return (
            NoticeState.UNMATCHED,
            f"{missing} of {len(told)} events match no attempt of this relay",
        )
    return NoticeState.APPLIED, ""


def waiting(session: Session, *, now: datetime, most: int = 100) -> list[Notice]:
    """Stored notices that are due to be looked at (again), locked."""
    return list(
        session.scalars(
            select(Notice)
            .where(
                Notice.state.in_((NoticeState.RECEIVED, NoticeState.UNMATCHED)),
                Notice.due_at <= now,
            )
            .order_by(Notice.due_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
    )
