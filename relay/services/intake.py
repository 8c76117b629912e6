"""Writing an accepted message: every row in one statement (docs/decisions/0006-few-statements.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, reduce
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Integer,
    and_,
    bindparam,
    cast,
    false,
    func,
    insert,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import Base, is_postgresql, table_of
from relay.gateways import mime
from relay.models import (
    AddressHold,
    Content,
    IdempotencyKey,
    Message,
    Recipient,
    Usage,
    Wording,
)
from relay.policy.admission import first_contacts_used_up
from relay.policy.windows import hour_of
from relay.policy.wordings import MOST_ALIKE, WITHIN
from relay.ready import Ready, copy, end
from relay.services import counts, readings
from relay.services.circumstances import seconds_left
from relay.services.counts import Drawn
from relay.services.readings import FIRST, SECURITY
from relay.vocabulary import Lane, Stage

DIVISION_BY_ZERO = "22012"
"""PostgreSQL's code for what a condition that does not hold makes of a write."""

_HOUR = table_of(Usage)
_COUNTED = ("messages", "recipients", "octets")
"""What is added up in each window."""

_ON = {True: postgresql, False: sqlite}
"""By whether it is PostgreSQL."""


def _insert(model: type[Base], prefix: str, *names: str) -> Any:
    """An INSERT whose parameters are called `prefix_column`."""
    return insert(table_of(model)).values({name: bindparam(f"{prefix}_{name}") for name in names})


_MESSAGE = _insert(
    Message, "m", "id", "account_id", "site_id", "stream", "kind", "lane", "list_id", "source",
    "sender", "subject", "mime_message_id", "size", "removed_headers", "accepted_at", "expires_at",
    "resent_from", "remarks",
)  # fmt: skip
_CONTENT = _insert(Content, "c", "message_id", "part", "data")
_RECIPIENT = _insert(
    Recipient, "r", "id", "message_id", "account_id", "site_id", "address", "address_key", "domain",
    "lane_rank", "stage", "outcome", "due_at", "expires_at", "tries", "reason",
    "sending_id",
)  # fmt: skip
_IDEMPOTENCY = _insert(IdempotencyKey, "k", "site_id", "key", "fingerprint", "answer", "expires_at")
_WORDING = _insert(Wording, "w", "message_id", "site_id", "wording", "accepted_at")


def _usage(dialect: Any, window: str) -> Any:
    """Add to the site's usage of this hour or day."""
    addition = dialect.insert(table_of(Usage)).values(
        {
            "site_id": bindparam("u_site_id"),
            "window": bindparam(f"u_{window}_name"),
            "began_at": bindparam(f"u_{window}"),
            "messages": bindparam("u_messages"),
            "recipients": bindparam("u_recipients"),
            "octets": bindparam("u_octets"),
        }
    )
    return _added(addition)


def _added(addition: Any) -> Any:
    """The INSERT, which adds to a window that has begun."""
    return addition.on_conflict_do_update(
        index_elements=["site_id", "window", "began_at"],
        set_={name: _HOUR.c[name] + addition.excluded[name] for name in _COUNTED},
    )


_USAGE = {
    (dialect, window): _usage(dialect, window)
    for dialect in (postgresql, sqlite)
    for window in ("hour", "day")
}


def _counting(dialect: Any) -> Any:
    """Add to what the site has used up of an hour's allowance; gives the sum."""
    addition = dialect.insert(_HOUR).values(
        {name: bindparam(f"f_{name}") for name in ("site_id", "window", "began_at", "recipients")}
        | {"messages": 0, "octets": 0}
    )
    return _added(addition).returning(_HOUR.c.recipients)


_COUNTING = {on: _counting(dialect) for on, dialect in _ON.items()}


def _used(*, contacts: bool) -> Any:
    """Both usages, and if there are `contacts` what they use up, in one INSERT of PostgreSQL."""
    rows: list[dict[str, Any]] = [
        {
            "site_id": bindparam("u_site_id"),
            "window": literal(window),
            "began_at": bindparam(f"u_{window}"),
            **{name: bindparam(f"u_{name}") for name in _COUNTED},
        }
        for window in ("hour", "day")
    ]
    if contacts:
        given: dict[str, Any] = {
            name: bindparam(f"f_{name}") for name in ("site_id", "began_at", "recipients")
        }
        nothing = {"messages": literal(0), "octets": literal(0)}
        rows.append({**rows[0], **given, **nothing, "window": literal(FIRST)})
    addition = postgresql.insert(_HOUR).values(rows)
    return _added(addition).returning(_HOUR.c.window, _HOUR.c.recipients)


