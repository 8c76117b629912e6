"""What owners say against an action, and what was answered."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Id, Sometime, When, where, words
from relay.vocabulary import AppealDecision

OPEN = where("decision IS NULL")


class Appeal(Base):
    """An owner's word against the action `action_id`; of each action, one is open at a time.

    `answer_by` is when we have promised an answer; `answer` is what the operator told the owner.
    """

    __tablename__ = "appeals"
    __table_args__ = (
        Index("ix_appeals_account_id_id", "account_id", "id"),
        Index("ix_appeals_open", "at", **OPEN),
        Index("uq_appeals_open_action_id", "action_id", unique=True, **OPEN),
    )

    id: Mapped[Id]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("sites.id"))
    action_id: Mapped[UUID] = mapped_column(Uuid)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[When]
    answer_by: Mapped[When]
    decision: Mapped[AppealDecision | None] = mapped_column(words(AppealDecision))
    decided_at: Mapped[Sometime]
    decided_by: Mapped[str | None] = mapped_column(String(100))
    answer: Mapped[str | None] = mapped_column(Text)
