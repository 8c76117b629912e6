"""Links that pretend: to a name that looks like a brand's, or not to where their words say.

Pure: it judges an address and the words that stand for it; whose mail it is, the caller knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import unquote, urlsplit
from uuid import UUID

import idna

from relay.policy.names import data, registrable
from relay.policy.names.brands import book
from relay.policy.names.look_alikes import look_alike

CLUSTER = 3
"""Accounts with different owners that link to the same place before it is looked at (design: part 8)."""

LONGEST = 2_000
"""Characters of a link that are looked at; browsers take little more."""

LONGEST_HOST = 253
"""Octets of a name (RFC 1035 §2.3.4)."""

_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")

_IGNORED = str.maketrans("", "", "\t\r\n")
"""What browsers leave out of a link (WHATWG URL, basic parser)."""

_BLANKS = "".join(map(chr, range(0x21)))
"""What they take off its ends: control characters and blanks."""

_PLAIN = re.compile(r"https?://([a-z0-9-]++(?:\.[a-z0-9-]++)++)(?=[/?#]|\Z)")
"""What nearly every link is: its host can be read as it stands."""

_WEB = re.compile(r"(?i)\A(https?):/*")
"""How a link to the web begins; browsers do not mind how many slashes there are."""

_SHOWN = re.compile(
    r"(?i)^[\s«\"'(\[]*(?:https?://)?((?:[\w-]{1,63}\.)+[^\W\d_]{2,24})\.?(?:[/?:#]\S*)?[\s»\"')\].,;!]*$"
)
"""Words of a link that are nothing but an address."""


@dataclass(frozen=True, slots=True)
class Pretence:
    """A link that pretends: where it leads, which brand it is taken for, and what its words say."""

    host: str
    brand: str
    shown: str | None = None


def host_of(link: str) -> str | None:
    """The host to which a browser would go, lower case, in Punycode; None where it goes to none."""
    if (plain := _PLAIN.match(link, 0, LONGEST)) is not None:
        return canonical(plain[1])
    text = link[:LONGEST].strip(_BLANKS).strip().translate(_IGNORED).replace("\\", "/")
    if text.startswith("//"):
        text = f"https:{text}"
    elif text[:4].lower() == "www.":
        text = f"https://{text}"
    text = _WEB.sub(r"\1://", text)
    try:
        parts = urlsplit(text)
        if parts.scheme.lower() not in ("http", "https"):
            return None
        return canonical(unquote(parts.hostname or ""))
    except ValueError:
        return None


@lru_cache(maxsize=4_096)
def canonical(host: str) -> str | None:
    """A host as names are compared; None for what is no host."""
    name = host.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except (UnicodeError, IndexError):  # idna's errors are UnicodeErrors
            return None
    return name if len(name) <= LONGEST_HOST and _HOST.fullmatch(name) else None


@lru_cache(maxsize=4_096)
def place_of(host: str) -> str:
    """What somebody has registered: the domain a host lies in; an address stands for itself."""
    if host.replace(".", "").isdigit():
        return host
    return registrable(host) or host


@cache
def common_hosts() -> frozenset[str]:
    """Domains to which everybody's mail links; `*.` before one means all below it."""
    return frozenset(data.lines("common_hosts.txt"))


def _is_listed(place: str) -> bool:
    known = common_hosts()
    return place in known or f"*.{place.partition('.')[2]}" in known


@lru_cache(maxsize=4_096)
def is_common(place: str) -> bool:
    """Whether everybody links there: a kept list, and the real domains of well-known brands."""
    return _is_listed(place) or book().owner(place) is not None


def pretence(link: str, words: str, *, own: Collection[str]) -> Pretence | None:
    """What a link pretends, or None. `own` are places of the sender's own: they lead where they like.

    A link pretends that leads to a look-alike of a brand, or whose words are the address of a brand's
    domain, or of a look-alike, while it leads to a place that is neither that brand's nor everybody's.
    """
    host = host_of(link)
    if host is None or (place := place_of(host)) in own:
        return None
    if not _is_listed(place) and (brand := look_alike(host)) is not None:
        return Pretence(host, brand)
    shown = _SHOWN.match(_seen(words)) if "." in words else None
    if shown is None or is_common(place) or (named := canonical(shown[1])) is None:
        return None
    owner = book().owner(named)
    meant = owner.domain if owner is not None else look_alike(named)
    return Pretence(host, meant, named) if meant is not None and place != place_of(named) else None


def _seen(words: str) -> str:
    """The words of a link as they are seen: without signs that take no room."""
    words = words[:LONGEST]
    if words.isascii():
        return words
    return "".join(sign for sign in words if unicodedata.category(sign) != "Cf")


def is_sampled(message_id: UUID, one_in: int) -> bool:
    """Whether this message is the one of so many that is read; 0 reads none.

    The last bits of its id are chance that the sender has no hand in.
    """
    return one_in > 0 and message_id.int % one_in == 0
