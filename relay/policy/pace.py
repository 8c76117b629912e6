"""How fast one site mails one receiving gateway that has refused for rate. State in, state out.

Gateways of companies refuse for velocity alone, whatever the mail is. The first refusal sets the pace
to `FIRST`; further ones halve it, at most every `HALVE_EVERY`; time without any lets it grow by
`GROWTH` a minute, until from `FREE` on nothing holds it back. All figures are our decision.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

FIRST: Final = 1.0
"""Copies a second after the first refusal."""

SLOWEST: Final = 1 / 60
FREE: Final = 10.0
"""Copies a second: not slower than the one, and from the other on not held back at all."""

GROWTH: Final = 1.25
HALVE_EVERY: Final = timedelta(seconds=10)

AT_ONCE: Final = timedelta(seconds=2)
"""What this time is worth may leave together, and at least one copy."""

WAIT_AT_MOST: Final = timedelta(minutes=15)
"""No copy is put off for longer, so that it feels the recovery."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one pair: `rate` copies a second at `refused_at`; the next may leave at `next_at`."""

    rate: float
    next_at: datetime
    slowed_at: datetime
    refused_at: datetime


def rate_at(pace: Pace, now: datetime) -> float:
    """Copies a second at this time: what it was at the last refusal, grown since."""
    minutes = max(0.0, (now - pace.refused_at).total_seconds()) / 60
    return float(min(FREE, pace.rate * GROWTH ** min(minutes, 60.0)))


def is_free(pace: Pace, now: datetime) -> bool:
    """Whether nothing holds this pair back any more."""
    return rate_at(pace, now) >= FREE


def refused(pace: Pace | None, started_at: datetime, now: datetime) -> Pace:
    """The pace after a refusal of a copy that was sent at `started_at`.

    A refusal of what left before the last slowing is no news: it was slowed for.
    """
    if pace is None or is_free(pace, now):
        return Pace(FIRST, now + timedelta(seconds=1 / FIRST), now, now)
    if started_at < pace.slowed_at:
        return pace
    rate = rate_at(pace, now)
    if now - pace.slowed_at < HALVE_EVERY:
        return replace(pace, rate=rate, refused_at=now)
    return replace(pace, rate=max(SLOWEST, rate / 2), slowed_at=now, refused_at=now)


def slots(pace: Pace, copies: int, now: datetime) -> tuple[Pace, int, list[datetime]]:
    """How many of so many due copies may leave now, and when to look at the others again."""
    interval = timedelta(seconds=1 / rate_at(pace, now))
    next_at = max(pace.next_at, now - max(timedelta(0), AT_ONCE - interval))
    going = 0
    while going < copies and next_at <= now:
        going += 1
        next_at += interval
    latest = now + WAIT_AT_MOST
    return (
        replace(pace, next_at=next_at),
        going,
        [min(latest, next_at + n * interval) for n in range(copies - going)],
    )
