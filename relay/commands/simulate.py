"""`simulate`: months of made-up traffic through the real rules, and what they did about it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from relay.commands.output import console
from relay.errors import Invalid
from relay.replay.engine import Replay
from relay.replay.reading import built_in, read_file
from relay.replay.scenario import Scenario
from relay.replay.story import Story, as_json
from relay.replay.telling import markdown, tell


@click.command()
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--list", "listed", is_flag=True, help="Show the scenarios that come with the relay.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32), help="Other chances than the scenario's own."
)
@click.option("--json", "as_json_", is_flag=True, help="Print JSON: events, mail and expectations.")
@click.option("--markdown", "as_table", is_flag=True, help="Print the table of docs/scenarios.md.")
def simulate(
    scenarios: Sequence[str], listed: bool, seed: int | None, as_json_: bool, as_table: bool
) -> None:
    """Replay months of made-up traffic through the real rules, in seconds.

    SCENARIO is a YAML file, or the name of one that comes with the relay; without any, all of those are
    replayed. Shows what was done on which day, by which rule, and how many bad mails had left by then. No
    mail is sent, and no database or setting is touched: everything happens in memory, with a clock of its
    own. The same seed gives the same story.

    Exit code 0 when everything was as the scenario expects, 1 when not or when a file is wrong.

    \b
    python -m relay simulate                         all that come with the relay
    python -m relay simulate 2-bought-list --seed 7
    python -m relay simulate mine.yml --json

    docs/scenarios.md describes the format.
    """
    known = built_in()
    if listed:
        for name, path in known.items():
            found = read_file(path)
            click.echo(f"{name:<24} {'good' if found.good else 'bad ':<5} {found.about}")
        return
    wanted = [read_file(_path(each, known)) for each in scenarios or known]
    if seed is not None:
        wanted = [replace(each, seed=seed) for each in wanted]
    out, stories = console(), []
    for scenario in wanted:
        story = _replay(scenario)
        stories.append(story)
        if not as_json_ and not as_table:
            tell(out, story)
    if as_json_:
        click.echo(json.dumps([as_json(story) for story in stories], indent=2))
    elif as_table:
        click.echo(markdown(stories), nl=False)
    else:
        passed = sum(story.passed for story in stories)
        click.echo(f"{passed} of {len(stories)} scenarios went as expected.")
    sys.exit(0 if all(story.passed for story in stories) else 1)


def _path(name: str, known: dict[str, Path]) -> Path:
    """The file that is meant. Raises `Invalid`."""
    if name in known:
        return known[name]
    if Path(name).is_file():
        return Path(name)
    raise Invalid(
        f"There is no file {name!r}, and no scenario of this name comes with the relay; "
        "`python -m relay simulate --list` shows them"
    )


def _replay(scenario: Scenario) -> Story:
    with _progress(scenario) as bar:
        task = bar.add_task(scenario.name, total=scenario.days)
        return Replay(scenario).run(lambda days: bar.advance(task, days))


@contextmanager
def _progress(scenario: Scenario) -> Iterator[Progress]:
    """A bar on stderr, where that is a terminal; elsewhere the name of what is replayed."""
    to_terminal = sys.stderr.isatty()
    if not to_terminal:
        click.echo(f"Replaying {scenario.days} days: {scenario.name} …", err=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("days"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not to_terminal,
    ) as bar:
        yield bar


COMMANDS = (simulate,)
