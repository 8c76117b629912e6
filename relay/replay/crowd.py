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
from relay.replay.scenario import Rates
from relay.vocabulary import EventType


class Echo(StrEnum):
    """What may be heard of a copy; the words are those of a scenario."""

    SENT = "sent"
    DELIVERED = "delivered"
    INVALID = "invalid"
    REFUSED = "refused"
    SPAM = "spam"
    COMPLAINTS = "complaints"
    UNSUBSCRIBES = "unsubscribes"
    REPORTS = "reports"


_EVENTS: Mapping[Echo, tuple[EventType, dict[str, Any]]] = {
    Echo.SENT: (EventType.SENT, {}),
    Echo.DELIVERED: (EventType.DELIVERED, {}),
    Echo.INVALID: (
        EventType.BOUNCED,
        {"diagnosis": {"class": BounceClass.INVALID_RECIPIENT.value}},
    ),
    Echo.REFUSED: (EventType.BOUNCED, {"diagnosis": {"class": BounceClass.POLICY_RELATED.value}}),
    Echo.SPAM: (EventType.BOUNCED, {"diagnosis": {"class": BounceClass.SPAM_CONTENT.value}}),
    Echo.COMPLAINTS: (EventType.COMPLAINED, {}),
    Echo.UNSUBSCRIBES: (EventType.UNSUBSCRIBED, {}),
}
"""The event that each of them is, as the relay records it."""

BAD = frozenset((Echo.INVALID, Echo.SPAM, Echo.COMPLAINTS))
"""What is looked at the minute it is heard. People who leave or report are looked at once an hour, to
save time: they come over a day."""

NOT_DELIVERED = (Echo.INVALID, Echo.REFUSED, Echo.SPAM)

DELAYS: Mapping[Echo, tuple[tuple[float, timedelta], ...]] = {
    Echo.DELIVERED: ((1.0, timedelta(minutes=1)),),
    Echo.INVALID: (
        (0.80, timedelta(minutes=2)),
        (0.95, timedelta(minutes=15)),
        (1.0, timedelta(hours=1)),
    ),
    Echo.REFUSED: ((0.9, timedelta(minutes=2)), (1.0, timedelta(hours=1))),
    Echo.SPAM: ((0.9, timedelta(minutes=2)), (1.0, timedelta(hours=1))),
    Echo.COMPLAINTS: (
        (0.5, timedelta(hours=6)),
        (0.85, timedelta(hours=24)),
        (1.0, timedelta(hours=72)),
    ),
    Echo.UNSUBSCRIBES: ((0.7, timedelta(hours=4)), (1.0, timedelta(hours=24))),
    Echo.REPORTS: ((0.6, timedelta(hours=12)), (1.0, timedelta(hours=48))),
}
"""By when which share of them is heard of (our assumption; bounces mostly come in the SMTP session)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """That the same was heard of so many copies at one provider, so many minutes after they left."""

    echo: Echo
    provider: Gateway | None
    copies: int
    after: int

    @property
    def is_bad(self) -> bool:
        """Whether it speaks against the sender."""
        return self.echo in BAD


@cache
def told(echo: Echo, provider: Gateway | None) -> Mapping[str, int]:
    """What one such event adds to the numbers a sender is judged by: the relay's own rule."""
    if echo is Echo.REPORTS:
        return {}
    type, data = _EVENTS[echo]
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
    heard, bad = [Heard(Echo.SENT, None, copies, 0)], 0
    known = sum(exactly.get(each, 0) for each in NOT_DELIVERED)
    parts, rest = chance.split(copies - known, mix)
    for provider, part in [*parts, (None, rest)]:
        left = part
        for echo in NOT_DELIVERED:
            met = chance.of(left, getattr(rates, echo).on(day))
            left -= met
            heard += _each(echo, provider, met, chance)
            bad += met if echo is not Echo.REFUSED else 0
        if left:
            heard.append(Heard(Echo.DELIVERED, provider, left, 1))
        complaints = chance.of(left, rates.complaints.on(day))
        bad += complaints
        if provider in FEEDBACK_LOOPS:
            heard += _each(Echo.COMPLAINTS, provider, complaints, chance)
        for echo in (Echo.UNSUBSCRIBES, Echo.REPORTS):
            heard += _each(echo, provider, chance.of(left, getattr(rates, echo).on(day)), chance)
    for name, times in exactly.items():
        echo = Echo(name)
        bad += times if echo in (Echo.INVALID, Echo.SPAM, Echo.COMPLAINTS) else 0
        heard += _each(echo, _speaks(echo, mix), times, chance)
    return heard, bad


def _each(echo: Echo, provider: Gateway | None, times: int, chance: Chance) -> list[Heard]:
    return [Heard(echo, provider, 1, _delay(echo, chance)) for _ in range(times)]


def _delay(echo: Echo, chance: Chance) -> int:
    """After how many minutes it is heard of."""
    drawn, before = chance.random(), timedelta(minutes=1)
    for share, until in DELAYS[echo]:
        if drawn <= share:
            return round((before + (until - before) * chance.random()).total_seconds() / 60)
        before = until
    return 1


def _speaks(echo: Echo, mix: Mapping[Gateway, float]) -> Gateway | None:
    """A provider of the mix from which the relay hears of this."""
    of = {Echo.COMPLAINTS: FEEDBACK_LOOPS, Echo.SPAM: TELL_NOBODY}.get(echo, frozenset(mix))
    return next((each for each in mix if each in of), min(of, default=None))
