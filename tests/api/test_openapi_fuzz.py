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

Without effect are `use_after_free` (what is lifted is over, but not gone), `missing_required_header`
(but for the key, none is) and `object_level_authorization` (one identity; test_auth.py walks every
id).
"""

from __future__ import annotations

import copy
import json
import os
import re
from base64 import b64encode
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

from relay.addresses import parse
from relay.context import Relay
from relay.db import new_id
from relay.errors import MailerBusy, MailerRefused
from relay.models import (
    Account,
    ApiKey,
    Content,
    IdempotencyKey,
    Message,
    Recipient,
    Site,
    Suppression,
)
from relay.policy.acceptable_use import VERSION
from relay.services import abuse_reports, actions, appeal_answers, appeals, feed, reviews
from relay.services.actions import Order, Subject
from relay.services.appeal_answers import Answer
from relay.services.person_links import PersonLink
from relay.services.suppressions import suppress
from relay.vocabulary import (
    AbuseDecision,
    AbuseReason,
    AppealDecision,
    Cause,
    Decision,
    DomainStatus,
    ReviewKind,
    Scope,
    State,
    SuppressionReason,
    SuppressionScope,
    Verb,
)
from tests import factories
from tests.api import generators
from tests.api.generators import PLACES
from tests.fakes import FakeMailer, FakeThrottle
from tests.feedback import make_feedback
from tests.steps import accept, deliver_due, tell

pytestmark = pytest.mark.exploring

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = json.loads((DOCS / "openapi.json").read_text())
PAGES = set(re.findall(r"^## `?([a-z-]+)`?$", (DOCS / "problems.md").read_text(), re.MULTILINE))

SEND, BATCH = "POST /v1/messages", "POST /v1/messages/batch"
LIFT = "DELETE /v1/suppressions/{suppression_id}"
CONTEST = "POST /v1/suppressions/{suppression_id}/contest"
LOOK, RESEND = "GET /v1/messages/{message_id}", "POST /v1/messages/{message_id}/resend"
EXPORT, ERASE = "GET /v1/people/{email}", "DELETE /v1/people/{email}"
PROVE = "GET /v1/subscriptions/{email}/proof"
DOMAINS, ADD = "GET /v1/domains", "POST /v1/domains"
DOMAIN, GIVE_UP = "GET /v1/domains/{domain}", "DELETE /v1/domains/{domain}"
CHECK, AGREE = "POST /v1/domains/{domain}/check", "POST /v1/domains/{domain}/consents"
DISAGREE = "DELETE /v1/domains/{domain}/consents/{account}"
NEW_LIST, LISTS = "POST /v1/lists", "GET /v1/lists"
A_LIST, CHANGE, ARCHIVE = (
    f"{method} /v1/lists/{{list_key}}" for method in ("GET", "PATCH", "DELETE")
)
AUDIENCE = "POST /v1/audience/check"
CONNECT = "POST /v1/connect"
SIGN_UP, SUBSCRIPTIONS = "POST /v1/subscriptions", "GET /v1/subscriptions"
OWN_ACTIONS, OWN_APPEALS = "GET /v1/account/actions", "GET /v1/account/appeals"
APPEAL, ACCEPT = "POST /v1/account/appeals", "POST /v1/account/policy"
SITES, ENROL = "GET /v1/sites", "POST /v1/sites"
KEYS, END_KEY = "GET /v1/sites/{site_id}/keys", "DELETE /v1/sites/{site_id}/keys/{key_id}"
ACCOUNTS = {SITES, ENROL, KEYS, END_KEY}
END_OWN_KEY = "DELETE /v1/key"
OPERATORS = "/v1/operator/"
OPERATOR_LISTS = [
    f"GET {OPERATORS}{each}"
    for each in ("accounts", "arf", "actions", "reviews", "abuse-reports", "appeals")
]
WATCH = f"GET {OPERATORS}accounts/{{account_id}}"
ACT, ACT_ON_SITE = (
    f"POST {OPERATORS}{each}/actions" for each in ("accounts/{account_id}", "sites/{site_id}")
)
REVIEW, REPORT, CASE = (
    f"GET {OPERATORS}{each}"
    for each in ("reviews/{review_id}", "abuse-reports/{report_id}", "appeals/{appeal_id}")
)
DECIDE, ANSWER, CLOSE = (f"POST {each[4:]}/decision" for each in (REVIEW, CASE, REPORT))
ARF = f"POST {OPERATORS}arf"
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
CASES = int(os.environ.get("FUZZ_CASES", "10000" if DEEP else "400"))
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


@pytest.fixture(scope="session")
def tally() -> Counter[tuple[str, int]]:
    """How often each operation answered with each status."""
    return Counter()


Places = dict[str, dict[str, str]]
"""What the places stand for, by the name of the parameter: place → id."""


@pytest.fixture
def places(relay: Relay, account: Account, site: Site, mailer: FakeMailer) -> Places:
    """A world in which much has happened, and the places that its things have in requests.

    Messages: read, bounced, refused by SES and waiting for another try, waiting, without its
    content, and another site's. Suppressions: of the bounce, a complaint, an operator's, two
    more bounces, and another site's. Domains: a verified one, a closed one, another account's.
    Lists: with a reader, archived, with a sender that may not be used, and another site's.
    Actions: in force, and appealed against already. Accounts and sites: one to act upon, one that
    has ended. Reviews and appeals: open, and decided. A report of abuse.
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
    bounce = SuppressionReason.INVALID_ADDRESS
    with relay.sessions.begin() as session:
        session.execute(delete(Content).where(Content.message_id == UUID(emptied["id"])))
        feed.number(session)
        for owner, reason, who in (
            (site, SuppressionReason.COMPLAINT, "angry"), (site, SuppressionReason.MANUAL, "manual"),
            (site, bounce, "lost"), (site, bounce, "left"), (neighbour, bounce, "gone"),
        ):  # fmt: skip
            suppress(
                session, account_id=account.id, site_id=owner.id, reason=reason,
                address=parse(f"{who}@customer.example"), scope=SuppressionScope.ALL,
                evidence={}, now=relay.clock(),
            )  # fmt: skip
        suppressions = session.scalars(select(Suppression.id).order_by(Suppression.id)).all()
        readers, archived = (factories.make_list(session, site, key=k) for k in ("readers", "old"))
        archived.archived_at = relay.clock()
        unsendable = factories.make_list(session, site, key="unsendable", sender="x@bank.example")
        foreign_list = factories.make_list(session, neighbour, key="foreign")
        factories.make_subscription(session, readers, "ada@customer.example")
        partner = factories.make_account(session, name="Partner")
        factories.make_domain(session, account, "closed.example", DomainStatus.SUSPENDED)
        factories.make_domain(session, partner, "foreign.example")
        factories.make_connection(session, relay.settings.keyring, site)
        spare = factories.make_key(session, site).key
    factories.make_record(relay, site, "ada@customer.example")
    governed = govern(relay, site, partner.id, UUID(waiting["id"]))
    keys = [each.key for each in (readers, archived, unsendable, foreign_list, readers, readers)]
    messages = [each["id"] for each in (read, bounced, refused, waiting, emptied, foreign)]
    return {
        "message_id": dict(zip(PLACES, messages, strict=True)),
        "suppression_id": dict(zip(PLACES, map(str, suppressions), strict=True)),
        "cursor": dict(zip(PLACES, messages, strict=True)),
        "account": dict.fromkeys(PLACES, str(partner.id)),
        "key_id": dict.fromkeys(PLACES, str(spare.id)),
        "list_key": dict(zip(PLACES, keys, strict=True)),
        **{name: dict(zip(PLACES, map(str, ids), strict=False)) for name, ids in governed.items()},
    }


