"""When operators are written to about what waits for them: seldom, and only about news."""

from __future__ import annotations

from datetime import datetime, timedelta

TOLD_EVERY = timedelta(hours=1)
"""How often operators are written to, at most (our decision)."""

GATHERED_FOR = timedelta(minutes=5)
"""How long the newest case is waited with: what comes together is told together, and what was begun
before a letter and committed after it is not passed over (our decision)."""


def told_until(told: datetime, now: datetime) -> datetime | None:
    """Up to when a letter of now tells of what has come; None while the last one is too fresh.

    `told` is up to when the last letter told. Whole seconds, in UTC.
    """
    until = (now - GATHERED_FOR).replace(microsecond=0)
    return until if until - told >= TOLD_EVERY else None
