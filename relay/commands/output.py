"""How commands speak: a table for people, one JSON object for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from relay.app import build
from relay.context import Relay
from relay.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

Row = dict[str, Any]

SENTENCE = 300
"""Letters of a command's first sentence in a list of commands; none is as long."""

PORT = click.IntRange(1, 65_535)
"""A port on which a program can be told to listen."""

MOST_ROWS = 10_000
"""Rows that one command shows at most."""


def relay(*, quiet: bool = True) -> Relay:
    """The relay that the environment describes; it is closed when the command ends.

    A command speaks by what it prints: if `quiet`, it logs only what is wrong, unless the environment
    says how much.
    """
    settings = Settings.from_environment(os.environ)
    if quiet and "POSTREEVE_LOG_LEVEL" not in os.environ:
        settings = replace(settings, log_level="WARNING")
    made = build(settings)
    click.get_current_context().call_on_close(made.close)
    return made


class Group(click.Group):
    """Commands, each with the whole sentence that it begins with: click cuts it at the end of a line."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands into a `--help`."""
        known = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, each.get_short_help_str(SENTENCE)) for name, each in known if each]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def json_option(command: F) -> F:
    """`--json`: machine-readable output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(
        command
    )


def limit_option(most_first: str = "newest", *, default: int = 100) -> Callable[[F], F]:
    """`--limit`: how many rows are shown, and which come first."""
    return click.option(
        "--limit",
        default=default,
        show_default=True,
        type=click.IntRange(1, MOST_ROWS),
        help=f"So many, {most_first} first.",
    )


def show(rows: Sequence[Row], *, as_json: bool, title: str, empty: str) -> None:
    """Print rows as a table, or as a JSON list; `empty` says what would fill it."""
    if as_json:
        click.echo(json.dumps([_plain(row) for row in rows], indent=2))
        return
    if not rows:
        click.echo(empty)
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    console().print(table)


def show_one(row: Row, *, as_json: bool, title: str, hint: str = "") -> None:
    """Print one thing, or one JSON object."""
    if as_json:
        click.echo(json.dumps(_plain(row)))
        return
    click.secho(title, bold=True)
    width = max(map(len, row))
    for name, value in row.items():
        click.echo(f"  {name.replace('_', ' '):<{width}}  {_text(value)}")
    if hint:
        click.echo(f"\n{hint}")


def console() -> Console:
    """A console that folds at 100 columns when it is no terminal."""
    found = Console()
    return found if found.is_terminal else Console(width=100)


def _plain(row: Row) -> Row:
    return {name: _json(value) for name, value in row.items()}


def _json(value: Any) -> Any:
    match value:
        case dict():
            return _plain(value)
        case list():
            return [_json(each) for each in value]
        case None | str() | int() | float():
            return value
    return _text(value)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Iterable) and not isinstance(value, str | dict):
        return ", ".join(map(str, value))
    return str(value)