def govern(relay: Relay, site: Site, partner: UUID, message_id: UUID) -> dict[str, list[UUID]]:
    """What operators have done, and have to do; the ids by the names of their parameters."""
    now, sender = relay.clock(), "relay@relay.example"
    with relay.sessions.begin() as session:
        ended = factories.make_account(session, name="Ended", state=State.TERMINATED)
        ended_site = factories.make_site(session, ended, state=State.TERMINATED)
        appealed, warned = (
            actions.act(
                session, subject, Order(Verb.WARN, "operator:ada", "why", Cause.OTHER),
                sender=sender, now=now,
            ).id
            for subject in (Subject(account_id=site.account_id), Subject(site_id=site.id))
        )  # fmt: skip
        of_partner = actions.act(
            session, Subject(account_id=partner), Order(Verb.WARN, "relay", "why", Cause.OTHER),
            sender=sender, now=now,
        ).id  # fmt: skip
        cases = [
            appeals.appeal(session, account, own, "x", action_id=action, sender=sender, now=now).id
            for account, own, action in (
                (site.account_id, site.id, appealed),
                (partner, None, of_partner),
            )
        ]
        declined = Answer(AppealDecision.DECLINED, "operator:ada", "no")
        appeal_answers.decide(session, cases[1], declined, sender=sender, now=now)
        message = session.get_one(Message, message_id)
        opened = [
            reviews.open_review(
                session, message, ReviewKind.CAMPAIGN_IN_DISGUISE, people=1, now=now
            ).id
            for _ in range(2)
        ]
        reviews.decide(session, opened[1], Decision.REJECTED, because="x", now=now)
        reported = [
            abuse_reports.report(
                session,
                PersonLink(site.id, parse(f"{who}@customer.example"), "marketing", None),
                reason=AbuseReason.OTHER,
                evidence={},
                now=now,
            )
            for who in ("ada", "bob")
        ]
        abuse_reports.close(
            session, reported[1], AbuseDecision.DISMISSED, because="x", by="operator:ada", now=now
        )
    return {
        "action_id": [warned, appealed],
        "account_id": [partner, ended.id],
        "site_id": [site.id, ended_site.id],
        "review_id": opened,
        "report_id": reported,
        "appeal_id": cases,
    }


