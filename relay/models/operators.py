"""People who run the relay, as their keys name them."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from relay.db import Base
from relay.models.columns import Id, Sometime, When, where

NAME = 80
"""Characters of an operator's name: with `operator:` before it, it fits into the audit log."""


class Operator(Base):
    """A key of an operator. Only its keyed digest is here; the secret was shown once.

    The audit log knows its holder as `operator:NAME`; of keys in use, no two have the same name.
    """

    __tablename__ = "operators"
    __table_args__ = (
        Index("uq_operators_name_in_use", "name", unique=True, **where("revoked_at IS NULL")),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(NAME))
    prefix: Mapped[str] = mapped_column(String(32), unique=True)
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[When]
    last_used_at: Mapped[Sometime]
    revoked_at: Mapped[Sometime]
