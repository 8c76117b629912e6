"""Appeals: what one may appeal against, and by when an answer comes."""

from __future__ import annotations

from datetime import datetime, timedelta

from relay.vocabulary import Verb

LONGEST = 5_000
"""Characters of an appeal (our decision: room for the whole story)."""

WORKING_DAYS = 2
"""Monday to Friday, UTC, until an answer comes (our decision)."""

APPEALABLE = frozenset((Verb.WARN, Verb.LIMIT, Verb.SUSPEND, Verb.TERMINATE))
"""What is done against somebody; an appeal against anything else would have no end."""

_SATURDAY = 5


def answer_by(at: datetime) -> datetime:
    """When an appeal of this moment is answered at the latest: weekends do not count."""
    found, left = at, WORKING_DAYS
    while left:
        found += timedelta(days=1)
        left -= found.weekday() < _SATURDAY
    return found
