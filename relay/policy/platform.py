"""All mail together: what Amazon SES sees of it, and whose newsletters are slowed when that gets too much.

SES knows one sender, the operator of this relay. So there are lines over all mail, well below those at which
SES looks into an account, and when one is crossed the largest contributors make room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from relay.policy.reputation import Figures
from relay.vocabulary import Rule

BOUNCES: Final = 0.03
COMPLAINTS: Final = 0.0007
"""Of all mail together, as Amazon SES counts: SES reviews at 5 % and 0.1 % (SES developer guide)."""

AT_LEAST: Final = 1_000
"""Mature copies below which all mail together says nothing (our decision)."""

CASES: Final = {"permanent": 30, "complaints": 5}
"""So many bounces, and complaints, there must be before anybody is slowed (our decision)."""

SLOWED_FOR: Final = timedelta(hours=24)
"""So long, and again while it is needed."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one site (by its key) adds to a platform's rate."""

    key: Any
    figures: Figures


def contributors(all_of_them: Sequence[Contribution]) -> dict[Any, dict[str, Any]]:
    """Whose newsletters are slowed so that the platform comes back below its lines: the largest first.

    Nobody is, while all is well; and never a site whose own rate is below the platform's line.
    """
    found: dict[Any, dict[str, Any]] = {}
    for cases, of, line in (
        ("permanent", "people", BOUNCES),
        ("complaints", "heard", COMPLAINTS),
    ):
        total = sum((each.figures for each in all_of_them), Figures())
        bad, mailed = getattr(total, cases), getattr(total, of)
        if mailed < AT_LEAST or bad < CASES[cases] or bad < line * mailed:
            continue
        for each in sorted(all_of_them, key=lambda c: -getattr(c.figures, cases)):
            own, sent = getattr(each.figures, cases), getattr(each.figures, of)
            if bad < line * mailed or not own:
                break
            if own < line * max(sent, 1):
                continue
            found.setdefault(
                each.key,
                {
                    "rule": Rule.PLATFORM.value,
                    "what": cases,
                    "cases": own,
                    "of": sent,
                    "all_cases": getattr(total, cases),
                    "all_of": getattr(total, of),
                    "line": line,
                },
            )
            bad, mailed = bad - own, mailed - sent
    return found
