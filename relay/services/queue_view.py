"""What waits, for people who watch: by lane, by site, by receiving gateway, and when it will be gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from relay.db import constant, table_of
from relay.models import Attempt, ReceivingDomain, Recipient, SendingBudget, SendingPace, Site
from relay.policy import budget as policy
from relay.policy.budget import Budget
from relay.policy.forecast import Supply, forecast, share_of_site
from relay.policy.pace import Pace, is_free, rate_at
from relay.services import budgets
from relay.vocabulary import Lane, Stage

TOP = 20
"""Sites and gateways that are told one by one."""

IN_HAND = (Stage.LEASED, Stage.SENDING, Stage.UNKNOWN)
APART = tuple(each for each in Stage if each not in (Stage.QUEUED, Stage.DONE, *IN_HAND))
"""Stages after the queue, and before it. An index has the copies of each group."""

MEASURED_EVERY = timedelta(seconds=10)

LATELY = timedelta(seconds=10)
"""Over this time it is counted how quickly mail leaves."""

_COPIES, _TRIES, _DOMAINS = table_of(Recipient), table_of(Attempt), table_of(ReceivingDomain)
_RANKS = [lane.rank for lane in Lane]


_QUEUED = _COPIES.c.stage == constant(_COPIES.c.stage, Stage.QUEUED)
_ELSEWHERE = [
    select(_COPIES.c.stage, _COPIES.c.lane_rank, func.count().label("copies"))
    .where(_COPIES.c.stage.in_([constant(_COPIES.c.stage, each) for each in group]))
    .group_by(_COPIES.c.stage, _COPIES.c.lane_rank)
    for group in (IN_HAND, APART)
]


_OWN = (
    select(
        _COPIES.c.site_id,
        _COPIES.c.lane_rank,
        func.count().label("copies"),
        func.min(_COPIES.c.due_at).label("due_at"),
    )
    .where(_QUEUED, _COPIES.c.lane_rank.in_(_RANKS))
    .group_by(_COPIES.c.site_id, _COPIES.c.lane_rank)
)
"""What sites have queued, to be narrowed down to some: with lane and site the index finds them."""

_Backlog = Mapping[int, tuple[int, int]]
"""By rank: copies, and of how many sites."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits under one name: a lane's, a site's id, a gateway's or a domain's.

    `stages` counts copies by stage, `oldest` is how long the oldest queued one has been due, `gone_in`
    when the last will have left as things stand; both None where there is nothing to tell.
    """

    name: str
    stages: Mapping[str, int]
    oldest: timedelta | None = None
    gone_in: timedelta | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """All that waits, what may leave, and whom we are slow with."""

    lanes: Sequence[Waiting]
    sites: Sequence[Waiting]
    gateways: Sequence[Waiting]
    paces: Sequence[Mapping[str, Any]]
    supply: Supply
    held_code: str | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits anywhere."""
        return not any(lane.stages for lane in self.lanes)


@dataclass(frozen=True, slots=True)
class _Lane:
    """What is queued in one lane: copies, of how many sites, and since when the oldest is due."""

    copies: int
    sites: int
    due_at: datetime


def overview(session: Session, now: datetime, *, top: int = TOP) -> Overview:
    """What waits now, by lane, and by site and gateway: the `top` ones that have most."""
    queued = _lanes(session)
    backlog = {rank: (each.copies, each.sites) for rank, each in queued.items()}
    stages: dict[int, Counter[str]] = {rank: Counter() for rank in _RANKS}
    for rank, each in queued.items():
        stages[rank][Stage.QUEUED.value] = each.copies
    for statement in _ELSEWHERE:
        for row in session.execute(statement):
            stages[row.lane_rank][row.stage.value] += row.copies
    budget = policy.filled(budgets.read(session), now)
    supply = supply_of(session, budget, _copies(backlog), now)
    gone = forecast(_by_rank(backlog), supply)
    return Overview(
        lanes=[
            Waiting(
                Lane.of_rank(rank).value,
                dict(stages[rank]),
                _age([queued[rank].due_at] if rank in queued else [], now),
                gone.get(rank),
            )
            for rank in _RANKS
        ],
        sites=_sites(session, backlog, gone, top, now),
        gateways=_gateways(session, top, now),
        paces=paces(session, now),
        supply=supply,
        held_code=budget.held_code if supply.held else None,
    )


