# ruff: noqa: S603  (our own programs, our own arguments)
"""Everything that must be green, in one go, with times: `make test` (one step: `ONLY=name`)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]

WITH_NEIGHBOURS = "processes or wordpress or journey or faults or exploring"
"""Markers of tests that start more than themselves, or take their time."""


@dataclass(frozen=True)
class Step:
    """One command, and what it shows."""

    name: str
    title: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


PYTEST = ("-m", "pytest", "-p", "no:logging")
"""What libraries log is not kept beside each test: no test reads it, and ours goes to stderr."""

WITHOUT_FUZZ = ("-p", "no:schemathesis")
"""The plugin of what makes up requests; loading it takes each process as long as a hundred tests."""


def pytest(marker: str, *arguments: str) -> tuple[str, ...]:
    """The arguments of a pytest run of the tests that `marker` chooses."""
    return (*PYTEST, "-m", marker, *arguments)


FUZZ = "tests/api/test_openapi_fuzz.py"
"""Makes up its requests while it is collected, which takes longer than all the rest."""

NOT_SIMULATOR = ("--ignore=tests/simulator",)
NOT_EXPLORING = (*WITHOUT_FUZZ, *NOT_SIMULATOR, f"--ignore={FUZZ}")

BY_FILE = ("-n", "auto", "--dist", "loadfile")
"""The same for tests whose file starts a program once."""

RATES = "tests/processes/test_dispatcher.py"
"""Measures how fast copies leave: nothing else may run beside it."""

UNIT = pytest(f"not ({WITH_NEIGHBOURS})", *NOT_EXPLORING, "-n", "auto")
"""As many at a time as there are cores: each of pytest's workers has databases of its own."""

STEPS = (
    Step("packages", "Debian packages", ("tools/packages.py",)),
    Step("check", "Style, types, imports, API document", ("tools/check.py",)),
    Step("unit", "Unit tests on SQLite", UNIT, {"TEST_DATABASE": "sqlite"}),
    Step(
        "postgresql",
        "Those with a database on PostgreSQL",
        (*UNIT, "--ignore=tests/policy"),
        {"TEST_DATABASE": "postgresql"},
    ),
    Step(
        "exploring",
        "Interleavings and hostile requests",
        pytest("exploring", *NOT_SIMULATOR, "--ignore=tests/replay", "-n", "auto"),
    ),
    Step(
        "scenarios",
        "Months of made-up mail through the real rules",
        pytest("exploring", *WITHOUT_FUZZ, "tests/replay", "-n", "auto", "--dist", "loadgroup"),
    ),
    Step(
        "simulator",
        "The simulator, asked by boto3",
        (*PYTEST, *WITHOUT_FUZZ, "tests/simulator", "-n", "auto"),
    ),
    Step(
        "processes",
        "Real processes",
        pytest("processes", *NOT_EXPLORING, f"--ignore={RATES}", *BY_FILE),
    ),
    Step("rates", "Real workers, how fast they send", (*PYTEST, *WITHOUT_FUZZ, RATES)),
    Step(
        "wordpress",
        "The plugin in real WordPress",
        pytest("wordpress and not journey", *WITHOUT_FUZZ, "tests/plugin", "-rs", *BY_FILE),
    ),
    Step("journey", "The browser's journey", pytest("journey", *NOT_EXPLORING, *BY_FILE)),
)

LONGEST = 45 * 60.0
"""Seconds a step may take: ten times what the longest does, for a slow machine that has others to serve.

What hangs must not take all the time there is; a test that does is ended long before (pyproject.toml).
"""

FAREWELL = 60.0
"""Seconds it then has to say what it was doing."""

BYTECODE = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(ROOT / ".cache" / "bytecode"),
}
"""Each of the hundreds of Python processes reads the code compiled, wherever they are run."""

MEMORY = Path("/dev/shm")  # noqa: S108  (a folder in it is made, with a name of its own)
"""Where Linux keeps files in memory."""

ROOM = 8 * 1024**3
"""Bytes that must be free there; databases, sites and browsers of one step take up to half of it."""


@contextmanager
def scratch() -> Iterator[str]:
    """A folder for the temporary files of one step: in memory where there is room, else on disk.

    Hundreds of databases are made and thrown away; writing them to a disk takes longer than the tests.
    """
    with tempfile.TemporaryDirectory(
        prefix="postreeve-", dir=MEMORY if _is_roomy(MEMORY) else None, ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(0o1777)  # like /tmp: the users of the databases' servers pass through it
        yield folder


def _is_roomy(folder: Path) -> bool:
    return (
        os.access(folder, os.W_OK)
        and not os.statvfs(folder).f_flag & os.ST_NOEXEC
        and shutil.disk_usage(folder).free >= ROOM
    )


def main() -> None:
    """Run the steps one after another; stop at the first that fails."""
    wanted = set(sys.argv[1:])
    if unknown := wanted - {step.name for step in STEPS}:
        names = ", ".join(step.name for step in STEPS)
        sys.exit(f"There is no step {', '.join(sorted(unknown))}; there are {names}.")
    steps = [step for step in STEPS if not wanted or step.name in wanted]
    began = time.monotonic()
    for number, step in enumerate(steps, 1):
        place = f"[{number}/{len(steps)}] {step.title}"
        print(f"\n{place} …", flush=True)
        started = time.monotonic()
        with scratch() as folder:
            code = run(
                [sys.executable, *step.arguments],
                {**os.environ, **BYTECODE, "TMPDIR": folder, **step.environment},
            )
        took = _spoken(time.monotonic() - started)
        if code:
            sys.stdout.flush()
            sys.exit(
                f"\n{place}: FAILED after {took}. Alone it runs with: make test ONLY={step.name}"
            )
        print(f"{place}: green, {took}", flush=True)
    print(f"\nAll green in {_spoken(time.monotonic() - began)}.")


def run(command: Sequence[str], environment: Mapping[str, str], within: float = LONGEST) -> int:
    """Run it to its end; its exit code, never 0 for one that had to be ended.

    One that takes more than `within` seconds gets what Ctrl-C sends: pytest then shows what has
    failed so far, and where it hangs.
    """
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        return process.wait(within)
    except subprocess.TimeoutExpired:
        print(f"\nStill running after {_spoken(within)}: it is ended.", flush=True)
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(FAREWELL) or 1
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return 1


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


if __name__ == "__main__":
    main()
