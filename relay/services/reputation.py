"""How a site's mail is doing: what the rules see of it, for its owner and for operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from relay.db import table_of
from relay.models import Tally
from relay.policy.reputation import SIGNALS, WINDOWS, Line, lower_bound
from relay.policy.standing import stream_state
from relay.services import judging
from relay.services.accounts import find_site
from relay.services.figures import SUMS, figures_of
from relay.vocabulary import Dimension, Rule, State, Stream, Verb

PLACES = 10
"""Values of a dimension shown at most, those with most mail first."""

_TALLIES = table_of(Tally)


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate of a stream: cases of so many in the last hours, what it is at least, and from where what
    follows."""

    rule: Rule
    window_hours: int
    cases: int
    of: int
    rate: float
    at_least: float
    lines: dict[Verb, Line]


@dataclass(frozen=True, slots=True)
class StreamReputation:
    """How one stream is doing. `recent_invalid` of the last `recent` attempts met no mailbox."""

    stream: Stream
    state: State
    delivered: int
    young: bool
    rates: Sequence[Rate]
    recent: int
    recent_invalid: int


@dataclass(frozen=True, slots=True)
class Place:
    """What was reported of mail from one domain or source, or to one provider, in the last 30 days."""

    value: str
    people: int
    delivered: int
    invalid: int
    permanent: int
    complaints: int


def of_site(session: Session, site_id: UUID, *, now: datetime) -> list[StreamReputation]:
    """How each stream is doing of which anything was heard. Raises `NotFound`."""
    site = find_site(session, site_id)
    lines = judging.lines(session, [site_id])
    records = judging.records(session, lines, now=now)
    found = []
    for pulse in sorted(lines, key=attrgetter("stream")):
        record = records[site_id, pulse.stream]
        found.append(
            StreamReputation(
                pulse.stream,
                stream_state(site.streams, pulse.stream),
                pulse.delivered,
                record.is_young,
                [
                    Rate(
                        signal.rule,
                        int(window.total_seconds() // 3_600),
                        cases,
                        of,
                        cases / of if of else 0.0,
                        lower_bound(cases, of),
                        dict(signal.lines),
                    )
                    for signal in SIGNALS
                    if pulse.stream in signal.streams
                    for window in WINDOWS
                    for cases, of in [signal.share(record.windows[window])]
                ],
                len(record.recent.ends),
                record.recent.invalid,
            )
        )
    return found


def places(
    session: Session, site_id: UUID, dimension: Dimension, *, since: datetime
) -> list[Place]:
    """Where a site's mail of that time went, or came from, by one dimension. Raises `NotFound`."""
    find_site(session, site_id)
    rows = session.execute(
        select(_TALLIES.c.value, *SUMS)
        .where(
            _TALLIES.c.site_id == site_id,
            _TALLIES.c.dimension == dimension,
            _TALLIES.c.hour > since,
        )
        .group_by(_TALLIES.c.value)
        .order_by(func.sum(_TALLIES.c.ended).desc(), _TALLIES.c.value)
        .limit(PLACES)
    )
    return [
        Place(
            row.value or "–",
            of.people,
            of.delivered,
            of.invalid,
            of.permanent,
            of.complaints,
        )
        for row in rows
        for of in [figures_of(row)]
    ]


def as_json(found: StreamReputation) -> dict[str, Any]:
    """The same as the API and the CLI show it."""
    return {
        "stream": found.stream.value,
        "state": found.state.value,
        "delivered": found.delivered,
        "young": found.young,
        "recent": found.recent,
        "recent_invalid": found.recent_invalid,
        "rates": [
            {
                "rule": rate.rule.value,
                "window_hours": rate.window_hours,
                "cases": rate.cases,
                "of": rate.of,
                "rate": round(rate.rate, 6),
                "at_least": round(rate.at_least, 6),
                "lines": {verb.value: line.rate for verb, line in rate.lines.items()},
            }
            for rate in found.rates
        ],
    }