def of_site(session: Session, site_id: UUID, now: datetime) -> list[Waiting]:
    """What a site has waiting, by lane, and when its share will have left.

    The forecast rests on what the whole queue was when a worker last measured it.
    """
    rows = session.execute(_OWN.where(_COPIES.c.site_id == site_id)).all()
    stages: dict[int, Counter[str]] = {rank: Counter() for rank in _RANKS}
    for row in session.execute(_ELSEWHERE[1].where(_COPIES.c.site_id == site_id)):
        stages[row.lane_rank][row.stage.value] += row.copies
    measured = session.execute(
        select(SendingBudget.backlog).where(SendingBudget.provider == budgets.PROVIDER)
    ).scalar()
    backlog = {int(rank): (each[0], each[1]) for rank, each in (measured or {}).items()}
    for row in rows:
        stages[row.lane_rank][Stage.QUEUED.value] = row.copies
        copies, sites = backlog.get(row.lane_rank, (0, 1))
        backlog[row.lane_rank] = (max(copies, row.copies), sites)
    gone: dict[int, timedelta | None] = {}
    if rows:
        budget = policy.filled(budgets.read(session), now)
        supply = supply_of(session, budget, _copies(backlog), now)
        gone = forecast(_by_rank(backlog), supply)
    due = {row.lane_rank: row.due_at for row in rows}
    return [
        Waiting(
            Lane.of_rank(rank).value,
            dict(stages[rank]),
            _age([due[rank]] if rank in due else [], now),
            _shared(stages[rank][Stage.QUEUED.value], backlog.get(rank), gone.get(rank)),
        )
        for rank in _RANKS
        if stages[rank]
    ]


def measure(session: Session, *, now: datetime) -> int:
    """Write down how long the queue is, for the forecasts that sites ask for; one worker for all."""
    before = session.execute(
        select(SendingBudget.backlog, SendingBudget.measured_at).where(
            SendingBudget.provider == budgets.PROVIDER
        )
    ).one_or_none()
    if before is None or (
        before.measured_at is not None and before.measured_at > now - MEASURED_EVERY
    ):
        return 0
    queued = _lanes(session) if budgets.queued_lanes(session) else {}
    backlog = {str(rank): [each.copies, each.sites] for rank, each in queued.items()}
    if backlog or before.backlog:
        session.execute(
            update(SendingBudget)
            .where(SendingBudget.provider == budgets.PROVIDER)
            .values(backlog=backlog, measured_at=now)
        )
    return 0


def supply_of(session: Session, budget: Budget, copies: int, now: datetime) -> Supply:
    """What may leave: by the budget, and by how quickly workers send while more waits than that."""
    rate = budget.rate
    if rate is None or copies >= rate * LATELY.total_seconds():
        since = UUID(int=int((now - LATELY).timestamp() * 1_000) << 80)  # ids are in order of time
        started = session.scalar(select(func.count()).where(_TRIES.c.id >= since)) or 0
        if started:
            speed = started / LATELY.total_seconds()
            rate = speed if rate is None else min(rate, speed)
    left = policy.left_today(budget)
    return Supply(rate, budget.per_day, left, policy.held_for(budget, now))


