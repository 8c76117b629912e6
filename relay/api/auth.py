"""Who is calling: `Authorization: Bearer <key>`, checked before a request's body is read.

Keys of sites (`keyed`), of accounts (`for_accounts`) and of operators (`for_operators`) open different
doors, never each other's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar
from uuid import UUID

from flask import current_app, g, request
from sqlalchemy.orm import Session

from relay.api import throttle
from relay.api.drafts import LONGEST_KEY, is_idempotency_key
from relay.context import Relay
from relay.errors import Forbidden, Invalid, KeySiteMismatch, ScopeMissing, Unauthenticated
from relay.policy.site_urls import same_site
from relay.sayings import say
from relay.services import accounts, callers, operators
from relay.services.callers import Caller, Manager
from relay.services.operators import Officer
from relay.vocabulary import Scope

P = ParamSpec("P")
R = TypeVar("R")
Who = TypeVar("Who", Caller, Manager, Officer)
Used = TypeVar("Used", Manager, Officer)

SITE_HEADER = "X-Postreeve-Site"


def relay() -> Relay:
    """The relay this app serves."""
    found: Relay = current_app.extensions["relay"]
    return found


def keyed(scope: Scope, *, recalled: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a view as open to keys with this scope only; if `recalled`, as `callers.recall` has it.

    Raises `Unauthenticated`, `Forbidden` for a key of another kind, `ScopeMissing`, `KeySiteMismatch`
    when the key is bound to another site than the one that `X-Postreeve-Site` names, or `LimitReached`
    when it asks too often.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            g.caller = _authenticated(scope, RECALLED if recalled else SITES)
            return view(*args, **kwargs)

        guarded.required_scope = scope  # type: ignore[attr-defined]
        guarded.recalled = recalled  # type: ignore[attr-defined]
        return guarded

    return decorate


def _authenticated(scope: Scope, kind: Kind[Caller]) -> Caller:
    caller = _admitted(kind)
    if scope not in caller.scopes:
        raise ScopeMissing(
            say("This API key lacks the scope %(scope)s", scope=(scope.value,)), scope=scope.value
        )
    if caller.bound_url is not None and not same_site(
        caller.bound_url, request.headers.get(SITE_HEADER, "")
    ):
        raise KeySiteMismatch(
            say("This API key is bound to %(site)s; make one for this site", site=caller.bound_url),
            site=caller.bound_url,
        )
    return caller


def for_accounts(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view as open to accounts' own keys only.

    Raises `Unauthenticated`, `Forbidden` for a key of another kind, or `LimitReached` when it asks too
    often.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        g.manager = _noted(ACCOUNTS, callers.touch_key)
        return view(*args, **kwargs)

    guarded.for_accounts = True  # type: ignore[attr-defined]
    return guarded


def for_operators(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view as open to keys of operators only. Raises as `for_accounts` does."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        g.officer = _noted(OPERATORS, operators.touch)
        return view(*args, **kwargs)

    guarded.for_operators = True  # type: ignore[attr-defined]
    return guarded


@dataclass(frozen=True, slots=True)
class Kind(Generic[Who]):
    """A kind of key: how it begins, whose it is, and who presents it; `recall` knows some without asking."""

    mark: str
    whose: str
    identify: Callable[[Session, str, str, datetime], Who]
    recall: Callable[[str, str, datetime], Who | None] = lambda shown, secret, now: None


SITES = Kind(
    accounts.KEY_MARK,
    "a site's key",
    lambda session, shown, secret, now: callers.authenticate(
        session, shown, secret=secret, now=now
    ),
)

RECALLED = replace(
    SITES,
    recall=lambda shown, secret, now: callers.recall(shown, secret=secret, now=now),
)

ACCOUNTS = Kind(
    accounts.ACCOUNT_MARK,
    "an account's key",
    lambda session, shown, secret, now: callers.authenticate_account(
        session, shown, secret=secret, now=now
    ),
)

OPERATORS = Kind(
    operators.KEY_MARK,
    "an operator's key",
    lambda session, shown, secret, _now: operators.authenticate(session, shown, secret=secret),
)

KINDS: dict[str, Kind[Any]] = {kind.mark: kind for kind in (SITES, ACCOUNTS, OPERATORS)}


def _noted(kind: Kind[Used], touch: Callable[..., None]) -> Used:
    """Whoever presents a key of this kind; that it was used is written down by `touch`, now and then."""
    found = _admitted(kind)
    _note(found, touch)
    return found


def note_use() -> None:
    """Write down, now and then, that the site's key was used to send.

    In a transaction of its own: whoever connects the site anew holds the site's lock and ends its other
    keys, so nobody may wait for that lock who holds the row of a key.
    """
    _note(caller(), callers.touch_key)


def _note(found: Caller | Manager | Officer, touch: Callable[..., None]) -> None:
    context = relay()
    now = context.clock()
    if callers.is_stale(found.last_used_at, now=now):
        with context.sessions.begin() as session:
            touch(session, found, now=now)


def _admitted(kind: Kind[Who]) -> Who:
    """Whoever presents a key of this kind, counted. Raises `Forbidden` for a good key of another."""
    context = relay()
    try:
        presented = _presented(kind)
        other = KINDS.get(presented.partition("_")[0], kind)
        if other.mark != kind.mark:
            throttle.check_key(context, _identified(other, presented).key_id)
            raise Forbidden(f"This is {other.whose}; send {kind.whose}: {kind.mark}_…")
        found = _identified(kind, presented)
    except Unauthenticated:
        throttle.check_stranger(context)
        raise
    throttle.check_key(context, found.key_id)
    return found


def _presented(kind: Kind[Who]) -> str:
    """The key that the request shows, of whatever kind."""
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not presented.strip():
        raise Unauthenticated(f"Send your API key as: Authorization: Bearer {kind.mark}_…")
    return presented.strip()


def _identified(kind: Kind[Who], presented: str) -> Who:
    context = relay()
    secret, now = context.settings.secret, context.clock()
    if (found := kind.recall(presented, secret, now)) is not None:
        return found
    with context.reads() as session:
        return kind.identify(session, presented, secret, now)


def manager() -> Manager:
    """Which account calls; only inside a view marked `for_accounts`."""
    found: Manager = g.manager
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
    """The caller's site. Raises `Invalid` for a key that has none."""
    if (found := caller().site_id) is None:
        raise Invalid("This key has no site; use a key of a site")
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
