"""How much of their limits sites and sources have used: one small row each, which begins anew by itself.

A row holds the windows that run. A write that belongs to a later window begins it; one that comes late
counts in the window that has begun since, so that nothing ever sets a count back.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Integer, SmallInteger, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base, UtcDateTime
from relay.models.columns import Sometime, When


class SiteCount(Base):
    """People to whom a site's transactional mail was accepted, in the second, hour and day that run (UTC).

    Written under the site's lock. `day_before_used` is what the day before `day_at` had.
    """

    __tablename__ = "site_counts"
    __table_args__ = (Index("ix_site_counts_account_id", "account_id"),)

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(Uuid)
    second_at: Mapped[When]
    second_used: Mapped[int] = mapped_column(Integer)
    hour_at: Mapped[When]
    hour_used: Mapped[int] = mapped_column(Integer)
    day_at: Mapped[datetime] = mapped_column(UtcDateTime)
    day_used: Mapped[int] = mapped_column(Integer)
    day_before_used: Mapped[int] = mapped_column(Integer)


class SourceCount(Base):
    """The same by the hour for one source of a site, and its breaker.

    `source` is the plugin, or `plugin/form`. The breaker opened last at `opened_at`, for the
    `openings`-th time in a row, and is open until `open_until`.
    """

    __tablename__ = "source_counts"

    site_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    source: Mapped[str] = mapped_column(String(201), primary_key=True)
    hour_at: Mapped[When]
    hour_used: Mapped[int] = mapped_column(Integer)
    opened_at: Mapped[Sometime]
    open_until: Mapped[Sometime]
    openings: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
