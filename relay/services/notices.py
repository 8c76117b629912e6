"""SNS notices: kept as they came at the door, taken in by the batch, asked again where unmatched.

The door only stores: one statement, so that SNS gets its answer quickly and nothing that goes
wrong later can lose a notice. A duty of the worker applies what is stored, many at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import constant, is_postgresql, new_id, table_of
from relay.errors import Invalid
from relay.gateways.ses_events import read_events
from relay.gateways.sns import SignedNotice
from relay.mail import DeliveryEvent
from relay.models import Notice, NoticeId
from relay.services import events
from relay.vocabulary import NoticeState

WAITING = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 3_600))
"""When an event that matches no attempt yet is looked at again; the last one repeats."""

MOST_TRIES = 40
"""Looks (about a day and a half) after which an unmatched event is only shown, not tried again."""

_IDS, _NOTICES = table_of(NoticeId), table_of(Notice)

_NEW_ID = (
    sqlite.insert(_IDS)
    .values(id=bindparam("v_notice_id"), seen_at=bindparam("v_received_at"))
    .on_conflict_do_nothing(index_elements=["id"])
    .returning(_IDS.c.id)
)


def _keep_in_one() -> Any:
    """On PostgreSQL: note the id, and only if it is new, store the notice; one statement."""
    new = (
        postgresql.insert(_IDS)
        .values(id=bindparam("v_notice_id"), seen_at=bindparam("v_received_at"))
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(_IDS.c.id)
        .cte("new")
    )
    names = [column.name for column in _NOTICES.c if column.name != "applied_at"]
    given = select(
        *(bindparam(f"v_{name}", type_=_NOTICES.c[name].type) for name in names)
    ).select_from(new)
    return (
        insert(_NOTICES).from_select(names, given, include_defaults=False).returning(_NOTICES.c.id)
    )


_KEEP = _keep_in_one()


def keep(session: Session, notice: SignedNotice, *, now: datetime) -> bool:
    """Store the notice as it came; False if SNS had delivered it before."""
    row: dict[str, Any] = {
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
    parameters = {f"v_{name}": value for name, value in row.items()}
    connection = session.connection()
    if is_postgresql(session):
        return connection.execute(_KEEP, parameters).one_or_none() is not None
    mine = {name: parameters[name] for name in ("v_notice_id", "v_received_at")}
    if connection.execute(_NEW_ID, mine).one_or_none() is None:
        return False
    connection.execute(insert(_NOTICES), row)
    return True


_WAITING = (
    select(_NOTICES.c.id, _NOTICES.c.body, _NOTICES.c.tries)
    .where(
        _NOTICES.c.state.in_(
            [
                constant(_NOTICES.c.state, state)
                for state in (NoticeState.RECEIVED, NoticeState.UNMATCHED)
            ]
        ),
        _NOTICES.c.due_at <= bindparam("now"),
    )
    .order_by(_NOTICES.c.due_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def apply_waiting(session: Session, *, now: datetime, most: int = 200) -> int:
    """Take in stored notices that are due; returns how many were looked at.

    A notice that cannot be applied spoils nobody else's: then each is taken by itself.
    """
    found = session.connection().execute(_WAITING, {"now": now, "most": most}).all()
    if not found:
        return 0
    try:
        with session.begin_nested():
            _apply(session, found, now=now)
    except Exception:
        for notice in found:
            _apply_alone(session, notice, now=now)
    return len(found)


def _apply_alone(session: Session, notice: Any, *, now: datetime) -> None:
    try:
        with session.begin_nested():
            _apply(session, [notice], now=now)
    except Exception as error:
        told = f"It could not be applied ({type(error).__name__}); it is tried again"
        _note(session, [(notice, NoticeState.UNMATCHED, told)], now=now)


def _apply(session: Session, found: Sequence[Any], *, now: datetime) -> None:
    read = [_read(notice.body) for notice in found]
    matched = iter(
        events.record(session, [event for told, _ in read for event in told or ()], now=now)
    )
    verdicts = []
    for notice, (told, trouble) in zip(found, read, strict=True):
        missing = sum(not next(matched) for _ in told)
        if trouble:
            verdicts.append((notice, NoticeState.IGNORED, trouble))
        elif missing:
            explanation = f"{missing} of {len(told)} events match no attempt of this relay"
            verdicts.append((notice, NoticeState.UNMATCHED, explanation))
        else:
            verdicts.append((notice, NoticeState.APPLIED, ""))
    _note(session, verdicts, now=now)


def _read(body: str) -> tuple[Sequence[DeliveryEvent], str]:
    """The events in a notice; or none, and why."""
    try:
        told = read_events(body)
    except Invalid as error:
        return (), f"It could not be read: {error.detail}"
    return told, "" if told else "It is no event about a mail"


def _note(
    session: Session, verdicts: Sequence[tuple[Any, NoticeState, str]], *, now: datetime
) -> None:
    """Write down what became of the notices, and when those that wait are due again."""
    rows = []
    for notice, state, explanation in verdicts:
        tries = notice.tries + 1
        over = state is NoticeState.UNMATCHED and tries >= MOST_TRIES
        rows.append(
            {
                "id": notice.id,
                "state": NoticeState.ORPHANED if over else state,
                "explanation": explanation[:500],
                "tries": tries,
                "due_at": now + WAITING[min(tries, len(WAITING)) - 1],
                "applied_at": now if state is NoticeState.APPLIED else None,
            }
        )
    bulk.update_rows(session, Notice, rows)


def listed(session: Session, states: Sequence[NoticeState], *, limit: int) -> Sequence[Notice]:
    """Notices in these states, newest first."""
    return session.scalars(
        select(Notice).where(Notice.state.in_(states)).order_by(Notice.id.desc()).limit(limit)
    ).all()
