"""The published OpenAPI document is true: whatever is asked, the answer is one that it describes.

schemathesis makes requests from docs/openapi.json (its examples, boundary values, and at random,
right and wrong) and holds every answer against it; so do requests of our own that are nearly right
and therefore get deeper. `FUZZ_CASES` says how many are random (`make fuzz`: 10,000).

All checks of schemathesis run, but for two that cannot hold here:

- `positive_data_acceptance`: a request of the right shape may be refused, because a schema cannot
  say that a domain is verified, a time not over, or MIME sound. Instead, every example in the
  document must be accepted.
- `negative_data_rejection`, for batches only: they answer 200 and tell about each message by
  itself. `check_results` looks for the refusal there.

Without effect are `use_after_free` (nothing can be deleted), `object_level_authorization` (one
identity; test_auth.py walks every id) and `missing_required_header` (but for the key, none is).
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, Response, openapi
from schemathesis.checks import CHECKS, load_all_checks
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import OperationalError

from relay.addresses import EmailAddress
from relay.context import Relay
from relay.errors import LimitReached, MailerBusy, MailerRefused
from relay.models import Account, ApiKey, Content, IdempotencyKey, Message, Recipient, Site
from relay.services import feed
from relay.services.accounts import NewKey
from relay.services.suppressions import list_suppressions, suppress
from relay.vocabulary import Scope, SuppressionReason, SuppressionScope
from tests import factories
from tests.api import generators
from tests.api.generators import PLACES
from tests.api.requests import check_problem, encoded, metadata, raw_parts
from tests.fakes import FakeMailer
from tests.steps import accept, deliver_due, tell

pytestmark = pytest.mark.exploring

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = json.loads((DOCS / "openapi.json").read_text())
PAGES = set(re.findall(r"^## `?([a-z-]+)`?$", (DOCS / "problems.md").read_text(), re.MULTILINE))

SEND, BATCH = "POST /v1/messages", "POST /v1/messages/batch"
LOOK, RESEND = "GET /v1/messages/{message_id}", "POST /v1/messages/{message_id}/resend"
LIFT = "DELETE /v1/suppressions/{suppression_id}"
CONTEST = "POST /v1/suppressions/{suppression_id}/contest"
BOUNCED, COMPLAINED, NOWHERE = (f"018f0000-0000-7000-8000-0000000000f{n}" for n in range(3))
"""Stand for suppressions: after a bounce, after a complaint, and none at all."""

JSON, FORM = "application/json", "multipart/form-data"

SERVING: dict[str, Flask] = {}
"""The app of the running test: cases are made before there is one."""


def serve(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """The app of the running test, as WSGI."""
    return SERVING["app"](environ, start)


generators.register()
load_all_checks()
SCHEMA = openapi.from_dict(generators.prepared(DOCUMENT))
SCHEMA.app = serve
SCHEMA.config.update(base_url="http://localhost")
SCHEMA.config.generation.update(with_security_parameters=False, allow_x00=False)
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
BY_ID = {found.definition.raw["operationId"]: found for found in OPERATIONS.values()}

# --- how much -------------------------------------------------------------------------------

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
CASES = int(os.environ.get("FUZZ_CASES", "10000" if DEEP else "600"))
NEARLY_RIGHT_OF_THEM = 3 / 4


def at_random(cases: float) -> hypothesis.settings:
    """So many cases, made as the profile says: the same in each run, or ever new ones (deep)."""
    return hypothesis.settings(
        max_examples=max(1, round(cases)),
        suppress_health_check=[
            HealthCheck.too_slow, HealthCheck.function_scoped_fixture,
            HealthCheck.filter_too_much, HealthCheck.data_too_large,
        ],
    )  # fmt: skip


# --- the world, and a question to it --------------------------------------------------------


@pytest.fixture(scope="module")
def tally() -> Counter[tuple[str, int]]:
    """How often each operation answered with each status."""
    return Counter()


@pytest.fixture
def ids(relay: Relay, account: Account, site: Site, mailer: FakeMailer) -> dict[str, str]:
    """A world in which much has happened; its messages, by the places that stand for them.

    In order: read, bounced, refused by SES and waiting for another try, waiting, without its
    content, and another site's.
    """
    with relay.sessions.begin() as session:
        neighbour = factories.make_site(session, account, name="The neighbour")
    read, bounced = (accept(relay, site, to=[f"{who}@customer.example"]) for who in ("ada", "gone"))
    for kinds, sent in zip((("Delivery", "Open"), ("Bounce",)), deliver_due(relay), strict=True):
        for kind in kinds:
            tell(relay, kind, sent)
    mailer.failures += [MailerRefused("no", code="MessageRejected"), MailerBusy("later", code="x")]
    refused = accept(relay, site, to=["bob@customer.example", "carl@customer.example"])
    deliver_due(relay)
    waiting, emptied = accept(relay, site), accept(relay, site)
    foreign = accept(relay, neighbour)
    with relay.sessions.begin() as session:
        session.execute(delete(Content).where(Content.message_id == UUID(emptied["id"])))
        feed.number(session)
    receipts = (read, bounced, refused, waiting, emptied, foreign)
    places = dict(zip(PLACES, (receipt["id"] for receipt in receipts), strict=True))
    reasons = {
        BOUNCED: SuppressionReason.INVALID_ADDRESS,
        COMPLAINED: SuppressionReason.COMPLAINT,
    }
    with relay.sessions.begin() as session:
        for reason in reasons.values():
            suppress(
                session, account_id=account.id, site_id=site.id,
                address=EmailAddress("dora@customer.example"), reason=reason,
                scope=SuppressionScope.ALL, evidence={}, now=relay.clock(),
            )  # fmt: skip
        found = {each.reason: str(each.id) for each in list_suppressions(session, site.id)}
    return places | {place: found[reason] for place, reason in reasons.items()}


@dataclass(frozen=True)
class Questioner:
    """Sends cases and holds the answers against the document."""

    relay: Relay
    key: NewKey
    ids: dict[str, str]
    tally: Counter[tuple[str, int]]

    def ask(self, case: Case) -> Response:
        """The answer, found to be good."""
        before = stored(self.relay)
        response = self.put(case, self.key.secret)
        if case.operation.label == BATCH and response.status_code == 200:
            check_results(response, case)
        elif response.status_code >= 400:
            assert stored(self.relay) == before, "a refused request left something behind"
        return response

    def put(self, case: Case, secret: str, *, trouble: bool = False) -> Response:
        """The answer to a case that comes with this key, found to be as the document says.

        With `trouble` the answer may be that the relay is not well.
        """
        for place in (case.path_parameters, case.query):
            for name in {"message_id", "suppression_id", "cursor"} & place.keys():
                place[name] = self.ids.get(str(place[name]), place[name])
        headers = {"Authorization": f"Bearer {secret}"}
        response = case.call(headers=headers)
        self.tally[case.operation.label, response.status_code] += 1
        case.validate_response(
            response,
            checks=CHECKS.get_by_names(checks_of(case, trouble)),
            headers=headers,
            transport_kwargs={"headers": headers},
        )
        if response.status_code >= 400:
            check_told(response.json(), response.status_code)
        return response

    def follow(self, receipt: Response, link: str) -> Response:
        """The answer to the request that this link of a receipt leads to."""
        links = DOCUMENT["paths"]["/v1/messages"]["post"]["responses"]["202"]["links"]
        (parameter, expression) = next(iter(links[link]["parameters"].items()))
        assert expression == "$response.body#/id"
        operation = BY_ID[links[link]["operationId"]]
        case = operation.Case(path_parameters={parameter: receipt.json()["id"]})
        if operation.label == LOOK:
            assert receipt.headers["location"] == [case.formatted_path]
        return self.ask(case)


@pytest.fixture
def questioner(
    app: Flask, client: FlaskClient, relay: Relay, key: NewKey, ids: dict[str, str],
    tally: Counter[tuple[str, int]],
) -> Questioner:  # fmt: skip
    SERVING["app"] = app
    with relay.sessions.begin() as session:
        session.execute(update(ApiKey).values(scopes=[scope.value for scope in Scope]))
    return Questioner(relay, key, ids, tally)


def checks_of(case: Case, trouble: bool) -> list[str]:
    """The names of schemathesis's checks for a case; the module says why two are missing."""
    without = {"positive_data_acceptance"}
    if case.operation.label == BATCH:
        without.add("negative_data_rejection")
    if trouble:
        without.add("not_a_server_error")
    return [name for name in CHECKS.get_all_names() if name not in without]


