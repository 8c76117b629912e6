"""Everything a round needs, warm: the rig, sites, the baseline's server, the worker at rest.

Between rounds the queue is empty and the worker stands still (SIGSTOP, outside any transaction),
so that a round costs what the round does and nothing else.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from bench import bodies, load
from bench.measure import Meter, wait_until
from bench.rig import Rig, RigError
from relay.commands.trial.ports import free_port

MIME_SIZE = 10_000
"""Bytes of a mail."""

CONCURRENCY = 8
"""Clients at once."""

USES = 25
"""Requests of one connection; then it is opened anew (see `load.run`)."""

SENDERS = 16
"""Calls of SES at once, ours and the baseline's."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much one round does."""

    accepts: int = 3_000
    baseline: int = 5_000
    batches: int = 80
    backlog: int = 10_000
    end_to_end: int = 3_000
    callbacks: int = 4_000
    latency_seconds: float = 15.0
    idle_seconds: float = 10.0
    seed: int = 10_000
    newsletters: int = 100_000
    crowd: int = 50_000
    queued: int = 200_000
    queued_sites: int = 10_000


FULL = Sizes()
QUICK = Sizes(
    600, 1_500, 16, 1_500, 600, 800, 4.0, 3.0, 1_000,
    newsletters=10_000, crowd=5_000, queued=20_000, queued_sites=1_000,
)  # fmt: skip


