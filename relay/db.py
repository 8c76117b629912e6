"""Database plumbing: engines, the two kinds of session, column types, time.

`with relay.sessions.begin() as session:` is one transaction. `with relay.reads() as session:`
reads without one, a statement at a time (no BEGIN and COMMIT round trips).

SQLite serves one machine honestly: WAL, BEGIN IMMEDIATE for every write transaction (a deferred
one that upgrades its lock fails at once instead of waiting) and a busy time-out of 10 s.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    URL,
    Boolean,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    create_engine,
    event,
    literal,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql import coercions, func, roles
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import NULLTYPE

POOL = 24
"""Connections one process keeps; more than the threads of a web process or worker need."""

RESYNC = 10.0
"""Seconds after which `database_clock` asks the database for the time again."""

Sessions = sessionmaker[Session]
Clock = Callable[[], datetime]


class Base(DeclarativeBase):
    """All tables; constraint names follow one convention so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in, aware out, UTC, on both engines."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: UTC. A naive time is refused, for it is no instant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone is not an instant")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database: aware, UTC, whatever the engine gives."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Many(TypeDecorator[list[Any]]):
    """A list of texts or ids as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """No type on PostgreSQL: psycopg knows what a list of strings or UUIDs is."""
        return dialect.type_descriptor(NULLTYPE if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        """A list as the engine takes it."""
        if value is None or dialect.name == "postgresql":
            return value
        return json.dumps([each.hex if isinstance(each, UUID) else each for each in value])


class _Among(ColumnElement[bool]):
    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012  (SQLAlchemy's protocol for cacheable elements)
        ("column", InternalTraversal.dp_clauseelement),
        ("values", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: Any, values: Any) -> None:
        self.column = column
        self.values = values


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: Any, **options: Any) -> str:
    column, values = (
        compiler.process(each, **options) for each in (element.column, element.values)
    )
    return f"{column} = ANY({values})"


@compiles(_Among)
def _among_elsewhere(element: _Among, compiler: Any, **options: Any) -> str:
    column, values = (
        compiler.process(each, **options) for each in (element.column, element.values)
    )
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  (both were compiled)


def among(column: Any, name: str) -> ColumnElement[bool]:
    """`column` is one of the values in the parameter `name`: one parameter however many there are.

    SQLAlchemy's own `in_` writes the statement anew for each number of values.
    """
    return _Among(
        coercions.expect(roles.ExpressionElementRole, column), bindparam(name, type_=Many())
    )


def constant(column: Any, value: Any) -> Any:
    """The value written into the statement, not as a parameter: so a partial index about it can serve."""
    return literal(value, column.type, literal_execute=True)


def table_of(model: type[Base]) -> Table:
    """The model's table, for statements that need no objects (they cost half as much)."""
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} has no table")
    return table


def is_postgresql(session: Session) -> bool:
    """Whether this session speaks to PostgreSQL."""
    return session.get_bind().dialect.name == "postgresql"


def upsert(session: Session, model: type[Base]) -> Any:
    """An INSERT that knows ON CONFLICT, in the dialect of this session's engine."""
    dialect = postgresql if is_postgresql(session) else sqlite
    return dialect.insert(table_of(model))


def new_id() -> UUID:
    """A time-ordered id (UUID v7, RFC 9562), so that indexes stay local as tables grow."""
    return uuid_utils.compat.uuid7()


GENERIC_PLANS = {"options": "-c plan_cache_mode=force_generic_plan"}
"""PostgreSQL plans a prepared statement once, whatever its values are."""


def connect(url: str, *, pool: int = POOL, generic_plans: bool = False) -> Engine:
    """An engine for PostgreSQL (`postgresql://…`, through psycopg 3) or SQLite (`sqlite:///path`).

    With `generic_plans`, for processes that do the same few things over and over: what acceptance asks
    takes PostgreSQL as long to plan as to do. Such a process must not compare a column that a partial
    index is about with a parameter (write the word into the statement), or the index cannot serve.

    Parameters are hidden from its error messages: they hold addresses and bodies.
    """
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        return _sqlite(target, pool)
    if target.drivername in ("postgresql", "postgres"):
        target = target.set(drivername="postgresql+psycopg")
    return create_engine(
        target,
        pool_size=pool,
        max_overflow=8,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args=GENERIC_PLANS if generic_plans and "options" not in target.query else {},
    )


def _sqlite(target: URL, pool: int) -> Engine:
    arguments = {"timeout": 10.0, "check_same_thread": False}
    if target.database in (None, "", ":memory:"):
        engine = create_engine(
            target, connect_args=arguments, poolclass=StaticPool, hide_parameters=True
        )
    else:
        engine = create_engine(target, connect_args=arguments, pool_size=pool, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 10000")


def _begin_sqlite(connection: Any) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def writing(engine: Engine) -> Sessions:
    """Sessions whose `begin()` is one transaction."""
    return sessionmaker(engine, expire_on_commit=False, autoflush=False)


def reading(engine: Engine) -> Sessions:
    """Sessions that read a statement at a time and write nothing."""
    return sessionmaker(
        engine.execution_options(isolation_level="AUTOCOMMIT"),
        expire_on_commit=False,
        autoflush=False,
    )


def database_clock(reads: Sessions) -> Clock:
    """A clock that agrees with the database's, whatever this host's clock says.

    Asks the database every `RESYNC` seconds and counts on with the monotonic clock in between, so
    leases taken on hosts whose clocks differ are still compared on one scale.
    """
    anchor: tuple[datetime, float] | None = None

    def clock() -> datetime:
        nonlocal anchor
        current = time.monotonic()
        if anchor is None or current - anchor[1] > RESYNC:
            with reads() as session:
                anchor = (_database_time(session), current)
        return anchor[0] + timedelta(seconds=current - anchor[1])

    return clock


def _database_time(session: Session) -> datetime:
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)  # the file lives on this machine: one clock
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)
