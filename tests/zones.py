"""DNS out of a dict, for rules: what it says about names is what a name server would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from relay.answers import Answer, Existence, RecordType, plain

Records = Mapping[str, str | list[str]]
"""By "name TYPE", such as "_dmarc.shop.example TXT"."""


class Zones:
    """Answers from a dict; `silent` are the names (with all below) about which nobody answers."""

    def __init__(self, records: Records, *, silent: tuple[str, ...] = ()) -> None:
        self.records = {
            key: [each] if isinstance(each, str) else each for key, each in records.items()
        }
        self.names = {key.rpartition(" ")[0] for key in records}
        self.silent = silent
        self.asked: Counter[tuple[str, RecordType]] = Counter()

    def __call__(self, name: str, type: RecordType) -> Answer:
        """An `Ask`."""
        self.asked[name, type] += 1
        for _ in range(8):
            if any(name == each or name.endswith(f".{each}") for each in self.silent):
                return Answer(Existence.UNKNOWN, detail="SERVFAIL")
            here = name if self._exists(name) else self._wildcard(name)
            if found := self.records.get(f"{here} {type}"):
                return Answer(Existence.RECORDS, tuple(found), name)
            target = self.records.get(f"{here} CNAME")
            if target is None:
                known = here in self.names or self._exists(name)
                return Answer(Existence.NO_DATA if known else Existence.NO_NAME, name=name)
            name = plain(target[0])
        return Answer(Existence.UNKNOWN, detail="CNAMEs lead in circles")

    def _exists(self, name: str) -> bool:
        return any(each == name or each.endswith(f".{name}") for each in self.names)

    def _wildcard(self, name: str) -> str:
        """The wildcard of the closest name above that exists (RFC 4592 §3.3.1)."""
        while "." in name:
            name = name.partition(".")[2]
            if self._exists(name):
                return f"*.{name}"
        return ""
