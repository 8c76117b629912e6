"""How many requests a key may make in a minute, and how many somebody without one."""

from __future__ import annotations

import ipaddress
from uuid import UUID

from flask import request

from relay.context import Relay
from relay.errors import LimitReached
from relay.sayings import Saying, say
from relay.services.visitors import client_address
from relay.vocabulary import Limit

STRANGERS = 60
"""Requests a minute without a valid key, from one address (IPv6: from one /64) (our decision)."""


def check_key(relay: Relay, key_id: UUID) -> None:
    """Count a request with this key. Raises `LimitReached`."""
    allowed = relay.settings.requests_per_minute
    if (seconds := relay.throttle.ask("key", key_id.hex, per_minute=allowed)) is not None:
        raise _reached(
            say("This API key may make %(allowed)s requests a minute", allowed=f"{allowed:,}"),
            allowed,
            seconds,
        )


def check_stranger(relay: Relay) -> None:
    """Count a request without a valid key. Raises `LimitReached`.

    Asked only about those: whoever shares an address with a guesser of keys is not held up.
    """
    seconds = relay.throttle.ask("address", _address(relay), per_minute=STRANGERS)
    if seconds is not None:
        raise _reached(
            say(
                "Only %(allowed)s requests a minute are answered without a valid API key",
                allowed=STRANGERS,
            ),
            STRANGERS,
            seconds,
        )


def _reached(told: Saying, allowed: int, seconds: int) -> LimitReached:
    return LimitReached(
        told, limit=Limit.REQUESTS.value, allowed=allowed, remaining=0, retry_after=seconds
    )


def client(relay: Relay) -> str | None:
    """Where the request came from, if it is known."""
    return client_address(
        request.headers.getlist("X-Forwarded-For"),
        request.remote_addr,
        trusted_proxies=relay.settings.trusted_proxies,
    )


def _address(relay: Relay) -> str:
    """Where the request came from, as it is counted."""
    found = client(relay)
    if found is None:
        return "unknown"
    address = ipaddress.ip_address(found)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
