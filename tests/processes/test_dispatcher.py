"""Two real workers on one PostgreSQL, one budget, one simulated SES that throttles what is too much."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import psycopg
import pytest

from bench import bodies, load
from bench.measure import wait_until
from bench.rig import Rig, Site

pytestmark = pytest.mark.processes

RATE = 60

PATIENCE = 300.0
"""Seconds for what takes half a minute on a machine that has nothing else to do."""

GOES = 3
"""A machine with other things to do may hold a worker up now and then; not each time."""


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig(
        worker_count=2,
        web_processes=1,
        sender_threads=8,
        simulator_options=("--max-send-rate", str(RATE)),
    ) as rig:
        yield rig


@pytest.fixture(scope="module")
def site(rig: Rig) -> Site:
    (site,) = rig.make_sites(1)
    return site


def queue(rig: Rig, site: Site, count: int, *, domain: str, at_once: int = 100) -> None:
    """Hand in so many mails, each to somebody else at this domain."""
    requests = []
    for start in range(0, count, at_once):
        keys = [str(uuid.uuid4()) for _ in range(min(at_once, count - start))]
        requests.append(
            (keys[0], bodies.json_batch(site, keys, bodies.letter(1_000), domain=domain))
        )
    answers, _ = load.run(rig.web_port, requests, concurrency=1)
    assert {answer.status for answer in answers} == {200}


def ask(rig: Rig, question: str) -> list[tuple[Any, ...]]:
    assert rig.postgresql is not None
    with psycopg.connect(rig.postgresql.url, autocommit=True) as connection:
        return connection.execute(question).fetchall()  # type: ignore[call-overload, no-any-return]


def arrivals(rig: Rig, domain: str) -> list[float]:
    """When SES accepted each mail to this domain, in seconds since 1970."""
    return sorted(
        datetime.fromisoformat(mail["accepted_at"]).timestamp()
        for mail in rig.simulator_ledger()
        if mail["destination"][0].endswith(f"@{domain}")
    )


def send_all(rig: Rig, domain: str, count: int) -> list[float]:
    """See `arrivals`, once so many have arrived."""
    assert wait_until(lambda: len(arrivals(rig, domain)) == count, PATIENCE, every=0.5)
    return arrivals(rig, domain)


def steady(times: Sequence[float], *, after: float) -> float:
    """Mails a second, once the beginning is over."""
    kept = [each for each in times if each >= times[0] + after]
    return (len(kept) - 1) / (kept[-1] - kept[0])


def test_two_workers_together_use_the_rate_and_never_exceed_it(rig: Rig, site: Site) -> None:
    count = RATE * 15
    rates: list[float] = []
    while len(rates) < GOES and max(rates, default=0.0) < 0.95 * RATE:
        domain = f"customer{len(rates)}.example"
        queue(rig, site, count, domain=domain)
        came = send_all(rig, domain, count)
        assert count <= RATE * (came[-1] - came[0] + 1)  # a second's mails may come together
        rates.append(steady(came, after=2.0))

    throttled = ask(rig, "SELECT count(*) FROM attempts WHERE error->>'code' = 'rate'")
    by_worker = ask(rig, "SELECT count(DISTINCT lease) FROM recipients WHERE lease IS NOT NULL")

    assert throttled == [(0,)]
    assert max(rates) >= 0.95 * RATE, rates
    assert by_worker[0][0] > count / 20  # small claims, just in time


def test_a_gateway_that_refuses_for_rate_is_slowed_and_nobody_else(rig: Rig, site: Site) -> None:
    strict, other = 50, 300
    began = time.time()
    queue(rig, site, other, domain="alone.example")
    alone = send_all(rig, "alone.example", other)[-1] - began

    rig.control(gateways={"strict.example": {"mails": 6, "seconds": 3, "retry_seconds": 2}})
    began = time.time()
    for _ in range(10):
        queue(rig, site, strict // 10, domain="strict.example")
        queue(rig, site, other // 10, domain="friendly.example")

    def delivered(domain: str) -> int:
        ((count,),) = ask(
            rig,
            f"SELECT count(*) FROM recipients WHERE outcome = 'delivered' AND domain = '{domain}'",
        )
        return int(count)

    beside = send_all(rig, "friendly.example", other)[-1] - began
    assert delivered("strict.example") < strict  # these are still on their way
    assert beside <= 2 * alone + 5  # held up with the others it would take as long as they do
    assert wait_until(lambda: delivered("strict.example") == strict, PATIENCE, every=0.5)

    ((further, refused),) = ask(
        rig,
        "SELECT count(DISTINCT a.id), count(DISTINCT e.attempt_id) FROM attempts a "
        "JOIN recipients r ON r.id = a.recipient_id AND r.domain = 'strict.example' "
        "LEFT JOIN events e ON e.attempt_id = a.id AND e.type = 'deferred' "
        "WHERE a.started_at > (SELECT min(recorded_at) FROM events WHERE type = 'deferred')",
    )
    assert further >= 10
    assert refused <= further / 3
    ((tries,),) = ask(rig, "SELECT max(tries) FROM recipients WHERE domain = 'strict.example'")
    assert tries == 1  # being put off is no try
    paces = ask(rig, "SELECT gateway, rate FROM sending_paces")
    assert [gateway for gateway, _ in paces] == ["strict.example"]
