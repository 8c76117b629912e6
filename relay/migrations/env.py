"""How Alembic runs our migrations: one at a time, one transaction each, never waiting for ever."""

from __future__ import annotations

import os
from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON, Connection, Enum, text

import relay.models  # noqa: F401  (fills the metadata)
from relay.db import Base, UtcDateTime, connect

LOCK = 7_305_163
"""Key of the advisory lock under which one process migrates."""


def render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Write plain SQLAlchemy types, so that old migrations never import today's code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Enum) and not item.native_enum:
        return f"sa.String({item.length})"
    if kind == "type" and isinstance(item, JSON):
        return "JSON"  # defined by script.py.mako
    return False


def compare_type(
    _context: Any, _inspected: Any, _metadata: Any, _inspected_type: Any, metadata_type: Any
) -> bool | None:
    """Trust our own types where SQLite cannot tell."""
    return False if isinstance(metadata_type, UtcDateTime) else None


def run(connection: Connection) -> None:
    """Migrate over this connection."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
        render_item=render_item,
        compare_type=compare_type,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = connect(os.environ["POSTREEVE_DATABASE_URL"])
    with engine.connect() as opened:
        run(opened)
    engine.dispose()
