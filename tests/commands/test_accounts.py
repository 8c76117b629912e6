"""The command line, as an operator meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relay.__main__ import cli
from tests.databases import Databases
from tests.factories import SECRET

ID = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def run(databases: Databases, monkeypatch: pytest.MonkeyPatch):
    """Run a command against a database of its own."""
    monkeypatch.setenv("POSTREEVE_DATABASE_URL", databases.fresh())
    monkeypatch.setenv("POSTREEVE_SECRET", SECRET)

    def run(*words: str) -> Result:
        return CliRunner().invoke(cli, words, catch_exceptions=False)

    return run


def made(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_an_operator_sets_up_an_account_in_four_commands(run) -> None:
    account = made(run("account", "create", "Shop Ltd", "--owner", "o@shop.example", "--json"))
    site = made(
        run(
            "site",
            "create",
            "Shop",
            "--account",
            account["id"],
            "--url",
            "https://shop.example",
            "--json",
        )
    )
    key = made(run("key", "create", "--site", site["id"], "--json"))
    domain = made(
        run("domain", "add", "Shop.example", "--account", account["id"], "--verified", "--json")
    )

    assert key["key"].startswith(f"prk_{key['prefix']}_")
    assert (domain["name"], domain["status"]) == ("shop.example", "verified")
    assert "Shop Ltd" in run("account", "list").stdout
    assert "https://shop.example" in run("site", "list").stdout


def test_a_key_is_shown_once_and_never_listed(run) -> None:
    account = made(run("account", "create", "Shop", "--owner", "o@shop.example", "--json"))
    site = made(
        run(
            "site",
            "create",
            "S",
            "--account",
            account["id"],
            "--url",
            "https://s.example",
            "--json",
        )
    )
    key = made(run("key", "create", "--site", site["id"], "--json"))["key"]

    assert key not in run("key", "list", "--json").stdout
    successor = made(run("key", "rotate", key, "--json"))
    assert successor["key"] != key
    assert run("key", "revoke", successor["prefix"]).exit_code == 0
    listed = json.loads(run("key", "list", "--site", site["id"], "--json").stdout)
    assert [each["revoked_at"] is not None for each in listed] == [False, True]


def test_an_owner_is_written_to_in_the_language_that_an_operator_says(run) -> None:
    words = ("account", "create", "Laden", "--owner", "o@shop.example", "--json")
    english = made(run(*words))
    german = made(run(*words, "--language", "de"))
    assert (english["language"], german["language"]) == ("en", "de")

    changed = made(run("account", "language", german["id"], "zh-Hant", "--json"))

    assert changed["language"] == "zh-Hant"
    assert made(run("account", "show", german["id"], "--json"))["language"] == "zh-Hant"
    assert run("account", "language", german["id"], "tlh").exit_code == 2


def test_an_account_gets_a_key_of_its_own_that_is_listed_replaced_and_ended(run) -> None:
    account = made(run("account", "create", "Agency", "--owner", "o@shop.example", "--json"))["id"]
    of_account = ("--account", account)
    words = ("site", "create", "S", *of_account, "--url", "https://s.example", "--json")
    run("key", "create", "--site", made(run(*words))["id"])

    shown = run("key", "create", *of_account, "--name", "laptop").stdout

    key = next(word for word in shown.split() if word.startswith("pra_"))
    assert "never shown again" in shown
    assert "wp postreeve connect --relay=… --token=-" in shown
    (listed,) = json.loads(run("key", "list", *of_account, "--json").stdout)
    assert (listed["account"], listed["site"], listed["scopes"]) == (account, None, [])
    assert key not in run("key", "list").stdout
    successor = made(run("key", "rotate", key, "--json"))["key"]
    assert successor.startswith("pra_")
    assert run("key", "revoke", successor).exit_code == 0
    table = run("key", "list").stdout
    assert key.split("_")[1] in table, "a prefix stays whole, so that it can be copied"
    assert "account" in table


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Give --site or --account"),
        (("--site", ID, "--account", ID), "Give --site or --account"),
        (("--account", ID, "--bind"), "for a site's key"),
        (("--account", ID, "--scope", "send"), "for a site's key"),
    ],
)
def test_a_key_is_of_a_site_or_of_an_account(words: tuple[str, ...], says: str, run) -> None:
    done = run("key", "create", *words)
    assert done.exit_code == 2
    assert says in done.output


@pytest.mark.parametrize(
    ("words", "empty"),
    [
        (("account", "list"), "No accounts yet"),
        (("site", "list"), "No sites yet"),
        (("key", "list"), "No keys yet"),
        (("notice", "list"), "All is taken in"),
    ],
)
def test_an_empty_list_says_what_would_fill_it(run, words: tuple[str, ...], empty: str) -> None:
    assert empty in run(*words).stdout


def test_every_command_explains_itself(run) -> None:
    for name, command in cli.commands.items():
        assert command.help, name
        for inner, sub in getattr(command, "commands", {}).items():
            assert sub.help, f"{name} {inner}"


def test_the_api_document_can_be_written_without_any_settings(tmp_path: Path) -> None:
    target = tmp_path / "openapi.json"
    assert CliRunner().invoke(cli, ["openapi", "--write", str(target)]).exit_code == 0
    assert json.loads(target.read_text())["info"]["title"] == "Postreeve"


@pytest.mark.parametrize(
    ("said", "kept"), [("500", 500), ("0", 0), ("earned", None), ("10000000", 10_000_000)]
)
def test_an_operator_sets_how_many_new_people_a_site_may_write_to(
    said: str, kept: int | None, run
) -> None:
    account = made(run("account", "create", "Shop", "--owner", "o@shop.example", "--json"))
    words = ("site", "create", "S", "--account", account["id"], "--url", "https://s.example")
    site = made(run(*words, "--json"))

    budget = made(run("site", "budget", site["id"], "--first-contacts", said, "--json"))

    assert (budget["first_contacts_set"], budget["first_contacts_earned"]) == (kept, 20)


@pytest.mark.parametrize("said", ["-1", "many", "10000001", ""])
def test_a_budget_is_a_number_of_people(said: str, run) -> None:
    site = "00000000-0000-7000-8000-000000000000"
    assert run("site", "budget", site, "--first-contacts", said).exit_code == 2


@pytest.fixture
def site_id(run) -> str:
    account = made(run("account", "create", "Shop", "--owner", "o@shop.example", "--json"))
    run("domain", "add", "Shop.example", "--account", account["id"], "--verified")
    words = ("site", "create", "S", "--account", account["id"], "--url", "https://s.example")
    return made(run(*words, "--json"))["id"]


def test_an_operator_sees_and_sets_a_site_s_warm_up(site_id: str, run) -> None:
    assert made(run("site", "ramp", site_id, "--json"))["per_day"] == 50
    told = made(run("site", "ramp", site_id, "--per-day", "900", "--json"))
    assert (told["per_day"], told["per_hour"]) == (900, 360)
    assert [(each["name"], each["per_day"]) for each in told["domains"]] == [("shop.example", 900)]
    shown = run("site", "ramp", site_id).stdout
    assert "shop.example: 0 of 900 today, 0 of 360 this hour; full volume on" in shown
    assert made(run("site", "ramp", site_id, "--restart", "--json"))["per_day"] == 50


@pytest.mark.parametrize("words", [("--per-day", "0"), ("--per-day", "5", "--restart")])
def test_a_ramp_is_set_or_begun_anew(words: tuple[str, ...], site_id: str, run) -> None:
    assert run("site", "ramp", site_id, *words).exit_code == 2
