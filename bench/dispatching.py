"""Rounds about what leaves next: receipts beside newsletters, small sites beside large ones, claims."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from bench import load
from bench.measure import percentile, wait_until
from bench.rig import RigError
from bench.rows import Figures, Round
from bench.stage import CONCURRENCY, MIME_SIZE, USES, Stage, check
from simulator.mails import Mail

PER_MESSAGE = 50
"""People of one message in a backlog that is put straight into the database."""

CLAIM = 25
"""Copies of one claim whose price is measured: what leaves in a twentieth of a second at 500 a second."""

ANSWER_WITHIN = timedelta(seconds=10)
"""Until when a mailer would have to answer about copies that nobody sends."""

RECEIPTS = 20.0
"""Receipts a second while newsletters drain."""

_MESSAGES = """
INSERT INTO messages (id, account_id, site_id, stream, lane, source, sender, subject, size,
    removed_headers, accepted_at, expires_at)
SELECT md5(%(name)s || n)::uuid, %(account)s, %(site)s, %(stream)s, %(lane)s, '{}', %(sender)s,
    'A backlog', %(size)s, '[]', now(), now() + interval '7 days'
FROM generate_series(1, %(messages)s) n
"""

_CONTENTS = """
INSERT INTO contents (message_id, part, data)
SELECT md5(%(name)s || n)::uuid, 0, %(data)s FROM generate_series(1, %(messages)s) n
"""

_SITES = """
INSERT INTO sites (id, account_id, name, url, state, created_at)
SELECT md5(%(name)s || 'site' || n)::uuid, %(account)s, 'backlog', '', 'active', now()
FROM generate_series(0, %(sites)s - 1) n
"""

# Sites take part in turn, so that each has as many copies; copies come due one after the other.
_COPIES = """
INSERT INTO recipients (id, message_id, account_id, site_id, address, address_key, domain, lane_rank,
    stage, outcome, due_at, expires_at, tries)
SELECT gen_random_uuid(), md5(%(name)s || (1 + n %% %(messages)s))::uuid, %(account)s,
    md5(%(name)s || 'site' || n %% %(sites)s)::uuid, %(name)s || n || '@customer.example',
    %(name)s || n || '@customer.example', 'customer.example', %(rank)s, 'queued', 'none',
    now() - interval '1 hour' + n * interval '1 microsecond', now() + interval '7 days', 0
FROM generate_series(1, %(copies)s) n
"""


def receipts_beside_newsletters(stage: Stage) -> Figures:
    """While newsletters drain as quickly as they can: from when a receipt's POST is due until SES has it."""
    fill(stage, "newsletter", stage.sizes.newsletters, sites=1, lane="marketing", rank=3)
    count = int(RECEIPTS * stage.sizes.latency_seconds)
    requests = stage.posts(count, sites=CONCURRENCY)
    known = stage.ledger.stat().st_size
    with stage.working():
        time.sleep(1.0)
        began = stage.rig.simulator_count()
        at = time.monotonic()
        answers, due = load.paced(
            stage.web_port, requests, rate=RECEIPTS, concurrency=CONCURRENCY, uses=USES
        )
        rate = (stage.rig.simulator_count() - began) / (time.monotonic() - at)
        check(answers, 202)
        taken: dict[str, float] = {}

        def all_there() -> bool:
            taken.clear()
            for mail in mails_since(stage, known):
                key = mail.destination[0].partition("@")[0]
                if key in due:
                    taken[key] = (mail.accepted_seconds - due[key]) * 1000
            return len(taken) == count

        there = wait_until(all_there, 60, every=0.5)
    left = empty(stage)
    if not there:
        raise RigError(f"SES has {len(taken)} of {count} receipts")
    if not left:
        raise RigError("the newsletters were gone before the last receipt")
    times = list(taken.values())
    return {
        "rate": rate,
        "p50_ms": statistics.median(times),
        "p99_ms": percentile(times, 0.99),
        "most_ms": max(times),
    }


def small_sites_beside_a_large_one(stage: Stage) -> Figures:
    """99 sites with 10 mails each: how long they take alone, and beside one that has very many."""
    alone = _until_small_are_sent(stage, "alone")
    fill(stage, "large", stage.sizes.crowd, sites=1)
    beside = _until_small_are_sent(stage, "beside")
    if not empty(stage):
        raise RigError("the large site was sent before the small ones")
    return {"alone_s": alone, "beside_s": beside, "times": beside / alone}


