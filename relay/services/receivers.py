"""Who receives for the domains we mail: looked up by an errand, kept for its TTL, never while asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from relay.context import Relay
from relay.db import upsert
from relay.errors import Unavailable
from relay.gateways.dns import MailExchangers
from relay.models import ReceivingDomain, Recipient
from relay.policy.gateways import Gateway, gateway_of_mx

AT_LEAST, AT_MOST = timedelta(hours=6), timedelta(days=7)
"""Bounds of how long an answer is kept, whatever its TTL (our decision)."""

LOOK_AGAIN = timedelta(hours=1)
"""After so long a question that got no answer is put again."""

NEWEST = 5_000
"""Copies looked through for domains not seen before."""

log = structlog.get_logger(__name__)


def gateways_of(session: Session, domains: Iterable[str]) -> dict[str, Gateway]:
    """The gateways of those domains whose gateway is known."""
    rows = session.execute(
        select(ReceivingDomain.domain, ReceivingDomain.gateway).where(
            ReceivingDomain.domain.in_(set(domains)), ReceivingDomain.gateway.is_not(None)
        )
    )
    known = {each.value for each in Gateway}
    return {row.domain: Gateway(row.gateway) for row in rows if row.gateway in known}


def note_new(session: Session, *, now: datetime) -> None:
    """Write down the domains of the newest copies that were never looked up."""
    newest = select(Recipient.domain).order_by(Recipient.id.desc()).limit(NEWEST).subquery()
    found = session.scalars(
        select(newest.c.domain)
        .distinct()
        .where(newest.c.domain.not_in(select(ReceivingDomain.domain)))
    ).all()
    if found:
        session.execute(
            upsert(session, ReceivingDomain).on_conflict_do_nothing(),
            [{"domain": domain, "mx": [], "due_at": now} for domain in found],
        )


def look_up(relay: Relay, *, most: int = 50) -> int:
    """Ask DNS about domains that are due; returns how many. No transaction is open meanwhile."""
    with relay.sessions.begin() as session:
        note_new(session, now=relay.clock())
    with relay.reads() as session:
        due = session.scalars(
            select(ReceivingDomain.domain)
            .where(ReceivingDomain.due_at <= relay.clock())
            .order_by(ReceivingDomain.due_at)
            .limit(most)
        ).all()
    for domain in due:
        try:
            told: MailExchangers | None = relay.exchangers(domain)
        except Unavailable as error:
            told = None
            log.info("no answer from DNS", domain=domain, detail=error.detail)
        with relay.sessions.begin() as session:
            _keep(session, domain, told, relay.clock())
    return len(due)


def _keep(session: Session, domain: str, told: MailExchangers | None, now: datetime) -> None:
    values: dict[str, object] = {"due_at": now + LOOK_AGAIN}
    if told is not None:
        gateway = gateway_of_mx(told.records)
        values = {
            "mx": [list(record) for record in told.records[:20]],
            "gateway": gateway.value if gateway else None,
            "zone": _zone(told.records[0][1]) if told.records else None,
            "checked_at": now,
            "due_at": now + min(max(told.ttl, AT_LEAST), AT_MOST),
        }
    session.execute(
        update(ReceivingDomain)
        .where(ReceivingDomain.domain == domain)
        .values(values)
        .execution_options(synchronize_session=False)
    )


def _zone(host: str) -> str | None:
    """The end of a host's name, by which hosts of one vendor are alike."""
    return ".".join(host.split(".")[-2:])[:253] or None


def unknown_zones(session: Session, *, limit: int = 50) -> list[tuple[str, int]]:
    """Ends of MX hosts that our table does not know, and how many domains have them; most first."""
    number = func.count()
    rows = session.execute(
        select(ReceivingDomain.zone, number)
        .where(ReceivingDomain.gateway.is_(None), ReceivingDomain.zone.is_not(None))
        .group_by(ReceivingDomain.zone)
        .order_by(number.desc(), ReceivingDomain.zone)
        .limit(limit)
    )
    return [(zone or "", count) for zone, count in rows]
