"""Operators and their keys: who may act on accounts from elsewhere than this machine's command line."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from relay.db import new_id
from relay.errors import AlreadyExists, Invalid, NotFound, Unauthenticated
from relay.models import Operator
from relay.models.operators import NAME
from relay.services.accounts import key_digest
from relay.services.callers import is_stale

KEY_MARK = "pro"
"""First part of every operator's key; a site's begins with `prk`."""


@dataclass(frozen=True, slots=True)
class NewOperator:
    """A key just made. `secret` is the whole key as the operator presents it, shown this once."""

    operator: Operator
    secret: str


@dataclass(frozen=True, slots=True)
class Officer:
    """Who is asking as an operator, and how the audit log calls them."""

    key_id: UUID
    name: str
    last_used_at: datetime | None

    @property
    def actor(self) -> str:
        """As the audit log has it."""
        return actor(self.name)


def actor(name: str) -> str:
    """How the audit log calls the operator of this name."""
    return f"operator:{name}"[:100]


def add(session: Session, name: str, *, secret: str, now: datetime) -> NewOperator:
    """A key for an operator. `secret` is the relay's own secret, with which the key is digested.

    Raises `Invalid` for an unfit name, `AlreadyExists` while a key of this name is in use.
    """
    name = name.strip()
    if not 1 <= len(name) <= NAME or not name.isprintable():
        raise Invalid(f"An operator's name has 1 to {NAME} characters that can be printed")
    if session.scalar(_in_use().where(Operator.name == name)) is not None:
        raise AlreadyExists(f"There is a key of {name!r} in use; revoke it first: operator list")
    prefix = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    random = secrets.token_urlsafe(32)
    made = Operator(
        id=new_id(), name=name, prefix=prefix, digest=key_digest(secret, random), created_at=now
    )
    session.add(made)
    session.flush()
    return NewOperator(made, f"{KEY_MARK}_{prefix}_{random}")


def everybody(session: Session) -> Sequence[Operator]:
    """All keys of operators, oldest first, also those that were revoked."""
    return session.scalars(select(Operator).order_by(Operator.id)).all()


def revoke(session: Session, operator_id: UUID, *, now: datetime) -> Operator:
    """End the key at once. Revoking twice changes nothing. Raises `NotFound`."""
    found = session.get(Operator, operator_id)
    if found is None:
        raise NotFound(
            "There is no operator with this id; `python -m relay operator list` shows them"
        )
    found.revoked_at = found.revoked_at or now
    return found


def authenticate(session: Session, presented: str, *, secret: str) -> Officer:
    """Whose key this is. Raises `Unauthenticated` without saying which part was wrong."""
    mark, _, rest = presented.partition("_")
    prefix, _, random = rest.partition("_")
    plausible = mark == KEY_MARK and 0 < len(prefix) <= 32 and prefix.isascii()
    found = session.scalar(_in_use().where(Operator.prefix == prefix)) if plausible else None
    known = found.digest if found is not None else "0" * 64
    fits = hmac.compare_digest(known, key_digest(secret, random))
    if found is None or not fits:
        raise Unauthenticated(
            f"This is no operator's key; one begins with {KEY_MARK}_ and is made by: operator add"
        )
    return Officer(found.id, found.name, found.last_used_at)


def touch(session: Session, officer: Officer, *, now: datetime) -> None:
    """Note that the key was used, as exactly as that of other keys."""
    if is_stale(officer.last_used_at, now=now):
        session.execute(
            update(Operator).where(Operator.id == officer.key_id).values(last_used_at=now)
        )


def _in_use() -> Select[Operator]:
    return select(Operator).where(Operator.revoked_at.is_(None))
