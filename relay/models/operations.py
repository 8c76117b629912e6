"""What the relay keeps for its own running: notices as they came, and how much was used."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base, UtcDateTime
from relay.models.columns import Id, Sometime, When, where, words
from relay.vocabulary import NoticeState


class NoticeId(Base):
    """That SNS has delivered this notice before; outlives the notice itself."""

    __tablename__ = "notice_ids"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    seen_at: Mapped[When]


class Notice(Base):
    """A genuine notice exactly as SNS posted it, and what became of it."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_waiting", "due_at", **where("state IN ('received', 'unmatched')")),
    )

    id: Mapped[Id]
    notice_id: Mapped[str] = mapped_column(String(100))
    topic_arn: Mapped[str] = mapped_column(String(256))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[NoticeState] = mapped_column(words(NoticeState))
    explanation: Mapped[str] = mapped_column(String(500), default="")
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    received_at: Mapped[When]
    due_at: Mapped[When]
    applied_at: Mapped[Sometime]


class Counter(Base):
    """A number that only grows; its row is the lock under which it does."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger, default=0)


class Usage(Base):
    """How much a site had accepted in one window; updated under the site's lock."""

    __tablename__ = "usage"

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    window: Mapped[str] = mapped_column(String(8), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    messages: Mapped[int] = mapped_column(Integer, default=0)
    recipients: Mapped[int] = mapped_column(Integer, default=0)
    octets: Mapped[int] = mapped_column(BigInteger, default=0)
