"""What a run leaves behind: a table for people, a JSON file per row, the table in the document."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.measure import load_average, machine
from bench.rig import ROOT
from bench.rows import Pair, Row, Verdict, verdicts

RESULTS = ROOT / "bench" / "results"
"""Of full runs; quick ones go to `QUICK`, which is not kept."""

QUICK = ROOT / "var" / "bench"

DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGINS, ENDS = "<!-- table: begins -->", "<!-- table: ends -->"

MARKS = {"stretch": "✓✓", "reach": "✓", "miss": "✗", "": ""}
STYLES = {"stretch": "bold green", "reach": "green", "miss": "bold red", "": ""}

COLUMNS = ("measure", "ours", "baseline", "ratio", "min–max", "reach", "stretch", "")
WIDTH = 120
"""Characters of the table where there is no terminal."""

Line = tuple[str, ...]


def line(verdict: Verdict, beside: str) -> Line:
    """One measure as cells of the table."""
    has_baseline = verdict.baseline is not None
    ratio = verdict.ours / verdict.baseline if verdict.baseline else None
    if verdict.of == "ratio":
        ratio = verdict.judged
    return (
        verdict.label,
        number(verdict.ours),
        f"{number(verdict.baseline)} {beside}" if has_baseline else "",
        number(ratio) if ratio is not None else "",
        _span(verdict),
        _target(verdict, verdict.reach),
        _target(verdict, verdict.stretch),
        MARKS[verdict.mark],
    )


def _span(verdict: Verdict) -> str:
    """The lowest and highest of what is judged, where there were several rounds."""
    if verdict.lowest == verdict.highest:
        return ""
    return f"{number(verdict.lowest)}–{number(verdict.highest)}"


def number(value: float | None) -> str:
    """Three significant figures, never an exponent."""
    if value is None:
        return ""
    size = abs(value)
    digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2
    return f"{value:,.{digits}f}"


def _target(verdict: Verdict, target: float | None) -> str:
    if target is None:
        return ""
    return f"{'≥' if verdict.more_is_better else '≤'} {target:g}{' ×' if verdict.of == 'ratio' else ''}"


def print_table(done: Iterable[tuple[Row, Sequence[Pair]]]) -> None:
    """All rows side by side with their baselines and targets."""
    console = Console()
    table = Table(title="Benchmarks", title_justify="left", header_style="bold", pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "measure" else "right", no_wrap=True)
    for row, pairs in done:
        table.add_section()
        table.add_row(Text(row.title, style="bold"))
        for verdict in verdicts(row, pairs):
            *cells, mark = line(verdict, row.beside)
            table.add_row(*cells, Text(mark, style=STYLES[verdict.mark]))
    (console if console.is_terminal else Console(width=WIDTH)).print(table)


def write(row: Row, pairs: Sequence[Pair], *, folder: Path, settings: dict[str, Any]) -> None:
    """Keep what was measured: every pair, the verdicts, the machine, the state of the code."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "row": row.name,
        "title": row.title,
        "beside": row.beside,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": _code(),
        "machine": machine(),
        "load_average": round(load_average(), 2),
        "settings": settings,
        "verdicts": [_rounded(asdict(each) | {"mark": each.mark}) for each in verdicts(row, pairs)],
        "pairs": [
            {"ours": _rounded(pair.ours), "baseline": _rounded(pair.baseline)} for pair in pairs
        ],
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (folder / f"{row.name}.json").write_text(text, encoding="utf-8")


def _rounded(figures: Any) -> dict[str, Any]:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in figures.items()
    }


def _code() -> str:
    """The commit, with a plus when files were changed since."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "relay", "bench")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def write_document(rows: Iterable[Row]) -> None:
    """Put the kept results as a table into docs/benchmarks.md, between its two marks."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    made = "\n".join(_markdown(rows))
    DOCUMENT.write_text(f"{before}{BEGINS}\n{made}\n{ENDS}{after}", encoding="utf-8")


def _markdown(rows: Iterable[Row]) -> Iterable[str]:
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---|" + "--:|" * (len(COLUMNS) - 1)
    for row in rows:
        path = RESULTS / f"{row.name}.json"
        if not path.exists():
            continue
        record = json.loads(path.read_text(encoding="utf-8"))
        told = f"{record['code']}, {len(record['pairs'])} rounds"
        yield f"| **{record['title']}** ({told}) |{' |' * (len(COLUMNS) - 1)}"
        for kept in record["verdicts"]:
            kept.pop("mark")
            cells = line(Verdict(**kept), record["beside"])
            yield f"| {' | '.join(cell.strip() for cell in cells)} |"
