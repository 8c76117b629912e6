"""The house stays in order: imports go down, every error is explained, nothing names this machine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from relay import errors
from relay.api.problems import status_of
from tests.api.test_problems import KINDS

ROOT = Path(__file__).parents[1]
PROBLEMS = ROOT / "docs" / "problems.md"


def test_imports_go_down_never_up_or_round(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    kept = lint_imports(config_filename="pyproject.toml", no_cache=True) == EXIT_STATUS_SUCCESS
    assert kept, capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_a_page(kind: type[errors.PostreeveError]) -> None:
    assert status_of(kind("x")) in range(400, 600)
    if not PROBLEMS.exists():
        pytest.skip("docs/problems.md is not written yet")
    assert f"\n## {kind.slug}\n" in PROBLEMS.read_text().replace("`", "")


def sources(*endings: str) -> Iterator[Path]:
    """The repository's own files: what Git knows, or would if one added everything."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if name.endswith(endings) and (ROOT / name).is_file():
            yield ROOT / name


def test_no_file_names_the_machine_it_was_written_on() -> None:
    machine = re.compile(r"(?<![\w.}])/(?:work|root|home/[a-z]\w*|Users/\w+)/")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for path in sources(".md", ".py", ".toml", ".php", ".sh", ".yml", "Makefile", "Procfile")
        if path != Path(__file__)
        for line in path.read_text(errors="replace").splitlines()
        if machine.search(line)
    ]
    assert found == []


def test_the_environment_is_read_in_two_places() -> None:
    """`wsgi.py` and the command line; everything else is handed over."""
    for path in (ROOT / "relay").rglob("*.py"):
        relative = path.relative_to(ROOT / "relay")
        if relative.parts[0] not in ("commands", "__main__.py") and path.name != "env.py":
            assert not re.search(r"os\.(environ|getenv)", path.read_text()), relative
