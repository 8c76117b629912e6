"""What was reported of mail, counted by the hour in which it was sent.

The events are the deltas: they are only ever added, and a duty numbers them in the order of their commits
(`feed`). Another duty, this one, reads on from the number it has come to and adds up: one row an hour for
a site's stream, and one for each domain, source, receiving provider and outgoing address. So judging a
site costs the same whether it sent ten thousand mails or ten million.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from relay.db import table_of, upsert
from relay.mail import Source
from relay.models import Attempt, Counter, Event, Message, Pulse, Recipient, Tally
from relay.policy import counted
from relay.policy.gateways import Gateway
from relay.policy.limits import source_key
from relay.policy.reputation import Recent
from relay.policy.windows import hour_of
from relay.services import receivers
from relay.services.allowances import domain_of
from relay.services.letters import HOUSE_SITE, WRITTEN_HERE
from relay.vocabulary import Dimension, EventType, Stream

COUNTER = "events tallied"
"""The counter that holds the position of the last event that is counted."""

MOST = 2_000
"""Events counted in one turn."""

HOUR = timedelta(hours=1)

KEPT = timedelta(days=400)
"""So long tallies are kept: a year can be compared with the one before."""

SIMULATOR = "simulator.amazonses.com"
"""Amazon's mailbox simulator: mail to it says nothing about anybody (SES developer guide)."""

COUNTED = (
    "sent", "ended", "delivered", "heard", "invalid", "permanent", "complaints", "unheard", "spam",
    "left",
)  # fmt: skip
"""The numbers of a tally."""


GOOD_NEWS_WAITS = timedelta(hours=1)
"""A stream of which nothing bad is heard is judged this often: mail matures."""


_COPIES, _TRIES, _MAILS, _EVENTS = (table_of(each) for each in (Recipient, Attempt, Message, Event))

_NEWS = (
    select(
        _EVENTS.c.position,
        _EVENTS.c.type,
        _EVENTS.c.data,
        _EVENTS.c.recipient_id,
        _COPIES.c.site_id,
        _COPIES.c.domain,
        _MAILS.c.stream,
        _MAILS.c.sender,
        _MAILS.c.source,
        _TRIES.c.started_at,
    )
    .select_from(_EVENTS)
    .join(_COPIES, _COPIES.c.id == _EVENTS.c.recipient_id)
    .join(_MAILS, _MAILS.c.id == _COPIES.c.message_id)
    .outerjoin(_TRIES, _TRIES.c.id == func.coalesce(_EVENTS.c.attempt_id, _COPIES.c.attempt_id))
    .where(_EVENTS.c.position > bindparam("after"), _EVENTS.c.position <= bindparam("until"))
    .order_by(_EVENTS.c.position)
)

Key = tuple[UUID, Stream, Dimension, str, datetime]
Line = tuple[UUID, Stream]


class End(NamedTuple):
    """An attempt that came to its end: when it was sent, by which source, and whether it was invalid."""

    sent_at: datetime
    source: str
    invalid: bool


@dataclass(slots=True)
class News:
    """What a portion of events adds: to tallies, and to the last attempts of each stream."""

    tallies: dict[Key, dict[str, int]] = field(default_factory=lambda: defaultdict(_nothing))
    ends: dict[Line, list[End]] = field(default_factory=lambda: defaultdict(list))
    delivered: dict[Line, int] = field(default_factory=lambda: defaultdict(int))
    touched: set[Line] = field(default_factory=set)
    bad: set[Line] = field(default_factory=set)


def _nothing() -> dict[str, int]:
    return dict.fromkeys(COUNTED, 0)


@dataclass(frozen=True, slots=True)
class Told:
    """One event in the words of the tallies: whose mail, when it was sent, and what each number gains."""

    site_id: UUID
    stream: Stream
    sent_at: datetime
    domain: str
    source: str
    provider: str
    ip: str | None
    numbers: Mapping[str, int]
    written_here: bool = False


