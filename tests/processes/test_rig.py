"""The harness itself: what it breaks comes back, and what goes wrong in it ends at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bench import faults
from bench.faults import Ledger
from bench.rig import PostgreSQL, Rig, RigError
from relay.commands.trial.ports import free_port
from tests.databases import open_up

pytestmark = pytest.mark.processes


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[PostgreSQL]:
    if os.geteuid() == 0:
        open_up(tmp_path)
    running = PostgreSQL(tmp_path / "postgresql")
    yield running
    running.stop()


def test_a_killed_database_comes_back_though_a_child_of_it_outlives_it(
    postgresql: PostgreSQL,
) -> None:
    with psycopg.connect(postgresql.url) as connection:
        lingering = connection.info.backend_pid
        os.kill(lingering, signal.SIGSTOP)  # as one that waits for a slow disk
        postgresql.kill()
        threading.Timer(2.0, os.kill, (lingering, signal.SIGKILL)).start()
        postgresql.start()
    with psycopg.connect(postgresql.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_port_is_none_that_the_kernel_gives_to_those_who_connect() -> None:
    assert all(port < 32_768 for port in (free_port() for _ in range(50)))


def test_a_breakage_that_fails_ends_the_load_with_it() -> None:
    """Whoever posts would else repeat every mail for two minutes, to a server that is gone."""

    def break_things(ledger: Ledger) -> None:
        raise RigError("it does not come back")

    rig = Rig(database="sqlite")
    rig.web_port = free_port()  # where nobody answers
    began = time.monotonic()
    with pytest.raises(RigError, match="does not come back"):
        faults.scenario(rig, [faults.Site("site", "key")], "gone", break_things, mails=80)
    assert time.monotonic() - began < 60
    assert "feeder" not in {thread.name for thread in threading.enumerate()}
