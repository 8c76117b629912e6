"""Every accepted mail on disk: `mails.raw` holds the bytes, `ledger.jsonl` one line per mail.

A mail counts as accepted when its line is complete. Both are written, in this order, before
SendEmail answers; they are not fsynced, so they survive `kill -9` of this process, but not a power
cut.
"""

import os
import re
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

from simulator.drafts import Draft
from simulator.mails import Mail, Step, accepted_ms_of, new_id, number_of

BLOCK = 2_000
"""Ledger lines read at a time when searching."""

RECIPIENTS = re.compile(rb'"recipients":(\d+)')


class Store:
    """The mails of one state folder. In memory it keeps eight bytes per mail."""

    def __init__(self, folder: Path, *, keep_contents: bool = True) -> None:
        """Open or create the files of `folder`; without `keep_contents`, only headers are kept."""
        self.ledger = folder / "ledger.jsonl"
        self._keep_contents = keep_contents
        self._raw = _open(folder / "mails.raw")
        self._lines = _open(self.ledger)
        self._raw_end = os.fstat(self._raw).st_size
        self._offsets = array("Q", [0])
        self._recent: dict[int, int] = {}
        self._recover()

    def _recover(self) -> None:
        """Find the lines, cut off a torn last one, and count what was sent in the last day."""
        end = 0
        with self.ledger.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                end += len(line)
                self._offsets.append(end)
                found = RECIPIENTS.search(line)
                self._count_recent(
                    accepted_ms_of(line[7:67].decode()), int(found[1] if found else 0)
                )
        os.ftruncate(self._lines, end)

    @property
    def count(self) -> int:
        """How many mails were accepted."""
        return len(self._offsets) - 1

    @property
    def ledger_size(self) -> int:
        """Bytes of complete lines in the ledger."""
        return self._offsets[-1]

    def append(self, draft: Draft, plan: list[Step]) -> Mail:
        """Persist a mail and give it its id. Raises OSError, leaving nothing behind."""
        raw = draft.raw if self._keep_contents else draft.raw[: draft.head_size]
        accepted_ms = time.time_ns() // 1_000_000
        mail = Mail(
            number=self.count,
            id=new_id(self.count, accepted_ms),
            accepted_ms=accepted_ms,
            source=draft.source,
            destination=draft.destination,
            tags=draft.tags,
            configuration_set=draft.configuration_set,
            tenant=draft.tenant,
            offset=self._raw_end,
            size=len(raw),
            plan=plan,
        )
        _append(self._raw, raw, self._raw_end)
        self._raw_end += len(raw)
        line = mail.line()
        _append(self._lines, line, self.ledger_size)
        self._offsets.append(self.ledger_size + len(line))
        self._count_recent(accepted_ms, len(draft.destination))
        return mail

    def get(self, number: int) -> Mail:
        """The mail of that number, which must exist."""
        start, end = self._offsets[number], self._offsets[number + 1]
        return Mail.parse(os.pread(self._lines, end - start, start))

    def find(self, message_id: str) -> Mail | None:
        """The mail of that id, or None."""
        try:
            number = number_of(message_id)
        except ValueError:
            return None
        if number >= self.count:
            return None
        mail = self.get(number)
        return mail if mail.id == message_id else None

    def raw(self, mail: Mail, limit: int | None = None) -> bytes:
        """The bytes that were submitted, at most the first `limit`."""
        size = mail.size if limit is None else min(limit, mail.size)
        return os.pread(self._raw, size, mail.offset)

    def newest_first(
        self, before: int | None = None, *, needle: bytes = b"", matches: Callable[[Mail], bool]
    ) -> Iterator[Mail]:
        """Mails below number `before` that match; lines without `needle`, which is in lower case,
        are skipped unread.
        """
        end = self.count if before is None else min(before, self.count)
        while end > 0:
            start = max(0, end - BLOCK)
            first = self._offsets[start]
            block = os.pread(self._lines, self._offsets[end] - first, first)
            searched = block.lower()
            if needle in searched:
                for number in range(end - 1, start - 1, -1):
                    low, high = self._offsets[number] - first, self._offsets[number + 1] - first
                    if searched.find(needle, low, high) >= 0:
                        mail = Mail.parse(block[low:high])
                        if matches(mail):
                            yield mail
            end = start

    def _count_recent(self, accepted_ms: int, recipients: int) -> None:
        minute = accepted_ms // 60_000
        self._recent[minute] = self._recent.get(minute, 0) + recipients
        if len(self._recent) > 2 * 24 * 60:
            self._forget_old()

    def _forget_old(self) -> None:
        oldest = time.time() // 60 - 24 * 60
        self._recent = {minute: n for minute, n in self._recent.items() if minute > oldest}

    def recipients_in_24_hours(self) -> int:
        """Recipients accepted in the last 24 hours."""
        self._forget_old()
        return sum(self._recent.values())

    def close(self) -> None:
        """Close the files."""
        os.close(self._raw)
        os.close(self._lines)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)


def _append(file: int, data: bytes, end: int) -> None:
    """Write all of `data` at the end of `file`, or nothing of it."""
    try:
        written = os.write(file, data)
        while written < len(data):
            written += os.write(file, data[written:])
    except OSError:
        os.ftruncate(file, end)
        raise
