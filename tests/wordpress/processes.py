"""Programs started by the rig: each in a process group of its own, and none left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 180.0
"""Seconds a program may take until it is ready, and again until it is gone: it takes one or two where
the machine has nothing else to do."""


class NotReady(Exception):
    """A program ended, or was not ready in time; the text holds the end of its log."""


@contextmanager
def running(
    command: Sequence[str],
    *,
    ready: Callable[[], bool],
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """The program, ready to use inside the block, and ended with all its children after it.

    `environment` replaces ours. `php -S` forks workers that outlive their parent, hence the group.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    try:
        _await(process, ready, log)
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the program and its whole group: politely first, surely then."""
    for message in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, message)
        except ProcessLookupError:
            break
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def wait_until(done: Callable[[], bool], what: str, *, within: float = PATIENCE) -> None:
    """Return as soon as `done()`; raises `NotReady` when that takes too long."""
    deadline = time.monotonic() + within
    while not done():
        if time.monotonic() > deadline:
            raise NotReady(f"{what} did not come within {within:.0f} seconds.")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether something accepts connections on 127.0.0.1:port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _await(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    try:
        wait_until(lambda: process.poll() is not None or ready(), f"{process.args!r}")
    except NotReady as late:
        raise NotReady(f"{late}\n{_ending(log)}") from None
    if process.poll() is not None:
        raise NotReady(f"{process.args!r} ended at once:\n{_ending(log)}")


def _ending(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]
