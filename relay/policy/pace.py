"""How fast one worker may hand copies to the provider: a token bucket that learns from refusals.

The ceiling comes from the provider (`GetAccount`'s MaxSendRate). A throttling answer lowers the
rate by `BACK_OFF` at most once a second; each second without one raises it by `RECOVER` of the
ceiling. Trouble that concerns everything we send puts a hold on the whole worker (SES developer
guide, 'Errors related to the sending quotas': wait up to 10 minutes).
"""

from __future__ import annotations

BACK_OFF = 0.7
RECOVER = 0.05
SLOWEST = 1.0
"""Copies a second that are tried even while the provider refuses."""

BURST = 0.25
"""Seconds' worth of copies that may leave at once."""

HOLDS = {
    "rate": 0.0,
    "unreachable": 3.0,
    "daily-quota": 600.0,
    "provider-stopped": 60.0,
    "credentials-refused": 60.0,
    "no-credentials": 60.0,
}
"""Seconds for which the worker sends nothing after this trouble (our decision)."""

PUT_OFF = {"rate": 2.0}
"""Seconds after which a copy is due again, where that differs from the hold."""


def put_off(code: str) -> float:
    """Seconds after which a copy is due again that trouble of this kind has turned back."""
    return PUT_OFF.get(code, HOLDS.get(code, 15.0))


class Pace:
    """The rate of one worker. Times are readings of a monotonic clock in seconds."""

    def __init__(self) -> None:
        self._ceiling: float | None = None
        self._rate: float | None = None
        self._tokens = 0.0
        self._filled_at: float | None = None
        self._throttled_at = float("-inf")
        self._held_until = float("-inf")

    @property
    def rate(self) -> float | None:
        """Copies a second; None while nothing limits us."""
        return self._rate

    def learn(self, ceiling: float | None) -> None:
        """The provider's own limit; None if it has none or did not say."""
        self._ceiling = ceiling
        if ceiling is None:
            self._rate = None
        elif self._rate is None or self._rate > ceiling:
            self._rate = ceiling

    def held_for(self, now: float) -> float:
        """Seconds for which nothing may leave; 0 when something may."""
        return max(0.0, self._held_until - now)

    def take(self, wanted: int, now: float) -> int:
        """How many of `wanted` copies may leave now."""
        if self.held_for(now):
            return 0
        if self._rate is None:
            return wanted
        self._fill(now)
        granted = min(wanted, int(self._tokens))
        self._tokens -= granted
        return granted

    def give_back(self, unused: int) -> None:
        """Return what `take` granted and was not used."""
        self._tokens += unused

    def trouble(self, code: str, now: float, *, in_use: int) -> None:
        """Take note of an answer that concerns everything we send; `in_use` copies were on the wire."""
        self._held_until = max(self._held_until, now + HOLDS.get(code, 0.0))
        if code != "rate" or now - self._throttled_at < 1.0:
            return
        self._throttled_at = now
        current = self._rate if self._rate is not None else max(SLOWEST, float(in_use))
        self._rate = max(SLOWEST, current * BACK_OFF)

    def _fill(self, now: float) -> None:
        if self._filled_at is None:
            self._filled_at = now
            self._tokens = 1.0
        passed = now - self._filled_at
        self._filled_at = now
        assert self._rate is not None
        if now - self._throttled_at >= 1.0:
            ceiling = self._ceiling if self._ceiling is not None else self._rate * 2
            self._rate = min(ceiling, self._rate + ceiling * RECOVER * passed)
        self._tokens = min(max(1.0, self._rate * BURST), self._tokens + passed * self._rate)
