"""Rounds about accepting mail: one by one, for one site, in batches; and B1 and B3 beside them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence

from bench import bodies, load
from bench.baselines import b3_insert
from bench.measure import Meter, cpu_seconds, percentile
from bench.rig import Site
from bench.rows import Figures, Round
from bench.stage import CONCURRENCY, USES, Stage, check, check_batches

BATCH = 100
"""Messages of a batch."""

Batch = Callable[[Site, Sequence[str], bytes], bytes]
"""Writes the request for a batch: to whom it belongs, the keys, the mail."""


def costs(spent: Mapping[str, float], done: int, *parts: str) -> dict[str, float]:
    """CPU milliseconds per thing done: of all parts together, and of each."""
    each = {f"{part}_ms": spent[part] * 1000 / done for part in parts}
    client = {
        f"beside_{part}_ms": spent[part] * 1000 / done
        for part in ("simulator", "client")
        if part in spent
    }
    return {"cpu_ms": sum(each.values()), **each, **client, "count": float(done)}


def baseline(stage: Stage) -> Figures:
    """B1: requests a second, CPU of its processes and PostgreSQL, latency."""
    port = stage.baseline_port()
    stage.empty_baseline()
    request = bodies.plain("/mails", stage.message)
    meter = Meter({"web": stage.baseline.pid, "postgresql": stage.postgresql.part.pid})
    answers, seconds = load.run(
        port, [("", request)] * stage.sizes.baseline, concurrency=CONCURRENCY, uses=USES
    )
    spent = meter.spent()
    check(answers, 202)
    return {
        "rate": len(answers) / seconds,
        **costs(spent, len(answers), "web", "postgresql"),
        **_latency(answers),
    }


def database_alone(stage: Stage) -> Figures:
    """B3: inserts a second without Python, and PostgreSQL's CPU."""
    stage.baseline_port()  # makes the table
    stage.empty_baseline()
    count = stage.sizes.baseline
    before = cpu_seconds(stage.postgresql.part.pid)
    _, rate = b3_insert.run(stage.binaries(), stage.baseline_url, count=count)
    spent = cpu_seconds(stage.postgresql.part.pid) - before
    return {"rate": rate, "cpu_ms": spent * 1000 / count}


def one_by_one(sites: int) -> Round:
    """Single POSTs of 8 clients to so many sites, the worker at rest."""

    def measure(stage: Stage) -> Figures:
        requests = stage.posts(stage.sizes.accepts, sites=sites)
        meter = stage.meter()
        answers, seconds = load.run(stage.web_port, requests, concurrency=CONCURRENCY, uses=USES)
        spent = meter.spent()
        check(answers, 202)
        stage.drain()
        stage.pause()
        return {
            "rate": len(answers) / seconds,
            **costs(spent, len(answers), "web", "postgresql"),
            **_latency(answers),
        }

    return measure


def batches(body: Batch) -> Round:
    """Batches of 100 by 8 clients, over 8 sites, the worker at rest; figures are per message."""

    def measure(stage: Stage) -> Figures:
        requests = []
        for n in range(stage.sizes.batches):
            keys = [str(uuid.uuid4()) for _ in range(BATCH)]
            site = stage.sites[n % len(stage.sites)]
            requests.append((keys[0], body(site, keys, stage.message)))
        messages = len(requests) * BATCH
        meter = stage.meter()
        answers, seconds = load.run(stage.web_port, requests, concurrency=CONCURRENCY, uses=1)
        spent = meter.spent()
        check_batches(answers, messages)
        stage.drain()
        stage.pause()
        return {
            "rate": messages / seconds,
            **costs(spent, messages, "web", "postgresql"),
            **_latency(answers),
        }

    return measure


def _latency(answers: Sequence[load.Answer]) -> dict[str, float]:
    seconds = [answer.seconds for answer in answers]
    return {f"p{share}_ms": percentile(seconds, share / 100) * 1000 for share in (50, 99)}
