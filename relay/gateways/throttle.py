"""How often somebody asks, counted in this process's memory or in a Redis that processes share.

A courtesy to the machine, not a rule: what may be sent is counted exactly in the database. So a store that
is away stops nobody. Until it is back, each process counts for itself, and the log says so once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from math import ceil
from urllib.parse import urlsplit

import structlog
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

PATIENCE = 0.2
"""Seconds the store may take for an answer, or to be reached (our decision)."""

ASK_AGAIN = 10.0
"""Seconds for which a store that is away is not asked: each asking would cost a request its patience."""

CLEAR_EVERY = 30.0
"""Seconds between the moments at which counts that are over are taken out of the memory."""

log = structlog.get_logger(__name__)


class _Memory(MemoryStorage):
    """The library's memory, which clears out what is over every `CLEAR_EVERY` seconds.

    The library starts a thread for it when it is made, which must not run while gunicorn forks, and at
    nearly every request, which costs more than the counting.
    """

    STORAGE_SCHEME = ["postreeve-memory"]  # noqa: RUF012  # else it would replace the library's own

    def __init__(self) -> None:
        super().__init__()
        self.timer.cancel()
        self.timer.join()
        self._cleared_at = time.monotonic()

    def _MemoryStorage__schedule_expiry(self) -> None:  # noqa: N802  (the name is the library's)
        if time.monotonic() - self._cleared_at >= CLEAR_EVERY:
            self._cleared_at = time.monotonic()
            self._MemoryStorage__expire_events()  # type: ignore[attr-defined]


class Throttle:
    """Counts requests by sliding windows of a minute."""

    def __init__(self, store: str = "memory://", *, clock: Callable[[], float] = time.monotonic):
        self._own = SlidingWindowCounterRateLimiter(_Memory())
        self._store = _limiter(store) or self._own
        self._clock = clock
        self._away_until: float | None = None

    def ask(self, what: str, who: str, *, per_minute: int) -> int | None:
        """Count a request; None if it is one of the `per_minute`, else seconds until one is again.

        What is refused is not counted.
        """
        limit = _a_minute(per_minute)
        if self._away_until is None or self._clock() >= self._away_until:
            try:
                answer = _ask(self._store, limit, what, who)
            except StorageError as error:
                if self._away_until is None:
                    log.warning("rate limit store away", error=type(error.storage_error).__name__)
                self._away_until = self._clock() + ASK_AGAIN
            else:
                if self._away_until is not None:
                    log.warning("rate limit store back")
                self._away_until = None
                return answer
        return _ask(self._own, limit, what, who)


@lru_cache(maxsize=64)
def _a_minute(allowed: int) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(allowed)


def _ask(
    limiter: SlidingWindowCounterRateLimiter, limit: RateLimitItemPerMinute, what: str, who: str
) -> int | None:
    if limiter.hit(limit, what, who):
        return None
    return max(ceil(limiter.get_window_stats(limit, what, who).reset_time - time.time()), 1)


def _limiter(address: str) -> SlidingWindowCounterRateLimiter | None:
    """What counts in the store of this address; None where that is the process's own memory."""
    scheme = urlsplit(address).scheme
    if scheme == "memory":
        return None
    store = storage_from_string(
        address.replace("valkey", "redis", 1) if scheme.startswith("valkey") else address,
        wrap_exceptions=True,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
    )
    if not isinstance(store, Storage):
        raise TypeError("the store must answer at once")
    return SlidingWindowCounterRateLimiter(store)
