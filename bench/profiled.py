"""Run a module under cProfile: every thread, by its own CPU time, through fork and exec.

`python -m bench.profiled FOLDER MODULE ARGUMENT…` leaves one file of statistics per process in
FOLDER, written when the process ends in order (SIGTERM, not SIGKILL). It measures CPU, not
waiting. cProfile makes code that calls many small functions look about twice as expensive as it
is: believe the order of things more than their size.
"""

from __future__ import annotations

import atexit
import cProfile
import os
import pstats
import runpy
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

_here = threading.local()
_all: list[cProfile.Profile] = []


def _begin() -> None:
    """Profile the current thread from here on."""
    _here.profile = cProfile.Profile(time.thread_time)
    _all.append(_here.profile)
    _here.profile.enable()


def _end() -> None:
    _here.profile.disable()


def _in_every_thread() -> None:
    run = threading.Thread.run

    def profiled(self: threading.Thread) -> None:
        _begin()
        try:
            run(self)
        finally:
            _end()

    setattr(threading.Thread, "run", profiled)  # noqa: B010  (a type checker forbids the plain form)


def _in_children() -> None:
    def begin_anew() -> None:
        _end()
        _all.clear()  # what was measured before the fork is the parent's
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

    @atexit.register
    def write() -> None:
        _end()
        pstats.Stats(*_all).dump_stats(folder / f"{os.getpid()}.pstats")

    _in_every_thread()
    _in_children()
    _through_exec(folder)
    sys.argv = sys.argv[2:]
    _begin()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
