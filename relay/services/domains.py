"""Sending domains of an account: claiming, agreeing, giving up. `domain_looks` looks at their DNS."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import idna
from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from relay.db import new_id, upsert
from relay.errors import AlreadyExists, DomainRefused, DomainTaken, Invalid, NotFound
from relay.models import (
    Account,
    Domain,
    DomainChange,
    DomainConsent,
    DomainRule,
    FormerDomain,
    Identity,
)
from relay.policy.domain_checks import Advice, Alignment, CheckedRecord, Plan, Report, wanted
from relay.policy.names import check_claim
from relay.policy.sender import USABLE, lineage
from relay.sayings import Saying, phrase, say
from relay.vocabulary import DomainRuleKind, DomainStatus

MAIL_FROM_LABEL = "bounce"
"""First label of the MAIL FROM domain, unless another is asked for (our decision)."""

TOKEN_MARK = "postreeve-account="  # noqa: S105  (it is published in DNS)
"""How the text of an ownership record begins."""


LIVE = USABLE | {DomainStatus.PENDING}
"""Claims that are, or may come to be, used."""

_SHARE_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


def canonical(name: str) -> str:
    """The domain in lower case and Punycode, as it is compared. Raises `Invalid`."""
    try:
        ascii_name = idna.encode(name.strip().rstrip("."), uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise Invalid(
            say("%(name)s is not a domain name: %(why)s", name=(name[:100],), why=str(error))
        ) from None
    if "." not in ascii_name or len(ascii_name) > 253 or ascii_name.rpartition(".")[2].isdigit():
        raise Invalid(say("%(name)s is not a domain name one can send from", name=(name[:100],)))
    return ascii_name


def claim(
    session: Session,
    account_id: UUID,
    name: str,
    *,
    region: str,
    mail_from: str = MAIL_FROM_LABEL,
    vouched: bool = False,
    now: datetime,
) -> Domain:
    """Claim a domain for the account; it is pending until DNS proves it, or verified if `vouched`.

    A lapsed claim begins anew. `mail_from` is the first label of the MAIL FROM domain; it counts
    unless another account uses the domain already. Raises `AlreadyExists`, `FreeMailSender`,
    `LookAlikeDomain`, `DomainRefused` or `DomainTaken`.
    """
    _lock_account(session, account_id)
    canon = canonical(name)
    label = _label(mail_from)
    found = session.scalar(
        select(Domain)
        .where(Domain.account_id == account_id, Domain.name == canon)
        .with_for_update(key_share=True)
    )
    if found is not None and found.status is not DomainStatus.LAPSED:
        raise AlreadyExists(
            say(
                "%(domain)s is already a domain of this account (%(status)s)",
                domain=canon,
                status=Saying.read(found.status.value),
            ),
            domain=canon,
        )
    check_name(session, account_id, canon)
    if is_taken(session, account_id, canon):
        raise DomainTaken(
            say("%(domain)s lies under a domain of another account", domain=canon), domain=canon
        )
    status = DomainStatus.VERIFIED if vouched else DomainStatus.PENDING
    if found is None:
        found = Domain(
            id=new_id(), account_id=account_id, name=canon, created_at=now,
            share_token=secrets.token_urlsafe(24),
        )  # fmt: skip
        session.add(found)
    found.status, found.since, found.checks, found.vouched = status, now, 0, vouched
    found.verified_at = now if vouched else None
    found.due_at = now
    found.review, found.checked_at = None, None
    _want_identity(session, account_id, canon, f"{label}.{canon}", now)
    session.flush()
    note(
        session,
        found,
        "vouched" if vouched else "claimed",
        phrase("An operator vouched for it")
        if vouched
        else phrase("Claimed; waiting for its records in DNS"),
        now=now,
    )
    found.report = _not_looked_at(plan(session, found, region=region))
    close_banned_below(session, account_id, canon, now)
    session.flush()
    return found


def refresh(session: Session, domain_id: UUID, *, region: str) -> None:
    """Show the records of a claim that was not looked at yet, as they are wanted by now."""
    found = session.get(Domain, domain_id, populate_existing=True)
    if found is not None and found.checked_at is None:
        found.report = _not_looked_at(plan(session, found, region=region))


def find(session: Session, account_id: UUID, name: str) -> Domain:
    """The account's claim of this name. Raises `NotFound`, also for what is no name at all."""
    try:
        canon = canonical(name)
    except Invalid as error:
        raise NotFound(say("There is no such sending domain in this account")) from error
    found = session.scalar(
        select(Domain).where(Domain.account_id == account_id, Domain.name == canon)
    )
    if found is None:
        raise NotFound(say("There is no such sending domain in this account"))
    return found


