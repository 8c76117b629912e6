"""What a site's plan allows at full volume."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.models import Account, Site
from relay.policy.plans import limits_of
from relay.policy.warm_up import Ceiling


def ceiling(session: Session, site_id: UUID) -> Ceiling:
    """What the site may send once it is warm, as its plan and an operator say (docs/limits.md)."""
    row = session.execute(
        select(Account.plan, Account.limits, Site.limits)
        .join(Site, Site.account_id == Account.id)
        .where(Site.id == site_id)
    ).one()
    return ceiling_of(*row)


def ceiling_of(
    plan: str, account: Mapping[str, int] | None, site: Mapping[str, int] | None
) -> Ceiling:
    """The same, where plan and overrides are known."""
    limits = limits_of(plan, account, site)
    return Ceiling(per_hour=limits.hour, per_day=limits.day)
