"""One look at a domain: the plan, a way to ask, and what several checks need to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from relay.answers import Ask, Existence, RecordType, plain, remembering
from relay.policy import dmarc, spf
from relay.policy.domain_checks.values import CheckedRecord, Plan
from relay.sayings import NOTHING, Saying, phrase, say
from relay.vocabulary import CheckResult

SHOWN = 10
"""Records that are shown of one name."""

SHOWN_LENGTH = 300
"""Characters that are shown of one record."""

NOBODY = "no-such-name-postreeve"
"""A label nobody publishes: what answers to it is a wildcard."""


class Look:
    """Asks each question once, and keeps what more than one check wants to know."""

    def __init__(self, plan: Plan, ask: Ask) -> None:
        self.plan = plan
        self.ask = remembering(ask)

    @cached_property
    def dmarc(self) -> dmarc.Dmarc:
        """The policy that holds for the domain."""
        return dmarc.find(self.plan.domain, self.ask)

    @cached_property
    def spf(self) -> spf.Spf:
        """SPF at the From domain."""
        return spf.read(self.plan.domain, self.ask)

    @cached_property
    def zone(self) -> str:
        """The zone in which the domain's records are entered; the domain itself where nobody knows."""
        labels = self.plan.domain.split(".")
        for first in range(max(1, len(labels) - 1)):
            name = ".".join(labels[first:])
            answer = self.ask(name, RecordType.SOA)
            if not answer.is_known:
                break
            if answer.existence is Existence.RECORDS and answer.name == name:
                return name
        return self.plan.domain

    def entry(self, name: str) -> str:
        """What to type for this name at a DNS panel, which appends the zone by itself."""
        return "@" if name == self.zone else name.removesuffix(f".{self.zone}")

    def is_wildcard(self, name: str, type: RecordType, records: tuple[str, ...]) -> bool:
        """Whether the records of the name are what a wildcard answers for any name beside it."""
        beside = f"{NOBODY}.{name.partition('.')[2]}"
        return bool(records) and set(self.ask(beside, type).records) == set(records)

    def obstructed(self, name: str, type: RecordType) -> Saying:
        """What has to go first: said where the name is a CNAME, beside which nothing else can be.

        RFC 1034 §3.6.2. What a wildcard answers is no obstacle: the record's own name goes before it.
        """
        end = self.ask(name, type).name
        if not end or end == plain(name):
            return NOTHING
        own = self.ask(name, RecordType.CNAME).records
        if not own or self.is_wildcard(name, RecordType.CNAME, own):
            return NOTHING
        return say(
            "There is a CNAME record at %(place)s, to %(found)s, and nothing else can stand beside "
            "a CNAME. Delete it first.",
            place=name,
            found=few(own),
        )

    def misplaced(
        self,
        name: str,
        type: RecordType,
        is_ours: Callable[[str], bool],
        *,
        at_the_domain: bool = False,
    ) -> tuple[str, Saying] | None:
        """(code, what to do) where the record was published under a name that a usual mistake makes."""
        for code, place in (
            ("domain-appended", f"{name}.{self.zone}"),
            ("underscore-lost", ".".join(label.removeprefix("_") for label in name.split("."))),
            ("at-the-domain", self.plan.domain if at_the_domain else name),
        ):
            if place != name and any(map(is_ours, self.ask(place, type).records)):
                return code, say(_MISPLACED[code], place=place, name=self.entry(name))
        return None


_MISPLACED = {
    "domain-appended": phrase(
        "The DNS panel appended the domain to the name: the record is at %(place)s. Enter only "
        "“%(name)s” as its name."
    ),
    "underscore-lost": phrase(
        "The underscore is missing: the record is at %(place)s. Its name is “%(name)s”, with "
        "the underscore; if the panel refuses it, ask the DNS provider."
    ),
    "at-the-domain": phrase("The record is at %(place)s itself. Move it to the name “%(name)s”."),
}
"""What to do about a record under such a name."""


def passed(
    record: CheckedRecord, code: str, found: tuple[str, ...], fix: Saying = NOTHING
) -> CheckedRecord:
    """It is there, or need not be."""
    return replace(record, result=CheckResult.PASS, code=code, found=shown(found), fix=fix)


def failed(
    record: CheckedRecord, code: str, fix: Saying, found: tuple[str, ...] = ()
) -> CheckedRecord:
    """It is not there, or wrong."""
    return replace(record, result=CheckResult.FAIL, code=code, found=shown(found), fix=fix)


def unknown(record: CheckedRecord, detail: str) -> CheckedRecord:
    """Nobody has answered, which is no fault of the record's."""
    fix = say("DNS gave no answer just now. This is looked at again by itself.")
    if detail:
        fix += say("(%(detail)s)", detail=readable(detail))
    return replace(record, result=CheckResult.UNKNOWN, code="no-answer", fix=fix)


def shown(records: tuple[str, ...]) -> tuple[str, ...]:
    """Records as a person may see them: not too many, not too long, without control characters."""
    return tuple(map(readable, records[:SHOWN]))


def readable(text: str) -> str:
    """Text out of DNS, which may hold anything, as one short line."""
    line = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return line if len(line) <= SHOWN_LENGTH else f"{line[:SHOWN_LENGTH]}…"


def few(records: tuple[str, ...]) -> tuple[str, ...]:
    """What is there instead, to be quoted in a sentence."""
    return shown(records[:3])


def wildcard(name: str, found: tuple[str, ...]) -> Saying:
    """What answers in the place of a record that is missing."""
    return say(
        "A wildcard record (*) answers for %(place)s with %(found)s.",
        place=name,
        found=few(found),
    )
