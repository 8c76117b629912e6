"""How many promotional copies a site may send now: read under locks, drawn in one statement.

Three rows may bind a copy: its site's ramp, its From-domain's, and what young sites share. They are
locked in the order of their ids, the shared one last. They hold their own counts of the current hour
and day, so that what is read stays true until the transaction ends, whoever else waits for the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, and_, bindparam, case, func, select, update
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import among, table_of, upsert
from relay.errors import NotFound
from relay.models import Account, Ramp, Sending, SendingBudget, Site
from relay.policy import canary, warm_up
from relay.policy.names.suffixes import registrable
from relay.policy.standing import promotional, stricter
from relay.policy.warm_up import Ceiling, Room, Used
from relay.policy.windows import day_of, hour_of
from relay.services.ceilings import ceiling_of
from relay.vocabulary import State

YOUNG_SITES = "young-sites"
"""The row in which all young sites together are counted."""

FROZEN = frozenset((State.PENDING, State.LIMITED, State.SUSPENDED, State.TERMINATED))
"""States in which nothing promotional leaves."""

_RAMPS, _SENDINGS = table_of(Ramp), table_of(Sending)


def site_ramp(site_id: UUID) -> str:
    """The id of a site's ramp."""
    return f"site:{site_id}"


def domain_ramp(domain: str) -> str:
    """The id of a registrable domain's ramp."""
    return f"domain:{domain}"


def state_for(id: str, state: State) -> State:
    """The state that counts for a ramp: a domain, which others may share, is not halved for one site."""
    return state if id.startswith("site:") else State.ACTIVE


def domain_of(sender: str) -> str:
    """The domain whose name a mail from this address bears: `ada@news.shop.example` → `shop.example`."""
    name = sender.rpartition("@")[2].lower()
    return registrable(name) or name


@dataclass(slots=True)
class Standing:
    """A site's allowances as they count now, under the locks of their rows.

    `stored` are the ramps as they are written, `ramps` as they count after idle times and limits.
    `is_slowed`: all mail together is in danger, and this site's is a large part of why.
    `waits`: whether a copy of the site waits already. `today` and `usual` are how many copies it handed
    in today, and on its busiest day lately. `young` is what young sites have drawn together, None for
    a site that does not share it. `sendings` are the site's open ones.
    """

    site_id: UUID
    account_id: UUID
    state: State
    ceiling: Ceiling
    stored: dict[str, warm_up.Ramp]
    ramps: dict[str, warm_up.Ramp]
    is_slowed: bool
    young: Used | None
    provider_per_day: int | None
    waits: bool
    today: int
    usual: int
    sendings: Sequence[Any]

    def room(self, domain: str, now: datetime) -> Room:
        """How many copies from this domain may go now."""
        rooms = [
            warm_up.room(self._counted(self.ramps[id]), self.ceiling, now)
            for id in (domain_ramp(domain), site_ramp(self.site_id))
        ]
        if self.young is not None:
            shared = warm_up.young_room(self.young, self.provider_per_day, now)
            rooms += [shared] if shared is not None else []
        return warm_up.narrowest(rooms)

    def _counted(self, ramp: warm_up.Ramp) -> warm_up.Ramp:
        return warm_up.slowed(ramp, self.ceiling) if self.is_slowed else ramp

    def draw(self, domain: str, people: int, now: datetime) -> dict[str, Any]:
        """Count copies that go now; gives the parameters of `TAKE`. There must be room for them."""
        hour, day = hour_of(now), day_of(now)
        ids = [domain_ramp(domain), site_ramp(self.site_id)]
        for id in ids:
            old = self.ramps[id]
            self.ramps[id] = replace(
                old,
                hour=Used(hour, old.hour.in_window(hour) + people),
                day=Used(day, old.day.in_window(day) + people),
                last_sent_at=now,
            )
        if self.young is not None:
            self.young = Used(day, self.young.in_window(day) + people)
            ids.append(YOUNG_SITES)
        return {"d_ids": ids, "d_people": people, "d_hour": hour, "d_day": day, "d_at": now}

    def keep_steps(self, session: Session) -> None:
        """Write down where a ramp counts for less than it did: idle for long, or limited."""
        bulk.update_rows(
            session,
            Ramp,
            [
                {
                    "id": id,
                    "per_day": ramp.per_day,
                    "halved": ramp.halved,
                    "last_sent_at": ramp.last_sent_at,
                }
                for id, ramp in sorted(self.ramps.items())
                if (ramp.per_day, ramp.halved) != (self.stored[id].per_day, self.stored[id].halved)
            ],
        )


