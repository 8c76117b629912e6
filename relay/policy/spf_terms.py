"""The terms of an SPF record (RFC 7208 §12)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from relay.answers import plain
from relay.sayings import Saying, phrase, say

VERSION = "v=spf1"

_MACRO = r"%(?:\{[slodiphcrtv][0-9]*r?[-.+,/_=]*\}|%|_|-)"
_TEXT = re.compile(rf"(?:{_MACRO}|[!-$&-~])*", re.IGNORECASE)
_DOMAIN_END = re.compile(
    rf"(?:{_MACRO}|\.(?=[a-z0-9-]*[a-z-])[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?)$", re.IGNORECASE
)
_MODIFIER = re.compile(r"([a-z][a-z0-9._-]*)=(.*)", re.IGNORECASE | re.DOTALL)
_MECHANISM = re.compile(r"([-+?~]?)([a-z][a-z0-9]*)(.*)", re.IGNORECASE | re.DOTALL)
_CIDR = re.compile(r"(/(?:0|[1-9][0-9]?))?(//(?:0|[1-9][0-9]{0,2}))?$")
_OWN_DOMAIN = re.compile(r"%\{d\}", re.IGNORECASE)

LONGEST = 253
"""Characters of a name (RFC 7208 §7.3)."""

NEEDS_DOMAIN = frozenset({"include", "exists"})
MAY_HAVE_DOMAIN = frozenset({"a", "mx", "ptr"})


class Malformed(Exception):
    """A term that is no SPF; `trouble` names it."""

    def __init__(self, trouble: Saying) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Term:
    """One mechanism, or a modifier. `argument` is what stands behind ":" or "=", without a CIDR length."""

    name: str
    qualifier: str = "+"
    argument: str = ""
    is_modifier: bool = False
    text: str = ""

    def target(self, domain: str) -> str | None:
        """The name that is looked up; None where it depends on the mail (a macro).

        One that grew too long loses labels on its left (RFC 7208 §7.3), so that a record which
        repeats its own domain cannot grow without end.
        """
        name = _OWN_DOMAIN.sub(lambda _: domain, self.argument) or domain
        if "%" in name:
            return None
        if len(name) > LONGEST:
            tail = name[-LONGEST:]
            name = tail.partition(".")[2] or tail
        return plain(name)

    def __str__(self) -> str:
        return self.text


def is_spf(record: str) -> bool:
    """Whether a TXT record is one for SPF: the version, and then a space or nothing (§4.5)."""
    return record.lower() == VERSION or record.lower().startswith(f"{VERSION} ")


def parse(record: str) -> tuple[Term, ...]:
    """The terms of a record; raises `Malformed`."""
    terms = tuple(_term(word) for word in record[len(VERSION) :].split(" ") if word)
    for name in ("redirect", "exp"):
        if sum(term.name == name for term in terms) > 1:
            raise Malformed(say("%(term)s stands twice", term=f"{name}="))
    return terms


def merged(records: tuple[str, ...], *, include: str = "") -> str:
    """One record that says what these say together, and includes one more; "" if one is malformed.

    Where they end differently, it ends in `~all`: what none of them names is doubtful, not refused.
    """
    try:
        terms = [term for record in records for term in parse(record)]
    except Malformed:
        return ""
    refused = [  # Before the include that is added, it would go before it as well.
        term for term in terms if term.name == "include" and plain(term.argument) == plain(include)
    ]
    words = [
        term.text
        for term in terms
        if term.name not in ("all", "redirect") and not (include and term in refused)
    ]
    words += [f"include:{term.argument}" for term in terms if term.name == "redirect"]
    if include:
        words.append(f"include:{include}")
    ends = {f"{term.qualifier}all" for term in terms if term.name == "all"}
    end = ends.pop() if len(ends) == 1 else "~all"
    return " ".join([VERSION, *dict.fromkeys(words), end])


def _term(word: str) -> Term:
    if found := _MODIFIER.fullmatch(word):
        name = found[1].lower()
        if _TEXT.fullmatch(found[2]) is None:
            raise Malformed(say("“%(term)s” cannot be read", term=word))
        if name in ("redirect", "exp"):
            _check_domain(found[2], word)
        return Term(name, argument=found[2], is_modifier=True, text=word)
    found = _MECHANISM.fullmatch(word)
    if found is None:
        raise Malformed(say("“%(term)s” cannot be read", term=word))
    qualifier, name, rest = found[1] or "+", found[2].lower(), found[3]
    return Term(name, qualifier, _argument(name, rest, word), text=word)


def _argument(name: str, rest: str, word: str) -> str:
    if name == "all" and not rest:
        return ""
    if name in ("ip4", "ip6") and rest.startswith(":"):
        _check_network(name, rest[1:], word)
        return rest[1:]
    if name in NEEDS_DOMAIN and rest.startswith(":"):
        _check_domain(rest[1:], word)
        return rest[1:]
    if name in MAY_HAVE_DOMAIN:
        lengths = _CIDR.search(rest)
        if name != "ptr" and lengths is not None:
            four, six = lengths[1] or "/0", lengths[2] or "//0"
            if int(four[1:]) > 32 or int(six[2:]) > 128:
                raise Malformed(say("“%(term)s” has an impossible network length", term=word))
            rest = rest[: lengths.start()]
        if not rest:
            return ""
        if rest.startswith(":"):
            _check_domain(rest[1:], word)
            return rest[1:]
    raise Malformed(say("“%(term)s” is no term of SPF", term=word))


def _check_network(name: str, text: str, word: str) -> None:
    address, slash, length = text.partition("/")
    try:
        if slash and not (length.isascii() and length.isdigit()):
            raise ValueError(length)
        if slash and length != str(int(length)):
            raise ValueError(length)
        if name == "ip4":
            ipaddress.IPv4Network(text, strict=False)
        else:
            ipaddress.IPv6Network(text, strict=False)
            if "%" in address:
                raise ValueError(address)
    except ValueError:
        raise Malformed(say(_NO_ADDRESS[name], term=word)) from None


def _check_domain(text: str, word: str) -> None:
    if _TEXT.fullmatch(text) is None or _DOMAIN_END.search(text) is None:
        raise Malformed(say("“%(term)s” names no domain", term=word))


_NO_ADDRESS = {
    "ip4": phrase("“%(term)s” holds no IPv4 address"),
    "ip6": phrase("“%(term)s” holds no IPv6 address"),
}
