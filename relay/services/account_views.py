"""Accounts as operators see them: found by what one remembers of them, and one with all about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from relay.errors import NotFound
from relay.models import Account, Action, Domain, Site
from relay.services import actions, appeals, relations, reviews, standing
from relay.services.appeals import Case
from relay.services.domains import list_domains
from relay.services.letters import HOUSE_ACCOUNT
from relay.services.paging import cut
from relay.services.relations import Related
from relay.services.reviews import Waiting
from relay.services.standing import Where
from relay.vocabulary import State

RECENT = 20
"""Actions that are shown with an account; the audit log has them all."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some accounts, newest first, and where to go on after them."""

    accounts: Sequence[Account]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account with everything an operator has to know before acting on it."""

    account: Account
    sites: Sequence[tuple[Site, Where]]
    domains: Sequence[Domain]
    reviews: Sequence[Waiting]
    appeals: Sequence[Case]
    actions: Sequence[Action]
    related: Sequence[Related]


def page(
    session: Session,
    *,
    search: str = "",
    state: State | None = None,
    limit: int = 50,
    before: UUID | None = None,
) -> Page:
    """Accounts whose name, owner's address or sites' addresses hold the searched words."""
    query = select(Account).where(Account.id != HOUSE_ACCOUNT)
    if words := search.strip().lower():
        with_site = select(Site.account_id).where(
            func.lower(Site.url).contains(words, autoescape=True)
        )
        query = query.where(
            func.lower(Account.name).contains(words, autoescape=True)
            | func.lower(Account.owner_email).contains(words, autoescape=True)
            | Account.id.in_(with_site)
        )
    if state is not None:
        query = query.where(Account.state == state)
    if before is not None:
        query = query.where(Account.id < before)
    found = session.scalars(query.order_by(Account.id.desc()).limit(limit + 1)).all()
    return Page(*cut(found, limit))


def view(session: Session, account_id: UUID, *, now: datetime) -> AccountView:
    """One account. Raises `NotFound`, also for the relay's own."""
    account = session.get(Account, account_id)
    if account is None or account.id == HOUSE_ACCOUNT:
        raise NotFound("There is no account with this id")
    return AccountView(
        account=account,
        sites=[(site, standing.where(session, account, site, now=now)) for site in account.sites],
        domains=list_domains(session, account_id),
        reviews=reviews.waiting(session, account_id=account_id),
        appeals=appeals.cases(session, account_id=account_id),
        actions=actions.history(session, account_id=account_id, limit=RECENT),
        related=relations.of_account(session, account_id),
    )
