"""Marketing and notification mail on its way to the queue: allowances, sendings, canaries."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Index, Integer, SmallInteger, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Details, Id, Json, Sometime, When, where, words
from relay.vocabulary import CanaryCause, CanaryState, WaitReason


class Ramp(Base):
    """What a site, or a From-domain, may send of promotional mail, and what it has drawn of that.

    `id` is `site:ID`, `domain:NAME` (the registrable domain), or `young-sites`, whose row counts what
    all young sites have drawn together. The row is the lock under which its counts are read and
    raised; whoever needs several takes them in the order of their ids.
    """

    __tablename__ = "ramps"

    id: Mapped[str] = mapped_column(String(280), primary_key=True)
    per_day: Mapped[int] = mapped_column(Integer)
    clean_days: Mapped[int] = mapped_column(Integer, default=0)
    halved: Mapped[bool] = mapped_column(default=False)
    judged_day: Mapped[Sometime]
    last_sent_at: Mapped[Sometime]
    hour_began: Mapped[Sometime]
    hour_people: Mapped[int] = mapped_column(Integer, default=0)
    day_began: Mapped[Sometime]
    day_people: Mapped[int] = mapped_column(Integer, default=0)


class Sending(Base):
    """What a site hands in for one list (or of notifications), from one domain, until a pause.

    `due_at` is when its waiting copies have to be looked at again, NULL while none waits; `waits` why
    they do. `day` is the day in which it began, for what is usual of the site. `canary` is set where
    a few copies go first: since `canary_at` in that state, with `figures` as they were then;
    `review_id` is the review for which the rest is held.
    """

    __tablename__ = "sendings"
    __table_args__ = (
        Index("ix_sendings_site_id_day", "site_id", "day"),
        Index("ix_sendings_list_id", "list_id"),
        Index("ix_sendings_waiting", "site_id", **where("due_at IS NOT NULL")),
        Index("ix_sendings_due_at", "due_at", **where("due_at IS NOT NULL")),
    )

    id: Mapped[Id]
    site_id: Mapped[UUID] = mapped_column(Uuid)
    list_id: Mapped[UUID | None] = mapped_column(Uuid)
    lane_rank: Mapped[int] = mapped_column(SmallInteger)
    domain: Mapped[str] = mapped_column(String(253))
    day: Mapped[When]
    began_at: Mapped[When]
    last_at: Mapped[When]
    accepted: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[Sometime]
    waits: Mapped[WaitReason | None] = mapped_column(words(WaitReason))
    canary: Mapped[CanaryState | None] = mapped_column(words(CanaryState))
    canary_cause: Mapped[CanaryCause | None] = mapped_column(words(CanaryCause))
    canary_at: Mapped[Sometime]
    figures: Mapped[Details | None] = mapped_column(Json)
    review_id: Mapped[UUID | None] = mapped_column(Uuid)


class CanaryCopy(Base):
    """A copy that goes first in its sending."""

    __tablename__ = "canary_copies"
    __table_args__ = (Index("ix_canary_copies_sending_id", "sending_id"),)

    recipient_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    sending_id: Mapped[UUID] = mapped_column(Uuid)