def _statements(*, keyed: bool) -> tuple[Any, ...]:
    """The INSERTs of one acceptance, but for what counts."""
    return (_MESSAGE, _CONTENT, _RECIPIENT, *((_IDEMPOTENCY,) if keyed else ()))


@lru_cache(maxsize=32)
def _in_one(*, keyed: bool, contacts: bool, drawn: bool, sourced: bool, shared: bool) -> Any:
    """All INSERTs as one statement of PostgreSQL (data-modifying WITH); gives one row with the sums.

    Those are what contacts, the site and the source have used up then, and what the account's other
    sites had before, as far as they are asked for.
    """
    one = select(literal(1).label("one")).subquery("one")
    used, counted = _counted(contacts=contacts, drawn=drawn, sourced=sourced)
    told: list[Any] = [one, *counted.values(), *([counts.OTHERS_NOW] if shared else [])]
    what = select(*(column for each in told for column in each.c)).select_from(_joined(told))
    return _with(what, used, _statements(keyed=keyed))


def _counted(*, contacts: bool, drawn: bool, sourced: bool) -> tuple[Any, dict[str, Any]]:
    """What counts, as parts of one statement that give what they make of it; the usage on its own."""
    used = _used(contacts=contacts).cte("used")
    found: dict[str, Any] = {}
    if contacts:
        first = select(used.c.recipients).where(used.c.window == FIRST)
        found["contacts"] = first.subquery("contacts")
    if drawn:
        found["site_counted"] = counts.SITE_COUNT[True].cte("site_counted")
    if sourced:
        found["source_counted"] = counts.SOURCE_COUNT[True].cte("source_counted")
    return used, found


def _joined(told: Sequence[Any]) -> Any:
    return reduce(lambda all, each: all.join(each, true()), told)


def _with(what: Any, used: Any, statements: Sequence[Any]) -> Any:
    return what.add_cte(used, *(each.cte(f"w{n}") for n, each in enumerate(statements)))