@dataclass(frozen=True)
class Questioner:
    """Sends cases and holds the answers against the document."""

    relay: Relay
    secret: str
    account: str
    operator: str
    places: Places
    tally: Counter[tuple[str, int]]

    def ask(self, case: Case) -> Response:
        """The answer, found to be good."""
        before = stored(self.relay)
        response = self.put(case, self.secret_for(case.operation.label))
        if case.operation.label == BATCH and response.status_code == 200:
            check_results(response, case)
        elif response.status_code >= 400:
            assert stored(self.relay) == before, "a refused request left something behind"
        return response

    def secret_for(self, label: str) -> str:
        """The key that opens this door."""
        if label in ACCOUNTS:
            return self.account
        if label == END_OWN_KEY:
            return self.another_key()
        return self.operator if OPERATORS in label else self.secret

    def another_key(self) -> str:
        """A key of the site that nothing else needs: whoever asks with it may end it."""
        with self.relay.sessions.begin() as session:
            site = session.get_one(Site, UUID(self.places["site_id"][PLACES[0]]))
            return factories.make_key(session, site, scopes=list(Scope)).secret

    def put(self, case: Case, secret: str, *, trouble: bool = False) -> Response:
        """The answer to a case that comes with this key, found to be as the document says.

        With `trouble` the answer may be that the relay is not well.
        """
        if isinstance(case.body, dict):
            case.body = dict(case.body)  # it may be the document's own example
        body = case.body if isinstance(case.body, dict) else {}
        for given in (case.path_parameters, case.query, body):
            for name in self.places.keys() & given.keys():
                given[name] = self.places[name].get(str(given[name]), given[name])
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
    app: Flask, client: FlaskClient, relay: Relay, site: Site, account: Account, places: Places,
    tally: Counter[tuple[str, int]],
) -> Questioner:  # fmt: skip
    SERVING["app"] = app
    app.extensions["relay"] = replace(relay, throttle=FakeThrottle())  # it asks without rest
    with relay.sessions.begin() as session:
        key = factories.make_key(session, site, scopes=list(Scope))
        own = factories.make_account_key(session, account)
        operator = factories.make_operator(session)
    return Questioner(relay, key.secret, own.secret, operator.secret, places, tally)


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

    assert response.status_code in (200, 201, 202)
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

