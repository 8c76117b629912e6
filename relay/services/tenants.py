"""Accounts as tenants of Amazon SES: which there are, and about which SES has to be asked.

What SES should have is worked out from what is here, and compared with what it was told, so that
nothing needs to be remembered and nothing can be missed. SES is asked outside of transactions, about
one call a second, by one worker for all; each call may be repeated without harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, not_, or_, select, update
from sqlalchemy.orm import Session

from relay.context import Relay
from relay.db import upsert
from relay.errors import Conflict, NotFound
from relay.models import Account, Domain, Message, Site, Tenant, TenantDomain
from relay.policy.sender import USABLE
from relay.policy.standing import SHUTS_EVERYTHING
from relay.policy.tenants import again_in
from relay.services import locks, tenancy, tenant_looks
from relay.services.letters import HOUSE_ACCOUNT
from relay.services.tenant_looks import AT_SES
from relay.vocabulary import SendingStatus, State

LEASE = timedelta(minutes=2)
"""So long one worker may take for one tenant; then another tries."""

NEW_AT_ONCE = 100
"""Accounts that get a tenant in one look."""

_SHUT = or_(
    Account.state == State.TERMINATED,
    and_(Account.state == State.SUSPENDED, Account.cause.in_(SHUTS_EVERYTHING)),
)
"""`policy.is_shut`, for the database."""


def _differs() -> ColumnElement[bool]:
    """Whether SES was told otherwise than the account stands, or lacks a domain, or has one too many."""
    lacks = exists().where(
        Domain.account_id == Tenant.account_id,
        AT_SES,
        ~exists().where(
            TenantDomain.account_id == Domain.account_id, TenantDomain.name == Domain.name
        ),
    )
    too_many = exists().where(
        TenantDomain.account_id == Tenant.account_id,
        ~exists().where(
            Domain.account_id == TenantDomain.account_id,
            Domain.name == TenantDomain.name,
            Domain.status.in_(USABLE),
        ),
    )
    return or_(_told_otherwise(), lacks, too_many)


def _told_otherwise() -> ColumnElement[bool]:
    return or_(
        and_(_SHUT, Tenant.told != SendingStatus.DISABLED),
        and_(not_(_SHUT), Tenant.told == SendingStatus.DISABLED),
        and_(not_(_SHUT), Account.reinstated_at > Tenant.told_at),
    )


def keep(relay: Relay, *, most: int = 20) -> int:
    """A look by a worker: put off what SES has paused, make new tenants, ask about those that are due."""
    enlist(relay)
    with relay.sessions.begin() as session:
        tenancy.put_off(session, now=relay.clock())
    done = 0
    while done < most and (account_id := _take(relay)) is not None:
        tenant_looks.sync(relay, account_id)
        done += 1
    return done


def enlist(relay: Relay) -> int:
    """Write down a tenant for each account that has sent mail, and has a domain of its own at SES."""
    has_sent = exists().where(Message.site_id == Site.id, Site.account_id == Account.id)
    query = (
        select(Account.id)
        .where(
            Account.id != HOUSE_ACCOUNT,
            Account.state != State.TERMINATED,
            ~exists().where(Tenant.account_id == Account.id),
            exists().where(Domain.account_id == Account.id, AT_SES),
            has_sent,
        )
        .limit(NEW_AT_ONCE)
    )
    with relay.reads() as session:
        found = session.scalars(query).all()
    if not found:
        return 0
    with relay.sessions.begin() as session:
        now = relay.clock()
        for account_id in found:
            session.execute(
                upsert(session, Tenant)
                .values(
                    account_id=account_id, name=f"postreeve-{account_id.hex}", cause="",
                    told=SendingStatus.ENABLED, told_at=now, theirs=SendingStatus.ENABLED,
                    status=SendingStatus.ENABLED, findings=[], warned=[], created_at=now, due_at=now,
                    tries=0,
                )
                .on_conflict_do_nothing()
            )  # fmt: skip
    return len(found)


def _take(relay: Relay) -> UUID | None:
    """The tenant to ask about now, taken for this worker; None while another is at it.

    A standing that SES does not know comes first. After trouble all waits for its time, but a standing
    not longer than the shortest.
    """
    with relay.sessions.begin() as session:
        if not locks.seize(session, "tenants"):
            return None
        now = relay.clock()
        if session.scalar(select(exists().where(Tenant.taken_until > now))):
            return None
        urgent = _told_otherwise()
        due = or_(
            Tenant.due_at <= now,
            and_(Tenant.tries == 0, _differs()),
            and_(Tenant.tried_at <= now - again_in(1), urgent),
        )
        found: UUID | None = session.scalar(
            select(Tenant.account_id)
            .join(Account, Account.id == Tenant.account_id)
            .where(due)
            .order_by(case((urgent, 0), else_=1), Tenant.due_at)
            .limit(1)
        )
        if found is not None:
            session.execute(
                update(Tenant)
                .where(Tenant.account_id == found)
                .values(taken_until=now + LEASE, tried_at=now)
                .execution_options(synchronize_session=False)
            )
    return found


def remove(relay: Relay, account_id: UUID) -> None:
    """Delete a tenant, here and at SES; the account's mail leaves without one from now on.

    Raises `NotFound`, `Conflict` where the worker would make it anew at once, and `Unavailable`.
    """
    with relay.sessions.begin() as session:
        tenant = session.get(Tenant, account_id, with_for_update=True)
        if tenant is None:
            raise NotFound("This account has no tenant; `python -m relay tenants list` shows them")
        account = session.get_one(Account, account_id)
        if relay.settings.ses_tenants and account.state is not State.TERMINATED:
            raise Conflict(
                f"{account.name} may still send, and would get a new tenant at once: terminate the "
                "account, or switch POSTREEVE_SES_TENANTS off"
            )
        tenant.configuration_set, name = None, tenant.name  # nothing more leaves under it
    relay.tenants.delete(name)
    with relay.sessions.begin() as session:
        session.execute(delete(TenantDomain).where(TenantDomain.account_id == account_id))
        session.execute(delete(Tenant).where(Tenant.account_id == account_id))


def find(session: Session, account_id: UUID) -> tuple[Tenant, Sequence[str]] | None:
    """An account's tenant and the domains it may use; None where it has none."""
    tenant = session.get(Tenant, account_id)
    if tenant is None:
        return None
    return tenant, session.scalars(
        select(TenantDomain.name)
        .where(TenantDomain.account_id == account_id)
        .order_by(TenantDomain.name)
    ).all()


def listed(session: Session) -> Sequence[tuple[Tenant, str, int]]:
    """All tenants with the account's name and the number of their domains, stopped ones first."""
    domains = (
        select(func.count())
        .where(TenantDomain.account_id == Tenant.account_id)
        .correlate(Tenant)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Tenant, Account.name, domains)
        .join(Account, Account.id == Tenant.account_id)
        .order_by(
            case((Tenant.status == SendingStatus.DISABLED, 0), (Tenant.impact.is_not(None), 1),
                 else_=2),
            Account.name,
        )
    )  # fmt: skip
    return [(row[0], row[1], row[2]) for row in rows]
