"""Counting what is accepted, exactly, however many ask at once (docs/decisions/0012-…).

A site's row is locked while a message is accepted, so one site never races with itself. But facts are read
by the statement that waits for that lock and may be older than it: the write gives back what it made of the
counts, and that has the last word.

Sites of one account are accepted at the same time. Their counts are added up, by the reading and once more
by the write; only where little is left (`near`) the account's lock is taken, and added up again under it.
What may be overlooked is what other sites have written and not yet committed at that moment:

- An hour or a day is exact as long as fewer than `HEADROOM` people are in flight on the account's
  other sites. Whatever is smaller than that is always counted under the lock.
- A second is exact up to `SMALL_SECOND`; above, as long as no more than half of it is in flight.
- Batches are judged under the account's lock from the beginning, unless `BATCH_HEADROOM` people are left
  beside their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from relay.db import among, is_postgresql, table_of
from relay.models import Site, SiteCount, SourceCount
from relay.policy import limits as rules
from relay.policy.limits import OF_ACCOUNT, OF_SITE, WINDOWS, Meter, Quota
from relay.policy.plans import Limits, limits_of
from relay.policy.windows import day_of, hour_of
from relay.services import locks
from relay.vocabulary import Limit

HEADROOM = 1_000
"""People who must be left of an account's hour or day for it not to be counted under the account's lock:
twenty messages with as many people as there can be, or a thousand with one."""

BATCH_HEADROOM = 50_000
"""The same for a batch, beside its own people: two more batches with as many people as there can be."""

SMALL_SECOND = 20
"""People a second up to which an account's second is always counted under the lock."""

_COUNTS, _SOURCES, _SITES = table_of(SiteCount), table_of(SourceCount), table_of(Site)
_ON = {True: postgresql, False: sqlite}


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one message draws, and on what."""

    account_id: UUID
    people: int
    source: str | None
    quota: Quota


def windows(now: datetime) -> dict[str, datetime]:
    """When the second, the hour and the day of this instant began (UTC)."""
    second = now.astimezone(UTC).replace(microsecond=0)
    return {"second": second, "hour": hour_of(now), "day": day_of(now)}


def resets(now: datetime) -> dict[str, int]:
    """In how many seconds these end, at least one."""
    return {
        name: WINDOWS[name] - int((now - began).total_seconds())
        for name, began in windows(now).items()
    }


def _running(table: Any, window: str) -> Any:
    """What is used in this window, if it is the one that runs."""
    return case((table.c[f"{window}_at"] >= bindparam(window), table.c[f"{window}_used"]), else_=0)


# --- reading --------------------------------------------------------------------------------

_this, _other = _SITES.alias("this_site"), _SITES.alias("other_sites")
_account: Any = select(_this.c.account_id).where(_this.c.id == bindparam("site")).scalar_subquery()


def _others(account: Any) -> Any:
    """What the account's other sites have used, added up; always one row."""
    return (
        select(
            *(
                func.coalesce(func.sum(_running(_COUNTS, window)), 0).label(f"others_{window}")
                for window in WINDOWS
            )
        )
        .where(_COUNTS.c.account_id == account, _COUNTS.c.site_id != bindparam("site"))
        .subquery("others")
    )


OTHERS = _others(_account)
"""For readings that know the site; joined to one row."""

OWN: Any = _COUNTS.c.site_id == bindparam("site")
"""The site's own counts; joined from outside, they may be missing."""

SOURCE = and_(_SOURCES.c.site_id == bindparam("site"), _SOURCES.c.source == bindparam("source"))
"""The counts of the source of one message."""

SHARED = (
    select(_other.c.id)
    .where(_other.c.account_id == _account, _other.c.id != bindparam("site"))
    .exists()
    .label("shared")
)
"""Whether the account has other sites."""

OWN_COLUMNS = (
    *(_running(_COUNTS, window).label(f"own_{window}") for window in WINDOWS),
    *OTHERS.c,
)
SOURCE_COLUMNS = (
    _running(_SOURCES, "hour").label("source_used"),
    _SOURCES.c.open_until.label("source_open_until"),
)

READ = select(*OWN_COLUMNS).select_from(OTHERS.outerjoin(_COUNTS, OWN))
"""All of these, for a site that is known."""