OURS = {"path_parameters": {"domain": "shop.example"}}
NEWS = {
    "key": "new", "name": "News", "controller": "Shop Ltd", "postal_address": "1 Market Street",
    "privacy_url": "https://shop.example/privacy", "language": "en", "sender": "news@shop.example",
}  # fmt: skip
READERS = {"list": "readers", "addresses": ["ada@customer.example", "nobody"]}
READER = {
    "email": "new@customer.example", "list": "readers",
    "source": {"form": "footer", "consent_text": "Yes, send me news."},
}  # fmt: skip

ORDER = {"verb": "limit", "cause": "other", "reason": "why"}
PROOF = OPERATIONS[CONNECT].definition.raw["requestBody"]["content"][JSON]["example"]

GOOD: dict[str, dict[str, Any]] = {
    CONNECT: {"body": PROOF, "media_type": JSON},
    LISTS: {},
    NEW_LIST: {"body": NEWS, "media_type": JSON},
    A_LIST: {"path_parameters": {"list_key": PLACES[0]}},
    CHANGE: {
        "path_parameters": {"list_key": PLACES[0]},
        "body": {"name": "Offers"},
        "media_type": JSON,
    },
    ARCHIVE: {"path_parameters": {"list_key": PLACES[0]}},
    SIGN_UP: {"body": READER, "media_type": JSON},
    SUBSCRIPTIONS: {},
    AUDIENCE: {"body": READERS, "media_type": JSON},
    "GET /v1/messages": {},
    SEND: {"body": LETTER, "media_type": JSON},
    LOOK: {"path_parameters": {"message_id": PLACES[0]}},
    BATCH: {"body": {"messages": [LETTER]}, "media_type": JSON},
    RESEND: {"path_parameters": {"message_id": PLACES[3]}, "body": {"to": []}, "media_type": JSON},
    "GET /v1/events": {},
    "GET /v1/suppressions": {},
    LIFT: {"path_parameters": {"suppression_id": PLACES[0]}},
    CONTEST: {"path_parameters": {"suppression_id": PLACES[3]}},
    "GET /v1/account": {},
    "GET /v1/account/reputation": {},
    END_OWN_KEY: {},
    EXPORT: {"path_parameters": {"email": "ada@customer.example"}},
    ERASE: {"path_parameters": {"email": "ada@customer.example"}},
    PROVE: {"path_parameters": {"email": "ada@customer.example"}},
    DOMAINS: {},
    ADD: {"body": {"name": "new.example"}, "media_type": JSON},
    DOMAIN: OURS,
    GIVE_UP: OURS,
    CHECK: OURS,
    AGREE: OURS | {"body": {"account": PLACES[0]}, "media_type": JSON},
    DISAGREE: {"path_parameters": {"domain": "shop.example", "account": PLACES[0]}},
    OWN_ACTIONS: {},
    OWN_APPEALS: {},
    APPEAL: {"body": {"text": "It was a plugin."}, "media_type": JSON},
    ACCEPT: {"body": {"version": VERSION}, "media_type": JSON},
    SITES: {},
    ENROL: {"body": {"url": "https://new.example"}, "media_type": JSON},
    KEYS: {"path_parameters": {"site_id": PLACES[0]}},
    END_KEY: {"path_parameters": {"site_id": PLACES[0], "key_id": PLACES[0]}},
    **{label: {} for label in OPERATOR_LISTS},
    WATCH: {"path_parameters": {"account_id": PLACES[0]}},
    ACT: {"path_parameters": {"account_id": PLACES[0]}, "body": ORDER, "media_type": JSON},
    ACT_ON_SITE: {"path_parameters": {"site_id": PLACES[0]}, "body": ORDER, "media_type": JSON},
    REVIEW: {"path_parameters": {"review_id": PLACES[0]}},
    REPORT: {"path_parameters": {"report_id": PLACES[0]}},
    CASE: {"path_parameters": {"appeal_id": PLACES[0]}},
    DECIDE: {
        "path_parameters": {"review_id": PLACES[0]},
        "body": {"decision": "released", "reason": "x"},
        "media_type": JSON,
    },
    ANSWER: {
        "path_parameters": {"appeal_id": PLACES[0]},
        "body": {"decision": "declined", "reason": "x"},
        "media_type": JSON,
    },
    CLOSE: {
        "path_parameters": {"report_id": PLACES[0]},
        "body": {"decision": "acted", "reason": "x"},
        "media_type": JSON,
    },
    ARF: {"body": {"message": b64encode(make_feedback()).decode()}, "media_type": JSON},
}

