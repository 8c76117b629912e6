"""The rules of bounce diagnosis as data: reads bounce_rules.toml and finds the first that fits.

A rule's phrases are written in levelled words (see `replies`) with these signs:

    word    that word                     {name}   any phrase of the vocabulary list of that name
    wor*    a word that begins so         …  …9    up to 4 words (up to 9) in between
    a|b     either word                   word?    the word or nothing
    ^       the reply's beginning         $        its end

Each phrase becomes one regular expression of bounded parts. So that a reply is not held against
all of them, every phrase is filed under the words it cannot do without, and only phrases whose
words occur are tried, in the file's order: the first that fits decides.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from relay.policy.bounce_classes import BounceClass, Confidence, Fault
from relay.policy.replies import Reply, fold

_STEM: Final = 4
"""By how many letters a phrase such as `reject*` is filed."""
_GAP = re.compile(r"…(\d*)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when it fits, and what it says then."""

    id: str
    bounce_class: BounceClass
    confidence: Confidence
    ambiguous: bool
    advice: str
    fault: Fault
    vendors: frozenset[str]
    statuses: frozenset[str]
    codes: frozenset[str]
    links: tuple[str, ...]
    unless: re.Pattern[str] | None
    source: str

    def fits(self, reply: Reply, facts: Facts) -> bool:
        """Whether everything but the phrase is as the rule wants it."""
        if self.statuses and self.statuses.isdisjoint(facts.statuses):
            return False
        if self.codes and facts.code not in self.codes:
            return False
        if self.vendors and facts.vendor not in self.vendors:
            return False
        if self.links and not any(link in reply.links for link in self.links):
            return False
        return self.unless is None or not self.unless.search(reply.words)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the words: codes in all forms a rule may name, and whose server."""

    statuses: frozenset[str]
    code: str
    vendor: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One phrase of one rule, ready to search; no phrase fits every reply."""

    rule: Rule
    search: Callable[[str], re.Match[str] | None] | None


def forms(status: str) -> frozenset[str]:
    """The ways a rule may name an enhanced code: itself, 5.7.* for its subject, 5.7.6xx for a
    hundred of them, each with x for 4 and 5; "" for none."""
    if not status:
        return frozenset(("",))
    subject, _, detail = status.rpartition(".")
    found = {status, f"{subject}.*"}
    if len(detail) == 3:
        found.add(f"{subject}.{detail[0]}xx")
    return frozenset(found | {f"x{form[1:]}" for form in found})


class Phrases:
    """Turns phrases into regular expressions and says which words they cannot do without."""

    def __init__(self, vocabulary: Mapping[str, Sequence[str]]) -> None:
        self._lists = {
            name: [_items(phrase) for phrase in phrases] for name, phrases in vocabulary.items()
        }

    def pattern(self, phrase: str) -> str:
        """The regular expression of a phrase."""
        items = _items(phrase)
        start, end = items[:1] == ["^"], items[-1:] == ["$"]
        inner = items[start : len(items) - end]
        return ("^ " if start else " ") + "".join(map(self._item, inner)) + ("$" if end else "")

    def anchors(self, phrase: str) -> list[set[str]]:
        """Sets of beginnings, of each of which the reply must have one; the fewest first."""
        found = [self._keys(item) for item in _items(phrase)]
        return sorted((keys for keys in found if keys), key=len)[:2]

    def _item(self, item: str) -> str:
        if gap := _GAP.fullmatch(item):
            return rf"(?:\S+ ){{0,{gap[1] or 4}}}?"
        if item.endswith("?") and len(item) > 1:
            return f"(?:{self._item(item[:-1])})?"
        if item.startswith("{"):
            return self._either(self._listed(item))
        return self._either([[choice] for choice in item.split("|")])

    def _listed(self, item: str) -> list[list[str]]:
        return self._lists[item[1:-1]]

    @staticmethod
    def _either(choices: Iterable[Sequence[str]]) -> str:
        parts = ["".join(map(_word, choice)) for choice in choices]
        return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"

    def _keys(self, item: str) -> set[str]:
        if item in "^$" or item.endswith("?") or _GAP.fullmatch(item):
            return set()
        choices = (
            self._listed(item) if item.startswith("{") else [[choice] for choice in item.split("|")]
        )
        keys = {_key(choice) for choice in choices}
        return set() if "" in keys else keys


