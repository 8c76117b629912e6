"""`python -m relay account|site VERB` and `audit`: an operator acts, with a reason."""

from __future__ import annotations

import json

import pytest

from relay.context import Relay
from relay.policy.acceptable_use import VERSION
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
    made = run(
        "account", "create", "New", "--owner", "o@new.example", "--pending",
        "--policy-accepted-by", "Nora New", "--json",
    )  # fmt: skip
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


# --- the acceptable use policy --------------------------------------------------------------


def pending_account() -> str:
    made = run("account", "create", "New", "--owner", "o@new.example", "--pending", "--json")
    return str(json.loads(made.stdout)["id"])


def test_nobody_is_approved_who_has_not_accepted_the_policy(installation: Relay) -> None:
    id = pending_account()
    refused = run("account", "approve", id, "--reason", "known")
    assert refused.returncode == 1
    assert f"account accept-policy {id}" in refused.stderr

    accepted = json.loads(run("account", "accept-policy", id, "--by", "Nora", "--json").stdout)
    assert (accepted["policy_version"], accepted["policy_accepted_by"]) == (VERSION, "Nora")
    done = json.loads(run("account", "approve", id, "--reason", "known", "--json").stdout)
    assert done["evidence"]["policy"] == {"required": VERSION, "accepted": VERSION}
    shown = json.loads(run("account", "show", id, "--json").stdout)
    assert (shown["state"], shown["policy_accepted_by"]) == ("active", "Nora")


def test_an_operator_may_waive_the_policy_and_that_is_on_record(installation: Relay) -> None:
    id = pending_account()
    run("account", "approve", id, "--reason", "signed on paper", "--without-policy")
    (done,) = listed("audit", "--account", id)
    assert done["evidence"] == {"policy": {"required": VERSION, "accepted": None}}


# --- domains of an account that has ended ---------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said", "usable"),
    [((), "Banned for everybody", False), (("--keep-domains",), "as you wished", True)],
)
def test_an_account_that_ends_for_spam_takes_its_domains_with_it(
    more: tuple[str, ...], said: str, usable: bool, installation: Relay
) -> None:
    site, _ = factories.make_shop(installation)
    done = run(
        "account", "terminate", str(site.account_id), "--cause", "spam", "--reason", "x", *more
    )
    assert f"{said}" in done.stdout
    assert "shop.example" in done.stdout
    rules = listed("domain", "rules")
    assert [rule["name"] for rule in rules] == ([] if usable else ["shop.example"])
