"""Locks on names: what is no row, and yet only one at a time may count and decide.

They last until the transaction ends. SQLite has one writer at a time and needs none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from relay.db import is_postgresql

_LOCK = text("SELECT pg_advisory_xact_lock(name) FROM unnest(CAST(:names AS bigint[])) AS name")

_TRY = text("SELECT pg_try_advisory_xact_lock(CAST(:name AS bigint))")


def hold(session: Session, names: Iterable[str]) -> None:
    """Wait for these names and hold them. Always taken in one order, so that nobody waits in a ring.

    Call it once in a transaction, with all names it will need.
    """
    if is_postgresql(session) and (wanted := sorted({_number(name) for name in names})):
        session.connection().execute(_LOCK, {"names": wanted})


def seize(session: Session, name: str) -> bool:
    """Hold the name if nobody else does; whoever does not get it has no business to wait."""
    if not is_postgresql(session):
        return True
    got = session.connection().execute(_TRY, {"name": _number(name)}).scalar_one()
    return bool(got)


def _number(name: str) -> int:
    """The name as PostgreSQL's lock knows it: 64 bits of its hash."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
