"""The real processes on one machine: PostgreSQL, simulator, web, workers – to load, kill and count.

`Rig` owns them all and ends them all. Nothing it starts outlives it: every child gets SIGKILL when
this process dies (Linux's parent-death signal).
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from relay.commands.trial.ports import free_port

ROOT = Path(__file__).parents[1]
TOPIC = "arn:aws:sns:us-east-1:000000000000:postreeve-simulator"
DOMAIN = "shop.example"
PATIENCE = 60.0
"""Seconds a part has to come up: long, for a machine with other things to do."""


class RigError(Exception):
    """A part did not start or answer; says which and what it wrote last."""


def _die_with_parent() -> None:
    ctypes.CDLL("libc.so.6", use_errno=True).prctl(1, signal.SIGKILL)


@dataclass
class Part:
    """One process of the rig."""

    name: str
    command: Sequence[str]
    log: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    as_user: str | None = None

    def start(self) -> None:
        """Start it; its output goes to its log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (it only makes one system call)
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL to it and its children, at once."""
        self._signal(signal.SIGKILL)
        if not self._wait(PATIENCE):
            raise RigError(f"{self.name} does not die")

    def pause(self) -> None:
        """SIGSTOP: it does nothing and costs nothing until `resume`, but keeps what it holds."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it goes on where it was."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self, within: float = 40.0) -> int:
        """SIGTERM, then SIGKILL after `within` seconds; its exit code."""
        if self.is_running:
            os.kill(self.pid, signal.SIGTERM)
            if not self._wait(within):
                self.kill()
        assert self.process is not None
        return self.process.returncode

    def _signal(self, number: int) -> None:
        if self.process is not None:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                return

    def _wait(self, seconds: float) -> bool:
        assert self.process is not None
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3_000:] if self.log.exists() else ""


