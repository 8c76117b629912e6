"""Accounts, sites and their keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from relay.addresses import parse as parse_address
from relay.db import new_id
from relay.errors import Conflict, NotFound, Unauthenticated
from relay.models import Account, ApiKey, Site
from relay.ready import Ready, find
from relay.vocabulary import Scope, State

T = TypeVar("T", Account, Site)

KEY_MARK = "prk"
"""First part of every key, so that people and secret scanners recognise one."""

ROTATION_GRACE = timedelta(hours=24)
"""How long the old key works after a rotation (our decision)."""

USED_EVERY = timedelta(minutes=5)
"""`last_used_at` is this exact; writing it on each request would be a write too many."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: the key, its account and site, their standing, and what the key may do."""

    key_id: UUID
    account_id: UUID
    site_id: UUID | None
    scopes: frozenset[Scope]
    bound_url: str | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `secret` is the whole key as the site presents it, shown this once."""

    key: ApiKey
    secret: str


def create_account(
    session: Session,
    *,
    name: str,
    owner_email: str,
    state: State = State.ACTIVE,
    now: datetime,
) -> Account:
    """A new customer; active at once, for whoever may run this command has approved it, or pending."""
    owner = str(parse_address(owner_email))
    account = Account(id=new_id(), name=name, owner_email=owner, state=state, created_at=now)
    session.add(account)
    session.flush()
    return account


def find_account(session: Session, account_id: UUID) -> Account:
    """The account. Raises `NotFound`."""
    return _get(session, Account, account_id, "account")


def create_site(
    session: Session,
    account_id: UUID,
    *,
    name: str,
    url: str,
    default_from: str | None = None,
    now: datetime,
) -> Site:
    """A WordPress install of the account. Raises `NotFound` for an unknown account."""
    _get(session, Account, account_id, "account")
    sender = str(parse_address(default_from)) if default_from else None
    site = Site(
        id=new_id(), account_id=account_id, name=name, url=url.rstrip("/"), state=State.ACTIVE,
        default_from=sender, created_at=now,
    )  # fmt: skip
    session.add(site)
    session.flush()
    return site


def create_key(
    session: Session,
    site_id: UUID,
    *,
    secret: str,
    scopes: Iterable[Scope],
    name: str = "",
    bind: bool = False,
    now: datetime,
) -> NewKey:
    """A key of the site. `secret` is the relay's own secret, with which the key is digested.

    `bind` ties the key to the site's URL: presented by a site elsewhere, it is refused.
    """
    site = _get(session, Site, site_id, "site")
    prefix = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    random = secrets.token_urlsafe(32)
    key = ApiKey(
        id=new_id(),
        account_id=site.account_id,
        site_id=site.id,
        prefix=prefix,
        digest=key_digest(secret, random),
        name=name,
        scopes=sorted(scope.value for scope in scopes),
        bound_url=site.url if bind else None,
        created_at=now,
    )
    session.add(key)
    session.flush()
    return NewKey(key, f"{KEY_MARK}_{prefix}_{random}")


def rotate_key(session: Session, prefix: str, *, secret: str, now: datetime) -> NewKey:
    """A successor with the same rights; the old key works for `ROTATION_GRACE` more."""
    old = find_key(session, prefix)
    if old.site_id is None:
        raise NotFound("An account key cannot be rotated yet; make a new one and revoke this")
    if old.revoked_at is not None:
        raise Conflict("This key was revoked; make a new one with: key create")
    ends = now + ROTATION_GRACE
    old.expires_at = min(old.expires_at or ends, ends)
    new = create_key(
        session,
        old.site_id,
        secret=secret,
        scopes=[Scope(scope) for scope in old.scopes],
        name=old.name,
        now=now,
    )
    new.key.bound_url = old.bound_url
    return new


def revoke_key(session: Session, prefix: str, *, now: datetime) -> ApiKey:
    """End the key at once. Revoking twice changes nothing."""
    key = find_key(session, prefix)
    key.revoked_at = key.revoked_at or now
    return key


def find_key(session: Session, prefix: str) -> ApiKey:
    """The key with this public part (`prk_<prefix>_…`; the whole key is understood too)."""
    public = prefix.split("_")[1] if prefix.startswith(f"{KEY_MARK}_") else prefix
    key = session.scalar(select(ApiKey).where(ApiKey.prefix == public))
    if key is None:
        raise NotFound("There is no key with this prefix; `python -m relay key list` shows them")
    return key


def list_keys(session: Session, site_id: UUID | None = None) -> Sequence[ApiKey]:
    """All keys, or those of one site, oldest first."""
    query = select(ApiKey).order_by(ApiKey.id)
    return session.scalars(query.where(ApiKey.site_id == site_id) if site_id else query).all()


def key_digest(secret: str, presented: str) -> str:
    """Keyed digest of a key's random part: keys are 256 bits of chance, so no slow hash is needed."""
    return hmac.new(secret.encode(), presented.encode(), hashlib.sha256).hexdigest()


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


def authenticate(session: Session, presented: str, *, secret: str, now: datetime) -> Caller:
    """Who presents this key. Raises `Unauthenticated` without saying which part was wrong."""
    mark, _, rest = presented.partition("_")
    prefix, _, random = rest.partition("_")
    row = (
        find(session, _KEY, {"public": prefix})
        if mark == KEY_MARK and prefix and len(prefix) <= 32 and prefix.isascii()
        else None
    )
    known = row.digest if row is not None else "0" * 64
    fits = hmac.compare_digest(known, key_digest(secret, random))
    if row is None or not fits:
        raise Unauthenticated("This API key is not known; copy it again from the relay")
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise Unauthenticated("This API key was revoked or replaced; make a new one")
    return Caller(
        key_id=row.id,
        account_id=row.account_id,
        site_id=row.site_id,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        bound_url=row.bound_url,
        last_used_at=row.last_used_at,
    )


def touch_key(session: Session, caller: Caller, *, now: datetime) -> None:
    """Note that the key was used, to within `USED_EVERY`."""
    if caller.last_used_at is None or now - caller.last_used_at > USED_EVERY:
        session.execute(update(ApiKey).where(ApiKey.id == caller.key_id).values(last_used_at=now))


def _get(session: Session, kind: type[T], id: UUID, word: str) -> T:
    found = session.get(kind, id)
    if found is None:
        raise NotFound(f"There is no {word} {id}")
    return found
