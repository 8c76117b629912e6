"""When a key that is used from a new network looks stolen: far more mail than the site ever sends."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from functools import lru_cache

NEW_FOR = timedelta(hours=24)
"""So long a network is new to a key (design: part 5)."""

SETTLING = timedelta(hours=1)
"""Networks that a key is used from so soon after its first are its own: a server has IPv4 and IPv6
addresses (our decision)."""

USUAL_WITHIN = timedelta(days=14)
"""In which a site's busiest hour is its usual one (design: part 5)."""

TIMES = 3
"""More than so many times the usual busiest hour looks like somebody else's mail (design: part 5)."""

AT_LEAST = 50
"""People in an hour below which nothing is made of it (our decision: a few orders more are a good day)."""

IPV4, IPV6 = 24, 48
"""Bits of a network: what one customer of a provider usually has (RFC 6177 §2 for IPv6)."""


@lru_cache(maxsize=10_000)
def network_of(address: str | None) -> str | None:
    """The network an address belongs to; None for what is no address."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    bits = IPV4 if found.version == 4 else IPV6
    return str(ipaddress.ip_network((found, bits), strict=False))


def is_new(since: timedelta, after_first: timedelta) -> bool:
    """Whether a network that a key was first used from so long ago is new to it.

    `after_first` is how long after the key's first network that was. The first of all is trusted.
    """
    return since < NEW_FOR and after_first > SETTLING


def is_far_more(people: int, usual: int) -> bool:
    """Whether so many people in an hour are far more than in a site's usual busiest hour."""
    return people >= AT_LEAST and people > TIMES * usual