def _until_small_are_sent(stage: Stage, name: str) -> float:
    """Seconds from the worker's start until SES has the last mail of the small sites."""
    fill(stage, name, 990, sites=99)
    known = stage.ledger.stat().st_size
    found: list[float] = []

    def all_there() -> bool:
        found[:] = [
            mail.accepted_seconds
            for mail in mails_since(stage, known)
            if mail.destination[0].startswith(name)
        ]
        return len(found) >= 990

    began = time.time()
    with stage.working():
        there = wait_until(all_there, 120, every=0.2)
    if not there:
        raise RigError(f"SES has {len(found)} of 990 mails")
    return max(found) - began


def claims(sites: bool) -> Round:
    """What one claim costs with very many queued; of very many sites, or of ten.

    As in life, what was claimed is started before the next claim; that is not measured.
    """

    def measure(stage: Stage) -> Figures:
        from relay.db import writing
        from relay.services import claims, delivery

        count = stage.sizes.queued_sites if sites else 10
        fill(stage, "queued", stage.sizes.queued, sites=count)
        stage.ask("VACUUM ANALYZE recipients")
        whole, database, copies = [], [], 0
        with stage.rig.engine() as engine, _timed(engine) as spent:
            for _ in range(120):
                spent.clear()
                began = time.perf_counter()
                with writing(engine).begin() as session:
                    claimed = claims.claim(session, most=CLAIM, now=datetime.now(UTC))
                whole.append((time.perf_counter() - began) * 1000)
                database.append(sum(spent) * 1000)
                copies += len(claimed.copies)
                with writing(engine).begin() as session:
                    delivery.start(
                        session, claimed.copies, answer_within=ANSWER_WITHIN, now=datetime.now(UTC)
                    )
        stage.ask("DELETE FROM recipients WHERE stage = 'sending'")
        empty(stage)
        if copies < 100 * CLAIM:
            raise RigError(f"120 claims gave {copies} copies")
        return {  # the first ones prepare their statements
            "ms": statistics.median(whole[20:]),
            "database_ms": statistics.median(database[20:]),
            "p99_ms": percentile(whole[20:], 0.99),
        }

    return measure


@contextmanager
def _timed(engine: Any) -> Iterator[list[float]]:
    """The seconds each statement takes, until the database has answered."""
    from sqlalchemy import event

    spent: list[float] = []

    def before(
        _connection: Any, _cursor: Any, _sql: Any, _values: Any, context: Any, _: Any
    ) -> None:
        context.began = time.perf_counter()

    def after(
        _connection: Any, _cursor: Any, _sql: Any, _values: Any, context: Any, _: Any
    ) -> None:
        spent.append(time.perf_counter() - context.began)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    yield spent
    event.remove(engine, "before_cursor_execute", before)
    event.remove(engine, "after_cursor_execute", after)


def fill(
    stage: Stage, name: str, copies: int, *, sites: int, lane: str = "transactional", rank: int = 1
) -> None:
    """Put a backlog straight into the database, as acceptance would have left it."""
    ((account, site, sender),) = stage.ask(
        "SELECT account_id, site_id, sender FROM messages WHERE size > 1000 ORDER BY id LIMIT 1"
    )
    given = {
        "name": f"{name}{time.monotonic_ns()}-",
        "account": account,
        "site": site,
        "sender": sender,
        "stream": lane,
        "lane": lane,
        "rank": rank,
        "copies": copies,
        "sites": sites,
        "messages": -(-copies // PER_MESSAGE),
        "size": MIME_SIZE,
        "data": stage.message,
    }
    with psycopg.connect(stage.postgresql.url, autocommit=True) as connection:
        for statement in (_SITES, _MESSAGES, _CONTENTS, _COPIES):
            connection.execute(statement, given)
        connection.execute("ANALYZE recipients")


def empty(stage: Stage) -> int:
    """Take what still waits out of the queue; how much it was. The worker must be at rest."""
    ((left,),) = stage.ask(
        "WITH gone AS (DELETE FROM recipients WHERE stage = 'queued' RETURNING 1) "
        "SELECT count(*) FROM gone"
    )
    stage.drain(within=60)
    stage.pause()
    stage.ask("DELETE FROM sites WHERE name = 'backlog'")
    stage.ask("VACUUM recipients")
    return int(left)


def mails_since(stage: Stage, position: int) -> list[Mail]:
    """The mails that SES accepted after the ledger had this length."""
    with stage.ledger.open("rb") as ledger:
        ledger.seek(position)
        return [Mail.parse(line) for line in ledger if line.endswith(b"\n")]
