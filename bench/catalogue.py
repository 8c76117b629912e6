"""All rows of the benchmark in their order, with what each should reach."""

from __future__ import annotations

from bench import accepting, bodies, callbacks, dispatching, judging, resting, sending
from bench.rows import Measure, Row

CPU = "CPU ms a message"
RATE = "messages/s"

_SPLIT = tuple(
    Measure(f"{part}_ms", f"  of it {name}")
    for part, name in (("web", "web"), ("worker", "worker"), ("postgresql", "PostgreSQL"))
)
"""Where the CPU goes; a row that does not use a part leaves it out."""


def _rate(reach: float | None, stretch: float | None, label: str = RATE) -> Measure:
    return Measure("rate", label, "ratio", reach, stretch, more_is_better=True)


def _accept(name: str, title: str, sites: int, reach: float, stretch: float) -> Row:
    return Row(
        name,
        title,
        (
            _rate(reach, stretch),
            Measure("cpu_ms", CPU, reach=3.2),
            *_SPLIT,
            Measure("p50_ms", "p50 ms", "ratio"),
            Measure("p99_ms", "p99 ms", "ratio", reach=2.0),
        ),
        accepting.one_by_one(sites),
        accepting.baseline,
        "B1",
    )


def _batch(form: str, body: accepting.Batch) -> Row:
    return Row(
        f"batch-{form}",
        f"accept in batches of 100, {form}",
        (
            _rate(2.0, 4.0),
            Measure("cpu_ms", CPU),
            *_SPLIT,
            Measure("p99_ms", "p99 ms of a batch", "alone"),
        ),
        accepting.batches(body),
        accepting.baseline,
        "B1",
    )


def _sender(latency_ms: int, reach: float, stretch: float | None) -> Row:
    return Row(
        f"sender-{latency_ms}",
        f"sender alone, SES answers in {latency_ms} ms",
        (_rate(reach, stretch), Measure("cpu_ms", CPU), *_SPLIT),
        sending.worker_alone(latency_ms),
        sending.bare_boto3(latency_ms),
        "B2",
    )


ROWS: tuple[Row, ...] = (
    _accept("accept", "accept, single POSTs, 8 clients, 8 sites", 8, 0.45, 0.65),
    _accept("accept-one-site", "accept, single POSTs, 8 clients, one site", 1, 0.35, 0.50),
    _batch("json", bodies.json_batch),
    _batch("multipart", bodies.multipart_batch),
    _sender(0, 1.3, 1.8),
    _sender(30, 0.95, None),
    Row(
        "sender-young",
        "sender alone, sites younger than 30 days",
        (_rate(None, None), Measure("cpu_ms", CPU), *_SPLIT),
        sending.worker_alone(0, young=True),
        sending.bare_boto3(0),
        "B2",
    ),
    Row(
        "end-to-end",
        "end to end, 8 clients, until SES has all",
        (_rate(0.30, 0.40), Measure("cpu_ms", CPU, reach=5.0, stretch=4.0), *_SPLIT),
        sending.end_to_end,
        accepting.baseline,
        "B1",
    ),
    Row(
        "latency",
        "POST to SES at half the end-to-end rate",
        (
            Measure("rate", RATE),
            Measure("p50_ms", "p50 ms"),
            Measure("p99_ms", "p99 ms", reach=250.0, stretch=100.0),
        ),
        sending.latency,
    ),
    Row(
        "beside-newsletters",
        "receipts while newsletters drain",
        (
            Measure("rate", "mails/s that leave meanwhile"),
            Measure("p50_ms", "p50 ms"),
            Measure("p99_ms", "p99 ms", reach=1_000.0, stretch=300.0),
            Measure("most_ms", "most ms"),
        ),
        dispatching.receipts_beside_newsletters,
    ),
    Row(
        "fairness",
        "99 sites with 10 mails each beside one with very many",
        (
            Measure("alone_s", "seconds alone"),
            Measure("beside_s", "seconds beside it"),
            Measure("times", "times as long", reach=2.0, stretch=1.3),
        ),
        dispatching.small_sites_beside_a_large_one,
    ),
    Row(
        "claim",
        "a claim of 25 copies, very many queued, of very many sites",
        (
            Measure("database_ms", "ms in the database", "value", reach=2.0),
            Measure("ms", "ms, the worker's part included", "ratio", reach=1.3, stretch=1.1),
            Measure("p99_ms", "p99 ms"),
        ),
        dispatching.claims(sites=True),
        dispatching.claims(sites=False),
        "10 sites",
    ),
    Row(
        "judging",
        "all sites judged, both streams, 120 hours of 10,000 mails each",
        (
            Measure("seconds", "seconds", "ratio", reach=1.3, stretch=1.1),
            Measure("seconds", "seconds for all", reach=60.0, stretch=20.0),
            Measure("per_site_ms", "ms a site"),
            Measure("postgresql_s", "  of it PostgreSQL, CPU seconds for all"),
        ),
        judging.all_sites(10_000),
        judging.all_sites(10),
        "10 mails",
    ),
    Row(
        "callbacks",
        "SNS notices: verified, stored, applied",
        (
            _rate(0.60, None, "notices/s until applied"),
            Measure(
                "answers_rate",
                "notices/s until answered",
                "ratio",
                more_is_better=True,
                of_baseline="rate",
            ),
            Measure("cpu_ms", "CPU ms a notice", reach=1.8, stretch=1.2),
            *_SPLIT,
        ),
        callbacks.applied,
        accepting.baseline,
        "B1",
    ),
    Row(
        "whole-life",
        "end to end, both notices of each mail applied",
        (_rate(None, None), Measure("cpu_ms", CPU), *_SPLIT),
        sending.whole_life,
        accepting.baseline,
        "B1",
    ),
    Row(
        "database",
        "the database alone: B3 beside B1",
        (
            _rate(None, None, "inserts/s"),
            Measure("cpu_ms", "PostgreSQL's CPU ms", of_baseline="postgresql_ms"),
        ),
        accepting.database_alone,
        accepting.baseline,
        "B1",
    ),
    Row(
        "rest",
        "nothing to do",
        (Measure("cpu_ms", "CPU ms a second"), *_SPLIT),
        resting.at_rest,
    ),
    Row(
        "memory",
        "memory of web and worker together, PSS",
        (
            Measure("idle_mb", "MB at rest", reach=300.0, stretch=200.0),
            Measure("large_mb", "MB, four 40 MB posts at once", reach=600.0),
            Measure("posting_mb", "  of it while posting"),
            Measure("sending_mb", "  of it while sending"),
            Measure("batch_mb", "MB, a batch of 20 MB"),
            Measure("afterwards_mb", "MB afterwards"),
        ),
        resting.memory_of,
        is_lone=True,
    ),
)
