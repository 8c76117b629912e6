"""Run a talkative command and show only how far it is; all it said, when it fails.

Standard library only, and old syntax: it runs before anything is installed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

EVERY = 5.0
"""Seconds between two lines of progress where there is no terminal."""


class Failed(Exception):
    """A command failed; the text says which, and holds the end of its output."""


def run(
    command: Sequence[str],
    title: str,
    sign: str,
    total: int = 0,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run `command` under `title`; each line that matches `sign` is a step, one of `total`.

    `sign` is a regular expression; its first group names the step. Raises `Failed`.
    """
    began = shown = time.monotonic()
    count = 0
    said: list[str] = []
    terminal = sys.stderr.isatty()
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        errors="replace",
        env=env,
    )
    if not terminal:
        _write(title + " …\n")
    try:
        for line in process.stdout or ():
            said.append(line)
            found = re.search(sign, line)
            if not found:
                continue
            count += 1
            now = time.monotonic()
            text = f"{title}: {count}{f' of {total}' if total else ''} {found.group(1)}"
            if terminal:
                _write("\r\033[K" + text[:79])
            elif now - shown >= EVERY:
                shown = now
                _write("  " + text + "\n")
    except KeyboardInterrupt:  # it got none where only we were told to stop
        process.terminate()
        process.wait()
        raise
    if terminal:
        _write("\r\033[K")
    if process.wait() != 0:
        raise Failed(
            "".join(said[-40:])
            + f"\n{title} failed (exit code {process.returncode}): {' '.join(command)}"
        )
    _write(f"{title}: done in {time.monotonic() - began:.0f} s\n")


def interruptibly(main: Callable[[], None]) -> None:
    """Run `main`; Ctrl-C ends it in a sentence and exit code 130."""
    try:
        main()
    except KeyboardInterrupt:
        _write("\nStopped. Say the same again to go on.\n")
        sys.exit(130)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
