"""When what is queued will be gone: rate, what is left of the day quota, and what of it comes back.

A fluid model of the dispatcher: lanes leave by rank, each lower one at least with its share, the two
lower ones together with nine tenths of the rate at most. When the day quota is used up, as much may
leave as falls out of the last 24 hours; we take that to be even.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from relay.policy.budget import KEPT, UNLIMITED
from relay.policy.lanes import LOWER, RANKS, SHARE

DAY: Final = 86_400.0

LONGEST: Final = timedelta(days=30)
"""What takes longer than this is not foretold: nothing waits for so long."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What may leave: `rate` in copies a second (None: unknown), the day quota as in `Budget`.

    `left` is what the quota still allows, None where there is none. `held` is how many seconds nothing
    leaves at all.
    """

    rate: float | None
    per_day: int | None = None
    left: int | None = None
    held: float = 0.0


def forecast(waiting: Mapping[int, int], supply: Supply) -> dict[int, timedelta | None]:
    """For each lane, by rank, how long until its last copy has left; None where that is unknown."""
    left = {rank: float(count) for rank, count in waiting.items() if count > 0}
    found: dict[int, timedelta | None] = dict.fromkeys(left)
    if supply.rate is None or supply.rate <= 0:
        return found
    clock, quota = supply.held, None if supply.left is None else float(supply.left)
    back = (supply.per_day or 0) / DAY if supply.per_day not in (None, UNLIMITED) else 0.0
    kept = (supply.per_day or 0) * KEPT if quota is not None else 0.0
    while left and clock < LONGEST.total_seconds():
        speeds = _speeds(frozenset(left), supply.rate, quota, kept, back)
        total = sum(speeds.values())
        ends = [left[rank] / speed for rank, speed in speeds.items() if speed > 0]
        if quota is not None and total > back:
            for level in (kept, 0.0):
                if quota > level + 1e-9:
                    ends.append((quota - level) / (total - back))
                    break
        if not ends:
            break
        step = min(ends)
        clock += step
        if quota is not None:
            quota = max(0.0, quota + (back - total) * step)
        for rank, speed in speeds.items():
            left[rank] -= speed * step
            if left[rank] <= 1e-6:
                del left[rank]
                if clock <= LONGEST.total_seconds():
                    found[rank] = timedelta(seconds=round(clock, 3))
    return found


def _speeds(
    ranks: frozenset[int], rate: float, quota: float | None, kept: float, back: float
) -> dict[int, float]:
    """Copies a second of each lane that still has some."""
    whole = rate if quota is None or quota > 1e-9 else min(rate, back)
    lower = (
        rate * (1 - KEPT) if quota is None or quota > kept + 1e-9 else min(rate, back) * (1 - KEPT)
    )
    active = [rank for rank in RANKS if rank in ranks]
    floors = dict.fromkeys(active[1:], SHARE * whole)
    speeds: dict[int, float] = {}
    free, free_lower = whole, min(lower, whole)
    for rank in active:
        reserved = sum(floor for each, floor in floors.items() if each > rank)
        speed = max(0.0, free - reserved)
        if rank in LOWER:
            reserved_lower = sum(f for each, f in floors.items() if each > rank and each in LOWER)
            speed = min(speed, max(0.0, free_lower - reserved_lower))
            free_lower -= speed
        speeds[rank] = speed
        free -= speed
    return speeds


def share_of_site(own: int, copies: int, sites: int, gone_in: timedelta) -> timedelta:
    """How long until a site's last copy has left a lane in which sites take turns.

    The lane holds `copies` of `sites` sites (this one included) and is empty after `gone_in`. Of the
    others, each gives at most as many before as the site has itself.
    """
    if copies <= 0:
        return timedelta(0)
    before = min(max(0, copies - own), own * max(0, sites - 1))
    return gone_in * min(1.0, (own + before) / copies)