def _counted(began: Any, people: Any, window: str) -> Any:
    added = bindparam("d_people", type_=Integer)
    return case((began == bindparam(window), people + added), else_=added)


TAKE = (
    update(_RAMPS)
    .where(among(_RAMPS.c.id, "d_ids"))
    .values(
        hour_people=_counted(_RAMPS.c.hour_began, _RAMPS.c.hour_people, "d_hour"),
        hour_began=bindparam("d_hour"),
        day_people=_counted(_RAMPS.c.day_began, _RAMPS.c.day_people, "d_day"),
        day_began=bindparam("d_day"),
        last_sent_at=bindparam("d_at"),
    )
)
"""Count copies in all rows that bind them; `Standing.draw` gives the parameters."""

_OF_SITE = _SENDINGS.c.site_id == bindparam("site")
_DAYS = (
    select(func.sum(_SENDINGS.c.accepted).label("people"))
    .where(_OF_SITE, _SENDINGS.c.day >= bindparam("since"), _SENDINGS.c.day < bindparam("today"))
    .group_by(_SENDINGS.c.day)
    .subquery("days")
)
_USUAL = select(func.max(_DAYS.c.people)).scalar_subquery()
_TODAY = (
    select(func.sum(_SENDINGS.c.accepted))
    .where(_OF_SITE, _SENDINGS.c.day == bindparam("today"))
    .scalar_subquery()
)
_WAITS = select(_SENDINGS.c.id).where(_OF_SITE, _SENDINGS.c.due_at.is_not(None)).exists()
PROVIDER_PER_DAY = (
    select(func.min(SendingBudget.per_day)).where(SendingBudget.per_day >= 0).scalar_subquery()
)
"""People a day the provider lets us mail; NULL while it has no such limit (-1), or has not told."""
_OPEN = _SENDINGS.alias("open")
_WANTED = _RAMPS.alias("wanted")
_ALL_THERE = (
    select(func.count()).select_from(_WANTED).where(among(_WANTED.c.id, "wanted")).scalar_subquery()
)

_STANDING = (
    select(
        Site.account_id,
        Site.created_at,
        Site.state.label("site_state"),
        Site.streams.label("site_streams"),
        Site.slowed_until,
        Account.state.label("account_state"),
        Account.plan,
        Account.limits.label("account_limits"),
        Site.limits.label("site_limits"),
        _USUAL.label("usual"),
        _TODAY.label("today"),
        _WAITS.label("waits"),
        PROVIDER_PER_DAY.label("provider_per_day"),
        *(column.label(f"ramp_{column.name}") for column in _RAMPS.c),
        *(column.label(f"open_{column.name}") for column in _OPEN.c),
    )
    .select_from(table_of(Site))
    .join(Account, Account.id == Site.account_id)
    .join(_RAMPS, among(_RAMPS.c.id, "wanted"))
    .outerjoin(
        _OPEN,
        and_(
            _OPEN.c.site_id == Site.id,
            _OPEN.c.last_at > bindparam("paused"),
            _OPEN.c.began_at > bindparam("longest"),
        ),
    )
    .where(Site.id == bindparam("site"), bindparam("count", type_=Integer) == _ALL_THERE)
    .order_by(_RAMPS.c.id)
    .with_for_update(of=_RAMPS)
)
"""Locks all of the rows or none: whoever has to make one first must not hold others meanwhile."""

