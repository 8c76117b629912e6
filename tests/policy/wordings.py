"""Our own table of replies and what they mean (`tests/data/bounces/wordings.txt`), read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parents[1] / "data" / "bounces" / "wordings.txt"


class Wording(NamedTuple):
    """One reply, what it means, and whose words it is in."""

    expected: str
    also: tuple[str, ...]
    reply: str
    source: str


def read() -> list[Wording]:
    """The whole table."""
    wordings = []
    source = ""
    for line in TABLE.read_text("utf-8").splitlines():
        if line.startswith("["):
            source = line.strip("[]")
        elif line and not line.startswith("#"):
            classes, _, reply = line.partition(" | ")
            expected, *also = classes.split(",")
            wordings.append(Wording(expected, tuple(also), reply, source))
    return wordings


WORDINGS = read()
