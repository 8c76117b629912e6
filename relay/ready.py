"""Statements for PostgreSQL that are ready to be sent: compiled once, and several in one round trip.

A construct of SQLAlchemy is looked up, bound and its rows are wrapped anew at every execution, which costs
more than PostgreSQL's answer. What every mail asks is made of the same constructs, but goes to psycopg as a
text with numbered parameters (docs/decisions/0006-few-statements.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Engine, Table
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from relay.db import is_postgresql

_DIALECT = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]

Given = Mapping[str, Any]
Convert = Callable[[Any], Any]


class Ready:
    """A statement, its parameters in their order, and what turns values into the driver's and back."""

    def __init__(self, statement: Any) -> None:
        self.construct = statement

    @cached_property
    def _compiled(self) -> Any:
        """Compiled when it is first wanted; SQLite never wants it."""
        return self.construct.compile(dialect=_DIALECT)

    @cached_property
    def _expanded(self) -> Any:
        """The text with its lists of constants, and the values that belong to it."""
        binds = self._compiled.binds
        unknown = [name for name, each in binds.items() if each.required]
        return self._compiled.construct_expanded_state(dict.fromkeys(unknown))

    @cached_property
    def text(self) -> str:
        """The statement as PostgreSQL gets it."""
        made: str = self._expanded.statement
        return made

    @cached_property
    def _asked(self) -> list[tuple[str, Any, Convert | None]]:
        """Name, value if none is given, and conversion of each parameter."""
        made, binds = self._expanded, self._compiled.binds
        converts = {
            name: each.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
            for name, each in binds.items()
        } | made.processors
        return [(name, made.parameters.get(name), converts.get(name)) for name in made.positiontup]

    @cached_property
    def _told(self) -> list[tuple[int, Convert]]:
        """The columns whose values are converted."""
        types = [each.type.dialect_impl(_DIALECT) for each in self.construct.selected_columns]
        found = [(n, each.result_processor(_DIALECT, None)) for n, each in enumerate(types)]
        return [(n, convert) for n, convert in found if convert is not None]

    def parameters(self, given: Given) -> list[Any]:
        """The values as the driver takes them."""
        return [
            convert(given.get(name, value)) if convert is not None else given.get(name, value)
            for name, value, convert in self._asked
        ]

    def rows(self, found: Sequence[Any]) -> list[Any]:
        """The driver's rows with their values as the columns' types have them."""
        if not self._told:
            return list(found)
        return [self._converted(row) for row in found]

    def _converted(self, row: Any) -> Any:
        values = list(row)
        for n, convert in self._told:
            values[n] = convert(values[n])
        return row._make(values)


def ask(session: Session, statement: Ready, given: Given) -> list[Any]:
    """The rows of one statement. Where no transaction has begun on the connection, none begins."""
    with _driver(session) as (driver, _):
        cursor = psycopg.RawCursor(driver, row_factory=namedtuple_row)
        cursor.execute(statement.text, statement.parameters(given), prepare=True)
        return statement.rows(cursor.fetchall())


def end(session: Session, *last: tuple[Ready, Given]) -> None:
    """Execute the last statements of a transaction, and commit it, in one round trip.

    Nobody waits for this process between the first of them and the commit. Raises what SQLAlchemy does;
    then nothing is kept. A session that lives inside somebody else's transaction leaves it to them.
    """
    sent = [(each.text, each.parameters(given)) for each, given in last]
    with _driver(session) as (driver, is_open), driver.pipeline():
        if not is_open:
            _Queued(driver).queue("BEGIN")
        for text, parameters in sent:
            _Queued(driver).queue(text, parameters, prepare=True)
        if isinstance(session.get_bind(), Engine):
            _Queued(driver).queue("COMMIT")  # its own words: libpq loses a failure at Sync


