"""`python -m relay held`: what operators see of held mail, and what they decide."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from relay.context import Relay
from relay.models import Recipient, Site
from tests import factories
from tests.commands.running import run
from tests.steps import accept, look

PAGE = (
    "<html><style>p{color:red}</style><p>Hello Ada,</p>"
    '<p>the <b>sale</b> begins: <a href="https://bank.example/login">our shop</a>\x1b[31m</p></html>'
)


@pytest.fixture(autouse=True)
def campaign(installation: Relay) -> None:
    """One site's offer to 101 people is held."""
    site, _ = factories.make_shop(installation)
    for crowd in range(3):
        people = [f"p{crowd}-{n}@customer.example" for n in range(34)]
        accept(installation, site, to=people, body=PAGE, Content_Type="text/html; charset=UTF-8")
    while look(installation):
        pass


def the_review() -> str:
    (row,) = json.loads(run("held", "list", "--json").stdout)
    assert (row["kind"], row["people"], row["held"]) == ("campaign-in-disguise", 102, 102)
    return str(row["id"])


def test_held_mail_is_listed_and_shown_without_its_tricks(installation: Relay) -> None:
    review = the_review()
    shown = run("held", "show", review).stdout
    assert "│ the sale begins: our shop" in shown
    assert "https://bank.example/login" in shown
    assert "<p>" not in shown
    assert "\x1b" not in shown
    assert "color:red" not in shown
    assert f"held release {review}" in shown


def test_a_released_campaign_is_in_the_queue(installation: Relay) -> None:
    done = run("held", "release", the_review(), "--reason", "a cancelled concert", "--json")
    assert json.loads(done.stdout)["copies"] == 102
    assert stages(installation) == {"queued"}
    assert "No mail waits" in run("held", "list").stdout
    (row,) = json.loads(run("held", "list", "--decided", "--json").stdout)
    assert (row["decision"], row["held"]) == ("released", 0)
    assert "a cancelled concert" in run("held", "show", row["id"]).stdout


def test_a_rejected_one_has_ended_and_is_decided_once(installation: Relay) -> None:
    review = the_review()
    assert "Rejected" in run("held", "reject", review, "--reason", "a bought list").stdout
    assert stages(installation) == {"done"}
    again = run("held", "release", review, "--reason", "or not")
    assert (again.returncode, "rejected already" in again.stderr) == (1, True)


def test_without_a_reason_nothing_is_decided(installation: Relay) -> None:
    assert "Missing option '--reason'" in run("held", "release", the_review()).stderr
    assert stages(installation) == {"held"}


def test_a_link_that_pretends_is_shown_with_what_was_found(installation: Relay) -> None:
    with installation.reads() as session:
        site = session.scalars(select(Site)).first()
    assert site is not None
    body = '<a href="https://evil.example/x">https://www.paypal.com</a>'
    accept(
        installation, site, to=["pretence@customer.example"], body=body, read_one_in=1,
        Content_Type="text/html; charset=UTF-8",
    )  # fmt: skip
    while look(installation):
        pass
    rows = json.loads(run("held", "list", "--json").stdout)
    (id,) = (row["id"] for row in rows if row["kind"] == "look-alike-link")

    shown = json.loads(run("held", "show", id, "--json").stdout)

    assert shown["evidence"] == {
        "host": "evil.example", "brand": "paypal.com", "shown": "www.paypal.com",
        "link": "https://evil.example/x",
    }  # fmt: skip
    done = run("held", "release", id, "--reason", "a course about phishing", "--json")
    assert json.loads(done.stdout)["copies"] == 1


def test_a_review_that_is_none(installation: Relay) -> None:
    nowhere = run("held", "show", "018f0000-0000-7000-8000-000000000001")
    assert (nowhere.returncode, "held list" in nowhere.stderr) == (1, True)


def stages(installation: Relay) -> set[str]:
    with installation.reads() as session:
        found = session.scalars(
            select(Recipient.stage).where(Recipient.address.like("p%@customer.example"))
        )
        return {stage.value for stage in found}
