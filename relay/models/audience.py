"""People: whom a site may not mail."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Address, Details, Id, Json, Sometime, When, where, words
from relay.vocabulary import SuppressionReason, SuppressionScope


class Suppression(Base):
    """An address that a site no longer mails, why, and on what evidence. Ended, never deleted.

    `ending` says how; `provider_due_at` is when Amazon's own entry is to be deleted, if it still is.
    """

    __tablename__ = "suppressions"
    __table_args__ = (
        Index(
            "uq_suppressions_site_id_address_key_reason_scope",
            "site_id",
            "address_key",
            "reason",
            "scope",
            unique=True,
            **where("ended_at IS NULL"),
        ),
        Index(
            "ix_suppressions_provider_due_at",
            "provider_due_at",
            **where("provider_due_at IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(Uuid)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    address: Mapped[Address]
    address_key: Mapped[Address]
    reason: Mapped[SuppressionReason] = mapped_column(words(SuppressionReason))
    scope: Mapped[SuppressionScope] = mapped_column(words(SuppressionScope))
    evidence: Mapped[Details] = mapped_column(Json)
    began_at: Mapped[When]
    ended_at: Mapped[Sometime]
    ending: Mapped[str | None] = mapped_column(String(32))
    provider_due_at: Mapped[Sometime]
