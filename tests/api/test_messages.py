"""POST and GET /v1/messages as the plugin uses them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

from relay.addresses import parse
from relay.api.drafts import LARGEST_REQUEST
from relay.context import Relay
from relay.db import new_id
from relay.gateways.mime import LARGEST
from relay.models import Account, KeyNetwork, Message, Site
from relay.policy.lifecycle import STATUSES
from relay.services import retention
from relay.services.searches import MOST_LOOKED_AT
from relay.vocabulary import DomainStatus, State
from tests import factories
from tests.api.requests import (
    BOUNDARY,
    check_problem,
    encoded,
    metadata,
    parts,
    raw_parts,
)
from tests.factories import make_message
from tests.fakes import FakeClock, FakeMailer, provider_id
from tests.steps import accept, deliver_due, rows, subscribe, tell

Post = Callable[..., TestResponse]


def stored(relay: Relay) -> dict[str, int]:
    with relay.reads() as session:
        return rows(session)


# --- accepting ------------------------------------------------------------------------------


def test_a_message_is_accepted(post: Post, relay: Relay, mailer: FakeMailer) -> None:
    response = post(to=["ada@customer.example", "bob@customer.example"])

    assert response.status_code == 202
    receipt = response.json
    assert response.headers["Location"] == f"/v1/messages/{receipt['id']}"
    assert receipt["stream"] == "transactional"
    assert datetime.fromisoformat(receipt["accepted_at"]).utcoffset() is not None
    assert [(each["address"], each["disposition"], each["reason"]) for each in receipt["recipients"]] == [
        ("ada@customer.example", "queued", None),
        ("bob@customer.example", "queued", None),
    ]  # fmt: skip
    deliver_due(relay)
    assert [b"".join(copy.parts) for copy in mailer.sent] == [make_message()] * 2


def test_the_bytes_of_the_message_arrive_as_they_are(
    post: Post, relay: Relay, mailer: FakeMailer
) -> None:
    message = make_message("Grüße – \x7f\r\n--boundary\r\n.\r\n\r\nFrom x\r\n" + "y" * 998 + "\r\n")
    post(message=message)
    deliver_due(relay)
    assert b"".join(mailer.sent[0].parts) == message


@pytest.mark.parametrize(
    "given",
    [
        {"stream": "marketing", "list": "news"},
        {"kind": "security"},
        {"kind": None, "list": None, "source": None, "expires_at": None},
        {"source": {}},
        {"source": {"plugin": "contact-form-7", "form": "12"}},
        {"expires_at": "2026-11-22T10:00:00Z"},
        {"expires_at": "2026-11-22T12:00:00+02:00"},
        {"envelope": {"to": ["ada@customer.example"]}},
        {"envelope": {"from": "", "to": ["ada@customer.example"]}},
        {"envelope": {"from": "news@shop.example", "to": ["ada@bücher.example"]}},
        {"envelope": {"to": [f"p{n}@customer.example" for n in range(50)]}},
        {"source": {"plugin": "Grüße 😀"}},
    ],
)
def test_all_that_the_metadata_may_say(
    given: dict[str, Any], post: Post, relay: Relay, site: Site
) -> None:
    subscribe(relay, site, parse("ada@customer.example"))
    assert post(**given).status_code == 202


def test_metadata_may_come_with_a_filename_too(client: FlaskClient, bearer: dict[str, str]) -> None:
    body = parts()
    body["metadata"] = (io.BytesIO(json.dumps(metadata()).encode()), "metadata.json")
    assert client.post("/v1/messages", data=body, headers=bearer).status_code == 202


@pytest.mark.parametrize(
    "subject",
    ["=?UTF-7?Q?+2AA-?=", "=?UTF-8?Q?=00?=", "=?UTF-8?Q?=0D=0ABcc:_x?=", "=?x?Q?=FF?=", "x" * 900],
)
def test_a_hostile_subject_does_no_harm(
    subject: str, post: Post, client: FlaskClient, bearer: dict[str, str]
) -> None:
    response = post(message=make_message(Subject=subject))
    assert response.status_code == 202
    assert client.get(response.headers["Location"], headers=bearer).status_code == 200


def test_a_large_message_is_accepted(post: Post) -> None:
    message = make_message() + (b"y" * 78 + b"\r\n") * 100_000
    assert post(message=message).status_code == 202


# --- once per Idempotency-Key ---------------------------------------------------------------


def test_a_repetition_gets_the_same_answer(post: Post, relay: Relay) -> None:
    key = {"Idempotency-Key": "3e9e1f0c-1111-4222-8333-444455556666"}
    first, again = post(headers=key), post(headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(deliver_due(relay)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"to": ["bob@customer.example"]},
        {"stream": "marketing"},
        {"message": make_message("Another.\r\n")},
    ],
)
def test_the_key_of_another_request_is_a_conflict(other: dict[str, Any], post: Post) -> None:
    key = {"Idempotency-Key": "k1"}
    post(headers=key)
    check_problem(post(headers=key, **other), 409, "idempotency-key-reused")


@pytest.mark.parametrize("part", ["message", "a-name-of-its-own"])
def test_a_message_repeated_in_a_batch_is_the_same_message(
    part: str, post: Post, client: FlaskClient, bearer: dict[str, str], relay: Relay
) -> None:
    first = post(headers={"Idempotency-Key": "k1"})
    entry = {**metadata(), "idempotency_key": "k1", "message": part}
    body = raw_parts(json.dumps({"messages": [entry]}))
    body[part] = body.pop("message")

    again = client.post(
        "/v1/messages/batch",
        data=encoded(body),
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
        headers=bearer,
    )

    (result,) = again.get_json()["results"]
    assert (result["status"], result["replayed"]) == (202, True)
    assert result["receipt"] == first.get_json()
    assert len(deliver_due(relay)) == 1


@pytest.mark.parametrize("text", ["k", "x" * 255, "with space", "!~"])
def test_what_may_be_a_key(text: str, post: Post) -> None:
    assert post(headers={"Idempotency-Key": text}).status_code == 202


@pytest.mark.parametrize("text", ["", "x" * 256, "ümlaut", "tab\tbed", "\x7f"])
def test_what_may_not_be_a_key(text: str, post: Post) -> None:
    check_problem(
        post(headers={"Idempotency-Key": text}),
        400,
        "request-invalid",
        pointer="#/headers/Idempotency-Key",
    )


# --- what is not valid: a pointer, and nothing stored ---------------------------------------


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"envelope": {"to": ["nobody"]}}, "#/metadata/envelope/to/0"),
        ({"envelope": {"to": ["ada@customer.example", "@x"]}}, "#/metadata/envelope/to/1"),
        ({"envelope": {"to": ["Ada <ada@customer.example>"]}}, "#/metadata/envelope/to/0"),
        ({"envelope": {"to": ["ada@customer.example\r\nBcc: x@y.example"]}},
         "#/metadata/envelope/to/0"),
        ({"envelope": {"to": ["ada@customer.example, bob@customer.example"]}},
         "#/metadata/envelope/to/0"),
        ({"envelope": {"to": ["ädä@customer.example"]}}, "#/metadata/envelope/to/0"),
        ({"envelope": {"to": ["=?utf-8?q?bob=40bank.example?=@customer.example"]}},
         "#/metadata/envelope/to/0"),
        ({"envelope": {"to": ["x" * 2_000]}}, "#/metadata/envelope/to/0"),
        ({"envelope": {"to": [7]}}, "#/metadata/envelope/to/0"),
        ({"envelope": {"to": [None]}}, "#/metadata/envelope/to/0"),
        ({"envelope": {"to": []}}, "#/metadata/envelope/to"),
        ({"envelope": {"to": [f"p{n}@customer.example" for n in range(51)]}},
         "#/metadata/envelope/to"),
        ({"envelope": {"to": "ada@customer.example"}}, "#/metadata/envelope/to"),
        ({"envelope": {}}, "#/metadata/envelope/to"),
        ({"envelope": {"to": ["a@customer.example"], "cc": []}}, "#/metadata/envelope/cc"),
        ({"envelope": {"to": ["a@customer.example"], "from": "x"}}, "#/metadata/envelope/from"),
        ({"envelope": {"to": ["a@customer.example"], "from": None}}, "#/metadata/envelope/from"),
        ({"envelope": None}, "#/metadata/envelope"),
        ({"envelope": []}, "#/metadata/envelope"),
        ({"stream": "urgent"}, "#/metadata/stream"),
        ({"stream": None}, "#/metadata/stream"),
        ({"stream": ["marketing"]}, "#/metadata/stream"),
        ({"kind": "secret"}, "#/metadata/kind"),
        ({"list": "x" * 65}, "#/metadata/list"),
        ({"list": 7}, "#/metadata/list"),
        ({"source": {"plugin": "x" * 101}}, "#/metadata/source/plugin"),
        ({"source": {"theme": "x"}}, "#/metadata/source/theme"),
        ({"source": "woocommerce"}, "#/metadata/source"),
        ({"expires_at": "tomorrow"}, "#/metadata/expires_at"),
        ({"expires_at": "2026-11-23T10:00:00"}, "#/metadata/expires_at"),
        ({"expires_at": "2026-11-22T08:59:59Z"}, "#/metadata/expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "#/metadata/expires_at"),
        ({"expires_at": 1_763_802_000}, "#/metadata/expires_at"),
        ({"sream": "marketing"}, "#/metadata/sream"),
        ({"a/b~c": 1}, "#/metadata/a~1b~0c"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_pointed_at(
    given: dict[str, Any], pointer: str, post: Post, relay: Relay
) -> None:
    before = stored(relay)
    check_problem(post(**given), 400, "request-invalid", pointer=pointer)
    assert stored(relay) == before


def test_all_that_is_wrong_is_said_at_once(post: Post) -> None:
    told = post(stream="urgent", kind="secret", envelope={"to": [7]}).json
    assert {error["pointer"] for error in told["errors"]} == {
        "#/metadata/stream",
        "#/metadata/kind",
        "#/metadata/envelope/to/0",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"text"',
        "{'a': 1}",
        b"\xff\xfe",
        "[" * 100_000,
        "1" * 10_000,
        '{"stream": NaN}',
        '{"list": "nul \\u0000"}',
        '{"list": "lone \\ud800"}',
        '{"lone \\udfff": 1}',
        '{"source": {"plugin": ["\\ud800"]}}',
    ],
)
def test_metadata_that_is_no_JSON_we_can_keep_is_pointed_at(
    text: str | bytes, client: FlaskClient, bearer: dict[str, str], relay: Relay
) -> None:
    before = stored(relay)
    response = client.post("/v1/messages", data=raw_parts(text), headers=bearer)
    check_problem(response, 400, "request-invalid", pointer="#/metadata")
    assert stored(relay) == before


@pytest.mark.parametrize(
    ("message", "slug"),
    [
        (b"", "message-invalid"),
        (b"no header at all", "message-invalid"),
        (make_message(From=None), "message-invalid"),
        (make_message(From="a@shop.example, b@bank.example"), "message-invalid"),
        (make_message(Content_Type="multipart/alternative"), "message-invalid"),
        (make_message("x" * 1_000), "message-invalid"),
        (make_message("\x00"), "message-invalid"),
        (make_message(Subject="für"), "unsafe-header"),
        (make_message(Subject="x\x00"), "unsafe-header"),
        (make_message(Subject="x\r\nSubject: y"), "unsafe-header"),
        (make_message(To="a@x.example\r\nTo: b@x.example"), "unsafe-header"),
    ],
)
def test_a_message_that_is_no_mail_is_refused(
    message: bytes, slug: str, post: Post, relay: Relay
) -> None:
    before = stored(relay)
    check_problem(post(message=message), 400, slug)
    assert stored(relay) == before


@pytest.mark.parametrize("missing", ["metadata", "message"])
def test_both_parts_are_needed(missing: str, client: FlaskClient, bearer: dict[str, str]) -> None:
    body = parts()
    del body[missing]
    response = client.post(
        "/v1/messages", data=body, headers=bearer, content_type="multipart/form-data"
    )
    check_problem(response, 400, "request-invalid", pointer=f"#/{missing}")


def test_a_message_without_a_filename_is_explained(
    client: FlaskClient, bearer: dict[str, str]
) -> None:
    body = parts() | {"message": make_message().decode()}
    told = check_problem(
        client.post("/v1/messages", data=body, headers=bearer),
        400,
        "request-invalid",
        pointer="#/message",
    )
    assert "give it a filename" in told["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=", b"--\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--y\r\n\r\n--y--"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name="),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno disposition\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"\x00" * 1_000),
        ("multipart/form-data; boundary=x",
         b'--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{}'),  # cut off
        ("text/plain", b"hello"),
        ("message/rfc822", make_message()),
        ("application/x-www-form-urlencoded", b"metadata=%7B%7D"),
        ("", b""),
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"[]"),
    ],
)  # fmt: skip
def test_a_body_of_another_shape_is_refused(
    content_type: str, body: bytes, client: FlaskClient, bearer: dict[str, str], relay: Relay
) -> None:
    before = stored(relay)
    response = client.post("/v1/messages", data=body, content_type=content_type, headers=bearer)
    check_problem(response, 400, "request-invalid")
    assert stored(relay) == before


@pytest.mark.parametrize("more", [0, 20])
def test_too_many_parts_are_too_many(
    more: int, client: FlaskClient, bearer: dict[str, str]
) -> None:
    body = parts() | {f"extra{n}": "x" for n in range(more)}
    response = client.post("/v1/messages", data=body, headers=bearer)
    assert response.status_code in ((202,) if more == 0 else (202, 413))


def test_a_message_over_40_MB_is_too_large(post: Post, relay: Relay) -> None:
    before = stored(relay)
    message = make_message() + (b"y" * 78 + b"\r\n") * (LARGEST // 80)
    told = check_problem(post(message=message), 413, "message-too-large")
    assert told["limit"] == LARGEST
    assert stored(relay) == before


def test_a_request_that_says_it_is_huge_is_refused_unread(
    client: FlaskClient, bearer: dict[str, str]
) -> None:
    class Unread(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    response = client.post(
        "/v1/messages",
        headers=bearer,
        content_type="multipart/form-data; boundary=x",
        environ_overrides={
            "wsgi.input": Unread(),
            "CONTENT_LENGTH": str(LARGEST_REQUEST + 1),
        },
    )
    check_problem(response, 413, "message-too-large")


# --- what the rules say ---------------------------------------------------------------------


def test_a_sender_that_is_not_verified(post: Post, relay: Relay) -> None:
    before = stored(relay)
    told = check_problem(
        post(message=make_message(From="ceo@bank.example")), 422, "sender-not-verified"
    )
    assert told["domain"] == "bank.example"
    assert told["detail"] == "bank.example is not one of your sending domains"
    assert stored(relay) == before


def test_the_From_header_counts_and_not_the_envelope(post: Post) -> None:
    assert (
        post(envelope={"from": "x@bank.example", "to": ["a@customer.example"]}).status_code == 202
    )
    told = post(
        message=make_message(From="x@bank.example"),
        envelope={"from": "news@shop.example", "to": ["a@customer.example"]},
    )
    check_problem(told, 422, "sender-not-verified")


def test_a_domain_that_is_suspended(post: Post, relay: Relay, account: Account) -> None:
    with relay.sessions.begin() as session:
        factories.make_domain(session, account, "old.example", DomainStatus.SUSPENDED)
    told = check_problem(
        post(message=make_message(From="x@old.example")), 422, "sender-not-verified"
    )
    assert (told["domain"], told["domain_status"]) == ("old.example", "suspended")


def test_nobody_is_left_to_mail(post: Post, relay: Relay, site: Site) -> None:
    accept(relay, site)
    (envelope,) = deliver_due(relay)
    tell(relay, "Bounce", envelope)
    before = stored(relay)

    told = check_problem(post(to=["ADA@customer.example"]), 422, "nobody-to-mail")

    (person,) = told["recipients"]
    assert person["address"] == "ADA@customer.example"
    assert person["code"] == "suppressed"
    assert person["title"] == "Mail to this address came back: the mailbox does not exist"
    assert stored(relay) == before


@pytest.mark.parametrize(
    ("state", "slug"),
    [
        (State.PENDING, "account-pending"),
        (State.SUSPENDED, "account-suspended"),
        (State.TERMINATED, "account-suspended"),
    ],
)
def test_an_account_that_may_not_send(
    state: State, slug: str, post: Post, relay: Relay, account: Account
) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Account, account.id).state = state
    before = stored(relay)
    check_problem(post(), 403, slug)
    assert stored(relay) == before


def test_a_suspended_sites_people_can_reset_their_passwords(
    post: Post, relay: Relay, account: Account
) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Account, account.id).state = State.SUSPENDED
    assert post(kind="security").status_code == 202


# --- looking at one -------------------------------------------------------------------------


def test_a_message_shows_its_whole_story(
    post: Post, client: FlaskClient, bearer: dict[str, str], relay: Relay, mailer: FakeMailer,
    clock: FakeClock,
) -> None:  # fmt: skip
    accepted = post(source={"plugin": "woocommerce", "form": None}, kind="security")
    deliver_due(relay)
    clock.advance(minutes=1)
    tell(relay, "Bounce", mailer.sent[0])

    told = client.get(accepted.headers["Location"], headers=bearer).json

    recipient = told.pop("recipients")[0]
    assert {name: told[name] for name in ("stream", "kind", "from", "subject", "source")} == {
        "stream": "transactional",
        "kind": "security",
        "from": "news@shop.example",
        "subject": "Your order",
        "source": {"plugin": "woocommerce", "form": None},
    }
    assert told["id"] == accepted.json["id"]
    assert told["size"] == len(make_message())
    assert datetime.fromisoformat(told["accepted_at"]) < datetime.fromisoformat(told["expires_at"])
    assert (recipient["status"], recipient["stage"], recipient["outcome"]) == (
        "bounced", "done", "bounced",
    )  # fmt: skip
    assert recipient["reason"]["diagnosticCode"] == "smtp; 550 5.1.1 user unknown"
    (attempt,) = recipient["attempts"]
    assert (attempt["number"], attempt["state"], attempt["error"]) == (1, "accepted", None)
    assert attempt["provider_id"] == provider_id(mailer.sent[0])
    (event,) = recipient["events"]
    assert event["type"] == "bounced"
    assert event["summary"] == (
        "The receiving server refused the mail. The mailbox does not exist. "
        "The address is not mailed any more."
    )
    assert datetime.fromisoformat(event["occurred_at"]) == clock.now


def test_a_message_that_is_not_there(client: FlaskClient, bearer: dict[str, str]) -> None:
    check_problem(client.get(f"/v1/messages/{new_id()}", headers=bearer), 404, "not-found")
    check_problem(client.get("/v1/messages/no-id", headers=bearer), 404, "")


# --- listing --------------------------------------------------------------------------------


def listed(client: FlaskClient, bearer: dict[str, str], query: str = "") -> dict[str, Any]:
    response = client.get(f"/v1/messages{query}", headers=bearer)
    assert response.status_code == 200
    found: dict[str, Any] = response.json
    return found


def test_messages_are_listed_newest_first_in_pages(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site
) -> None:
    made = [accept(relay, site)["id"] for _ in range(5)]
    seen: list[str] = []
    query = "?limit=2"
    for _ in range(3):
        told = listed(client, bearer, query)
        seen += [message["id"] for message in told["messages"]]
        query = f"?limit=2&cursor={told['next_cursor']}"
    assert seen == made[::-1]
    assert told["next_cursor"] is None


def test_messages_to_one_person_are_listed(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site
) -> None:
    mine = accept(relay, site, to=["Ada@customer.example", "bob@customer.example"])["id"]
    accept(relay, site, to=["bob@customer.example"])
    told = listed(client, bearer, "?recipient=ADA@Customer.example")
    assert [message["id"] for message in told["messages"]] == [mine]


def test_what_can_be_sent_again_is_said(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site, clock: FakeClock
) -> None:
    old = accept(relay, site)["id"]
    deliver_due(relay)
    clock.advance(days=9)
    new = accept(relay, site)["id"]

    def said(id: str) -> dict[str, Any]:
        alone = client.get(f"/v1/messages/{id}", headers=bearer).json
        (among_others,) = (m for m in listed(client, bearer)["messages"] if m["id"] == id)
        again = client.post(f"/v1/messages/{id}/resend", headers=bearer)
        return {
            "resendable": (alone["resendable"], among_others["resendable"]),
            "resend": again.status_code,
        }

    assert said(old) == {"resendable": (True, True), "resend": 202}
    with relay.sessions.begin() as session:
        retention.purge(session, now=clock())
    assert said(old) == {"resendable": (False, False), "resend": 409}
    assert said(new) == {"resendable": (True, True), "resend": 202}


def test_an_empty_list_is_a_list(client: FlaskClient, bearer: dict[str, str]) -> None:
    empty = {"messages": [], "next_cursor": None, "looked_back_to": None}
    assert listed(client, bearer) == empty


def test_messages_are_picked_by_what_became_of_them_and_by_a_word(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site
) -> None:
    """For `status`, words by commas; everything that is asked holds for one copy."""
    bounced, delivered = (
        accept(relay, site, to=[f"{who}@customer.example"], Subject=f"For {who}")["id"]
        for who in ("ada", "bob")
    )
    for envelope in deliver_due(relay):
        tell(relay, "Bounce" if "ada" in envelope.recipient else "Delivery", envelope)
    waiting = accept(relay, site, to=["eve@customer.example"])["id"]

    for query, found in (
        ("status=bounced", [bounced]),
        ("status=bounced,queued", [waiting, bounced]),
        ("status=delivered&q=FOR", [delivered]),
        ("status=delivered&q=for+ada", []),
        ("status=bounced&recipient=ada@customer.example", [bounced]),
        ("status=held", []),
        ("q=CUSTOMER.ex", [waiting, delivered, bounced]),
        ("q=%25%25", []),
        ("status=bounced,queued&limit=1", [waiting]),
    ):
        told = listed(client, bearer, f"?{query}")
        assert [message["id"] for message in told["messages"]] == found, query
        assert told["looked_back_to"] is None


def test_a_look_ends_somewhere_and_says_where(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site, clock: FakeClock
) -> None:
    old = accept(relay, site, Subject="The needle")["id"]
    with relay.sessions.begin() as session:
        needle = session.get_one(Message, UUID(old))
        columns = (column.key for column in Message.__mapper__.columns)
        like_it = {name: getattr(needle, name) for name in columns} | {"subject": "Hay"}
        clock.advance(days=1)
        now = {"accepted_at": clock.now}
        session.execute(
            insert(Message), [like_it | now | {"id": new_id()} for _ in range(MOST_LOOKED_AT)]
        )

    first = listed(client, bearer, "?q=needle")
    second = listed(client, bearer, f"?q=needle&cursor={first['next_cursor']}")

    assert first["messages"] == []
    assert datetime.fromisoformat(first["looked_back_to"]) == clock.now
    assert [message["id"] for message in second["messages"]] == [old]
    assert (second["next_cursor"], second["looked_back_to"]) == (None, None)


def test_a_status_that_does_not_exist_is_answered_with_those_that_do(
    client: FlaskClient, bearer: dict[str, str]
) -> None:
    response = client.get("/v1/messages?status=bounced,lost", headers=bearer)

    told = check_problem(response, 400, "request-invalid", pointer="#/query/status/1")
    (error,) = told["errors"]
    assert all(word in error["detail"] for word in STATUSES)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "#/query/limit"),
        ("limit=101", "#/query/limit"),
        ("limit=many", "#/query/limit"),
        ("limit=1e400", "#/query/limit"),
        ("cursor=abc", "#/query/cursor"),
        ("cursor=' OR 1=1", "#/query/cursor"),
        ("page=2", "#/query/page"),
        ("recipient=" + "x" * 1_001, "#/query/recipient"),
        ("status=done", "#/query/status/0"),
        ("status=bounced,,held", "#/query/status/1"),
        ("status=BOUNCED", "#/query/status/0"),
        ("q=", "#/query/q"),
        ("q=x", "#/query/q"),
        ("q=" + "x" * 101, "#/query/q"),
        ("q=ab%00", "#/query/q"),
        ("q=ab%0A", "#/query/q"),
    ],
)
def test_a_wrong_query_is_pointed_at(
    query: str, pointer: str, client: FlaskClient, bearer: dict[str, str]
) -> None:
    response = client.get(f"/v1/messages?{query}", headers=bearer)
    check_problem(response, 400, "request-invalid", pointer=pointer)


@pytest.mark.parametrize("person", ["nobody", "%00", "a@b@c", "<a@x.example>"])
def test_a_person_that_is_no_address_is_refused(
    person: str, client: FlaskClient, bearer: dict[str, str]
) -> None:
    response = client.get(f"/v1/messages?recipient={person}", headers=bearer)
    check_problem(response, 400, "request-invalid")


def test_the_cursor_of_another_site_opens_nothing(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site, account: Account
) -> None:
    mine = accept(relay, site)["id"]
    with relay.sessions.begin() as session:
        other = factories.make_site(session, account)
    theirs = accept(relay, other)["id"]
    told = listed(client, bearer, f"?cursor={UUID(theirs).hex}")
    assert [message["id"] for message in told["messages"]] == [mine]


# --- remarks --------------------------------------------------------------------------------


def test_what_was_remarked_is_told_at_once_and_later(
    post: Post, client: FlaskClient, bearer: dict[str, str]
) -> None:
    message = make_message(From='"Shop bank.com" <news@shop.example>', Reply_To="x@gmail.com")

    receipt = post(message=message).json

    assert [remark["code"] for remark in receipt["remarks"]] == [
        "sender-name-cleaned",
        "reply-to-free-mail",
    ]
    assert all(remark["title"] for remark in receipt["remarks"])
    told = client.get(f"/v1/messages/{receipt['id']}", headers=bearer).json
    assert told["remarks"] == receipt["remarks"]


def test_a_mail_without_remarks_has_an_empty_list(
    post: Post, client: FlaskClient, bearer: dict[str, str]
) -> None:
    receipt = post().json
    assert receipt["remarks"] == []
    assert client.get(f"/v1/messages/{receipt['id']}", headers=bearer).json["remarks"] == []


@pytest.mark.parametrize(
    ("sender", "slug", "members"),
    [
        ("shop@gmail.com", "free-mail-sender", {"domain": "gmail.com"}),
        ("a@paypa1.example", "look-alike-domain",
         {"domain": "paypa1.example", "brand": "paypal.com"}),
        ("a@paypal.com.shop.example", "look-alike-domain",
         {"domain": "paypal.com.shop.example", "brand": "paypal.com"}),
    ],
)  # fmt: skip
def test_a_sender_nobody_may_use(
    sender: str, slug: str, members: dict[str, str], post: Post
) -> None:
    told = check_problem(post(message=make_message(From=sender)), 422, slug)
    assert {name: told[name] for name in members} == members


def test_the_networks_a_key_is_used_from_are_remembered(
    client: FlaskClient, post: Post, relay: Relay
) -> None:
    for address in ("192.0.2.7", "192.0.2.8", "198.51.100.1"):
        client.environ_base["REMOTE_ADDR"] = address
        assert post().status_code == 202
    with relay.reads() as session:
        assert set(session.scalars(select(KeyNetwork.network))) == {
            "192.0.2.0/24", "198.51.100.0/24",
        }  # fmt: skip
