"""Statements for PostgreSQL that are ready to be sent: compiled once, and several in one round trip.

A construct of SQLAlchemy is looked up, bound and its rows are wrapped anew at every execution, which costs
more than PostgreSQL's answer. What every mail asks is made of the same constructs, but goes to psycopg as a
text with numbered parameters (docs/decisions/0006-few-statements.md).
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, count
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import fetch_many, send
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from relay.db import Sessions, is_postgresql

_DIALECT = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]

Given = Mapping[str, Any]
Convert = Callable[[Any], Any]


class _Parameter(NamedTuple):
    """Its name, the value if none is given, its conversion, and how it is written if it never changes."""

    name: str
    value: Any
    convert: Convert | None
    constant: str | None


def _constant(value: Any) -> str | None:
    """A number or a word as SQL has it; None for all else."""
    if type(value) is int and value >= 0:
        return str(value)
    if isinstance(value, str) and re.fullmatch(r"[a-z][a-z_-]*", value):
        return f"'{value}'"
    return None


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
        """The statement as PostgreSQL gets it: words and numbers that never change stand in it."""
        numbers = count(1)
        written = [
            f"${next(numbers)}" if each.constant is None else each.constant for each in self._all
        ]
        made: str = self._expanded.statement
        return re.sub(r"\$(\d+)", lambda found: written[int(found[1]) - 1], made)

    @cached_property
    def _asked(self) -> list[_Parameter]:
        """The parameters that are sent."""
        return [each for each in self._all if each.constant is None]

    @cached_property
    def _all(self) -> list[_Parameter]:
        made, binds = self._expanded, self._compiled.binds
        converts = {
            name: each.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
            for name, each in binds.items()
        } | made.processors
        found = []
        for name in made.positiontup:
            value, convert = made.parameters.get(name), converts.get(name)
            is_given = name in binds and binds[name].required
            sent = convert(value) if convert is not None and not is_given else value
            found.append(_Parameter(name, value, convert, None if is_given else _constant(sent)))
        return found

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
            for name, value, convert, _ in self._asked
        ]

    @cached_property
    def _row(self) -> Any:
        """A row, with the columns' names."""
        return namedtuple("_row", self.construct.selected_columns.keys(), rename=True)

    def rows(self, found: Iterable[tuple[Any, ...]]) -> list[Any]:
        """The driver's rows by name, with their values as the columns' types have them."""
        rows = []
        for row in found:
            values = list(row)
            for n, convert in self._told:
                values[n] = convert(values[n])
            rows.append(self._row._make(values))
        return rows


@contextmanager
def alone(sessions: Sessions) -> Iterator[Connection]:
    """A connection of these sessions on which no transaction has begun, for `ask` and `end`.

    A session costs as much as a round trip. Where all sessions live inside somebody else's transaction,
    it is that one's, with a savepoint.
    """
    bind = sessions.kw["bind"]
    if isinstance(bind, Engine):
        with bind.connect() as connection:
            yield connection
    else:
        with bind.begin_nested():
            yield bind


def ask(connection: Connection, statement: Ready, given: Given) -> list[Any]:
    """The rows of one statement. Where no transaction has begun on the connection, none begins."""
    with _wire(connection) as wire:
        (answer,) = wire.exchange([(statement, statement.parameters(given))])
        return statement.rows(wire.rows(answer))


def end(connection: Connection, *whole: tuple[Ready, Given]) -> None:
    """Execute the statements of a whole transaction, and commit it, in one round trip.

    Nobody waits for this process between the first of them and the commit. Raises what SQLAlchemy does;
    then nothing is kept. Within somebody else's transaction the commit is left to them.
    """
    sent: list[Sent] = [(each, each.parameters(given)) for each, given in whole]
    with _wire(connection) as wire:
        if not wire.is_open:
            sent.insert(0, (BEGIN, ()))
        if not connection.in_transaction():
            sent.append((COMMIT, ()))  # its own words: libpq loses a failure at Sync
        wire.exchange(sent)


BEGIN, COMMIT = Ready(text("BEGIN")), Ready(text("COMMIT"))