@lru_cache(maxsize=64)
def _at_once(
    *, keyed: bool, contacts: bool, sourced: bool, shared: bool, kept: bool, compared: bool
) -> Ready:
    """The same, and what was judged without the lock is checked; fails (division by zero) if others were
    quicker. `kept`: the wording is written down; `compared`: it must be one that few were told."""
    used, counted = _counted(contacts=contacts, drawn=True, sourced=sourced)
    site, source = counted["site_counted"], counted.get("source_counted")
    fits = [
        bindparam("g_version") == readings.VERSION,
        *counts.within_bounds(site, source, shared=shared),
    ]
    if contacts:
        fits.append(counted["contacts"].c.recipients <= bindparam("g_budget"))
    if compared:
        fits += [~readings.REVIEWED, bindparam("g_alike") >= readings.ALIKE]
    told = [*counted.values(), *([counts.OTHERS_NOW] if shared else [])]
    fit = func.coalesce(and_(*fits), false())  # what is not known does not hold
    what = select(literal(1) // cast(fit, Integer)).select_from(_joined(told))
    keeping = (_WORDING,) if kept else ()
    return Ready(_with(what, used, (*_statements(keyed=keyed), *keeping)))


_ON_SQLITE = {
    keyed: [
        (each, frozenset(each.compile(dialect=sqlite.dialect()).params))
        for each in (
            *_statements(keyed=keyed),
            *(_USAGE[sqlite, window] for window in ("hour", "day")),
        )
    ]
    for keyed in (False, True)
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one accepted message."""

    message: Row
    parts: Sequence[bytes]
    recipients: Sequence[Row]
    idempotency: Row | None
    probes: Sequence[tuple[UUID, UUID]] = ()
    """Holds and the copies that probe for them."""
    contacts: int = 0
    """People among them whom the site never mailed, as far as they draw on its budget."""
    budget: int = 0
    """How many such people an hour allows."""
    drawn: Drawn | None = None
    """What it draws on the limits, if anything."""
    suspected: bool = False
    """It came from a network from which mail is held."""
    looked_at: bool = False
    """Its links are read before it leaves."""
    looks: bool = False
    """Mail is read here at all: the message with which a newsletter begins is."""

    @property
    def contents(self) -> list[Row]:
        """The message's parts as rows."""
        id = self.message["id"]
        return [{"message_id": id, "part": n, "data": part} for n, part in enumerate(self.parts)]

    @property
    def octets(self) -> int:
        """Bytes times people."""
        octets: int = self.message["size"] * len(self.recipients)
        return octets


def write(session: Session, rows: Rows, *, now: datetime) -> None:
    """Write an accepted message with all that belongs to it.

    Raises `IntegrityError` when another request with the same idempotency key was quicker, and
    `LimitReached` when others were quicker with what was left of a limit; then nothing may be kept.
    """
    contents = rows.contents
    site_id = rows.message["site_id"]
    parameters = _parameters(rows, now)
    connection = session.connection()
    keyed = rows.idempotency is not None
    drawn = rows.drawn
    if is_postgresql(session):
        statement = _in_one(
            keyed=keyed,
            contacts=rows.contacts > 0,
            drawn=drawn is not None,
            sourced=drawn is not None and drawn.source is not None,
            shared=drawn is not None and drawn.quota.shared,
        )
        if drawn is not None:
            parameters |= counts.parameters(drawn, site_id, now)
        sums = connection.execute(statement, parameters).one()
        if rows.contacts and sums.recipients > rows.budget:
            raise first_contacts_used_up(rows.budget, seconds_left(now))
        if drawn is not None:
            counts.settle(session, drawn, site_id, sums, now)
    else:
        for statement, names in _ON_SQLITE[keyed]:
            connection.execute(statement, {n: v for n, v in parameters.items() if n in names})
        _count(session, site_id, FIRST, rows.contacts, now)
        if drawn is not None:
            counts.count_many(session, site_id, [drawn], now=now)
    if rows.message["lane"] is Lane.PROTECTED:
        _count(session, site_id, SECURITY, 1, now)
    _begin_probes(session, rows.probes, now)
    _write_contents(session, contents[1:])
    bulk.insert_rows(session, Recipient, rows.recipients[1:])


def _parameters(rows: Rows, now: datetime) -> Row:
    """What the INSERTs of one acceptance ask for."""
    site_id = rows.message["site_id"]
    groups = {
        "m": rows.message,
        "c": rows.contents[0],
        "r": rows.recipients[0],
        "u": _usage_row(site_id, [rows], now),
        "k": rows.idempotency or {},
        "f": _count_row(site_id, FIRST, rows.contacts, now),
    }
    return {f"{p}_{name}": value for p, row in groups.items() for name, value in row.items()}


class Outrun(Exception):
    """Others were quicker, and what was judged without the lock may hold no more: it is done again."""


def is_plain(rows: Rows) -> bool:
    """Whether `end_at_once` can write it: one copy in one part that draws on limits of which enough is
    left, and that nothing else depends on."""
    return (
        len(rows.parts) == len(rows.recipients) == 1
        and rows.recipients[0]["stage"] in (Stage.QUEUED, Stage.CHECKING)
        and not rows.probes
        and rows.drawn is not None
        and counts.is_far(rows.drawn)
    )


def end_at_once(
    connection: Connection,
    rows: Rows,
    *,
    version: str,
    wording: str | None,
    compared: bool,
    now: datetime,
) -> None:
    """Take the site's lock, write what `is_plain`, and commit, in one round trip (PostgreSQL).

    The message was judged without the lock, so that the lock is held for no longer than PostgreSQL
    needs. That nothing has changed since is the write's condition: the site's row is still `version`, and
    what it makes of every count is where `write` would have nothing to say; if `compared`, few were told
    the `wording`. Raises `Outrun` if that is not so, and `IntegrityError` as `write` does.
    """
    drawn = rows.drawn
    assert drawn is not None
    site_id = rows.message["site_id"]
    statement = _at_once(
        keyed=rows.idempotency is not None,
        contacts=rows.contacts > 0,
        sourced=drawn.source is not None,
        shared=drawn.quota.shared,
        kept=wording is not None,
        compared=compared,
    )
    kept = {
        "message_id": rows.message["id"],
        "site_id": site_id,
        "wording": wording,
        "accepted_at": now,
    }
    given = {
        **_parameters(rows, now),
        **counts.parameters(drawn, site_id, now),
        **counts.bounds(drawn),
        **{f"w_{name}": value for name, value in kept.items()},
        "g_now": now,
        "g_version": version,
        "g_budget": rows.budget,
        "g_alike": MOST_ALIKE - len(rows.recipients),
        "wording": wording,
        "alike_since": now - WITHIN,
    }
    try:
        end(connection, (readings.HOLD, {"site": site_id}), (statement, given))
    except DataError as error:
        if getattr(error.orig, "sqlstate", None) == DIVISION_BY_ZERO:
            raise Outrun from error
        raise


def _count_row(site_id: UUID, window: str, people: int, now: datetime) -> Row:
    return {"site_id": site_id, "window": window, "began_at": hour_of(now), "recipients": people}


def _count(session: Session, site_id: UUID, window: str, people: int, now: datetime) -> None:
    """Note what is used up of this hour's allowance."""
    if people:
        given = {f"f_{n}": v for n, v in _count_row(site_id, window, people, now).items()}
        session.connection().execute(_COUNTING[is_postgresql(session)], given)


def write_many(session: Session, site_id: UUID, batch: Sequence[Rows], *, now: datetime) -> None:
    """As `write`, for a batch of one site: one statement for each table."""
    if not batch:
        return
    _begin_probes(session, [probe for rows in batch for probe in rows.probes], now)
    _count(session, site_id, FIRST, sum(rows.contacts for rows in batch), now)
    protected = sum(rows.message["lane"] is Lane.PROTECTED for rows in batch)
    _count(session, site_id, SECURITY, protected, now)
    drawn = [rows.drawn for rows in batch if rows.drawn is not None]
    counts.count_many(session, site_id, drawn, now=now)
    _write_rows(session, Message, [rows.message for rows in batch])
    _write_contents(session, [part for rows in batch for part in rows.contents])
    _write_rows(session, Recipient, [each for rows in batch for each in rows.recipients])
    _write_rows(
        session,
        IdempotencyKey,
        [rows.idempotency for rows in batch if rows.idempotency is not None],
    )
    usage = {f"u_{name}": value for name, value in _usage_row(site_id, batch, now).items()}
    dialect = postgresql if is_postgresql(session) else sqlite
    for window in ("hour", "day"):
        names = (
            "u_site_id",
            f"u_{window}",
            f"u_{window}_name",
            "u_messages",
            "u_recipients",
            "u_octets",
        )
        session.connection().execute(_USAGE[dialect, window], {name: usage[name] for name in names})


def _begin_probes(session: Session, probes: Sequence[tuple[UUID, UUID]], now: datetime) -> None:
    """Write down which copies probe for which holds, so that no second one does."""
    for hold_id, recipient_id in probes:
        session.execute(
            update(AddressHold)
            .where(AddressHold.id == hold_id)
            .values(recipient_id=recipient_id, probed_at=now)
            .execution_options(synchronize_session=False)
        )


def _write_rows(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    if is_postgresql(session):
        copy(session, table_of(model), rows)
    else:
        bulk.insert_rows(session, model, rows)


def _write_contents(session: Session, contents: Sequence[Row]) -> None:
    """Write contents as a stream; on SQLite about a megabyte at a time."""
    if is_postgresql(session):
        copy(session, table_of(Content), contents)
        return
    group: list[Row] = []
    size = 0
    for row in contents:
        if group and size + len(row["data"]) > mime.PART:
            bulk.insert_rows(session, Content, group)
            group, size = [], 0
        group.append(row)
        size += len(row["data"])
    bulk.insert_rows(session, Content, group)


def _usage_row(site_id: UUID, batch: Sequence[Rows], now: datetime) -> Row:
    hour = hour_of(now)
    return {
        "site_id": site_id,
        "hour": hour,
        "hour_name": "hour",
        "day": hour.replace(hour=0),
        "day_name": "day",
        "messages": len(batch),
        "recipients": sum(len(rows.recipients) for rows in batch),
        "octets": sum(rows.octets for rows in batch),
    }
