"""The command line as people call it: a refusal ends in a sentence and an exit code, never in a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text

from relay import db
from relay.__main__ import cli, main
from tests import factories
from tests.databases import Databases

ROOT = Path(__file__).parents[2]

NOBODY = "00000000-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Shell:
    """Somebody at a terminal."""

    patch: pytest.MonkeyPatch
    output: pytest.CaptureFixture[str]

    def type(self, *arguments: str) -> tuple[int, str]:
        """Exit code and stderr of `python -m relay …`."""
        self.patch.setattr(sys, "argv", ["relay", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code
        return (code if isinstance(code, int) else 0), self.output.readouterr().err

    @contextmanager
    def database(self) -> Iterator[Engine]:
        """The installation's database."""
        engine = db.connect(os.environ["POSTREEVE_DATABASE_URL"], pool=1)
        yield engine
        engine.dispose()


@pytest.fixture
def shell(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """One beside an installation whose database has no tables yet."""
    monkeypatch.setenv("POSTREEVE_DATABASE_URL", databases.empty())
    monkeypatch.setenv("POSTREEVE_SECRET", factories.SECRET)
    return Shell(monkeypatch, capsys)


def test_without_settings_it_says_which_are_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relay", "account", "list"],
        cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "POSTREEVE_DATABASE_URL is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_tables_is_told_how_it_gets_them(shell: Shell) -> None:
    code, said = shell.type("account", "list")

    assert code == 1
    assert "accounts" in said
    assert said.endswith("then run: python -m relay migrate\n")


def test_a_database_of_a_later_release_is_left_alone(shell: Shell) -> None:
    assert shell.type("migrate") == (0, "The database is up to date.\n")
    with shell.database() as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    code, said = shell.type("migrate")

    assert code == 1
    assert "Run the release of Postreeve that made them, or a later one." in said


def test_a_file_that_cannot_be_written_is_named(shell: Shell) -> None:
    done = shell.type("openapi", "--write", "/nowhere/file")

    assert done == (1, "No such file or directory: /nowhere/file\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at the end", "at once"])
def test_a_full_disk_is_said(unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "relay", "bounces", "explain", "550 5.1.1 user unknown"],
            cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr == "No space left on device: the output\n"


def test_what_is_wrong_is_said_of_each_part_that_is(shell: Shell) -> None:
    shell.type("migrate")
    with shell.database() as engine, db.writing(engine).begin() as session:
        site = factories.make_site(session, factories.make_account(session))

    code, said = shell.type(
        "list", "create", "A b", "--site", str(site.id), "--name", "News", "--controller", "Ada",
        "--postal-address", "1 Market Street", "--privacy-url", "here", "--sender", "a@b.example",
    )  # fmt: skip

    assert code == 1
    assert re.findall(r"^  (\w+): \w", said, re.MULTILINE) == ["key"]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("account", "show"), "account list"),
        (("key", "create", "--account"), "account list"),
        (("key", "list", "--site"), "site list"),
        (("domain", "add", "shop.example", "--account"), "account list"),
        (("domain", "list", "--account"), "account list"),
        (("domain", "show", "shop.example", "--account"), "domain list"),
        (("site", "create", "Shop", "--url", "https://shop.example", "--account"), "account list"),
        (("site", "suspend", "--cause", "spam", "--reason", "why"), "site list"),
        (("list", "list", "--site"), "site list"),
        (("list", "show", "news", "--site"), "site list"),
        (("suppression", "list", "--site"), "site list"),
        (("suppression", "lift", "--because", "why"), "suppression list --site ID"),
        (("people", "export", "ada@customer.example", "--site"), "site list"),
        (("consent", "verify", "--site"), "site list"),
        (("consent", "proof", "ada@customer.example", "--site"), "site list"),
        (("sender", "check", "Shop <ada@shop.example>", "--site"), "site list"),
        (("audit", "--account"), "account list"),
        (("audit", "--site"), "site list"),
        (("held", "list", "--site"), "site list"),
        (("held", "show"), "held list"),
        (("held", "release", "--reason", "why"), "held list"),
        (("appeals", "list", "--account"), "account list"),
        (("appeals", "decline", "--reason", "why"), "appeals list"),
        (("abuse", "list", "--site"), "site list"),
        (("abuse", "add", "--as", "fraud", "--address", "a@b.example", "--site"), "site list"),
        (("abuse", "show"), "abuse list"),
        (("abuse", "close", "--reason", "why"), "abuse list"),
        (("abuse", "links"), "account list"),
        (("operator", "revoke"), "operator list"),
    ],
    ids=lambda given: given if isinstance(given, str) else " ".join(given[:2]),
)
def test_who_names_what_is_not_there_is_told_what_shows_it(
    words: tuple[str, ...], command: str, shell: Shell
) -> None:
    shell.type("migrate")

    code, said = shell.type(*words, NOBODY)
    assert code == 1
    assert f"`python -m relay {command}` shows them" in said

    if words[0] != "domain":
        code, said = shell.type(*words, "the-first-one")
        assert code == 2
        assert f"'the-first-one' is no id; `python -m relay {command}` shows them" in said


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "--limit", "-1"),
        ("notice", "list", "--limit", "0"),
        ("suppression", "list", "--site", NOBODY, "--limit", "10001"),
        ("gateway", "unknown", "--limit", "many"),
        ("queue", "--top", "0"),
        ("web", "--port", "0"),
        ("web", "--workers", "-1"),
        ("run", "--port", "70000"),
        ("account", "create", " ", "--owner", "ada@shop.example"),
        ("bounces", "explain", " "),
        ("list", "create", "news", "--site", NOBODY, "--language", "en-GB"),
    ],
    ids=" ".join,
)
def test_what_no_command_can_mean_is_wrong_use(words: tuple[str, ...], shell: Shell) -> None:
    code, said = shell.type(*words)

    assert code == 2
    assert "Error: Invalid value for" in said


def test_colour_is_left_out_where_nobody_wants_it(shell: Shell) -> None:
    def shown() -> str:
        words = ["account", "create", "Shop", "--owner", "ada@shop.example"]
        return CliRunner().invoke(cli, words, color=True).output

    shell.type("migrate")
    assert "\x1b[1mAccount created" in shown()
    shell.patch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in shown()


def test_a_list_of_commands_shows_whole_sentences() -> None:
    shown = CliRunner().invoke(cli, ["site", "--help"], terminal_width=60).output

    assert "Set what the site SITE_ID may send beyond what it has earned." in " ".join(
        shown.split()
    )
