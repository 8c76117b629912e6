"""Limits as owners see them and operators set them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from relay.db import upsert
from relay.errors import Invalid, NotFound
from relay.models import Account, Site, SourceCount
from relay.policy import plans
from relay.policy.limits import Meter, Quota
from relay.policy.plans import MOST, Limits, limits_of
from relay.policy.windows import hour_of
from relay.services import counts, readings

MOST_SOURCES = 100
"""Sources shown of a site; those whose breaker is open come first."""


@dataclass(frozen=True, slots=True)
class SourceUse:
    """A source of a site in the hour that runs; `open_until` is there while its breaker is open."""

    source: str
    used: int
    allowed: int
    open_until: datetime | None

    @property
    def plugin(self) -> str:
        """The plugin or theme."""
        return self.source.partition("/")[0]

    @property
    def form(self) -> str | None:
        """The form, if one was named."""
        return self.source.partition("/")[2] or None


@dataclass(frozen=True, slots=True)
class SiteLimits:
    """What a site may have accepted and how much of it is used now.

    `overrides` says of each limit that is not the plan's who has it otherwise: `account` or `site`.
    """

    plan: str
    limits: Limits
    declared_daily: int
    overrides: Mapping[str, str]
    meters: Sequence[Meter]
    sources: Sequence[SourceUse]


def of_site(session: Session, site_id: UUID, *, now: datetime) -> SiteLimits:
    """The limits of a site. Raises `NotFound`."""
    connection = session.connection()
    site = connection.execute(readings.SITE, {"site": site_id}).one_or_none()
    if site is None:
        raise _no_site()
    given = {"site": site_id, **counts.windows(now)}
    quota = counts.quota_of(site, connection.execute(counts.READ, given).one(), None, now)
    return SiteLimits(
        plan=site.plan,
        limits=limits_of(site.plan, site.account_limits, site.site_limits),
        declared_daily=site.declared_daily,
        overrides=dict.fromkeys(site.account_limits or (), "account")
        | dict.fromkeys(site.site_limits or (), "site"),
        meters=quota.meters,
        sources=_sources(session, site_id, quota, now),
    )


def _sources(session: Session, site_id: UUID, quota: Quota, now: datetime) -> list[SourceUse]:
    hour = counts.windows(now)["hour"]
    rows = session.scalars(
        select(SourceCount)
        .where(
            SourceCount.site_id == site_id,
            or_(SourceCount.hour_at >= hour, SourceCount.open_until > now),
        )
        .order_by(SourceCount.open_until.is_(None), SourceCount.open_until.desc())
        .order_by(SourceCount.hour_used.desc(), SourceCount.source)
        .limit(MOST_SOURCES)
    )
    return [
        SourceUse(
            row.source,
            row.hour_used if row.hour_at >= hour else 0,
            counts.source_meter(quota, row.source, 0, None, now).allowed,
            row.open_until if row.open_until is not None and row.open_until > now else None,
        )
        for row in rows
    ]


def set_for_site(
    session: Session,
    site_id: UUID,
    given: Mapping[str, int],
    *,
    cleared: frozenset[str] = frozenset(),
    declared_daily: int | None = None,
) -> Site:
    """Set limits of a site otherwise than its account's, or leave those in `cleared` to the account.

    `declared_daily` is what it is expected to send to people a day. Raises `NotFound`, and `Invalid`
    for a limit that cannot be.
    """
    site = session.get(Site, site_id, with_for_update={"key_share": True})
    if site is None:
        raise _no_site()
    if declared_daily is not None:
        if not 0 <= declared_daily <= MOST["day"]:
            raise Invalid(f"The declared volume lies between 0 and {MOST['day']:,} people a day")
        site.declared_daily = declared_daily
    site.limits = plans.changed(site.limits, given, cleared)
    session.flush()
    return site


def set_for_account(
    session: Session,
    account_id: UUID,
    given: Mapping[str, int],
    *,
    cleared: frozenset[str] = frozenset(),
) -> Account:
    """As `set_for_site`, for an account and all its sites, otherwise than its plan."""
    account = _account(session, account_id)
    account.limits = plans.changed(account.limits, given, cleared)
    session.flush()
    return account


def set_plan(session: Session, account_id: UUID, name: str) -> Account:
    """Put an account on another plan; it counts from the next message on. Raises `NotFound`."""
    plans.plan(name)
    account = _account(session, account_id)
    account.plan = name
    session.flush()
    return account


def open_breaker(
    session: Session, site_id: UUID, source: str, *, until: datetime, now: datetime
) -> None:
    """Refuse what this source hands in until then, whatever it has used of its hour."""
    hour = hour_of(now)
    opened = {"opened_at": now, "open_until": until, "openings": 1}
    session.execute(
        upsert(session, SourceCount)
        .values(site_id=site_id, source=source, hour_at=hour, hour_used=0, **opened)
        .on_conflict_do_update(index_elements=["site_id", "source"], set_=opened)
    )


def close_breaker(session: Session, site_id: UUID, source: str, *, now: datetime) -> SourceCount:
    """Let a source send again at once, with its whole hour before it. Raises `NotFound`.

    For a form that was mended, or a plugin that was right: what came of the breaker is forgotten too.
    """
    row = session.get(SourceCount, (site_id, source), with_for_update=True)
    if row is None or row.open_until is None or row.open_until <= now:
        raise NotFound(
            f"No breaker of the source {source!r} is open; `python -m relay site limits` shows them"
        )
    row.open_until, row.openings, row.hour_used = None, 0, 0
    session.flush()
    return row


def _account(session: Session, account_id: UUID) -> Account:
    account = session.get(Account, account_id, with_for_update={"key_share": True})
    if account is None:
        raise NotFound(
            "There is no account with this id; `python -m relay account list` shows them"
        )
    return account


def _no_site() -> NotFound:
    return NotFound("There is no site with this id; `python -m relay site list` shows them")
