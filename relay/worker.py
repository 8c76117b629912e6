"""The edge of time: due copies go out, due duties are done, and a stop is graceful."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from relay.context import Relay
from relay.errors import MailerBusy, MailerRefused, MailerSilent
from relay.mail import Envelope
from relay.policy import names
from relay.policy.bounces import rules
from relay.policy.budget import held_for
from relay.services import (
    budgets,
    campaigns,
    claims,
    confirmations,
    delivery,
    desk,
    domain_looks,
    expiries,
    expiry,
    feed,
    first_contacts,
    freezing,
    holds,
    judging,
    lifting,
    networks,
    notices,
    paces,
    queue_view,
    ramps,
    receivers,
    releases,
    retention,
    reviews,
    seals,
    tallies,
    tenancy,
    tenants,
    volumes,
)
from relay.services.delivery import Copy, Result
from relay.services.person_links import Links
from relay.services.turns import Lookout

log = structlog.get_logger(__name__)

AHEAD = 0.25
"""Seconds' worth of copies that wait in this process for a sender thread: enough for a turn to be
cheap, and little enough that what is claimed leaves at once (SES counts when it arrives)."""

GUESS = 10.0
"""Copies a second for each sender thread until it is measured: SES answers within 100 ms or so."""

MOST_AHEAD = 8
"""Copies on the wire or waiting for it, for each sender thread, however fast they leave."""

IDLE = 0.1
"""Seconds between looks at an empty queue."""

A_MOMENT = 0.05
"""Seconds to wait for an answer before looking at the queue again."""

STOP_WITHIN = 25.0
"""Seconds a stopping worker gives the copies that are on the wire."""

LEARN_EVERY = 5.0
"""Seconds between looks at whether it is this worker's turn to ask the provider for its limits."""

AT_LEAST = 0.02
"""Seconds between two claims while the budget allows only little."""

TELL_EVERY = 30.0
"""Seconds after which the same trouble with the provider is logged again."""

ERRANDS_EVERY = 30.0
"""Seconds between looks at what has to be asked of neighbours."""

TENANTS_EVERY = 5.0
"""Seconds between looks at accounts whose standing the provider does not know."""

ERRANDS: tuple[Callable[[Relay], int], ...] = (
    lifting.clear_provider,
    receivers.look_up,
    domain_looks.provision_due,
    domain_looks.look_due,
)
"""What asks a neighbour and therefore takes its time; one that fails does not stop the others."""

