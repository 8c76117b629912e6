"""Who is at the other end of a request to a page."""

from __future__ import annotations

from flask import current_app, request

from relay.context import Relay
from relay.services.visitors import Visitor, client_address

LONGEST_AGENT = 500


def visitor() -> Visitor:
    """Who sent this request."""
    relay: Relay = current_app.extensions["relay"]
    address = client_address(
        request.headers.getlist("X-Forwarded-For"),
        request.remote_addr,
        trusted_proxies=relay.settings.trusted_proxies,
    )
    return Visitor(address, request.user_agent.string[:LONGEST_AGENT])
