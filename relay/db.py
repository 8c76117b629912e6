"""Database plumbing: engines, the two kinds of session, column types, time.

`with relay.sessions.begin() as session:` is one transaction. `with relay.reads() as session:`
reads without one, a statement at a time (no BEGIN and COMMIT round trips).

SQLite serves one machine honestly: WAL, BEGIN IMMEDIATE for every write transaction (a deferred
one that upgrades its lock fails at once instead of waiting) and a busy time-out of 10 s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
    make_url,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.sql import func

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


def new_id() -> UUID:
    """A time-ordered id (UUID v7, RFC 9562), so that indexes stay local as tables grow."""
    return uuid_utils.compat.uuid7()


def connect(url: str, *, pool: int = POOL) -> Engine:
    """An engine for PostgreSQL (`postgresql://…`, through psycopg 3) or SQLite (`sqlite:///path`)."""
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        engine = (
            create_engine(
                target, connect_args={"timeout": 10.0, "check_same_thread": False}, pool_size=pool
            )
            if target.database not in (None, "", ":memory:")
            else _in_memory(url)
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if target.drivername in ("postgresql", "postgres"):
        target = target.set(drivername="postgresql+psycopg")
    return create_engine(
        target, pool_size=pool, max_overflow=8, pool_pre_ping=False, pool_use_lifo=True
    )


def _in_memory(url: str) -> Engine:
    from sqlalchemy.pool import StaticPool

    return create_engine(url, connect_args={"check_same_thread": False}, poolclass=StaticPool)


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
