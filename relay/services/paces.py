"""Receiving gateways that refused for rate: what was learned from them, and what waits for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import among, constant, table_of, upsert
from relay.models import Recipient, SendingPace
from relay.policy import pace as policy
from relay.policy.gateways import Gateway
from relay.policy.pace import Pace
from relay.sayings import phrase
from relay.services import receivers
from relay.vocabulary import Stage

TOGETHER = 500
"""Further copies for a gateway that is held back which are put off at once, so that they stand in
nobody's way; that many copies of the site are looked through for them."""

CODE = "gateway-pace"
REASON = {"code": CODE, "title": phrase("The receiving gateway accepts our mail only slowly")}

_PACES, _COPIES = table_of(SendingPace), table_of(Recipient)
_OF_SITES = select(_PACES).where(among(_PACES.c.site_id, "sites"))
_LOCKED = _OF_SITES.order_by(_PACES.c.site_id, _PACES.c.gateway).with_for_update()
_COLUMNS = ("rate", "next_at", "slowed_at", "refused_at")

_NEXT_OF_SITE = (
    select(_COPIES.c.id, _COPIES.c.domain, _COPIES.c.tries, _COPIES.c.expires_at)
    .where(
        _COPIES.c.stage == constant(_COPIES.c.stage, Stage.QUEUED),
        _COPIES.c.lane_rank == bindparam("lane"),
        _COPIES.c.site_id == bindparam("site"),
        _COPIES.c.due_at <= bindparam("now"),
        or_(_COPIES.c.leased_until.is_(None), _COPIES.c.leased_until <= bindparam("now")),
    )
    .order_by(_COPIES.c.due_at)
    .limit(TOGETHER)
    .with_for_update(skip_locked=True)
)

Pair = tuple[UUID, str]
"""A site, and a gateway's name or a domain."""


def gateway_name(domain: str, gateways: Mapping[str, Gateway]) -> str:
    """Who is asked to bear with us: the domain's gateway where it is known, else the domain."""
    found = gateways.get(domain)
    return found.value if found is not None else domain


def refused(
    session: Session, refusals: Iterable[tuple[UUID, str, datetime]], *, now: datetime
) -> None:
    """Slow down for what these gateways refused; each refusal is site, gateway, when it was sent."""
    newest: dict[Pair, datetime] = {}
    for site_id, gateway, started_at in refusals:
        pair = site_id, gateway
        newest[pair] = max(started_at, newest.get(pair, started_at))
    if not newest:
        return
    known = _known(session, {site_id for site_id, _ in newest})
    for pair, started_at in sorted(newest.items()):
        before = known.get(pair)
        after = policy.refused(before, started_at, now)
        if after != before:
            _keep(session, pair, after)


def put_off(session: Session, rows: Sequence[Any], *, now: datetime) -> set[UUID]:
    """Put off leased copies whose gateway is not yet to be bothered again; returns which.

    They are queued again for later, and the claim was no try. So are the copies behind them that
    wait for the same gateway. The site's other mail goes on.
    """
    known = _known(session, {row.site_id for row in rows})
    if not known:
        return set()
    gateways = receivers.gateways_of(session, {row.domain for row in rows})
    waiting: dict[Pair, list[Any]] = defaultdict(list)
    for row in rows:
        pair = row.site_id, gateway_name(row.domain, gateways)
        if pair in known:
            waiting[pair].append(row)
    late: dict[UUID, dict[str, Any]] = {}
    for pair, copies in sorted(waiting.items()):
        if policy.is_free(known[pair], now):
            session.execute(
                delete(_PACES).where(_PACES.c.site_id == pair[0], _PACES.c.gateway == pair[1])
            )
            continue
        after, going, _ = policy.slots(known[pair], len(copies), now)
        _keep(session, pair, after)
        if going == len(copies):
            continue
        kept = [(row, row.tries - 1) for row in copies[going:]]
        kept += [(row, row.tries) for row in _behind(session, pair, kept[0][0].lane_rank, now)]
        _, _, slots = policy.slots(after, len(kept), now)
        for (row, tries), slot in zip(kept, slots, strict=True):
            late[row.id] = {
                "id": row.id,
                "leased_until": None,
                "due_at": min(slot, row.expires_at),
                "tries": tries,
                "reason": REASON,
            }
    bulk.update_rows(session, Recipient, list(late.values()))
    return set(late)


def _behind(session: Session, pair: Pair, lane_rank: int, now: datetime) -> list[Any]:
    """The next due copies of the site, of those it has in this lane, that wait for the same gateway."""
    site_id, gateway = pair
    rows = (
        session.connection()
        .execute(_NEXT_OF_SITE, {"lane": lane_rank, "site": site_id, "now": now})
        .all()
    )
    gateways = receivers.gateways_of(session, {row.domain for row in rows}) if rows else {}
    return [row for row in rows if gateway_name(row.domain, gateways) == gateway]


def forget_free(session: Session, *, now: datetime) -> int:
    """Forget the paces that hold nobody back any more; returns how many."""
    free = [
        (row.site_id, row.gateway)
        for row in session.execute(select(_PACES).order_by(_PACES.c.refused_at).limit(1_000))
        if policy.is_free(_of(row), now)
    ]
    for site_id, gateway in free:
        session.execute(
            delete(_PACES).where(_PACES.c.site_id == site_id, _PACES.c.gateway == gateway)
        )
    return len(free)


def _known(session: Session, sites: set[UUID]) -> dict[Pair, Pace]:
    found = session.connection().execute(_LOCKED, {"sites": sorted(sites)})
    return {(row.site_id, row.gateway): _of(row) for row in found}


def _of(row: Any) -> Pace:
    return Pace(*(getattr(row, name) for name in _COLUMNS))


def _keep(session: Session, pair: Pair, pace: Pace) -> None:
    values = {name: getattr(pace, name) for name in _COLUMNS}
    session.connection().execute(
        upsert(session, SendingPace)
        .values(site_id=pair[0], gateway=pair[1], **values)
        .on_conflict_do_update(index_elements=["site_id", "gateway"], set_=values)
    )
