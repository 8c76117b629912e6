"""A real Redis, on a socket in a folder: it keeps nothing and ends with the block.

Debian's package `redis-server` is little more than a service that is started at once. The program lies in
`redis-tools`, under the name of its checker; it is the server when it is called so.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_WITHIN = 60.0
"""Seconds; it takes a fiftieth of one where the machine has nothing else to do."""

PROGRAMS = ("redis-server", "redis-check-rdb")


def find() -> Path | None:
    """The program, if there is one."""
    return next((Path(path) for name in PROGRAMS if (path := shutil.which(name))), None)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server; its address for `POSTREEVE_RATE_LIMIT_STORE`, with patience for a slow machine."""
    program = find()
    if program is None:
        raise RuntimeError("Redis is missing; on Debian: apt-get install redis-tools")
    path = folder / "redis"
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "redis-server", "--port", "0", "--unixsocket", str(path), "--dir", str(folder),
                "--save", "", "--appendonly", "no",
            ],
            executable=program, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + READY_WITHIN
        while not _listens(path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Redis did not start:\n{(folder / 'redis.log').read_text()}")
            time.sleep(0.01)
        yield f"redis+unix://{path}?socket_timeout=60&socket_connect_timeout=60"
    finally:
        process.terminate()
        process.wait(READY_WITHIN)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
