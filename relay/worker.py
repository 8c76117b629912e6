"""The edge of time: due copies go out, due duties are done, and a stop is graceful."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from relay.context import Relay
from relay.errors import MailerBusy, MailerRefused, MailerSilent
from relay.mail import Envelope
from relay.policy import names
from relay.policy.bounces import rules
from relay.policy.pace import Pace
from relay.services import (
    campaigns,
    confirmations,
    delivery,
    domain_looks,
    expiry,
    feed,
    first_contacts,
    freezing,
    holds,
    lifting,
    notices,
    receivers,
    retention,
    reviews,
    seals,
    volumes,
)
from relay.services.delivery import Copy, Result
from relay.services.person_links import Links

log = structlog.get_logger(__name__)

BATCH = 200
"""Copies leased at once, at most."""

WORTH = 5.0
"""Seconds' worth of copies leased at once where a rate limits us; well below the lease."""

AHEAD = 8
"""Copies started per sender thread: well under a second's worth, and enough for a turn to be cheap."""

IDLE = 0.1
"""Seconds between looks at an empty queue."""

A_MOMENT = 0.05
"""Seconds to wait for an answer before looking at the queue again."""

STOP_WITHIN = 25.0
"""Seconds a stopping worker gives the copies that are on the wire."""

LEARN_EVERY = 60.0
"""Seconds between questions to the provider about its limits."""

TELL_EVERY = 30.0
"""Seconds after which the same trouble with the provider is logged again."""

ERRANDS_EVERY = 30.0
"""Seconds between looks at what has to be asked of neighbours."""

ERRANDS: tuple[Callable[[Relay], int], ...] = (
    lifting.clear_provider,
    receivers.look_up,
    domain_looks.provision_due,
    domain_looks.look_due,
)
"""What asks a neighbour and therefore takes its time; one that fails does not stop the others."""

FULL = 100
"""So many things done at once by a duty mean that more are waiting."""

DATABASE_AWAY = 2.0
"""Seconds between looks at a database that does not answer."""


