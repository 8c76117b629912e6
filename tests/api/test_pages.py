"""The pages for people, and the document for programs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from relay.pages import start
from relay.policy.acceptable_use import VERSION
from tests.api.requests import check_problem

PAGES = [
    "/",
    "/docs",
    "/policy",
    "/problems/",
    "/problems/sender-not-verified",
    "/remarks/",
    "/remarks/brand-in-name",
]

documented = pytest.mark.skipif(
    not start.PROBLEMS.exists(), reason="docs/problems.md is not written yet"
)


@documented
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_shown_and_lets_nothing_foreign_in(path: str, client: FlaskClient) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/docs", "/policy"])
def test_a_page_loads_nothing_from_elsewhere(path: str, client: FlaskClient) -> None:
    text = client.get(path).text
    for attribute in ("src=", "href=", "action="):
        for piece in text.split(attribute)[1:]:
            target = piece[1:].partition(piece[0])[0]
            assert target.startswith("/") or target.endswith(".md"), target


@documented
@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(path: str, client: FlaskClient) -> None:
    targets = set(re.findall(r'href="([^"#]+)', client.get(path).text))

    found = {}
    for target in targets:
        with client.get(target) as response:
            found[target] = response.status_code
    assert set(found.values()) == {200}, found


@documented
def test_the_type_of_a_problem_leads_to_its_page(
    client: FlaskClient, bearer: dict[str, str]
) -> None:
    told = client.post("/v1/messages", headers=bearer).json
    path = told["type"].removeprefix("https://relay.example")
    assert client.get(path).status_code == 200


@documented
def test_there_is_no_page_about_an_unknown_problem(client: FlaskClient) -> None:
    check_problem(client.get("/problems/nothing-like-it"), 404, "not-found")
    check_problem(client.get("/problems/%3Cscript%3E"), 404, "not-found")


def test_the_policy_page_is_the_document_in_force(client: FlaskClient) -> None:
    text = client.get("/policy").text
    assert f"Version {VERSION}" in text
    assert text.count("<h1>") == 1
    assert "<h2>What you may not send</h2>" in text
    assert "two working" in text


def test_static_files_stay_in_their_folder(client: FlaskClient) -> None:
    with client.get("/static/postreeve.css") as response:
        assert response.status_code == 200
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"):
        assert client.get(path).status_code == 404


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json
    return found


def test_the_document_names_every_route_of_the_API(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    assert document["openapi"].startswith("3.1")
    described = {
        (path, method.upper()) for path, item in document["paths"].items() for method in item
        if method in ("get", "post", "put", "patch", "delete")
    }  # fmt: skip
    for rule in client.application.url_map.iter_rules():
        if rule.rule.startswith("/v1/"):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                assert (path, method) in described


def test_the_document_says_how_to_show_the_key_and_what_may_go_wrong(
    document: dict[str, Any],
) -> None:
    assert document["security"] == [{"key": []}]
    for item in document["paths"].values():
        for method, operation in item.items():
            if method in ("get", "post", "put", "patch", "delete"):
                assert operation["summary"]
                public = operation.get("security") == []
                refusals = {"default"} if public else {"401", "403", "default"}
                assert refusals <= set(operation["responses"])


def test_the_kept_document_is_current(document: dict[str, Any]) -> None:
    kept = Path(start.PROBLEMS).parent / "openapi.json"
    if not kept.exists():
        pytest.skip("docs/openapi.json is not written yet")
    assert json.loads(kept.read_text()) == document, "run: python -m relay openapi --write " + str(
        kept.relative_to(kept.parents[1])
    )
