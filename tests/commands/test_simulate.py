"""`python -m relay simulate`: stories for people and programs, and an exit code for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relay.__main__ import cli
from relay.errors import Invalid

BAD = """\
name: Flood
days: 2
sites:
  - name: Shop
    mail:
      - {name: flood, stream: transactional, per_day: 200, invalid: 30%, unwanted: true}
expect:
  - {site: Shop, stopped_within: MOST}
"""


def simulate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["simulate", *map(str, arguments)])


@pytest.fixture
def flood(tmp_path: Path) -> Path:
    path = tmp_path / "flood.yml"
    path.write_text(BAD.replace("MOST", "150"), encoding="utf-8")
    return path


def test_it_tells_what_happened_and_whether_that_was_expected(flood: Path) -> None:
    result = simulate(flood)
    assert result.exit_code == 0, result.output
    assert "✓ Shop: stopped within 150 bad mails" in " ".join(result.stdout.split())
    assert "1 of 1 scenarios went as expected." in result.stdout
    assert "Replaying 2 days: Flood" in result.stderr


def test_an_expectation_that_fails_is_an_exit_code_of_one(flood: Path) -> None:
    flood.write_text(BAD.replace("MOST", "1"), encoding="utf-8")
    result = simulate(flood)
    assert (result.exit_code, "✗ Shop" in result.stdout) == (1, True)


def test_programs_get_json(flood: Path) -> None:
    (told,) = json.loads(simulate(flood, "--json").stdout)
    assert (told["passed"], told["seed"]) == (True, 1)
    assert {"day", "what", "rule", "why", "bad_mails_left"} <= told["events"][0].keys()
    assert told["sites"][0]["mail"][0]["mail"] == "flood"
    (other,) = json.loads(simulate(flood, "--json", "--seed", "8").stdout)
    assert other["seed"] == 8


def test_documents_get_a_table(flood: Path) -> None:
    table = simulate(flood, "--markdown").stdout.splitlines()
    assert table[2].startswith("| Flood |")


def test_the_scenarios_that_come_with_the_relay_are_listed() -> None:
    assert "2-bought-list" in simulate("--list").stdout


def test_a_name_that_is_not_there_is_said_with_where_to_look() -> None:
    result = simulate("nothing-such")
    assert isinstance(result.exception, Invalid)
    assert "simulate --list" in result.exception.detail
