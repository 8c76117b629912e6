"""Who is at the other end, as far as a web server can know."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Visitor:
    """The address a request came from, if it is known, and what the browser calls itself."""

    ip: str | None
    user_agent: str


def client_address(
    forwarded: Sequence[str], remote: str | None, *, trusted_proxies: int
) -> str | None:
    """Where a request came from, believing proxies only as far as the installation says.

    Behind N trusted proxies it is the N-th address of X-Forwarded-For (`forwarded`, its lines) from the
    end. None for what is no address.
    """
    hops = [part.strip() for line in forwarded for part in line.split(",")]
    hops.append(remote or "")
    return _written(hops[-1 - min(trusted_proxies, len(hops) - 1)])


@lru_cache(maxsize=10_000)
def _written(address: str) -> str | None:
    """The address in its one way of writing; None for what is none."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None
