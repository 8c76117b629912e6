"""Where a site stands: may it send, from where, and how much has it sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.errors import NotFound
from relay.models import Account, Domain, Site, Usage
from relay.policy.sender import USABLE, lineage
from relay.policy.standing import stricter
from relay.services.domains import list_domains
from relay.vocabulary import State


@dataclass(frozen=True, slots=True)
class Counts:
    """Accepted in one window: messages, people, and bytes times people."""

    messages: int = 0
    recipients: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A site, its account and domains; `obstacles` say in words why it is not ready."""

    account: Account
    site: Site
    domains: Sequence[Domain]
    usage: Mapping[str, Counts]
    obstacles: Sequence[str]


def of_site(session: Session, site_id: UUID, *, now: datetime) -> Standing:
    """The site's standing. Raises `NotFound` for a site that is gone."""
    site = session.get(Site, site_id)
    if site is None:
        raise NotFound("The site of this key no longer exists")
    account = session.get_one(Account, site.account_id)
    domains = list_domains(session, site.account_id)
    return Standing(
        account,
        site,
        domains,
        _usage(session, site_id, now),
        list(_obstacles(account, site, domains)),
    )


def _usage(session: Session, site_id: UUID, now: datetime) -> dict[str, Counts]:
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    began = {"hour": hour, "day": hour.replace(hour=0)}
    rows = session.scalars(
        select(Usage).where(
            Usage.site_id == site_id, Usage.window.in_(began), Usage.began_at.in_(began.values())
        )
    )
    counted = {
        row.window: Counts(row.messages, row.recipients, row.octets)
        for row in rows
        if row.began_at == began[row.window]
    }
    return {window: counted.get(window, Counts()) for window in began}


def _obstacles(account: Account, site: Site, domains: Sequence[Domain]) -> list[str]:
    found = []
    if (state := stricter(account.state, site.state)) in (
        State.PENDING,
        State.SUSPENDED,
        State.TERMINATED,
    ):
        found.append(f"The account or site is {state.value}.")
    usable = {domain.name for domain in domains if domain.status in USABLE}
    if site.default_from is None:
        if not usable:
            found.append("No sending domain is verified.")
    elif not usable.intersection(lineage(site.default_from.rpartition("@")[2].lower())):
        found.append(f"The domain of {site.default_from} is not verified.")
    return found
