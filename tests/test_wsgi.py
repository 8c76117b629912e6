"""The web application as gunicorn has it: made once, then shared by the processes that answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import factories

ROOT = Path(__file__).parents[1]

HOLDS = """
import os, threading
from wsgi import app

print(threading.active_count() - 1, "threads")
open_files = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
print(sum("socket:" in each or ".db" in each for each in open_files), "connections")
"""

MAKES_IDS = """
import os, secrets, sys
from wsgi import app
from relay.db import new_id

def chances():
    return new_id().int & 0xFFFFFFFF, secrets.token_hex(8)

chances()
for _ in range(8):
    if (child := os.fork()) == 0:
        print(*chances(), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of an installation."""
    return os.environ | {
        "POSTREEVE_DATABASE_URL": f"sqlite:///{tmp_path}/relay.db",
        "POSTREEVE_SECRET": factories.SECRET,
    }


def run(script: str, environment: dict[str, str]) -> str:
    """What a process of its own prints."""
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


@pytest.mark.parametrize(
    "store",
    [
        pytest.param("memory://", id="requests counted in memory"),
        pytest.param("redis://127.0.0.1:9/0", id="requests counted in a Redis"),
    ],
)
def test_nothing_is_open_and_nothing_runs_when_gunicorn_forks(
    environment: dict[str, str], store: str
) -> None:
    said = run(HOLDS, environment | {"POSTREEVE_RATE_LIMIT_STORE": store})
    assert said.split("\n")[:2] == ["0 threads", "0 connections"]


def test_processes_that_share_the_application_never_make_the_same_id_or_secret(
    environment: dict[str, str],
) -> None:
    made = [line.split() for line in run(MAKES_IDS, environment).splitlines()]
    assert len(made) == 8
    assert all(len({*column}) == 8 for column in zip(*made, strict=True))