@dataclass
class Stage:
    """The installation under test and its neighbours."""

    sizes: Sizes = FULL
    launchers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    known: dict[str, float] = field(default_factory=dict)
    """Figures that later rows build on, such as the rate of the end-to-end row."""
    at_ends: Callable[[], None] | None = None
    """Called where what a round measures begins and ends."""

    def __enter__(self) -> Stage:
        self._kept = contextlib.ExitStack()
        self.rig = self._kept.enter_context(
            Rig(
                sender_threads=SENDERS,
                simulator_options=("--drop-contents",),
                launchers=self.launchers,
            )
        )
        assert self.rig.postgresql is not None
        self.postgresql = self.rig.postgresql
        self._database = psycopg.connect(self.postgresql.url, autocommit=True)
        self._kept.callback(self._database.close)
        self.worker = self.rig.workers[0]
        self.baseline_url = self.postgresql.url_of("baseline")
        self._baseline_port: int | None = None
        made = self.rig.make_sites(CONCURRENCY, young=CONCURRENCY)
        self.sites, self.young_sites = made[:CONCURRENCY], made[CONCURRENCY:]
        self.message = bodies.letter(MIME_SIZE)
        self._seed()
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.close()

    def _seed(self) -> None:
        """A while of normal life: mails, bounces, their notices; then statistics for the planner."""
        self.load_backlog(self.sizes.seed, to="seed")
        self.load_backlog(100, to="bounce", domain="simulator.amazonses.com")
        warm = self.posts(500, sites=CONCURRENCY)  # every connection prepares its statements
        answers, _ = load.run(self.web_port, warm, concurrency=CONCURRENCY, uses=USES)
        check(answers, 202)
        self.drain(within=300)
        self.wait_applied(within=300)
        self.ask("VACUUM ANALYZE")
        self.rig.control(notices="drop")
        self.pause()

    # What rounds ask for.

    @property
    def web_port(self) -> int:
        """Where the relay listens."""
        return self.rig.web_port

    def meter(self) -> Meter:
        """CPU of all of ours, PostgreSQL, and the simulator, from now on."""
        return Meter(
            {
                "web": self.rig.web.pid,
                "worker": self.worker.pid,
                "postgresql": self.postgresql.part.pid,
                "simulator": self.rig.simulator.pid,
            },
            at_ends=self.at_ends,
        )

    def ask(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        """The rows a statement on the relay's database gives; none where it gives nothing."""
        found = self._database.execute(statement)
        return found.fetchall() if found.description else []

    def pause(self) -> None:
        """Stop the worker while none of its transactions is open.

        What it sent right before it stopped may still be on its way to PostgreSQL: look twice.
        """
        for _ in range(200):
            self.worker.pause()
            if self._is_quiet() and not wait_until(lambda: not self._is_quiet(), 0.05):
                return
            self.worker.resume()
            time.sleep(0.02)
        raise RigError("the worker never rests")

    def _is_quiet(self) -> bool:
        """Whether no client of the relay's database is in the middle of something."""
        ((busy,),) = self.ask(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = 'postreeve' "
            "AND backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()"
        )
        return not busy

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """The worker works while the block runs."""
        self.worker.resume()
        try:
            yield
        finally:
            self.pause()

    def is_drained(self) -> bool:
        """Whether no copy waits or is on its way."""
        ((left,),) = self.ask(
            "SELECT EXISTS (SELECT FROM recipients WHERE stage = 'queued') OR EXISTS "
            "(SELECT FROM recipients WHERE stage IN ('leased', 'sending', 'unknown')) OR EXISTS "
            "(SELECT FROM recipients WHERE stage = 'checking')"
        )
        return not left

    def drain(self, *, within: float = 120.0) -> None:
        """Let the worker send what is queued."""
        self.worker.resume()
        if not wait_until(self.is_drained, within, every=0.05):
            raise RigError(f"the queue did not empty:\n{self.worker.last_words()}")

    def wait_applied(self, *, within: float = 120.0) -> None:
        """Wait until every stored notice has been applied, and every copy was heard of."""

        def applied() -> bool:
            ((left,),) = self.ask(
                "SELECT EXISTS (SELECT FROM notices WHERE state IN ('received', 'unmatched')) OR "
                "EXISTS (SELECT FROM recipients WHERE stage = 'done' "
                "AND outcome IN ('sent', 'deferred'))"
            )
            return not left

        if not wait_until(applied, within, every=0.05):
            raise RigError(f"notices were not applied:\n{self.worker.last_words()}")

    def posts(self, count: int, *, sites: int) -> list[tuple[str, bytes]]:
        """Ready requests, spread over this many sites; each to a new person with a new key."""
        made = []
        for n in range(count):
            key = str(uuid.uuid4())
            site = self.sites[n % sites]
            made.append((key, load.post(site, [f"{key}@customer.example"], self.message, key=key)))
        return made

    @property
    def ledger(self) -> Path:
        """The simulator's file with a line for each mail it accepted."""
        return self.rig.folder / "simulator" / "ledger.jsonl"

    def load_backlog(
        self, count: int, *, to: str, domain: str = "customer.example", young: bool = False
    ) -> None:
        """Accept `count` mails in batches, as quickly as may be; `to` begins their addresses.

        Whether they are of `young` sites or not, the worker reads each before it leaves: what comes in
        batches is compared (docs/held.md).
        """
        sites = self.young_sites if young else self.sites
        requests = []
        for start in range(0, count, 100):
            keys = [f"{to}+{uuid.uuid4()}" for _ in range(min(100, count - start))]
            site = sites[start // 100 % len(sites)]
            body = bodies.json_batch(site, keys, self.message, domain=domain)
            requests.append((keys[0], body))
        answers, _ = load.run(self.web_port, requests, concurrency=4)
        check(answers, 200)

    def load_receipts(self, count: int) -> None:
        """Accept `count` mails one by one, from sites of age: nearly all may leave at once."""
        requests = self.posts(count, sites=CONCURRENCY)
        answers, _ = load.run(self.web_port, requests, concurrency=CONCURRENCY, uses=USES)
        check(answers, 202)

    # The baseline.

    def baseline_port(self) -> int:
        """Where B1 listens; starts it at first."""
        if self._baseline_port is None:
            self._baseline_port = free_port()
            self.postgresql.create("baseline")
            with psycopg.connect(self.baseline_url, autocommit=True) as connection:
                connection.execute("CREATE TABLE mails (id uuid PRIMARY KEY, body bytea NOT NULL)")
            self.baseline = self.rig.add_part(
                "baseline", "-m", "gunicorn", "bench.baselines.b1_app:app",
                "--config", "gunicorn.conf.py", "--bind", f"127.0.0.1:{self._baseline_port}",
                "--workers", str(self.rig.web_processes),
                environment={"BENCH_BASELINE_URL": self.baseline_url.replace(":", "+psycopg:", 1)},
            )  # fmt: skip
            self.baseline.start()
            request = bodies.plain("/mails", self.message)
            patient = [("", request)] * 200
            answers, _ = load.run(
                self._baseline_port, patient, concurrency=CONCURRENCY, again_after=lambda s: s == 0
            )
            check(answers, 202)
        return self._baseline_port

    def empty_baseline(self) -> None:
        """Forget what the baseline stored: its table never grows, which is to its advantage."""
        with psycopg.connect(self.baseline_url, autocommit=True) as connection:
            connection.execute("TRUNCATE mails")

    def binaries(self) -> Path:
        """PostgreSQL's programs."""
        return self.postgresql.bin


def check(answers: Sequence[load.Answer], status: int) -> None:
    """Raise `RigError` unless every answer has this status: a fast refusal is no speed."""
    if wrong := [answer for answer in answers if answer.status != status]:
        raise RigError(
            f"{len(wrong)} of {len(answers)} answers were not {status}; the first: "
            f"{wrong[0].status} {wrong[0].body[:500]!r}"
        )


def check_batches(answers: Sequence[load.Answer], messages: int) -> None:
    """Raise `RigError` unless every message of these batches was accepted."""
    check(answers, 200)
    accepted = sum(answer.body.count(b'"status":202') for answer in answers)
    if accepted != messages:
        raise RigError(f"{accepted} of {messages} messages were accepted")
