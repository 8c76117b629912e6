"""The data files beside the rules, as lines without their comments."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources


def words(text: str) -> frozenset[str]:
    """A set of words, written as people write words."""
    return frozenset(text.split())


def text(name: str) -> str:
    """The whole file."""
    return resources.files("relay.policy.names").joinpath(name).read_text("utf-8")


def lines(name: str) -> Iterator[str]:
    """The lines of the file that say something."""
    for line in text(name).splitlines():
        if (line := line.strip()) and not line.startswith("#"):
            yield line
