"""When the mail of a site is warned about, limited or suspended: rules over what was reported of it.

A stream is judged by its own mail. What counts is what the sender can help: addresses that do not exist,
complaints, and, where a mailbox provider tells nobody of complaints, its refusals as spam, people who leave
and people who report. What a gateway's policy refused judges nobody. Small numbers prove little, so a rate
is the lower end of what it may really be (Wilson), and each line asks for a least number of cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from math import sqrt
from operator import attrgetter
from typing import Any, Final, NamedTuple

from relay.policy import warm_up
from relay.policy.gateways import Gateway
from relay.policy.streams import PROMOTIONAL
from relay.vocabulary import Cause, Rule, Stream, Verb

DAY: Final = timedelta(hours=24)
WEEK: Final = timedelta(days=7)
MONTH: Final = timedelta(days=30)
WINDOWS: Final = (DAY, WEEK, MONTH)
"""Spans of time over which rates are taken, never past the last reinstatement."""

BOUNCES_MATURE: Final = timedelta(hours=1)
"""So long after sending a copy counts whatever was heard of it; before, once its end is reported."""

COMPLAINTS_MATURE: Final = timedelta(hours=72)
"""So long people take to complain: a rate over younger mail is too low, and never too high."""

Z: Final = 1.959964
"""Of the 95 % interval (E. B. Wilson, 1927)."""

PLAIN_ABOVE: Final = 2_000
PLAIN_CASES: Final = {Verb.WARN: 4, Verb.LIMIT: 10, Verb.SUSPEND: 10}
"""Above so many copies the plain rate counts, and no bound, where there are so many cases. The latter is
our decision: six complaints of 5,600 are 0.11 %, and come by chance, in one week of a hundred, to a
newsletter that has 0.03 %. They warn; they do not hold."""

BURST: Final = 10
BURST_OF: Final = 100
"""So many invalid addresses among the last so many attempts hold a stream at once."""

OTHERS_AT_LEAST: Final = 20
"""So many mails must come from elsewhere on the site before one plugin or form is held instead of the
stream (our decision): else it is the site."""

YOUNG_DELIVERED: Final = 5_000
"""A site is young for as long as the warm-up says, and until so much of its mail was delivered."""

YOUNG_INVALID: Final = 5
YOUNG_COMPLAINTS: Final = 3
"""So many of a young site in 24 hours hold the stream until somebody has looked."""

FEEDBACK_LOOPS: Final = frozenset(
    (
        Gateway.YAHOO,
        Gateway.OUTLOOK,
        Gateway.COMCAST,
        Gateway.SPECTRUM,
        Gateway.FASTMAIL,
        Gateway.MAILRU,
        Gateway.YANDEX,
        Gateway.LAPOSTE,
        Gateway.SFR,
        Gateway.ORANGE,
        Gateway.LIBERO,
        Gateway.SEZNAM,
        Gateway.UOL,
        Gateway.RACKSPACE,
    )
)
"""Mailbox providers that tell senders, or Amazon SES, of complaints (Yahoo's CFL, Microsoft's JMRP, and the
providers behind Validity's universal feedback loop)."""

TELL_NOBODY: Final = frozenset(
    (Gateway.GMAIL, Gateway.APPLE, Gateway.GMX, Gateway.WEBDE, Gateway.T_ONLINE, Gateway.QQ)
)
"""Mailbox providers of many people that report no complaints: there their own refusals as spam speak."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was reported of copies that were sent in one span of time.

    `people` is how many copies are mature, `delivered` how many arrived, `heard` how many of those at a
    provider with a feedback loop. `invalid` are addresses that do not exist, `permanent` all bounces that
    Amazon SES counts. `unheard` are copies with an end at providers that tell nobody, `spam` those of them
    that were refused or delayed as spam. `left` are people who left, `reports` those who reported abuse.
    """

    people: int = 0
    delivered: int = 0
    heard: int = 0
    invalid: int = 0
    permanent: int = 0
    complaints: int = 0
    unheard: int = 0
    spam: int = 0
    left: int = 0
    reports: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Figures)))

    def __sub__(self, other: Figures) -> Figures:
        """What is left without the other part; never below nothing."""
        parts = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(Figures))
        return Figures(*(max(mine - theirs, 0) for mine, theirs in parts))


class End(NamedTuple):
    """An attempt that came to its end: from which source, whether the address was invalid, and when it was
    sent (seconds since 1970)."""

    source: str
    invalid: bool
    sent: float


