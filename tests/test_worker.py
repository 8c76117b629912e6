"""The worker: what is due goes out, whatever happens is recorded, and a stop is graceful."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from relay.context import Relay
from relay.errors import MailerBusy, MailerRefused, MailerSilent
from relay.mail import Envelope
from relay.models import Recipient, Site
from relay.vocabulary import Stage
from relay.worker import Duties, Worker
from tests import factories
from tests.factories import ses_event
from tests.fakes import FakeAmazon, FakeClock, FakeMailer
from tests.steps import PATIENCE, accept, claim, copy_of, start, status, statuses, until


def test_what_is_due_goes_out(relay: Relay, site: Site, mailer: FakeMailer) -> None:
    people = [f"p{n}@customer.example" for n in range(30)]
    receipt = accept(relay, site, to=people)
    Worker(relay).run_until_idle()
    assert sorted(copy.recipient for copy in mailer.sent) == sorted(people)
    assert set(statuses(relay, site, receipt).values()) == {"sent"}


def test_each_answer_is_recorded(relay: Relay, site: Site, mailer: FakeMailer) -> None:
    receipt = accept(relay, site, to=[f"p{n}@customer.example" for n in range(5)])
    mailer.failures[:] = [
        MailerBusy("busy", code="provider-error"),
        MailerRefused("no", code="MessageRejected"),
        MailerSilent("?"),
        RuntimeError("a bug in the mailer"),
    ]
    Worker(relay).run_until_idle()
    assert sorted(statuses(relay, site, receipt).values()) == [
        "failed", "queued", "sent", "unknown", "unknown",
    ]  # fmt: skip


def test_a_copy_that_is_too_late_does_not_go_on_the_wire(
    relay: Relay, site: Site, mailer: FakeMailer
) -> None:
    """Past its deadline the lease may be somebody else's."""
    receipt = accept(relay, site)
    (envelope,) = start(relay, claim(relay))
    worker = Worker(relay)
    worker._send(replace(envelope, deadline=time.monotonic() - 1))
    assert mailer.sent == []
    worker._send(envelope)
    assert mailer.sent == [envelope]
    assert status(relay, site, receipt) == "sending"


def test_a_stop_finishes_what_is_on_the_wire_and_gives_the_rest_back(shared: Relay) -> None:
    class Slow(FakeMailer):
        def __init__(self) -> None:
            super().__init__()
            self.begun, self.go = threading.Semaphore(0), threading.Event()

        def send(self, envelope: Envelope) -> str:
            self.begun.release()
            self.go.wait(PATIENCE)
            return super().send(envelope)

    slow = Slow()
    relay = replace(shared, mailer=slow)
    site, _ = factories.make_shop(relay)
    receipt = accept(relay, site, to=[f"p{n}@customer.example" for n in range(40)])
    worker = Worker(relay)
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        for _ in range(relay.settings.sender_threads):
            assert slow.begun.acquire(timeout=PATIENCE)
    finally:
        worker.stop()
        slow.go.set()
        running.join(PATIENCE)

    assert not running.is_alive()
    found = statuses(relay, site, receipt)
    assert len(slow.sent) == sum(state == "sent" for state in found.values()) >= 4
    assert set(found.values()) == {"sent", "queued"}
    with relay.reads() as session:
        assert set(session.scalars(select(Recipient.stage))) == {Stage.DONE, Stage.QUEUED}


def test_a_database_that_goes_away_does_not_end_the_worker(shared: Relay) -> None:
    away = threading.Event()
    away.set()

    class Sessions:
        def begin(self) -> object:
            if away.is_set():
                away.clear()
                raise OperationalError("BEGIN", {}, Exception("server closed the connection"))
            return shared.sessions.begin()

    site, _ = factories.make_shop(shared)
    receipt = accept(shared, site)
    worker = Worker(replace(shared, sessions=Sessions()))  # type: ignore[arg-type]
    running = threading.Thread(target=worker.run)
    running.start()
    try:
        until(lambda: status(shared, site, receipt) == "sent")
    finally:
        worker.stop()
        running.join(PATIENCE)


def test_the_duties_bring_home_what_got_lost(
    relay: Relay, site: Site, clock: FakeClock, amazon: FakeAmazon
) -> None:
    leased, lost = accept(relay, site), accept(relay, site, to=["lost@customer.example"])
    first, second = claim(relay)
    (envelope,) = start(relay, [second])
    clock.advance(minutes=3)

    Duties(relay).run_once()

    assert copy_of(relay, site, leased).recipient.stage is Stage.QUEUED
    assert copy_of(relay, site, lost).recipient.stage is Stage.UNKNOWN
    assert first.recipient_id != second.recipient_id
    assert ses_event("Delivery", envelope)["mail"]["tags"]["attempt"] == [envelope.attempt_id.hex]


def test_one_duty_that_fails_does_not_stop_the_others(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    claim(relay)
    clock.advance(minutes=3)
    duties = Duties(relay)

    def broken(*_: object) -> int:
        raise RuntimeError("a bug")

    every, _ = duties._table["find lost copies"]
    duties._table["find lost copies"] = (every, broken)
    for name in duties._table:
        duties._do(name)
    assert copy_of(relay, site, receipt).recipient.stage is Stage.QUEUED


@pytest.mark.parametrize("code", ["daily-quota", "provider-stopped", "unreachable"])
def test_trouble_with_the_provider_holds_the_worker(
    code: str, relay: Relay, site: Site, mailer: FakeMailer, clock: FakeClock
) -> None:
    receipt = accept(relay, site, to=[f"p{n}@customer.example" for n in range(50)])
    mailer.failures[:] = [MailerBusy("stop", code=code, scope="all")] * 8
    worker = Worker(relay)
    until_held = threading.Timer(0.5, worker.stop)
    until_held.start()
    worker.run_until_idle()
    until_held.cancel()
    sent = sum(state == "sent" for state in statuses(relay, site, receipt).values())
    assert len(mailer.sent) == sent
    assert sent < 50
