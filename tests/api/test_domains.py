"""`/v1/domains`: add, look, agree, give up; and the page for the person with the DNS."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from relay.context import Relay
from relay.models import Account, Site
from relay.services import domain_rules
from relay.vocabulary import Scope
from tests import factories
from tests.api.requests import check_problem
from tests.fakes import FakeClock, FakeIdentities, FakeNames

Headers = dict[str, str]


@pytest.fixture
def manager(relay: Relay, site: Site) -> Headers:
    """The headers of a request with a key that may manage."""
    return keyed(relay, site)


@pytest.fixture
def stranger(relay: Relay) -> tuple[Headers, Account]:
    """The headers of another account's request, and the account."""
    with relay.sessions.begin() as session:
        account = factories.make_account(session, name="Other")
        site = factories.make_site(session, account, url="https://other.example")
    return keyed(relay, site), account


def keyed(relay: Relay, site: Site) -> Headers:
    with relay.sessions.begin() as session:
        made = factories.make_key(session, site, scopes=list(Scope))
    return {"Authorization": f"Bearer {made.secret}"}


def add(client: FlaskClient, headers: Headers, name: str = "new.example") -> dict[str, Any]:
    response = client.post("/v1/domains", json={"name": name}, headers=headers)
    assert response.status_code == 201, response.text
    return response.json


def publish(told: dict[str, Any], names: FakeNames, identities: FakeIdentities) -> None:
    """Everything the answer asks for."""
    for record in told["records"]:
        if record["value"]:
            names.publish(record["name"], record["type"], record["value"])
    names.publish("amazonses.com", "TXT", "v=spf1 ip4:199.255.192.0/22 -all")
    names.publish(told["name"], "SOA", "ns.example")
    names.publish(told["name"], "A", "192.0.2.1")
    identities.verified.add(told["name"])


def test_adding_a_domain_says_what_to_publish(client: FlaskClient, manager: Headers) -> None:
    told = add(client, manager, "Bücher.example")

    assert (told["name"], told["unicode_name"]) == ("xn--bcher-kva.example", "bücher.example")
    assert (told["status"], told["usable"]) == ("pending", False)
    assert told["share_url"].startswith("https://relay.example/setup/")
    assert [(r["key"], r["type"], r["required"], r["result"]) for r in told["records"]][:4] == [
        ("ownership", "TXT", True, "unknown"),
        ("dkim-1", "CNAME", True, "unknown"),
        ("dkim-2", "CNAME", True, "unknown"),
        ("dkim-3", "CNAME", True, "unknown"),
    ]
    assert told["summary"] == "Publish the records below; we look every few minutes."


def test_a_check_finds_what_was_published_and_mail_may_leave(
    client: FlaskClient,
    manager: Headers,
    names: FakeNames,
    identities: FakeIdentities,
    clock: FakeClock,
) -> None:
    told = add(client, manager)
    seen = client.post("/v1/domains/new.example/check", headers=manager).json
    assert (seen["status"], seen["records"][0]["result"]) == ("pending", "fail")
    assert "_postreeve" in seen["records"][0]["fix"]

    publish(told, names, identities)
    clock.advance(minutes=1)
    seen = client.post("/v1/domains/NEW.example./check", headers=manager).json

    assert (seen["status"], seen["usable"]) == ("verified", True)
    assert {r["result"] for r in seen["records"]} == {"pass"}
    assert seen["alignment"]["dmarc"] is True
    assert [change["code"] for change in seen["history"]] == ["claimed", "proven"]
    assert client.get("/v1/domains/new.example", headers=manager).json == seen
    listed = client.get("/v1/domains", headers=manager).json["domains"]
    assert [each["name"] for each in listed] == ["new.example", "shop.example"]


def test_adding_goes_on_where_amazon_does_not_answer(
    client: FlaskClient, manager: Headers, identities: FakeIdentities
) -> None:
    identities.away = True

    told = add(client, manager)

    assert [(r["key"], r["code"]) for r in told["records"] if r["key"].startswith("dkim")] == [
        ("dkim", "provider-pending")
    ]


@pytest.mark.parametrize(
    ("name", "status", "slug"),
    [
        ("gmail.com", 422, "free-mail-sender"),
        ("paypa1.example", 422, "look-alike-domain"),
        ("co.uk", 422, "domain-refused"),
        ("shop.example", 409, "already-exists"),
        ("not a domain", 400, "request-invalid"),
        ("", 400, "request-invalid"),
    ],
)
def test_names_that_cannot_be_added(
    client: FlaskClient, manager: Headers, name: str, status: int, slug: str
) -> None:
    response = client.post("/v1/domains", json={"name": name}, headers=manager)

    check_problem(response, status, slug)
    assert len(client.get("/v1/domains", headers=manager).json["domains"]) == 1


