"""The timeline: every step of a mail happens in its time, and whoever is subscribed is told."""

import asyncio
import heapq
import time

from simulator import mime
from simulator.account import Account
from simulator.control import Control
from simulator.deliveries import Deliveries
from simulator.descriptions import Descriptions
from simulator.endpoint import Poster
from simulator.faults import Faults
from simulator.mailbox import is_simulated
from simulator.mails import Mail, Step
from simulator.outcomes import Outcomes, State
from simulator.store import Store
from simulator.subscriptions import Subscription, Subscriptions

EARLY_PATIENCE = 5.0
"""Seconds SendEmail waits for early notices to be answered."""

BURST = 0.002
"""Seconds at a time the timeline may keep the event loop."""

BREATH = 0.05
"""Seconds the timeline stands still when notices cannot be posted as fast as they come."""


class Notices:
    """The publisher; to be made within the event loop.

    What it has not settled when it stops or is killed, it takes up at the next start. It keeps
    about 300 bytes per mail that is not settled.
    """

    def __init__(
        self,
        *,
        store: Store,
        outcomes: Outcomes,
        account: Account,
        subscriptions: Subscriptions,
        control: Control,
        faults: Faults,
        poster: Poster,
    ) -> None:
        """Publish about the mails of `store`, and remember in `outcomes` what is settled."""
        self._outcomes = outcomes
        self._account = account
        self._subscriptions = subscriptions
        self._control = control
        self._descriptions = Descriptions(store)
        self._timeline: list[tuple[float, int, int]] = []
        self._changed = asyncio.Event()
        self._open: dict[int, int] = {}
        self._settled = outcomes.unfinished(store.count)
        self._deliveries = Deliveries(
            descriptions=self._descriptions,
            outcomes=outcomes,
            subscriptions=subscriptions,
            control=control,
            faults=faults,
            poster=poster,
            settled=self._release,
        )
        for number in self._settled:
            self._schedule(0.0, number)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; notices that are being posted get two seconds."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._deliveries.stop(2.0)

    def counts(self) -> dict[str, int]:
        """How many mails wait to be settled, and how notices ended since the start."""
        return {"mails_waiting": len(self._open), **self._deliveries.counts}

    def changed(self) -> None:
        """Look again, because the control or a subscription changed."""
        self._deliveries.changed()
        self._changed.set()

    def accepted(self, mail: Mail, headers: mime.Headers) -> None:
        """Let the steps of a mail happen in their time."""
        self._descriptions.remember(mail, headers)
        self._schedule(mail.accepted_seconds + mail.plan[0]["after"], mail.number)

    async def accepted_early(self, mail: Mail, headers: mime.Headers) -> None:
        """Let all steps of a mail happen now, and return when each was posted once."""
        if self._held():
            self.accepted(mail, headers)
            return
        self._descriptions.remember(mail, headers)
        self._open[mail.number] = 1
        posts = []
        for event, step in enumerate(mail.plan):
            self._learn(mail, step)
            for to in self._targets(mail, step):
                self._open[mail.number] += 1
                posts.append(self._deliveries.post_now(mail.number, event, to))
        self._release(mail.number)
        if posts:
            await asyncio.wait(posts, timeout=EARLY_PATIENCE)

    def _schedule(self, due: float, number: int) -> None:
        self._open[number] = 1
        heapq.heappush(self._timeline, (due, number, 0))
        if self._timeline[0][1] == number:
            self._changed.set()

    async def _run(self) -> None:
        """Let every step happen in its time."""
        while True:
            wait = None
            if self._deliveries.are_behind():
                wait = BREATH
            elif self._timeline and not self._held():
                wait = self._timeline[0][0] - time.time()
                if wait <= 0:
                    self._catch_up()
                    await asyncio.sleep(0)
                    continue
            self._changed.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _catch_up(self) -> None:
        """Let what is due happen, for a moment, so that calls are still answered in a backlog."""
        now = time.time()
        until = time.perf_counter() + BURST
        while self._timeline and self._timeline[0][0] <= now and time.perf_counter() < until:
            _, number, event = heapq.heappop(self._timeline)
            self._happen(number, event)

    def _held(self) -> bool:
        """Whether notices wait: an outage is played, or nobody has confirmed a subscription yet."""
        listed = self._subscriptions.all()
        nobody_yet = bool(listed) and not any(one.confirmed for one in listed)
        return self._control.settings.notices == "hold" or nobody_yet

    def _happen(self, number: int, event: int) -> None:
        mail = self._descriptions.get(number).mail
        step = mail.plan[event]
        settled = self._settled.get(number, set())
        if not any(index == event for index, _ in settled):
            self._learn(mail, step)
        for to in self._targets(mail, step):
            if (event, to.number) not in settled:
                self._open[number] += 1
                self._deliveries.add(number, event, to)
        if event + 1 < len(mail.plan):
            due = mail.accepted_seconds + mail.plan[event + 1]["after"]
            heapq.heappush(self._timeline, (due, number, event + 1))
        else:
            self._release(number)

    def _learn(self, mail: Mail, step: Step) -> None:
        """Suppress the recipients of a step, if SES would."""
        if self._control.settings.suppress_automatically and step["event"] in (
            "Bounce",
            "Complaint",
        ):
            addresses = [a for a in step.get("to", mail.destination) if not is_simulated(a)]
            self._account.learn(step, addresses, mail.configuration_set, mail.id)

    def _targets(self, mail: Mail, step: Step) -> list[Subscription]:
        topics = self._account.topics_for(mail.configuration_set, step["event"])
        return [one for one in self._subscriptions.all() if one.confirmed and one.topic in topics]

    def _release(self, number: int) -> None:
        """One less to wait for; the mail is complete when nothing is left."""
        self._open[number] -= 1
        if not self._open[number]:
            del self._open[number]
            self._settled.pop(number, None)
            self._outcomes.add(number, 0, 0, State.COMPLETE)