class Worker:
    """Sends what is due until it is told to stop."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._stopping = threading.Event()
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._leased: deque[Copy] = deque()
        self._on_the_wire = 0
        self._pace = Pace()
        self._told, self._told_at = "", 0.0
        self._duties = Duties(relay)
        self._links = Links(relay.settings.keyring, relay.settings.public_url)

    def stop(self) -> None:
        """Finish what is on the wire, give back what is only leased, then return from `run`."""
        self._stopping.set()

    def run(self) -> None:
        """Work until `stop` is called."""
        threads = self._relay.settings.sender_threads
        rules()  # read and compiled before the first bounce waits for it
        names.warm()
        log.info("worker started", threads=threads, pid=os.getpid())
        with ThreadPoolExecutor(threads, thread_name_prefix="sender") as pool:
            duties = threading.Thread(
                target=self._duties.run, args=(self._stopping,), name="duties"
            )
            duties.start()
            learning = threading.Thread(target=self._learn, name="limits", daemon=True)
            learning.start()
            errands = threading.Thread(target=self._run_errands, name="errands", daemon=True)
            errands.start()
            while not self._stopping.is_set():
                try:
                    self._turn(pool)
                except (
                    Exception
                ) as error:  # the database is away, or a bug: nothing may end the worker
                    log.error(
                        "turn failed", error=type(error).__name__, exc_info=not _is_away(error)
                    )
                    self._stopping.wait(DATABASE_AWAY)
            self._wind_down()
            duties.join()
        log.info("worker stopped")

    def run_until_idle(self) -> None:
        """Send all that is due now, then return; for tests and small tools."""
        with ThreadPoolExecutor(self._relay.settings.sender_threads) as pool:
            while self._turn(pool) or self._on_the_wire or self._leased:
                pass

    def _turn(self, pool: ThreadPoolExecutor) -> bool:
        """Record what has come back, put more on the wire. False when there was nothing to do."""
        relay = self._relay
        room = relay.settings.sender_threads * AHEAD - self._on_the_wire
        results = self._collect(wait=room <= 0 or (self._on_the_wire > 0 and not self._leased))
        for result in results:
            if isinstance(result.error, MailerBusy) and result.error.scope == "all":
                self._trouble(result.error)
        if not self._leased and room > 0 and not self._pace.held_for(time.monotonic()):
            self._leased.extend(self._claim())
        going = self._next(max(room, 0))
        if not results and not going:
            self._rest()
            return False
        try:
            with relay.sessions.begin() as session:
                now = relay.clock()
                delivery.record(session, results, now=now)
                envelopes = delivery.start(
                    session, going, answer_within=relay.settings.mailer_timeout, now=now
                )
        except Exception:
            self._leased.extendleft(reversed(going))
            for result in results:
                self._results.put(result)
            raise
        self._on_the_wire += len(envelopes) - len(results)
        for envelope in envelopes:
            pool.submit(self._send, envelope)
        return True

    def _next(self, room: int) -> list[Copy]:
        """The leased copies that may go out now."""
        granted = self._pace.take(min(room, len(self._leased)), time.monotonic())
        return [self._leased.popleft() for _ in range(granted)]

    def _rest(self) -> None:
        """Nothing to do: wait for a copy to become due, a token, or the end of a hold."""
        held = self._pace.held_for(time.monotonic())
        if held and self._leased:
            self._give_back()
        if not self._on_the_wire:
            self._stopping.wait(0.01 if self._leased and not held else IDLE)

    def _trouble(self, error: MailerBusy) -> None:
        """Slow down, or stop for a while: this answer concerns everything we send."""
        self._pace.trouble(error.code, time.monotonic(), in_use=self._on_the_wire)
        if error.code != self._told or time.monotonic() - self._told_at > TELL_EVERY:
            self._told, self._told_at = error.code, time.monotonic()
            log.warning(
                "provider trouble", code=error.code, detail=error.detail, rate=self._pace.rate
            )

    def _give_back(self) -> None:
        with self._relay.sessions.begin() as session:
            delivery.release(session, list(self._leased), now=self._relay.clock())
        self._leased.clear()

    def _learn(self) -> None:
        """Ask the provider what it allows, now and every `LEARN_EVERY` seconds."""
        while True:
            try:
                self._pace.learn(self._relay.sending_account().max_rate)
            except Exception as error:
                log.warning("provider does not tell its limits", error=type(error).__name__)
            if self._stopping.wait(LEARN_EVERY):
                return

    def _run_errands(self) -> None:
        """What asks a neighbour, and must not keep duties waiting."""
        while not self._stopping.wait(ERRANDS_EVERY):
            for errand in ERRANDS:
                try:
                    errand(self._relay)
                except Exception as error:
                    log.error(
                        "errand failed",
                        errand=errand.__qualname__,
                        error=type(error).__name__,
                        exc_info=not _is_away(error),
                    )

    def _claim(self) -> list[Copy]:
        rate = self._pace.rate
        most = BATCH if rate is None else max(1, min(BATCH, int(rate * WORTH)))
        now = self._relay.clock()
        with self._relay.reads() as session:
            if not delivery.is_any_due(session, now=now):
                return []
        with self._relay.sessions.begin() as session:
            return delivery.claim(session, most=most, now=now)

    def _send(self, envelope: Envelope) -> None:
        """Hand one copy over; whatever happens becomes a result."""
        try:
            if time.monotonic() > envelope.deadline:
                raise MailerBusy(
                    "The worker was too slow to send it in time", code="not-sent-in-time"
                )
            whole = delivery.complete(envelope, self._relay.reads, self._links)
            result = Result(envelope, provider_id=self._relay.mailer.send(whole))
        except (MailerBusy, MailerRefused, MailerSilent) as error:
            result = Result(envelope, error=error)
        except Exception as error:
            log.exception("sender failed", error=type(error).__name__)
            result = Result(
                envelope, error=MailerSilent(f"{type(error).__name__}", code="sender-failed")
            )
        self._results.put(result)

    def _collect(self, *, wait: bool) -> list[Result]:
        """The results that are there; with `wait`, at least one if it comes within a moment."""
        found: list[Result] = []
        if wait and self._on_the_wire:
            try:
                found.append(self._results.get(timeout=A_MOMENT))
            except queue.Empty:
                return found
        while True:
            try:
                found.append(self._results.get_nowait())
            except queue.Empty:
                return found

    def _wind_down(self) -> None:
        ends = time.monotonic() + STOP_WITHIN
        if self._leased:
            self._give_back()
        while self._on_the_wire and time.monotonic() < ends:
            if results := self._collect(wait=True):
                with self._relay.sessions.begin() as session:
                    delivery.record(session, results, now=self._relay.clock())
                self._on_the_wire -= len(results)


def _is_away(error: Exception) -> bool:
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    return isinstance(error, DBAPIError | PoolTimeout)


class Duties:
    """What is due by time and not by mail: leases, lost copies, settling, notices, silence."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._due: dict[str, float] = {}
        self._table: dict[str, tuple[timedelta, Callable[[Session, datetime], int]]] = {
            "return expired leases": (
                timedelta(seconds=5),
                lambda session, now: delivery.return_expired_leases(session, now=now),
            ),
            "find lost copies": (
                timedelta(seconds=5),
                lambda session, now: delivery.find_lost(session, now=now),
            ),
            "settle unknown copies": (
                timedelta(seconds=2),
                lambda session, now: delivery.settle(
                    session, settle_after=relay.settings.settle_after, now=now
                ),
            ),
            "apply notices": (
                timedelta(seconds=0.2),
                lambda session, now: notices.apply_waiting(session, now=now),
            ),
            "look at what many get": (
                timedelta(seconds=0.1),
                lambda session, now: campaigns.look_at(
                    session, sender=relay.settings.house_sender, now=now
                ),
            ),
            "freeze what may not leave": (
                timedelta(seconds=1),
                lambda session, now: freezing.freeze(session, now=now),
            ),
            "freeze what came back": (
                timedelta(minutes=1),
                lambda session, now: freezing.freeze(session, now=now, lately=False),
            ),
            "carry out reviews": (
                timedelta(seconds=1),
                lambda session, now: reviews.carry_out(session, now=now),
            ),
            "end undecided reviews": (
                timedelta(seconds=30),
                lambda session, now: reviews.expire(session, now=now),
            ),
            "forget wordings": (
                timedelta(minutes=10),
                lambda session, now: campaigns.forget(session, now=now),
            ),
            "number events": (timedelta(seconds=0.2), lambda session, now: feed.number(session)),
            "let first contacts grow": (
                timedelta(minutes=10),
                lambda session, now: first_contacts.judge_yesterday(session, now=now),
            ),
            "let declared volumes grow": (
                timedelta(minutes=10),
                lambda session, now: volumes.judge_yesterday(session, now=now),
            ),
            "seal the consent ledger": (
                timedelta(seconds=1),
                lambda session, now: seals.seal(session, now=now),
            ),
            "answer sign-ups": (
                timedelta(seconds=0.5),
                lambda session, now: confirmations.answer_due(
                    session,
                    relay.settings.keyring,
                    public_url=relay.settings.public_url,
                    now=now,
                ),
            ),
            "end unconfirmed subscriptions": (
                timedelta(minutes=10),
                lambda session, now: expiry.expire(session, now=now),
            ),
            "forget who never confirmed": (
                timedelta(minutes=10),
                lambda session, now: expiry.forget(session, now=now),
            ),
            "delete what is over": (
                timedelta(minutes=10),
                lambda session, now: retention.purge(session, now=now),
            ),
            "send probes": (
                timedelta(seconds=30),
                lambda session, now: holds.probe_due(session, now=now),
            ),
            "close silent copies": (
                timedelta(minutes=1),
                lambda session, now: delivery.close_silent(session, now=now),
            ),
        }

    def run(self, stopping: threading.Event) -> None:
        """Do what is due until told to stop. A duty that found a full plate comes again at once."""
        while not stopping.wait(0.05):
            for name, (every, _) in self._table.items():
                if time.monotonic() >= self._due.get(name, 0.0):
                    done = self._do(name)
                    pause = 0.0 if done >= FULL else every.total_seconds()
                    self._due[name] = time.monotonic() + pause

    def run_once(self) -> None:
        """Do all of them now; errors are raised."""
        for _, duty in self._table.values():
            with self._relay.sessions.begin() as session:
                duty(session, self._relay.clock())

    def _do(self, name: str) -> int:
        try:
            with self._relay.sessions.begin() as session:
                done = self._table[name][1](session, self._relay.clock())
        except Exception as error:
            log.error(
                "duty failed", duty=name, error=type(error).__name__, exc_info=not _is_away(error)
            )
            return 0
        if done:
            log.debug("duty", duty=name, done=done)
        return done
