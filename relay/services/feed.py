"""The feed of events: numbered in the order in which they were committed, so that none is missed.

Ids made by clocks are not in commit order: a poller that has seen id 7 would never see a 5 that
commits later. So a duty gives committed events their position, one numberer at a time, and that
position is the public cursor (docs/decisions/0007-a-cursor-is-a-commit-order.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import table_of
from relay.models import Counter, Event, Recipient

_EVENTS, _COUNTERS = table_of(Event), table_of(Counter)

_POSITION = select(_COUNTERS.c.value).where(_COUNTERS.c.name == "events").with_for_update()
_UNNUMBERED = (
    select(_EVENTS.c.id)
    .where(_EVENTS.c.position.is_(None))
    .order_by(_EVENTS.c.id)
    .limit(bindparam("most"))
)


def number(session: Session, *, most: int = 1_000) -> int:
    """Give committed events their position; the counter's row keeps other numberers out."""
    connection = session.connection()
    position = connection.execute(_POSITION).scalar_one()
    ids = connection.execute(_UNNUMBERED, {"most": most}).scalars().all()
    if ids:
        bulk.update_rows(
            session,
            Event,
            [{"id": id, "position": position + n} for n, id in enumerate(ids, start=1)],
        )
        connection.execute(
            update(_COUNTERS).where(_COUNTERS.c.name == "events").values(value=position + len(ids))
        )
    return len(ids)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some events, where to go on after them, and whether there were more."""

    events: Sequence[Any]
    next_cursor: int
    has_more: bool


def after(session: Session, site_id: UUID, *, cursor: int, limit: int) -> Stretch:
    """The site's events after `cursor`, oldest first, each with the address it is about."""
    found = session.execute(
        select(
            Event.position,
            Event.type,
            Event.occurred_at,
            Event.message_id,
            Event.recipient_id,
            Event.data,
            Recipient.address,
        )
        .join(Recipient, Recipient.id == Event.recipient_id)
        .where(Event.site_id == site_id, Event.position > cursor)
        .order_by(Event.position)
        .limit(limit + 1)
    ).all()
    events = found[:limit]
    return Stretch(events, events[-1].position if events else cursor, len(found) > limit)
