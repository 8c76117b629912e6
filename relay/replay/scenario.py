"""What a scenario says: sites, the mail they hand in, what becomes of it, and what the rules should do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise

from relay.policy.gateways import Gateway
from relay.vocabulary import State, Stream

PEOPLE = {
    Gateway.GMAIL: 0.38,
    Gateway.OUTLOOK: 0.16,
    Gateway.YAHOO: 0.12,
    Gateway.APPLE: 0.08,
    Gateway.GMX: 0.06,
    Gateway.MICROSOFT_365: 0.12,
    Gateway.GOOGLE_WORKSPACE: 0.08,
}
"""Where private people have their mailboxes; what is left is at small providers (our assumption)."""

COMPANIES = {
    Gateway.MICROSOFT_365: 0.46,
    Gateway.GOOGLE_WORKSPACE: 0.18,
    Gateway.PROOFPOINT: 0.09,
    Gateway.MIMECAST: 0.07,
    Gateway.BARRACUDA: 0.05,
    Gateway.CISCO: 0.04,
}
"""The same for companies (our assumption)."""

MIXES: Mapping[str, Mapping[Gateway, float]] = {"people": PEOPLE, "companies": COMPANIES}


@dataclass(frozen=True, slots=True)
class Curve:
    """A number that changes: its value on some days, and a straight line between them."""

    points: Sequence[tuple[int, float]] = ((1, 0.0),)

    def on(self, day: int) -> float:
        """The value on this day; before the first point, and after the last, it stays as it is there."""
        if day <= self.points[0][0]:
            return self.points[0][1]
        for (one, low), (other, high) in pairwise(self.points):
            if day <= other:
                return low + (high - low) * (day - one) / (other - one)
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Rates:
    """What becomes of copies that leave, as shares of them.

    `invalid` meet an address that does not exist, `refused` a gateway whose policy refuses, `spam` a
    server that refuses them as spam. Of those that arrive: `complaints` are marked as spam (the relay
    hears of it where the provider has a feedback loop), `unsubscribes` and `reports` of abuse follow.
    """

    invalid: Curve = Curve()
    refused: Curve = Curve()
    spam: Curve = Curve()
    complaints: Curve = Curve()
    unsubscribes: Curve = Curve()
    reports: Curve = Curve()


KINDS = tuple(each.name for each in fields(Rates))
"""What may become of a copy, other than that it arrives and nothing is heard."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One kind of mail of a site.

    Either so many a day (`per_day`) or sendings of so many at once (`send`, on the days `on`). `unwanted`:
    nobody asked for it, so each copy that leaves is a bad mail. `exactly` are numbers instead of rates for
    each sending.
    """

    name: str
    stream: Stream = Stream.TRANSACTIONAL
    source: str = ""
    per_day: Curve = Curve()
    first_day: int = 1
    last_day: int = 10_000
    hours: tuple[int, int] = (0, 24)
    send: int = 0
    on: frozenset[int] = frozenset()
    new_list: bool | None = None
    opted_in: bool = True
    security: bool = False
    new_people: float = 0.0
    same_words: bool = False
    new_network: bool = False
    unwanted: bool = False
    to: Mapping[Gateway, float] = field(default_factory=lambda: PEOPLE)
    rates: Rates = Rates()
    exactly: Mapping[str, int] = field(default_factory=dict)

    def runs_on(self, day: int) -> bool:
        """Whether any of it is handed in on this day."""
        return day in self.on if self.send else self.first_day <= day <= self.last_day


@dataclass(frozen=True, slots=True)
class Place:
    """A site: how old it is, what it is known for, and its mail. `times` are so many alike."""

    name: str
    account: str
    plan: str = "standard"
    age: int = 400
    delivered: int = 20_000
    declared_daily: int | None = None
    promotional_daily: int | None = None
    first_contacts: int | None = None
    times: int = 1
    mail: Sequence[Mail] = ()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The mail of all other customers of the relay, beside which the scenario's is seen."""

    per_day: int = 20_000
    bounces: float = 0.004
    complaints: float = 0.0001


@dataclass(frozen=True, slots=True)
class Expectation:
    """What should have happened to a site at the end; what is not said is not asked."""

    site: str
    stopped_within: int | None = None
    by_day: int | None = None
    rules: tuple[str, ...] = ()
    state: State | None = None
    streams: Mapping[Stream, State] = field(default_factory=dict)
    never: str | None = None
    flows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story to be replayed. The same seed gives the same story."""

    name: str
    about: str
    good: bool
    days: int
    seed: int
    places: Sequence[Place]
    expectations: Sequence[Expectation]
    elsewhere: Elsewhere = Elsewhere()
