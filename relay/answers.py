"""What DNS answers, as values: records, or which kind of nothing.

Rules take a function `Ask` and never a resolver, so that a table of answers is enough to try them.
"""

from __future__ import annotations

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
