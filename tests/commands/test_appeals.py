"""`python -m relay appeals`: what owners say, and the operator's answer."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from relay.context import Relay
from relay.models import Site
from relay.services import appeals, freezing
from tests import factories
from tests.commands.running import run
from tests.steps import accept


@pytest.fixture
def site(installation: Relay) -> Site:
    """A site with a receipt in the queue, that is suspended then, and whose owner appeals."""
    site, _ = factories.make_shop(installation)
    accept(installation, site)
    run("site", "suspend", str(site.id), "--cause", "spam", "--reason", "9 complaints")
    with installation.sessions.begin() as session:
        freezing.freeze(session, now=installation.clock())
        appeals.appeal(
            session, site.account_id, site.id, "A plugin\x1b[31m\nsent it", sender="r@relay.example",
            now=installation.clock(),
        )  # fmt: skip
    return site


def the_appeal() -> str:
    (row,) = json.loads(run("appeals", "list", "--json").stdout)
    assert (row["account"], row["site"], row["against"]) == ("Shop Ltd", "The shop", "suspend")
    return str(row["id"])


def test_an_appeal_is_shown_with_what_it_is_about(site: Site) -> None:
    said = run("appeals", "show", the_appeal()).stdout
    assert "│ A plugin [31m" in said
    assert "\x1b" not in said
    assert "9 complaints" in said
    assert "appeals accept" in said
    shown = json.loads(run("appeals", "show", the_appeal(), "--json").stdout)
    assert shown["text"] == "A plugin\x1b[31m\nsent it"
    assert "transactional: 1 held" in shown["frozen"][0]


def test_accepting_lets_the_site_send_again_and_the_chosen_mail_leave(
    installation: Relay, site: Site
) -> None:
    id = the_appeal()
    (review,) = json.loads(run("held", "list", "--json").stdout)
    done = run(
        "appeals", "accept", id, "--reason", "it is gone", "--release", review["id"], "--by", "ada",
        "--json",
    )  # fmt: skip
    assert json.loads(done.stdout)["decision"] == "accepted"
    (row,) = json.loads(run("site", "list", "--json").stdout)
    assert row["state"] == "active"
    last, _ = json.loads(run("audit", "--json").stdout)
    assert (last["by"], last["verb"], last["evidence"]["appeal"]) == (
        "operator:ada", "reinstate", id,
    )  # fmt: skip
    (decided,) = json.loads(run("held", "list", "--decided", "--json").stdout)
    assert decided["decision"] == "released"
    assert "No appeal waits" in run("appeals", "list").stdout
    (answered,) = json.loads(run("appeals", "list", "--decided", "--json").stdout)
    assert answered["id"] == id


def test_an_end_is_undone_but_its_bans_wait_for_their_own_word(
    installation: Relay, site: Site
) -> None:
    run("appeals", "decline", the_appeal(), "--reason", "it goes on")
    run("account", "terminate", str(site.account_id), "--cause", "spam", "--reason", "x")
    with installation.sessions.begin() as session:
        made = appeals.appeal(
            session, site.account_id, site.id, "Please", sender="r@relay.example",
            now=installation.clock(),
        )  # fmt: skip
    done = run("appeals", "accept", str(made.id), "--reason", "a mistake of ours")
    assert "Still banned (undo: domain unban NAME): shop.example" in done.stdout
    (row,) = json.loads(run("account", "list", "--json").stdout)
    assert row["state"] == "active"


def test_declining_changes_nothing_else(installation: Relay, site: Site) -> None:
    id = the_appeal()
    assert run("appeals", "decline", id).returncode == 2  # no reason
    assert "the owner is told" in run("appeals", "decline", id, "--reason", "it goes on").stdout
    (row,) = json.loads(run("site", "list", "--json").stdout)
    assert row["state"] == "suspended"
    again = run("appeals", "accept", id, "--reason", "or not")
    assert (again.returncode, "declined already" in again.stderr) == (1, True)


def test_what_is_wrong_changes_nothing(installation: Relay, site: Site) -> None:
    nowhere = "018f0000-0000-7000-8000-000000000001"
    for words in (
        ("appeals", "show", nowhere),
        ("appeals", "accept", nowhere, "--reason", "x"),
        ("appeals", "accept", the_appeal(), "--reason", "x", "--release", nowhere),
    ):
        assert run(*words).returncode == 1
    assert UUID(the_appeal())
    (row,) = json.loads(run("site", "list", "--json").stdout)
    assert row["state"] == "suspended"


def test_an_account_is_shown_with_who_may_be_the_same_people(installation: Relay) -> None:
    site, _ = factories.make_shop(installation)
    made = run("account", "create", "Twin", "--owner", "Owner+x@shop.example", "--json")
    twin = json.loads(made.stdout)["id"]
    run("account", "terminate", twin, "--cause", "spam", "--reason", "x")
    shown = json.loads(run("account", "show", str(site.account_id), "--json").stdout)
    assert shown["related"] == [
        {
            "id": twin,
            "name": "Twin",
            "state": "terminated",
            "because": ["owner-domain shop.example"],
        }
    ]
    assert "Twin (terminated: owner-domain" in run("account", "show", str(site.account_id)).stdout