_READ_SOURCES = select(_SOURCES.c.source, *SOURCE_COLUMNS).where(
    _SOURCES.c.site_id == bindparam("site"), among(_SOURCES.c.source, "sources")
)


def quota_of(site: Any, row: Any, source: str | None, now: datetime) -> Quota:
    """What the site may still have accepted, from its columns and from a row with `OWN_COLUMNS`, and
    with `SOURCE_COLUMNS` if there is a source."""
    account = limits_of(site.plan, site.account_limits)
    own = limits_of(site.plan, site.account_limits, site.site_limits)
    used = {window: getattr(row, f"own_{window}") for window in WINDOWS}
    others = {window: getattr(row, f"others_{window}") for window in WINDOWS}
    quota = Quota(_meters(own, account, site.declared_daily, used, others, now), {}, site.shared)
    if source is not None:
        quota.sources[source] = source_meter(
            quota, source, row.source_used, row.source_open_until, now
        )
    return quota


def _meters(
    own: Limits,
    account: Limits,
    declared: int,
    used: Mapping[str, int],
    others: Mapping[str, int],
    now: datetime,
) -> list[Meter]:
    ends = resets(now)
    of_site = rules.transactional(own, declared)
    of_account = {"second": account.second, "hour": account.hour, "day": account.day}
    return [
        *(Meter(OF_SITE[w], of_site[w], used[w], s, ends[w]) for w, s in WINDOWS.items()),
        *(
            Meter(OF_ACCOUNT[w], of_account[w], used[w] + others[w], s, ends[w])
            for w, s in WINDOWS.items()
        ),
    ]


def source_meter(
    quota: Quota, source: str, used: int | None, open_until: datetime | None, now: datetime
) -> Meter:
    """The meter of one source; while its breaker is open, nothing is left until it closes."""
    (hour,) = (meter.allowed for meter in quota.meters if meter.limit is Limit.SITE_HOUR)
    allowed = rules.source_allowed(hour, source)
    meter = Meter(Limit.SOURCE, allowed, used or 0, rules.AN_HOUR, resets(now)["hour"])
    if open_until is not None and open_until > now:
        meter.used = max(meter.used, allowed)
        meter.resets = ceil((open_until - now).total_seconds())
    return meter


def read_for_many(
    session: Session,
    site_id: UUID,
    site: Any,
    sources: Collection[str],
    people: int,
    now: datetime,
) -> Quota:
    """The quota for a batch to so many people; the site's lock is held, and the account's is taken now
    if it is needed."""
    connection = session.connection()
    given = {"site": site_id, **windows(now)}
    quota = quota_of(site, connection.execute(READ, given).one(), None, now)
    if quota.shared and any(
        near(meter, meter.used + people, headroom=BATCH_HEADROOM)
        for meter in quota.meters
        if meter.limit in OF_ACCOUNT.values()
    ):
        locks.hold(session, [_name(site.account_id)])
        quota = quota_of(site, connection.execute(READ, given).one(), None, now)
    found = {
        row.source: (row.source_used, row.source_open_until)
        for row in connection.execute(_READ_SOURCES, {**given, "sources": list(sources)})
    }
    for source in sources:
        quota.sources[source] = source_meter(quota, source, *found.get(source, (0, None)), now)
    return quota


def _name(account_id: UUID) -> str:
    """The account's lock."""
    return f"limits of account {account_id}"


# --- writing --------------------------------------------------------------------------------


def _site_count(dialect: Any) -> Any:
    """Add to what the site has used; gives what that makes."""
    people: Any = bindparam("q_people")
    at: dict[str, Any] = {f"{window}_at": bindparam(window) for window in WINDOWS}
    addition = dialect.insert(_COUNTS).values(
        {
            "site_id": bindparam("site"),
            "account_id": bindparam("q_account_id"),
            **at,
            **{f"{window}_used": people for window in WINDOWS},
            "day_before_used": 0,
        }
    )
    old, new = _COUNTS.c, addition.excluded
    the_day_before = case(
        (new.day_at <= old.day_at, old.day_before_used),
        (old.day_at == bindparam("q_day_before"), old.day_used),
        else_=0,
    )
    return addition.on_conflict_do_update(
        index_elements=["site_id"],
        set_={**_begun(_COUNTS, addition), "day_before_used": the_day_before},
    ).returning(*(old[f"{window}_used"] for window in WINDOWS))


