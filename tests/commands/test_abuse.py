"""`python -m relay abuse`: what operators see of people's reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relay.context import Relay
from relay.models import KeyNetwork, LinkHost
from relay.services import abuse_reports
from relay.services.accounts import find_key
from relay.services.person_links import PersonLink
from relay.vocabulary import AbuseReason
from tests import factories
from tests.commands.running import run
from tests.fakes import MORNING
from tests.feedback import make_feedback


@pytest.fixture
def site_id(installation: Relay) -> str:
    """A site whose mail one person reported."""
    with installation.sessions.begin() as session:
        site = factories.make_site(session, factories.make_account(session))
        abuse_reports.report(
            session,
            PersonLink(site.id, factories.parse("ada@customer.example"), "marketing"),
            reason=AbuseReason.FRAUD,
            comment="They ask for money.",
            evidence={"page": "report-abuse"},
            now=MORNING,
        )
    return str(site.id)


def test_an_operator_lists_and_reads_reports(site_id: str) -> None:
    (row,) = json.loads(run("abuse", "list", "--json").stdout)
    assert (row["reason"], row["site_id"]) == ("fraud", site_id)
    assert "fraud" in run("abuse", "list", "--site", site_id).stdout

    shown = run("abuse", "show", row["id"], "--json")
    report = json.loads(shown.stdout)
    assert report["comment"] == "They ask for money."
    assert report["address"] == "ada@customer.example"


def test_the_desk_shows_closes_and_writes_down(site_id: str) -> None:
    added = run("abuse", "add", "--site", site_id, "--address", "bob@customer.example",
                "--as", "never-signed-up", "--comment", "By telephone.", "--json")  # fmt: skip
    new = json.loads(added.stdout)["report_id"]
    opened = json.loads(run("abuse", "list", "--open", "--json").stdout)
    assert [(row["severity"], row["origin"]) for row in opened] == [
        ("fraud", "page"), ("no-consent", "operator"),
    ]  # fmt: skip
    assert "never signed up here" in run("abuse", "show", opened[0]["id"]).stdout
    assert "Left" in run("abuse", "show", new).stdout  # it stopped their mail
    assert "By telephone." in run("abuse", "show", new).stdout

    done = run("abuse", "close", new, "--reason", "site was warned", "--acted", "--by", "eve")
    assert "Closed" in done.stdout
    again = run("abuse", "close", new, "--reason", "twice")
    assert (again.returncode, "acted already" in again.stderr) == (1, True)
    assert len(json.loads(run("abuse", "list", "--open", "--json").stdout)) == 1
    told = json.loads(run("abuse", "show", new, "--json").stdout)
    assert (told["decision"], told["because"], told["decided_by"]) == (
        "acted", "site was warned", "operator:eve",
    )  # fmt: skip
    assert run("abuse", "close", new, "--reason", " ").returncode == 1


def test_feedback_is_taken_from_a_file_and_says_what_it_found(site_id: str, tmp_path: Path) -> None:
    file = tmp_path / "report.eml"
    file.write_bytes(make_feedback())

    first, again = (run("abuse", "arf", str(file)) for _ in range(2))

    assert "Nobody knows which mail it is about" in first.stdout
    assert "taken in before" in again.stdout
    (row,) = json.loads(run("abuse", "unmatched", "--json").stdout)
    assert row["message-id"] == "<x@elsewhere.example>"
    refused = run("abuse", "arf", "-", given="Dear Sir,")
    assert (refused.returncode, "multipart/report" in refused.stderr) == (1, True)


def test_feedback_that_fits_no_mail_is_listed_page_by_page_whatever_it_says(
    installation: Relay,
) -> None:
    headers = ("Message-ID: <1@elsewhere.example>", "Subject: Hello", "Date: yesterday")
    for returned in headers:
        assert run("abuse", "arf", "-", given=make_feedback(returned=returned).decode()).stdout

    shown = run("abuse", "unmatched")
    assert all(header.partition(": ")[2] in shown.stdout for header in headers), shown

    pages, cursor = [], []
    while not pages or cursor:
        page = run("abuse", "unmatched", "--json", "--limit", "2", *cursor)
        pages.append(json.loads(page.stdout))
        cursor = page.stderr.split()[-2:]
    assert [len(page) for page in pages] == [2, 1]
    assert [*pages[0], *pages[1]] == json.loads(run("abuse", "unmatched", "--json").stdout)


def test_a_site_without_reports_has_none(installation: Relay) -> None:
    with installation.sessions.begin() as session:
        site_id = str(factories.make_site(session, factories.make_account(session)).id)

    assert "Nobody has reported" in run("abuse", "list", "--site", site_id).stdout


def test_where_mail_leads_and_from_where_keys_are_used(installation: Relay) -> None:
    with installation.sessions.begin() as session:
        one, other = (factories.make_account(session, name=name) for name in ("One", "Other"))
        site = factories.make_site(session, one)
        prefix = factories.make_key(session, site).key.prefix
        for account in (one, other):
            session.add(
                LinkHost(
                    site_id=factories.make_site(session, account).id, host="partner.example",
                    account_id=account.id, first_seen_at=MORNING, last_seen_at=MORNING, mails=3,
                )
            )  # fmt: skip

    (row,) = json.loads(run("abuse", "links", str(one.id), "--json").stdout)
    assert (row["host"], row["mails"], row["others"]) == (
        "partner.example", 3, [f"{other.id} Other"],
    )  # fmt: skip
    assert "handed in with this key yet" in run("abuse", "networks", prefix).stdout
    with installation.sessions.begin() as session:
        key_id = find_key(session, prefix).id
        session.add(
            KeyNetwork(
                key_id=key_id, network="192.0.2.0/24", first_seen_at=MORNING, last_seen_at=MORNING
            )
        )
    assert "192.0.2.0/24" in run("abuse", "networks", prefix).stdout
