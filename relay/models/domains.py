"""Sending domains: claims of accounts, the provider's identities, what operators decided."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Details, Id, Json, Sometime, When, where, words
from relay.vocabulary import DomainRuleKind, DomainStatus


class Domain(Base):
    """A domain an account has claimed. Pending claims of several accounts may coexist.

    `report` is the last look at its DNS, as the API shows it. `due_at` is the next look; a domain
    without one is not looked at. `since` is when the status began; `checks` counts the looks since.
    `vouched`: an operator's word stands in for the proof by DNS. `review` says why an operator has to
    look before it can be verified.
    """

    __tablename__ = "domains"
    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        Index("ix_domains_due_at", "due_at", **where("due_at IS NOT NULL")),
    )

    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(253), index=True)
    status: Mapped[DomainStatus] = mapped_column(words(DomainStatus), default=DomainStatus.PENDING)
    created_at: Mapped[When]
    verified_at: Mapped[Sometime]
    since: Mapped[Sometime]
    vouched: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    share_token: Mapped[str | None] = mapped_column(String(64), unique=True)
    report: Mapped[dict[str, Any] | None] = mapped_column(Json)
    review: Mapped[Details | None] = mapped_column(Json)
    checked_at: Mapped[Sometime]
    due_at: Mapped[Sometime]
    checks: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))


class DomainChange(Base):
    """A step in a domain's life: the status it came to, and why (a code, and a sentence)."""

    __tablename__ = "domain_changes"
    __table_args__ = (Index("ix_domain_changes_domain_id", "domain_id"),)

    id: Mapped[Id]
    domain_id: Mapped[UUID] = mapped_column(ForeignKey("domains.id", ondelete="CASCADE"))
    at: Mapped[When]
    status: Mapped[DomainStatus] = mapped_column(words(DomainStatus))
    code: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(500))


class FormerDomain(Base):
    """That an account once claimed a name and gave it up: of the claim itself nothing stays."""

    __tablename__ = "former_domains"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(253), primary_key=True, index=True)
    ended_at: Mapped[When]


class Identity(Base):
    """The provider's side of a domain: one identity, however many accounts claim the name.

    `mail_from` is its MAIL FROM domain. `verified` is the provider's own word. `wanted_at`, if set, is
    when the provider has to be asked next to make or complete it; `unwanted_since`, if set, when the
    last claim ended.
    """

    __tablename__ = "identities"

    name: Mapped[str] = mapped_column(String(253), primary_key=True)
    mail_from: Mapped[str] = mapped_column(String(253))
    dkim_tokens: Mapped[list[str]] = mapped_column(Json)
    hosted_zone: Mapped[str | None] = mapped_column(String(253))
    verified: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(32), default="")
    created_at: Mapped[When]
    checked_at: Mapped[Sometime]
    wanted_at: Mapped[Sometime]
    unwanted_since: Mapped[Sometime]


class DomainRule(Base):
    """An operator's decision about a name and all names under it; the nearest rule holds.

    Without an account it is for everybody.
    """

    __tablename__ = "domain_rules"
    __table_args__ = (Index("ix_domain_rules_name", "name"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(253))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[DomainRuleKind] = mapped_column(words(DomainRuleKind))
    reason: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[When]


class DomainConsent(Base):
    """That an account lets another one claim names under its domain."""

    __tablename__ = "domain_consents"

    domain_id: Mapped[UUID] = mapped_column(
        ForeignKey("domains.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    created_at: Mapped[When]
