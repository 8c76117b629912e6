"""What a site's plan allows at full volume."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from relay.policy.warm_up import Ceiling

PER_DAY = 50_000
"""Promotional copies a day for a site at full volume (what SES commonly grants an account at first)."""

PER_HOUR = 5_000
"""The same in one hour."""


def ceiling(session: Session, site_id: UUID) -> Ceiling:
    """What the site may send once it is warm. The one place that knows where plans are kept."""
    return Ceiling(per_hour=PER_HOUR, per_day=PER_DAY)