_SHARED = select(_RAMPS).where(_RAMPS.c.id == YOUNG_SITES).with_for_update()

_LOCK = (
    select(_RAMPS.c.id).where(among(_RAMPS.c.id, "wanted")).order_by(_RAMPS.c.id).with_for_update()
)


def lock(session: Session, ids: Iterable[str]) -> None:
    """Wait for these rows, in the one order, before any of them is read; for several sites at once."""
    session.connection().execute(_LOCK, {"wanted": sorted(set(ids))}).all()


def standing(session: Session, site_id: UUID, domains: Iterable[str], *, now: datetime) -> Standing:
    """What binds the site's mail from these registrable domains, locked until the transaction ends.

    The site's own row must be locked by the caller. Raises `NotFound`.
    """
    wanted = sorted({site_ramp(site_id), *map(domain_ramp, domains)})
    given = {
        "site": site_id,
        "wanted": wanted,
        "count": len(wanted),
        "today": day_of(now),
        "since": day_of(now) - canary.USUAL_WITHIN,
        "paused": now - canary.PAUSE,
        "longest": now - canary.LONGEST,
    }
    rows = session.connection().execute(_STANDING, given).all()
    if not rows:
        seed(session, wanted)
        rows = session.connection().execute(_STANDING, given).all()
    if not rows:
        raise NotFound("The site of this key no longer exists")
    return _standing_of(session, site_id, rows, now)


def _shared(session: Session, site: Any, now: datetime) -> Used | None:
    """What young sites have drawn together, its row locked; None for a site that does not share it."""
    if site.provider_per_day is None or not warm_up.is_young(site.created_at, now):
        return None
    connection = session.connection()
    row = connection.execute(_SHARED).one_or_none()
    if row is None:
        seed(session, [YOUNG_SITES])
        row = connection.execute(_SHARED).one()
    return ramp_of(row, "").day


def seed(session: Session, ids: Iterable[str], per_day: int = warm_up.BEGIN) -> None:
    """Begin these ramps, unless they are there already."""
    for id in sorted(ids):
        session.execute(
            upsert(session, Ramp)
            .values(id=id, per_day=per_day, clean_days=0, halved=False, hour_people=0, day_people=0)
            .on_conflict_do_nothing()
        )


def ramp_of(row: Any, prefix: str = "ramp_") -> warm_up.Ramp:
    """The row's ramp as a value."""
    told = {name: getattr(row, f"{prefix}{name}") for name in _RAMPS.c.keys()}  # noqa: SIM118
    return warm_up.Ramp(
        per_day=told["per_day"],
        clean_days=told["clean_days"],
        halved=told["halved"],
        last_sent_at=told["last_sent_at"],
        judged_day=told["judged_day"],
        hour=Used(told["hour_began"], told["hour_people"]),
        day=Used(told["day_began"], told["day_people"]),
    )


def _standing_of(session: Session, site_id: UUID, rows: Sequence[Any], now: datetime) -> Standing:
    first = rows[0]
    state = stricter(first.account_state, first.site_state)
    judged_by = promotional(state, first.site_streams)
    slowed = first.slowed_until is not None and first.slowed_until > now
    stored = {row.ramp_id: ramp_of(row) for row in rows}
    return Standing(
        site_id=site_id,
        account_id=first.account_id,
        state=state,
        ceiling=ceiling_of(first.plan, first.account_limits, first.site_limits),
        stored=stored,
        ramps={
            id: warm_up.standing(ramp, state_for(id, judged_by), now) for id, ramp in stored.items()
        },
        is_slowed=slowed,
        young=_shared(session, first, now),
        provider_per_day=first.provider_per_day,
        waits=first.waits,
        today=first.today or 0,
        usual=first.usual or 0,
        sendings=list({row.open_id: row for row in rows if row.open_id is not None}.values()),
    )
