"""Looking back: messages with each recipient's status, attempts and events, in words too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from relay.errors import NotFound
from relay.models import Attempt, Event, Message, Recipient
from relay.policy.lifecycle import status
from relay.policy.words import summary
from relay.sayings import Saying, say
from relay.services import progress, resends
from relay.services.searches import ANY, Wanted, search

_MESSAGES = select(Message, resends.CONTENT_IS_KEPT)


@dataclass(frozen=True, slots=True)
class RecipientTimeline:
    """One person's copy with all that happened to it, oldest first; `waits` says why it still waits."""

    recipient: Recipient
    attempts: Sequence[Attempt]
    events: Sequence[Event]
    waits: dict[str, Any] | None = None

    @property
    def reason(self) -> dict[str, Any] | None:
        """Why the copy is where it is; of one that waits, what it waits for."""
        return self.waits or self.recipient.reason

    @property
    def status(self) -> str:
        """One word for people."""
        return status(self.recipient.stage, self.recipient.outcome)


@dataclass(frozen=True, slots=True)
class MessageTimeline:
    """A message, what became of each copy, and whether its content is still kept."""

    message: Message
    recipients: Sequence[RecipientTimeline]
    content_is_kept: bool

    @property
    def is_resendable(self) -> bool:
        """Whether the site may have it sent again (`resends.stored_draft`)."""
        return self.content_is_kept and not resends.is_written_here(self.message)


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, newest first, and the cursor of the next page (None on the last).

    `looked_back_to`: see `searches.Found`.
    """

    messages: Sequence[MessageTimeline]
    next_cursor: str | None
    looked_back_to: datetime | None = None


def find(
    session: Session, site_id: UUID, message_id: UUID, *, now: datetime | None = None
) -> MessageTimeline:
    """The site's message; with `now`, also when the turn of those copies comes that wait.

    Raises `NotFound`, also for another site's.
    """
    found = session.execute(
        _MESSAGES.where(Message.id == message_id, Message.site_id == site_id)
    ).one_or_none()
    if found is None:
        raise NotFound(say("There is no such message on this site"))
    return _timelines(session, [found], now)[0]


def page(
    session: Session,
    site_id: UUID,
    wanted: Wanted = ANY,
    *,
    limit: int,
    before: UUID | None = None,
) -> Page:
    """The site's messages that fit, newest first."""
    found = search(session, site_id, wanted, limit=limit, before=before)
    messages = session.execute(
        _MESSAGES.where(Message.id.in_(found.ids)).order_by(Message.id.desc())
    ).all()
    return Page(_timelines(session, messages), found.next_cursor, found.looked_back_to)


def _timelines(
    session: Session, messages: Sequence[Row[Message, bool]], now: datetime | None = None
) -> list[MessageTimeline]:
    recipients = session.scalars(
        select(Recipient)
        .where(Recipient.message_id.in_([message.id for message, _ in messages]))
        .order_by(Recipient.id)
    ).all()
    ids = [recipient.id for recipient in recipients]
    attempts = _grouped(
        session.scalars(select(Attempt).where(Attempt.recipient_id.in_(ids)).order_by(Attempt.id))
    )
    events = _grouped(
        session.scalars(
            select(Event).where(Event.recipient_id.in_(ids)).order_by(Event.occurred_at, Event.id)
        )
    )
    waits = progress.reasons(session, recipients, now=now)
    copies: dict[UUID, list[RecipientTimeline]] = defaultdict(list)
    for recipient in recipients:
        copies[recipient.message_id].append(
            RecipientTimeline(
                recipient, attempts[recipient.id], events[recipient.id], waits.get(recipient.id)
            )
        )
    return [MessageTimeline(message, copies[message.id], kept) for message, kept in messages]


def _grouped(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    groups: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.recipient_id].append(row)
    return groups


def event_summary(event: Event) -> Saying:
    """The event in a sentence for people."""
    return summary(event.type, event.data)
