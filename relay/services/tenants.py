"""Accounts as tenants of Amazon SES: made, associated, switched as the account stands, and read.

What SES should have is worked out from what is here, and compared with what it was told, so that
nothing needs to be remembered and nothing can be missed. SES is asked outside of transactions, about
one call a second, by one worker for all; each call may be repeated without harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, case, delete, exists, func, not_, or_, select, update
from sqlalchemy.orm import Session

from relay.context import Relay
from relay.db import upsert
from relay.errors import Conflict, NotFound, Unavailable
from relay.gateways.tenants import TenantStanding
from relay.models import Account, Domain, Identity, Message, Site, Tenant, TenantDomain
from relay.policy import tenants as policy
from relay.policy.sender import USABLE
from relay.policy.standing import SHUTS_EVERYTHING, Stand
from relay.services import actions, locks, tenancy
from relay.services.actions import RELAY, Order, Subject
from relay.services.letters import HOUSE_ACCOUNT
from relay.vocabulary import ReputationPolicy, SendingStatus, State, Verb

READ_EVERY = timedelta(hours=1)
"""How often SES is asked what it found (our decision)."""

READ_PAUSED_EVERY = timedelta(minutes=5)
"""How often it is asked about a tenant that it has paused itself: its mail waits (our decision)."""

LEASE = timedelta(minutes=2)
"""So long one worker may take for one tenant; then another tries."""

AT_ONCE = 10
"""Domains associated or taken away in one go, so that a suspension never waits long behind them."""

NEW_AT_ONCE = 100
"""Accounts that get a tenant in one look."""

log = structlog.get_logger(__name__)

_SHUT = or_(
    Account.state == State.TERMINATED,
    and_(Account.state == State.SUSPENDED, Account.cause.in_(SHUTS_EVERYTHING)),
)
"""`policy.is_shut`, for the database."""

_IS_MADE = exists().where(Identity.name == Domain.name, Identity.wanted_at.is_(None))
"""Whether the provider has the domain's identity."""

_USABLE = and_(Domain.status.in_(USABLE), _IS_MADE)


