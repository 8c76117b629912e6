"""The end of a connection: the site's server exchanges its code for a key, and the owner is told.

A key is made at the exchange, because it is shown once; the letter to the owner can take it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from relay.errors import ConnectCodeInvalid, NotFound
from relay.keys import Keyring
from relay.models import Account, ApiKey, Domain, Site, SiteConnection
from relay.policy import connecting as rules
from relay.policy.site_urls import same_site
from relay.sayings import say
from relay.services import accounts, letters, sites
from relay.services.accounts import NewKey
from relay.services.connections import CODE
from relay.services.domain_looks import share_url
from relay.services.sign_ins import House
from relay.services.subscriptions import TOKEN
from relay.vocabulary import DomainStatus, Scope, State

UNDO = "connection undo"
"""Purpose of the seal on the link that ends a key."""

SCOPES = (Scope.SEND, Scope.READ, Scope.MANAGE)

KEY_NAME = "WordPress"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the site's server presents: the code, the verifier behind the challenge, and its own address."""

    code: str
    verifier: str
    site_url: str


@dataclass(frozen=True, slots=True)
class Connected:
    """A key, and whose it is."""

    key: NewKey
    account: Account
    site: Site


@dataclass(frozen=True, slots=True)
class Undoing:
    """The key that a letter's link ends, and whether it has ended."""

    key: ApiKey
    site: Site


def exchange(
    session: Session, house: House, proof: Proof, *, secret: str, now: datetime
) -> Connected:
    """The key for a code, once. Raises `ConnectCodeInvalid` without saying what was wrong.

    A wrong verifier uses nothing up: whoever has stolen a code cannot spoil it.
    """
    found = _found(session, house.keyring, proof, now)
    site = session.get_one(Site, found.site_id, with_for_update={"key_share": True})
    account = session.get_one(Account, found.account_id)
    if site.state is State.TERMINATED or account.state in sites.STOPPED:
        raise _invalid()
    site.url = found.site_url
    session.flush()
    key = accounts.create_key(
        session, site.id, secret=secret, scopes=SCOPES, name=KEY_NAME, bind=True, now=now
    )
    if found.ends_other_keys:
        session.execute(
            update(ApiKey)
            .where(ApiKey.site_id == site.id, ApiKey.id != key.key.id, ApiKey.revoked_at.is_(None))
            .values(revoked_at=now)
            .execution_options(synchronize_session=False)
        )
    found.exchanged_at = now
    session.flush()
    connected = Connected(key, account, site)
    tell(session, house, connected, found.domain, now=now)
    return connected


def undoing(session: Session, keyring: Keyring, token: str) -> Undoing:
    """What a letter's link would end. Raises `NotFound` for a link that is not ours."""
    prefix = keyring.open(UNDO, token.rstrip(".,;:!?'\")>]} "))
    key = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix)) if prefix else None
    if key is None or key.site_id is None:
        raise NotFound("This link does not work")
    return Undoing(key, session.get_one(Site, key.site_id))


def undo(session: Session, keyring: Keyring, token: str, *, now: datetime) -> Undoing:
    """End the key at once; twice changes nothing."""
    found = undoing(session, keyring, token)
    accounts.revoke_key(session, found.key.prefix, now=now)
    session.flush()
    return found


def _found(session: Session, keyring: Keyring, proof: Proof, now: datetime) -> SiteConnection:
    """The connection that this proves to be of, held until the transaction ends."""
    whole = TOKEN.fullmatch(proof.code) is not None
    digests = keyring.commitments(CODE, proof.code) if whole else []
    found = session.scalar(
        select(SiteConnection).where(SiteConnection.code_digest.in_(digests)).with_for_update()
    )
    if (
        found is None
        or found.exchanged_at is not None
        or found.code_ends_at is None
        or found.code_ends_at <= now
        or not same_site(found.site_url, proof.site_url)
        or not rules.is_proof(proof.verifier, found.challenge)
    ):
        raise _invalid()
    return found


def _invalid() -> ConnectCodeInvalid:
    return ConnectCodeInvalid(
        say("The code is unknown, used or over, or was not made for this site")
    )


def tell(
    session: Session,
    house: House,
    done: Connected,
    domain_name: str | None,
    *,
    now: datetime,
) -> None:
    """Write to the account's owner what was connected, and how to take it back."""
    domain = session.scalar(
        select(Domain).where(
            Domain.account_id == done.account.id,
            Domain.name == domain_name,
            Domain.status == DomainStatus.PENDING,
        )
    )
    values = {
        "site": done.site.name,
        "site_url": done.site.url,
        "account": done.account.name,
        "at": now,
        "pending": done.account.state is State.PENDING,
        "domain": domain.name if domain else "",
        "share_url": share_url(house.public_url, domain) if domain else "",
        "undo": house.link(f"/connect/undo/{house.keyring.seal(UNDO, done.key.key.prefix)}"),
    }
    letters.to_owner(session, done.account.id, "connected", values, sender=house.sender, now=now)