def stored(relay: Relay) -> tuple[int, ...]:
    """How much there is of what an acceptance writes."""
    counts = (
        select(func.count()).select_from(table).scalar_subquery()
        for table in (Message, Content, Recipient, IdempotencyKey)
    )
    with relay.reads() as session:
        return tuple(session.execute(select(*counts)).one())


def check_told(told: dict[str, Any], status: int) -> None:
    """That a problem's type has a page, and that its pointers point."""
    slug = told["type"].removeprefix("https://relay.example/problems/")
    assert slug in PAGES or (slug == "about:blank" and status in (404, 405)), told
    assert told["status"] == status
    for error in told.get("errors", []):
        assert set(error) == {"pointer", "detail"}
        assert error["pointer"].startswith("#")


def check_results(response: Response, case: Case) -> None:
    """That a batch tells about each message: a receipt, or a problem that is as good as others."""
    results = response.json()["results"] if case.method == "POST" else []
    for result in results:
        assert ("receipt" in result) == (result["status"] == 202)
        assert ("problem" in result) == (result["status"] != 202)
        if "problem" in result:
            check_told(result["problem"], result["status"])
    if results and case.meta and case.meta.generation.mode is GenerationMode.NEGATIVE:
        assert any("problem" in result for result in results), "no word about what is wrong"


