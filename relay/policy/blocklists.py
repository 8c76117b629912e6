"""What block lists of domains say, asked by DNS (RFC 5782; the lists' own pages for their codes)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from relay.answers import Ask, Existence, RecordType, plain

CODES = ipaddress.IPv4Network("127.0.0.0/8")
"""An answer in here is a code; any other is somebody's parking page (RFC 5782 §2.1)."""

ERRORS = ipaddress.IPv4Network("127.255.255.0/24")
"""Spamhaus's way to say that it does not answer us: wrong zone, open resolver, too many questions."""

REFUSED = frozenset({"127.0.0.1"})
"""How URIBL and SURBL say that they do not answer us; no list has it as a code."""


@dataclass(frozen=True, slots=True)
class BlockList:
    """A list of domains. `codes` are whole answers; `bits` those of the last octet."""

    zone: str
    title: str
    codes: Mapping[str, str]
    bits: Mapping[int, str]
    errors: frozenset[str] = frozenset()


SPAMHAUS_DBL = BlockList(
    "dbl.spamhaus.org",
    "Spamhaus DBL",
    {
        "127.0.1.2": "spam",
        "127.0.1.4": "phishing",
        "127.0.1.5": "malware",
        "127.0.1.6": "botnet control",
        "127.0.1.102": "abused for spam",
        "127.0.1.103": "abused as a redirector",
        "127.0.1.104": "abused for phishing",
        "127.0.1.105": "abused for malware",
        "127.0.1.106": "abused for botnet control",
    },
    {},
    errors=frozenset({"127.0.1.255"}),  # An IP address was asked for.
)
SURBL = BlockList(
    "multi.surbl.org",
    "SURBL",
    {},
    {8: "phishing", 16: "malware", 64: "abuse", 128: "a cracked site"},
)
URIBL = BlockList("multi.uribl.com", "URIBL", {}, {2: "spam", 4: "grey", 8: "newly seen in spam"})

LISTS: Mapping[str, BlockList] = {each.zone: each for each in (SPAMHAUS_DBL, SURBL, URIBL)}


@dataclass(frozen=True, slots=True)
class Listing:
    """What one list says of a domain.

    `listed` is None where nobody knows, and then `detail` says why. `code` is the list's answer,
    `meaning` what the list means by it ("" where we do not know).
    """

    zone: str
    listed: bool | None
    code: str = ""
    meaning: str = ""
    detail: str = ""


def look_up(domain: str, zone: str, ask: Ask) -> Listing:
    """Whether a domain is on a list. An error of the list is never a listing.

    SURBL and URIBL know registered domains only: `shop.example`, not `www.shop.example`.
    """
    domain, zone = plain(domain), plain(zone)
    if _is_address(domain):
        return Listing(zone, None, detail="lists of domains are not asked about IP addresses")
    answer = ask(f"{domain}.{zone}", RecordType.A)
    if not answer.is_known:
        return Listing(zone, None, detail=answer.detail)
    if answer.existence is not Existence.RECORDS:
        return Listing(zone, False)
    known = _list_of(zone)
    codes = [code for code in answer.records if _is_code(code, known)]
    if not codes:
        said = ", ".join(answer.records)
        return Listing(zone, None, detail=f"the list does not answer us ({said})")
    return Listing(zone, True, codes[0], _meaning(codes[0], known))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_code(text: str, known: BlockList | None) -> bool:
    try:
        code = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    errors = known.errors if known else frozenset()
    return code in CODES and code not in ERRORS and text not in REFUSED | errors


def _list_of(zone: str) -> BlockList | None:
    """The list of a zone, also of one with a key in front or on another server (Spamhaus DQS)."""
    if zone in LISTS:
        return LISTS[zone]
    if zone.endswith(".dbl.dq.spamhaus.net"):
        return SPAMHAUS_DBL
    return next((one for one in LISTS.values() if zone.endswith(f".{one.zone}")), None)


def _meaning(code: str, known: BlockList | None) -> str:
    if known is None:
        return ""
    last = int(code.rpartition(".")[2])
    bits = (meaning for bit, meaning in known.bits.items() if last & bit)
    return known.codes.get(code, "") or ", ".join(bits)
