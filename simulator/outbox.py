"""The notices of one subscription: posted when due, many at once, and again after a failure."""

import asyncio
import heapq
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

log = logging.getLogger("simulator")

IN_FLIGHT = 32
RETRIES = (0.1, 0.1, 0.1, 1.0, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds to the next attempt after a notice was answered 5xx or not in time; the last repeats."""

PAUSES = (0.1, 0.2, 0.5, 1.0)
"""Seconds until an endpoint that does not listen is tried again; one notice tries for all."""

FULL = 2_000
LATE = 0.5
"""An outbox with so many items, the first of them so late (seconds), is behind."""

GIVE_UP_AFTER = 3600.0
"""Seconds after its first attempt a notice is given up, as SNS does at the latest."""


class Answer(Enum):
    """What came of posting a notice."""

    TAKEN = "taken"
    REFUSED = "refused"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass(order=True, slots=True)
class Item:
    """One notice to post: when (seconds since 1970), and about which step of which mail."""

    due: float
    mail: int
    event: int
    attempts: int = 0
    first_ms: int = 0


Post = Callable[[Item], Awaitable[Answer]]
Settle = Callable[[Item, Answer], None]


class Outbox:
    """A queue in order of time. Items end in `settle`: TAKEN, REFUSED, or FAILED if given up."""

    def __init__(self, endpoint: str, post: Post, settle: Settle) -> None:
        """Post items with `post`; `endpoint` is only for the log."""
        self._endpoint = endpoint
        self._post = post
        self._settle = settle
        self._items: list[Item] = []
        self._changed = asyncio.Event()
        self._posting: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._paused_until = 0.0
        self._held = False

    def add(self, item: Item) -> None:
        """Post this when it is due."""
        heapq.heappush(self._items, item)
        self._changed.set()

    def is_behind(self) -> bool:
        """Whether so much waits that more is not to be added for now."""
        return len(self._items) > FULL and self._items[0].due < time.time() - LATE

    def hold(self, held: bool) -> None:
        """Hold back what waits, or go on."""
        self._held = held
        self._changed.set()

    def drain(self) -> list[Item]:
        """Take out what waits."""
        items, self._items = self._items, []
        return items

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            wait = self._seconds_to_wait()
            if wait is not None and wait <= 0:
                self.post_now(heapq.heappop(self._items))
                continue
            self._changed.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _seconds_to_wait(self) -> float | None:
        """Seconds until the next item can be posted; None if only a change can bring one."""
        if (
            self._held
            or not self._items
            or len(self._posting) >= (1 if self._failures else IN_FLIGHT)
        ):
            return None
        return max(self._items[0].due, self._paused_until) - time.time()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._posting.discard(task)
        self._changed.set()

    def post_now(self, item: Item) -> asyncio.Task[None]:
        """Post an item once; if that fails, it is tried again like any other."""
        task = asyncio.create_task(self._attempt(item))
        self._posting.add(task)
        task.add_done_callback(self._finished)
        return task

    async def _attempt(self, item: Item) -> None:
        """Post an item once, and settle it or plan its next attempt."""
        item.attempts += 1
        item.first_ms = item.first_ms or time.time_ns() // 1_000_000
        try:
            answer = await self._post(item)
        except Exception:
            log.exception("A notice could not be made; it is tried again")
            answer = Answer.FAILED
        self._note(answer)
        if answer in (Answer.TAKEN, Answer.REFUSED):
            self._settle(item, answer)
        elif time.time() - item.first_ms / 1000 > GIVE_UP_AFTER:
            self._settle(item, Answer.FAILED)
        else:
            if answer is Answer.FAILED:
                wait = RETRIES[min(item.attempts, len(RETRIES)) - 1]
                item.due = time.time() + wait
            self.add(item)

    def _note(self, answer: Answer) -> None:
        """Pause when nobody listens, go on when somebody does, and say each once."""
        if answer is Answer.UNREACHABLE:
            if not self._failures:
                log.warning("%s does not answer; its notices wait", self._endpoint)
            self._paused_until = time.time() + PAUSES[min(self._failures, len(PAUSES) - 1)]
            self._failures += 1
        elif self._failures:
            log.warning("%s answers again", self._endpoint)
            self._failures = 0
            self._paused_until = 0.0

    async def finish(self, patience: float) -> None:
        """Wait for what is being posted, at most `patience` seconds."""
        if self._posting:
            await asyncio.wait(self._posting, timeout=patience)
