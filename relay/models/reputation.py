"""What was reported of a site's mail: counted by the hour, and judged."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base, UtcDateTime
from relay.models.columns import Details, Json, Sometime, where, words
from relay.vocabulary import Dimension, Stream


class Tally(Base):
    """Copies sent in one hour (UTC), by what was reported of them; a row for each value of a dimension.

    `sent` were handed over, `ended` have an end (delivered or refused for good); of the latter, `unheard`
    at mailbox providers that report no complaints. The other columns are as `policy.reputation.Figures`
    says. Rows of the dimension `site` judge the site; those of others say where it went wrong. What the
    relay wrote itself is only in `provider` and `ip`.
    """

    __tablename__ = "tallies"
    __table_args__ = (Index("ix_tallies_dimension_hour", "dimension", "hour"),)

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    stream: Mapped[Stream] = mapped_column(words(Stream), primary_key=True)
    dimension: Mapped[Dimension] = mapped_column(words(Dimension), primary_key=True)
    value: Mapped[str] = mapped_column(String(253), primary_key=True)
    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    sent: Mapped[int] = mapped_column(Integer)
    ended: Mapped[int] = mapped_column(Integer)
    delivered: Mapped[int] = mapped_column(Integer)
    heard: Mapped[int] = mapped_column(Integer)
    invalid: Mapped[int] = mapped_column(Integer)
    permanent: Mapped[int] = mapped_column(Integer)
    complaints: Mapped[int] = mapped_column(Integer)
    unheard: Mapped[int] = mapped_column(Integer)
    spam: Mapped[int] = mapped_column(Integer)
    left: Mapped[int] = mapped_column(Integer)


class Pulse(Base):
    """One stream of a site as the rules see it: its last attempts, and when it is judged next.

    `recent` holds the last hundred attempts with an end: source, 1 where the address does not exist, and
    when it was sent (seconds since 1970).
    `delivered` counts all that ever arrived. What was sent before `since` is not counted any more.
    `sources` are plugins and forms that were held: what each sent before that time counts no more either.
    `clean_since` is when a warned stream was last found to be well again.
    """

    __tablename__ = "pulses"
    __table_args__ = (Index("ix_pulses_due_at", "due_at", **where("due_at IS NOT NULL")),)

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    stream: Mapped[Stream] = mapped_column(words(Stream), primary_key=True)
    recent: Mapped[list[Any]] = mapped_column(Json)
    delivered: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[Sometime]
    sources: Mapped[Details | None] = mapped_column(Json)
    news_at: Mapped[Sometime]
    due_at: Mapped[Sometime]
    clean_since: Mapped[Sometime]
