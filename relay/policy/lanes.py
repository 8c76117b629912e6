"""Which lane leaves next: by rank, and so that no lane starves. State in, state out.

A higher lane goes first. While it takes everything, each lane below is owed `SHARE` of what leaves;
as soon as that amounts to whole copies, they go before all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from relay.vocabulary import Lane

SHARE: Final = 0.10
"""Share of all that leaves which a lane gets while the lanes above it never end (our decision)."""

MOST_OWED: Final = 20.0
"""Copies a lane is owed at most: a long wait earns no flood."""

RANKS: Final = tuple(lane.rank for lane in Lane)
LOWER: Final = frozenset((Lane.NOTIFICATION.rank, Lane.MARKETING.rank))
"""Ranks that leave a tenth of rate and day quota to the others."""


def order(owed: Mapping[int, float]) -> Iterator[tuple[int, int | None]]:
    """Lanes in the order they are asked, by rank, and how many copies each may give at most.

    First what is owed, then everybody by rank without a limit of its own (None).
    """
    for rank in RANKS[1:]:
        if owed.get(rank, 0.0) >= 1:
            yield rank, int(owed[rank])
    for rank in RANKS:
        yield rank, None


def settled(
    owed: Mapping[int, float], served: Mapping[int, int], empty: frozenset[int]
) -> dict[int, float]:
    """What is owed after these copies were served; a lane that has nothing to send is owed nothing."""
    total = sum(served.values())
    after: dict[int, float] = {}
    for rank in RANKS[1:]:
        debt = owed.get(rank, 0.0) + SHARE * total - served.get(rank, 0)
        if rank not in empty and debt > 0:
            after[rank] = min(MOST_OWED, debt)
    return after
