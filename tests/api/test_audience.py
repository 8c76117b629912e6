"""POST /v1/audience/check: whom a newsletter would reach, and who may ask."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from relay.addresses import parse
from relay.context import Relay
from relay.models import Site
from relay.services import opt_outs
from relay.services.suppressions import suppress
from relay.vocabulary import Scope, SubscriptionStatus, SuppressionReason, SuppressionScope
from tests import factories
from tests.fakes import MORNING
from tests.steps import accept, deliver_due, subscribe, tell


@pytest.fixture
def ask(client: FlaskClient, bearer: dict[str, str]) -> Any:
    """Ask about addresses on the list `news`."""

    def send(*addresses: str, list: str = "news") -> TestResponse:
        return client.post(
            "/v1/audience/check", json={"list": list, "addresses": addresses}, headers=bearer
        )

    return send


def test_each_address_has_its_answer_in_order(ask: Any, relay: Relay, site: Site) -> None:
    for who, status in {"ok": "confirmed", "known": "attested", "new": "unconfirmed",
                        "gone": "unsubscribed", "late": "expired", "stop": "confirmed",
                        "loud": "confirmed"}.items():  # fmt: skip
        address = parse(f"{who}@customer.example")
        subscribe(relay, site, address, status=SubscriptionStatus(status))
    with relay.sessions.begin() as session:
        opt_outs.opt_out(
            session, site.id, parse("stop@customer.example"), "marketing", evidence={}, now=MORNING
        )
        suppress(
            session, account_id=site.account_id, site_id=site.id,
            address=parse("loud@customer.example"), reason=SuppressionReason.COMPLAINT,
            scope=SuppressionScope.PROMOTIONAL, evidence={}, now=MORNING,
        )  # fmt: skip
    names = ["ok", "KNOWN", "new", "gone", "late", "stop", "loud", "never", "ok"]

    answer = ask(*[f"{name}@customer.example" for name in names], "no address")

    assert answer.status_code == 200
    assert answer.json["list"] == "news"
    found = answer.json["answers"]
    assert [each["address"].partition("@")[0] for each in found] == [*names, "no address"]
    assert [(each["may_mail"], each["code"], each["reason"]) for each in found] == [
        (True, None, None),
        (True, None, None),
        (False, "no-consent", "unconfirmed"),
        (False, "no-consent", "unsubscribed"),
        (False, "no-consent", "expired"),
        (False, "no-consent", "opted-out"),
        (False, "suppressed", "complaint"),
        (False, "no-consent", "never-subscribed"),
        (True, None, None),
        (False, "address-invalid", "address-invalid"),
    ]
    assert all(bool(each["title"]) is not each["may_mail"] for each in found)


def test_the_answer_is_what_a_newsletter_meets(ask: Any, relay: Relay, site: Site) -> None:
    subscribe(relay, site, parse("ada@customer.example"))
    people = ["ada@customer.example", "bob@customer.example"]
    answer = {each["address"]: each["may_mail"] for each in ask(*people).json["answers"]}
    receipt = accept(relay, site, to=people, list_id="news", Precedence="bulk")
    assert answer == {
        each["address"]: each["disposition"] == "queued" for each in receipt["recipients"]
    }


def test_nothing_is_learned_of_people_who_never_agreed(ask: Any, relay: Relay, site: Site) -> None:
    """An address that another site's mail has shown not to exist is told to that site's readers only."""
    with relay.sessions.begin() as session:
        account = factories.make_account(session, name="Another")
        factories.make_domain(session, account, "another.example")
        other = factories.make_site(session, account)
    accept(relay, other, to=["gone@customer.example"], From="a@another.example")
    (copy,) = deliver_due(relay)
    assert tell(relay, "Bounce", copy)
    subscribe(relay, site)
    (before,) = ask("gone@customer.example").json["answers"]
    assert before["reason"] == "never-subscribed"
    subscribe(relay, site, parse("gone@customer.example"))
    (after,) = ask("gone@customer.example").json["answers"]
    assert (after["may_mail"], after["reason"]) == (False, "unknown-address")
    assert "another.example" not in str(after)


@pytest.mark.parametrize("list", ["unknown", "foreign"])
def test_another_sites_list_is_as_good_as_none(
    list: str, ask: Any, relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_site(session, factories.make_account(session, name="Another"))
        factories.make_list(session, other, key="foreign")
    answer = ask("ada@customer.example", list=list)
    assert (answer.status_code, answer.json["reason"]) == (422, "unknown")
    assert answer.json["type"].endswith("/list-unknown")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"list": "news"},
        {"list": "news", "addresses": []},
        {"list": "news", "addresses": ["a@customer.example"] * 1_001},
        {"list": "news", "addresses": "a@customer.example"},
        {"list": "news", "addresses": ["a\x00@customer.example"]},
        {"list": "", "addresses": ["a@customer.example"]},
        {"list": "news", "addresses": ["a@customer.example"], "more": 1},
    ],
)
def test_a_question_that_makes_no_sense_is_400(
    body: dict[str, Any], client: FlaskClient, bearer: dict[str, str]
) -> None:
    answer = client.post("/v1/audience/check", json=body, headers=bearer)
    assert answer.status_code == 400


def test_a_thousand_people_at_once(ask: Any, relay: Relay, site: Site) -> None:
    subscribe(relay, site, *(parse(f"p{n}@customer.example") for n in range(0, 1_000, 100)))
    found = ask(*(f"p{n}@customer.example" for n in range(1_000))).json["answers"]
    assert sum(each["may_mail"] for each in found) == 10
    assert len(found) == 1_000


def test_it_takes_the_right_to_send(client: FlaskClient, relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        key = factories.make_key(session, site, scopes=[Scope.READ])
    answer = client.post(
        "/v1/audience/check",
        json={"list": "news", "addresses": ["a@customer.example"]},
        headers={"Authorization": f"Bearer {key.secret}"},
    )
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (403, "scope-missing")
