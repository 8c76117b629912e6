"""The sites of an account: found or made by their address, listed, and their keys ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.errors import AccountSuspended, Invalid, NotFound
from relay.models import Account, ApiKey, Domain, Site
from relay.policy.sender import lineage
from relay.policy.site_urls import same_site
from relay.services import accounts, domains
from relay.services.paging import cut
from relay.vocabulary import DomainStatus, State

STOPPED = frozenset((State.SUSPENDED, State.TERMINATED))
"""States in which an account gets no more sites and keys; one that is pending may prepare its own."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a site says of itself: its address, its name, and from which address it usually mails."""

    url: str
    name: str
    sender: str | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A site, how many keys of it work, and when one of its keys was used last."""

    site: Site
    keys: int
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some sites, newest first, and where to go on after them."""

    sites: Sequence[Listed]
    next_cursor: str | None


def check_account(account: Account) -> None:
    """Raises `AccountSuspended` for an account that gets no more sites and keys."""
    if account.state in STOPPED:
        raise AccountSuspended(
            f"The account is {account.state.value}: it gets no more sites and keys",
            state=account.state.value,
        )


def place(
    session: Session,
    account: Account,
    introduced: Introduction,
    *,
    chosen: UUID | None = None,
    now: datetime,
) -> tuple[Site, bool]:
    """The chosen site, else the one with this address, else a new one, locked; and whether it is new.

    An account has one site for each address. Claim the domain first: the site's usual sender is kept
    only if it lies in a domain of the account. Raises `Invalid` for a choice that is none of its sites,
    `AccountSuspended` for a site that was ended.
    """
    if chosen is not None:
        site = session.scalar(select(Site).where(Site.account_id == account.id, Site.id == chosen))
        if site is None:
            raise Invalid("This is no site of the account", field="site")
    else:
        site = site_at(session, account.id, introduced.url)
    is_new = site is None
    if site is None:
        site = accounts.create_site(
            session, account.id, name=introduced.name, url=introduced.url, now=now
        )
    else:
        session.refresh(site, with_for_update={"key_share": True})  # it may have been ended since
    if site.state is State.TERMINATED:
        raise AccountSuspended("This site was ended for good", state=site.state.value)
    if site.default_from is None and _may_be_sender(session, account.id, introduced.sender):
        site.default_from = introduced.sender
    session.flush()
    return site, is_new


def site_at(session: Session, account_id: UUID, url: str) -> Site | None:
    """The account's site with this address, but for http or https, case and a trailing slash."""
    known = session.scalars(select(Site).where(Site.account_id == account_id))
    return next((one for one in known if same_site(one.url, url)), None)


def claim_domain(
    session: Session, account_id: UUID, name: str, *, region: str, now: datetime
) -> str | None:
    """The domain's name, claimed if it is not one of the account's yet; None where none is named."""
    if not name:
        return None
    canon = domains.canonical(name)
    mine = session.scalar(
        select(Domain).where(
            Domain.account_id == account_id,
            Domain.name == canon,
            Domain.status != DomainStatus.LAPSED,
        )
    )
    if mine is None:
        domains.claim(session, account_id, canon, region=region, now=now)
    return canon


def page(
    session: Session, account_id: UUID, *, limit: int, before: UUID | None = None, now: datetime
) -> Page:
    """The account's sites, newest first."""
    of_site = ApiKey.site_id == Site.id
    works = ApiKey.revoked_at.is_(None) & or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now)
    query = select(
        Site,
        select(func.count()).where(of_site, works).scalar_subquery(),
        select(func.max(ApiKey.last_used_at)).where(of_site).scalar_subquery(),
    ).where(Site.account_id == account_id)
    if before is not None:
        query = query.where(Site.id < before)
    rows = session.execute(query.order_by(Site.id.desc()).limit(limit + 1))
    return Page(*cut([Listed(*row) for row in rows], limit, lambda each: each.site.id))


def find(session: Session, account_id: UUID, site_id: UUID) -> Site:
    """A site of the account. Raises `NotFound`, also for a site of another account."""
    found = session.get(Site, site_id)
    if found is None or found.account_id != account_id:
        raise NotFound("There is no such site in this account")
    return found


def end_key(
    session: Session, account_id: UUID, site_id: UUID, key_id: UUID, *, now: datetime
) -> ApiKey:
    """End a key of the site at once; twice changes nothing. Raises `NotFound`."""
    site = find(session, account_id, site_id)
    key = session.get(ApiKey, key_id)
    if key is None or key.site_id != site.id:
        raise NotFound("There is no such key of this site")
    return accounts.revoke_key(session, key.prefix, now=now)


def _may_be_sender(session: Session, account_id: UUID, sender: str | None) -> bool:
    """Whether the site's usual sender lies in a domain of the account, proven or claimed.

    WordPress makes up an address where nobody has chosen one; kept, it would never become ready.
    """
    if sender is None:
        return False
    names = {one.name for one in domains.list_domains(session, account_id)}
    return not names.isdisjoint(lineage(EmailAddress(sender).domain))
