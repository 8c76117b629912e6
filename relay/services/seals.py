"""The chain of each site: seal after seal, each over the one before it and one row of the ledger.

A seal's hash is the SHA-256 of a canonical JSON text of four members: `number` (from 1), `previous`
(the hash before it, 64 zeros at the start), `record` (the whole ledger row) and `sealed_at`. Anyone
can compute it with any tool; docs/consent.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, func, select
from sqlalchemy.orm import Session

from relay import bulk
from relay.db import among, is_postgresql, table_of
from relay.models import ConsentRecord, ConsentSeal, UnsealedRecord
from relay.services.ledger import canonical, digest, moment

BEGINNING = "0" * 64
"""What the first seal of a site has before it."""

MOST = 500
"""Rows that one turn of the duty seals."""

LOCK = 7_305_164
"""Key of PostgreSQL's advisory lock under which one worker seals; SQLite has one writer anyway."""

RECORDS, SEALS, QUEUE = table_of(ConsentRecord), table_of(ConsentSeal), table_of(UnsealedRecord)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: how many rows it seals, and the hash over them all."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


NO_HEAD = Head(0, BEGINNING)
"""The end of a chain that has not begun."""


def parse_head(text: str) -> Head:
    """The head that `NUMBER:HASH` says. Raises `ValueError`."""
    number, _, hash = text.strip().partition(":")
    if not number.isdecimal() or len(hash) != 64 or int(hash, 16) < 0:
        raise ValueError("a head is NUMBER:HASH, the hash 64 hexadecimal digits")
    return Head(int(number), hash.lower())


def content_of(number: int, previous: str, record: Any, sealed_at: datetime) -> str:
    """The text whose SHA-256 is the hash of this seal."""
    return canonical(
        {
            "number": number,
            "previous": previous,
            "record": as_sealed(record),
            "sealed_at": moment(sealed_at),
        }
    )


def as_sealed(record: Any) -> dict[str, Any]:
    """A whole ledger row as the chain knows it."""
    return {
        "id": str(record.id),
        "site_id": str(record.site_id),
        "list_id": str(record.list_id) if record.list_id else None,
        "subscription_id": str(record.subscription_id) if record.subscription_id else None,
        "kind": str(record.kind),
        "at": moment(record.at),
        "person": record.person,
        "commitment": record.commitment,
        "key_version": record.key_version,
        "facts": record.facts,
    }


_WAITING = (
    select(RECORDS)
    .join(QUEUE, QUEUE.c.record_id == RECORDS.c.id)
    .order_by(QUEUE.c.record_id)
    .limit(bindparam("most", type_=Integer))
)
_HEAD = (
    select(SEALS.c.number, SEALS.c.hash)
    .where(SEALS.c.site_id == bindparam("site_id"))
    .order_by(SEALS.c.number.desc())
    .limit(1)
)
_SEALED = delete(QUEUE).where(among(QUEUE.c.record_id, "sealed"))


def seal(session: Session, *, now: datetime, most: int = MOST) -> int:
    """Let waiting rows join their site's chain, oldest id first; returns how many did.

    A row that was committed late, with an id older than what is sealed, joins later: the order of
    sealing is the order of the chain. While another worker seals, nothing is done. Should two ever
    seal at once, the second one's numbers are taken, so that a chain cannot fork.
    """
    connection = session.connection()
    if is_postgresql(session) and not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return 0
    waiting = connection.execute(_WAITING, {"most": most}).all()
    seals: list[dict[str, Any]] = []
    for site_id, records in groupby(
        sorted(waiting, key=lambda row: (row.site_id, row.id)), key=lambda row: row.site_id
    ):
        end = head(session, site_id)
        for record in records:
            number = end.number + 1
            end = Head(number, digest(content_of(number, end.hash, record, now)))
            seals.append(
                {
                    "site_id": site_id,
                    "number": number,
                    "record_id": record.id,
                    "hash": end.hash,
                    "sealed_at": now,
                }
            )
    if seals:
        bulk.insert_rows(session, ConsentSeal, seals)
        connection.execute(_SEALED, {"sealed": [each["record_id"] for each in seals]})
    return len(seals)


def head(session: Session, site_id: UUID) -> Head:
    """Where the site's chain ends; number 0 for a site without one."""
    found = session.connection().execute(_HEAD, {"site_id": site_id}).one_or_none()
    return Head(found.number, found.hash) if found else NO_HEAD