def list_domains(session: Session, account_id: UUID) -> Sequence[Domain]:
    """The account's domains by name."""
    return session.scalars(
        select(Domain).where(Domain.account_id == account_id).order_by(Domain.name)
    ).all()


def history(session: Session, domain_id: UUID) -> Sequence[DomainChange]:
    """What happened to a claim, oldest first."""
    return session.scalars(
        select(DomainChange).where(DomainChange.domain_id == domain_id).order_by(DomainChange.id)
    ).all()


def by_share_token(session: Session, token: str) -> Domain:
    """The claim a share link shows. Raises `NotFound`, also after the claim was given up."""
    looks_right = _SHARE_TOKEN.fullmatch(token) is not None
    found = (
        session.scalar(select(Domain).where(Domain.share_token == token)) if looks_right else None
    )
    if found is None:
        raise NotFound("This link does not work any more; ask for a new one")
    return found


def remove(session: Session, account_id: UUID, name: str, *, now: datetime) -> None:
    """Give up a claim; nothing can be sent from the domain any more. Raises `NotFound`.

    A claim that an operator has closed stays: without it, a domain above would cover the name again.
    """
    _lock_account(session, account_id)
    found = find(session, account_id, name)
    # Whoever else claims or gives up the name meanwhile waits here, and so sees what we did.
    session.execute(select(Identity.name).where(Identity.name == found.name).with_for_update())
    # A ban that came between stays: what was read before it counts no more.
    session.refresh(found, with_for_update={"key_share": True})
    if found.status is DomainStatus.SUSPENDED:
        raise DomainRefused(
            say("%(domain)s was closed by an operator and cannot be removed", domain=found.name),
            domain=found.name,
            reason="banned",
        )
    session.execute(delete(DomainChange).where(DomainChange.domain_id == found.id))
    session.execute(delete(DomainConsent).where(DomainConsent.domain_id == found.id))
    session.delete(found)
    session.execute(
        upsert(session, FormerDomain)
        .values(account_id=account_id, name=found.name, ended_at=now)
        .on_conflict_do_update(index_elements=["account_id", "name"], set_={"ended_at": now})
    )
    session.flush()
    if session.scalar(select(Domain.id).where(Domain.name == found.name).limit(1)) is None:
        session.execute(
            update(Identity).where(Identity.name == found.name).values(unwanted_since=now)
        )


def consent(session: Session, account_id: UUID, name: str, other: UUID, *, now: datetime) -> Domain:
    """Let another account claim names under this domain. Raises `NotFound` for either.

    Only a usable domain can agree: a claim proves nothing yet.
    """
    found = find(session, account_id, name)
    if session.get(Account, other) is None:
        raise NotFound(f"There is no account {other}")
    if found.status not in USABLE:
        raise Invalid(f"{found.name} is {found.status.value}; only a verified domain can agree")
    session.execute(
        upsert(session, DomainConsent)
        .values(domain_id=found.id, account_id=other, created_at=now)
        .on_conflict_do_nothing()
    )
    return found


def withdraw_consent(session: Session, account_id: UUID, name: str, other: UUID) -> Domain:
    """Agree no more; what the other account has verified already stays its own."""
    found = find(session, account_id, name)
    session.execute(
        delete(DomainConsent).where(
            DomainConsent.domain_id == found.id, DomainConsent.account_id == other
        )
    )
    return found


