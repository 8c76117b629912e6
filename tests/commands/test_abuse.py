"""`python -m relay abuse`: what operators see of people's reports."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from relay import db
from relay.__main__ import cli
from relay.errors import NotFound
from relay.services import abuse_reports
from relay.services.person_links import PersonLink
from relay.vocabulary import AbuseReason
from tests import factories
from tests.databases import Databases
from tests.fakes import MORNING


@pytest.fixture
def site_id(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> str:
    """A site whose mail one person reported, in an installation of its own."""
    url = databases.fresh()
    monkeypatch.setenv("POSTREEVE_DATABASE_URL", url)
    monkeypatch.setenv("POSTREEVE_SECRET", factories.SECRET)
    monkeypatch.setenv("POSTREEVE_AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    engine = db.connect(url, pool=1)
    with db.writing(engine).begin() as session:
        site = factories.make_site(session, factories.make_account(session))
        abuse_reports.report(
            session,
            PersonLink(site.id, factories.parse("ada@customer.example"), "marketing"),
            reason=AbuseReason.FRAUD,
            comment="They ask for money.",
            evidence={"page": "report-abuse"},
            now=MORNING,
        )
    engine.dispose()
    return str(site.id)


def test_an_operator_lists_and_reads_reports(site_id: str) -> None:
    run = CliRunner()

    (row,) = json.loads(run.invoke(cli, ["abuse", "list", "--json"]).stdout)
    assert (row["reason"], row["site_id"]) == ("fraud", site_id)
    assert "fraud" in run.invoke(cli, ["abuse", "list", "--site", site_id]).stdout

    shown = run.invoke(cli, ["abuse", "show", row["id"], "--json"])
    report = json.loads(shown.stdout)
    assert report["comment"] == "They ask for money."
    assert report["address"] == "ada@customer.example"


def test_a_site_without_reports_and_a_report_that_is_none(site_id: str) -> None:
    run = CliRunner()
    unknown = "018f0000-0000-7000-8000-000000000001"

    assert "Nobody has reported" in run.invoke(cli, ["abuse", "list", "--site", unknown]).stdout
    assert isinstance(run.invoke(cli, ["abuse", "show", unknown]).exception, NotFound)
