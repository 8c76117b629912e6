"""What is kept how long, and deleted when its time is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, exists, select, tuple_
from sqlalchemy.orm import Session

from relay.db import table_of
from relay.models import (
    CanaryCopy,
    Content,
    EventKey,
    FeedbackReport,
    IdempotencyKey,
    KeyNetwork,
    LinkHost,
    LinkWording,
    Message,
    Notice,
    NoticeId,
    Recipient,
    Sending,
    SiteConnection,
    SourceCount,
)
from relay.vocabulary import NoticeState, Stage

CONTENTS = timedelta(days=7)
"""Bytes of a message after its last copy has come to rest; so long it can be sent again."""

NOTICES = timedelta(days=14)
"""Notices that were applied or ignored; unmatched ones are kept as long as `SEEN`."""

SEEN = timedelta(days=90)
"""That a notice or event was taken in: SNS repeats for days, mailbox providers complain for weeks."""

SOURCES = timedelta(days=30)
"""What a source had sent last, and its breaker."""

SIGNALS = timedelta(days=90)
"""Networks of keys and hosts of links after they were last seen, and feedback reports (our decision)."""

LINK_WORDINGS = timedelta(days=2)
"""Which words came with which link; no longer than wordings themselves."""
CONNECTIONS = timedelta(days=7)
"""Sites that asked to be connected, and the addresses that were given (our decision)."""

MOST = 500
"""Rows deleted by one statement, so that no lock is held long."""

_CONTENTS, _MAILS, _COPIES = table_of(Content), table_of(Message), table_of(Recipient)
_NOTICES, _SOURCES = table_of(Notice), table_of(SourceCount)

_OLD_CONTENTS = (
    delete(_CONTENTS)
    .where(
        _CONTENTS.c.message_id.in_(
            select(_MAILS.c.id)
            .join(_CONTENTS, _CONTENTS.c.message_id == _MAILS.c.id)
            .where(
                _MAILS.c.expires_at <= bindparam("before"),
                ~exists().where(_COPIES.c.message_id == _MAILS.c.id, _COPIES.c.stage != Stage.DONE),
            )
            .limit(MOST)
        )
    )
    .returning(_CONTENTS.c.part)
)


def _older(table: Any, key: str, column: str) -> Any:
    keys = select(table.c[key]).where(table.c[column] <= bindparam("before")).limit(MOST)
    return delete(table).where(table.c[key].in_(keys)).returning(table.c[key])


def _older_rows(table: Any, column: str) -> Any:
    """As `_older`, for a table whose key has several columns."""
    key = tuple(table.primary_key.columns)
    keys = select(*key).where(table.c[column] <= bindparam("before")).limit(MOST)
    return delete(table).where(tuple_(*key).in_(keys)).returning(key[0])


_OLD_ANSWERS = (
    delete(table_of(IdempotencyKey))
    .where(table_of(IdempotencyKey).c.expires_at <= bindparam("before"))
    .returning(table_of(IdempotencyKey).c.key)
)
_OLD_SOURCES = _older_rows(_SOURCES, "hour_at")
_OLD_NOTICES = (
    delete(_NOTICES)
    .where(
        _NOTICES.c.id.in_(
            select(_NOTICES.c.id)
            .where(
                _NOTICES.c.received_at <= bindparam("before"),
                _NOTICES.c.state.in_((NoticeState.APPLIED, NoticeState.IGNORED)),
            )
            .limit(MOST)
        )
    )
    .returning(_NOTICES.c.id)
)
_FIRST, _SENDINGS = table_of(CanaryCopy), table_of(Sending)
_OVER = (_SENDINGS.c.last_at <= bindparam("before")) & _SENDINGS.c.due_at.is_(None)
_OLD_CANARIES = (
    delete(_FIRST)
    .where(
        _FIRST.c.recipient_id.in_(
            select(_FIRST.c.recipient_id)
            .join(_SENDINGS, _SENDINGS.c.id == _FIRST.c.sending_id)
            .where(_OVER)
            .limit(MOST)
        )
    )
    .returning(_FIRST.c.recipient_id)
)
_OLD_SENDINGS = (
    delete(_SENDINGS)
    .where(
        _SENDINGS.c.id.in_(
            select(_SENDINGS.c.id).where(_OVER, _SENDINGS.c.list_id.is_(None)).limit(MOST)
        )
    )
    .returning(_SENDINGS.c.id)
)
"""Those of lists are kept: they say that a list was mailed before."""


def purge(session: Session, *, now: datetime) -> int:
    """Delete a portion of what is over; returns how many rows."""
    connection = session.connection()
    old = (
        (_OLD_CONTENTS, CONTENTS),
        (_OLD_ANSWERS, timedelta(0)),
        (_OLD_NOTICES, NOTICES),
        (_OLD_SOURCES, SOURCES),
        (_older(_NOTICES, "id", "received_at"), SEEN),
        (_older(table_of(NoticeId), "id", "seen_at"), SEEN),
        (_older(table_of(EventKey), "key", "seen_at"), SEEN),
        (_older(table_of(SiteConnection), "id", "at"), CONNECTIONS),
        (_OLD_CANARIES, SEEN),
        (_OLD_SENDINGS, SEEN),
        (_older(table_of(FeedbackReport), "id", "at"), SIGNALS),
        (_older_rows(table_of(KeyNetwork), "last_seen_at"), SIGNALS),
        (_older_rows(table_of(LinkHost), "last_seen_at"), SIGNALS),
        (_older_rows(table_of(LinkWording), "seen_at"), LINK_WORDINGS),
    )
    return sum(
        len(connection.execute(statement, {"before": now - age}).all()) for statement, age in old
    )
