"""The fault harness: break a part under load, then reconcile three ledgers.

What clients were told, what the database says and what the simulator really received must agree:
nothing lost, nothing stuck, and nothing sent twice where events flow. `make faults` runs the full
table (every kill 20 times) and writes bench/results/faults.json; the tests run a short form.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bench import load
from bench.rig import Part, Rig, Site

RESULTS = Path(__file__).parent / "results"
MESSAGE = load.mime(4_000)


@dataclass
class Ledger:
    """One scenario, reconciled. All but `accepted`, `sent` and `explained` should be 0."""

    scenario: str
    faults: int = 0
    asked: int = 0
    accepted: int = 0
    refused: int = 0
    sent: int = 0
    explained: int = 0
    lost: int = 0
    stuck: int = 0
    twice: int = 0
    unaccounted: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Nothing lost, stuck, doubled or out of nowhere."""
        return not (self.lost or self.stuck or self.twice or self.unaccounted)


class Feeder(threading.Thread):
    """A client that posts steadily and repeats, with the same key, until it gets an answer."""

    def __init__(
        self, rig: Rig, sites: Sequence[Site], *, mails: int, rate: float, stream: str
    ) -> None:
        super().__init__(name="feeder")
        self._rig, self._sites, self._mails, self._rate = rig, sites, mails, rate
        self._stream = stream
        self._over = threading.Event()
        self.answers: list[load.Answer] = []

    def run(self) -> None:
        """Post `mails` mails at about `rate` a second over 8 connections."""
        shares = [self._mails // 8 + (n < self._mails % 8) for n in range(8)]
        threads = [threading.Thread(target=self._work, args=(share,)) for share in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def give_up(self) -> None:
        """Post no more, and repeat nothing: what was to be seen cannot be seen any more."""
        self._over.set()

    def _unanswered(self, status: int) -> bool:
        return not self._over.is_set() and (status == 0 or status >= 500)

    def _work(self, count: int) -> None:
        connection = load.Connection(self._rig.web_port, timeout=15)
        for _ in range(count):
            if self._over.is_set():
                break
            began = time.perf_counter()
            key = str(uuid.uuid4())
            site = random.choice(self._sites)
            request = load.post(
                site, [f"{key}@customer.example"], MESSAGE, key=key, stream=self._stream
            )
            answer = load.persist(connection, key, request, self._unanswered, 120.0)
            self.answers.append(answer)
            time.sleep(max(0.0, 8 / self._rate - (time.perf_counter() - began)))
        connection.close()


def scenario(
    rig: Rig,
    sites: Sequence[Site],
    name: str,
    break_things: Callable[[Ledger], None],
    *,
    mails: int,
    rate: float = 60.0,
    stream: str = "transactional",
    settle_within: float = 300.0,
) -> Ledger:
    """Feed mails while `break_things` works, let everything settle, reconcile."""
    ledger = Ledger(name)
    began = time.perf_counter()
    feeder = Feeder(rig, sites, mails=mails, rate=rate, stream=stream)
    feeder.start()
    try:
        time.sleep(0.5)
        break_things(ledger)
    except BaseException:
        feeder.give_up()
        raise
    finally:
        feeder.join()
    with life_going_on(rig, sites):
        reconcile(rig, feeder.answers, ledger, within=settle_within)
    ledger.seconds = round(time.perf_counter() - began, 1)
    return ledger


@contextmanager
def life_going_on(rig: Rig, sites: Sequence[Site]) -> Iterator[None]:
    """A mail now and then after the load, as in real life: its events tell that SNS is well."""
    over = threading.Event()

    def post() -> None:
        while not over.wait(0.5):
            key = str(uuid.uuid4())
            request = load.post(sites[0], ["success@simulator.amazonses.com"], MESSAGE, key=key)
            load.run(rig.web_port, [(key, request)], concurrency=1)

    thread = threading.Thread(target=post)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def reconcile(rig: Rig, answers: Sequence[load.Answer], ledger: Ledger, *, within: float) -> None:
    """Compare the three ledgers, once every copy has come to rest (or `within` seconds are over)."""
    told = {
        copy["id"]: answer.key
        for answer in answers
        if answer.status == 202
        for copy in json.loads(answer.body)["recipients"]
    }
    ledger.asked = len(answers)
    ledger.accepted = len(told)
    ledger.refused = sum(answer.status not in (0, 202) for answer in answers)
    rows = _at_rest(rig, set(told), within)
    received = Counter(_tag(mail) for mail in rig.simulator_ledger())
    answered = {answer.key for answer in answers if answer.status == 202}
    for recipient in told:
        row = rows.get(recipient)
        count = received.get(recipient, 0)
        ledger.sent += count > 0
        if row is None:
            ledger.lost += 1
            continue
        ledger.stuck += row["stage"] != "done" or row["outcome"] in ("none", "sent")
        ended_here = row["outcome"] in ("failed", "expired", "unconfirmed", "suppressed")
        ledger.explained += ended_here and bool(row["reason"])
        ledger.lost += count == 0 and row["stage"] == "done" and not (ended_here and row["reason"])
        ledger.twice += count > 1
    # Two rows for one key: the same request was accepted twice.
    ledger.unaccounted = sum(
        recipient not in told and row["address"].partition("@")[0] in answered
        for recipient, row in rows.items()
    )


def _tag(mail: dict[str, Any]) -> str:
    tag = mail["tags"]["recipient"]
    return str(uuid.UUID(tag[0] if isinstance(tag, list) else tag))


def _at_rest(rig: Rig, wanted: set[str], within: float) -> dict[str, dict[str, Any]]:
    """The recipients' rows once all are done and heard of, or as they are after `within` seconds."""
    ends = time.monotonic() + within
    with rig.engine() as engine:
        while True:
            with engine.connect() as connection:
                found = connection.execute(
                    text("SELECT id, address, stage, outcome, reason FROM recipients")
                ).mappings()
                rows = {str(uuid.UUID(str(row["id"]))): dict(row) for row in found}
            moving = sum(
                rows[id]["stage"] != "done" or rows[id]["outcome"] in ("none", "sent")
                for id in wanted
                if id in rows
            )
            if not moving or time.monotonic() > ends:
                return rows
            time.sleep(0.5)


def kills(
    part: Part, times: int, *, pause: float, then: Callable[[], None] | None = None
) -> Callable[[Ledger], None]:
    """Kill -9 the part at random moments and start it again, this many times."""

    def break_things(ledger: Ledger) -> None:
        for _ in range(times):
            time.sleep(random.uniform(0.3, 1.0) * pause)
            part.kill()
            ledger.faults += 1
            time.sleep(random.uniform(0.0, 0.5))
            part.start()
            if then is not None:
                then()

    return break_things


def table(rig: Rig, *, times: int, mails: int, progress: Callable[[str], None]) -> list[Ledger]:
    """All scenarios, one after the other, on one rig."""
    sites = rig.make_sites(4)
    assert rig.postgresql is not None
    ledgers: list[Ledger] = []

    def run(name: str, break_things: Callable[[Ledger], None], **options: Any) -> None:
        progress(name)
        ledgers.append(scenario(rig, sites, name, break_things, mails=mails, **options))
        rig.control(**QUIET)

    pause = max(0.5, mails / 60.0 / max(times, 1))
    run("kill -9 the worker", kills(rig.workers[0], times, pause=pause))
    run("kill -9 the web server", kills(rig.web, times, pause=pause, then=rig.web_ready))
    run(
        "kill -9 PostgreSQL",
        kills(rig.postgresql.part, times, pause=pause, then=rig.postgresql.wait),
    )
    run("kill -9 the simulator", kills(rig.simulator, times, pause=pause, then=rig.simulator_ready))
    run("5 % time out after accepting", injected(rig, lost_answer_share=0.05))
    run(
        "connections reset after accepting",
        injected(rig, lost_answer_share=0.05, lost_answer_form="reset"),
    )
    run("throttled: 40 a second", injected(rig, max_send_rate=40))
    run(
        "throttled the other way",
        injected(rig, max_send_rate=40, throttle_error="ThrottlingException"),
    )
    run(
        "10 % errors of SES",
        injected(rig, error_shares={"InternalServiceErrorException": 0.05, "reset": 0.05}),
    )
    run(
        "notices doubled, shuffled, late, early",
        injected(
            rig,
            duplicate_share=0.3,
            shuffle_share=0.5,
            delay_share=0.1,
            delay_seconds=2.0,
            early_share=0.3,
        ),
    )
    run("SNS away while calls time out", outage(rig, seconds=max(10.0, times / 20 * 180)))
    run("PostgreSQL away", database_away(rig, seconds=max(5.0, times / 20 * 60)))
    progress("100 posts with one key")
    ledgers.append(same_key(rig, sites[0]))
    return ledgers


QUIET: dict[str, Any] = {
    "lost_answer_share": 0.0,
    "lost_answer_form": "silence",
    "max_send_rate": None,
    "throttle_error": "TooManyRequestsException",
    "error_shares": {},
    "duplicate_share": 0.0,
    "shuffle_share": 0.0,
    "delay_share": 0.0,
    "early_share": 0.0,
    "notices": "flow",
}
"""The simulator's control without any fault."""


def injected(rig: Rig, **fields: Any) -> Callable[[Ledger], None]:
    """Let the simulator misbehave in this way while the load runs."""

    def break_things(ledger: Ledger) -> None:
        rig.control(**fields)
        ledger.faults = 1
        ledger.notes.append(", ".join(f"{name}={value}" for name, value in fields.items()))

    return break_things


def outage(rig: Rig, *, seconds: float) -> Callable[[Ledger], None]:
    """Hold all notices back while some calls time out after acceptance; then let them come."""

    def break_things(ledger: Ledger) -> None:
        rig.control(notices="hold", lost_answer_share=0.05)
        time.sleep(seconds)
        rig.control(notices="flow", lost_answer_share=0.0)
        ledger.faults = 1
        ledger.notes.append(f"{seconds:.0f} s")

    return break_things


def database_away(rig: Rig, *, seconds: float) -> Callable[[Ledger], None]:
    """Kill PostgreSQL, leave it away, start it again."""
    postgresql = rig.postgresql
    assert postgresql is not None

    def break_things(ledger: Ledger) -> None:
        postgresql.kill()
        before = rig.simulator_count()
        time.sleep(seconds)
        during = rig.simulator_count() - before
        postgresql.start()
        ledger.faults = 1
        ledger.notes.append(f"{seconds:.0f} s; {during} calls of SES meanwhile, started before")

    return break_things


def same_key(rig: Rig, site: Site) -> Ledger:
    """100 concurrent requests with one idempotency key make one message."""
    key = str(uuid.uuid4())
    request = load.post(site, [f"{key}@customer.example"], MESSAGE, key=key)
    answers, seconds = load.run(rig.web_port, [(key, request)] * 100, concurrency=100)
    ledger = Ledger("100 posts with one key", faults=1, seconds=round(seconds, 1))
    bodies = {answer.body for answer in answers if answer.status == 202}
    ledger.notes.append(
        f"{len(bodies)} different answers, statuses {dict(Counter(a.status for a in answers))}"
    )
    reconcile(rig, answers, ledger, within=300)
    ledger.unaccounted += len(bodies) != 1
    return ledger


def print_table(ledgers: Sequence[Ledger]) -> None:
    """The table for people."""
    shown = Table(title="Faults under load", title_justify="left")
    names = (
        "scenario",
        "faults",
        "accepted",
        "sent",
        "explained",
        "lost",
        "twice",
        "stuck",
        "seconds",
        "notes",
    )
    for name in names:
        shown.add_column(name, justify="left" if name in ("scenario", "notes") else "right")
    for ledger in ledgers:
        row = asdict(ledger) | {"notes": "; ".join(ledger.notes)}
        shown.add_row(
            *(str(row[name]) for name in names), style="" if ledger.is_clean else "bold red"
        )
    Console(width=None if Console().is_terminal else 150).print(shown)


@click.command()
@click.option("--times", default=20, show_default=True, help="Kills of each part.")
@click.option("--mails", default=1_500, show_default=True, help="Mails of each scenario.")
def main(times: int, mails: int) -> None:
    """Break every part under load and reconcile the ledgers. Exit code 1 if anything is amiss."""
    console = Console(stderr=True)
    with Rig(settle_seconds=8.0, mailer_timeout=3.0) as rig:
        ledgers = table(
            rig, times=times, mails=mails, progress=lambda name: console.print(f"… {name}")
        )
    print_table(ledgers)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "faults.json").write_text(
        json.dumps([asdict(each) for each in ledgers], indent=2) + "\n"
    )
    raise SystemExit(0 if all(each.is_clean for each in ledgers) else 1)


if __name__ == "__main__":
    main()
