"""What operators decide about domain names: bans, exceptions, reviews."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from relay.db import new_id
from relay.errors import NotFound
from relay.models import Account, Domain, DomainRule
from relay.policy.sender import lineage
from relay.sayings import phrase
from relay.services import domains
from relay.vocabulary import DomainRuleKind, DomainStatus


def allow(
    session: Session, name: str, *, account_id: UUID | None, reason: str, now: datetime
) -> DomainRule:
    """Let the name (and names under it) be claimed although it looks like a brand or is listed."""
    if account_id is not None and session.get(Account, account_id) is None:
        raise NotFound(f"There is no account {account_id}")
    return _rule(session, name, DomainRuleKind.ALLOWED, account_id, reason, now)


def ban(session: Session, name: str, *, reason: str, now: datetime) -> int:
    """Close the name and all names under it, for everybody; returns how many claims that stopped.

    Whoever has verified a domain above gets a closed claim of the banned name, so that their own
    domain does not cover it any more.
    """
    canon = domains.canonical(name)
    _rule(session, canon, DomainRuleKind.BANNED, None, reason, now)
    claims = session.scalars(
        select(Domain)
        .where(
            or_(Domain.name == canon, domains.below(Domain.name, canon)),
            Domain.status != DomainStatus.SUSPENDED,
        )
        .order_by(Domain.id)
        .with_for_update(key_share=True)  # nobody gives one up, or verifies it, meanwhile
        .execution_options(populate_existing=True)
    ).all()
    why = f"Banned by an operator: {reason}"
    for each in claims:
        domains.close(session, each.account_id, each.name, why, now=now)
    above = domains.holders(session, list(lineage(canon))[1:])
    for account_id in {each.account_id for each in above}:
        domains.close(session, account_id, canon, why, now=now)
    return len(claims)


def lift(session: Session, name: str, *, now: datetime) -> int:
    """Drop all rules for exactly this name; claims that a ban had closed wait for proof again."""
    canon = domains.canonical(name)
    rules = session.scalars(select(DomainRule).where(DomainRule.name == canon)).all()
    if not rules:
        raise NotFound(f"There is no rule for {canon}; `domain rules` lists them")
    session.execute(delete(DomainRule).where(DomainRule.name == canon))
    if any(rule.kind is DomainRuleKind.BANNED for rule in rules):
        closed = session.scalars(
            select(Domain).where(
                or_(Domain.name == canon, domains.below(Domain.name, canon)),
                Domain.status == DomainStatus.SUSPENDED,
            )
        ).all()
        for each in closed:
            if each.report is None:  # it was only made to keep a domain above from covering it
                session.delete(each)
            elif not domains.is_banned(session, each.account_id, each.name):
                each.status, each.since, each.checks = DomainStatus.PENDING, now, 0
                each.due_at = now
                domains.note(
                    session, each, "ban-lifted", phrase("An operator lifted the ban"), now=now
                )
    return len(rules)


def approve(session: Session, account_id: UUID, name: str, *, reason: str, now: datetime) -> Domain:
    """End the review of a claim in its favour; its next look may verify it."""
    found = domains.find(session, account_id, name)
    _rule(session, found.name, DomainRuleKind.ALLOWED, account_id, reason, now)
    found.review, found.due_at = None, now
    domains.note(session, found, "approved", f"An operator approved it: {reason}", now=now)
    return found


def list_rules(session: Session) -> Sequence[DomainRule]:
    """All rules by name."""
    return session.scalars(select(DomainRule).order_by(DomainRule.name, DomainRule.id)).all()


def _rule(
    session: Session,
    name: str,
    kind: DomainRuleKind,
    account_id: UUID | None,
    reason: str,
    now: datetime,
) -> DomainRule:
    """The rule; an earlier one for the same name and account gives way."""
    canon = domains.canonical(name)
    same = (
        DomainRule.account_id.is_(None)
        if account_id is None
        else DomainRule.account_id == account_id
    )
    session.execute(delete(DomainRule).where(DomainRule.name == canon, same))
    rule = DomainRule(
        id=new_id(), name=canon, account_id=account_id, kind=kind, reason=reason[:500],
        created_at=now,
    )  # fmt: skip
    session.add(rule)
    session.flush()
    return rule
