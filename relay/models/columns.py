"""Column types that several tables share, and what their indexes have in common."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import JSON, Enum, String, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import mapped_column

from relay.db import UtcDateTime, new_id

Id = Annotated[UUID, mapped_column(Uuid, primary_key=True, default=new_id)]
When = Annotated[datetime, mapped_column(UtcDateTime)]
Sometime = Annotated[datetime | None, mapped_column(UtcDateTime)]
Name = Annotated[str, mapped_column(String(200))]
Address = Annotated[str, mapped_column(String(254))]

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def words(of: type[StrEnum]) -> Enum:
    """A column of one of our words, stored as its text: a new word needs no migration."""
    return Enum(
        of,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda enum: [member.value for member in enum],
    )


Details = dict[str, Any]


def where(condition: str) -> dict[str, Any]:
    """Of an index, which rows it is about: `Index(…, **where("ended_at IS NULL"))`."""
    return {f"{database}_where": text(condition) for database in ("postgresql", "sqlite")}