def _source_count(dialect: Any) -> Any:
    """Add to what the source has used; gives what that makes, and how its breaker is."""
    addition = dialect.insert(_SOURCES).values(
        {
            "site_id": bindparam("site"),
            "source": bindparam("q_source"),
            "hour_at": bindparam("hour"),
            "hour_used": bindparam("q_people"),
            "openings": 0,
        }
    )
    return addition.on_conflict_do_update(
        index_elements=["site_id", "source"], set_=_begun(_SOURCES, addition, "hour")
    ).returning(
        _SOURCES.c.hour_used.label("source_used"), _SOURCES.c.openings, _SOURCES.c.open_until
    )


def _begun(table: Any, addition: Any, *only: str) -> dict[str, Any]:
    """The counts after an addition: a later window begins anew, an earlier one counts in what runs."""
    changes: dict[str, Any] = {}
    for window in only or WINDOWS:
        old, new = (each[f"{window}_at"] for each in (table.c, addition.excluded))
        had, more = (each[f"{window}_used"] for each in (table.c, addition.excluded))
        changes[f"{window}_at"] = case((new > old, new), else_=old)
        changes[f"{window}_used"] = case((new > old, more), else_=had + more)
    return changes


SITE_COUNT = {on: _site_count(dialect) for on, dialect in _ON.items()}
SOURCE_COUNT = {on: _source_count(dialect) for on, dialect in _ON.items()}
"""By whether it is PostgreSQL."""

_NAMES = {
    each: frozenset(each.compile(dialect=dialect.dialect()).params)
    for on, dialect in _ON.items()
    for each in (SITE_COUNT[on], SOURCE_COUNT[on])
}

OTHERS_NOW = _others(bindparam("q_account_id"))
"""For the write; what it sees is committed."""

_RECOUNT = select(*OTHERS_NOW.c)


def parameters(drawn: Drawn, site_id: UUID, now: datetime) -> dict[str, Any]:
    """What the statements of the write ask for."""
    began = windows(now)
    return {
        "q_account_id": drawn.account_id,
        "q_people": drawn.people,
        "q_source": drawn.source,
        "q_day_before": began["day"] - timedelta(days=1),
        "site": site_id,
        **began,
    }


def count_many(session: Session, site_id: UUID, batch: Collection[Drawn], *, now: datetime) -> None:
    """Count what was judged under the locks: a batch, or a message where there is one writer at a time."""
    if not batch:
        return
    first = next(iter(batch))
    on = is_postgresql(session)
    total = Drawn(first.account_id, sum(drawn.people for drawn in batch), None, first.quota)
    _execute(session, SITE_COUNT[on], parameters(total, site_id, now))
    for source in sorted({drawn.source for drawn in batch if drawn.source is not None}):
        people = sum(drawn.people for drawn in batch if drawn.source == source)
        part = Drawn(first.account_id, people, source, first.quota)
        row = _execute(session, SOURCE_COUNT[on], parameters(part, site_id, now))
        _see_to_breaker(session, part, site_id, row, now)


def _execute(session: Session, statement: Any, given: Mapping[str, Any]) -> Any:
    own = {name: value for name, value in given.items() if name in _NAMES[statement]}
    return session.connection().execute(statement, own).one()


def bounds(drawn: Drawn) -> dict[str, int]:
    """Up to where what a write makes of the counts needs no further look: within the limits of the site,
    not `near` those of the account, and not the last of the source."""
    allowed = {meter.limit: meter.allowed for meter in drawn.quota.meters}
    found = {f"g_site_{window}": allowed[OF_SITE[window]] for window in WINDOWS}
    if drawn.quota.shared:
        second = allowed[OF_ACCOUNT["second"]]
        found["g_account_second"] = second // 2 if second > SMALL_SECOND else -1
        for window in ("hour", "day"):
            found[f"g_account_{window}"] = allowed[OF_ACCOUNT[window]] - HEADROOM
    if drawn.source is not None:
        found["g_source"] = drawn.quota.sources[drawn.source].allowed - 1
    return found


