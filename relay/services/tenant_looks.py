"""One tenant at Amazon SES: brought to what is here, read, and what follows from what SES says.

SES is asked outside of transactions; each call may be repeated without harm, and what was reached is
kept even where the next call fails.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session

from relay.context import Relay
from relay.errors import Unavailable
from relay.gateways.tenants import TenantStanding
from relay.models import Account, Domain, Identity, Tenant, TenantDomain
from relay.policy import tenants as policy
from relay.policy.sender import USABLE
from relay.policy.standing import Stand
from relay.services import actions, tenancy
from relay.services.actions import RELAY, Order, Subject
from relay.vocabulary import ReputationPolicy, SendingStatus, State, Verb

READ_EVERY = timedelta(hours=1)
"""How often SES is asked what it found (our decision)."""

READ_PAUSED_EVERY = timedelta(minutes=5)
"""How often it is asked about a tenant that it has paused itself: its mail waits (our decision)."""

AT_ONCE = 10
"""Domains associated or taken away in one go, so that a suspension never waits long behind them."""

log = structlog.get_logger(__name__)

_IS_MADE = exists().where(Identity.name == Domain.name, Identity.wanted_at.is_(None))
"""Whether the provider has the domain's identity."""

AT_SES = and_(Domain.status.in_(USABLE), _IS_MADE)
"""Whether a domain may be sent from and SES has its identity."""


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
    trouble: str | None = None

    def forget(self) -> None:
        """Begin anew: there is no such tenant."""
        self.arn = self.policy = self.configuration_set = None
        self.told, self.domains = SendingStatus.ENABLED, frozenset()


def sync(relay: Relay, account_id: UUID) -> bool:
    """Bring SES to what is here, and read what it says. False where it does not answer; tried again."""
    with relay.reads() as session:
        tenant = session.get(Tenant, account_id)
        if tenant is None:  # deleted meanwhile
            return True
        account = session.get_one(Account, account_id)
        made, kept = (
            set(session.scalars(select(Domain.name).where(Domain.account_id == account_id, which)))
            for which in (AT_SES, Domain.status.in_(USABLE))
        )
        has = frozenset(
            session.scalars(select(TenantDomain.name).where(TenantDomain.account_id == account_id))
        )
    done = Progress(
        tenant.arn, tenant.policy, tenant.configuration_set, tenant.told, tenant.told_at, has
    )
    try:
        _bring(relay, tenant, account, made, kept, done)
    except Unavailable as error:
        done.trouble = error.detail
    if done.trouble is not None:
        log.warning("tenant not in order yet", tenant=tenant.name, detail=done.trouble)
    with relay.sessions.begin() as session:
        _write(relay, session, account_id, done, has)
    return done.trouble is None


def _bring(
    relay: Relay, tenant: Tenant, account: Account, made: set[str], kept: set[str], done: Progress
) -> None:
    """Ask SES for all that lacks, the switch first; `done` says how far it came.

    Domains that are `made` at SES are associated, those not `kept` taken away; one that SES refuses
    does not stop the others. After trouble it is asked first whether the tenant is still there.
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
        try:
            change(name, f"{base}:identity/{domain}")
            done.domains = done.domains ^ {domain}
        except Unavailable as error:
            if "provider_code" not in error.members:  # SES does not answer at all
                raise
            done.trouble = error.detail
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
    found.taken_until, found.trouble = None, done.trouble
    found.tries = found.tries + 1 if done.trouble is not None else 0
    found.due_at = now + _next_in(found, done)
    said = done.standing
    if said is None:
        return
    stop = SendingStatus.DISABLED
    if found.status is stop and said.status is not stop:
        tenancy.bring_back(session, account_id, now=now)
    found.synced_at = now
    found.status, found.theirs, found.told = said.status, said.theirs, said.ours
    found.cause, found.impact = said.cause[:512], said.impact
    found.findings = [asdict(each) for each in said.findings]
    _warn(relay, session, found, now)


def _next_in(tenant: Tenant, done: Progress) -> timedelta:
    """How long until SES is asked about it again."""
    if tenant.tries:
        return policy.again_in(tenant.tries)
    if done.more or done.standing is None:
        return timedelta(0)
    paused = done.standing.theirs is SendingStatus.DISABLED
    return READ_PAUSED_EVERY if paused else READ_EVERY


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
    ses = {
        "tenant": tenant.name,
        "status": tenant.status.value,
        "theirs": tenant.theirs.value,
        "cause": tenant.cause,
        "findings": tenant.findings,
    }
    reason = str(policy.reason(ses))
    actions.act(
        session,
        Subject(account_id=account.id),
        Order(Verb.WARN, RELAY, reason, policy.cause_of(news), {"ses": ses}),
        sender=relay.settings.house_sender,
        now=now,
    )