Sent = tuple[Ready, Sequence[Any]]
"""A statement and its parameters."""

_Kind = tuple[Ready, "tuple[int, ...] | None"]
"""A statement with the types of its parameters: None has no type."""

_numbers = count()


class _Wire:
    """A connection to PostgreSQL, through libpq as psycopg wraps it (`psycopg.pq`).

    psycopg's cursors would send each statement at once, and a thread that waits for its turn in Python
    between two of them would hold the lock that the first one took. They also cost more than the answer.
    """

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self.driver = driver
        self._values = Transformer(driver)
        self._names: dict[_Kind, bytes] = {}

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open on it."""
        return self.driver.pgconn.transaction_status != TransactionStatus.IDLE

    def exchange(self, sent: Sequence[Sent]) -> list[PGresult]:
        """Send statements together, in one pipeline, and wait for all their answers.

        Raises `psycopg.Error` for the first that fails; those behind it are not executed. Psycopg drops
        what is prepared when it rolls back: then all is prepared anew.
        """
        if self.is_open:  # where a failure would spoil it, nothing need be known
            return self._exchange(sent, None)
        try:
            return self._exchange(sent, self._names)
        except psycopg.errors.InvalidSqlStatementName:
            self._names.clear()
            self.driver.rollback()
            return self._exchange(sent, self._names)

    def _exchange(self, sent: Sequence[Sent], names: dict[_Kind, bytes] | None) -> list[PGresult]:
        """The answers. `names` are of the statements that are prepared; None prepares none for later."""
        queue, values = self.driver.pgconn, self._values
        new: dict[_Kind, bytes] = {}
        asked: list[int] = []
        places = 0
        with self.driver.lock:
            queue.enter_pipeline_mode()
            try:
                for statement, parameters in sent:
                    octets = values.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
                    kind = statement, values.types
                    name = names.get(kind) if names is not None else None
                    if name is None:
                        name = new[kind] = (
                            b"ready_%d" % next(_numbers) if names is not None else b""
                        )
                        queue.send_prepare(name, statement.text.encode(), values.types)
                        places += 1
                    queue.send_query_prepared(name, octets, values.formats)
                    asked.append(places)
                    places += 1
                queue.pipeline_sync()
                answers = self.driver.wait(_answers(queue, places))
            finally:
                self._leave()
        for answer in answers:
            if answer.status == ExecStatus.FATAL_ERROR:
                raise psycopg.errors.error_from_result(answer)
        if names is not None:
            names.update(new)
        return [answers[n] for n in asked]

    def _leave(self) -> None:
        """Leave the pipeline; a connection on which an answer is still to come can be used no more."""
        queue = self.driver.pgconn
        if queue.status == ConnStatus.OK:
            try:
                queue.exit_pipeline_mode()
            except psycopg.OperationalError:
                queue.finish()

    def rows(self, answer: PGresult) -> list[tuple[Any, ...]]:
        """The rows of an answer."""
        self._values.set_pgresult(answer)
        return self._values.load_rows(0, answer.ntuples, tuple)


def _answers(queue: PGconn, places: int) -> Generator[Any, Any, list[PGresult]]:
    """Wait for so many answers, and for the end of the pipeline."""
    yield from send(queue)
    found: list[PGresult] = []
    for _ in range(places):
        found += yield from fetch_many(queue)
    yield from fetch_many(queue)
    return found


def find(session: Session, statement: Ready, given: Given) -> Any | None:
    """The one row of a statement, or None; on SQLite by SQLAlchemy's own way."""
    if is_postgresql(session):
        rows = ask(session.connection(), statement, given)
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
    with _wire(session.connection()) as wire:
        assert wire.is_open, "what is copied is part of a transaction"
        with wire.driver.cursor().copy(how.text) as into:
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
def _wire(connection: Connection) -> Iterator[_Wire]:
    """The connection as libpq has it; what goes wrong is raised as SQLAlchemy does."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    wire = connection.info.get(_Wire)
    if wire is None:
        wire = connection.info[_Wire] = _Wire(driver)
    try:
        yield wire
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
