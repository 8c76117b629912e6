"""Hours and days of the clock (UTC), in which mail is counted."""

from __future__ import annotations

from datetime import UTC, datetime


def hour_of(now: datetime) -> datetime:
    """When this hour began."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(now: datetime) -> datetime:
    """When this day began."""
    return hour_of(now).replace(hour=0)
