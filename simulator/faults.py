"""What goes wrong with AWS calls: latency, limits, errors and lost answers, as the control says."""

import asyncio
import random
import time

from simulator.control import Control
from simulator.errors import RESET, AwsError, ConnectionReset
from simulator.store import Store


class Bucket:
    """A token bucket that holds one second's worth of tokens."""

    def __init__(self) -> None:
        """Start full."""
        self._tokens = float("inf")
        self._at = time.monotonic()

    def take(self, tokens: int, rate: float) -> bool:
        """Take `tokens` at `rate` tokens a second; False if there are not enough."""
        now = time.monotonic()
        room = max(rate, 1.0)
        self._tokens = min(room, self._tokens + (now - self._at) * rate)
        self._at = now
        if self._tokens < min(tokens, room):
            return False
        self._tokens -= tokens
        return True


class Faults:
    """The dice and the limits."""

    def __init__(self, control: Control, store: Store, chance: random.Random) -> None:
        """Follow `control`; the daily quota counts the mails of `store`."""
        self._control = control
        self._store = store
        self._chance = chance
        self._bucket = Bucket()
        self._rate: float | None = None

    async def before(self, *, sending: bool) -> None:
        """What comes before a call: wait, then raise AwsError or ConnectionReset if it is to be."""
        settings = self._control.settings
        if settings.latency_ms or settings.latency_jitter_ms:
            jitter = settings.latency_jitter_ms * self._chance.random()
            await asyncio.sleep((settings.latency_ms + jitter) / 1000)
            settings = self._control.settings
        if not sending and settings.errors_for != "all":
            return
        for error in settings.errors_next:
            if self._control.use_up("errors_next", error):
                self._fail(error)
        if settings.error_shares:
            dice = self._chance.random()
            for error, share in settings.error_shares.items():
                dice -= share
                if dice < 0:
                    self._fail(error)

    def check_limits(self, recipients: int) -> None:
        """Count the recipients of a mail against rate and quota. Raises AwsError.

        A rate that was just set begins with a full bucket.
        """
        settings = self._control.settings
        quota = settings.daily_quota
        if quota >= 0 and self._store.recipients_in_24_hours() + recipients > quota:
            raise AwsError("LimitExceededException", "Daily message quota exceeded.")
        rate = settings.max_send_rate
        if rate != self._rate:
            self._rate, self._bucket = rate, Bucket()
        if rate is not None and not self._bucket.take(recipients, rate):
            raise AwsError.injected(settings.throttle_error)

    def loses_answer(self) -> bool:
        """Whether the answer about an accepted mail is lost."""
        return self._control.use_up("lost_answers_next") or self.happens(
            self._control.settings.lost_answer_share
        )

    def happens(self, share: float) -> bool:
        """Whether something of that share happens this time."""
        return share > 0 and self._chance.random() < share

    def due(self) -> float:
        """When a notice that is ready now is to be posted, in seconds since 1970."""
        settings = self._control.settings
        due = time.time()
        if self.happens(settings.delay_share):
            due += settings.delay_seconds
        if self.happens(settings.shuffle_share):
            due += self._chance.random() * settings.shuffle_seconds
        return due

    @staticmethod
    def _fail(error: str) -> None:
        if error == RESET:
            raise ConnectionReset
        raise AwsError.injected(error)