def roll_up(session: Session, *, now: datetime) -> int:
    """Count a portion of the events that are numbered; returns how many. One worker does it at a time."""
    after = session.execute(
        select(Counter.value).where(Counter.name == COUNTER).with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if after is None:
        return 0
    numbered = session.execute(select(Counter.value).where(Counter.name == "events")).scalar_one()
    until = min(numbered, after + MOST)
    if until <= after:
        return 0
    rows = session.connection().execute(_NEWS, {"after": after, "until": until}).all()
    add(session, _read(session, rows), now=now)
    session.execute(
        update(Counter)
        .where(Counter.name == COUNTER)
        .values(value=until)
        .execution_options(synchronize_session=False)
    )
    return until - after


def add(session: Session, told: Iterable[Told], *, now: datetime) -> None:
    """Add to the tallies and to the streams' last attempts; those streams are judged next."""
    news = _gather(told)
    _write(session, news.tallies)
    _pulse(session, news, now)


def _read(session: Session, rows: Sequence[Any]) -> list[Told]:
    domains = {row.domain for row in rows if row.domain != SIMULATOR}
    gateways = receivers.gateways_of(session, domains) if domains else {}
    spam_before = _delayed_before(session, rows)
    return [
        each
        for row in rows
        if row.domain != SIMULATOR and row.started_at is not None
        for each in [_told(row, gateways.get(row.domain), spam_before)]
        if any(each.numbers.values())
    ]


def _delayed_before(session: Session, rows: Sequence[Any]) -> set[tuple[UUID, int]]:
    """Delays for spam that only repeat an earlier one: SES tells of the same delay again and again."""
    delayed = [row for row in rows if row.type is EventType.DEFERRED and counted.is_spam(row.data)]
    if not delayed:
        return set()
    earlier: dict[UUID, int] = {}
    for row in session.execute(
        select(Event.recipient_id, Event.position, Event.data)
        .where(
            Event.recipient_id.in_({row.recipient_id for row in delayed}),
            Event.type == EventType.DEFERRED,
            Event.position.is_not(None),
        )
        .order_by(Event.position)
    ):
        if counted.is_spam(row.data):
            earlier.setdefault(row.recipient_id, row.position)
    return {
        (row.recipient_id, row.position)
        for row in delayed
        if earlier.get(row.recipient_id, row.position) < row.position
    }


def _told(row: Any, gateway: Gateway | None, repeated: set[tuple[UUID, int]]) -> Told:
    source = row.source or {}
    return Told(
        site_id=row.site_id,
        stream=row.stream,
        sent_at=row.started_at,
        domain=domain_of(row.sender),
        source=source_key(Source(source.get("plugin"), source.get("form"))) or "",
        provider=gateway.value if gateway else "other",
        ip=row.data.get("outgoing_ip"),
        numbers=counted.numbers(
            row.type, row.data, gateway, repeats=(row.recipient_id, row.position) in repeated
        ),
        written_here=WRITTEN_HERE.items() <= source.items() or row.site_id == HOUSE_SITE,
    )


def _gather(told: Iterable[Told]) -> News:
    news = News()
    for each in told:
        judged = not each.written_here
        hour = hour_of(each.sent_at)
        places = [(Dimension.PROVIDER, each.provider)]
        places += [(Dimension.IP, each.ip)] if each.ip else []
        if judged:
            places += [
                (Dimension.SITE, ""),
                (Dimension.DOMAIN, each.domain),
                (Dimension.SOURCE, each.source),
            ]
        for dimension, value in places:
            row = news.tallies[each.site_id, each.stream, dimension, value, hour]
            for name, number in each.numbers.items():
                row[name] += number
        if not judged:
            continue
        line = each.site_id, each.stream
        news.touched.add(line)
        news.delivered[line] += each.numbers.get("delivered", 0)
        if ended := each.numbers.get("ended", 0):
            bad = each.numbers.get("invalid", 0)
            news.ends[line] += [End(each.sent_at, each.source, n < bad) for n in range(ended)]
        if any(each.numbers.get(name) for name in counted.SPEAKS_AGAINST):
            news.bad.add(line)
    return news


def _write(session: Session, tallies: Mapping[Key, Mapping[str, int]]) -> None:
    """Add the numbers to their rows, in one order, so that nobody waits for two rows crosswise."""
    rows = [
        {"site_id": key[0], "stream": key[1], "dimension": key[2], "value": key[3], "hour": key[4]}
        | dict(numbers)
        for key, numbers in sorted(tallies.items(), key=lambda item: tuple(map(str, item[0])))
    ]
    table = table_of(Tally)
    insertion = upsert(session, Tally)
    statement = insertion.on_conflict_do_update(
        index_elements=["site_id", "stream", "dimension", "value", "hour"],
        set_={name: table.c[name] + insertion.excluded[name] for name in COUNTED},
    )
    if rows:
        session.connection().execute(statement, rows)


def _pulse(session: Session, news: News, now: datetime) -> None:
    """Take the last attempts along, and let the streams be judged. What was sent before they were
    reinstated is not looked at any more."""
    if not news.touched:
        return
    table = table_of(Pulse)
    stored = {
        (row.site_id, row.stream): row
        for row in session.connection().execute(
            select(table)
            .where(table.c.site_id.in_({site for site, _ in news.touched}))
            .order_by(table.c.site_id, table.c.stream)
            .with_for_update()
        )
    }
    rows = []
    for site_id, stream in sorted(news.touched):
        line = site_id, stream
        old = stored.get(line)
        since = old.since if old is not None else None
        recent = Recent(tuple((source, bool(bad)) for source, bad in old.recent) if old else ())
        recent = recent.followed_by(
            [
                (end.source, end.invalid)
                for end in news.ends.get(line, ())
                if since is None or end.sent_at >= since
            ]
        )
        later = old.due_at if old is not None and old.due_at else now + GOOD_NEWS_WAITS
        rows.append(
            {
                "site_id": site_id,
                "stream": stream,
                "recent": [[source, int(bad)] for source, bad in recent.ends],
                "delivered": (old.delivered if old else 0) + news.delivered.get(line, 0),
                "news_at": now,
                "due_at": now if line in news.bad else later,
            }
        )
    insertion = upsert(session, Pulse)
    session.connection().execute(
        insertion.on_conflict_do_update(
            index_elements=["site_id", "stream"],
            set_={
                name: insertion.excluded[name]
                for name in ("recent", "delivered", "news_at", "due_at")
            },
        ),
        rows,
    )


def forget(session: Session, *, now: datetime) -> int:
    """Delete a portion of the tallies that are older than `KEPT`; returns how many."""
    key = table_of(Tally).primary_key.columns
    old = (
        select(*key)
        .where(Tally.dimension.in_(list(Dimension)), Tally.hour < now - KEPT)
        .limit(1_000)
    )
    gone = session.execute(
        delete(Tally)
        .where(tuple_(*key).in_(old))
        .returning(Tally.site_id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def wake(session: Session, site_id: UUID, stream: Stream, *, now: datetime) -> None:
    """Let a stream be judged next, of which something was heard that is no event."""
    insertion = upsert(session, Pulse).values(
        site_id=site_id, stream=stream, recent=[], delivered=0, news_at=now, due_at=now
    )
    session.execute(
        insertion.on_conflict_do_update(
            index_elements=["site_id", "stream"], set_={"news_at": now, "due_at": now}
        )
    )