def test_a_sub_domain_of_another_s_domain_takes_their_consent(
    client: FlaskClient, manager: Headers, stranger: tuple[Headers, Account]
) -> None:
    headers, account = stranger
    body = {"name": "sub.shop.example"}
    check_problem(client.post("/v1/domains", json=body, headers=headers), 422, "domain-taken")

    agreed = client.post(
        "/v1/domains/shop.example/consents", json={"account": str(account.id)}, headers=manager
    )
    assert agreed.json["consents"] == [str(account.id)]
    assert client.post("/v1/domains", json=body, headers=headers).status_code == 201

    withdrawn = client.delete(f"/v1/domains/shop.example/consents/{account.id}", headers=manager)
    assert withdrawn.json["consents"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/v1/domains/shop.example"),
        ("delete", "/v1/domains/shop.example"),
        ("post", "/v1/domains/shop.example/check"),
    ],
)
def test_another_account_s_domain_does_not_exist(
    client: FlaskClient, stranger: tuple[Headers, Account], method: str, path: str
) -> None:
    check_problem(getattr(client, method)(path, headers=stranger[0]), 404, "not-found")


def test_a_domain_given_up_is_gone_and_its_link_with_it(
    client: FlaskClient, manager: Headers
) -> None:
    page = add(client, manager)["share_url"].removeprefix("https://relay.example")
    assert client.get(page).status_code == 200

    assert client.delete("/v1/domains/new.example", headers=manager).status_code == 204

    check_problem(client.get("/v1/domains/new.example", headers=manager), 404, "not-found")
    gone = client.get(page)
    assert gone.status_code == 404
    assert "This link does not work any more" in gone.text


def test_the_share_page_shows_what_to_publish_and_what_is_there(
    client: FlaskClient,
    manager: Headers,
    names: FakeNames,
    clock: FakeClock,
) -> None:
    told = add(client, manager)
    page = told["share_url"].removeprefix("https://relay.example")
    names.publish("_postreeve.new.example", "TXT", "hello <script>")

    assert client.post(page).status_code == 303
    shown = client.get(page)

    assert told["records"][0]["value"] in shown.text
    assert "token1ofnew._domainkey" in shown.text
    assert "hello &lt;script&gt;" in shown.text
    assert "Checked a moment ago, next in 5 minutes." in shown.text
    assert shown.headers["X-Robots-Tag"] == "noindex"
    assert shown.headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in shown.headers["Content-Security-Policy"]


def test_looking_at_the_share_page_asks_nobody(
    client: FlaskClient, manager: Headers, names: FakeNames
) -> None:
    page = add(client, manager)["share_url"].removeprefix("https://relay.example")

    client.get(page)
    client.head(page)

    assert names.asked == []


def test_the_records_come_as_a_zone_file_too(client: FlaskClient, manager: Headers) -> None:
    told = add(client, manager)
    page = told["share_url"].removeprefix("https://relay.example")

    text = client.get(f"{page}/zone.txt").text

    import dns.zone

    zone = dns.zone.from_text(text, origin="new.example.", check_origin=False)
    published = {
        (name.derelativize(zone.origin).to_text(omit_final_dot=True), data.to_text().strip('"'))
        for name, _, data in zone.iterate_rdatas()
    }
    assert (told["records"][0]["name"], told["records"][0]["value"]) in published
    assert len(published) == len([r for r in told["records"] if r["value"]])


@pytest.mark.parametrize("token", ["", "x", "%00", "a" * 500, "../health"])
def test_a_made_up_link_shows_nothing(client: FlaskClient, token: str) -> None:
    assert client.get(f"/setup/{token}").status_code == 404


def test_a_zone_file_of_a_made_up_link_is_a_page_for_people(client: FlaskClient) -> None:
    assert "This link does not work any more" in client.get(f"/setup/{'a' * 32}/zone.txt").text


def test_the_share_page_of_a_closed_domain_asks_nobody_to_publish_anything(
    client: FlaskClient, manager: Headers, relay: Relay
) -> None:
    told = add(client, manager)
    with relay.sessions.begin() as session:
        domain_rules.ban(session, "new.example", reason="phishing", now=relay.clock())

    shown = client.get(told["share_url"].removeprefix("https://relay.example")).text

    assert "Closed by an operator" in shown
    assert "Nothing has to be published" in shown
    assert "Add these records" not in shown
    assert told["records"][0]["value"] not in shown
    assert "Check again" not in shown


@pytest.mark.parametrize(
    "path",
    [
        "new.example.",
        "NEW.Example",
        "n%65w.example",
        "%20new.example",
        "new。example",
        "ｎｅｗ.example",
    ],
)
def test_a_domain_is_found_however_its_name_is_written(
    client: FlaskClient, manager: Headers, path: str
) -> None:
    add(client, manager)
    assert client.get(f"/v1/domains/{path}", headers=manager).json["name"] == "new.example"


@pytest.mark.parametrize(
    "path", ["a" * 300, "a." * 200 + "b", "%ff%fe", "%00", "..", "*", "1.2.3.4"]
)
def test_what_is_no_name_is_no_domain(client: FlaskClient, manager: Headers, path: str) -> None:
    check_problem(client.get(f"/v1/domains/{path}", headers=manager), 404, "not-found")
