"""Run a module under cProfile: every thread, by its own CPU time, through fork and exec.

`python -m bench.profiled FOLDER MODULE ARGUMENT…`. At each `SIGNAL` a process writes what it has
spent so far to FOLDER/PID-N.pstats (N = 0, 1, …); the difference of two is what lies in between.
It measures CPU, not waiting. cProfile makes code that calls many small functions look about
twice as expensive as it is: believe the order of things more than their size.
"""

from __future__ import annotations

import _thread
import cProfile
import marshal
import os
import pstats
import runpy
import signal
import sys
import threading
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

SIGNAL = signal.SIGRTMIN
"""Nobody else's: gunicorn has a use for most of the others."""

_profiles: list[Any] = []


def _begin() -> None:
    """Profile the current thread from here on."""
    profile = cProfile.Profile(time.thread_time)
    _profiles.append(profile)
    profile.enable()


class _Snapshot:
    """What `pstats` wants to be given, without stopping the profile as it would."""

    def __init__(self, profile: Any) -> None:
        profile.snapshot_stats()
        self.stats = profile.stats

    def create_stats(self) -> None:
        """Nothing is left to do."""


def _write(folder: Path, number: int) -> None:
    total = pstats.Stats()
    for profile in list(_profiles):
        snapshot: Any = _Snapshot(profile)
        if snapshot.stats:
            total.add(pstats.Stats(snapshot))
    new = folder / f"{os.getpid()}-{number}.new"
    new.write_bytes(marshal.dumps(total.stats))  # type: ignore[attr-defined]
    new.rename(new.with_suffix(".pstats"))


def _in_every_thread() -> None:
    run = threading.Thread.run

    def profiled(self: threading.Thread) -> None:
        _begin()
        run(self)

    setattr(threading.Thread, "run", profiled)  # noqa: B010  (a type checker forbids the plain form)


def _in_children() -> None:
    def begin_anew() -> None:
        sys.setprofile(None)
        _profiles.clear()  # what was measured before the fork is the parent's
        _begin()

    os.register_at_fork(after_in_child=begin_anew)


def _through_exec(folder: Path) -> None:
    """`relay web` becomes gunicorn by exec: keep this launcher in front."""
    execute = os.execv

    def profiled(path: str, arguments: Sequence[str]) -> NoReturn:
        launched = list(arguments)
        if launched[:2] == [sys.executable, "-m"]:
            launched[2:2] = ["bench.profiled", str(folder)]
        execute(path, launched)

    setattr(os, "execv", profiled)  # noqa: B010  (a type checker forbids the plain form)


def main() -> None:
    """Run the module named on the command line as `python -m` would."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    numbers = count()

    def write(_number: int, _frame: FrameType | None) -> None:
        _thread.start_new_thread(_write, (folder, next(numbers)))  # which is not profiled itself

    signal.signal(SIGNAL, write)
    _in_every_thread()
    _in_children()
    _through_exec(folder)
    sys.argv = sys.argv[2:]
    _begin()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
