"""Rounds about what the relay takes while it has little to do: memory, and CPU when idle."""

from __future__ import annotations

import time
import uuid

from bench import bodies, load
from bench.measure import MemoryPeak, memory, wait_until
from bench.rows import Figures
from bench.stage import Stage, check, check_batches

LARGE = 40_000_000
"""Bytes of a large mail."""

BATCH_BYTES = 20_000_000
"""Bytes of a large batch."""


def memory_of(stage: Stage) -> Figures:
    """PSS in MB of web and worker: at rest, with four 40 MB posts at once, with a 20 MB batch."""
    roots = (stage.rig.web.pid, stage.worker.pid)
    answers, _ = load.run(stage.web_port, stage.posts(400, sites=8), concurrency=8)
    check(answers, 202)
    stage.drain()
    time.sleep(1.0)
    idle, web, worker = memory(roots), memory(roots[:1]), memory(roots[1:])

    per = (BATCH_BYTES * 3 // 4) // 100
    keys = [str(uuid.uuid4()) for _ in range(100)]
    batch = bodies.json_batch(stage.sites[0], keys, bodies.letter(per))
    with MemoryPeak(roots) as batching:
        answers, _ = load.run(stage.web_port, [(keys[0], batch)], concurrency=1)
        stage.drain()
    check_batches(answers, len(keys))

    stage.pause()
    message = bodies.attachment(LARGE)
    posts = [
        (key, load.post(stage.sites[n], [f"{key}@customer.example"], message, key=key))
        for n, key in enumerate(str(uuid.uuid4()) for _ in range(4))
    ]
    with MemoryPeak(roots) as posting:
        answers, _ = load.run(stage.web_port, posts, concurrency=4)
    check(answers, 202)
    with MemoryPeak(roots) as sending:
        stage.drain()
    wait_until(lambda: False, 1.0)
    return {
        "idle_mb": idle,
        "web_mb": web,
        "worker_mb": worker,
        "batch_mb": batching.peak,
        "large_mb": max(posting.peak, sending.peak),
        "posting_mb": posting.peak,
        "sending_mb": sending.peak,
        "afterwards_mb": memory(roots),
    }


def at_rest(stage: Stage) -> Figures:
    """CPU milliseconds a second of web, worker and PostgreSQL when nothing happens."""
    with stage.working():
        time.sleep(1.0)
        meter = stage.meter()
        time.sleep(stage.sizes.idle_seconds)
        seconds, spent = meter.elapsed, meter.spent()
    each = {part: spent[part] * 1000 / seconds for part in ("web", "worker", "postgresql")}
    return {"cpu_ms": sum(each.values()), **{f"{part}_ms": ms for part, ms in each.items()}}