def consents(session: Session, domain_id: UUID) -> Sequence[UUID]:
    """The accounts that may claim names under this domain."""
    return session.scalars(
        select(DomainConsent.account_id)
        .where(DomainConsent.domain_id == domain_id)
        .order_by(DomainConsent.account_id)
    ).all()


def is_taken(session: Session, account_id: UUID, name: str) -> bool:
    """Whether the name lies under a usable domain of another account that has not agreed.

    An account that owns the same domain itself needs nobody's consent.
    """
    above = list(lineage(name))[1:]
    holders = session.execute(
        select(Domain.name, Domain.account_id, DomainConsent.account_id.label("agreed"))
        .outerjoin(
            DomainConsent,
            (DomainConsent.domain_id == Domain.id) & (DomainConsent.account_id == account_id),
        )
        .where(Domain.name.in_(above), Domain.status.in_(USABLE))
    ).all()
    own = {row.name for row in holders if account_id in (row.account_id, row.agreed)}
    return any(row.name not in own for row in holders)


def rule_for(session: Session, account_id: UUID | None, name: str) -> DomainRule | None:
    """The nearest rule of an operator for this name; one for the account goes before one for all."""
    names = list(lineage(name))
    rules = session.scalars(
        select(DomainRule).where(
            DomainRule.name.in_(names),
            or_(DomainRule.account_id.is_(None), DomainRule.account_id == account_id),
        )
    ).all()
    return min(
        rules, key=lambda rule: (names.index(rule.name), rule.account_id is None), default=None
    )


def is_banned(session: Session, account_id: UUID, name: str) -> bool:
    """Whether an operator has closed the name."""
    rule = rule_for(session, account_id, name)
    return rule is not None and rule.kind is DomainRuleKind.BANNED


def check_name(session: Session, account_id: UUID, name: str) -> None:
    """Whether the account may claim this name at all; raises what `check_claim` raises, or a ban."""
    rule = rule_for(session, account_id, name)
    if rule is not None and rule.kind is DomainRuleKind.BANNED:
        raise DomainRefused(
            say("%(domain)s is banned: %(why)s", domain=rule.name, why=rule.reason),
            domain=name,
            reason="banned",
        )
    check_claim(name, allowed=rule is not None)


def plan(session: Session, domain: Domain, *, region: str) -> Plan:
    """What has to be published for this claim."""
    identity = session.get(Identity, domain.name, populate_existing=True)
    return Plan(
        domain=domain.name,
        token=TOKEN_MARK + account_token(session, domain.account_id),
        dkim=tuple(identity.dkim_tokens) if identity else (),
        hosted_zone=identity.hosted_zone if identity else None,
        mail_from=identity.mail_from if identity else f"{MAIL_FROM_LABEL}.{domain.name}",
        region=region,
    )


def account_token(session: Session, account_id: UUID) -> str:
    """What this account publishes to prove a domain; made at its first claim, never changed."""
    session.execute(
        update(Account)
        .where(Account.id == account_id, Account.domain_token.is_(None))
        .values(domain_token=secrets.token_urlsafe(24))
        .execution_options(synchronize_session=False)
    )
    token: str | None = session.scalar(select(Account.domain_token).where(Account.id == account_id))
    if token is None:
        raise NotFound(f"There is no account {account_id}")
    return token


def note(session: Session, domain: Domain, code: str, title: str, *, now: datetime) -> None:
    """Write down a step in the domain's life."""
    session.add(
        DomainChange(
            id=new_id(), domain_id=domain.id, at=now, status=domain.status,
            code=code, title=title[:500],
        )
    )  # fmt: skip


def as_json(report: Report) -> dict[str, Any]:
    """The report as it is stored: what is said in it as messages and their values."""
    return {
        "records": [_stored(record) for record in report.records],
        "advice": [_stored(advice) for advice in report.advice],
        "alignment": _stored(report.alignment),
    }


