"""What an operator decides about an account or site, with all that follows from it.

Whoever decides goes through here; rules that act by themselves use `actions`, for they approve nobody
and end nobody. What followed is evidence of the action.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from relay.models import Account, Action, Domain
from relay.policy.acceptable_use import VERSION
from relay.policy.sender import USABLE, lineage
from relay.services import acceptable_use, actions, domain_rules, domains
from relay.services.actions import Order, Subject
from relay.vocabulary import Cause, State, Verb

BANS_DOMAINS = frozenset((Cause.PHISHING, Cause.MALWARE, Cause.SPAM))
"""Causes for which nobody is to send from a terminated account's domains any more."""

PLUGIN = "/plugin"
"""The page where the owner of a site gets the plugin."""

IN_GOOD_STANDING = (State.ACTIVE, State.WARNED, State.LIMITED)
"""States of accounts that a ban because of somebody else must not hurt."""


@dataclass(frozen=True, slots=True)
class Waivers:
    """What an operator expressly wants otherwise than usual."""

    keep_domains: bool = False
    without_policy: bool = False


NO_WAIVERS = Waivers()


@dataclass(frozen=True, slots=True)
class _Bans:
    """Names to close, and those that an account in good standing needs."""

    banned: Sequence[str] = ()
    spared: Sequence[str] = ()


def decide(
    session: Session,
    subject: Subject,
    order: Order,
    waivers: Waivers = NO_WAIVERS,
    *,
    sender: str,
    public_url: str,
    now: datetime,
) -> Action:
    """Do it as `actions.act` does; raises what that raises.

    An account is approved once it has accepted the policy (else `Conflict`), and its owner is shown the
    way to the plugin. One that ends for
    phishing, malware or spam takes its verified domains with it: they are banned, but for those that
    another account in good standing has verified as well.
    """
    bans = _Bans()
    evidence = dict(order.evidence or {})
    account = session.get(Account, subject.account_id) if subject.account_id else None
    if account is not None and order.verb is Verb.APPROVE:
        if account.state is State.PENDING and not waivers.without_policy:
            acceptable_use.check_accepted(account)
        evidence["policy"] = {"required": VERSION, "accepted": account.policy_version}
        order = replace(order, next_page=f"{public_url.rstrip('/')}{PLUGIN}")
    if account is not None and order.verb is Verb.TERMINATE and order.cause in BANS_DOMAINS:
        bans = _bans(session, account.id)
        if waivers.keep_domains:
            evidence["domains"] = {"kept": [*bans.banned, *bans.spared]}
            bans = _Bans()
        else:
            evidence["domains"] = {"banned": list(bans.banned), "spared": list(bans.spared)}
    action = actions.act(
        session, subject, replace(order, evidence=evidence), sender=sender, now=now
    )
    for name in bans.banned:
        # What others may read is not the operator's reason, for that is about somebody else.
        domain_rules.ban(session, name, reason=f"used for {order.cause}", now=now)
    return action


def _bans(session: Session, account_id: UUID) -> _Bans:
    """The account's verified domains, without those under another of them, in two heaps."""
    own = session.scalars(
        select(Domain.name)
        .where(Domain.account_id == account_id, Domain.status.in_(USABLE))
        .order_by(Domain.name)
    ).all()
    spared = [name for name in own if _needed(session, account_id, name)]
    closing = [name for name in own if name not in spared]
    return _Bans(
        [name for name in closing if not set(closing).intersection(list(lineage(name))[1:])],
        spared,
    )


def _needed(session: Session, account_id: UUID, name: str) -> bool:
    """Whether another account in good standing has verified the name, or one under it."""
    found = session.scalar(
        select(Domain.id)
        .join(Account, Account.id == Domain.account_id)
        .where(
            Domain.account_id != account_id,
            or_(Domain.name == name, domains.below(Domain.name, name)),
            Domain.status.in_(USABLE),
            Account.state.in_(IN_GOOD_STANDING),
        )
        .limit(1)
    )
    return found is not None
