"""How many people it never mailed a site may write to in an hour, and how that grows.

A stolen password or a flooded form writes to strangers; receipts mostly go to people the site knows
(design: streams and lanes). Clean days earn more.
"""

from __future__ import annotations

from dataclasses import dataclass

BEGIN = 20
"""People an hour for a site without history."""

MOST = 2_000
"""People an hour that clean days can earn; more is an operator's decision."""

ENOUGH = 20
"""Delivered mails without which a day says nothing."""

INVALID_BELOW = 0.02
"""Share of refused because the mailbox does not exist, from which on a day is not clean."""


@dataclass(frozen=True, slots=True)
class Day:
    """What was reported of a site's mail in one day (UTC)."""

    delivered: int = 0
    invalid: int = 0
    complained: int = 0

    @property
    def is_clean(self) -> bool:
        """At least `ENOUGH` delivered, invalid below `INVALID_BELOW`, nobody complained."""
        told = self.delivered + self.invalid
        return (
            self.delivered >= ENOUGH
            and self.complained == 0
            and self.invalid < told * INVALID_BELOW
        )


def grown(budget: int) -> int:
    """The budget after one more clean day: half as much again, up to `MOST`; never less than before."""
    return max(budget, min(budget * 3 // 2, MOST))
