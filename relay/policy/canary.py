"""A few copies of an unusual sending go first; the rest follows if nothing is wrong with them.

A list that was bought, or one that was not mailed for years, shows in its first hundred copies. So the
first sending to a list, and any far beyond the site's usual, is tried on a random part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.policy.first_contacts import INVALID_BELOW
from relay.vocabulary import CanaryState

LEAST = 100
"""Copies that go first, at least; a list of fewer readers needs no canary, for it would be all of it."""

PART = 20
"""One copy in so many goes first, if that is more (5 %)."""

TIMES = 5
"""A day of more than so many times the site's usual is unusual."""

USUAL_WITHIN = timedelta(days=40)
"""The usual is the busiest day within this time, so that a weekly newsletter is usual, and a monthly one
is (up to 35 days lie between two first Mondays)."""

USUAL_AT_LEAST = 100
"""What counts as usual for a site that sends less: nobody waits for a result over a handful."""

GATHER = timedelta(minutes=5)
"""Copies come in one by one; after so long, those that go first are drawn from all that are there."""

WAIT = timedelta(minutes=30)
"""How long the rest waits after the last of the first copies has left."""

AGAIN = timedelta(minutes=10)
"""How long it waits on where too little was reported."""

AT_MOST = timedelta(hours=6)
"""After so long without enough reports, the rest is held for an operator."""

REPORTED = 2
"""One in so many of the first copies must have been reported on, or nothing is decided."""

INVALID_AT_LEAST = 3
"""So many invalid addresses there must be (our decision): of a hundred readers of a list that was kept
well, two are gone by chance every eighth time."""

SPAM_FROM = 0.05
SPAM_AT_LEAST = 5
"""Share of the first copies, and number, that mailbox providers which tell nobody of complaints refused as
spam, from which on a sending is held: what holds a stream later on (our decision)."""

PAUSE = timedelta(hours=6)
"""A sending is over when nothing more of it came for so long …"""

LONGEST = timedelta(hours=24)
"""… or after so long; what comes then is another one."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of the copies that went first: how many left, and what was reported of them."""

    sent: int = 0
    reported: int = 0
    invalid: int = 0
    complained: int = 0
    spam: int = 0

    @property
    def is_bad(self) -> bool:
        """Somebody complained, too many mailboxes do not exist, or too much was refused as spam."""
        many = max(self.reported * INVALID_BELOW, INVALID_AT_LEAST)
        spam = max(self.reported * SPAM_FROM, SPAM_AT_LEAST)
        return self.complained > 0 or self.invalid >= many or self.spam >= spam

    @property
    def is_enough(self) -> bool:
        """Whether so many were reported on that the figures mean something."""
        return self.reported * REPORTED >= self.sent > 0


def is_unusual(today: int, usual: int) -> bool:
    """Whether so many copies in a day are far more than the site's busiest lately."""
    return today > TIMES * max(usual, USUAL_AT_LEAST)


def first_copies(accepted: int) -> int:
    """How many copies of a sending of this size go first."""
    return max(LEAST, -(-accepted // PART))


def verdict(figures: Figures, last_sent_at: datetime, now: datetime) -> CanaryState | None:
    """What the first copies have shown; None while nothing can be said yet.

    Not before `WAIT` has passed since the last of them left. Then a bad sign among what was reported is
    enough to stop; without one, half of them must have been reported on.
    """
    if now < last_sent_at + WAIT:
        return None
    if figures.is_bad:
        return CanaryState.FAILED
    if figures.is_enough:
        return CanaryState.CLEAN
    return CanaryState.UNCLEAR if now >= last_sent_at + AT_MOST else None
