# ruff: noqa: S603  (our own programs, our own arguments)
"""What a machine can say about the code without running it: `make check`."""

from __future__ import annotations

import difflib
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from shutil import which

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SHOWN = 30
"""Lines of a difference that are shown."""

OPENAPI = ROOT / "docs" / "openapi.json"


def program(name: str, *arguments: str) -> Callable[[], str]:
    """A check that is a program: no news is good news, else what it printed."""

    def check() -> str:
        path = BIN / name if (BIN / name).exists() else Path(name)
        done = subprocess.run(
            [str(path), *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout or f"exit code {done.returncode}" if done.returncode else ""

    return check


def openapi_is_current() -> str:
    """Whether docs/openapi.json is what the code describes; the difference, if not."""
    made = subprocess.run(
        [sys.executable, "-m", "relay", "openapi"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        return made.stderr
    kept = OPENAPI.read_text(encoding="utf-8") if OPENAPI.exists() else ""
    lines = difflib.unified_diff(
        kept.splitlines(), made.stdout.splitlines(), "kept", "made", lineterm="", n=1
    )
    text = "\n".join(islice(lines, SHOWN))
    return f"{text}\nTo bring it up to date: make openapi" if text else ""


def php_syntax() -> str:
    """Whether PHP can read every file of the plugin."""
    wrong = []
    for path in sorted((ROOT / "wp-plugin").rglob("*.php")):
        if text := program("php", "-l", str(path.relative_to(ROOT)))():
            wrong.append(text)
    return "".join(wrong)


CHECKS: dict[str, Callable[[], str]] = {
    "ruff check": program("ruff", "check", "."),
    "ruff format": program("ruff", "format", "--check", "."),
    "mypy --strict": program("mypy"),
    "import contracts": program("lint-imports"),
    "OpenAPI document": openapi_is_current,
}

PHP_CHECKS: dict[str, Callable[[], str]] = {
    "PHP syntax": php_syntax,
    "PHP style": program("phpcs", "-q", "--standard=tests/plugin/phpcs.xml"),
}


def main() -> None:
    """Run all checks; exit 1 when one finds something, after all have spoken."""
    checks = dict(CHECKS)
    for name, tool in (("PHP syntax", "php"), ("PHP style", "phpcs")):
        if which(tool):
            checks[name] = PHP_CHECKS[name]
        else:
            print(f"  –  {name} (no {tool} here; make packages installs it)")
    failed = []
    for name, check in checks.items():
        began = time.monotonic()
        text = check()
        mark = "✗" if text else "✓"
        print(f"  {mark}  {name:<18} {time.monotonic() - began:5.1f} s", flush=True)
        if text:
            failed.append(name)
            print(text.rstrip(), flush=True)
    if failed:
        sys.exit(f"Not clean: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