def _stored(part: CheckedRecord | Advice | Alignment) -> dict[str, Any]:
    values = {each.name: getattr(part, each.name) for each in fields(part)}
    return {
        name: value.stored() if isinstance(value, Saying) else value
        for name, value in values.items()
    }


def _not_looked_at(asked: Plan) -> dict[str, Any]:
    """A report before the first look: what to publish, and nothing known."""
    nobody_knows = Alignment(None, None, None, say("Not looked at yet."))
    return as_json(Report(wanted(asked), (), nobody_knows))


def _lock_account(session: Session, account_id: UUID) -> None:
    """One claims, or gives up, one thing at a time. Raises `NotFound`."""
    found = session.scalar(
        select(Account.id).where(Account.id == account_id).with_for_update(key_share=True)
    )
    if found is None:
        raise NotFound(f"There is no account {account_id}")


def _label(text: str) -> str:
    """A label for the MAIL FROM domain. Raises `Invalid`."""
    label = text.strip().lower()
    if not label.isascii() or not label.replace("-", "").isalnum() or label != label.strip("-"):
        raise Invalid(
            "The MAIL FROM label is one word of letters, digits and hyphens, such as bounce",
            errors=[{"pointer": "#/mail_from", "detail": "Not a label of a domain name."}],
        )
    if len(label) > 63:
        raise Invalid("The MAIL FROM label has at most 63 characters")
    return label


def _want_identity(
    session: Session, account_id: UUID, name: str, mail_from: str, now: datetime
) -> None:
    """See that the provider will be asked for the identity. A sole claimant chooses the MAIL FROM.

    A later claimant has proven nothing and moves nobody's records.
    """
    session.execute(
        upsert(session, Identity)
        .values(
            name=name, mail_from=mail_from, dkim_tokens=[], verified=False, status="",
            created_at=now, wanted_at=now,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    others = session.scalar(
        select(Domain.id)
        .where(Domain.name == name, Domain.account_id != account_id, Domain.status.in_(LIVE))
        .limit(1)
    )
    changed: Mapping[str, Any] = {} if others else {"mail_from": mail_from}
    session.execute(
        update(Identity)
        .where(Identity.name == name)
        .values(unwanted_since=None, wanted_at=now, **changed)
        .execution_options(synchronize_session=False)
    )


def close_banned_below(session: Session, account_id: UUID, name: str, now: datetime) -> None:
    """Close banned names under a newly claimed domain, so that the claim does not cover them."""
    banned = session.scalars(
        select(DomainRule.name).where(
            DomainRule.kind == DomainRuleKind.BANNED, below(DomainRule.name, name)
        )
    ).all()
    for each in set(banned):
        close(session, account_id, each, phrase("Banned by an operator"), now=now)


def close(session: Session, account_id: UUID, name: str, why: str, *, now: datetime) -> None:
    """Suspend the account's claim of this name, making one where there is none."""
    found = session.scalar(
        select(Domain).where(Domain.account_id == account_id, Domain.name == name)
    )
    if found is None:
        found = Domain(
            id=new_id(), account_id=account_id, name=name, created_at=now,
            share_token=secrets.token_urlsafe(24),
        )  # fmt: skip
        session.add(found)
    if found.status is DomainStatus.SUSPENDED:
        return
    found.status, found.since, found.due_at = DomainStatus.SUSPENDED, now, None
    session.flush()
    note(session, found, "banned", why, now=now)


def below(column: Any, name: str) -> ColumnElement[bool]:
    """Whether the column's name lies under `name`."""
    escaped = name.replace("_", r"\_").replace("%", r"\%")
    found: ColumnElement[bool] = column.like(f"%.{escaped}", escape="\\")
    return found


def holders(session: Session, names: Iterable[str]) -> Sequence[Domain]:
    """All accounts' claims of these names."""
    return session.scalars(select(Domain).where(Domain.name.in_(list(names)))).all()
