"""Addresses of websites: which are the same, and where a browser may be sent back to.

Read more strictly than browsers do: an address that they and we could understand differently is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from relay.errors import Invalid

LONGEST = 500
"""Characters of a site's address, as its column holds them."""

LONGEST_RETURN = 1_000
"""Characters of the address to go back to (our decision: the longest of wp-admin has some 200)."""

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?",
    re.IGNORECASE,
)
"""RFC 3986 without what hides a host: no user, no backslash, no other script, no fragment."""

LOCAL_HOSTS = frozenset(("localhost", "127.0.0.1"))
LOCAL_ENDINGS = (".localhost", ".local", ".test")
"""Hosts of people who try things out (RFC 6761, RFC 6762): nobody outside answers there."""

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of an address, as they are compared."""

    scheme: str
    host: str
    port: int | None

    @property
    def is_local(self) -> bool:
        """Whether only this machine, or its own network, answers there."""
        return self.host in LOCAL_HOSTS or self.host.endswith(LOCAL_ENDINGS)

    @property
    def place(self) -> tuple[str, int | None]:
        """Host without `www.`, and a port that is not the usual one."""
        return self.host.removeprefix("www."), self.port

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port is not None else "")


def origin(address: str, *, longest: int = LONGEST) -> Origin:
    """Where an address leads. Raises `Invalid` for one that could be understood in two ways."""
    found = _ADDRESS.fullmatch(address) if len(address) <= longest else None
    if found is None:
        raise Invalid(f"{address[:100]!r} is not the address of a website")
    scheme, port = found["scheme"].lower(), found["port"]
    number = int(port) if port else DEFAULT_PORTS[scheme]
    if not 0 < number < 65_536:
        raise Invalid(f"{port} is no port")
    return Origin(
        scheme, found["host"].lower(), None if number == DEFAULT_PORTS[scheme] else number
    )


def check_site(site: str) -> Origin:
    """The address is that of a website's home. Raises `Invalid`."""
    found = origin(site)
    if "?" in site:
        raise Invalid("The address of a website has no query string")
    return found


def check_return(address: str, site: str) -> Origin:
    """A browser may be sent there, on behalf of this site. Raises `Invalid`.

    It is on the site's own host and port (`www.` or not), and encrypted, unless it is a machine on
    which somebody tries things out.
    """
    found, home = origin(address, longest=LONGEST_RETURN), check_site(site)
    if found.place != home.place:
        raise Invalid(f"{found.host} is not the site's own host, {home.host}")
    if found.scheme != "https" and not found.is_local:
        raise Invalid("The way back to a website begins with https://")
    return found


def with_answer(address: str, **answer: str) -> str:
    """The address to go back to, with these parameters added to its own."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(answer)}"


def same_site(one: str, other: str) -> bool:
    """Equal but for http or https, case of the host and a trailing slash."""
    try:
        first, second = urlsplit(one), urlsplit(other)
    except ValueError:  # it is no URL at all
        return False
    return (first.netloc.lower(), first.path.rstrip("/")) == (
        second.netloc.lower(),
        second.path.rstrip("/"),
    )