class _Queued(psycopg.RawCursor[Any]):
    """A cursor whose statement leaves with all others, where the pipeline ends.

    psycopg's own `execute` sends each at once. A thread that waits for its turn in Python between two of
    them would hold the lock that the first one took.

    So this takes the steps of `execute` but the last, which sends. They are psycopg's own and may change
    with it; tests/test_ready.py says so then. Its public ways lead elsewhere: a pipeline sends each
    statement, and one statement that takes the lock itself judges by what it saw before it waited.
    """

    def queue(self, text: str, parameters: Sequence[Any] = (), *, prepare: bool = False) -> None:
        """Put it into the connection's pipeline."""
        with self._conn.lock:
            self._conn.wait(self._queue(text, parameters, prepare))

    def _queue(self, text: str, parameters: Sequence[Any], prepare: bool) -> Any:
        yield from self._start_query(text)
        query = self._convert_query(text, parameters)
        yield from self._maybe_prepare_gen(query, prepare=prepare)


def find(session: Session, statement: Ready, given: Given) -> Any | None:
    """The one row of a statement, or None; on SQLite by SQLAlchemy's own way."""
    if is_postgresql(session):
        rows = ask(session, statement, given)
        return rows[0] if rows else None
    return session.connection().execute(statement.construct, given).one_or_none()


def copy(session: Session, table: Table, rows: Iterable[Given]) -> None:
    """Write rows by PostgreSQL's COPY, as bytes: an array of contents would go as a text twice as long.

    All rows name the columns of the first one. Raises what SQLAlchemy does.
    """
    rest = iter(rows)
    if (first := next(rest, None)) is None:
        return
    how = _copied(table, tuple(first))
    with _driver(session) as (driver, is_open):
        assert is_open, "what is copied is part of a transaction"
        with driver.cursor().copy(how.text) as into:
            into.set_types(how.types)
            for row in chain((first,), rest):
                into.write_row(
                    [
                        convert(row[name]) if convert is not None else row[name]
                        for name, convert in how.columns
                    ]
                )


@dataclass(frozen=True, slots=True)
class _Copied:
    """How rows of a table are copied: the statement, PostgreSQL's types, and the conversions."""

    text: sql.Composed
    types: list[str]
    columns: list[tuple[str, Convert | None]]


@lru_cache(maxsize=64)
def _copied(table: Table, names: tuple[str, ...]) -> _Copied:
    types = [table.c[name].type.dialect_impl(_DIALECT) for name in names]
    return _Copied(
        sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
        ),
        [
            _TYPE_NAMES.get(name := each.compile(_DIALECT).lower().partition("(")[0], name)
            for each in types
        ],
        [(name, each.bind_processor(_DIALECT)) for name, each in zip(names, types, strict=True)],
    )


_TYPE_NAMES = {"timestamp with time zone": "timestamptz"}
"""Names that psycopg knows only by another one."""


@contextmanager
def _driver(session: Session) -> Iterator[tuple[psycopg.Connection[Any], bool]]:
    """The session's connection as psycopg's, and whether a transaction is open on it.

    If none is, none begins by itself meanwhile: psycopg would wait for the answer to its BEGIN.
    """
    connection = session.connection()
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    is_open = driver.info.transaction_status != TransactionStatus.IDLE
    alone = not is_open and not driver.autocommit
    try:
        if alone:
            driver.autocommit = True
        try:
            yield driver, is_open
        finally:
            if alone and not driver.closed:
                driver.rollback()  # nothing to do but after a failure
                driver.autocommit = False
    except psycopg.Error as error:
        raise _known(connection, driver, error) from error


def _known(
    connection: Connection, driver: psycopg.Connection[Any], error: psycopg.Error
) -> BaseException:
    """The driver's error as SQLAlchemy raises it; a connection that is gone is used no more, nor are those
    that were made before: most likely the server was gone."""
    if driver.broken:
        connection.invalidate(error)
        connection.engine.dispose()
    return DBAPIError.instance(
        None,
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=driver.broken,
        dialect=connection.dialect,
    )
