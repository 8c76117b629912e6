"""One page of a long list: what is shown of it, and where to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TypeVar
from uuid import UUID

Row = TypeVar("Row")


def cut(
    found: Sequence[Row], limit: int, id_of: Callable[[Row], UUID] = attrgetter("id")
) -> tuple[Sequence[Row], str | None]:
    """The first `limit` of the rows, and the cursor after them; None where no more were found.

    Whoever asks the database asks for one row more than the page has, newest first.
    """
    shown = found[:limit]
    return shown, id_of(shown[-1]).hex if len(found) > limit else None