class PostgreSQL:
    """A private cluster in a temporary folder, with fsync on, reachable on 127.0.0.1."""

    def __init__(self, folder: Path, *, options: Sequence[str] = ()) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not found:
            raise RigError("PostgreSQL's server is missing; apt-get install postgresql")
        self.bin = found[-1]
        self.folder = folder
        self.port = free_port()
        self.options = options
        folder.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", str(folder / "data"), "-U", "postreeve", "--auth=trust",
                  "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")  # fmt: skip
        self.part = Part("postgresql", self._command(), folder / "log", dict(os.environ))
        (folder / "log").touch()
        os.chmod(folder / "log", 0o666)
        self.start()
        self._run(
            "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postreeve", "postreeve"
        )

    @property
    def url(self) -> str:
        """For POSTREEVE_DATABASE_URL."""
        return self.url_of("postreeve")

    def url_of(self, database: str) -> str:
        """Where a database of this cluster is."""
        return f"postgresql://postreeve@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> None:
        """Create one more database."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postreeve", database)

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        self.part.start()
        self.wait()

    def wait(self) -> None:
        """Wait until it accepts connections.

        After SIGKILL its children live on until they notice, and while one holds the shared memory
        a new server gives up: it is then started again, as whoever watches over a server does.
        """
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            if not self.part.is_running:
                self.part.start()
            ready = self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), check=False)
            if ready == 0:
                return
            time.sleep(0.1)
        self.stop()
        raise RigError(f"PostgreSQL did not start:\n{self.part.last_words()}")

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children notice and end too."""
        self.part.kill()

    def stop(self) -> None:
        """A fast shutdown."""
        if self.part.is_running:
            os.kill(self.part.pid, signal.SIGINT)
            if not self.part._wait(PATIENCE):
                self.kill()

    def _as_postgres(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        return [
            "setpriv",
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
            "--pdeathsig=KILL",
            "--",
        ]

    def _command(self) -> list[str]:
        return [
            *self._as_postgres(), str(self.bin / "postgres"), "-D", str(self.folder / "data"),
            "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
            "-c", "unix_socket_directories=",  # its path may have 107 characters: a folder's may be longer
            "-c", "max_connections=200", "-c", "shared_buffers=256MB",
            *(word for option in self.options for word in ("-c", option)),
        ]  # fmt: skip

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            [*self._as_postgres(), str(self.bin / program), *arguments],
            cwd="/", capture_output=True, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise RigError(f"{program} failed:\n{done.stderr.decode()}")
        return done.returncode


@dataclass
class Site:
    """A site made for the harness and its key."""

    id: str
    key: str


@dataclass
class Rig:
    """All parts together. Use it as a context manager."""

    database: str = "postgresql"
    web_processes: int = 2
    worker_count: int = 1
    sender_threads: int = 16
    settle_seconds: float = 5.0
    mailer_timeout: float = 5.0
    simulator_options: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)
    launchers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Python's arguments before those of a part, by its name: how `--profile` gets in between."""
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="postreeve-rig-")))

    def __enter__(self) -> Rig:
        self.folder.chmod(0o755)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for part in reversed(getattr(self, "parts", [])):
            if part.is_running:
                part.kill()
        if (postgresql := getattr(self, "postgresql", None)) is not None:
            postgresql.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        self.parts: list[Part] = []
        self.postgresql: PostgreSQL | None = None
        if self.database == "postgresql":
            self.postgresql = PostgreSQL(self.folder / "postgresql")
            url = self.postgresql.url
        else:
            url = f"sqlite:///{self.folder}/postreeve.db"
        self.web_port, self.simulator_port = free_port(), free_port()
        self.web_url = f"http://127.0.0.1:{self.web_port}"
        self.simulator_url = f"http://127.0.0.1:{self.simulator_port}"
        self.secret = secrets.token_hex(32)
        self.settings = {
            "POSTREEVE_DATABASE_URL": url,
            "POSTREEVE_SECRET": self.secret,
            "POSTREEVE_PUBLIC_URL": self.web_url,
            "POSTREEVE_AWS_ENDPOINT_URL": self.simulator_url,
            "POSTREEVE_TOPIC_ARNS": TOPIC,
            "POSTREEVE_SIMULATOR_CERTIFICATE": str(
                self.folder / "simulator" / "sns-certificate.pem"
            ),
            "POSTREEVE_REQUESTS_PER_MINUTE": "10000000",  # one key makes them all
            "POSTREEVE_SETTLE_SECONDS": str(self.settle_seconds),
            "POSTREEVE_MAILER_TIMEOUT_SECONDS": str(self.mailer_timeout),
            "POSTREEVE_SENDER_THREADS": str(self.sender_threads),
            "POSTREEVE_LOG_LEVEL": "WARNING",
            **self.environment,
        }
        self.relay("migrate")
        self.simulator = self._part(
            "simulator", "-m", "simulator", "--port", str(self.simulator_port),
            "--state", str(self.folder / "simulator"), "--subscribe", f"{self.web_url}/hooks/ses",
            *self.simulator_options,
        )  # fmt: skip
        self.web = self._part(
            "web", "-m", "relay", "web", "--port", str(self.web_port),
            "--workers", str(self.web_processes),
        )  # fmt: skip
        self.workers = [
            self._part(f"worker-{n}", "-m", "relay", "worker") for n in range(self.worker_count)
        ]
        self.simulator.start()
        self.web.start()
        self.web_ready()
        self.simulator_ready()
        for worker in self.workers:
            worker.start()

    def _part(self, name: str, *arguments: str) -> Part:
        if launcher := self.launchers.get(name):
            arguments = (*launcher, *arguments[1:])  # the launcher takes the module's name
        return self.add_part(name, *arguments, environment=self.settings)

    def add_part(self, name: str, *arguments: str, environment: Mapping[str, str]) -> Part:
        """One more Python process, not started yet, that ends with the rig."""
        part = Part(
            name, [sys.executable, *arguments], self.folder / f"{name}.log",
            {**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self.parts.append(part)
        return part

    def relay(self, *arguments: str) -> str:
        """Run `python -m relay …` to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "relay", *arguments],
            cwd=ROOT, env={**os.environ, **self.settings}, capture_output=True, check=False, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RigError(f"relay {' '.join(arguments)} failed:\n{done.stderr}")
        return done.stdout

    def make_sites(self, count: int, *, young: int = 0) -> list[Site]:
        """An account with this many sites, each with a key; its domain is verified.

        They are 60 days old, but for so many `young` ones, made now, which are the last of the list.
        """
        from relay.db import writing
        from relay.policy.plans import MOST
        from relay.services import accounts, domains, first_contacts, limits, ramps
        from relay.vocabulary import Scope

        now = datetime.now(UTC)
        long_ago = now - timedelta(days=60)  # most sites are no newcomers, whose mail is all read
        made_at = [long_ago] * count + [now] * young
        sites = []
        with self.engine() as engine, writing(engine).begin() as session:
            account = accounts.create_account(
                session, name="Harness", owner_email=f"o@{DOMAIN}", now=long_ago
            )
            limits.set_for_account(
                session, account.id, {each: MOST[each] for each in ("second", "hour", "day")}
            )
            domains.claim(session, account.id, DOMAIN, region="us-east-1", vouched=True, now=now)
            for n, at in enumerate(made_at):
                site = accounts.create_site(
                    session, account.id, name=f"Site {n}", url=f"https://{n}.{DOMAIN}", now=at
                )
                first_contacts.set_budget(session, site.id, 10_000_000)
                limits.set_for_site(session, site.id, dict(MOST), declared_daily=MOST["day"])
                ramps.set_ramp(session, site.id, 10_000_000)
                key = accounts.create_key(
                    session, site.id, secret=self.secret, scopes=list(Scope), now=now
                )
                sites.append(Site(str(site.id), key.secret))
        return sites

    def wait_for(self, url: str, part: Part, within: float = PATIENCE) -> None:
        """Wait until `url` answers 200."""
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            if not part.is_running:
                break
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RigError(f"{part.name} did not become ready:\n{part.last_words()}")

    def web_ready(self) -> None:
        """Wait for the web server."""
        self.wait_for(f"{self.web_url}/readyz", self.web)

    def simulator_ready(self) -> None:
        """Wait for the simulator."""
        self.wait_for(f"{self.simulator_url}/mails/count", self.simulator)

    def control(self, **fields: Any) -> None:
        """Change what the simulator injects (see docs/simulator.md)."""
        request = urllib.request.Request(
            f"{self.simulator_url}/_control", json.dumps(fields).encode(),
            {"Content-Type": "application/json"}, method="PUT",
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass

    def simulator_ledger(self) -> Iterator[dict[str, Any]]:
        """Every mail the simulator accepted: id, destination, tags, accepted_at."""
        with urllib.request.urlopen(
            f"{self.simulator_url}/mails/ledger", timeout=PATIENCE
        ) as answer:
            for line in answer:
                yield json.loads(line)

    def simulator_count(self) -> int:
        """How many mails the simulator accepted."""
        with urllib.request.urlopen(
            f"{self.simulator_url}/mails/count", timeout=PATIENCE
        ) as answer:
            body = json.loads(answer.read())
        return int(body["count"] if isinstance(body, dict) else body)

    @contextmanager
    def engine(self) -> Iterator[Any]:
        """A SQLAlchemy engine on the rig's database."""
        from relay.db import connect

        engine = connect(self.settings["POSTREEVE_DATABASE_URL"], pool=2)
        try:
            yield engine
        finally:
            engine.dispose()