def _items(phrase: str) -> list[str]:
    """The parts of a phrase; its words levelled as replies are, its gaps left alone."""
    return [part if _GAP.fullmatch(part) else fold(part) for part in phrase.split()]


def _word(word: str) -> str:
    if not word.isascii():
        # Japanese and Chinese have no spaces: a word of theirs is found anywhere.
        return rf"\S{{0,60}}?{re.escape(word.rstrip('*'))}\S* "
    return r"\S*".join(map(re.escape, word.split("*"))) + " "


def _key(choice: Sequence[str]) -> str:
    """The longest word of a phrase, or stem of one, to file it under; empty if there is none."""
    usable = []
    for word in choice:
        start, star, _ = word.partition("*")
        if word.isascii() and (not star or len(start) >= _STEM):
            usable.append(f"{start[:_STEM]}*" if star else word)
    return max(usable, key=len, default="")


class RuleBook:
    """All rules in order, filed so that few need be tried."""

    def __init__(self, document: Mapping[str, Any], phrases: Phrases | None = None) -> None:
        phrases = phrases or Phrases(document["vocabulary"])
        self.rules: dict[str, Rule] = {}
        self._clauses: list[Clause] = []
        self._filed: dict[str, tuple[int, int]] = {}
        self._single = self._unfiled = self._foreign = self._linked = 0
        for entry in document["rule"]:
            rule = _rule(entry, document["defaults"], phrases)
            if rule.id in self.rules:
                raise ValueError(f"two rules are called {rule.id}")
            self.rules[rule.id] = rule
            for phrase in entry.get("phrases", [""]):
                self._file(rule, phrase, phrases)

    def _file(self, rule: Rule, phrase: str, phrases: Phrases) -> None:
        bit = 1 << len(self._clauses)
        search = re.compile(phrases.pattern(phrase)).search if phrase else None
        self._clauses.append(Clause(rule, search))
        if rule.links:
            self._linked |= bit
        anchors = phrases.anchors(phrase)
        if not anchors and phrase:
            if phrase.replace("…", "").isascii():
                raise ValueError(f"{rule.id}: no word of {phrase!r} can be looked up")
            self._foreign |= bit
        elif not anchors:
            self._unfiled |= bit
        elif len(anchors) == 1:
            self._single |= bit
        for place, keys in enumerate(anchors):
            for key in keys:
                first, second = self._filed.get(key, (0, 0))
                self._filed[key] = (first, second | bit) if place else (first | bit, second)

    def match(
        self, reply: Reply, facts: Facts, without: frozenset[int] = frozenset()
    ) -> tuple[int, Rule] | None:
        """The number and rule of the first clause that fits.

        `without` leaves clauses out, to measure what they are worth.
        """
        words = reply.words
        first, second = 0, self._single
        filed = self._filed.get
        plain = set(words.split())
        for key in plain | {f"{word[:_STEM]}*" for word in plain}:
            if masks := filed(key):
                first |= masks[0]
                second |= masks[1]
        left = (first & second) | self._unfiled
        if not words.isascii():
            left |= self._foreign
        if not reply.links:
            left &= ~self._linked
        clauses = self._clauses
        while left:
            low = left & -left
            left ^= low
            number = low.bit_length() - 1
            clause = clauses[number]
            if clause.search is not None and not clause.search(words):
                continue
            if clause.rule.fits(reply, facts) and number not in without:
                return number, clause.rule
        return None


def _rule(
    entry: Mapping[str, Any], defaults: Mapping[str, Mapping[str, str]], phrases: Phrases
) -> Rule:
    default = defaults[entry["class"]]
    unless = [phrases.pattern(phrase) for phrase in entry.get("unless", ())]
    return Rule(
        id=entry["id"],
        bounce_class=BounceClass(entry["class"]),
        confidence=Confidence(entry.get("confidence", "likely")),
        ambiguous=entry.get("ambiguous", False),
        advice=entry.get("advice", default["advice"]),
        fault=Fault(entry.get("fault", default["fault"])),
        vendors=frozenset(entry.get("vendors", ())),
        statuses=frozenset(entry.get("statuses", ())),
        codes=frozenset(entry.get("codes", ())),
        links=tuple(entry.get("links", ())),
        unless=re.compile("|".join(unless)) if unless else None,
        source=entry["source"],
    )


def load() -> RuleBook:
    """The packaged rules, compiled."""
    text = resources.files("relay.policy").joinpath("bounce_rules.toml").read_text("utf-8")
    return RuleBook(tomllib.loads(text))
