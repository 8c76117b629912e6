"""Under whose name a copy leaves: its account's tenant at Amazon SES, once that is ready."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from relay.db import constant
from relay.models import Recipient, Site, Tenant, TenantDomain
from relay.policy.sender import lineage
from relay.sayings import phrase
from relay.vocabulary import SendingStatus, Stage

PUT_OFF = timedelta(minutes=5)
"""Mail of a tenant that SES has paused is looked at again after so long (our decision)."""

MOST = 1_000
"""Copies put off in one turn, so that no lock is held long."""

PAUSED = "tenant-paused"
"""The mailer's code for a pause of one tenant."""

REFUSED = "tenant-refused"
"""The mailer's code for a copy that SES did not take for its tenant; the copy goes without one next."""

REASON = {"code": PAUSED, "title": phrase("Amazon SES has paused this account's mail")}


@dataclass(frozen=True, slots=True)
class Tenancy:
    """An account's tenant, with the domains it may use; `is_stopped`: SES takes nothing of it."""

    name: str
    is_stopped: bool
    domains: frozenset[str]

    def name_for(self, sender: str) -> str | None:
        """The tenant's name for mail From this address; None while its domain is not known there."""
        domain = sender.rpartition("@")[2]
        return self.name if self.domains.intersection(lineage(domain)) else None


def of(session: Session, account_ids: Collection[UUID]) -> Mapping[UUID, Tenancy]:
    """The tenants of these accounts that are ready; one statement."""
    rows = session.execute(
        select(Tenant.account_id, Tenant.name, Tenant.status, TenantDomain.name.label("domain"))
        .join(TenantDomain, TenantDomain.account_id == Tenant.account_id)
        .where(
            Tenant.account_id.in_(account_ids),
            Tenant.arn.is_not(None),
            Tenant.configuration_set.is_not(None),
        )
    ).all()
    domains: dict[UUID, set[str]] = {}
    for row in rows:
        domains.setdefault(row.account_id, set()).add(row.domain)
    return {
        row.account_id: Tenancy(
            row.name, row.status is SendingStatus.DISABLED, frozenset(domains[row.account_id])
        )
        for row in rows
    }


def refused(session: Session, name: str, code: str, detail: str, *, now: datetime) -> None:
    """SES did not take a tenant's mail: what we know of the tenant is wrong, and SES is asked soon.

    After a pause nothing of it leaves until then. After anything else, what we believe to be associated
    is forgotten and made anew; until then the account's mail leaves without a tenant.
    """
    found = session.scalar(select(Tenant).where(Tenant.name == name).with_for_update())
    if found is None:
        return
    found.due_at, found.tries, found.trouble = now, 1, detail[:500]
    if code == PAUSED:
        found.status = SendingStatus.DISABLED
        return
    found.configuration_set = None
    session.execute(delete(TenantDomain).where(TenantDomain.account_id == found.account_id))


def put_off(session: Session, *, now: datetime) -> int:
    """Put off a portion of what waits for tenants that SES has paused, explained; how many.

    So nothing of theirs stands in the dispatcher's way.
    """
    paused = select(Tenant.account_id).where(Tenant.theirs == SendingStatus.DISABLED)
    sites = select(Site.id).where(Site.account_id.in_(paused))
    ids = session.scalars(
        select(Recipient.id)
        .where(
            Recipient.stage == constant(Recipient.stage, Stage.QUEUED),
            Recipient.site_id.in_(sites),
            Recipient.due_at <= now,
        )
        .limit(MOST)
        .with_for_update(skip_locked=True)
    ).all()
    if ids:
        session.execute(
            update(Recipient)
            .where(Recipient.id.in_(ids))
            .values(due_at=now + PUT_OFF, reason=REASON)
            .execution_options(synchronize_session=False)
        )
    return len(ids)


def bring_back(session: Session, account_id: UUID, *, now: datetime) -> None:
    """Let go at once what was put off for a pause that is over."""
    sites = select(Site.id).where(Site.account_id == account_id)
    session.execute(
        update(Recipient)
        .where(
            Recipient.stage == constant(Recipient.stage, Stage.QUEUED),
            Recipient.site_id.in_(sites),
            Recipient.due_at > now,
            Recipient.reason["code"].as_string() == PAUSED,
        )
        .values(due_at=now)
        .execution_options(synchronize_session=False)
    )
