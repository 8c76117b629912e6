"""Sending domains."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Id, Sometime, When, words
from relay.vocabulary import DomainStatus


class Domain(Base):
    """A domain an account has claimed. Pending claims of several accounts may coexist."""

    __tablename__ = "domains"
    __table_args__ = (UniqueConstraint("account_id", "name"),)

    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str] = mapped_column(String(253), index=True)
    status: Mapped[DomainStatus] = mapped_column(words(DomainStatus), default=DomainStatus.PENDING)
    created_at: Mapped[When]
    verified_at: Mapped[Sometime]
