"""The browser in which somebody connects a site: one sealed cookie, and a mark on each form.

The cookie holds a secret of its own and, once somebody has signed in, their address until an hour later.
Nobody can read or make one. At sign-in the secret changes: a cookie that somebody else has planted is
worth nothing afterwards.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import Response, request

from relay.addresses import EmailAddress
from relay.context import Relay
from relay.policy.connecting import SESSION_LASTS

COOKIE = "postreeve_connect"
PATH = "/connect"

PURPOSE, FORM = "connect cookie", "connect form"
"""Purposes of the seal on the cookie and of the digest on a form."""

MARK = "mark"
"""The hidden field that shows that a form is ours, and was made for this browser."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser's secret, and who is signed in there."""

    secret: str
    address: EmailAddress | None = None
    until: datetime | None = None

    def signed_in(self, address: EmailAddress, now: datetime) -> Browser:
        """The same browser once this address is proven, with a new secret."""
        return Browser(secrets.token_urlsafe(32), address, now + SESSION_LASTS)

    def signed_out(self) -> Browser:
        """The same browser, with nobody signed in."""
        return replace(self, address=None, until=None)


def current(relay: Relay, now: datetime) -> Browser:
    """The browser that sent this request; a new one where it has no cookie of ours."""
    text = relay.settings.keyring.open(PURPOSE, request.cookies.get(COOKIE, ""))
    if text is None:
        return Browser(secrets.token_urlsafe(32))
    secret, address, until = json.loads(text)
    ends = datetime.fromisoformat(until) if until else None
    if ends is None or ends <= now:
        return Browser(secret)
    return Browser(secret, EmailAddress(address), ends)


def keep(relay: Relay, response: Response, browser: Browser) -> Response:
    """The answer, with the browser's cookie: for no script, no other site, and gone when it is closed."""
    text = json.dumps(
        [
            browser.secret,
            str(browser.address) if browser.address else None,
            browser.until.isoformat() if browser.until else None,
        ]
    )
    response.set_cookie(
        COOKIE,
        relay.settings.keyring.seal(PURPOSE, text),
        path=PATH,
        httponly=True,
        samesite="Lax",
        secure=relay.settings.public_url.startswith("https://"),
        max_age=timedelta(hours=4),
    )
    return response


def mark(relay: Relay, browser: Browser) -> str:
    """What a form of ours carries, so that no other site can send one in this browser's name."""
    return relay.settings.keyring.commitment(FORM, browser.secret)


def is_ours(relay: Relay, browser: Browser) -> bool:
    """Whether the form of this request carries this browser's mark."""
    said = request.form.get(MARK, "")
    return said.isascii() and any(
        hmac.compare_digest(said, each)
        for each in relay.settings.keyring.commitments(FORM, browser.secret)
    )
