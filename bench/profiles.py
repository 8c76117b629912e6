"""`--profile`: a row with web and worker under `bench.profiled`; then what cost the CPU, in order."""

from __future__ import annotations

import pstats
import shutil
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.rig import ROOT
from bench.rows import Row
from bench.stage import Sizes, Stage

FOLDER = ROOT / "var" / "profile"
SHOWN = 25
"""Functions of a table."""

Entry = tuple[tuple[str, int, str], tuple[int, int, float, float, object]]


def run(row: Row, sizes: Sizes, console: Console) -> None:
    """One round of ours, profiled; statistics stay in var/profile/ROW for `python -m pstats`."""
    folder = FOLDER / row.name
    shutil.rmtree(folder, ignore_errors=True)
    launchers = {
        part: ("-m", "bench.profiled", str(folder / name))
        for part, name in (("web", "web"), ("worker-0", "worker"))
    }
    with console.status(f"{row.title}, profiled"), Stage(sizes, launchers) as stage:
        row.ours(stage)
    for part in ("web", "worker"):
        files = sorted((folder / part).glob("*.pstats"), key=lambda file: -file.stat().st_size)
        if part == "web":  # gunicorn's arbiter does nothing worth telling
            files = files[:-1]
        if files:
            _print(f"{row.title}: {part}", pstats.Stats(*map(str, files)))


def _print(title: str, statistics: pstats.Stats) -> None:
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    for name in ("own s", "with callees s", "calls", "function"):
        table.add_column(name, justify="left" if name == "function" else "right", no_wrap=True)
    entries: list[Entry] = list(statistics.stats.items())  # type: ignore[attr-defined]
    total = sum(own for _, (_, _, own, _, _) in entries)
    for function, (_, calls, own, with_callees, _) in sorted(entries, key=lambda e: -e[1][2])[
        :SHOWN
    ]:
        table.add_row(f"{own:.3f}", f"{with_callees:.3f}", f"{calls:,}", _name(*function))
    table.caption = f"{total:.2f} s of CPU in all, the profiler's own included"
    console = Console()
    (console if console.is_terminal else Console(width=110)).print(table)


def _name(file: str, line: int, function: str) -> str:
    path = Path(file)
    if "site-packages" in path.parts:
        path = Path(*path.parts[path.parts.index("site-packages") + 1 :])
    elif path.is_relative_to(ROOT):
        path = path.relative_to(ROOT)
    elif path.is_absolute():
        path = Path(path.name)
    return function if file == "~" else f"{path}:{line} {function}"