@dataclass(frozen=True, slots=True)
class Recent:
    """The last attempts of a stream of those with an end, the first that were sent before the others."""

    ends: Sequence[End] = ()

    @property
    def invalid(self) -> int:
        """How many of them met an address that does not exist."""
        return sum(end.invalid for end in self.ends)

    def followed_by(self, ends: Sequence[End]) -> Recent:
        """The same after so many more ends, cut to `BURST_OF`.

        They count in the order in which they were sent: the bounces of a large sending that come late
        would else stand together at its end, and look like a burst.
        """
        sent = sorted([*self.ends, *ends], key=attrgetter("sent"))
        return Recent(tuple(sent[-BURST_OF:]))

    def without(self, source: str) -> Recent:
        """The same without the attempts of one source."""
        return Recent(tuple(end for end in self.ends if end.source != source))


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of one stream of a site. `settled` is what of each window is old enough for
    complaints; `is_young` says that the site is."""

    stream: Stream
    windows: Mapping[timedelta, Figures] = field(default_factory=dict)
    settled: Mapping[timedelta, Figures] = field(default_factory=dict)
    recent: Recent = Recent()
    is_young: bool = False

    def without(self, source: str, part: Record) -> Record:
        """The same without the mail of one source, of which `part` tells the figures."""
        return Record(
            self.stream,
            {w: all - part.windows.get(w, Figures()) for w, all in self.windows.items()},
            {w: all - part.settled.get(w, Figures()) for w, all in self.settled.items()},
            self.recent.without(source),
            self.is_young,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """From which rate on something follows, if there are at least so many cases, of at least so many."""

    rate: float
    cases: int
    of: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """What is counted against what, and what follows from which line on.

    `settles`: the rate over old mail counts as well as that over all. `streams` are those it speaks of.
    """

    rule: Rule
    cause: Cause
    cases: str
    of: str
    lines: Mapping[Verb, Line]
    settles: bool = False
    streams: frozenset[Stream] = frozenset(Stream)

    def share(self, figures: Figures) -> tuple[int, int]:
        """The cases, and of how many: never of fewer than there are cases."""
        cases: int = getattr(figures, self.cases)
        return cases, max(getattr(figures, self.of), cases)


SIGNALS: Final = (
    Signal(
        Rule.INVALID_ADDRESSES,
        Cause.INVALID_ADDRESSES,
        "invalid",
        "people",
        {
            Verb.WARN: Line(0.02, 5),
            Verb.LIMIT: Line(0.04, 5),
            Verb.SUSPEND: Line(0.08, 10, 100),
        },
    ),
    Signal(
        Rule.COMPLAINTS,
        Cause.COMPLAINTS,
        "complaints",
        "heard",
        {
            Verb.WARN: Line(0.0005, 2),
            Verb.LIMIT: Line(0.001, 3),
            Verb.SUSPEND: Line(0.003, 5, 100),
        },
        settles=True,
    ),
    Signal(
        Rule.SPAM_REFUSALS,
        Cause.SPAM,
        "spam",
        "unheard",
        {Verb.WARN: Line(0.02, 10), Verb.LIMIT: Line(0.05, 20)},
    ),
    Signal(
        Rule.PEOPLE_LEAVE,
        Cause.SPAM,
        "left",
        "delivered",
        {Verb.WARN: Line(0.01, 10), Verb.LIMIT: Line(0.02, 20)},
        settles=True,
        streams=PROMOTIONAL,
    ),
    Signal(
        Rule.ABUSE_REPORTS,
        Cause.COMPLAINTS,
        "reports",
        "delivered",
        {Verb.WARN: Line(0.0005, 2), Verb.LIMIT: Line(0.001, 3)},
        settles=True,
    ),
)
"""The lines (docs/reputation.md). Those for spam refusals, and the least numbers of warnings, we decided:
one complaint in a club of forty is no rate yet."""

SEVERITY: Final = (Verb.WARN, Verb.LIMIT, Verb.SUSPEND)
"""From mild to hard."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows, from which rule, and the numbers it rests on.

    `whole_site`: it is about the site and not only about the stream.
    """

    verb: Verb
    rule: Rule
    cause: Cause
    evidence: Mapping[str, Any]
    whole_site: bool = False


def lower_bound(cases: int, of: int, verb: Verb = Verb.LIMIT) -> float:
    """The rate that is at least behind so many cases: Wilson's lower bound, 95 %; plain above 2,000 copies,
    where there are enough cases for what is to follow."""
    if of <= 0 or cases <= 0:
        return 0.0
    rate = min(cases / of, 1.0)
    if of > PLAIN_ABOVE and cases >= PLAIN_CASES[verb]:
        return rate
    spread = Z * sqrt(rate * (1 - rate) / of + Z * Z / (4 * of * of))
    return max((rate + Z * Z / (2 * of) - spread) / (1 + Z * Z / of), 0.0)


def judge(record: Record) -> Verdict | None:
    """What follows from a stream's record; None where all is well. Of several, the hardest.

    Breaches of newsletters and notifications end with that stream held. Too many invalid addresses, or
    complaints, of receipts limit the site (newsletters and notifications are held), or suspend it.
    """
    found = [verdict for signal in SIGNALS for verdict in _over_windows(signal, record)]
    found += [each for each in (_burst(record), _too_young(record)) if each is not None]
    if not found:
        return None
    return max(found, key=lambda verdict: SEVERITY.index(verdict.verb))


def origin(record: Record, by_source: Mapping[str, Record]) -> str | None:
    """The one plugin or form without whose mail all would be well, where others send beside it.

    A spammed contact form must not stop a shop's receipts.
    """
    for source, part in by_source.items():
        rest = record.without(source, part)
        others = max((figures.people for figures in rest.windows.values()), default=0)
        if source and others >= OTHERS_AT_LEAST:
            verdict = judge(rest)
            if verdict is None or verdict.verb is Verb.WARN:
                return source
    return None


def _over_windows(signal: Signal, record: Record) -> list[Verdict]:
    if record.stream not in signal.streams:
        return []
    found = []
    for window in WINDOWS:
        spans = [record.windows.get(window), record.settled.get(window) if signal.settles else None]
        for figures in spans:
            verb = _crossed(signal, figures, window) if figures is not None else None
            if figures is not None and verb is not None:
                found.append(_verdict(signal, figures, window, verb, record.stream))
    return found


def _crossed(signal: Signal, figures: Figures, window: timedelta) -> Verb | None:
    """The hardest line that is crossed. One day alone warns nobody: its rate jumps too much."""
    cases, of = signal.share(figures)
    crossed = [
        verb
        for verb, line in signal.lines.items()
        if lower_bound(cases, of, verb) >= line.rate
        and cases >= line.cases
        and of >= line.of
        and not (verb is Verb.WARN and window == DAY)
    ]
    return max(crossed, key=SEVERITY.index, default=None)


def _verdict(
    signal: Signal, figures: Figures, window: timedelta, verb: Verb, stream: Stream
) -> Verdict:
    whole_site = stream is Stream.TRANSACTIONAL and verb is not Verb.WARN
    if not whole_site and verb is Verb.SUSPEND:
        verb = Verb.LIMIT
    cases, of = signal.share(figures)
    return Verdict(
        verb,
        signal.rule,
        signal.cause,
        {
            "rule": signal.rule.value,
            "stream": stream.value,
            "window_hours": int(window.total_seconds() // 3_600),
            "cases": cases,
            "of": of,
            "rate": round(cases / of, 6),
            "at_least": round(lower_bound(cases, of, verb), 6),
            "line": signal.lines[verb].rate,
        },
        whole_site,
    )


def _burst(record: Record) -> Verdict | None:
    """Ten invalid in the last hundred attempts: hold the one source, or the stream."""
    if record.recent.invalid < BURST:
        return None
    return Verdict(
        Verb.LIMIT,
        Rule.BURST,
        Cause.INVALID_ADDRESSES,
        {
            "rule": Rule.BURST.value,
            "stream": record.stream.value,
            "cases": record.recent.invalid,
            "of": len(record.recent.ends),
            "line": BURST,
        },
    )


def _too_young(record: Record) -> Verdict | None:
    """A site without history is looked at early, unless its rate is below what warns anybody.

    As with warnings, it is the rate that it surely has: a new shop with 300 receipts a day, one in a
    hundred of them to a mistyped address, has six of those on many a day.
    """
    figures = record.windows.get(DAY, Figures())
    if not record.is_young:
        return None
    for signal, ceiling in ((SIGNALS[0], YOUNG_INVALID), (SIGNALS[1], YOUNG_COMPLAINTS)):
        cases, of = signal.share(figures)
        if cases >= ceiling and lower_bound(cases, of) >= signal.lines[Verb.WARN].rate:
            return Verdict(
                Verb.LIMIT,
                Rule.YOUNG_SITE,
                signal.cause,
                {
                    "rule": Rule.YOUNG_SITE.value,
                    "stream": record.stream.value,
                    "window_hours": 24,
                    "cases": cases,
                    "of": of,
                    "rate": round(cases / of, 6),
                    "line": ceiling,
                },
            )
    return None


def is_young(created_at: datetime, delivered: int, now: datetime) -> bool:
    """Whether a site, made then and with so much delivered ever, has little history."""
    return warm_up.is_young(created_at, now) or delivered < YOUNG_DELIVERED
