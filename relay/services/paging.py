"""One page of a long list: what is shown of it, and where to go on."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, literal, tuple_

Row = TypeVar("Row")
Query = TypeVar("Query", bound="Select[*tuple[Any, ...]]")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = re.compile(r"([0-9a-f])([0-9a-f]{16})([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in a list that is sorted by a time and an id, and before them maybe by a rank.

    It is made of what the list is sorted by, not of the row's id alone: so it leads to the same place
    whatever has become of the row since. `rank` is 0 to 15.
    """

    at: datetime
    id: UUID
    rank: int = 0

    @property
    def hex(self) -> str:
        """As a cursor: 49 hexadecimal digits."""
        return f"{self.rank:x}{(self.at - _EPOCH) // _MICROSECOND:016x}{self.id.hex}"

    @classmethod
    def read(cls, cursor: str) -> Place:
        """The place of a cursor. Raises `ValueError` for what is none."""
        found = _PLACE.fullmatch(cursor)
        if found is None:
            raise ValueError("not a cursor of this list")
        rank, at, id = found.groups()
        try:
            return cls(_EPOCH + int(at, 16) * _MICROSECOND, UUID(id), int(rank, 16))
        except OverflowError:
            raise ValueError("not a cursor of this list") from None


def cut(
    found: Sequence[Row], limit: int, place_of: Callable[[Row], UUID | Place] = attrgetter("id")
) -> tuple[Sequence[Row], str | None]:
    """The first `limit` of the rows, and the cursor after them; None where no more were found.

    Whoever asks the database asks for one row more than the page has.
    """
    shown = found[:limit]
    return shown, place_of(shown[-1]).hex if len(found) > limit else None


def in_order(query: Query, *columns: Any, after: Place | None, newest_first: bool = False) -> Query:
    """The query sorted by time and id, or rank, time and id; of its rows those after a place."""
    if after is not None:
        values = (after.rank, after.at, after.id)[-len(columns) :]
        row = tuple_(*columns)
        place = tuple_(*map(literal, values, (column.type for column in columns)))
        query = query.where(row < place if newest_first else row > place)
    return query.order_by(*(column.desc() if newest_first else column for column in columns))