SPOILT: dict[tuple[str, int], dict[str, Any]] = {
    (LOOK, 404): {"path_parameters": {"message_id": PLACES[5]}},
    (RESEND, 404): {"path_parameters": {"message_id": PLACES[5]}},
    (LIFT, 404): {"path_parameters": {"suppression_id": PLACES[5]}},
    (LIFT, 422): {"path_parameters": {"suppression_id": PLACES[1]}},
    (CONTEST, 404): {"path_parameters": {"suppression_id": PLACES[5]}},
    (CONTEST, 422): {"path_parameters": {"suppression_id": PLACES[2]}},
    (RESEND, 409): {"path_parameters": {"message_id": PLACES[4]}},
    (RESEND, 422): {"path_parameters": {"message_id": PLACES[1]}},
    (PROVE, 404): {"path_parameters": {"email": "nobody@customer.example"}},
    (ADD, 400): {"body": {"name": "no domain"}},
    (ADD, 409): {"body": {"name": "shop.example"}},
    (ADD, 422): {"body": {"name": "gmail.com"}},
    (AGREE, 400): {"body": {"account": "nobody"}},
    (GIVE_UP, 422): {"path_parameters": {"domain": "closed.example"}},
    **{
        (label, 404): {"path_parameters": {"domain": "foreign.example"}}
        for label in (DOMAIN, GIVE_UP, CHECK, AGREE)
    },
    (DISAGREE, 404): {"path_parameters": {"domain": "foreign.example", "account": PLACES[0]}},
    **{
        (label, 404): {"path_parameters": {"list_key": PLACES[3]}}
        for label in (A_LIST, CHANGE, ARCHIVE)
    },
    (NEW_LIST, 409): {"body": NEWS | {"key": "readers"}},
    (NEW_LIST, 422): {"body": NEWS | {"sender": "ceo@bank.example"}},
    (CHANGE, 422): {"body": {"sender": "ceo@bank.example"}},
    (SIGN_UP, 404): {"body": READER | {"list": "foreign"}},
    (SIGN_UP, 422): {"body": READER | {"list": "unsendable"}},
    (CONNECT, 400): {"body": {"code": "x"}},
    (CONNECT, 422): {"body": PROOF | {"site": "https://evil.example"}},
    (AUDIENCE, 422): {"body": READERS | {"list": "foreign"}},
    (SUBSCRIPTIONS, 404): {"query": {"list": "foreign"}},
    (APPEAL, 404): {"body": {"text": "x", "action_id": PLACES[5]}},
    (APPEAL, 409): {"body": {"text": "x", "action_id": PLACES[1]}},
    (ACCEPT, 400): {"body": {}},
    (SITES, 400): {"query": {"limit": 0}},
    (ENROL, 200): {"body": {"url": "https://shop.example"}},
    (ENROL, 400): {"body": {"url": "no website"}},
    (ENROL, 422): {"body": {"url": "https://new.example", "domain": "gmail.com"}},
    (KEYS, 404): {"path_parameters": {"site_id": PLACES[1]}},
    (END_KEY, 404): {"path_parameters": {"site_id": PLACES[1], "key_id": PLACES[0]}},
    (ACCEPT, 409): {"body": {"version": "2020-01"}},
    **{(label, 400): {"query": {"limit": 0}} for label in OPERATOR_LISTS},
    **{(label, 400): {"body": {}} for label in (ACT, ACT_ON_SITE, DECIDE, ANSWER, CLOSE, ARF)},
    **{
        (label, 404): {"query": {"account" if "appeals" in label else "site": str(new_id())}}
        for label in OPERATOR_LISTS[2:]
    },
    (WATCH, 404): {"path_parameters": {"account_id": PLACES[5]}},
    (REVIEW, 404): {"path_parameters": {"review_id": PLACES[5]}},
    (REPORT, 404): {"path_parameters": {"report_id": PLACES[5]}},
    (CASE, 404): {"path_parameters": {"appeal_id": PLACES[5]}},
    **{
        (label, status): {"path_parameters": {name: PLACES[place]}}
        for label, name in (
            (ACT, "account_id"),
            (ACT_ON_SITE, "site_id"),
            (DECIDE, "review_id"),
            (ANSWER, "appeal_id"),
            (CLOSE, "report_id"),
        )
        for status, place in ((404, 5), (409, 1))
    },
    (SEND, 409): {"headers": {"Idempotency-Key": "used"}},
    (SEND, 422): {"body": LETTER | {"from": "ceo@bank.example"}},
}
"""What makes a good request be answered so."""


