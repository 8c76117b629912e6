"""Who is at the other end of a request, believing proxies only as far as the installation says."""

from __future__ import annotations

import ipaddress

from flask import current_app, request

from relay.context import Relay
from relay.services.visitors import Visitor

LONGEST_AGENT = 500


def visitor() -> Visitor:
    """Who sent this request: behind N trusted proxies, the N-th address of X-Forwarded-For from its end."""
    relay: Relay = current_app.extensions["relay"]
    hops = [*_forwarded(), request.remote_addr or ""]
    trusted = min(relay.settings.trusted_proxies, len(hops) - 1)
    return Visitor(_address(hops[-1 - trusted]), request.user_agent.string[:LONGEST_AGENT])


def _forwarded() -> list[str]:
    return [
        part.strip() for line in request.headers.getlist("X-Forwarded-For")
        for part in line.split(",")
    ]  # fmt: skip


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
