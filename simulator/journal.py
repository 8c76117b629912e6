"""Small named facts that survive `kill -9`: identities, suppressed addresses, subscriptions."""

import json
import os
from pathlib import Path
from typing import Any

Fact = dict[str, Any]


class Journal:
    """Facts by kind and name, kept in memory and in a file of one JSON line per change."""

    def __init__(self, path: Path) -> None:
        """Read `path` back, a torn last line left out, and write it anew without what is past."""
        self._facts: dict[str, dict[str, Fact]] = {}
        if path.exists():
            self._replay(path.read_text("utf-8"))
        compact = path.with_suffix(".new")
        compact.write_text(
            "".join(
                self._line(kind, name, fact)
                for kind, facts in self._facts.items()
                for name, fact in facts.items()
            ),
            "utf-8",
        )
        compact.replace(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def _replay(self, text: str) -> None:
        for line in text.splitlines():
            try:
                kind, name, fact = json.loads(line)
            except ValueError:
                continue
            self._remember(kind, name, fact)

    def _remember(self, kind: str, name: str, fact: Fact | None) -> None:
        facts = self._facts.setdefault(kind, {})
        if fact is None:
            facts.pop(name, None)
        else:
            facts[name] = fact

    @staticmethod
    def _line(kind: str, name: str, fact: Fact | None) -> str:
        return json.dumps([kind, name, fact], separators=(",", ":")) + "\n"

    def all(self, kind: str) -> dict[str, Fact]:
        """Every fact of a kind, by name, in order of creation. Not to be changed by the caller."""
        return self._facts.get(kind, {})

    def get(self, kind: str, name: str) -> Fact | None:
        """One fact, or None. Not to be changed by the caller."""
        return self._facts.get(kind, {}).get(name)

    def put(self, kind: str, name: str, fact: Fact) -> None:
        """Remember a fact, in place of an earlier one of that name."""
        os.write(self._file, self._line(kind, name, fact).encode())
        self._remember(kind, name, fact)

    def forget(self, kind: str, name: str) -> None:
        """Forget a fact."""
        os.write(self._file, self._line(kind, name, None).encode())
        self._remember(kind, name, None)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