LOOK = "look at what many get"
"""The duty for which receipts wait; it does not stand in line behind the others."""

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
        self._speed = Speed(relay.settings.sender_threads * GUESS)
        self._lookout = Lookout()
        self._is_idle = False
        self._claim_at = 0.0
        self._held_until = 0.0
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
            duties = self._duties.threads(self._stopping)
            for thread in duties:
                thread.start()
            self._learn_once()  # nothing leaves before it is known how fast it may
            learning = threading.Thread(target=self._learn, name="limits", daemon=True)
            learning.start()
            errands = threading.Thread(target=self._run_errands, name="errands", daemon=True)
            errands.start()
            if self._relay.settings.ses_tenants:
                keeping = threading.Thread(target=self._keep_tenants, name="tenants", daemon=True)
                keeping.start()
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
            for thread in duties:
                thread.join()
        log.info("worker stopped")

    def run_until_idle(self) -> None:
        """Send all that is due now, then return; for tests and small tools."""
        with ThreadPoolExecutor(self._relay.settings.sender_threads) as pool:
            while self._turn(pool) or self._on_the_wire or self._leased:
                pass

    def _turn(self, pool: ThreadPoolExecutor) -> bool:
        """Record what has come back, put more on the wire. False when there was nothing to do."""
        waits = self._room(0) <= 0 or (self._on_the_wire > 0 and not self._leased)
        results = self._collect(wait=waits)
        going: list[Copy] = []
        try:
            self._heed(results)
            more = self._claim(len(results))
            going = self._next(self._room(len(results)))
            if not results and not going:
                self._rest(more=more)
                return more
            with self._relay.sessions.begin() as session:
                now = self._relay.clock()
                delivery.record(session, results, now=now)
                envelopes = delivery.start(
                    session,
                    going,
                    answer_within=self._relay.settings.mailer_timeout,
                    tenants=self._relay.settings.ses_tenants,
                    now=now,
                )
        except Exception:
            self._leased.extendleft(reversed(going))
            for result in results:
                self._results.put(result)
            raise
        self._speed.count(len(results), time.monotonic())
        self._on_the_wire += len(envelopes) - len(results)
        for envelope in envelopes:
            pool.submit(self._send, envelope)
        return True

    def _room(self, back: int) -> int:
        """How many more copies may be put on the wire, of which `back` have come back: as many as the
        sender threads get rid of soon."""
        threads = self._relay.settings.sender_threads
        ahead = min(int(self._speed.per_second * AHEAD) + 2, threads * (MOST_AHEAD - 1))
        return threads + ahead - self._on_the_wire + back

    def _next(self, room: int) -> list[Copy]:
        """The leased copies that go out now."""
        if self._held():
            return []
        return [self._leased.popleft() for _ in range(max(0, min(room, len(self._leased))))]

    def _held(self) -> float:
        """Seconds for which nothing may leave."""
        return max(0.0, self._held_until - time.monotonic())

    def _rest(self, *, more: bool) -> None:
        """Nothing to do: wait for a copy to become due, a token, or the end of a hold."""
        if self._held() and self._leased:
            self._give_back()
        if not self._on_the_wire:
            soon = max(0.0, self._claim_at - time.monotonic())
            self._stopping.wait(min(IDLE, soon) if more else IDLE)

    def _heed(self, results: Sequence[Result]) -> None:
        """Slow down, or stop for a while, and all other workers too, where an answer asks for it."""
        troubles = {
            result.error.code: result.error
            for result in results
            if isinstance(result.error, MailerBusy) and result.error.scope == "all"
        }
        for code, error in troubles.items():
            with self._relay.sessions.begin() as session:
                now = self._relay.clock()
                budget = budgets.trouble(session, code, in_use=self._on_the_wire, now=now)
            self._held_until = time.monotonic() + held_for(budget, now)
            if code != self._told or time.monotonic() - self._told_at > TELL_EVERY:
                self._told, self._told_at = code, time.monotonic()
                log.warning("provider trouble", code=code, detail=error.detail, rate=budget.rate)

        self._heed_tenants(results)

    def _heed_tenants(self, results: Sequence[Result]) -> None:
        """Stop those of whom an answer says that the provider takes nothing, and nobody else."""
        troubles = {
            result.envelope.tenant or "": result.error
            for result in results
            if isinstance(result.error, MailerBusy) and result.error.scope == "tenant"
        }
        for name, error in troubles.items():
            with self._relay.sessions.begin() as session:
                tenancy.refused(session, name, error.code, error.detail, now=self._relay.clock())
            log.warning("trouble with a tenant", tenant=name, code=error.code, detail=error.detail)

    def _give_back(self) -> None:
        with self._relay.sessions.begin() as session:
            delivery.release(session, list(self._leased), now=self._relay.clock())
        self._leased.clear()

    def _learn(self) -> None:
        """Ask the provider what it allows, now and then, one worker for all."""
        while not self._stopping.wait(LEARN_EVERY):
            self._learn_once()

    def _learn_once(self) -> None:
        relay = self._relay
        try:
            with relay.sessions.begin() as session:
                question = budgets.ask(session, now=relay.clock())
            if question is not None:
                told = relay.sending_account()
                with relay.sessions.begin() as session:
                    budgets.learn(session, question, told, now=relay.clock())
        except Exception as error:
            log.warning("provider does not tell its limits", error=type(error).__name__)

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

    def _keep_tenants(self) -> None:
        """See that the provider knows how accounts stand; it is asked slowly, so nothing else waits."""
        while not self._stopping.wait(TENANTS_EVERY):
            try:
                tenants.keep(self._relay)
            except Exception as error:
                log.error(
                    "tenants not kept", error=type(error).__name__, exc_info=not _is_away(error)
                )

    def _claim(self, back: int) -> bool:
        """Lease what may leave now, if that is worth a claim. Whether more may follow soon.

        It is worth one where a sender thread may soon be idle or half of what may be ahead has left,
        and the budget may allow it; after a claim that gave nothing, only where something is due.
        """
        room, on_the_wire = self._room(back), self._on_the_wire - back
        idle_soon = on_the_wire <= self._relay.settings.sender_threads or room >= on_the_wire
        if self._leased or room <= 0 or not idle_soon or self._held():
            return False
        if time.monotonic() < self._claim_at:
            return True
        now = self._relay.clock()
        due: Mapping[int, UUID] = {}
        if self._is_idle:
            found = self._look(now)
            if not found:
                self._claim_at = time.monotonic() + (AT_LEAST if found is None else 0.0)
                return found is None
            due = found
        with self._relay.sessions.begin() as session:
            claimed = claims.claim(session, most=room, begin_at=due, now=now)
        self._leased.extend(claimed.copies)
        self._is_idle = not claimed.copies and not claimed.more
        told = time.monotonic()
        self._claim_at = told + (max(AT_LEAST, claimed.wait) if claimed.wait else 0.0)
        self._held_until = told + claimed.held_for
        return claimed.more or claimed.wait > 0

    def _look(self, now: datetime) -> Mapping[int, UUID] | None:
        """Where something is due (see `Lookout.look`): cheap, and takes no lock."""
        with self._relay.reads() as session:
            queued = budgets.queued_lanes(session)
            return self._lookout.look(session, sorted(queued), now=now) if queued else {}

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


