"""Requests that once broke something, found by asking at random (test_openapi_fuzz.py)."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from relay.context import Relay
from relay.models import Site
from tests.api.requests import check_problem, encoded, metadata, raw_parts
from tests.steps import accept, rows

JSON = "application/json"
LETTER = {"from": "news@shop.example", "to": ["ada@customer.example"], "text": "Hello"}


def stored(relay: Relay) -> dict[str, int]:
    with relay.reads() as session:
        return rows(session)


DEEP_JSON = b'{"to":' * 100_000
NUMBER_TOO_LONG_FOR_PYTHON = b'{"to": [' + b"1" * 5_000 + b"]}"


@pytest.mark.parametrize(
    "body",
    [DEEP_JSON, b"[" * 100_000, NUMBER_TOO_LONG_FOR_PYTHON, b'{"to": ["\\ud800@x.example"]}',
     b'{"to": ["a\\u0000@x.example"]}', b'{"to": [NaN]}', b'"\\ud800"', b"\xff", b"null", b"[]"],
    ids=lambda body: body[:20].decode("ascii", "replace"),
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/messages/{id}/resend", "/v1/messages", "/v1/messages/batch"])
def test_JSON_that_only_looks_like_it_is_refused(
    path: str, body: bytes, client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site
) -> None:
    path = path.format(id=accept(relay, site)["id"])
    before = stored(relay)

    response = client.post(path, data=body, content_type=JSON, headers=bearer)

    check_problem(response, 400, "request-invalid", pointer="#")
    assert stored(relay) == before


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_corrected_addresses_in_another_format_do_not_send_to_the_old_ones(
    content_type: str, client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site
) -> None:
    path = f"/v1/messages/{accept(relay, site)['id']}/resend"
    before = stored(relay)

    response = client.post(
        path, data=b"to=corrected@customer.example", content_type=content_type, headers=bearer
    )

    check_problem(response, 400, "request-invalid")
    assert stored(relay) == before


def test_resending_to_the_same_people_needs_no_body(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site
) -> None:
    path = f"/v1/messages/{accept(relay, site)['id']}/resend"

    response = client.post(path, headers=bearer)

    assert response.status_code == 202
    assert [each["address"] for each in response.json["recipients"]] == ["ada@customer.example"]


@pytest.mark.parametrize("text", ["NUL \x00", "half a pair \ud800"])
def test_text_that_cannot_be_stored_spoils_only_its_own_message(
    text: str, client: FlaskClient, bearer: dict[str, str]
) -> None:
    body = {"messages": [LETTER, LETTER | {"text": text}, LETTER]}

    response = client.post("/v1/messages/batch", json=body, headers=bearer)

    first, second, third = response.json["results"]
    assert (first["status"], second["status"], third["status"]) == (202, 400, 202)
    assert second["problem"]["errors"][0]["pointer"] == "#/messages/1"


def test_the_metadata_of_a_large_batch_need_no_filename(
    client: FlaskClient, bearer: dict[str, str]
) -> None:
    messages = {"messages": [metadata() | {"message": "message"}]}
    body = encoded(raw_parts(json.dumps(messages) + " " * 3_000_000))

    response = client.post(
        "/v1/messages/batch",
        data=body,
        content_type=f"multipart/form-data; boundary={body[2 : body.index(13)].decode()}",
        headers=bearer,
    )

    assert response.status_code == 200
    assert response.json["results"][0]["status"] == 202


@pytest.mark.parametrize("person", ["", "nobody", "%00"])
@pytest.mark.parametrize(
    ("path", "name"), [("/v1/messages", "recipient"), ("/v1/suppressions", "address")]
)
def test_a_person_that_is_no_address_is_pointed_at(
    path: str, name: str, person: str, client: FlaskClient, bearer: dict[str, str]
) -> None:
    response = client.get(f"{path}?{name}={person}", headers=bearer)
    check_problem(response, 400, "request-invalid", pointer=f"#/query/{name}")
