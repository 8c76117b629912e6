"""`/v1/lists`: no list without somebody who answers for it by name and address."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from relay.context import Relay
from relay.models import Account, Site
from relay.vocabulary import DomainStatus, Scope
from tests import factories
from tests.api.requests import check_problem

Headers = dict[str, str]

NEWS = {
    "key": "news",
    "name": "Shop news",
    "controller": "Shop Ltd",
    "postal_address": "1 Market Street\nSpringfield",
    "privacy_url": "https://shop.example/privacy",
    "language": "de-AT",
    "sender": "Reader@shop.example",
}


@pytest.fixture
def manager(relay: Relay, site: Site) -> Headers:
    """The headers of a request with a key that may read and manage."""
    with relay.sessions.begin() as session:
        made = factories.make_key(session, site, scopes=(Scope.READ, Scope.MANAGE))
    return {"Authorization": f"Bearer {made.secret}"}


def test_a_list_is_made_shown_changed_and_archived(client: FlaskClient, manager: Headers) -> None:
    made = client.post("/v1/lists", json=NEWS, headers=manager)
    assert made.status_code == 201
    assert made.json | NEWS | {"language": "de"} == made.json
    assert client.get("/v1/lists/news", headers=manager).json == made.json
    changed = client.patch("/v1/lists/news", json={"name": "Offers"}, headers=manager).json
    assert changed == made.json | {"name": "Offers"}
    assert client.get("/v1/lists", headers=manager).json == {"lists": [changed]}
    archived = client.delete("/v1/lists/news", headers=manager).json
    assert archived["archived_at"] == "2026-11-22T09:00:00+00:00"
    assert client.delete("/v1/lists/news", headers=manager).json == archived
    assert client.get("/v1/lists", headers=manager).json == {"lists": []}
    assert client.get("/v1/lists?archived=true", headers=manager).json == {"lists": [archived]}
    check_problem(client.post("/v1/lists", json=NEWS, headers=manager), 409, "already-exists")
    back = client.patch("/v1/lists/news", json={"archived": False}, headers=manager).json
    assert back == changed


@pytest.mark.parametrize("missing", NEWS)
def test_nothing_of_it_may_be_missing(missing: str, client: FlaskClient, manager: Headers) -> None:
    given = {name: value for name, value in NEWS.items() if name != missing}
    answer = client.post("/v1/lists", json=given, headers=manager)
    check_problem(answer, 400, "request-invalid", pointer=f"#/{missing}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "News"), ("key", "-news"), ("key", "a b"), ("key", "x" * 65), ("key", "../x"),
        ("name", "  "), ("name", "See https://evil.example"), ("name", "x" * 201),
        ("controller", "ada@shop.example"), ("controller", "\u202eevil"),
        ("postal_address", "here"), ("postal_address", "x" * 501),
        ("postal_address", "1 Market Street\nhttps://evil.example"),
        ("privacy_url", "http://shop.com/privacy"), ("privacy_url", "javascript:alert(1)"),
        ("privacy_url", "/privacy"), ("privacy_url", "https://"), ("privacy_url", "https://a:x/"),
        ("privacy_url", "https://ada@shop.example/"), ("privacy_url", 'https://x.example/"><b'),
        ("language", "tlh"), ("sender", "news"), ("name", "nul\x00"), ("name", 5),
    ],
)  # fmt: skip
def test_what_is_not_right_is_pointed_at(
    name: str, value: Any, client: FlaskClient, manager: Headers
) -> None:
    answer = client.post("/v1/lists", json=NEWS | {name: value}, headers=manager)
    pointer = "#" if "\x00" in str(value) else f"#/{name}"
    check_problem(answer, 400, "request-invalid", pointer=pointer)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8080/p", "http://shop.test/p", "http://shop.example/p", "https://x.com"],
)
def test_a_privacy_page_may_be_http_where_no_visitor_comes(
    url: str, client: FlaskClient, manager: Headers
) -> None:
    answer = client.post("/v1/lists", json=NEWS | {"privacy_url": url}, headers=manager)
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("status", "answered"),
    [
        (DomainStatus.VERIFIED, 201), (DomainStatus.FAILING, 201), (DomainStatus.PENDING, 422),
        (DomainStatus.LAPSED, 422), (DomainStatus.SUSPENDED, 422),
    ],
)  # fmt: skip
def test_the_sender_is_in_a_usable_domain_of_the_account(
    status: DomainStatus, answered: int, client: FlaskClient, relay: Relay, account: Account,
    manager: Headers,
) -> None:  # fmt: skip
    with relay.sessions.begin() as session:
        factories.make_domain(session, account, "other.example", status)
    sender = {"sender": "news@mail.other.example"}
    answer = client.post("/v1/lists", json=NEWS | sender, headers=manager)
    assert answer.status_code == answered
    check_problem(
        client.post(
            "/v1/lists",
            json=NEWS | {"key": "x", "sender": "ceo@bank.example"},
            headers=manager,
        ),
        422,
        "sender-not-verified",
    )


def test_another_site_s_list_is_not_there_and_its_key_may_be_used(
    client: FlaskClient, relay: Relay, account: Account, manager: Headers
) -> None:
    with relay.sessions.begin() as session:
        factories.make_list(session, factories.make_site(session, account))
    for answer in (
        client.get("/v1/lists/news", headers=manager),
        client.patch("/v1/lists/news", json={}, headers=manager),
        client.delete("/v1/lists/news", headers=manager),
    ):
        check_problem(answer, 404, "not-found")
    assert client.post("/v1/lists", json=NEWS, headers=manager).status_code == 201
