"""The ramps of sites and domains: judged day by day, or set by an operator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import table_of
from relay.models import Account, Domain, Event, Message, Ramp, Site
from relay.policy import warm_up
from relay.policy.sender import USABLE
from relay.policy.standing import STRICTNESS, promotional, stricter
from relay.policy.streams import PROMOTIONAL
from relay.policy.warm_up import Ceiling, Day
from relay.policy.windows import day_of
from relay.services import allowances, first_contacts
from relay.services.accounts import find_site
from relay.services.allowances import domain_of, domain_ramp, site_ramp
from relay.services.ceilings import ceiling
from relay.vocabulary import State

COUNTER = "warm-up judged"
"""The counter that holds the last day that was judged."""

_RAMPS = table_of(Ramp)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a ramp is judged by."""

    day: Day
    state: State
    ceiling: Ceiling


def judge_yesterday(session: Session, *, now: datetime) -> int:
    """Let ramps grow whose yesterday was clean; how many did.

    Whichever worker comes first does it, once a day.
    """
    today = day_of(now)
    if not first_contacts.is_ours_to_judge(session, COUNTER, today):
        return 0
    yesterday = today - timedelta(days=1)
    told = _to_judge(session, days(session, yesterday))
    stored = {
        row.id: allowances.ramp_of(row, "")
        for row in session.execute(
            select(_RAMPS).where(_RAMPS.c.id.in_(told)).order_by(_RAMPS.c.id).with_for_update()
        )
    }
    after = {
        id: warm_up.judged(
            warm_up.standing(ramp, allowances.state_for(id, told[id].state), now),
            told[id].day,
            told[id].state,
            began_at=yesterday,
            ceiling=told[id].ceiling,
        )
        for id, ramp in stored.items()
    }
    bulk.update_rows(
        session,
        Ramp,
        [
            {
                "id": id,
                "per_day": ramp.per_day,
                "clean_days": ramp.clean_days,
                "halved": ramp.halved,
                "judged_day": ramp.judged_day,
                "last_sent_at": ramp.last_sent_at,
            }
            for id, ramp in sorted(after.items())
        ],
    )
    return sum(after[id].per_day > ramp.per_day for id, ramp in stored.items())


def _to_judge(session: Session, told: Mapping[tuple[UUID, str], Day]) -> dict[str, _Judged]:
    """What each ramp is judged by; a domain by all that was sent from it, and by its strictest site."""
    sites = {site for site, _ in told}
    rows = session.execute(
        select(Site.id, Site.state, Site.streams, Account.state)
        .join(Account, Account.id == Site.account_id)
        .where(Site.id.in_(sites))
    )
    states = {
        id: promotional(stricter(of_account, of_site), streams)
        for id, of_site, streams, of_account in rows
    }
    parts: dict[str, list[_Judged]] = defaultdict(list)
    for (site, domain), day in told.items():
        if site in states:
            part = _Judged(day, states[site], ceiling(session, site))
            parts[site_ramp(site)].append(part)
            parts[domain_ramp(domain)].append(part)
    return {
        id: _Judged(
            _together(part.day for part in of),
            max((part.state for part in of), key=STRICTNESS.index),
            max((part.ceiling for part in of), key=lambda c: c.per_day),
        )
        for id, of in parts.items()
    }


def _together(days: Iterable[Day]) -> Day:
    each = list(days)
    return Day(
        sum(day.delivered for day in each),
        sum(day.invalid for day in each),
        sum(day.complained for day in each),
    )


def days(session: Session, begins: datetime) -> dict[tuple[UUID, str], Day]:
    """What was reported of promotional mail in the day that begins then, by site and From-domain."""
    rows = session.execute(
        first_contacts.reported(begins, Event.site_id, Message.sender)
        .join(Message, Message.id == Event.message_id)
        .where(Message.stream.in_(PROMOTIONAL))
    )
    found: dict[tuple[UUID, str], list[Day]] = defaultdict(list)
    for site, sender, *numbers in rows:
        found[site, domain_of(sender)].append(Day(*map(int, numbers)))
    return {key: _together(parts) for key, parts in found.items()}


def set_ramp(session: Session, site_id: UUID, per_day: int) -> None:
    """Let the site send so many promotional copies a day, and grow from there.

    The account's domains get at least as much, else they would bind. Raises `NotFound`.
    """
    ids = [
        domain_ramp(name) for name in domains_of(session, find_site(session, site_id).account_id)
    ]
    own = site_ramp(site_id)
    allowances.seed(session, [own, *ids])
    allowances.lock(session, [own, *ids])
    session.execute(
        update(_RAMPS).where(_RAMPS.c.id == own).values(per_day=per_day, last_sent_at=None)
    )
    session.execute(
        update(_RAMPS)
        .where(_RAMPS.c.id.in_(ids), _RAMPS.c.per_day < per_day)
        .values(per_day=per_day, last_sent_at=None)
    )


def restart(session: Session, site_id: UUID) -> None:
    """Let the site warm up from the beginning; its domains stay where they are. Raises `NotFound`."""
    find_site(session, site_id)
    own = site_ramp(site_id)
    allowances.seed(session, [own])
    session.execute(
        update(_RAMPS)
        .where(_RAMPS.c.id == own)
        .values(per_day=warm_up.BEGIN, clean_days=0, last_sent_at=None)
    )


def domains_of(session: Session, account_id: UUID) -> list[str]:
    """The registrable domains from which the account may send."""
    names = session.scalars(
        select(Domain.name).where(Domain.account_id == account_id, Domain.status.in_(USABLE))
    )
    return sorted({domain_of(name) for name in names})
