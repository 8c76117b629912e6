"""`/v1/subscriptions/{email}/proof`: as JSON for programs, as a page for people."""

from __future__ import annotations

from flask.testing import FlaskClient

from relay.context import Relay
from relay.models import Site
from tests.api.requests import check_problem
from tests.api.test_people import manager  # noqa: F401  (a fixture)
from tests.factories import make_record
from tests.services.test_ledger import seal

URL = "/v1/subscriptions/ada@customer.example/proof"


def test_a_proof_is_given_in_two_forms(
    client: FlaskClient,
    relay: Relay,
    site: Site,
    manager: dict[str, str],  # noqa: F811
) -> None:
    make_record(relay, site, "ada@customer.example")
    seal(relay)

    proof = client.get(URL, headers=manager)
    assert proof.json["lists"][0]["steps"][0]["proven"] == {"hash": True, "commitment": True}
    assert proof.json["head"].startswith("1:")

    page = client.get(f"{URL}?format=html", headers=manager)
    assert page.content_type == "text/html; charset=utf-8"
    assert "<title>Proof of consent: ada@customer.example</title>" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


def test_there_is_none_of_somebody_unknown(
    client: FlaskClient,
    manager: dict[str, str],  # noqa: F811
) -> None:
    check_problem(client.get(URL, headers=manager), 404, "not-found")
    check_problem(client.get(f"{URL}?format=pdf", headers=manager), 400, "request-invalid")


def test_a_key_that_sends_proves_nothing(client: FlaskClient, bearer: dict[str, str]) -> None:
    check_problem(client.get(URL, headers=bearer), 403, "scope-missing")
