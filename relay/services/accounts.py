"""Accounts, sites and the keys of both."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay import languages
from relay.addresses import parse as parse_address
from relay.db import new_id
from relay.errors import Conflict, NotFound
from relay.models import Account, ApiKey, Site
from relay.vocabulary import Scope, State

T = TypeVar("T", Account, Site)

KEY_MARK = "prk"
"""First part of every site's key, so that people and secret scanners recognise one."""

ACCOUNT_MARK = "pra"
"""First part of every account's key."""

ROTATION_GRACE = timedelta(hours=24)
"""How long the old key works after a rotation (our decision)."""


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
    language: str = languages.ENGLISH,
    state: State = State.ACTIVE,
    now: datetime,
) -> Account:
    """A new customer; active at once, for whoever may run this command has approved it, or pending.

    `language` is the tag of the one in which its owner is written to.
    """
    account = Account(
        id=new_id(),
        name=name,
        owner_email=str(parse_address(owner_email)),
        language=language,
        state=state,
        created_at=now,
    )
    session.add(account)
    session.flush()
    return account


def find_account(session: Session, account_id: UUID) -> Account:
    """The account. Raises `NotFound`."""
    return _get(session, Account, account_id, "account")


def find_site(session: Session, site_id: UUID) -> Site:
    """The site, whosesoever it is. Raises `NotFound`."""
    return _get(session, Site, site_id, "site")


def check_named(
    session: Session, *, account_id: UUID | None = None, site_id: UUID | None = None
) -> None:
    """Whom an operator names is there, if anybody is named. Raises `NotFound`."""
    if account_id is not None:
        find_account(session, account_id)
    if site_id is not None:
        find_site(session, site_id)


def set_language(session: Session, account_id: UUID, language: str) -> Account:
    """Write to the account's owner in another language from now on. Raises `NotFound`."""
    found = find_account(session, account_id)
    found.language = language
    return found


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
    find_account(session, account_id)
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
    site = find_site(session, site_id)
    return _mint(
        session,
        secret=secret,
        account_id=site.account_id,
        site_id=site.id,
        name=name,
        scopes=sorted(scope.value for scope in scopes),
        bound_url=site.url if bind else None,
        created_at=now,
    )


def create_account_key(
    session: Session, account_id: UUID, *, secret: str, name: str = "", now: datetime
) -> NewKey:
    """A key of the account itself: it makes sites and their keys, and never mails."""
    find_account(session, account_id)
    return _mint(
        session,
        secret=secret,
        account_id=account_id,
        site_id=None,
        name=name,
        scopes=[],
        created_at=now,
    )


def _mint(session: Session, *, secret: str, site_id: UUID | None, **values: Any) -> NewKey:
    """A key with these values in its row, of a site or of no site."""
    mark = KEY_MARK if site_id is not None else ACCOUNT_MARK
    prefix = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    random = secrets.token_urlsafe(32)
    digest = key_digest(secret, random)
    key = ApiKey(id=new_id(), prefix=prefix, digest=digest, site_id=site_id, **values)
    session.add(key)
    session.flush()
    return NewKey(key, f"{mark}_{prefix}_{random}")


def rotate_key(session: Session, prefix: str, *, secret: str, now: datetime) -> NewKey:
    """A successor with the same rights; the old key works for `ROTATION_GRACE` more."""
    old = find_key(session, prefix)
    if old.revoked_at is not None:
        raise Conflict("This key was revoked; make a new one with: key create")
    ends = now + ROTATION_GRACE
    old.expires_at = min(old.expires_at or ends, ends)
    return _mint(
        session,
        secret=secret,
        account_id=old.account_id,
        site_id=old.site_id,
        name=old.name,
        scopes=old.scopes,
        bound_url=old.bound_url,
        created_at=now,
    )


def revoke_key(session: Session, prefix: str, *, now: datetime) -> ApiKey:
    """End the key at once. Revoking twice changes nothing."""
    key = find_key(session, prefix)
    key.revoked_at = key.revoked_at or now
    return key


def find_key(session: Session, prefix: str) -> ApiKey:
    """The key with this public part (`prk_<prefix>_…`; the whole key is understood too)."""
    public = (
        prefix.split("_")[1] if prefix.startswith((f"{KEY_MARK}_", f"{ACCOUNT_MARK}_")) else prefix
    )
    key = session.scalar(select(ApiKey).where(ApiKey.prefix == public))
    if key is None:
        raise NotFound("There is no key with this prefix; `python -m relay key list` shows them")
    return key


def list_keys(
    session: Session, site_id: UUID | None = None, *, account_id: UUID | None = None
) -> Sequence[ApiKey]:
    """All keys, or those of one site, or those that are an account's own, oldest first."""
    query = select(ApiKey).order_by(ApiKey.id)
    if site_id is not None:
        query = query.where(ApiKey.site_id == site_id)
    if account_id is not None:
        query = query.where(ApiKey.account_id == account_id, ApiKey.site_id.is_(None))
    return session.scalars(query).all()


def key_digest(secret: str, presented: str) -> str:
    """Keyed digest of a key's random part: keys are 256 bits of chance, so no slow hash is needed."""
    return hmac.digest(secret.encode(), presented.encode(), "sha256").hex()


def _get(session: Session, kind: type[T], id: UUID, word: str) -> T:
    found = session.get(kind, id)
    if found is None:
        raise NotFound(f"There is no {word} with this id; `python -m relay {word} list` shows them")
    return found