def paces(session: Session, now: datetime, *, most: int = 100) -> list[dict[str, Any]]:
    """Gateways that hold sites back, the slowest first."""
    rows = session.scalars(select(SendingPace).order_by(SendingPace.rate).limit(most))
    found = []
    for row in rows:
        pace = Pace(row.rate, row.next_at, row.slowed_at, row.refused_at)
        if not is_free(pace, now):
            found.append(
                {
                    "site_id": row.site_id,
                    "gateway": row.gateway,
                    "per_minute": round(rate_at(pace, now) * 60, 1),
                    "refused_at": row.refused_at,
                }
            )
    return found


def _lanes(session: Session) -> dict[int, _Lane]:
    """Everything queued, by lane: one pass through the index of turns."""
    by_site = (
        select(
            _COPIES.c.lane_rank,
            func.count().label("copies"),
            func.min(_COPIES.c.due_at).label("due_at"),
        )
        .where(_QUEUED)
        .group_by(_COPIES.c.lane_rank, _COPIES.c.site_id)
        .subquery()
    )
    rows = session.execute(
        select(
            by_site.c.lane_rank,
            func.sum(by_site.c.copies).label("copies"),
            func.count().label("sites"),
            func.min(by_site.c.due_at).label("due_at"),
        ).group_by(by_site.c.lane_rank)
    )
    return {row.lane_rank: _Lane(int(row.copies), row.sites, row.due_at) for row in rows}


def _by_rank(backlog: _Backlog) -> dict[int, int]:
    return {rank: copies for rank, (copies, _) in backlog.items()}


def _copies(backlog: _Backlog) -> int:
    return sum(_by_rank(backlog).values())


def _shared(own: int, there: tuple[int, int] | None, gone_in: timedelta | None) -> timedelta | None:
    if not own or there is None or gone_in is None:
        return None
    return share_of_site(own, *there, gone_in)


def _age(due: Any, now: datetime) -> timedelta | None:
    first = min(due, default=None)
    return max(timedelta(0), now - first) if first is not None else None


def _sites(
    session: Session,
    backlog: _Backlog,
    gone: Mapping[int, timedelta | None],
    top: int,
    now: datetime,
) -> list[Waiting]:
    copies = func.count().label("copies")
    most = session.execute(
        select(_COPIES.c.site_id, copies)
        .where(_QUEUED)
        .group_by(_COPIES.c.site_id)
        .order_by(copies.desc(), _COPIES.c.site_id)
        .limit(top)
    ).all()
    ids = [row.site_id for row in most]
    names = {
        row.id: row.name
        for row in session.execute(select(Site.id, Site.name).where(Site.id.in_(ids)))
    }
    shares: dict[UUID, list[Any]] = {site_id: [] for site_id in ids}
    for row in session.execute(_OWN.where(_COPIES.c.site_id.in_(ids))):
        shares[row.site_id].append(row)
    found = []
    for site_id, total in most:
        mine = shares[site_id]
        ends = [
            _shared(row.copies, backlog.get(row.lane_rank), gone.get(row.lane_rank)) for row in mine
        ]
        known = [end for end in ends if end is not None]
        found.append(
            Waiting(
                str(site_id),
                {Stage.QUEUED.value: total},
                _age([row.due_at for row in mine], now),
                max(known) if known and len(known) == len(ends) else None,
                label=names.get(site_id, ""),
            )
        )
    return found


def _gateways(session: Session, top: int, now: datetime) -> list[Waiting]:
    """By the gateway that receives; where it is not known, by domain."""
    name = func.coalesce(_DOMAINS.c.gateway, _COPIES.c.domain).label("name")
    copies, due_at = func.count().label("copies"), func.min(_COPIES.c.due_at).label("due_at")
    rows = session.execute(
        select(name, copies, due_at)
        .select_from(_COPIES.outerjoin(_DOMAINS, _DOMAINS.c.domain == _COPIES.c.domain))
        .where(_QUEUED)
        .group_by(name)
        .order_by(copies.desc(), name)
        .limit(top)
    )
    return [
        Waiting(row.name, {Stage.QUEUED.value: row.copies}, _age([row.due_at.astimezone(UTC)], now))
        for row in rows
    ]
