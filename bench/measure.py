"""What a run costs: CPU and memory of whole process trees from /proc, percentiles, machine facts.

CPU is what the kernel charged to a process and to its children, ended ones included. Trees are
walked by parent, because PostgreSQL's backends leave their process group. The kernel counts in
ticks (10 ms), so a run should last seconds.
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

PROC = Path("/proc")
TICK = 1.0 / os.sysconf("SC_CLK_TCK")

LIBRARIES = ("flask", "gunicorn", "sqlalchemy", "psycopg", "boto3", "urllib3", "cryptography")
"""Whose versions move the figures."""


def tree(root: int) -> list[int]:
    """The process and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir(PROC):
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, ())
    return found


def is_stopped(pid: int) -> bool:
    """Whether it stands still by SIGSTOP."""
    return _stat(pid)[:1] == [b"T"]


def cpu_seconds(root: int) -> float:
    """User and system time of the process, its descendants, and what descendants spent that ended."""
    return sum(sum(map(int, fields[11:15])) for fields in map(_stat, tree(root)) if fields) * TICK


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat after the name: state, ppid, …; none when it has ended."""
    try:
        return (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []


class Meter:
    """The CPU of several process trees and of this process, between two looks."""

    def __init__(
        self, roots: Mapping[str, int], *, at_ends: Callable[[], None] | None = None
    ) -> None:
        """`roots`: the process ids to begin at, by name. `at_ends` is called now and by `spent`."""
        self._roots = dict(roots)
        self._at_ends = at_ends or (lambda: None)
        self._at_ends()
        self._before = self._look()
        self._began = time.perf_counter()

    def _look(self) -> dict[str, float]:
        spent = {name: cpu_seconds(pid) for name, pid in self._roots.items()}
        return spent | {"client": time.process_time()}

    def spent(self) -> dict[str, float]:
        """CPU seconds since the meter was made, by name; `client` is this process."""
        now = self._look()
        self._at_ends()
        return {name: now[name] - self._before[name] for name in now}

    @property
    def elapsed(self) -> float:
        """Seconds since the meter was made."""
        return time.perf_counter() - self._began


def memory(roots: Iterable[int]) -> float:
    """Proportional set size (PSS) of these process trees together, in MB."""
    return sum(_pss(pid) for root in roots for pid in tree(root)) / 1024


def _pss(pid: int) -> int:
    """PSS in kB: shared pages count by the share of those who map them."""
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


class MemoryPeak:
    """The largest PSS seen while a block runs; looks about every 20 ms."""

    def __init__(self, roots: Iterable[int]) -> None:
        self._roots = list(roots)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self.peak = 0.0

    def __enter__(self) -> MemoryPeak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, memory(self._roots))
            if self._over.wait(0.02):
                return


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def wait_until(what: Callable[[], bool], within: float, *, every: float = 0.02) -> bool:
    """Ask until `what` holds; False when `within` seconds were not enough."""
    ends = time.perf_counter() + within
    while not what():
        if time.perf_counter() > ends:
            return False
        time.sleep(every)
    return True


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_mb": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // (1 << 20),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def load_average() -> float:
    """Of the last minute; tells whether others were using the machine."""
    return os.getloadavg()[0]


def _processor() -> str:
    for line in (PROC / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
