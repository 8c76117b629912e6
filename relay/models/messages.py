"""Messages, one row per person, every try, every event. The recipients' rows are the queue.

Recipients, attempts and events are keyed by time-ordered ids and are referred to by no foreign
key from other growing tables, so they can be range-partitioned by id and old ranges dropped.
What must be unique for ever (idempotency keys, event keys) has tables of its own.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Address, Details, Id, Json, Sometime, When, where, words
from relay.vocabulary import AttemptState, EventType, Kind, Lane, Outcome, Stage, Stream

AMISS = (
    "(stage = 'held' OR outcome IN ('suppressed', 'expired', 'failed', 'unconfirmed', 'soft_bounced',"
    " 'rejected', 'render_failed', 'bounced', 'complained'))"
)
"""Copies that are held or have not arrived. Most never are: their index costs acceptance nothing."""


class Message(Base):
    """An accepted message: one sender, one content, one or more people.

    `remarks` are what the relay changed in it, or noticed about it; a code and details each.
    """

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_site_id_id", "site_id", "id"),)

    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(Uuid)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    stream: Mapped[Stream] = mapped_column(words(Stream))
    kind: Mapped[Kind | None] = mapped_column(words(Kind))
    lane: Mapped[Lane] = mapped_column(words(Lane))
    list_id: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[Details] = mapped_column(Json)
    sender: Mapped[Address]
    subject: Mapped[str] = mapped_column(String(500))
    mime_message_id: Mapped[str | None] = mapped_column(String(500))
    size: Mapped[int] = mapped_column(Integer)
    removed_headers: Mapped[list[str]] = mapped_column(Json)
    remarks: Mapped[list[Details] | None] = mapped_column(Json)
    accepted_at: Mapped[When]
    expires_at: Mapped[When]
    resent_from: Mapped[UUID | None] = mapped_column(Uuid)


class Content(Base):
    """The bytes of a message, in parts of at most 1 MiB, deleted when retention ends."""

    __tablename__ = "contents"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Recipient(Base):
    """One person's copy: where it stands (`stage`) and what is known of it (`outcome`).

    A queued copy is leased to the worker that knows `lease`, until `leased_until`. No index is about
    these two, so that a lease costs PostgreSQL no index entry. `review_id` is the review for which it
    is, or was, held. Copies of promotional mail belong to a sending, with which they wait.
    """

    __tablename__ = "recipients"
    __table_args__ = (
        Index("ix_recipients_message_id", "message_id"),
        Index("ix_recipients_address_key_site_id", "address_key", "site_id"),
        Index("ix_recipients_turns", "lane_rank", "site_id", "due_at", **where("stage = 'queued'")),
        Index(
            "ix_recipients_in_hand", "due_at", **where("stage IN ('leased', 'sending', 'unknown')")
        ),
        Index(
            "ix_recipients_apart",
            "stage",
            "site_id",
            **where("stage IN ('held', 'checking', 'waiting')"),
        ),
        Index("ix_recipients_checking", "id", **where("stage = 'checking'")),
        Index("ix_recipients_held", "review_id", "id", **where("stage = 'held'")),
        Index("ix_recipients_amiss", "site_id", "message_id", **where(AMISS)),
        Index(
            "ix_recipients_silent",
            "due_at",
            **where("stage = 'done' AND outcome IN ('sent', 'deferred')"),
        ),
        Index("ix_recipients_next_window", "sending_id", "id", **where("stage = 'waiting'")),
        Index("ix_recipients_waits_until", "expires_at", **where("stage = 'waiting'")),
    )

    id: Mapped[Id]
    message_id: Mapped[UUID] = mapped_column(Uuid)
    account_id: Mapped[UUID] = mapped_column(Uuid)
    site_id: Mapped[UUID] = mapped_column(Uuid)
    address: Mapped[Address]
    address_key: Mapped[Address]
    domain: Mapped[str] = mapped_column(String(253))
    lane_rank: Mapped[int] = mapped_column(SmallInteger)
    stage: Mapped[Stage] = mapped_column(words(Stage))
    outcome: Mapped[Outcome] = mapped_column(words(Outcome), default=Outcome.NONE)
    due_at: Mapped[When]
    expires_at: Mapped[When]
    lease: Mapped[UUID | None] = mapped_column(Uuid)
    leased_until: Mapped[Sometime]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    attempt_id: Mapped[UUID | None] = mapped_column(Uuid)
    review_id: Mapped[UUID | None] = mapped_column(Uuid)
    reason: Mapped[Details | None] = mapped_column(Json)
    sending_id: Mapped[UUID | None] = mapped_column(Uuid)


class Attempt(Base):
    """One try at handing one copy to the provider. `heard_at`: when its first event came."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index("ix_attempts_recipient_id", "recipient_id"),
        Index("ix_attempts_provider_id", "provider_id"),
    )

    id: Mapped[Id]
    recipient_id: Mapped[UUID] = mapped_column(Uuid)
    number: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[AttemptState] = mapped_column(words(AttemptState))
    started_at: Mapped[When]
    ended_at: Mapped[Sometime]
    heard_at: Mapped[Sometime]
    provider_id: Mapped[str | None] = mapped_column(String(100))
    error: Mapped[Details | None] = mapped_column(Json)


class Event(Base):
    """Something that happened to a copy. `position`, given in commit order, is the public cursor."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_recipient_id", "recipient_id"),
        Index("ix_events_site_id_position", "site_id", "position"),
        Index("ix_events_unnumbered", "id", **where("position IS NULL")),
    )

    id: Mapped[Id]
    recipient_id: Mapped[UUID] = mapped_column(Uuid)
    message_id: Mapped[UUID] = mapped_column(Uuid)
    site_id: Mapped[UUID] = mapped_column(Uuid)
    attempt_id: Mapped[UUID | None] = mapped_column(Uuid)
    type: Mapped[EventType] = mapped_column(words(EventType))
    occurred_at: Mapped[When]
    recorded_at: Mapped[When]
    position: Mapped[int | None] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]] = mapped_column(Json)


class EventKey(Base):
    """That an event was taken in already, however often the provider tells it."""

    __tablename__ = "event_keys"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[When]


class IdempotencyKey(Base):
    """What was answered to a request, so that its repetition gets the same answer (72 h)."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_expires_at", "expires_at"),)

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    answer: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[When]
