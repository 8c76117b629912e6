"""Rounds about judging: what it costs to look at all sites, whatever they have sent."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import psycopg

from bench.rows import Figures, Round
from bench.stage import Stage

HOURS = 120
"""Hours of the last 30 days in which a stream of a site sent something: four a day."""

_SITES = """
INSERT INTO sites (id, account_id, name, url, state, created_at)
SELECT md5('judged' || n)::uuid, %(account)s, 'judged', '', 'active', now() - interval '1 year'
FROM generate_series(1, %(sites)s) n ON CONFLICT DO NOTHING
"""

_TALLIES = """
INSERT INTO tallies (site_id, stream, dimension, value, hour, sent, ended, delivered, heard, invalid,
    permanent, complaints, unheard, spam, "left")
SELECT md5('judged' || n)::uuid, stream, 'site', '', date_trunc('hour', now()) - h * interval '6 hours',
    %(mails)s, %(mails)s, %(mails)s, %(mails)s / 5, %(mails)s / 100, %(mails)s / 50, 0, %(mails)s / 2, 0, 0
FROM generate_series(1, %(sites)s) n, generate_series(0, %(hours)s - 1) h,
    unnest(ARRAY['marketing', 'transactional']) stream
"""

_PULSES = """
INSERT INTO pulses (site_id, stream, recent, delivered, news_at, due_at)
SELECT md5('judged' || n)::uuid, stream, '[]', 100000, now(), now()
FROM generate_series(1, %(sites)s) n, unnest(ARRAY['marketing', 'transactional']) stream
"""


_BEFORE = tuple(
    f"DELETE FROM {table} WHERE site_id IN (SELECT id FROM sites WHERE name = 'judged')"
    for table in ("tallies", "pulses")
)


def all_sites(mails: int) -> Round:
    """How long it takes to judge both streams of all sites, with so many mails an hour."""

    def measure(stage: Stage) -> Figures:
        from relay.db import writing
        from relay.services import judging

        ((account,),) = stage.ask("SELECT account_id FROM messages WHERE size > 1000 LIMIT 1")
        sites = stage.sizes.queued_sites
        given = {"sites": sites, "hours": HOURS, "mails": mails, "account": account}
        with psycopg.connect(stage.postgresql.url, autocommit=True) as connection:
            for statement in (
                *_BEFORE,
                _SITES,
                _TALLIES,
                _PULSES,
                "VACUUM ANALYZE tallies, pulses",
            ):
                connection.execute(statement, given if "%" in statement else None)
        judged = 0
        meter = stage.meter()
        began = time.perf_counter()
        with stage.rig.engine() as engine:
            while True:
                with writing(engine).begin() as session:
                    done = judging.judge_due(
                        session, sender="relay@relay.example", now=datetime.now(UTC)
                    )
                judged += done
                if not done:
                    break
        seconds = time.perf_counter() - began
        spent = meter.spent()
        return {
            "seconds": seconds,
            "per_site_ms": seconds * 1000 / sites,
            "postgresql_s": spent["postgresql"],
            "judged": judged,
        }

    return measure
