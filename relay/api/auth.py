"""Who is calling: `Authorization: Bearer <key>`, checked before a request's body is read.

Keys of sites (`keyed`) and keys of operators (`for_operators`) open different doors, never each other's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from flask import current_app, g, request

from relay.api import throttle
from relay.api.drafts import LONGEST_KEY, is_idempotency_key
from relay.context import Relay
from relay.errors import Forbidden, Invalid, KeySiteMismatch, ScopeMissing, Unauthenticated
from relay.policy.site_urls import same_site
from relay.services import accounts, operators
from relay.services.accounts import Caller
from relay.services.operators import Officer
from relay.vocabulary import Scope

P = ParamSpec("P")
R = TypeVar("R")

SITE_HEADER = "X-Postreeve-Site"


def relay() -> Relay:
    """The relay this app serves."""
    found: Relay = current_app.extensions["relay"]
    return found


def keyed(scope: Scope) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a view as open to keys with this scope only.

    Raises `Unauthenticated`, `ScopeMissing`, `KeySiteMismatch` when the key is bound to another site
    than the one that `X-Postreeve-Site` names, or `LimitReached` when it asks too often.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            g.caller = _authenticated(scope)
            return view(*args, **kwargs)

        guarded.required_scope = scope  # type: ignore[attr-defined]
        return guarded

    return decorate


def _authenticated(scope: Scope) -> Caller:
    try:
        caller = _known()
    except Unauthenticated:
        throttle.check_stranger(relay())
        raise
    throttle.check_key(relay(), caller.key_id)
    if scope not in caller.scopes:
        raise ScopeMissing(f"This API key lacks the scope {scope.value!r}", scope=scope.value)
    if caller.bound_url is not None and not same_site(
        caller.bound_url, request.headers.get(SITE_HEADER, "")
    ):
        raise KeySiteMismatch(
            f"This API key is bound to {caller.bound_url}; make one for this site",
            site=caller.bound_url,
        )
    return caller


def _known() -> Caller:
    presented = _presented()
    if presented.startswith(f"{operators.KEY_MARK}_"):
        throttle.check_key(relay(), _operator(presented).id)
        raise Forbidden("This is an operator's key; send a key of the site: prk_…")
    return _site_of(presented)


def _site_of(presented: str) -> Caller:
    context = relay()
    now = context.clock()
    with context.reads() as session:
        return accounts.authenticate(session, presented, secret=context.settings.secret, now=now)


def _operator(presented: str) -> Officer:
    context = relay()
    with context.reads() as session:
        return operators.authenticate(session, presented, secret=context.settings.secret)


def _presented() -> str:
    """The key that the request shows, whosever it is."""
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        raise Unauthenticated("Send your API key as: Authorization: Bearer prk_…")
    return presented.strip()


def for_operators(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view as open to keys of operators only.

    Raises `Unauthenticated`, `Forbidden` for a site's key, or `LimitReached` when it asks too often.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        g.officer = _authenticated_operator()
        return view(*args, **kwargs)

    guarded.for_operators = True  # type: ignore[attr-defined]
    return guarded


def _authenticated_operator() -> Officer:
    context = relay()
    try:
        presented = _presented()
        if presented.startswith(f"{accounts.KEY_MARK}_"):
            throttle.check_key(context, _site_of(presented).key_id)
            raise Forbidden("This is a site's key; operators have keys of their own: pro_…")
        found = _operator(presented)
    except Unauthenticated:
        throttle.check_stranger(context)
        raise
    throttle.check_key(context, found.id)
    now = context.clock()
    if operators.is_stale(found, now=now):
        with context.sessions.begin() as session:
            operators.touch(session, found, now=now)
    return found


def officer() -> Officer:
    """Which operator calls; only inside a view marked `for_operators`."""
    found: Officer = g.officer
    return found


def caller() -> Caller:
    """Who calls; only inside a view marked `keyed`."""
    found: Caller = g.caller
    return found


def site_id() -> UUID:
    """The caller's site. Raises `Invalid` for an account key, which has none."""
    if (found := caller().site_id) is None:
        raise Invalid("This is an account key; use a key of one of its sites")
    return found


def idempotency_key() -> str | None:
    """The request's Idempotency-Key. Raises `Invalid` when it is no visible ASCII of 1–255."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not is_idempotency_key(key):
        raise Invalid(
            f"Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters",
            errors=[{"pointer": "#/headers/Idempotency-Key", "detail": "Not a valid key."}],
        )
    return key
