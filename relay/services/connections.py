"""Connecting a site: what its owner may choose, and *Connect*, which writes everything but the key.

The key itself is made when the site's server fetches it (`connection_codes`), for it is shown only once.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from relay import languages
from relay.addresses import EmailAddress, parse
from relay.errors import Forbidden, Invalid, NotFound
from relay.keys import Keyring
from relay.models import Account, Site, SiteConnection
from relay.policy import connecting as rules
from relay.policy.acceptable_use import VERSION
from relay.policy.site_urls import same_site
from relay.services import acceptable_use, account_requests, locks, sign_ins, sites
from relay.services.account_requests import NewAccount
from relay.services.sign_ins import A_DAY
from relay.services.sites import Introduction
from relay.vocabulary import AccountOpening, State

CODE = "connection code"
"""Purpose of the keyed digest under which a code is kept."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What somebody may choose: their accounts with their sites, and the domain to suggest.

    `site` is the one that has this address already. `barred`: all they had was ended for good.
    """

    accounts: Sequence[Account]
    site: Site | None
    domain: str
    barred: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What the owner has chosen: an account (or a new one), a site of it (or a new one), a domain or none.

    `language` is that of the page on which they did.
    """

    account_id: UUID | None = None
    site_id: UUID | None = None
    new_account: NewAccount | None = None
    domain: str = ""
    ends_other_keys: bool = False
    agreed_to_policy: bool = False
    language: str = languages.ENGLISH


@dataclass(frozen=True, slots=True)
class Rules:
    """What this installation has settled: who may open an account, and the region of its domains."""

    opening: AccountOpening
    region: str


def find(
    session: Session, keyring: Keyring, id: UUID, browser: str, *, now: datetime
) -> SiteConnection:
    """A connection of this browser. Raises `NotFound` for one of another, or that is over."""
    found = session.get(SiteConnection, id)
    return _checked(found, keyring, browser, now)


def connect(
    session: Session,
    keyring: Keyring,
    id: UUID,
    browser: str,
    choice: Choice,
    settled: Rules,
    *,
    now: datetime,
) -> tuple[SiteConnection, str]:
    """Do it: account, site and domain as chosen, and a code that fetches the key, once, for 10 minutes.

    From then on the owner is written to in the language of the page.
    Whoever calls has seen that the browser is signed in as the connection's address. Raises `NotFound`
    as `find`, `Invalid` without the owner's word on the policy, `Forbidden` where there is no account
    and none may be opened, `AccountSuspended` for an account that is suspended or a site that was ended,
    `LimitReached`, and what `domains.claim` raises.
    """
    found = _checked(
        session.get(SiteConnection, id, with_for_update=True, populate_existing=True),
        keyring,
        browser,
        now,
    )
    if not choice.agreed_to_policy:
        raise Invalid("Nobody is connected who does not accept the policy", field="policy")
    locks.hold(session, [f"owner {parse(found.address).key}"])
    known = offers(session, found)
    found.language = choice.language
    account = _account(session, known, found, choice, settled, now)
    account.language = choice.language
    acceptable_use.accept(session, account.id, VERSION, by=str(found.address), now=now)
    found.domain = sites.claim_domain(
        session, account.id, choice.domain, region=settled.region, now=now
    )
    introduced = Introduction(found.site_url, found.site_name, found.sender)
    site, _ = sites.place(session, account, introduced, chosen=choice.site_id, now=now)
    code = secrets.token_urlsafe(32)
    found.account_id, found.site_id = account.id, site.id
    found.ends_other_keys = choice.ends_other_keys
    found.code_digest = keyring.commitment(CODE, code)
    found.code_ends_at = now + rules.CODE_LASTS
    session.flush()
    return found, code


def _checked(
    found: SiteConnection | None, keyring: Keyring, browser: str, now: datetime
) -> SiteConnection:
    if (
        found is None
        or not sign_ins.is_from(keyring, found, browser)
        or found.at <= now - rules.REQUEST_LASTS
        or found.code_digest is not None
    ):
        raise NotFound("This connection is over, or belongs to another browser")
    return found


def offers(session: Session, connection: SiteConnection) -> Offers:
    """What the person who has proven the connection's address may choose."""
    owned = session.scalars(
        select(Account)
        .where(func.lower(Account.owner_email) == parse(connection.address).key)
        .options(selectinload(Account.sites))
        .order_by(Account.id)
        .execution_options(populate_existing=True)
    ).all()
    open_ = [account for account in owned if account.state is not State.TERMINATED]
    same = (
        site
        for account in open_
        for site in account.sites
        if same_site(site.url, connection.site_url) and site.state is not State.TERMINATED
    )
    sender = EmailAddress(connection.sender) if connection.sender else None
    return Offers(
        accounts=open_,
        site=next(same, None),
        domain=rules.domain_for(connection.site_url, sender),
        barred=bool(owned) and not open_,
    )


def _account(
    session: Session,
    known: Offers,
    connection: SiteConnection,
    choice: Choice,
    settled: Rules,
    now: datetime,
) -> Account:
    """The chosen account, or the new one."""
    if not known.accounts:
        if known.barred:
            raise Forbidden("No account may be opened for this address here")
        return account_requests.open_account(
            session, connection, choice.new_account, settled.opening, now=now
        )
    account = next((one for one in known.accounts if one.id == choice.account_id), None)
    if account is None:
        raise Invalid("This is none of your accounts", field="site")
    sites.check_account(account)
    lately = session.execute(
        select(func.count()).where(
            SiteConnection.account_id == account.id,
            SiteConnection.at > now - A_DAY,
            SiteConnection.code_digest.is_not(None),
        )
    ).scalar_one()
    if lately >= rules.SITES_AN_ACCOUNT_A_DAY:
        raise account_requests.too_many_today()
    return account
