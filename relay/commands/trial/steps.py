"""Progress for a person: on stderr, a spinner on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

Tell = Callable[[str], None]

WIDTH = 80
"""Columns of what is printed where there is no terminal."""

WIDEST = 110
"""Columns of a table on the widest terminal."""


class Steps:
    """One line per step: what is done, and how long it took."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

    @contextmanager
    def doing(self, text: str) -> Iterator[Tell]:
        """A step. Inside, call what is given to say how far it is (shown on a terminal)."""
        began = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(text) as status:
                yield lambda more: status.update(f"{text}: {more}")
            self._console.print(f"[green]✓[/green] {text} [dim]{_since(began)}[/dim]")
            return
        self._console.print(f"{text} … ", end="")
        took = "failed"
        try:
            yield lambda _: None
            took = _since(began)
        finally:
            self._console.print(took)

    def say(self, text: str) -> None:
        """A sentence of its own."""
        self._console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """A sentence that wants attention."""
        self._console.print(text, markup=False, style="yellow")

    def fail(self, text: str) -> None:
        """What went wrong."""
        self._console.print(text, markup=False, style="red")


def page() -> Console:
    """Where results go: stdout, as wide as its terminal but not wider than one reads."""
    console = Console()
    return Console(width=min(console.width, WIDEST) if console.is_terminal else WIDTH)


def _since(moment: float) -> str:
    return f"{time.monotonic() - moment:.1f} s"
