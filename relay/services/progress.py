"""How a site's warm-up goes, and what waits: for its owner, its operator, and each waiting copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session

from relay.db import table_of
from relay.models import Account, MailingList, Ramp, Recipient, Sending, Site
from relay.policy import warm_up
from relay.policy.standing import promotional, stricter
from relay.policy.warm_up import Ceiling
from relay.policy.windows import day_of, hour_of
from relay.sayings import phrase
from relay.services.accounts import find_site
from relay.services.allowances import PROVIDER_PER_DAY, YOUNG_SITES, domain_ramp, ramp_of, site_ramp
from relay.services.canaries import STILL_WAITS
from relay.services.ceilings import ceiling
from relay.services.circumstances import iso
from relay.services.promotions import WATCHED
from relay.services.ramps import domains_of
from relay.vocabulary import CanaryCause, CanaryState, Stage, State, WaitReason

COUNTED = 50_000
"""Copies ahead of one that are counted at most; with more, no forecast is made."""

NOT_IN_TIME = phrase(
    "At this pace its turn does not come before it expires; it ends as expired then"
)

_COPIES, _RAMPS = table_of(Recipient), table_of(Ramp)


@dataclass(frozen=True, slots=True)
class Climb:
    """How far one ramp has come. `name` is a domain's; `full_volume_on` None at full volume."""

    name: str | None
    allowed: Ceiling
    used_hour: int
    used_day: int
    clean_days: int
    full_volume_on: date | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Copies of one sending that wait: of which list, why, and when they are looked at next."""

    list: str | None
    copies: int
    reason: WaitReason
    title: str
    until: datetime
    began_at: datetime
    canary: CanaryState | None
    canary_cause: CanaryCause | None


@dataclass(frozen=True, slots=True)
class Progress:
    """A site's warm-up. `shared` is what young sites may still send together today, where that binds."""

    state: State
    plan: Ceiling
    site: Climb
    domains: Sequence[Climb]
    shared: int | None
    waiting: Sequence[Waiting]


def of_site(session: Session, site_id: UUID, *, now: datetime) -> Progress:
    """How the site's warm-up goes. Raises `NotFound`."""
    site = find_site(session, site_id)
    state = promotional(
        stricter(session.get_one(Account, site.account_id).state, site.state), site.streams
    )
    plan = ceiling(session, site_id)
    names = domains_of(session, site.account_id)
    own = site_ramp(site_id)
    ramps = _ramps(session, [own, *map(domain_ramp, names), YOUNG_SITES])
    current = warm_up.standing(ramps.get(own, warm_up.Ramp()), state, now)
    shared = None
    if warm_up.is_young(site.created_at, now):
        per_day = session.scalar(select(PROVIDER_PER_DAY))
        drawn = ramps.get(YOUNG_SITES, warm_up.Ramp()).day
        room = warm_up.young_room(drawn, per_day, now)
        shared = room.people if room is not None else None
    return Progress(
        state,
        plan,
        _climb(None, current, plan, now),
        [_climb(name, _of_domain(ramps, name, now), plan, now) for name in names],
        shared,
        _waiting(session, site_id),
    )


def _ramps(session: Session, ids: Sequence[str]) -> dict[str, warm_up.Ramp]:
    rows = session.execute(select(_RAMPS).where(_RAMPS.c.id.in_(ids)))
    return {row.id: ramp_of(row, "") for row in rows}


def _of_domain(ramps: Mapping[str, warm_up.Ramp], name: str, now: datetime) -> warm_up.Ramp:
    found = ramps.get(domain_ramp(name), warm_up.Ramp())
    return warm_up.standing(found, State.ACTIVE, now)


def _climb(name: str | None, ramp: warm_up.Ramp, plan: Ceiling, now: datetime) -> Climb:
    return Climb(
        name,
        warm_up.allowed(ramp, plan),
        ramp.hour.in_window(hour_of(now)),
        ramp.day.in_window(day_of(now)),
        ramp.clean_days,
        warm_up.full_volume_on(ramp, plan, now.date()),
    )


def _waiting(session: Session, site_id: UUID) -> list[Waiting]:
    rows = session.execute(
        select(Sending, MailingList.key, func.count(_COPIES.c.id))
        .join(_COPIES, _COPIES.c.sending_id == Sending.id)
        .outerjoin(MailingList, MailingList.id == Sending.list_id)
        .where(Sending.site_id == site_id, Sending.due_at.is_not(None), STILL_WAITS)
        .group_by(Sending.id, MailingList.key)
        .order_by(Sending.began_at)
    )
    return [
        Waiting(
            key,
            copies,
            _reason(sending),
            warm_up.TITLES[_reason(sending)],
            sending.due_at,
            sending.began_at,
            sending.canary,
            sending.canary_cause,
        )
        for sending, key, copies in rows
        if sending.due_at is not None
    ]


def _reason(sending: Sending) -> WaitReason:
    return sending.waits or WaitReason.NEXT_WINDOW


def reasons(
    session: Session, copies: Sequence[Recipient], *, now: datetime | None = None
) -> dict[UUID, dict[str, Any]]:
    """Why those of these copies wait that do, as the API shows it; with `now`, until when as well."""
    waiting = [copy for copy in copies if copy.stage is Stage.WAITING]
    if not waiting:
        return {}
    ids = {copy.sending_id for copy in waiting}
    sendings = {
        each.id: each for each in session.scalars(select(Sending).where(Sending.id.in_(ids)))
    }
    found: dict[UUID, dict[str, Any]] = {}
    for copy in waiting:
        sending = sendings[copy.sending_id]  # type: ignore[index]
        code = _reason(sending)
        found[copy.id] = {"code": code.value, "title": warm_up.TITLES[code]}
        if now is not None:
            found[copy.id] |= _until(session, copy, sending, now)
    return found


def _until(session: Session, copy: Recipient, sending: Sending, now: datetime) -> dict[str, Any]:
    """When the copy's turn comes if all days are clean."""
    if sending.canary in WATCHED or _reason(sending) is WaitReason.YOUNG_SITES:
        return {"until": iso(sending.due_at or now)}
    state = session.execute(
        select(Site.state, Account.state, Site.streams)
        .join(Account, Account.id == Site.account_id)
        .where(Site.id == copy.site_id)
    ).one()
    own = site_ramp(copy.site_id)
    ramps = _ramps(session, [own, domain_ramp(sending.domain)])
    at = warm_up.leaves_at(
        _ahead(session, copy, sending),
        [
            warm_up.standing(
                ramps.get(own, warm_up.Ramp()), promotional(stricter(*state[:2]), state[2]), now
            ),
            _of_domain(ramps, sending.domain, now),
        ],
        ceiling(session, copy.site_id),
        now=now,
        ends=copy.expires_at,
    )
    return {"until": iso(at)} if at is not None else {"until": None, "detail": NOT_IN_TIME}


def _ahead(session: Session, copy: Recipient, sending: Sending) -> int:
    """How many copies of the site go before this one."""
    place = (sending.lane_rank, sending.began_at, sending.id)
    before = select(Sending.id).where(
        Sending.site_id == copy.site_id,
        Sending.due_at.is_not(None),
        tuple_(Sending.lane_rank, Sending.began_at, Sending.id) < place,
    )
    ahead = (
        select(_COPIES.c.id)
        .where(
            STILL_WAITS,
            or_(
                _COPIES.c.sending_id.in_(before),
                (_COPIES.c.sending_id == sending.id) & (_COPIES.c.id < copy.id),
            ),
        )
        .limit(COUNTED)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(ahead)) or 0
