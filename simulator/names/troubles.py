"""What goes wrong with questions about a name, as the control API says it."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import dns.exception
import dns.name
import dns.rdtypes.ANY.TXT
from dns.name import Name
from dns.rdata import Rdata
from dns.rdatatype import TXT
from dns.rrset import RRset, from_rdata_list

from simulator.errors import InvalidControl

ANSWERS = ("servfail", "refused", "silence", "truncate")

NUMBERS = {"delay": (1, 600_000), "split": (1, 255)}
"""Milliseconds to wait; bytes of the strings that TXT records are split into."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to a question: `answer` is one of ANSWERS, or None for the true one."""

    answer: str | None = None
    delay: int | None = None
    split: int | None = None

    @classmethod
    def parse(cls, text: object) -> "Trouble":
        """Read what is written "servfail" or "delay:300,split:10". Raises InvalidControl."""
        trouble = cls()
        for part in text.split(",") if isinstance(text, str) else [""]:
            word, _, number = part.strip().partition(":")
            if word in ANSWERS and not number:
                trouble = replace(trouble, answer=word)
            elif word in NUMBERS:
                low, high = NUMBERS[word]
                if not (number.isascii() and number.isdigit() and low <= int(number) <= high):
                    raise InvalidControl(
                        f"{word} needs a whole number from {low} to {high}, as {word}:{min(high, 100)}"
                    )
                trouble = _with(trouble, word, int(number))
            else:
                known = (*ANSWERS, *(f"{name}:N" for name in NUMBERS))
                near = difflib.get_close_matches(word, (*ANSWERS, *NUMBERS), 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise InvalidControl(f"must be made of {', '.join(known)}{hint}")
        return trouble

    def __str__(self) -> str:
        numbers = (("delay", self.delay), ("split", self.split))
        parts = [self.answer] if self.answer else []
        return ",".join(parts + [f"{word}:{number}" for word, number in numbers if number])

    @property
    def keeps_answer_back(self) -> bool:
        """Whether nobody learns what the zones say."""
        return self.answer in ("servfail", "refused", "silence")

    def bent(self, rrsets: Iterable[RRset]) -> list[RRset]:
        """The records, with the strings of TXT records split as asked."""
        return [
            one if self.split is None or one.rdtype != TXT else self._split(one) for one in rrsets
        ]

    def _split(self, rrset: RRset) -> RRset:
        assert self.split is not None
        bent: list[Rdata] = []
        for record in rrset:
            text = b"".join(record.strings)
            strings = [text[at : at + self.split] for at in range(0, len(text), self.split)]
            bent.append(dns.rdtypes.ANY.TXT.TXT(record.rdclass, record.rdtype, strings or [b""]))
        return from_rdata_list(rrset.name, rrset.ttl, bent)


def _with(trouble: Trouble, word: str, number: int) -> Trouble:
    return replace(trouble, delay=number) if word == "delay" else replace(trouble, split=number)


NONE = Trouble()


class Troubles:
    """Troubles by name: `shop.example` is about this name, `.shop.example` about it and all below."""

    def __init__(self, rules: Mapping[str, Trouble]) -> None:
        """Follow `rules`, whose names are in lower case and without a final dot."""
        self._rules = dict(rules)

    @property
    def rules(self) -> dict[str, str]:
        """The troubles as they are written, by name."""
        return {name: str(trouble) for name, trouble in self._rules.items()}

    def changed(self, values: object) -> "Troubles":
        """These with `values` applied: a name and its trouble, or null. Raises InvalidControl."""
        if not isinstance(values, Mapping):
            raise InvalidControl("names must be an object of name and trouble")
        rules = dict(self._rules)
        for name, value in values.items():
            key = _key(name)
            rules.pop(key, None)
            if value is not None:
                try:
                    rules[key] = Trouble.parse(value)
                except InvalidControl as error:
                    raise InvalidControl(f"names[{name!r}] {error}") from None
        return Troubles(rules)

    def of(self, name: Name) -> Trouble:
        """The trouble with a name: its own, else that of the nearest name above with a dot."""
        if not self._rules:
            return NONE
        text = name.to_text(omit_final_dot=True).lower()
        found = self._rules.get(text)
        labels = [] if text == "." else text.split(".")
        suffixes = ("." + ".".join(labels[depth:]) for depth in range(len(labels) + 1))
        return found or next((self._rules[one] for one in suffixes if one in self._rules), NONE)


def _key(name: str) -> str:
    """A name as the rules have it. Raises InvalidControl."""
    dot = "." if name.startswith(".") else ""
    try:
        full = dns.name.from_text(name[len(dot) :])
    except (dns.exception.DNSException, UnicodeError):
        raise InvalidControl(f"names[{name!r}] is no name") from None
    return dot + full.to_text(omit_final_dot=True).lower().removeprefix("." if dot else "")
