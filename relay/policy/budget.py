"""What all workers together may hand to the provider: rate, day quota, and holds. State in, state out.

The provider's limits come from `GetAccount` (MaxSendRate, Max24HourSend; both count recipients, the
day is the last 24 hours). Tokens fill by elapsed database time and are taken in the transaction that
claims copies, so that no two workers spend the same one. A throttling answer lowers the rate by
`BACK_OFF` at most once a second; each second without one raises it by `RECOVER` of the ceiling.
Trouble that concerns everything we send holds everybody (SES developer guide, 'Errors related to the
sending quotas': wait up to 10 minutes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

BACK_OFF: Final = 0.7
RECOVER: Final = 0.05
SLOWEST: Final = 1.0
"""Copies a second that are tried even while the provider refuses."""

BURST: Final = 0.25
"""Seconds' worth of copies that may leave at once. SES allows about a second's worth; the rest is for
copies that arrive a little later than they were granted."""

STEADY: Final = 0.98
"""Share of the rate that is really used: two clocks never agree (our decision)."""

KEPT: Final = 0.10
"""Share of rate and day quota that the lower lanes leave to protected and transactional mail."""

UNLIMITED: Final = -1
"""A day quota without end, as SES writes it."""

HOLDS: Final = {
    "rate": 0.0,
    "unreachable": 3.0,
    "daily-quota": 600.0,
    "provider-stopped": 60.0,
    "credentials-refused": 60.0,
    "no-credentials": 60.0,
}
"""Seconds for which nothing is sent after this trouble (our decision)."""

PUT_OFF: Final = {"rate": 2.0}
"""Seconds after which a copy is due again, where that differs from the hold."""


def put_off(code: str) -> float:
    """Seconds after which a copy is due again that trouble of this kind has turned back."""
    return PUT_OFF.get(code, HOLDS.get(code, 15.0))


@dataclass(frozen=True, slots=True)
class Budget:
    """What may leave. Rates are in copies a second.

    `ceiling` is the provider's rate and `rate` ours at present, None while nothing limits us.
    `tokens` may be taken by every lane, and each copy of a lower lane also takes one of `lower`.
    `per_day` is None while unknown and `UNLIMITED` without a quota; of it `sent_day` were used when
    it was told, and `taken` since then.
    """

    ceiling: float | None = None
    rate: float | None = None
    tokens: float = 0.0
    lower: float = 0.0
    filled_at: datetime | None = None
    throttled_at: datetime | None = None
    held_until: datetime | None = None
    held_code: str | None = None
    per_day: int | None = None
    sent_day: int = 0
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many copies may leave now, and how many of these from the lower lanes."""

    copies: int
    lower: int


def filled(budget: Budget, now: datetime) -> Budget:
    """The budget after the time that has passed; a rate that was lowered recovers meanwhile."""
    if budget.rate is None:
        return replace(budget, filled_at=now)
    if budget.filled_at is None:
        return replace(budget, filled_at=now, tokens=1.0, lower=1.0)
    passed = max(0.0, (now - budget.filled_at).total_seconds())
    rate = _recovered(budget, budget.rate, passed, now)
    room = max(1.0, rate * BURST)
    steady = rate * STEADY
    return replace(
        budget,
        rate=rate,
        filled_at=max(now, budget.filled_at),
        tokens=min(room, budget.tokens + passed * steady),
        lower=min(room, budget.lower + passed * steady * (1 - KEPT)),
    )


def _recovered(budget: Budget, rate: float, passed: float, now: datetime) -> float:
    if budget.throttled_at is not None and now - budget.throttled_at < timedelta(seconds=1):
        return rate
    ceiling = budget.ceiling if budget.ceiling is not None else rate * 2
    return min(ceiling, rate + ceiling * RECOVER * passed)


def allowance(budget: Budget, most: int, now: datetime) -> Allowance:
    """What of `most` copies may leave now. The budget must have been filled."""
    if held_for(budget, now):
        return Allowance(0, 0)
    copies = lower = most
    if budget.rate is not None:
        copies = min(copies, int(budget.tokens))
        lower = min(lower, int(budget.lower))
    left = left_today(budget)
    if left is not None and budget.per_day is not None:
        kept = int(budget.per_day * KEPT)
        copies, lower = min(copies, left), min(lower, left - kept)
    return Allowance(max(0, copies), max(0, min(copies, lower)))


def left_today(budget: Budget) -> int | None:
    """Copies the day quota still allows; None where there is none, or it is unknown."""
    if budget.per_day is None or budget.per_day == UNLIMITED:
        return None
    return max(0, budget.per_day - budget.sent_day - budget.taken)


def spent(budget: Budget, copies: int, lower: int) -> Budget:
    """The budget after so many copies have been taken, `lower` of them from the lower lanes."""
    taken = budget.taken + copies
    if budget.rate is None:
        return replace(budget, taken=taken)
    return replace(budget, tokens=budget.tokens - copies, lower=budget.lower - lower, taken=taken)


def until_next(budget: Budget) -> float:
    """Seconds until the next token is there; 0 where none is needed or one is there."""
    if budget.rate is None or budget.tokens >= 1:
        return 0.0
    return (1 - budget.tokens) / (budget.rate * STEADY)


def held_for(budget: Budget, now: datetime) -> float:
    """Seconds for which nothing may leave; 0 when something may."""
    if budget.held_until is None:
        return 0.0
    return max(0.0, (budget.held_until - now).total_seconds())


def troubled(budget: Budget, code: str, now: datetime, *, in_use: int) -> Budget:
    """The budget after an answer that concerns everything we send; `in_use` copies were on the wire."""
    hold = HOLDS.get(code, 0.0)
    if hold:
        until = now + timedelta(seconds=hold)
        if budget.held_until is None or until > budget.held_until:
            budget = replace(budget, held_until=until, held_code=code)
    if code != "rate":
        return budget
    if budget.throttled_at is not None and now - budget.throttled_at < timedelta(seconds=1):
        return budget
    current = budget.rate if budget.rate is not None else max(SLOWEST, float(in_use))
    rate = max(SLOWEST, current * BACK_OFF)
    return replace(
        budget,
        rate=rate,
        throttled_at=now,
        filled_at=budget.filled_at or now,
        tokens=0.0,
        lower=0.0,
    )


def learned(
    budget: Budget, *, ceiling: float | None, per_day: int | None, sent_day: int, since: int
) -> Budget:
    """The budget after the provider has told its limits.

    `since` copies were taken that the provider's count of the day cannot hold yet.
    """
    rate = None
    if ceiling is not None:
        rate = ceiling if budget.rate is None else min(budget.rate, ceiling)
        if budget.ceiling is not None and budget.rate == budget.ceiling:
            rate = ceiling  # nothing slows us: a raised limit holds at once
    return replace(
        budget, ceiling=ceiling, rate=rate, per_day=per_day, sent_day=sent_day, taken=since
    )
