"""The declared volume of a site: what it is expected to send, and how clean days let it grow."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay import bulk
from relay.models import Account, Site, SiteCount
from relay.policy.limits import grown
from relay.policy.plans import limits_of
from relay.policy.windows import day_of
from relay.services import first_contacts

COUNTER = "volumes judged"
"""The counter that holds the last day that was judged."""


def judge_yesterday(session: Session, *, now: datetime) -> int:
    """Let the declared volumes of sites grow that used theirs on a clean day; returns how many did.

    What a clean day is, `policy.first_contacts` says. Done once a day, by whichever worker comes first.
    """
    today = day_of(now)
    if not first_contacts.is_ours_to_judge(session, COUNTER, today):
        return 0
    yesterday = today - timedelta(days=1)
    days = first_contacts.days(session, yesterday)
    rows = session.execute(
        select(
            Site.id,
            Site.declared_daily,
            Site.limits.label("site_limits"),
            Account.limits.label("account_limits"),
            Account.plan,
            SiteCount.day_at,
            SiteCount.day_used,
            SiteCount.day_before_used,
        )
        .join(Account, Account.id == Site.account_id)
        .join(SiteCount, SiteCount.site_id == Site.id)
        .where(Site.id.in_([id for id, day in days.items() if day.is_clean]))
        .order_by(Site.id)
        .with_for_update(of=Site, key_share=True)
    ).all()
    growing = [
        {"id": row.id, "declared_daily": volume}
        for row in rows
        if (volume := _volume(row, yesterday)) > row.declared_daily
    ]
    bulk.update_rows(session, Site, growing)
    return len(growing)


def _volume(row: Any, yesterday: datetime) -> int:
    """What the site's volume is after this clean day."""
    used = {yesterday: row.day_used, yesterday + timedelta(days=1): row.day_before_used}
    most = limits_of(row.plan, row.account_limits, row.site_limits).day
    return grown(row.declared_daily, used.get(row.day_at, 0), most)
