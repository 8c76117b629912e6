"""A site that its account's own key connects: made or found, with a key for its WordPress, in one go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress, parse
from relay.models import Account, ApiKey, Domain
from relay.policy import connecting as rules
from relay.policy.site_urls import check_site
from relay.services import account_requests, accounts, connection_codes, locks, sites
from relay.services.connection_codes import KEY_NAME, SCOPES, Connected
from relay.services.sign_ins import A_DAY, House
from relay.services.sites import Introduction

AUTO = "auto"
"""Asks for the domain that the page of *Connect* would suggest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    `domain` is the one to claim, `AUTO`, or empty; `bind` ties the key to the address.
    """

    url: str
    name: str = ""
    sender: EmailAddress | None = None
    domain: str = ""
    bind: bool = True


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What came of it: whose the key is, whether the site is new, and the domain that was named."""

    connected: Connected
    is_new: bool
    domain: Domain | None


def enrol(
    session: Session,
    house: House,
    account_id: UUID,
    wanted: Wanted,
    *,
    secret: str,
    region: str,
    now: datetime,
) -> Enrolled:
    """The account's site with this address, or a new one, and a key for it; its older keys go on working.

    The owner is told, as after *Connect* in the browser. Raises `Invalid` for an address that is none of
    a website, `AccountSuspended` where the account or the site was stopped, `LimitReached`, and what
    `domains.claim` raises; then nothing was made.
    """
    host = check_site(wanted.url).host
    account = session.get_one(Account, account_id)
    locks.hold(session, [f"owner {parse(account.owner_email).key}"])
    session.refresh(account)
    _check(session, account, now)
    named = rules.domain_for(wanted.url, wanted.sender) if wanted.domain == AUTO else wanted.domain
    domain = sites.claim_domain(session, account.id, named, region=region, now=now)
    introduced = Introduction(
        wanted.url.rstrip("/"),
        rules.one_line(wanted.name) or host,
        str(wanted.sender) if wanted.sender else None,
    )
    site, is_new = sites.place(session, account, introduced, now=now)
    site.url = introduced.url
    session.flush()
    key = accounts.create_key(
        session, site.id, secret=secret, scopes=SCOPES, name=KEY_NAME, bind=wanted.bind, now=now
    )
    connected = Connected(key, account, site)
    connection_codes.tell(session, house, connected, domain, now=now)
    return Enrolled(connected, is_new, _domain(session, account.id, domain))


def _check(session: Session, account: Account, now: datetime) -> None:
    sites.check_account(account)
    lately = session.execute(
        select(func.count()).where(
            ApiKey.account_id == account.id,
            ApiKey.site_id.is_not(None),
            ApiKey.created_at > now - A_DAY,
        )
    ).scalar_one()
    if lately >= rules.SITES_AN_ACCOUNT_A_DAY:
        raise account_requests.too_many_today()


def _domain(session: Session, account_id: UUID, name: str | None) -> Domain | None:
    return session.scalar(
        select(Domain).where(Domain.account_id == account_id, Domain.name == name)
    )
