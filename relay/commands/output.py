"""How commands speak: a table for people, one JSON object for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from types import NoneType
from typing import Any, TypeVar
from uuid import UUID

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from relay.commands.parameters import limit_option
from relay.composition import build
from relay.context import Relay
from relay.services.paging import Place
from relay.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

Row = dict[str, Any]

GAP = 2
"""Columns of a terminal between two columns of a table."""

LONGEST_WORD = 40
"""Letters of a word that is never broken; an id has 36."""


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
    after = click.option(
        "--cursor", "after", type=_Cursor(), metavar="CURSOR", help="Go on from there."
    )
    return limit_option("So many at most.")(after(command))


def tell_more(cursor: str | None) -> None:
    """Say how to go on, beside what was printed, so that it does not get into a program's JSON."""
    if cursor is not None:
        click.echo(f"There are more; go on with --cursor {cursor}", err=True)


def show(rows: Sequence[Row], *, as_json: bool, title: str, empty: str) -> None:
    """Print rows as a table, or as a JSON list; `empty` says what would fill it.

    A row need not have everything that others have.
    Where a table would have to break ids or words, each row is printed below the other instead.
    """
    if as_json:
        click.echo(json.dumps([_plain(row) for row in rows], indent=2))
        return
    if not rows:
        click.echo(empty)
        return
    out = console()
    columns = {
        name: [name.replace("_", " "), *(_text(row.get(name)) for row in rows)]
        for name in dict.fromkeys(name for row in rows for name in row)
    }
    widths = _widths(list(columns.values()), out.width - GAP * len(columns))
    if widths is None:
        click.secho(title, bold=True)
        for row in rows:
            _show_lines(row)
            click.echo()
        return
    table = new_table(title)
    for (name, column), width in zip(columns.items(), widths, strict=True):
        table.add_column(
            column[0],
            overflow="fold",
            width=width,
            justify="right" if _are_figures(row.get(name) for row in rows) else "left",
        )
    for line in zip(*(column[1:] for column in columns.values()), strict=True):
        table.add_row(*map(escape, line))
    out.print(table)


def show_one(row: Row, *, as_json: bool, title: str, hint: str = "") -> None:
    """Print one thing, or one JSON object."""
    if as_json:
        click.echo(json.dumps(_plain(row)))
        return
    click.secho(title, bold=True)
    _show_lines(row)
    if hint:
        click.echo(f"\n{hint}")


def new_table(title: str) -> Table:
    """A table in the look of all of them."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, GAP - 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )


def _show_lines(row: Row) -> None:
    width = max(map(len, row))
    for name, value in row.items():
        long = isinstance(value, list) and any(len(str(each)) > LONGEST_WORD for each in value)
        text = f"\n{'':{width + 4}}".join(map(str, value)) if long else _text(value)
        click.echo(f"  {name.replace('_', ' '):<{width}}  {text}")


def _are_figures(values: Iterable[Any]) -> bool:
    found = {type(value) for value in values}
    return int in found and found <= {int, NoneType}


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """How wide each column is, so that no word is broken, nor an id; None where there is no room."""
    words = [[word for text in column for word in text.split()] or [""] for column in columns]
    least = [min(max(map(len, each)), LONGEST_WORD) for each in words]
    if sum(least) > room:
        return None
    widths = [max(map(len, column)) for column in columns]
    while sum(widths) > room:
        widest = max(
            (at for at, width in enumerate(widths) if width > least[at]), key=widths.__getitem__
        )
        widths[widest] -= 1
    return widths


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
    if value is None or value in ([], {}):
        return "–"
    if isinstance(value, dict):
        return json.dumps(_plain(value), ensure_ascii=False)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)
