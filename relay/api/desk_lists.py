"""A page of a list that operators read: of what waits, or has waited, for a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from relay.api.auth import relay
from relay.services.accounts import check_named
from relay.services.paging import Place, cut

Row = TypeVar("Row")


def page(
    name: str,
    read: Callable[..., Sequence[Row]],
    place: Callable[[Row], UUID | Place],
    *,
    limit: int,
    **query: Any,
) -> dict[str, Any]:
    """What `read` finds for the query, under its name, and where to go on after it.

    Raises `NotFound` where the query names an account or site that nobody knows.
    """
    with relay().reads() as session:
        check_named(session, account_id=query.get("account_id"), site_id=query.get("site_id"))
        found = read(session, limit=limit + 1, **query)
    shown, cursor = cut(found, limit, place)
    return {name: shown, "next_cursor": cursor}
