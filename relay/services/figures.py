"""The numbers of a site's mail, read from the tallies: by window for the rules, by place for the evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from relay.db import table_of
from relay.models import Pulse, Tally
from relay.policy.reputation import (
    BOUNCES_MATURE,
    COMPLAINTS_MATURE,
    DAY,
    MONTH,
    WEEK,
    Figures,
)
from relay.services.tallies import COUNTED, HOUR, Line
from relay.vocabulary import Dimension

_TALLIES, _PULSES = table_of(Tally), table_of(Pulse)

SUMS = [func.sum(_TALLIES.c[name]).label(name) for name in COUNTED]
"""All numbers of a tally, added up; `figures_of` reads them."""


class Age(IntEnum):
    """How old mail is, as far as the rules ask."""

    FRESH = 0
    TODAY = 1
    UNSETTLED = 2
    WEEK = 3
    MONTH = 4


def _age(now: datetime) -> Any:
    return case(
        (_TALLIES.c.hour > now - HOUR - BOUNCES_MATURE, Age.FRESH.value),
        (_TALLIES.c.hour > now - DAY, Age.TODAY.value),
        (_TALLIES.c.hour > now - HOUR - COMPLAINTS_MATURE, Age.UNSETTLED.value),
        (_TALLIES.c.hour > now - WEEK, Age.WEEK.value),
        else_=Age.MONTH.value,
    ).label("age")


def of_sites(
    session: Session, sites: Collection[UUID], *, now: datetime
) -> dict[Line, dict[Age, Figures]]:
    """What is known of each stream of these sites, by the age of the mail, since its reinstatement."""
    age = _age(now)
    rows = session.execute(
        select(
            _TALLIES.c.site_id,
            _TALLIES.c.stream,
            age,
            *SUMS,
        )
        .outerjoin(
            _PULSES,
            (_PULSES.c.site_id == _TALLIES.c.site_id) & (_PULSES.c.stream == _TALLIES.c.stream),
        )
        .where(
            _TALLIES.c.site_id.in_(list(sites)),
            _TALLIES.c.dimension == Dimension.SITE,
            _TALLIES.c.hour > now - MONTH,
            or_(_PULSES.c.since.is_(None), _TALLIES.c.hour >= _PULSES.c.since),
        )
        .group_by(_TALLIES.c.site_id, _TALLIES.c.stream, age)
    )
    found: dict[Line, dict[Age, Figures]] = defaultdict(dict)
    for row in rows:
        found[row.site_id, row.stream][Age(row.age)] = figures_of(row, fresh=row.age == Age.FRESH)
    return found


def by_source(
    session: Session, line: Line, *, since: datetime | None = None, now: datetime
) -> dict[str, dict[Age, Figures]]:
    """The same for each plugin and form of one stream."""
    age = _age(now)
    rows = session.execute(
        select(_TALLIES.c.value, age, *SUMS)
        .where(
            _TALLIES.c.site_id == line[0],
            _TALLIES.c.stream == line[1],
            _TALLIES.c.dimension == Dimension.SOURCE,
            _TALLIES.c.hour > now - MONTH,
            _TALLIES.c.hour >= (since or now - MONTH),
        )
        .group_by(_TALLIES.c.value, age)
    )
    found: dict[str, dict[Age, Figures]] = defaultdict(dict)
    for row in rows:
        found[row.value][Age(row.age)] = figures_of(row, fresh=row.age == Age.FRESH)
    return found


def forgiven(
    session: Session, line: Line, sources: Mapping[str, str], *, now: datetime
) -> dict[Age, Figures]:
    """What plugins and forms sent before they were held, by the age of the mail."""
    age = _age(now)
    found: dict[Age, Figures] = defaultdict(Figures)
    for source, until in sources.items():
        rows = session.execute(
            select(age, *SUMS)
            .where(
                _TALLIES.c.site_id == line[0],
                _TALLIES.c.stream == line[1],
                _TALLIES.c.dimension == Dimension.SOURCE,
                _TALLIES.c.value == source,
                _TALLIES.c.hour > now - MONTH,
                _TALLIES.c.hour <= datetime.fromisoformat(until),
            )
            .group_by(age)
        )
        for row in rows:
            found[Age(row.age)] += figures_of(row, fresh=row.age == Age.FRESH)
    return found


def figures_of(row: Any, *, fresh: bool = False) -> Figures:
    """A row of sums as figures; of fresh mail only what has an end counts as mailed."""
    numbers = {name: int(getattr(row, name)) for name in COUNTED}
    sent, ended = numbers.pop("sent"), numbers.pop("ended")
    return Figures(people=ended if fresh else max(sent, ended), **numbers)


def windows(
    ages: Mapping[Age, Figures],
) -> tuple[dict[timedelta, Figures], dict[timedelta, Figures]]:
    """The figures of each window, of all mail and of what is old enough for complaints."""

    def of(*names: Age) -> Figures:
        return sum((ages.get(name, Figures()) for name in names), Figures())

    young = (Age.FRESH, Age.TODAY)
    return (
        {
            DAY: of(*young),
            WEEK: of(*young, Age.UNSETTLED, Age.WEEK),
            MONTH: of(*Age),
        },
        {WEEK: of(Age.WEEK), MONTH: of(Age.WEEK, Age.MONTH)},
    )


def where(
    session: Session, line: Line, dimension: Dimension, number: str, *, since: datetime
) -> list[str]:
    """At which values of a dimension most of a number came together, the worst three first."""
    column = _TALLIES.c[number]
    total = func.sum(column)
    rows = session.execute(
        select(_TALLIES.c.value)
        .where(
            _TALLIES.c.site_id == line[0],
            _TALLIES.c.stream == line[1],
            _TALLIES.c.dimension == dimension,
            _TALLIES.c.hour > since,
        )
        .group_by(_TALLIES.c.value)
        .having(total > 0)
        .order_by(total.desc(), _TALLIES.c.value)
        .limit(3)
    )
    return [row.value for row in rows if row.value]


def by_site(session: Session, *, since: datetime) -> dict[UUID, Figures]:
    """What all sites' mail since then came to, whoever wrote it, as Amazon SES counts it."""
    rows = session.execute(
        select(_TALLIES.c.site_id, *SUMS)
        .where(_TALLIES.c.dimension == Dimension.PROVIDER, _TALLIES.c.hour > since)
        .group_by(_TALLIES.c.site_id)
    )
    return {row.site_id: figures_of(row) for row in rows}
