"""Sending domains of an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import idna
from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.db import new_id
from relay.errors import AlreadyExists, Invalid, NotFound
from relay.models import Account, Domain
from relay.vocabulary import DomainStatus


def canonical(name: str) -> str:
    """The domain in lower case and Punycode, as it is compared. Raises `Invalid`."""
    try:
        ascii_name = idna.encode(name.strip().rstrip("."), uts46=True).decode().lower()
    except idna.IDNAError as error:
        raise Invalid(f"{name!r} is not a domain name: {error}") from None
    if "." not in ascii_name or len(ascii_name) > 253:
        raise Invalid(f"{name!r} is not a domain name one can send from")
    return ascii_name


def add_domain(
    session: Session, account_id: UUID, name: str, *, verified: bool, now: datetime
) -> Domain:
    """Claim a domain for the account; `verified` is the operator's word that it is theirs."""
    if session.get(Account, account_id) is None:
        raise NotFound(f"There is no account {account_id}")
    canon = canonical(name)
    if session.scalar(select(Domain).where(Domain.account_id == account_id, Domain.name == canon)):
        raise AlreadyExists(f"{canon} is already a domain of this account")
    domain = Domain(
        id=new_id(),
        account_id=account_id,
        name=canon,
        status=DomainStatus.VERIFIED if verified else DomainStatus.PENDING,
        created_at=now,
        verified_at=now if verified else None,
    )
    session.add(domain)
    session.flush()
    return domain


def list_domains(session: Session, account_id: UUID) -> Sequence[Domain]:
    """The account's domains by name."""
    return session.scalars(
        select(Domain).where(Domain.account_id == account_id).order_by(Domain.name)
    ).all()
