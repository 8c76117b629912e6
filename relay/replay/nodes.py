"""YAML read strictly: each fault with its line, its field, and how to mend it; all of them at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

import yaml

from relay.errors import Invalid

W = TypeVar("W", bound=StrEnum)
T = TypeVar("T")

_LARGEST = 1_000_000
"""Characters of a file; a scenario has a few thousand."""


@dataclass(slots=True)
class Faults:
    """What is wrong with one file."""

    file: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, node: yaml.Node, path: str, what: str) -> None:
        """Note a fault of this node."""
        line = node.start_mark.line + 1
        where = f"{self.file}, line {line}"
        self.found.append((line, f"{where}, {path}: {what}" if path else f"{where}: {what}"))

    def check(self) -> None:
        """Raises `Invalid` with all of them, a line each."""
        if self.found:
            told = "\n".join(f"  {each}" for _, each in sorted(self.found))
            raise Invalid(f"This is no scenario yet:\n{told}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A value in the file and the field in which it stands."""

    node: yaml.Node
    path: str
    faults: Faults

    def wrong(self, what: str) -> None:
        """Note that this value is wrong; `what` says how to mend it."""
        self.faults.add(self.node, self.path, what)

    def text(self) -> str:
        """A word or a sentence."""
        if not isinstance(self.node, yaml.ScalarNode) or not str(self.node.value).strip():
            self.wrong("should be a text, such as: The shop")
            return ""
        return " ".join(str(self.node.value).split())

    def whole(self, least: int, most: int) -> int:
        """A whole number within these bounds."""
        written = self._scalar().replace("_", "").replace(",", "")
        if re.fullmatch(r"\d+", written) and least <= int(written) <= most:
            return int(written)
        self.wrong(f"{self._quoted()} should be a whole number from {least:,} to {most:,}")
        return least

    def number(self, most: float) -> float:
        """A number from 0 on."""
        written = self._scalar().replace("_", "").replace(",", "")
        if re.fullmatch(r"\d+(\.\d+)?", written) and float(written) <= most:
            return float(written)
        self.wrong(f"{self._quoted()} should be a number from 0 to {most:,.0f}")
        return 0.0

    def share(self) -> float:
        """A share of all: `2%`, `2 %` or `0.02`."""
        written = self._scalar()
        found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*(%?)", written)
        if found:
            value = float(found[1]) / (100 if found[2] else 1)
            if value <= 1:
                return value
        self.wrong(f"{self._quoted()} should be a share of all mails: 2% or 0.02, at most 100%")
        return 0.0

    def flag(self) -> bool:
        """Yes or no."""
        written = self._scalar().lower()
        if written in ("true", "yes", "on"):
            return True
        if written not in ("false", "no", "off"):
            self.wrong(f"{self._quoted()} should be true or false")
        return False

    def word(self, words: type[W], least: W) -> W:
        """One of these words."""
        return words(self.choice([each.value for each in words], least.value))

    def choice(self, words: Sequence[str], otherwise: str) -> str:
        """One of these words; `otherwise` where it is none."""
        written = self._scalar()
        if written in words:
            return written
        self.wrong(f"{self._quoted()} is none of {_listed(words)}{_meant(written, words)}")
        return otherwise

    def items(self) -> list[Entry]:
        """The entries of a list; a single value is a list of one."""
        if isinstance(self.node, yaml.SequenceNode):
            return [
                Entry(each, f"{self.path}[{number}]", self.faults)
                for number, each in enumerate(self.node.value, 1)
            ]
        return [self]

    def pairs(self) -> list[tuple[Entry, Entry]]:
        """The keys and values of a mapping."""
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong("should have fields below it, each as `name: value`")
            return []
        return [
            (
                Entry(key, f"{self.path}", self.faults),
                Entry(value, f"{self.path}.{key.value}".lstrip("."), self.faults),
            )
            for key, value in self.node.value
        ]

    @property
    def is_mapping(self) -> bool:
        """Whether it has fields."""
        return isinstance(self.node, yaml.MappingNode)

    def fields(self, known: Iterable[str], required: Iterable[str] = ()) -> Fields:
        """Its fields, of which only these may be there."""
        names = list(known)
        found: dict[str, Entry] = {}
        for key, value in self.pairs():
            name = str(key.node.value)
            if name not in names:
                near = _meant(name, names) or f"; there are {_listed(names)}"
                key.wrong(f"there is no field `{name}` here{near}")
            elif name in found:
                key.wrong(f"`{name}` is said twice; keep one")
            else:
                found[name] = value
        if self.is_mapping:
            for name in required:
                if name not in found:
                    self.wrong(f"the field `{name}` is missing; add `{name}: …`")
        return Fields(found)

    def _scalar(self) -> str:
        return str(self.node.value).strip() if isinstance(self.node, yaml.ScalarNode) else ""

    def _quoted(self) -> str:
        return f"`{self._scalar()}`" if isinstance(self.node, yaml.ScalarNode) else "this"


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that are there."""

    found: dict[str, Entry]

    def read(self, name: str, how: Callable[[Entry], T], otherwise: T) -> T:
        """The field, read so; or what counts where it is not there."""
        return how(self.found[name]) if name in self.found else otherwise

    def given(self, **how: Callable[[Entry], Any]) -> dict[str, Any]:
        """Those of these fields that are there, each read so."""
        return {name: read(self.found[name]) for name, read in how.items() if name in self.found}


def root(text: str, file: str) -> Entry:
    """The top of a file. Raises `Invalid` where it is no YAML."""
    if len(text) > _LARGEST:
        raise Invalid(f"{file} has {len(text):,} characters; a scenario has at most {_LARGEST:,}")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise Invalid(f"{file}{line}: this is no YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise Invalid(f"{file}: this is no YAML: {error}") from error
    if node is None:
        raise Invalid(f"{file} is empty; docs/scenarios.md has an example to begin with")
    return Entry(node, "", Faults(file))


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"`{each}`" for each in words)


def _meant(written: str, words: Sequence[str]) -> str:
    near = get_close_matches(written, words, n=1)
    return f" (do you mean `{near[0]}`?)" if near else ""
