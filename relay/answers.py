"""What DNS answers, as values: records, or which kind of nothing.

Rules take a function `Ask` and never a resolver, so that a table of answers is enough to try them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class RecordType(StrEnum):
    """Types of records we ask for (RFC 1035, RFC 3596)."""

    A = "A"
    AAAA = "AAAA"
    CNAME = "CNAME"
    MX = "MX"
    NS = "NS"
    SOA = "SOA"
    TXT = "TXT"


class Existence(StrEnum):
    """What an answer says about a name and type (RFC 2308 §2)."""

    RECORDS = "records"
    NO_DATA = "no-data"
    NO_NAME = "no-name"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    `records`, by type: TXT the text with its pieces joined, not unquoted further; CNAME and NS the
    host; MX "10 host"; A and AAAA the address; SOA the primary host. Host names are in lower case
    without the final dot (the root is "."). `name` is where a chain of CNAMEs ended (lower case, no
    final dot). `ttl` is in seconds. `detail` says why the answer is unknown.
    """

    existence: Existence
    records: tuple[str, ...] = ()
    name: str = ""
    ttl: int = 300
    detail: str = ""

    @property
    def is_known(self) -> bool:
        """Whether somebody with authority has answered."""
        return self.existence is not Existence.UNKNOWN


Ask = Callable[[str, RecordType], Answer]
"""Looks up a name (no final dot). Never raises: trouble is an answer whose existence is unknown."""


def remembering(ask: Ask) -> Ask:
    """The same, but each question is asked once: for one report, not for longer."""
    known: dict[tuple[str, RecordType], Answer] = {}

    def asked_once(name: str, type: RecordType) -> Answer:
        key = (plain(name), type)
        if key not in known:
            known[key] = ask(*key)
        return known[key]

    return asked_once


def plain(name: str) -> str:
    """A name as we compare it: lower case, without the final dot (RFC 4343)."""
    return name.strip().lower().removesuffix(".")


@dataclass(frozen=True, slots=True)
class NameServer:
    """Where DNS is asked: an IP address and a port."""

    address: str
    port: int = 53

    @classmethod
    def read(cls, text: str, *, port: int = 53) -> NameServer:
        """Read "192.0.2.53", "192.0.2.53:5353", "2001:db8::53" or "[2001:db8::53]:5353"; `port` where
        the text names none.

        A name would have to be looked up before anything can be looked up, so only addresses will
        do; anything else is a ValueError.
        """
        found = re.fullmatch(r"\[([^]]+)\](?::(\d+))?|([^:]+)(?::(\d+))?|(.*:.*:.*)", text.strip())
        if found is None:
            raise ValueError(f"{text!r} is no name server")
        address = found[1] or found[3] or found[5]
        port = int(found[2] or found[4] or port)
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ValueError(f"{address!r} is no IP address of a name server") from None
        if not 0 < port < 65_536:
            raise ValueError(f"{port} is no port of a name server")
        return cls(address, port)


def name_servers(text: str) -> tuple[NameServer, ...]:
    """Read a list of name servers, with commas or spaces between; ValueError names what is wrong."""
    return tuple(NameServer.read(one) for one in re.split(r"[\s,]+", text) if one)
