"""What an SPF record says, and whether receivers can use it (RFC 7208).

No address is tried against it: a question is only whether the record can be evaluated, and whom it
names. So everything is counted that a receiver would look up in the worst case, when nothing
before the end matches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from relay.answers import Answer, Ask, Existence, RecordType, plain
from relay.policy.spf_terms import Malformed, Term, is_spf, parse
from relay.sayings import NOTHING, Saying, say

LOOKUPS = 10
"""Terms that cause look-ups, with those of included records (RFC 7208 §4.6.4)."""

VOIDS = 2
"""Look-ups that find nothing (RFC 7208 §4.6.4)."""

EXCHANGERS = 10
"""Names of one `mx` (RFC 7208 §4.6.4)."""

COUNTED = 20
"""Where we stop counting look-ups: enough to say that it is far too many (our decision)."""


class SpfState(StrEnum):
    """What a receiver can do with the SPF of a domain."""

    USABLE = "usable"
    ABSENT = "absent"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class SpfProblem(StrEnum):
    """Why a record is broken for good ("permerror", RFC 7208 §2.6.7)."""

    SEVERAL = "several-records"
    SYNTAX = "syntax"
    LOOKUPS = "too-many-lookups"
    VOIDS = "too-many-void-lookups"
    EXCHANGERS = "too-many-exchangers"
    LOOP = "loop"
    TARGET = "include-without-record"


@dataclass(frozen=True, slots=True)
class Spf:
    """SPF at a domain.

    `records` are the SPF records there (a usable one is alone). `lookups` and `voids` are counted
    over all that is included; `lookups` up to `COUNTED`. `allows` are the domains whose whole SPF
    may send: included with a pass, at any depth, or redirected to. `all` is the qualifier of the
    final `all` ("" without one); `lets_anybody`: a `+all` is reached, here or by an
    include. `trouble` says what is broken, `detail` what is unknown.
    """

    domain: str
    state: SpfState
    records: tuple[str, ...] = ()
    lookups: int = 0
    voids: int = 0
    problem: SpfProblem | None = None
    trouble: Saying = NOTHING
    detail: str = ""
    allows: frozenset[str] = frozenset()
    all: str = ""
    lets_anybody: bool = False
    uses_ptr: bool = False

    def includes(self, domain: str) -> bool:
        """Whether whoever may send for `domain` may send for this one."""
        return domain in self.allows


def read(domain: str, ask: Ask) -> Spf:
    """SPF at a domain, with all it includes."""
    answer = ask(domain, RecordType.TXT)
    if not answer.is_known:
        return Spf(domain, SpfState.UNKNOWN, detail=f"{domain}: {answer.detail}")
    records = tuple(filter(is_spf, answer.records))
    if not records:
        return Spf(domain, SpfState.ABSENT)
    if len(records) > 1:
        trouble = _several(domain, len(records))
        return Spf(domain, SpfState.BROKEN, records, problem=SpfProblem.SEVERAL, trouble=trouble)
    walk = _Walk(ask)
    walk.record(plain(domain), records[0], passing=True, outermost=True, above=())
    state = SpfState.BROKEN if walk.problem else SpfState.USABLE
    if walk.unknown and not walk.problem:
        state = SpfState.UNKNOWN
    return Spf(
        domain,
        state,
        records,
        lookups=min(walk.lookups, COUNTED),
        voids=walk.voids,
        problem=walk.problem,
        trouble=walk.trouble,
        detail="" if walk.problem else walk.unknown,
        allows=frozenset(walk.allows),
        all=walk.all,
        lets_anybody=walk.lets_anybody,
        uses_ptr=walk.uses_ptr,
    )


@dataclass
class _Walk:
    """Goes through a record and what it includes, counting; the first problem stays."""

    ask: Ask
    lookups: int = 0
    voids: int = 0
    problem: SpfProblem | None = None
    trouble: Saying = NOTHING
    unknown: str = ""
    allows: set[str] = field(default_factory=set)
    all: str = ""
    lets_anybody: bool = False
    uses_ptr: bool = False

    def record(
        self, domain: str, text: str, *, passing: bool, outermost: bool, above: tuple[str, ...]
    ) -> None:
        """Go through one record.

        `passing`: its pass is a pass of the whole. `outermost`: its result is that of the whole.
        `above` are the domains that led here.
        """
        try:
            terms = parse(text)
        except Malformed as error:
            trouble = say("%(domain)s: %(trouble)s", domain=domain, trouble=error.trouble)
            self._broken(SpfProblem.SYNTAX, trouble)
            return
        here = (*above, domain)
        for term in _evaluated(terms):
            if term.name == "all":
                self._all(term, passing=passing, outermost=outermost)
            if term.name not in _ASKING:
                continue
            self.lookups += 1
            if self.lookups == LOOKUPS + 1:
                many = say("more than 10 look-ups, from %(term)s on", term=str(term))
                self._broken(SpfProblem.LOOKUPS, many)
            if self.lookups >= COUNTED:
                return
            target = term.target(domain)
            if target is None:
                continue  # Depends on the mail: nothing to look up beforehand.
            if term.name in ("include", "redirect"):
                self._other(
                    term,
                    target,
                    passing=passing and term.qualifier == "+",
                    outermost=outermost and term.name == "redirect",
                    above=here,
                )
            else:
                self._addresses(term, target)

    def _all(self, term: Term, *, passing: bool, outermost: bool) -> None:
        if outermost:
            self.all = term.qualifier
        if passing and term.qualifier == "+":
            self.lets_anybody = True

    def _other(
        self, term: Term, target: str, *, passing: bool, outermost: bool, above: tuple[str, ...]
    ) -> None:
        if passing:
            self.allows.add(target)
        if target in above:
            back = say("%(term)s leads back to %(domain)s", term=str(term), domain=target)
            self._broken(SpfProblem.LOOP, back)
            return
        answer = self._asked(target, RecordType.TXT)
        if not answer.is_known:
            return
        records = tuple(filter(is_spf, answer.records))
        if len(records) > 1:
            self._broken(SpfProblem.SEVERAL, _several(target, len(records)))
        elif not records:
            none = say("%(term)s: %(domain)s has no SPF record", term=str(term), domain=target)
            self._broken(SpfProblem.TARGET, none)
        else:
            self.record(target, records[0], passing=passing, outermost=outermost, above=above)

    def _addresses(self, term: Term, target: str) -> None:
        if term.name == "ptr":
            self.uses_ptr = True
        elif term.name == "mx":
            hosts = self._asked(target, RecordType.MX).records
            if len(hosts) > EXCHANGERS:
                many = say(
                    "%(term)s: %(domain)s has %(number)s MX records",
                    term=str(term),
                    domain=target,
                    number=len(hosts),
                )
                self._broken(SpfProblem.EXCHANGERS, many)
        elif term.name == "exists":
            self._asked(target, RecordType.A)
        else:
            self._asked(target, RecordType.A, RecordType.AAAA)

    def _asked(self, name: str, *types: RecordType) -> Answer:
        """The first answer with records, else the last; nothing at all is a void look-up.

        A receiver asks for the addresses of its own kind only, so `a` is void where there is
        neither an A nor an AAAA record.
        """
        for type in types:
            answer = self.ask(name, type)
            if answer.existence in (Existence.RECORDS, Existence.NO_NAME):
                break
        if not answer.is_known:
            self.unknown = self.unknown or f"{name}: {answer.detail}"
        elif answer.existence is not Existence.RECORDS:
            self.voids += 1
            if self.voids == VOIDS + 1:
                many = say("more than 2 names without records: %(name)s", name=name)
                self._broken(SpfProblem.VOIDS, many)
        return answer

    def _broken(self, problem: SpfProblem, trouble: Saying) -> None:
        if self.problem is None:
            self.problem, self.trouble = problem, trouble


def _several(domain: str, number: int) -> Saying:
    return say("%(domain)s has %(number)s SPF records", domain=domain, number=number)


_ASKING = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
"""Terms that cause look-ups (RFC 7208 §4.6.4)."""


def _evaluated(terms: tuple[Term, ...]) -> Iterator[Term]:
    """The terms a receiver may come to, in its order (RFC 7208 §5.1, §6.1).

    Nothing counts after `all`, `redirect` only where there is no `all`, and last.
    """
    mechanisms = [term for term in terms if not term.is_modifier]
    for term in mechanisms:
        yield term
        if term.name == "all":
            return
    yield from (term for term in terms if term.name == "redirect")