# --- whatever is asked ----------------------------------------------------------------------


@SCHEMA.parametrize()
@at_random(CASES * (1 - NEARLY_RIGHT_OF_THEM) / len(OPERATIONS))
def test_every_answer_is_one_that_the_document_describes(
    case: Case, questioner: Questioner
) -> None:
    questioner.ask(case)


EXAMPLES = [
    (label, media_type)
    for label, operation in OPERATIONS.items()
    for media_type in operation.definition.raw.get("requestBody", {}).get("content", ())
]


@pytest.mark.parametrize(("label", "media_type"), EXAMPLES)
def test_every_example_of_the_document_works(
    label: str, media_type: str, questioner: Questioner
) -> None:
    content = OPERATIONS[label].definition.raw["requestBody"]["content"][media_type]
    given = GOOD[label] | {"body": content.get("example", {}), "media_type": media_type}

    response = questioner.ask(OPERATIONS[label].Case(**copy.deepcopy(given)))

    assert response.status_code in (200, 202)
    assert {result["status"] for result in response.json().get("results", [])} <= {202}


NEARLY_RIGHT = {
    "letters": (SEND, JSON, generators.letters),
    "finished MIME": (SEND, FORM, generators.forms),
    "batches": (BATCH, JSON, generators.batches),
    "batches of MIME": (BATCH, FORM, generators.batch_forms),
    "resending": (RESEND, JSON, generators.resends),
}


@pytest.mark.parametrize("kind", NEARLY_RIGHT)
def test_requests_that_are_nearly_right_are_answered_as_described(
    kind: str, questioner: Questioner
) -> None:
    """What was accepted can be looked at, and sent again, where its receipt's links lead."""
    label, media_type, bodies = NEARLY_RIGHT[kind]

    @at_random(CASES * NEARLY_RIGHT_OF_THEM / len(NEARLY_RIGHT))
    @hypothesis.given(bodies, generators.keys, st.sampled_from(PLACES))
    def ask(body: Any, key: str | None, place: str) -> None:
        case = OPERATIONS[label].Case(
            body=body,
            media_type=media_type,
            headers={"Idempotency-Key": key} if key and label != BATCH else {},
            path_parameters={"message_id": place} if label == RESEND else {},
        )
        response = questioner.ask(case)
        if response.status_code == 202:
            assert questioner.follow(response, "message").status_code == 200
            assert questioner.follow(response, "resend").status_code == 202

    ask()


# --- every answer that is described ---------------------------------------------------------

LETTER = {"from": "news@shop.example", "to": ["ada@customer.example"], "text": "Hello"}

