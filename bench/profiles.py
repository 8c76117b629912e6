"""`--profile`: one round of a row with web and worker under `bench.profiled`; then what it cost.

Two tables per process: CPU by package, where a built-in counts for whoever called it, and the
functions that cost most with all they call. The statistics stay in var/profile.
"""

from __future__ import annotations

import cProfile
import marshal
import os
import pstats
import shutil
from functools import partial, reduce
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import profiled
from bench.measure import is_stopped, tree, wait_until
from bench.rig import ROOT, Part, RigError
from bench.rows import Row
from bench.stage import Sizes, Stage

FOLDER = ROOT / "var" / "profile"
SHOWN = 45
"""Functions of a table."""

Function = tuple[str, int, str]
Spent = tuple[float, ...]
"""Calls that were not recursive, calls, own seconds, seconds with callees."""

Statistics = dict[Function, tuple[Spent, dict[Function, Spent]]]
"""What each function spent, and of that for each of its callers."""

PROFILERS = {profiled.__file__, cProfile.__file__, pstats.__file__}
"""Files whose cost is the measurement's own."""

NOTHING: Spent = (0, 0, 0.0, 0.0)


def run(row: Row, sizes: Sizes, console: Console) -> None:
    """One round of ours, profiled: only the round, neither the start nor what is made ready."""
    folder = FOLDER / row.name
    shutil.rmtree(folder, ignore_errors=True)
    launchers = {
        part: ("-m", "bench.profiled", str(folder / name))
        for part, name in (("web", "web"), ("worker-0", "worker"))
    }
    with console.status(f"{row.title}, profiled"), Stage(sizes, launchers) as stage:
        parts = {"web": stage.rig.web, "worker": stage.worker}
        stage.at_ends = partial(_snapshot, parts, folder)
        figures = row.ours(stage)
    spent = {
        name: reduce(_sum, map(_of_process, (folder / name).glob("*-0.pstats")), Statistics())
        for name in parts
    }
    totals = {name: sum(_packages(each).values()) for name, each in spent.items()}
    for name, total in totals.items():
        if total > max(totals.values()) / 20:  # else it only waited
            _print(f"{row.title}: {name}", spent[name], total, figures.get("count", 1.0))


def _snapshot(parts: dict[str, Part], folder: Path) -> None:
    """Have every process write down what it has spent; one that stands still, as soon as it goes."""
    for name, part in parts.items():
        for pid in tree(part.pid):
            written = partial(_snapshots, folder / name, pid)
            before = written()
            os.kill(pid, profiled.SIGNAL)
            if not is_stopped(pid) and not wait_until(partial(_is_more, written, before), 10):
                raise RigError(f"{name} wrote no profile:\n{part.last_words()}")


def _snapshots(folder: Path, pid: int) -> int:
    return len(list(folder.glob(f"{pid}-*.pstats")))


def _is_more(count: partial[int], before: int) -> bool:
    return count() > before


def _of_process(first: Path) -> Statistics:
    """What one process spent between its two snapshots; nothing where it wrote only one."""
    last = first.with_name(first.name.replace("-0.", "-1."))
    return _sum(_read(last), _read(first), sign=-1) if last.exists() else {}


def _read(path: Path) -> Statistics:
    return {name: (tuple(spent), callers) for name, (*spent, callers) in _load(path).items()}


def _load(path: Path) -> dict[Function, tuple[int, int, float, float, dict[Function, Spent]]]:
    found: dict[Function, tuple[int, int, float, float, dict[Function, Spent]]]
    found = marshal.loads(path.read_bytes())
    return found


def _sum(one: Statistics, other: Statistics, sign: int = 1) -> Statistics:
    """Both together; with `sign` -1, one without the other."""
    nobody: dict[Function, Spent] = {}
    found: Statistics = {}
    for function in one.keys() | other.keys():
        spent, callers = one.get(function, (NOTHING, nobody))
        more, others = other.get(function, (NOTHING, nobody))
        found[function] = (
            _added(spent, more, sign),
            {
                caller: _added(callers.get(caller, NOTHING), others.get(caller, NOTHING), sign)
                for caller in callers.keys() | others.keys()
            },
        )
    return found


def _added(one: Spent, other: Spent, sign: int) -> Spent:
    return tuple(a + sign * b for a, b in zip(one, other, strict=True))


def _print(title: str, spent: Statistics, total: float, count: float) -> None:
    """Shares rather than seconds: the profiler costs several times what it measures."""
    console = Console()
    console = console if console.is_terminal else Console(width=110)
    table = Table(title=f"{title}, own CPU by package", title_justify="left", pad_edge=False)
    table.add_column("share", justify="right")
    table.add_column("package", min_width=60)
    for package, seconds in _packages(spent).items():
        if seconds < total / 500:
            break
        table.add_row(f"{seconds / total:.1%}", package)
    console.print(table)
    table = Table(title=f"{title}, CPU by function", title_justify="left", pad_edge=False)
    for name in ("with callees", "own", "calls each"):
        table.add_column(name, justify="right", min_width=max(6, len(name)))
    table.add_column("function", no_wrap=True)
    entries = sorted(spent.items(), key=lambda entry: -entry[1][0][3])
    shown = [entry for entry in entries if entry[0][0] not in PROFILERS][:SHOWN]
    for function, ((_, calls, own, whole), _) in shown:
        table.add_row(
            f"{whole / total:.1%}", f"{own / total:.1%}", f"{calls / count:.2f}", _name(*function)
        )
    console.print(table)


def _packages(spent: Statistics) -> dict[str, float]:
    """Own seconds by package, most first; those of built-ins go to the packages that called them."""
    found: dict[str, float] = {}
    for function, (whole, callers) in spent.items():
        shares = (
            {caller[0]: part[2] for caller, part in callers.items()}
            if function[0] == "~" and callers
            else {function[0]: whole[2]}
        )
        for file, own in shares.items():
            if file in PROFILERS:
                continue
            found[_package(file)] = found.get(_package(file), 0.0) + own
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))


def _package(file: str) -> str:
    path = Path(file)
    if "site-packages" in path.parts:
        return path.parts[path.parts.index("site-packages") + 1].removesuffix(".py")
    if path.is_relative_to(ROOT):
        return ".".join(path.relative_to(ROOT).with_suffix("").parts[:2])
    return "the standard library"


def _name(file: str, line: int, function: str) -> str:
    path = Path(file)
    if "site-packages" in path.parts:
        path = Path(*path.parts[path.parts.index("site-packages") + 1 :])
    elif path.is_relative_to(ROOT):
        path = path.relative_to(ROOT)
    elif path.is_absolute():
        path = Path(path.name)
    return (function if file == "~" else f"{path}:{line} {function}")[:72]
