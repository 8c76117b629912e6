"""The people at the other end: what becomes of copies that leave, and when the relay hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from relay.policy.bounces import BounceClass
from relay.policy.counted import numbers
from relay.policy.gateways import Gateway
from relay.policy.reputation import FEEDBACK_LOOPS, TELL_NOBODY
from relay.replay.chance import Chance
from relay.replay.scenario import Curve, Rates
from relay.vocabulary import EventType


class Fate(StrEnum):
    """What may be heard of a copy; the words are those of a scenario."""

    SENT = "sent"
    DELIVERED = "delivered"
    INVALID = "invalid"
    REFUSED = "refused"
    SPAM = "spam"
    COMPLAINTS = "complaints"
    UNSUBSCRIBES = "unsubscribes"
    REPORTS = "reports"


_EVENTS: Mapping[Fate, tuple[EventType, dict[str, Any]]] = {
    Fate.SENT: (EventType.SENT, {}),
    Fate.DELIVERED: (EventType.DELIVERED, {}),
    Fate.INVALID: (
        EventType.BOUNCED,
        {"diagnosis": {"class": BounceClass.INVALID_RECIPIENT.value}},
    ),
    Fate.REFUSED: (EventType.BOUNCED, {"diagnosis": {"class": BounceClass.POLICY_RELATED.value}}),
    Fate.SPAM: (EventType.BOUNCED, {"diagnosis": {"class": BounceClass.SPAM_CONTENT.value}}),
    Fate.COMPLAINTS: (EventType.COMPLAINED, {}),
    Fate.UNSUBSCRIBES: (EventType.UNSUBSCRIBED, {}),
}
"""The event that each of them is, as the relay records it."""

BAD = frozenset((Fate.INVALID, Fate.SPAM, Fate.COMPLAINTS))
"""What is looked at the minute it is heard. People who leave or report are looked at once an hour, to
save time: they come over a day."""

NOT_DELIVERED = (Fate.INVALID, Fate.REFUSED, Fate.SPAM)

DELAYS: Mapping[Fate, tuple[tuple[float, timedelta], ...]] = {
    Fate.DELIVERED: ((1.0, timedelta(minutes=1)),),
    Fate.INVALID: (
        (0.80, timedelta(minutes=2)),
        (0.95, timedelta(minutes=15)),
        (1.0, timedelta(hours=1)),
    ),
    Fate.REFUSED: ((0.9, timedelta(minutes=2)), (1.0, timedelta(hours=1))),
    Fate.SPAM: ((0.9, timedelta(minutes=2)), (1.0, timedelta(hours=1))),
    Fate.COMPLAINTS: (
        (0.5, timedelta(hours=6)),
        (0.85, timedelta(hours=24)),
        (1.0, timedelta(hours=72)),
    ),
    Fate.UNSUBSCRIBES: ((0.7, timedelta(hours=4)), (1.0, timedelta(hours=24))),
    Fate.REPORTS: ((0.6, timedelta(hours=12)), (1.0, timedelta(hours=48))),
}
"""By when which share of them is heard of (our assumption; bounces mostly come in the SMTP session)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """That the same was heard of so many copies at one provider, so many minutes after they left."""

    fate: Fate
    provider: Gateway | None
    copies: int
    after: int

    @property
    def is_bad(self) -> bool:
        """Whether it speaks against the sender."""
        return self.fate in BAD


@cache
def told(fate: Fate, provider: Gateway | None) -> Mapping[str, int]:
    """What one such event adds to the numbers a sender is judged by: the relay's own rule."""
    if fate is Fate.REPORTS:
        return {}
    type, data = _EVENTS[fate]
    return numbers(type, data, provider)


def outcome(
    copies: int,
    rates: Rates,
    mix: Mapping[Gateway, float],
    exactly: Mapping[str, int],
    day: int,
    chance: Chance,
) -> tuple[list[Heard], int]:
    """What is heard of copies that leave now, and how many of them were bad mails.

    Bad is a copy to an address that does not exist, and one that its reader marks as spam, whether
    the relay ever hears of it or not. `exactly` are copies among them of which that is known before.
    """
    heard, bad = [Heard(Fate.SENT, None, copies, 0)], 0
    known = sum(exactly.get(each, 0) for each in NOT_DELIVERED)
    parts, rest = chance.split(copies - known, mix)
    for provider, part in [*parts, (None, rest)]:
        left = part
        for fate in NOT_DELIVERED:
            met = chance.of(left, _share(getattr(rates, fate), day))
            left -= met
            heard += _each(fate, provider, met, chance)
            bad += met if fate is not Fate.REFUSED else 0
        if left:
            heard.append(Heard(Fate.DELIVERED, provider, left, 1))
        complaints = chance.of(left, _share(rates.complaints, day))
        bad += complaints
        if provider in FEEDBACK_LOOPS:
            heard += _each(Fate.COMPLAINTS, provider, complaints, chance)
        for fate in (Fate.UNSUBSCRIBES, Fate.REPORTS):
            heard += _each(
                fate, provider, chance.of(left, _share(getattr(rates, fate), day)), chance
            )
    for name, times in exactly.items():
        fate = Fate(name)
        bad += times if fate in (Fate.INVALID, Fate.SPAM, Fate.COMPLAINTS) else 0
        heard += _each(fate, _speaks(fate, mix), times, chance)
    return heard, bad


def _share(curve: Curve, day: int) -> float:
    return curve.on(day)


def _each(fate: Fate, provider: Gateway | None, times: int, chance: Chance) -> list[Heard]:
    return [Heard(fate, provider, 1, _delay(fate, chance)) for _ in range(times)]


def _delay(fate: Fate, chance: Chance) -> int:
    """After how many minutes it is heard of."""
    drawn, before = chance.random(), timedelta(minutes=1)
    for share, until in DELAYS[fate]:
        if drawn <= share:
            return round((before + (until - before) * chance.random()).total_seconds() / 60)
        before = until
    return 1


def _speaks(fate: Fate, mix: Mapping[Gateway, float]) -> Gateway | None:
    """A provider of the mix from which the relay hears of this."""
    of = {Fate.COMPLAINTS: FEEDBACK_LOOPS, Fate.SPAM: TELL_NOBODY}.get(fate, frozenset(mix))
    return next((each for each in mix if each in of), min(of, default=None))
