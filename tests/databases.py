"""The two kinds of database the tests run on: SQLite, and a private PostgreSQL of their own.

Both migrate one template once and hand out copies of it, so that a test that needs a database
to itself (races, migrations) does not pay for the migrations again.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine, make_url

from relay import db
from relay.commands.migrations import upgrade
from relay.commands.trial.ports import free_port

ON_POSTGRESQL = os.environ.get("TEST_DATABASE", "sqlite") == "postgresql"
"""Which of the two this run is on."""

POSTGRESQL = Path("/usr/lib/postgresql")
"""Where Debian keeps the server's programs; they are not on the PATH."""


PATIENCE = 60
"""Seconds a server has to be there, and to be gone."""


class Databases(Protocol):
    """A source of databases that nobody else uses."""

    name: str

    def fresh(self) -> str:
        """URL of a database with all tables and no rows."""
        ...

    def empty(self) -> str:
        """URL of a database without tables."""
        ...

    def engine(self) -> Engine:
        """The engine of the database that most tests share, each in a transaction of its own."""
        ...


class SqliteFiles:
    """SQLite: files in a folder; the shared database lives in memory."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._template = folder / "template.db"
        upgrade(f"sqlite:///{self._template}")

    def fresh(self) -> str:
        """See `Databases`."""
        copy = self._new()
        shutil.copyfile(self._template, copy)
        return f"sqlite:///{copy}"

    def empty(self) -> str:
        """See `Databases`."""
        return f"sqlite:///{self._new()}"

    def engine(self) -> Engine:
        """See `Databases`."""
        engine = db.connect("sqlite:///:memory:")
        with (
            closing(sqlite3.connect(self._template)) as template,
            engine.connect() as memory,
        ):
            template.backup(memory.connection.driver_connection)
        return engine

    def _new(self) -> Path:
        return self._folder / f"{next(self._numbers)}.db"


class PostgresqlServer:
    """PostgreSQL: a server of our own on a free port of this machine."""

    name = "postgresql"

    def __init__(self, address: str) -> None:
        self._address = address
        self._numbers = count(1)
        self._template = self.empty()
        upgrade(self._template)

    def fresh(self) -> str:
        """See `Databases`."""
        return self._create(f"TEMPLATE {make_url(self._template).database}")

    def empty(self) -> str:
        """See `Databases`."""
        return self._create("TEMPLATE template0")

    def engine(self) -> Engine:
        """See `Databases`."""
        return db.connect(self.fresh())

    def _create(self, how: str) -> str:
        name = f"test_{next(self._numbers)}"
        engine = db.connect(f"{self._address}/postgres", pool=1)
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} {how}")
        engine.dispose()
        return f"{self._address}/{name}"


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgresqlServer]:
    """Start a PostgreSQL in `folder`; it ends with this block, and with this process at the latest.

    Forgetful on purpose (`fsync` off): what it keeps is worth nothing a minute later. PostgreSQL
    refuses to run as root; then it runs as the user `postgres`, whom Debian's package makes.
    """
    programs = _programs()
    data, port = folder / "data", free_port()
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    become = [
        "setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
    ] if os.geteuid() == 0 else ["setpriv"]  # fmt: skip
    if os.geteuid() == 0:
        open_up(folder)
    # C, not C.UTF-8: locales differ between machines, and no test depends on their order.
    subprocess.run(
        [
            *become, programs / "initdb", "--pgdata", data, "--username", user, "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C", "--no-sync",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    options = {
        "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "",
        "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
        "max_wal_size": "256MB", "max_connections": 200, "autovacuum": "off", "jit": "off",
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *become, "--pdeathsig", "QUIT", programs / "postgres", "-D", data,
                *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait_until_ready(programs, port, server, folder / "log")
        yield PostgresqlServer(f"postgresql://{user}@127.0.0.1:{port}")
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(PATIENCE)


def _programs() -> Path:
    found = sorted(POSTGRESQL.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError("PostgreSQL is missing; on Debian: apt-get install postgresql")
    return found[-1].parent


def open_up(folder: Path) -> None:
    """Give `folder` to PostgreSQL's user and let him pass through the folders above it."""
    shutil.chown(folder, "postgres", "postgres")
    for above in folder.parents:
        if above.stat().st_uid == 0 and not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)


def _wait_until_ready(
    programs: Path, port: int, server: subprocess.Popen[bytes], log: Path
) -> None:
    ready = subprocess.run(
        [
            "timeout", str(PATIENCE), "sh", "-c",
            f"until {programs}/pg_isready -q -h 127.0.0.1 -p {port}; do sleep 0.05; done",
        ],
        check=False,
    )  # fmt: skip
    if ready.returncode or server.poll() is not None:
        raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
