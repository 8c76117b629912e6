"""From a step of a mail to an answered notice: one outbox per subscription."""

import asyncio
import uuid
from collections.abc import Callable

from simulator import envelopes
from simulator.control import Control
from simulator.descriptions import Descriptions
from simulator.endpoint import Poster
from simulator.envelopes import Message
from simulator.faults import Faults
from simulator.outbox import Answer, Item, Outbox
from simulator.outcomes import Outcomes, State
from simulator.subscriptions import Subscription, Subscriptions

CONFIRM_EVERY = 1.0
"""Seconds between two requests to confirm a subscription."""

STATES = {
    Answer.TAKEN: State.ACKNOWLEDGED,
    Answer.REFUSED: State.REFUSED,
    Answer.FAILED: State.GIVEN_UP,
}


class Deliveries:
    """Posts notices, with the faults the control asks for."""

    def __init__(
        self,
        *,
        descriptions: Descriptions,
        outcomes: Outcomes,
        subscriptions: Subscriptions,
        control: Control,
        faults: Faults,
        poster: Poster,
        settled: Callable[[int], None],
    ) -> None:
        """Post with `poster`; call `settled` with the mail's number when a notice has its end."""
        self._descriptions = descriptions
        self._outcomes = outcomes
        self._subscriptions = subscriptions
        self._control = control
        self._faults = faults
        self._poster = poster
        self._settled = settled
        self._outboxes: dict[str, Outbox] = {}
        self._tasks = [asyncio.create_task(self._ask_pending())]
        self.counts = {state.name.lower(): 0 for state in STATES.values()} | {"dropped": 0}

    def add(self, number: int, event: int, to: Subscription) -> None:
        """Have a notice posted, now or later as the control says, or dropped."""
        item = Item(self._faults.due(), number, event)
        if self._control.settings.notices == "drop":
            self._settle(item, to, State.DROPPED)
        else:
            self._outbox(to).add(item)

    def post_now(self, number: int, event: int, to: Subscription) -> asyncio.Task[None]:
        """Post a notice at once; the task is done after its first attempt."""
        return self._outbox(to).post_now(Item(0.0, number, event))

    def are_behind(self) -> bool:
        """Whether nobody who is subscribed takes notices as fast as they come."""
        outboxes = self._outboxes.values()
        return bool(outboxes) and all(outbox.is_behind() for outbox in outboxes)

    def changed(self) -> None:
        """Look again, because the control changed."""
        state = self._control.settings.notices
        for arn, outbox in self._outboxes.items():
            outbox.hold(state != "flow")
            if state == "drop" and self._subscriptions.has(arn):
                to = self._subscriptions.get(arn)
                for item in outbox.drain():
                    self._settle(item, to, State.DROPPED)

    async def stop(self, patience: float) -> None:
        """Stop; notices that are being posted get `patience` seconds."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(outbox.finish(patience) for outbox in self._outboxes.values()))

    def _outbox(self, to: Subscription) -> Outbox:
        if to.arn not in self._outboxes:

            async def post(item: Item) -> Answer:
                return await self._post(item, to)

            def settle(item: Item, answer: Answer) -> None:
                self._settle(item, to, STATES[answer])

            outbox = self._outboxes[to.arn] = Outbox(to.endpoint, post, settle)
            outbox.hold(self._control.settings.notices == "hold")
            self._tasks.append(asyncio.create_task(outbox.run()))
        return self._outboxes[to.arn]

    def _settle(self, item: Item, to: Subscription, state: State) -> None:
        self.counts[state.name.lower()] += 1
        self._outcomes.add(item.mail, item.event, to.number, state, item.attempts)
        self._settled(item.mail)

    async def _post(self, item: Item, to: Subscription) -> Answer:
        """Post all copies of one notice."""
        if not self._subscriptions.has(to.arn):
            return Answer.REFUSED
        described = self._descriptions.get(item.mail)
        settings = self._control.settings
        published_ms = item.first_ms + int(settings.timestamp_shift_seconds * 1000)
        for message in envelopes.notifications(
            described.mail,
            described.about,
            item.event,
            to.topic,
            dialect=settings.dialect,
            published_ms=published_ms,
        ):
            body = await self._poster.sign(message)
            answer = await self._poster.post(to, message, body)
            if answer is not Answer.TAKEN:
                return answer
            if self._faults.happens(settings.duplicate_share):
                await self._post_again(to, message, body)
        return Answer.TAKEN

    async def _post_again(self, to: Subscription, message: Message, body: bytes) -> None:
        """Post a second copy of a notice: as it is, or as if SES had published twice."""
        if self._control.settings.duplicate_form == "new-id":
            message = {**message, "MessageId": str(uuid.uuid4())}
            body = await self._poster.sign(message)
        await self._poster.post(to, message, body)

    async def _ask_pending(self) -> None:
        """Ask pending subscribers to confirm, again and again."""
        while True:
            pending = [one for one in self._subscriptions.all() if not one.confirmed]
            await asyncio.gather(*(self._ask(one) for one in pending))
            await asyncio.sleep(CONFIRM_EVERY)

    async def _ask(self, to: Subscription) -> None:
        message = envelopes.confirmation(to)
        await self._poster.post(to, message, await self._poster.sign(message))
