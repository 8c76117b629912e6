"""What can be typed behind a command: ids, names, ports, numbers of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

PORT = click.IntRange(1, 65_535)
"""A port on which a program can be told to listen."""

LONGEST_NAME = 200
"""Letters of the name of an account, site or key, as their columns hold them."""

MOST_ROWS = 10_000
"""Rows that one command shows at most."""


class Id(click.types.UUIDParameterType):
    """The id of something; whoever types another is told which command shows them."""

    name = "id"

    def __init__(self, shown_by: str) -> None:
        self._shown_by = shown_by

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A UUID. Fails, in a sentence, for what is none."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(
                f"{value!r} is no id; `python -m relay {self._shown_by}` shows them", param, ctx
            )


ACCOUNT_ID, SITE_ID = Id("account list"), Id("site list")


class Name(click.ParamType[str]):
    """What somebody or something is called: a word at least, on one line."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name without spaces around it."""
        text = str(value).strip()
        if not text or len(text) > LONGEST_NAME or not text.isprintable():
            self.fail(f"a name has 1 to {LONGEST_NAME} letters, on one line", param, ctx)
        return text


def limit_option(help: str = "So many, newest first.", *, default: int = 100) -> Callable[[F], F]:
    """`--limit`: how many rows are shown, and which come first."""
    return click.option(
        "--limit",
        default=default,
        show_default=True,
        type=click.IntRange(1, MOST_ROWS),
        help=help,
    )
