"""Related accounts: who else may be the same people, so that an operator looks at all of them.

Whoever was ended here comes back under another name, but seldom with another domain, mailbox, host
and text. A relation is a reason to look, never one to act.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.models import Account, Domain, FormerDomain, Site, Wording
from relay.policy.mailboxes import mailbox
from relay.policy.names import free_mail_domain, registrable
from relay.services import domains, links
from relay.services.letters import HOUSE_ACCOUNT
from relay.vocabulary import Relation, State

MOST = 50
"""Related accounts that are shown."""

WORDINGS = 100
"""Of the account's latest mails whose wording is known, so many are compared (our decision)."""

FIRST = (State.TERMINATED, State.SUSPENDED)
"""Standings that an operator has to see at once."""


@dataclass(frozen=True, slots=True)
class Tie:
    """One thing in common: what kind, and which."""

    kind: Relation
    what: str


@dataclass(frozen=True, slots=True)
class Related:
    """An account that has something in common with another one."""

    account: Account
    because: tuple[Tie, ...]


def of_account(session: Session, account_id: UUID) -> list[Related]:
    """The accounts related to this one; terminated and suspended ones first, then by how much."""
    ties: dict[UUID, set[Tie]] = defaultdict(set)
    for look in (_by_domain, _by_owner, _by_host, _by_wording, _by_link):
        for other, tie in look(session, account_id):
            ties[other].add(tie)
    found = [
        Related(account, tuple(sorted(ties[account.id], key=lambda tie: (tie.kind, tie.what))))
        for account in session.scalars(
            select(Account).where(
                Account.id.in_(ties), Account.id.not_in((account_id, HOUSE_ACCOUNT))
            )
        )
    ]
    return sorted(found, key=_urgency)[:MOST]


def _urgency(found: Related) -> tuple[int, int, str]:
    state = found.account.state
    return (
        FIRST.index(state) if state in FIRST else len(FIRST),
        -len(found.because),
        found.account.name,
    )


def _by_domain(session: Session, account_id: UUID) -> Iterator[tuple[UUID, Tie]]:
    """Names of one registered domain, whatever has become of the claim."""
    own = {
        registrable(name) or name
        for model in (Domain, FormerDomain)
        for name in session.scalars(select(model.name).where(model.account_id == account_id))
    }
    for model in (Domain, FormerDomain) if own else ():
        under = or_(model.name.in_(own), *(domains.below(model.name, name) for name in sorted(own)))
        for row in session.execute(select(model.account_id, model.name).where(under)):
            yield row.account_id, Tie(Relation.SENDING_DOMAIN, registrable(row.name) or row.name)


def _by_owner(session: Session, account_id: UUID) -> Iterator[tuple[UUID, Tie]]:
    """One mailbox, however it is spelt, or one domain that is no mailbox provider's."""
    rows = session.execute(select(Account.id, Account.owner_email)).all()
    owners = {row.id: EmailAddress(row.owner_email) for row in rows}
    own = owners[account_id]
    own_mailbox, own_domain = mailbox(own), _domain_of(own)
    for other, address in owners.items():
        if mailbox(address) == own_mailbox:
            yield other, Tie(Relation.OWNER_ADDRESS, str(address))
        elif own_domain is not None and _domain_of(address) == own_domain:
            yield other, Tie(Relation.OWNER_DOMAIN, own_domain)


def _domain_of(address: EmailAddress) -> str | None:
    """The registered domain of an address; None for a mailbox provider's."""
    if free_mail_domain(address.domain) is not None:
        return None
    return registrable(address.domain) or address.domain


def _by_host(session: Session, account_id: UUID) -> Iterator[tuple[UUID, Tie]]:
    """One host, or hosts of one registered domain."""
    urls = session.scalars(select(Site.url).where(Site.account_id == account_id))
    own = {name for url in urls if (name := _host_of(url)) is not None}
    if not own:
        return
    url = func.lower(Site.url)
    holding = or_(*(url.contains(name, autoescape=True) for name in sorted(own)))
    for row in session.execute(select(Site.account_id, Site.url).where(holding)):
        if (name := _host_of(row.url)) in own:
            yield row.account_id, Tie(Relation.SITE_HOST, str(name))


def _host_of(url: str) -> str | None:
    """The registered domain of a site's address, or its host where that is none."""
    try:
        host = urlsplit(url).hostname or ""
        ipaddress.ip_address(host)
    except ValueError:
        return registrable(host) or host or None
    return host


def _by_wording(session: Session, account_id: UUID) -> Iterator[tuple[UUID, Tie]]:
    """The same words with the same links, of the mails whose wording is known (two days)."""
    own = set(
        session.scalars(
            select(Wording.wording)
            .join(Site, Site.id == Wording.site_id)
            .where(Site.account_id == account_id)
            .order_by(Wording.accepted_at.desc())
            .limit(WORDINGS)
        )
    )
    if not own:
        return
    elsewhere = select(Site.id).where(Site.account_id != account_id)
    rows = session.execute(
        select(Site.account_id, func.count())
        .join(Wording, Wording.site_id == Site.id)
        .where(Wording.site_id.in_(elsewhere), Wording.wording.in_(own))
        .group_by(Site.account_id)
    )
    for other, mails in rows:
        yield other, Tie(Relation.WORDING, f"{mails:,} mail{'s' if mails > 1 else ''}")


def _by_link(session: Session, account_id: UUID) -> Iterator[tuple[UUID, Tie]]:
    """Places to which the mail of both links, as far as it was read; everybody's places do not count."""
    for place in links.link_domains(session, account_id):
        for other, _ in place.others:
            yield other, Tie(Relation.LINK_DOMAIN, place.host)
