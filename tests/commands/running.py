"""`python -m relay …` in this process: what it prints and its exit code, without starting Python anew.

One real process is started in tests/commands/test_process.py, where `main` itself is tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from click.testing import CliRunner

from relay.__main__ import cli
from relay.errors import PostreeveError


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


def run(
    *arguments: str, given: str = "", environment: Mapping[str, str | None] | None = None
) -> Done:
    """The command's result; a refusal is said as `relay.__main__.main` says it."""
    result = CliRunner().invoke(cli, list(arguments), input=given, env=environment)
    error = result.exception
    if isinstance(error, PostreeveError):
        return Done(1, result.stdout, f"{result.stderr}{error.title}: {error.detail}\n")
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return Done(result.exit_code, result.stdout, result.stderr)
