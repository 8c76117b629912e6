"""Tables of hundreds of cases, kept as text: `tests/data/names`."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data" / "names"


def lines(name: str) -> list[str]:
    """The lines of a table without comments and empty ones; spaces inside are part of a case."""
    text = (FOLDER / name).read_text("utf-8")
    return [line for line in text.split("\n") if line and not line.startswith("# ")]