def test_there_is_a_good_request_for_every_operation() -> None:
    assert GOOD.keys() == OPERATIONS.keys()


DESCRIBED = [
    (label, int(status))
    for label, operation in OPERATIONS.items()
    for status in operation.definition.raw["responses"]
]


@pytest.mark.parametrize(("label", "status"), DESCRIBED)
def test_every_answer_that_is_described_is_given(
    label: str, status: int, questioner: Questioner, app: Flask, relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Failing:
        def begin(self) -> Any:
            raise OperationalError("BEGIN", {}, Exception("server closed the connection"))

        __call__ = begin

    secret = "nobody" if status == 401 else questioner.secret_for(label)
    if (OPERATORS in label or label in ACCOUNTS) and status == 403:
        secret = questioner.secret
    match status:
        case 400 | 403 if (
            OPERATORS not in label and label not in ACCOUNTS
        ):  # a key without a site; a key that may nothing
            spoil = {"site_id": None} if status == 400 else {"scopes": []}
            with relay.sessions.begin() as session:
                session.execute(update(ApiKey).values(spoil))
        case 409 if label == SEND:
            used = GOOD[SEND] | SPOILT[SEND, 409] | {"body": LETTER | {"text": "Another"}}
            questioner.ask(OPERATIONS[SEND].Case(**used))
        case 413:
            monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 5)
        case 429:
            app.extensions["relay"] = replace(relay, throttle=FakeThrottle(30))
        case 503:
            broken: Any = Failing()
            app.extensions["relay"] = replace(relay, reads=broken, sessions=broken)
    given = copy.deepcopy(GOOD[label] | SPOILT.get((label, status), {}))

    response = questioner.put(OPERATIONS[label].Case(**given), secret, trouble=True)

    assert response.status_code == status


# --- was it much? ---------------------------------------------------------------------------


def test_much_was_asked_and_not_only_at_the_door(tally: Counter[tuple[str, int]]) -> None:
    if {label for label, _ in tally} < OPERATIONS.keys() or len(tally) < len(DESCRIBED):
        pytest.skip("says something after all the tests above")
    for label, status in sorted(tally):
        print(f"{tally[label, status]:6}  {status}  {label}")
    print(f"{tally.total():6}  requests")
    assert tally.total() >= 1_000
    for label, status in ((SEND, 202), (BATCH, 200), (RESEND, 202), (LOOK, 200)):
        assert tally[label, status] >= tally.total() / 60
