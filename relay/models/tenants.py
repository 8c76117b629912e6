"""Accounts at Amazon SES: the tenant of each, and what belongs to it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Details, Json, Sometime, When, words
from relay.vocabulary import ReputationPolicy, SendingStatus


class Tenant(Base):
    """An account's tenant, as far as it was made, and what SES said of it last.

    `configuration_set` is the one it may use; without an `arn` or that, nothing is sent under it.
    `told` is what we have told SES, at `told_at`; `theirs` is SES's own word, with its `cause`, and
    `status` what counts of the two. `warned` are those of its findings that the account was warned of.
    `due_at` is when it is looked at next, `taken_until` by when the worker that does so now is done,
    `tried_at` when one last began, `synced_at` when SES last answered.
    `trouble` is why the last look failed, after so many `tries`.
    """

    __tablename__ = "tenants"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    arn: Mapped[str | None] = mapped_column(String(300))
    policy: Mapped[ReputationPolicy | None] = mapped_column(words(ReputationPolicy))
    configuration_set: Mapped[str | None] = mapped_column(String(64))
    told: Mapped[SendingStatus] = mapped_column(words(SendingStatus), default=SendingStatus.ENABLED)
    told_at: Mapped[When]
    theirs: Mapped[SendingStatus] = mapped_column(
        words(SendingStatus), default=SendingStatus.ENABLED
    )
    status: Mapped[SendingStatus] = mapped_column(
        words(SendingStatus), default=SendingStatus.ENABLED
    )
    cause: Mapped[str] = mapped_column(String(512), default="")
    impact: Mapped[str | None] = mapped_column(String(16))
    findings: Mapped[list[Details]] = mapped_column(Json, default=list)
    warned: Mapped[list[str]] = mapped_column(Json, default=list)
    created_at: Mapped[When]
    synced_at: Mapped[Sometime]
    due_at: Mapped[When]
    taken_until: Mapped[Sometime]
    tried_at: Mapped[Sometime]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    trouble: Mapped[str | None] = mapped_column(String(500))


class TenantDomain(Base):
    """That an account's tenant may use the identity of this domain."""

    __tablename__ = "tenant_domains"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("tenants.account_id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(253), primary_key=True)
