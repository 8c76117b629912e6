"""Whose key it is that somebody presents: a site's, or an account's."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from relay.errors import Unauthenticated
from relay.models import ApiKey
from relay.ready import Ready, find
from relay.sayings import say
from relay.services.accounts import ACCOUNT_MARK, KEY_MARK, key_digest
from relay.vocabulary import Scope

USED_EVERY = timedelta(minutes=5)
"""`last_used_at` is this exact; writing it on each request would be a write too many."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A site that asks: its key, and what the key may do."""

    key_id: UUID
    account_id: UUID
    site_id: UUID | None
    scopes: frozenset[Scope]
    bound_url: str | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Manager:
    """An account that asks: whoever looks after its sites, by a key that opens nothing else."""

    key_id: UUID
    account_id: UUID
    last_used_at: datetime | None


_KEY = Ready(
    select(
        ApiKey.id,
        ApiKey.account_id,
        ApiKey.site_id,
        ApiKey.digest,
        ApiKey.scopes,
        ApiKey.bound_url,
        ApiKey.last_used_at,
        ApiKey.expires_at,
        ApiKey.revoked_at,
    ).where(ApiKey.prefix == bindparam("public"))
)


RECALLED_FOR = 60.0
"""Seconds for which a key that was read may be recalled."""

MOST_RECALLED = 10_000
"""Keys in memory; beyond, a process forgets all and begins anew."""

_read: dict[str, tuple[Any, float]] = {}
"""Rows of keys that this process has read, by what they begin with, and when (monotonic seconds)."""


def authenticate(session: Session, presented: str, *, secret: str, now: datetime) -> Caller:
    """The site that presents this key. Raises `Unauthenticated` without saying which part was wrong.

    The key of an account opens nothing here, whatever it begins with: it has no scopes.
    """
    return _caller(_known(session, presented, KEY_MARK, secret=secret, now=now))


def recall(presented: str, *, secret: str, now: datetime) -> Caller | None:
    """As `authenticate`, for a key that this process has read lately; None for all others.

    It is for who looks later whether the key has ended since, as accepting a message does, and saves the
    database a question: nothing else of a key ever changes.
    """
    row = _recalled(_public(presented, KEY_MARK), now)
    if row is None:
        return None
    return _caller(_checked(row, presented, secret=secret, now=now))


def _caller(row: Any) -> Caller:
    return Caller(
        key_id=row.id,
        account_id=row.account_id,
        site_id=row.site_id,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        bound_url=row.bound_url,
        last_used_at=row.last_used_at,
    )


def authenticate_account(
    session: Session, presented: str, *, secret: str, now: datetime
) -> Manager:
    """The account that presents its own key. Raises `Unauthenticated`, also for a site's key."""
    row = _known(session, presented, ACCOUNT_MARK, secret=secret, now=now)
    if row.site_id is not None:
        raise _unknown()
    return Manager(row.id, row.account_id, row.last_used_at)


def touch_key(session: Session, caller: Caller | Manager, *, now: datetime) -> None:
    """Note that the key was used, to within `USED_EVERY`."""
    if is_stale(caller.last_used_at, now=now):
        session.execute(update(ApiKey).where(ApiKey.id == caller.key_id).values(last_used_at=now))


def is_stale(last_used_at: datetime | None, *, now: datetime) -> bool:
    """Whether the last use was noted longer ago than it has to be exact."""
    return last_used_at is None or now - last_used_at > USED_EVERY


def ended() -> Unauthenticated:
    """That a key is over."""
    return Unauthenticated(say("This API key was revoked or replaced; make a new one"))


def _known(session: Session, presented: str, mark: str, *, secret: str, now: datetime) -> Any:
    public = _public(presented, mark)
    row = _looked_up(session, public) if public else None
    return _checked(row, presented, secret=secret, now=now)


def _public(presented: str, mark: str) -> str:
    """By what the key is looked up; empty where it is none of this kind."""
    shown, _, rest = presented.partition("_")
    public = rest.partition("_")[0]
    return public if shown == mark and len(public) <= 32 and public.isascii() else ""


def _checked(row: Any | None, presented: str, *, secret: str, now: datetime) -> Any:
    """The row, if the key that is presented is its key, and has not ended."""
    random = presented.partition("_")[2].partition("_")[2]
    digest = row.digest if row is not None else "0" * 64
    fits = hmac.compare_digest(digest, key_digest(secret, random))
    if row is None or not fits:
        raise _unknown()
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise ended()
    return row


def _recalled(prefix: str, now: datetime) -> Any | None:
    """The key's row as this process read it lately; None where its use is to be noted, too."""
    row, at = _read.get(prefix, (None, 0.0))
    if row is None or time.monotonic() - at > RECALLED_FOR:
        return None
    return None if is_stale(row.last_used_at, now=now) else row


def _looked_up(session: Session, prefix: str) -> Any | None:
    row = find(session, _KEY, {"public": prefix})
    if row is not None:
        if len(_read) >= MOST_RECALLED:
            _read.clear()
        _read[prefix] = row, time.monotonic()
    return row


def _unknown() -> Unauthenticated:
    return Unauthenticated(say("This API key is not known; copy it again from the relay"))