def _differs() -> ColumnElement[bool]:
    """Whether SES was told otherwise than the account stands, or lacks a domain, or has one too many."""
    lacks = exists().where(
        Domain.account_id == Tenant.account_id,
        _USABLE,
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


@dataclass(slots=True)
class Progress:
    """What of a tenant SES has by now, while it is asked."""

    arn: str | None
    policy: ReputationPolicy | None
    configuration_set: str | None
    told: SendingStatus
    told_at: datetime
    domains: frozenset[str]
    more: bool = False
    standing: TenantStanding | None = None

    def forget(self) -> None:
        """Begin anew: there is no such tenant."""
        self.arn = self.policy = self.configuration_set = None
        self.told, self.domains = SendingStatus.ENABLED, frozenset()


def keep(relay: Relay, *, most: int = 20) -> int:
    """A look by a worker: put off what SES has paused, make new tenants, ask about those that are due."""
    enlist(relay)
    with relay.sessions.begin() as session:
        tenancy.put_off(session, now=relay.clock())
    done = 0
    while done < most and (account_id := _take(relay)) is not None:
        sync(relay, account_id)
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
            exists().where(Domain.account_id == Account.id, _USABLE),
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

    A standing that SES does not know comes first. After trouble all waits for its time.
    """
    with relay.sessions.begin() as session:
        if not locks.seize(session, "tenants"):
            return None
        now = relay.clock()
        if session.scalar(select(exists().where(Tenant.taken_until > now))):
            return None
        urgent = _told_otherwise()
        due = or_(Tenant.due_at <= now, and_(Tenant.tries == 0, _differs()))
        found: UUID | None = session.scalar(
            select(Tenant.account_id)
            .join(Account, Account.id == Tenant.account_id)
            .where(due)
            .order_by(case((urgent, 0), else_=1), Tenant.due_at)
            .limit(1)
        )
        if found is not None:
            _values(session, found, taken_until=now + LEASE)
    return found


def _values(session: Session, account_id: UUID, **values: Any) -> None:
    session.execute(
        update(Tenant)
        .where(Tenant.account_id == account_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def sync(relay: Relay, account_id: UUID) -> bool:
    """Bring SES to what is here, and read what it says. False where it does not answer; tried again."""
    with relay.reads() as session:
        tenant = session.get(Tenant, account_id)
        if tenant is None:  # deleted meanwhile
            return True
        account = session.get_one(Account, account_id)
        made, kept = (
            set(session.scalars(select(Domain.name).where(Domain.account_id == account_id, which)))
            for which in (_USABLE, Domain.status.in_(USABLE))
        )
        has = frozenset(
            session.scalars(select(TenantDomain.name).where(TenantDomain.account_id == account_id))
        )
    done = Progress(
        tenant.arn, tenant.policy, tenant.configuration_set, tenant.told, tenant.told_at, has
    )
    trouble: str | None = None
    try:
        _bring(relay, tenant, account, made, kept, done)
    except Unavailable as error:
        trouble = error.detail
        log.warning("tenant not in order yet", tenant=tenant.name, detail=trouble)
    with relay.sessions.begin() as session:
        _write(relay, session, account_id, done, has, trouble)
    return trouble is None


def _bring(
    relay: Relay, tenant: Tenant, account: Account, made: set[str], kept: set[str], done: Progress
) -> None:
    """Ask SES for all that lacks, the switch first; `done` says how far it came.

    Domains that are `made` at SES are associated, those not `kept` taken away. After trouble it is
    asked first whether the tenant is still there.
    """
    ses, settings, name = relay.tenants, relay.settings, tenant.name
    if done.arn is None or tenant.tries:
        arn = ses.create(name)
        if arn != done.arn:
            done.forget()
        done.arn = arn
    base = done.arn.partition(":tenant/")[0]
    status = policy.status_for(Stand(account.state, account.cause), account.reinstated_at)
    if policy.is_news(status, done.told, done.told_at, account.reinstated_at):
        ses.set_status(done.arn, status)
        done.told, done.told_at = status, relay.clock()
    if done.policy is not settings.reputation_policy:
        ses.set_policy(done.arn, settings.reputation_policy)
        done.policy = settings.reputation_policy
    if done.configuration_set != settings.configuration_set:
        ses.associate(name, f"{base}:configuration-set/{settings.configuration_set}")
        done.configuration_set = settings.configuration_set
    changes = [(ses.associate, each) for each in sorted(made - done.domains)]
    changes += [(ses.dissociate, each) for each in sorted(done.domains - kept)]
    done.more = len(changes) > AT_ONCE
    for change, domain in changes[:AT_ONCE]:
        change(name, f"{base}:identity/{domain}")
        done.domains = done.domains ^ {domain}
    done.standing = ses.standing(done.arn)
    if done.standing is None:  # somebody has deleted it over there: make it anew
        done.forget()
        done.more = True


def _write(
    relay: Relay,
    session: Session,
    account_id: UUID,
    done: Progress,
    had: frozenset[str],
    trouble: str | None,
) -> None:
    """Keep how far it came and what SES says; warn the account of what is new and grave."""
    now = relay.clock()
    found = session.get(Tenant, account_id, with_for_update=True, populate_existing=True)
    if found is None:  # deleted meanwhile
        return
    found.arn, found.policy, found.configuration_set = done.arn, done.policy, done.configuration_set
    found.told, found.told_at = done.told, done.told_at
    for name in done.domains - had:
        session.merge(TenantDomain(account_id=account_id, name=name))
    for name in had - done.domains:
        if (gone := session.get(TenantDomain, (account_id, name))) is not None:
            session.delete(gone)
    found.taken_until, found.trouble = None, trouble
    if trouble is not None:
        found.tries += 1
        found.due_at = now + policy.again_in(found.tries)
        return
    found.tries, found.due_at = 0, now
    said = done.standing
    if said is None:
        return
    stop = SendingStatus.DISABLED
    if not done.more:
        found.due_at += READ_PAUSED_EVERY if said.theirs is stop else READ_EVERY
    if found.status is stop and said.status is not stop:
        tenancy.bring_back(session, account_id, now=now)
    found.synced_at = now
    found.status, found.theirs, found.told = said.status, said.theirs, said.ours
    found.cause, found.impact = said.cause[:512], said.impact
    found.findings = [asdict(each) for each in said.findings]
    _warn(relay, session, found, now)


def _warn(relay: Relay, session: Session, tenant: Tenant, now: datetime) -> None:
    """Warn the account of what SES finds grave, once, if its state lets it; tell the log in any case."""
    grave = policy.grave(
        ((each["type"], each["impact"]) for each in tenant.findings), tenant.theirs
    )
    news = [each for each in grave if each not in tenant.warned]
    tenant.warned = grave
    if not news:
        return
    log.warning("SES found something", tenant=tenant.name, found=news, status=tenant.status.value)
    account = session.get_one(Account, tenant.account_id, with_for_update={"key_share": True})
    if account.state is not State.ACTIVE:
        return
    actions.act(
        session,
        Subject(account_id=account.id),
        Order(
            Verb.WARN,
            RELAY,
            _reason(tenant),
            policy.cause_of(news),
            {
                "ses": {
                    "tenant": tenant.name,
                    "status": tenant.status.value,
                    "cause": tenant.cause,
                    "findings": tenant.findings,
                }
            },
        ),
        sender=relay.settings.house_sender,
        now=now,
    )


def _reason(tenant: Tenant) -> str:
    """What the owner reads."""
    told = [
        each["description"] or each["type"]
        for each in tenant.findings
        if each["impact"] == policy.HIGH
    ]
    words = ["Amazon SES, which carries your mail, finds something wrong with it."]
    if tenant.theirs is SendingStatus.DISABLED:
        words.append("It has paused your mail; what waits leaves when it lets you go again.")
    return " ".join([*words, *told])


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
