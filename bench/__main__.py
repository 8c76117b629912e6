"""`python -m bench`: measure the rows side by side with their baselines, print one table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace

import click
from rich.console import Console

from bench import profiles, report
from bench.catalogue import ROWS
from bench.rig import RigError
from bench.rows import Figures, Pair, Row, verdicts
from bench.stage import CONCURRENCY, FULL, MIME_SIZE, QUICK, SENDERS, Sizes, Stage

BY_NAME = {row.name: row for row in ROWS}

NOTHING: Figures = {}


def _chosen(_context: click.Context, _parameter: click.Parameter, text: str) -> list[Row]:
    names = text.split(",") if text else list(BY_NAME)
    if unknown := [name for name in names if name not in BY_NAME]:
        raise click.BadParameter(f"{', '.join(unknown)}; there are: {', '.join(BY_NAME)}")
    return [BY_NAME[name] for name in names]


@click.command(context_settings={"max_content_width": 100})
@click.option(
    "--rows", callback=_chosen, default="", metavar="NAME,…",
    help=f"Only these rows. There are: {', '.join(BY_NAME)}.",
)  # fmt: skip
@click.option("--pairs", type=int, help="Interleaved pairs of each row.  [default: 7; quick: 1]")
@click.option("--quick", is_flag=True, help="Small counts: does everything work?")
@click.option("--profile", is_flag=True, help="Which functions cost the CPU, instead of figures.")
@click.option("--docs", is_flag=True, help="Only write the kept results into docs/benchmarks.md.")
def main(rows: list[Row], pairs: int | None, quick: bool, profile: bool, docs: bool) -> None:
    """Measure the relay beside its baselines on this machine: one table, a JSON file per row.

    Each pair is a round of ours and a round of the baseline, one right after the other, the order
    alternating. Ratios are medians over the pairs. Needs PostgreSQL's server and three quarters of
    an hour; nothing else should be using the machine. Exit code 1 when something could not be measured.
    """
    console = Console(stderr=True)
    if docs:
        report.write_document(ROWS)
        return
    sizes = QUICK if quick else FULL
    pairs = pairs or (1 if quick else 7)
    if profile:
        for row in rows:
            profiles.run(row, sizes, console)
        return
    done: list[tuple[Row, list[Pair]]] = []
    failed = []
    for group in _groups(rows):
        try:
            with Stage(replace(sizes, seed=200) if group[0].is_lone else sizes) as stage:
                for row in group:
                    found = _measure(stage, row, 1 if row.is_lone else pairs, console)
                    done.append((row, found))
                    report.write(
                        row,
                        found,
                        folder=report.QUICK if quick else report.RESULTS,
                        settings=_settings(sizes, len(found)),
                    )
        except RigError as error:
            failed.append(str(error))
            console.print(f"[bold red]✗[/] {error}", highlight=False)
    report.print_table(done)
    sys.exit(1 if failed else 0)


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows that may share processes, and lone ones by themselves."""
    shared = [row for row in rows if not row.is_lone]
    return [each for each in (shared, *([row] for row in rows if row.is_lone)) if each]


def _measure(stage: Stage, row: Row, pairs: int, console: Console) -> list[Pair]:
    found: list[Pair] = []
    for n in range(pairs):
        with console.status(f"{row.title}: {n + 1} of {pairs}"):
            rounds = {"baseline": row.baseline, "ours": row.ours}
            order = list(rounds) if n % 2 == 0 else list(reversed(rounds))
            figures = {
                name: measure(stage) if (measure := rounds[name]) is not None else NOTHING
                for name in order
            }
        found.append(Pair(figures["ours"], figures["baseline"]))
    told = "; ".join(
        f"{each.label} {report.number(each.judged)}{' ×' if each.of == 'ratio' else ''}"
        for each in verdicts(row, found)
        if each.reach is not None or row.measures[0].label == each.label
    )
    console.print(f"{row.title}: {told}", highlight=False)
    return found


def _settings(sizes: Sizes, pairs: int) -> dict[str, object]:
    return {
        "pairs": pairs,
        "mime_bytes": MIME_SIZE,
        "clients": CONCURRENCY,
        "web_processes": 2,
        "sender_threads": SENDERS,
        "sizes": asdict(sizes),
    }


if __name__ == "__main__":
    main(prog_name="python -m bench")
