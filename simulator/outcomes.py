"""Which notices are settled: sixteen bytes for each, appended to `notices.log`.

What is not in here is posted again after a restart.
"""

import asyncio
import os
import struct
import time
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

RECORD = struct.Struct("<IHHQ")
"""Mail, event, subscription, and in one number time in ms, attempts (8 bits), state (4 bits)."""
FLUSH_AFTER = 0.02
"""Seconds a record may wait in memory; lost ones only cause a repeated notice."""


class State(IntEnum):
    """How a notice ended. COMPLETE is about a mail: nothing more is to be posted for it."""

    ACKNOWLEDGED = 1
    REFUSED = 2
    GIVEN_UP = 3
    DROPPED = 4
    SKIPPED = 5
    COMPLETE = 9


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one notice. `event` is the step's index in the mail's plan."""

    event: int
    subscription: int
    state: State
    at_ms: int
    attempts: int


class Outcomes:
    """The log of settled notices of one state folder."""

    def __init__(self, folder: Path) -> None:
        """Open or create the log, cutting off a torn last record."""
        self._path = folder / "notices.log"
        self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        size = os.fstat(self._file).st_size
        os.ftruncate(self._file, size - size % RECORD.size)
        self._waiting = bytearray()

    def add(
        self, mail: int, event: int, subscription: int, state: State, attempts: int = 0
    ) -> None:
        """Remember how a notice ended."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(FLUSH_AFTER, self.flush)
        end = time.time_ns() // 1_000_000 << 12 | min(attempts, 255) << 4 | state
        self._waiting += RECORD.pack(mail, event, subscription, end)

    def flush(self) -> None:
        """Write what waits in memory."""
        if self._waiting:
            data, self._waiting = bytes(self._waiting), bytearray()
            os.write(self._file, data)

    def unfinished(self, mails: int) -> dict[int, set[tuple[int, int]]]:
        """The incomplete ones of so many mails, with what is settled: (event, subscription)."""
        records = self._path.read_bytes()
        complete = bytearray(mails)
        for mail, _, _, end in RECORD.iter_unpack(records):
            if end & 15 == State.COMPLETE and mail < mails:
                complete[mail] = 1
        settled: dict[int, set[tuple[int, int]]] = {
            mail: set() for mail in range(mails) if not complete[mail]
        }
        if settled:
            for mail, event, subscription, _ in RECORD.iter_unpack(records):
                if mail in settled:
                    settled[mail].add((event, subscription))
        return settled

    def of(self, mail: int) -> list[Outcome]:
        """How the notices of one mail ended, in order."""
        self.flush()
        records = self._path.read_bytes()
        key = struct.pack("<I", mail)
        found = []
        at = records.find(key)
        while at >= 0:
            if at % RECORD.size == 0:
                _, event, subscription, end = RECORD.unpack_from(records, at)
                state = State(end & 15)
                if state is not State.COMPLETE:
                    found.append(Outcome(event, subscription, state, end >> 12, end >> 4 & 255))
            at = records.find(key, at + 1)
        return found

    def close(self) -> None:
        """Write the rest and close."""
        self.flush()
        os.close(self._file)
