"""Rounds about sending: the worker alone against B2, the whole way, and how long a mail takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from bench import load
from bench.accepting import costs
from bench.measure import Meter, percentile, wait_until
from bench.rig import ROOT, RigError
from bench.rows import Figures, Round
from bench.stage import CONCURRENCY, MIME_SIZE, SENDERS, USES, Stage, check
from simulator.mails import Mail


def worker_alone(latency_ms: int, *, young: bool = False) -> Round:
    """A backlog that waits: from the moment the worker may begin until all is sent and recorded.

    It came one by one from sites of age, of which one mail in 20 is read before it leaves; or from
    `young` sites, of which all is.
    """

    def measure(stage: Stage) -> Figures:
        count = stage.sizes.backlog
        if young:
            stage.load_backlog(count, to="backlog", young=True)
        else:
            stage.load_receipts(count)
        stage.rig.control(latency_ms=latency_ms)
        goal = stage.rig.simulator_count() + count
        meter = stage.meter()
        stage.worker.resume()
        _wait_for(stage, goal, within=count / 10)  # patient enough to be profiled
        seconds, spent = meter.elapsed, meter.spent()
        stage.pause()
        stage.rig.control(latency_ms=0)
        return {"rate": count / seconds, **costs(spent, count, "worker", "postgresql")}

    return measure


def bare_boto3(latency_ms: int) -> Round:
    """B2 against the same simulator: as many mails, as many threads."""

    def measure(stage: Stage) -> Figures:
        count = stage.sizes.backlog
        stage.rig.control(latency_ms=latency_ms)
        with subprocess.Popen(
            [
                sys.executable, "-m", "bench.baselines.b2_boto3", stage.rig.simulator_url,
                "--count", str(count), "--threads", str(SENDERS), "--size", str(MIME_SIZE),
            ],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RigError("B2 did not start")
            meter = Meter({"boto3": process.pid, "simulator": stage.rig.simulator.pid})
            process.stdin.write("go\n")
            process.stdin.flush()
            seconds = float(process.stdout.readline())
            spent = meter.spent()
            process.stdin.close()
        stage.rig.control(latency_ms=0)
        return {"rate": count / seconds, **costs(spent, count, "boto3")}

    return measure


def end_to_end(stage: Stage) -> Figures:
    """Accept and send together: from the first POST until the simulator has all mails."""
    requests = stage.posts(stage.sizes.end_to_end, sites=CONCURRENCY)
    goal = stage.rig.simulator_count() + len(requests)
    with stage.working():
        meter = stage.meter()
        answers, _ = load.run(stage.web_port, requests, concurrency=CONCURRENCY, uses=USES)
        _wait_for(stage, goal, within=120)
        seconds, spent = meter.elapsed, meter.spent()
    check(answers, 202)
    rate = len(requests) / seconds
    stage.known["end to end"] = rate
    return {"rate": rate, **costs(spent, len(requests), "web", "worker", "postgresql")}


def whole_life(stage: Stage) -> Figures:
    """As `end_to_end`, with the two notices of each mail (Send, Delivery) verified and applied."""
    requests = stage.posts(stage.sizes.end_to_end, sites=CONCURRENCY)
    stage.rig.control(notices="flow")
    before = _applied(stage)
    with stage.working():
        meter = stage.meter()
        answers, _ = load.run(stage.web_port, requests, concurrency=CONCURRENCY, uses=USES)
        goal = before + 2 * len(requests)
        if not wait_until(lambda: _applied(stage) >= goal, 120, every=0.1):
            raise RigError(f"{_applied(stage) - before} of {goal - before} notices were applied")
        seconds, spent = meter.elapsed, meter.spent()
    stage.rig.control(notices="drop")
    check(answers, 202)
    return {
        "rate": len(requests) / seconds,
        **costs(spent, len(requests), "web", "worker", "postgresql"),
    }


def latency(stage: Stage) -> Figures:
    """At half the end-to-end rate: from when a POST is due until SES has the mail, in ms."""
    if "end to end" not in stage.known:
        end_to_end(stage)
    rate = stage.known["end to end"] / 2
    requests = stage.posts(int(rate * stage.sizes.latency_seconds), sites=CONCURRENCY)
    goal = stage.rig.simulator_count() + len(requests)
    known = stage.ledger.stat().st_size
    with stage.working():
        time.sleep(0.5)
        answers, due = load.paced(
            stage.web_port, requests, rate=rate, concurrency=CONCURRENCY, uses=USES
        )
        _wait_for(stage, goal, within=60)
    check(answers, 202)
    taken = []
    with stage.ledger.open("rb") as ledger:
        ledger.seek(known)
        for mail in map(Mail.parse, ledger):
            key = mail.destination[0].partition("@")[0]
            taken.append((mail.accepted_seconds - due[key]) * 1000)
    if len(taken) != len(requests):
        raise RigError(f"SES has {len(taken)} of {len(requests)} mails")
    return {
        "rate": rate,
        "p50_ms": statistics.median(taken),
        "p99_ms": percentile(taken, 0.99),
        "most_ms": max(taken),
    }


def _applied(stage: Stage) -> int:
    ((count,),) = stage.ask("SELECT count(*) FROM notices WHERE state = 'applied'")
    return int(count)


def _wait_for(stage: Stage, mails: int, *, within: float) -> None:
    """Wait until the simulator has so many mails and the worker has recorded them."""
    if not wait_until(lambda: stage.rig.simulator_count() >= mails, max(within, 30), every=0.05):
        raise RigError(f"the simulator lacks {mails - stage.rig.simulator_count()} mails")
    if not wait_until(stage.is_drained, 30, every=0.01):
        raise RigError("the worker did not record what it sent")
