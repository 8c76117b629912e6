"""Mail addresses as SES reads them."""

import re
from functools import lru_cache

from simulator.errors import bad_request

BARE = re.compile(
    r"[^\x00-\x20\x7f-\uffff<>@,;:\\\"\[\]()]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
)


def _problem(address: str) -> str:
    """What SES says about a malformed address."""
    local, at, domain = address.rpartition("@")
    if not at or not domain:
        return "Missing final '@domain'"
    if not address.isascii():
        return "Address contains non-ASCII characters; use Punycode for domains"
    if not local:
        return "Missing local part"
    if re.search(r"[\x00-\x20\x7f]", local):
        return "Local address contains control or whitespace"
    if domain.startswith("."):
        return "Domain starts with dot"
    if re.search(r"[^A-Za-z0-9.-]", domain):
        return "Domain contains illegal character"
    return "Illegal address"


@lru_cache(maxsize=4096)
def bare(address: str) -> str:
    """The address in `Name <local@domain>` or `local@domain`. Raises BadRequestException."""
    inner = address.strip()
    if inner.endswith(">") and "<" in inner:
        if not inner.isascii():
            raise bad_request("Illegal address: non-ASCII display names must be encoded (RFC 2047)")
        inner = inner[inner.rindex("<") + 1 : -1].strip()
    if not BARE.fullmatch(inner) or ".." in inner.rpartition("@")[2] or len(inner) > 320:
        raise bad_request(_problem(inner))
    return inner


def domain_of(address: str) -> str:
    """The domain of a bare address, in lower case."""
    return address.rpartition("@")[2].lower()