GOOD: dict[str, dict[str, Any]] = {
    "GET /v1/messages": {},
    SEND: {"body": LETTER, "media_type": JSON},
    LOOK: {"path_parameters": {"message_id": PLACES[0]}},
    BATCH: {"body": {"messages": [LETTER]}, "media_type": JSON},
    RESEND: {"path_parameters": {"message_id": PLACES[3]}, "body": {"to": []}, "media_type": JSON},
    "GET /v1/events": {},
    "GET /v1/account": {},
    "GET /v1/suppressions": {},
    LIFT: {"path_parameters": {"suppression_id": BOUNCED}},
    CONTEST: {"path_parameters": {"suppression_id": BOUNCED}},
}

SPOILT: dict[tuple[str, int], dict[str, Any]] = {
    (LOOK, 404): {"path_parameters": {"message_id": PLACES[5]}},
    (RESEND, 404): {"path_parameters": {"message_id": PLACES[5]}},
    (RESEND, 409): {"path_parameters": {"message_id": PLACES[4]}},
    (RESEND, 422): {"path_parameters": {"message_id": PLACES[1]}},
    (LIFT, 404): {"path_parameters": {"suppression_id": NOWHERE}},
    (LIFT, 422): {"path_parameters": {"suppression_id": COMPLAINED}},
    (CONTEST, 404): {"path_parameters": {"suppression_id": NOWHERE}},
    (CONTEST, 422): {"path_parameters": {"suppression_id": COMPLAINED}},
    (SEND, 409): {"headers": {"Idempotency-Key": "used"}},
    (SEND, 422): {"body": LETTER | {"from": "ceo@bank.example"}},
}
"""What makes a good request be answered so."""

DESCRIBED = [
    (label, int(status))
    for label, operation in OPERATIONS.items()
    for status in operation.definition.raw["responses"]
]


@pytest.mark.parametrize(("label", "status"), DESCRIBED)
def test_every_answer_that_is_described_is_given(
    label: str, status: int, questioner: Questioner, app: Flask, relay: Relay, key: NewKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Failing:
        def begin(self) -> Any:
            raise (
                OperationalError("BEGIN", {}, Exception("server closed the connection"))
                if status == 503
                else LimitReached("That is enough for today", retry_after=3_600)
            )

        __call__ = begin

    secret = "nobody" if status == 401 else key.secret
    match status:
        case 400 | 403:  # an account key, which has no site; a key that may nothing
            spoil = {"site_id": None} if status == 400 else {"scopes": []}
            with relay.sessions.begin() as session:
                session.execute(update(ApiKey).values(spoil))
        case 409:
            used = GOOD[SEND] | SPOILT[SEND, 409] | {"body": LETTER | {"text": "Another"}}
            questioner.ask(OPERATIONS[SEND].Case(**used))
        case 413:
            monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 5)
        case 429:
            app.extensions["relay"] = replace(relay, sessions=Failing())  # type: ignore[arg-type]
        case 503:
            app.extensions["relay"] = replace(relay, reads=Failing())  # type: ignore[arg-type]
    given = copy.deepcopy(GOOD[label] | SPOILT.get((label, status), {}))

    response = questioner.put(OPERATIONS[label].Case(**given), secret, trouble=True)

    assert response.status_code == status


# --- what this found ------------------------------------------------------------------------

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
def test_a_person_that_is_no_address_is_pointed_at(
    person: str, client: FlaskClient, bearer: dict[str, str]
) -> None:
    response = client.get(f"/v1/messages?recipient={person}", headers=bearer)
    check_problem(response, 400, "request-invalid", pointer="#/query/recipient")


# --- was it much? ---------------------------------------------------------------------------


def test_much_was_asked_and_not_only_at_the_door(tally: Counter[tuple[str, int]]) -> None:
    if {label for label, _ in tally} < OPERATIONS.keys() or len(tally) < len(DESCRIBED):
        pytest.skip("says something after all the tests above")
    for label, status in sorted(tally):
        print(f"{tally[label, status]:6}  {status}  {label}")
    print(f"{tally.total():6}  requests")
    assert tally.total() >= 1_000
    for label, status in ((SEND, 202), (BATCH, 200), (RESEND, 202), (LOOK, 200)):
        assert tally[label, status] >= tally.total() / 50