def is_far(drawn: Drawn) -> bool:
    """Whether what was drawn, as far as it was known, is within the bounds."""
    within = bounds(drawn)
    used = {meter.limit: meter.used for meter in drawn.quota.meters}
    made = {f"g_site_{window}": used[OF_SITE[window]] for window in WINDOWS}
    made |= {f"g_account_{window}": used[OF_ACCOUNT[window]] for window in WINDOWS}
    if drawn.source is not None:
        made["g_source"] = drawn.quota.sources[drawn.source].used
    return all(made[name] <= most for name, most in within.items())


def within_bounds(site: Any, source: Any | None, *, shared: bool) -> list[Any]:
    """The same as conditions on what the write made of the counts of site and source, and on
    `OTHERS_NOW` where the account is `shared`."""
    found = [site.c[f"{window}_used"] <= bindparam(f"g_site_{window}") for window in WINDOWS]
    if shared:
        found += [
            site.c[f"{window}_used"] + OTHERS_NOW.c[f"others_{window}"]
            <= bindparam(f"g_account_{window}")
            for window in WINDOWS
        ]
    if source is not None:
        closed = or_(source.c.open_until.is_(None), source.c.open_until <= bindparam("g_now"))
        found += [source.c.source_used <= bindparam("g_source"), closed]
    return found


def settle(session: Session, drawn: Drawn, site_id: UUID, row: Any, now: datetime) -> None:
    """The last word: what the write made of the counts is within the limits.

    Raises `LimitReached`; then nothing of the transaction may be kept.
    """
    own = {window: getattr(row, f"{window}_used") for window in WINDOWS}
    meters = {meter.limit: meter for meter in drawn.quota.meters}
    rules.check_meters(drawn.people, [_before(meters[OF_SITE[w]], own[w], drawn) for w in WINDOWS])
    if drawn.quota.shared:
        others = {window: getattr(row, f"others_{window}") for window in WINDOWS}
        _check_account(drawn, meters, own, others)
        if any(near(meters[OF_ACCOUNT[w]], own[w] + others[w]) for w in WINDOWS):
            locks.hold(session, [_name(drawn.account_id)])
            given = parameters(drawn, site_id, now)
            counted = session.connection().execute(_RECOUNT, given).one()
            others = {window: getattr(counted, f"others_{window}") for window in WINDOWS}
            _check_account(drawn, meters, own, others)
    if drawn.source is not None:
        meter = source_meter(
            drawn.quota, drawn.source, row.source_used - drawn.people, row.open_until, now
        )
        rules.check_meters(drawn.people, [meter])
        _see_to_breaker(session, drawn, site_id, row, now)


def _check_account(
    drawn: Drawn,
    meters: Mapping[Limit, Meter],
    own: Mapping[str, int],
    others: Mapping[str, int],
) -> None:
    rules.check_meters(
        drawn.people,
        [_before(meters[OF_ACCOUNT[w]], own[w] + others[w], drawn) for w in WINDOWS],
    )


def _before(meter: Meter, after: int, drawn: Drawn) -> Meter:
    """The meter as it was before what is written now."""
    return Meter(meter.limit, meter.allowed, after - drawn.people, meter.window, meter.resets)


def near(meter: Meter, used: int, *, headroom: int = HEADROOM) -> bool:
    """Whether so little is left of an account's limit that it must be counted under the lock."""
    if meter.window == rules.A_SECOND:
        return meter.allowed <= SMALL_SECOND or used * 2 > meter.allowed
    return meter.allowed - used < headroom


def _see_to_breaker(session: Session, drawn: Drawn, site_id: UUID, row: Any, now: datetime) -> None:
    """Open the source's breaker where its hour is used up now."""
    if drawn.source is None or row.source_used < drawn.quota.sources[drawn.source].allowed:
        return
    if row.open_until is not None and row.open_until > now:
        return
    ends = windows(now)["hour"] + timedelta(hours=1)
    openings, until = rules.opens(row.openings, row.open_until, hour_ends=ends, now=now)
    session.connection().execute(
        update(_SOURCES)
        .where(_SOURCES.c.site_id == site_id, _SOURCES.c.source == drawn.source)
        .values(opened_at=now, open_until=until, openings=openings)
    )
