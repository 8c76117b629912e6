"""`python -m relay account|site VERB` and `audit`: an operator acts, with a reason."""

from __future__ import annotations

import json

import pytest

from relay.context import Relay
from relay.services import standing
from tests import factories
from tests.commands.running import run


def test_suspending_reinstating_and_the_record_of_it(installation: Relay) -> None:
    site, _ = factories.make_shop(installation)
    account = str(site.account_id)

    done = run(
        "account", "suspend", account, "--cause", "phishing", "--reason", "a bank's look", "--by",
        "ada", "--json",
    )  # fmt: skip
    assert json.loads(done.stdout)["to"] == "suspended"
    shown = json.loads(run("account", "show", account, "--json").stdout)
    assert (shown["state"], shown["cause"]) == ("suspended", "phishing")
    assert [row["id"] for row in listed("account", "list", "--state", "suspended")] == [account]

    said = run("account", "reinstate", account, "--reason", "cleaned up").stdout
    assert "held release" in said
    log = listed("audit", "--account", account)
    assert [(row["by"], row["verb"], row["from"], row["to"]) for row in log][1] == (
        "operator:ada", "suspend", "active", "suspended",
    )  # fmt: skip
    assert listed("account", "list", "--state", "suspended") == []


def test_a_site_alone(installation: Relay) -> None:
    site, _ = factories.make_shop(installation)
    run("site", "limit", str(site.id), "--cause", "complaints", "--reason", "nine of them")
    assert [row["state"] for row in listed("site", "list")] == ["limited"]
    assert [row["state"] for row in listed("account", "list")] == ["active"]
    assert [row["site"] for row in listed("audit", "--site", str(site.id))] == [str(site.id)]


def test_one_stream_of_a_site(installation: Relay) -> None:
    site, _ = factories.make_shop(installation)
    id = str(site.id)
    run(
        "site", "limit", id, "--stream", "marketing", "--cause", "complaints", "--reason", "nine",
    )  # fmt: skip
    with installation.reads() as session:
        found = standing.of_site(session, site.id, now=installation.clock()).where
    assert (found.state.value, found.lanes["marketing"], found.lanes["notification"]) == (
        "limited", "held", "goes",
    )  # fmt: skip
    assert found.streams[0].reason == "nine"
    run("site", "reinstate", id, "--stream", "marketing", "--reason", "mended")
    log = listed("audit", "--site", id)
    assert [(row["verb"], row["stream"], row["to"]) for row in log] == [
        ("reinstate", "marketing", "active"), ("limit", "marketing", "limited"),
    ]  # fmt: skip


def test_a_pending_account_waits_for_approval(installation: Relay) -> None:
    made = run("account", "create", "New", "--owner", "o@new.example", "--pending", "--json")
    id = json.loads(made.stdout)["id"]
    assert json.loads(made.stdout)["state"] == "pending"
    assert json.loads(run("account", "approve", id, "--reason", "known", "--json").stdout)[
        "to"
    ] == ("active")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("account", "suspend", "ID", "--reason", "x"), 2, "Missing option '--cause'"),
        (("account", "suspend", "ID", "--cause", "spam"), 2, "Missing option '--reason'"),
        (("account", "approve", "ID", "--reason", "x"), 1, "fits what is pending"),
        (("site", "warn", "ID", "--cause", "spam", "--reason", "x"), 1, "site list"),
    ],
)
def test_what_is_refused_says_how_to_go_on(
    words: tuple[str, ...], code: int, said: str, installation: Relay
) -> None:
    site, _ = factories.make_shop(installation)
    done = run(*(str(site.account_id) if word == "ID" else word for word in words))
    assert (done.returncode, said in done.stderr) == (code, True), done


def test_an_empty_record_says_so(installation: Relay) -> None:
    assert "Nothing was done yet" in run("audit").stdout


def listed(*words: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(run(*words, "--json").stdout)
    return rows
