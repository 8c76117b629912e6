"""Many rows in one statement: arrays through `unnest` on PostgreSQL, `executemany` on SQLite.

A round trip per row is what makes a queue slow; a worker writes a whole turn's rows at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Table, bindparam, cast, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from relay.db import Base, is_postgresql, table_of

Row = Mapping[str, Any]


class Together:
    """Some statements that are always executed together: one round trip on PostgreSQL (data-modifying
    WITH), one after the other on SQLite. Their bound names are all different; none sees another's work.
    """

    def __init__(self, *statements: Any) -> None:
        self._one = select(literal(1)).add_cte(
            *(each.cte(f"w{n}") for n, each in enumerate(statements))
        )
        self._each = [
            (each, frozenset(each.compile(dialect=sqlite.dialect()).params)) for each in statements
        ]

    def execute(self, session: Session, given: Row) -> None:
        """Execute them with these parameters."""
        connection = session.connection()
        if is_postgresql(session):
            connection.execute(self._one, given)
            return
        for statement, names in self._each:
            connection.execute(statement, {n: value for n, value in given.items() if n in names})


def insertion(model: type[Base], prefix: str, *names: str) -> Any:
    """An INSERT of one row whose parameters are called `prefix_column`."""
    return insert(table_of(model)).values({name: bindparam(f"{prefix}_{name}") for name in names})


def insert_rows(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Insert rows that all name the same columns."""
    if not rows:
        return
    names = tuple(rows[0])
    table = table_of(model)
    connection = session.connection()
    if is_postgresql(session):
        connection.execute(_insert(table, names), _columns(names, rows))
    else:
        connection.execute(insert(table), [dict(row) for row in rows])


def insert_new(session: Session, model: type[Base], rows: Sequence[Row], key: str) -> set[Any]:
    """Insert those rows whose `key` is not there yet; the keys of those that were new."""
    if not rows:
        return set()
    names = tuple(rows[0])
    table = table_of(model)
    connection = session.connection()
    if is_postgresql(session):
        found = connection.execute(_insert_new(table, names, key), _columns(names, rows))
        return set(found.scalars())
    one = _insert_new_one(table, names, key)
    new = (connection.execute(one, {f"v_{n}": row[n] for n in names}).scalar() for row in rows)
    return {each for each in new if each is not None}


def update_rows(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Update rows by their `id`; all rows name the same columns."""
    if not rows:
        return
    names = tuple(rows[0])
    table = table_of(model)
    connection = session.connection()
    if is_postgresql(session):
        connection.execute(_update(table, names), _columns(names, rows))
    else:
        connection.execute(
            _update_one(table, names), [{f"v_{name}": row[name] for name in names} for row in rows]
        )


def _columns(names: Sequence[str], rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {f"v_{name}": [row[name] for row in rows] for name in names}


def _source(table: Table, names: Sequence[str]) -> Any:
    """The rows as a table of PostgreSQL: unnest(array of each column)."""
    types = {name: ARRAY(table.c[name].type, dimensions=1) for name in names}
    arrays = [cast(bindparam(f"v_{name}", type_=of), of) for name, of in types.items()]
    columns = [Column(name, table.c[name].type) for name in names]
    return func.unnest(*arrays).table_valued(*columns).render_derived(name="given")


@lru_cache(maxsize=64)
def _insert(table: Table, names: tuple[str, ...]) -> Any:
    given = _source(table, names)
    return insert(table).from_select(
        list(names), select(*(given.c[name] for name in names)), include_defaults=False
    )


@lru_cache(maxsize=64)
def _insert_new(table: Table, names: tuple[str, ...], key: str) -> Any:
    given = _source(table, names)
    return (
        postgresql.insert(table)
        .from_select(
            list(names),
            select(*(given.c[name] for name in names)).order_by(given.c[key]),
            include_defaults=False,
        )
        .on_conflict_do_nothing(index_elements=[key])
        .returning(table.c[key])
    )


@lru_cache(maxsize=64)
def _insert_new_one(table: Table, names: tuple[str, ...], key: str) -> Any:
    return (
        sqlite.insert(table)
        .values({name: bindparam(f"v_{name}") for name in names})
        .on_conflict_do_nothing(index_elements=[key])
        .returning(table.c[key])
    )


@lru_cache(maxsize=64)
def _update(table: Table, names: tuple[str, ...]) -> Any:
    given = _source(table, names)
    values = {name: given.c[name] for name in names if name != "id"}
    return update(table).where(table.c.id == given.c.id).values(values)


@lru_cache(maxsize=64)
def _update_one(table: Table, names: tuple[str, ...]) -> Any:
    values: dict[str, Any] = {name: bindparam(f"v_{name}") for name in names if name != "id"}
    return update(table).where(table.c.id == bindparam("v_id")).values(values)
