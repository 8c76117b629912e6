"""Where a site stands: may it send, from where, and how much has it sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.errors import NotFound
from relay.models import Account, Action, Domain, Site, Usage
from relay.policy.sender import USABLE, lineage
from relay.policy.standing import Stand, fate, held_by, stricter
from relay.policy.windows import day_of, hour_of
from relay.services.domains import list_domains
from relay.services.reviews import held_copies
from relay.vocabulary import Cause, Lane, State


@dataclass(frozen=True, slots=True)
class Counts:
    """Accepted in one window: messages, people, and bytes times people."""

    messages: int = 0
    recipients: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class Where:
    """The stricter standing of site and account, what it is about, and what it means for mail."""

    state: State
    cause: Cause | None
    since: datetime | None
    reason: str | None
    lanes: Mapping[str, str]
    held: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Standing:
    """A site, its account and domains; `obstacles` say in words why it is not ready."""

    account: Account
    site: Site
    domains: Sequence[Domain]
    usage: Mapping[str, Counts]
    obstacles: Sequence[str]
    where: Where


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
        where(session, account, site),
    )


def where(session: Session, account: Account, site: Site) -> Where:
    """Where a site stands with its account, what that is about, and what it means for its mail."""
    of_account, of_site = Stand(account.state, account.cause), Stand(site.state, site.cause)
    stand = held_by(of_site, of_account)
    owner = site if stand == of_site else account
    reason = None
    if stand.state is not State.ACTIVE:
        whose = Action.site_id == site.id if owner is site else Action.site_id.is_(None)
        reason = session.scalar(
            select(Action.reason)
            .where(Action.account_id == account.id, whose)
            .order_by(Action.id.desc())
            .limit(1)
        )
    return Where(
        state=stand.state,
        cause=stand.cause,
        since=owner.state_since,
        reason=reason,
        lanes={lane.value: fate(lane, stand).value for lane in Lane},
        held=held_copies(session, site.id),
    )


def _usage(session: Session, site_id: UUID, now: datetime) -> dict[str, Counts]:
    began = {"hour": hour_of(now), "day": day_of(now)}
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
