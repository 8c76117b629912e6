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
from relay.services.paging import Place
from relay.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

Row = dict[str, Any]


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


def json_option(command: F) -> F:
    """`--json`: machine-readable output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(
        command
    )


class _Cursor(click.ParamType[Place]):
    """Where a list goes on, as the page before said it."""

    name = "cursor"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Place:
        """The place in the list."""
        try:
            return Place.read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def page_options(command: F) -> F:
    """`--limit` and `--cursor`: which part of a long list."""
    limit = click.option(
        "--limit",
        default=100,
        show_default=True,
        type=click.IntRange(min=1),
        help="So many at most.",
    )
    after = click.option(
        "--cursor", "after", type=_Cursor(), metavar="CURSOR", help="Go on from there."
    )
    return limit(after(command))


def tell_more(cursor: str | None) -> None:
    """Say how to go on, beside what was printed, so that it does not get into a program's JSON."""
    if cursor is not None:
        click.echo(f"There are more; go on with --cursor {cursor}", err=True)


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
