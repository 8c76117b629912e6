"""Child processes: started without a shell, watched, and never left behind.

Each child leads a session of its own, so that Ctrl-C reaches only us and we stop them in order.
On Linux the kernel sends a child SIGTERM when we die (PR_SET_PDEATHSIG), however we die: even
after `kill -9` nothing stays. All of them end gracefully on SIGTERM, with their own children.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal a process gets when its parent dies."""

STOP_WITHIN = 30.0
"""Seconds a child has to end after SIGTERM; a worker takes up to 25 for copies on the wire."""

LOOK_EVERY = 0.05
"""Seconds between two looks at something that is getting ready."""

TAIL = 20
"""Lines of a log that are shown when its process ended by itself."""


class Trouble(Exception):
    """Something that keeps the trial from going on, in words for a person."""


@dataclass(frozen=True)
class Child:
    """One running process and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self.process.poll() is not None

    def obituary(self) -> str:
        """How it ended, and the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        tail = "\n".join(f"  | {line}" for line in lines) or "  | (it wrote nothing)"
        return f"The {self.name} {_ending(self.process.returncode)}. The end of {self.log}:\n{tail}"


class Children:
    """The processes we started; leaving the context stops them, the last one first."""

    def __init__(self) -> None:
        self._all: list[Child] = []
        self._asked: list[Child] = []
        self._hurry = False

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
    ) -> Child:
        """Start a process. Call it from the main thread, while no other thread runs.

        (The death signal belongs to the thread that forked, and code between fork and exec must
        not meet another thread's locks.)
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  (our own interpreter, our own arguments)
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
                preexec_fn=_dies_with_parent(),  # noqa: PLW1509  (see above)
            )
        child = Child(name, process, log)
        self._all.append(child)
        return child

    def check(self) -> None:
        """Raise `Trouble` when one of them has ended by itself."""
        for child in self._all:
            if child.has_ended:
                raise Trouble(child.obituary())

    def wait_until(self, ready: Callable[[], bool], *, what: str, within: float) -> None:
        """Wait for `ready`. Raises `Trouble` when a child ends, or after `within` seconds."""
        deadline = time.monotonic() + within
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise Trouble(f"{what} took longer than {within:.0f} seconds.{self._tails()}")
            time.sleep(LOOK_EVERY)

    def drop(self, child: Child) -> None:
        """Stop one of them and watch it no more."""
        self._all.remove(child)
        self._end(child)

    def stop(self) -> None:
        """Stop all: SIGTERM, time to finish, SIGKILL. A second Ctrl-C skips the time to finish.

        They finish side by side, but for the one that was started first: the others still need it.
        """
        with _signals_call(self._be_quick):
            for child in self._all[1:]:
                self._ask(child)
            while self._all:
                self._end(self._all.pop())

    def _end(self, child: Child) -> None:
        self._ask(child)
        deadline = time.monotonic() + STOP_WITHIN
        while not child.has_ended and time.monotonic() < deadline and not self._hurry:
            time.sleep(LOOK_EVERY)
        with suppress(ProcessLookupError):  # the whole group is gone, as it should be
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()

    def _ask(self, child: Child) -> None:
        """SIGTERM, once: a second one could interrupt the child's own cleaning up."""
        if child not in self._asked and not child.has_ended:
            self._asked.append(child)
            child.process.terminate()

    def _be_quick(self) -> None:
        self._hurry = True

    def _tails(self) -> str:
        logs = "".join(f"\n  {child.name}: {child.log}" for child in self._all)
        return f" The logs may say why:{logs}" if logs else ""


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside, SIGTERM and a closed terminal end us as Ctrl-C does: by `KeyboardInterrupt`.

    Scripts start background jobs with SIGINT ignored; it is taken nevertheless.
    """

    def interrupt() -> None:
        raise KeyboardInterrupt

    with _signals_call(interrupt):
        yield


@contextmanager
def _signals_call(action: Callable[[], None]) -> Iterator[None]:
    def handle(_number: int, _frame: FrameType | None) -> None:
        action()

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # not under nohup
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _dies_with_parent() -> Callable[[], None] | None:
    """What the child does before exec so that it ends when we end; None where prctl is unknown."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def die_with_parent() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return die_with_parent


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended by itself with exit code {code}"