class Speed:
    """How many copies a second this worker gets rid of, of late; `guess` while nothing was measured."""

    WINDOW = 0.25
    """Seconds over which is counted."""

    STALE = 2.0
    """Seconds without a count after which nothing is known any more: the worker was at rest."""

    def __init__(self, guess: float) -> None:
        self.per_second = self._guess = guess
        self._count = 0
        self._since = time.monotonic()

    def count(self, copies: int, now: float) -> None:
        """So many more have left."""
        self._count += copies
        passed = now - self._since
        if passed >= self.WINDOW:
            measured = self._count / passed
            self.per_second = measured if passed < self.STALE else self._guess
            self._count, self._since = 0, now


class Duties:
    """What is due by time and not by mail: leases, lost copies, settling, notices, silence."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._due: dict[str, float] = {}
        house = releases.House(
            relay.settings.keyring, relay.settings.house_sender, relay.settings.read_one_in
        )
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
            LOOK: (
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
            "tell owners of new networks": (
                timedelta(seconds=1),
                lambda session, now: networks.tell_owners(
                    session, sender=relay.settings.house_sender, now=now
                ),
            ),
            "forget wordings": (
                timedelta(minutes=10),
                lambda session, now: campaigns.forget(session, now=now),
            ),
            "number events": (timedelta(seconds=0.2), lambda session, now: feed.number(session)),
            "count what was reported": (
                timedelta(seconds=0.5),
                lambda session, now: tallies.roll_up(session, now=now),
            ),
            "judge streams": (
                timedelta(seconds=1),
                lambda session, now: judging.judge_due(
                    session, sender=relay.settings.house_sender, now=now
                ),
            ),
            "guard the platform": (
                timedelta(minutes=5),
                lambda session, now: judging.guard(
                    session, sender=relay.settings.house_sender, now=now
                ),
            ),
            "forget tallies": (
                timedelta(minutes=10),
                lambda session, now: tallies.forget(session, now=now),
            ),
            "let first contacts grow": (
                timedelta(minutes=10),
                lambda session, now: first_contacts.judge_yesterday(session, now=now),
            ),
            "let declared volumes grow": (
                timedelta(minutes=10),
                lambda session, now: volumes.judge_yesterday(session, now=now),
            ),
            "let waiting mail go": (
                timedelta(seconds=1),
                lambda session, now: releases.release_due(session, house, now=now),
            ),
            "end what waited too long": (
                timedelta(seconds=10),
                lambda session, now: releases.end_expired(session, now=now),
            ),
            "let senders warm up": (
                timedelta(minutes=10),
                lambda session, now: ramps.judge_yesterday(session, now=now),
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
            "measure the queue": (
                timedelta(seconds=10),
                lambda session, now: queue_view.measure(session, now=now),
            ),
            "forget paces": (
                timedelta(minutes=1),
                lambda session, now: paces.forget_free(session, now=now),
            ),
            "tell owners what expired": (
                timedelta(minutes=1),
                lambda session, now: expiries.tell_owners(relay, session, now=now),
            ),
            "tell operators what waits": (
                timedelta(minutes=1),
                lambda session, now: desk.tell_operators(relay, session, now=now),
            ),
            "close silent copies": (
                timedelta(minutes=1),
                lambda session, now: delivery.close_silent(session, now=now),
            ),
        }

    def threads(self, stopping: threading.Event) -> list[threading.Thread]:
        """Those that do what is due until told to stop: one for what mail waits for, one for the rest."""
        others = [name for name in self._table if name != LOOK]
        return [
            threading.Thread(target=self._run, args=(stopping, names), name=title)
            for title, names in (("looks", [LOOK]), ("duties", others))
        ]

    def _run(self, stopping: threading.Event, names: Sequence[str]) -> None:
        """Do what is due. A duty that found a full plate comes again at once."""
        while not stopping.wait(0.05):
            for name in names:
                every, _ = self._table[name]
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
