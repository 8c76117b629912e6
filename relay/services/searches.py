"""Messages that fit: with a copy of some status, to some person, with a word in address or subject.

Newest first. What an index finds is found however old it is. What only looking can find (a word, or
a status that most copies have) is looked for among `MOST_LOOKED_AT` messages at a time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, literal, or_, select, text
from sqlalchemy.orm import Session

from relay.models import Message, Recipient
from relay.models.messages import AMISS
from relay.policy.lifecycle import behind
from relay.services.paging import cut
from relay.vocabulary import Outcome

MOST_LOOKED_AT = 20_000
"""Messages one question looks through (our decision: 50 ms of PostgreSQL where nothing fits)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one copy of a message must be, all of it; what is empty is not asked.

    `statuses` are words of `lifecycle.STATUSES`; `word` is a part of the copy's address or of the
    message's subject, in capitals or not; `address_key` is a whole address.
    """

    statuses: Set[str] = frozenset()
    word: str = ""
    address_key: str | None = None

    @property
    def is_looked_up(self) -> bool:
        """Whether indexes alone find it."""
        return not self.word and (
            not self.statuses or self.address_key is not None or behind(self.statuses).are_amiss
        )


ANY = Wanted()
"""Every message."""


@dataclass(frozen=True, slots=True)
class Found:
    """Ids of messages, newest first; the cursor after them, None where there are no more.

    `looked_back_to` says when the last message came that was looked at, where looking ended before
    a page was full and older ones may fit.
    """

    ids: Sequence[UUID]
    next_cursor: str | None
    looked_back_to: datetime | None = None


def search(
    session: Session,
    site_id: UUID,
    wanted: Wanted,
    *,
    limit: int,
    before: UUID | None = None,
    look_at: int = MOST_LOOKED_AT,
) -> Found:
    """At most `limit` of the site's messages that fit, of those before the cursor."""
    last = None if wanted.is_looked_up else _last_looked_at(session, site_id, before, look_at)
    query, key = _query(site_id, wanted)
    if before is not None:
        query = query.where(key < before)
    if last is not None:
        query = query.where(key >= last)
    found: Sequence[UUID] = session.scalars(query.order_by(key.desc()).limit(limit + 1)).all()
    ids, cursor = cut(found, limit, lambda id: id)
    if cursor is not None or last is None:
        return Found(ids, cursor)
    looked_back_to = session.scalar(select(Message.accepted_at).where(Message.id == last))
    return Found(ids, last.hex, looked_back_to)


def pattern(word: str) -> str:
    """A regular expression of literals that finds the word in capitals or not.

    Each letter is a set of its cases: PostgreSQL folds no more than ASCII in some locales, SQLite never.
    """
    return "".join(_either_case(character) for character in word)


def _either_case(character: str) -> str:
    cases = {character}
    for _ in range(2):
        cases |= {
            changed
            for each in cases
            for changed in (each.lower(), each.upper(), each.title(), each.casefold())
            if len(changed) == 1
        }
    return re.escape(character) if len(cases) == 1 else f"[{''.join(sorted(cases))}]"


def _last_looked_at(
    session: Session, site_id: UUID, before: UUID | None, look_at: int
) -> UUID | None:
    query = select(Message.id).where(Message.site_id == site_id)
    if before is not None:
        query = query.where(Message.id < before)
    return session.scalar(query.order_by(Message.id.desc()).offset(look_at - 1).limit(1))


def _query(site_id: UUID, wanted: Wanted) -> tuple[Select[UUID], Any]:
    """From the copies where an index leads to them, else from the messages; and what holds the id."""
    fits = _fits(wanted)
    if fits and wanted.is_looked_up:
        copies = select(Recipient.message_id).where(Recipient.site_id == site_id, *fits)
        return copies.distinct(), Recipient.message_id
    messages = select(Message.id).where(Message.site_id == site_id)
    if fits:
        one = select(literal(1)).where(Recipient.message_id == Message.id, *fits).limit(1)
        messages = messages.where(one.correlate(Message).scalar_subquery().is_not(None))
    return messages, Message.id


def _fits(wanted: Wanted) -> list[Any]:
    """What is asked of the copy, and of its message."""
    asked: list[Any] = []
    if wanted.statuses:
        standings = behind(wanted.statuses)
        asked.append(
            or_(
                Recipient.outcome.in_(standings.outcomes),
                and_(Recipient.outcome == Outcome.NONE, Recipient.stage.in_(standings.stages)),
            )
        )
        if standings.are_amiss:
            asked.append(text(AMISS))
    if wanted.address_key is not None:
        asked.append(Recipient.address_key == wanted.address_key)
    if wanted.word:
        asked.append(
            or_(
                Message.subject.regexp_match(pattern(wanted.word)),
                Recipient.address_key.contains(wanted.word.lower(), autoescape=True),
            )
        )
    return asked
