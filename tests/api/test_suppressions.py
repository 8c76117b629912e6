"""`/v1/suppressions`: see whom the site does not mail, lift, contest; within limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from relay.context import Relay
from relay.errors import Unavailable
from relay.models import Account, Site, Suppression
from relay.services import lifting
from relay.vocabulary import Scope, Stream, SuppressionReason
from relay.worker import Duties
from tests import factories
from tests.api.requests import check_problem
from tests.fakes import FakeClock
from tests.steps import accept, deliver_due, tell

Headers = dict[str, str]


@pytest.fixture
def manager(relay: Relay, site: Site) -> Headers:
    """The headers of a request with a key that may manage."""
    with relay.sessions.begin() as session:
        made = factories.make_key(session, site, scopes=(Scope.READ, Scope.MANAGE))
    return {"Authorization": f"Bearer {made.secret}"}


def suppressed(
    relay: Relay, site: Site, *people: str, kind: str = "Bounce", **given: Any
) -> list[str]:
    """People who are suppressed by a bounce (or complaint); the ids of their entries."""
    accept(relay, site, to=people or ["ada@customer.example"], **given)
    for envelope in deliver_due(relay):
        tell(relay, kind, envelope)
    with relay.reads() as session:
        rows = session.scalars(
            select(Suppression).where(Suppression.site_id == site.id).order_by(Suppression.id)
        )
        return [str(row.id) for row in rows]


def test_each_is_listed_with_evidence_and_timeline(
    client: FlaskClient, relay: Relay, site: Site, bearer: Headers
) -> None:
    (id,) = suppressed(relay, site)
    (told,) = client.get("/v1/suppressions", headers=bearer).json["suppressions"]
    assert (told["id"], told["address"], told["reason"], told["liftable"]) == (
        id, "ada@customer.example", "invalid-address", True,
    )  # fmt: skip
    assert told["evidence"]["diagnosticCode"] == "smtp; 550 5.1.1 user unknown"
    assert [moment["code"] for moment in told["timeline"]] == ["suppressed"]


def test_the_list_has_pages_and_looks_for_an_address(
    client: FlaskClient, relay: Relay, site: Site, bearer: Headers
) -> None:
    suppressed(relay, site, *(f"p{n}@customer.example" for n in range(5)))
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/suppressions?limit=2{cursor}", headers=bearer).json
        seen += [each["address"] for each in page["suppressions"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    assert seen == [f"p{n}@customer.example" for n in (4, 3, 2, 1, 0)]
    found = client.get("/v1/suppressions?address=P3@Customer.example", headers=bearer).json
    assert [each["address"] for each in found["suppressions"]] == ["p3@customer.example"]


def test_a_lifted_address_is_mailed_again(
    client: FlaskClient, relay: Relay, site: Site, manager: Headers
) -> None:
    (id,) = suppressed(relay, site)
    told = client.delete(f"/v1/suppressions/{id}", headers=manager)
    assert (told.status_code, told.json["ending"]) == (200, "lifted")
    assert [moment["code"] for moment in told.json["timeline"]] == ["suppressed", "lifted"]
    assert client.get("/v1/suppressions", headers=manager).json["suppressions"] == []
    ended = client.get("/v1/suppressions?ended=true", headers=manager).json["suppressions"]
    assert [each["id"] for each in ended] == [id]
    accept(relay, site)


def test_lifting_deletes_the_entry_of_amazon_ses(
    client: FlaskClient, relay: Relay, site: Site, manager: Headers
) -> None:
    forgotten: list[str] = []
    client.application.extensions["relay"] = replace(relay, provider_list=forgotten.append)
    (id,) = suppressed(relay, site)
    client.delete(f"/v1/suppressions/{id}", headers=manager)
    client.delete(f"/v1/suppressions/{id}", headers=manager)
    assert forgotten == ["ada@customer.example"]


def test_where_amazon_ses_does_not_answer_the_address_is_lifted_and_ses_asked_again(
    client: FlaskClient, relay: Relay, site: Site, manager: Headers, clock: FakeClock
) -> None:
    def away(address: str) -> None:
        raise Unavailable("SES is away")

    client.application.extensions["relay"] = replace(relay, provider_list=away)
    (id,) = suppressed(relay, site)
    assert client.delete(f"/v1/suppressions/{id}", headers=manager).status_code == 200
    accept(relay, site)
    forgotten: list[str] = []
    back = replace(relay, provider_list=forgotten.append)
    assert lifting.clear_provider(back) == 0
    clock.advance(minutes=10)
    assert (lifting.clear_provider(back), forgotten) == (1, ["ada@customer.example"])
    assert lifting.clear_provider(back) == 0


def test_twenty_a_day(
    client: FlaskClient, relay: Relay, site: Site, manager: Headers, clock: FakeClock
) -> None:
    ids = suppressed(relay, site, *(f"p{n}@customer.example" for n in range(21)))
    for id in ids[:20]:
        assert client.delete(f"/v1/suppressions/{id}", headers=manager).status_code == 200
    clock.advance(hours=1)
    refused = client.delete(f"/v1/suppressions/{ids[20]}", headers=manager)
    told = check_problem(refused, 429, "limit-reached")
    assert (told["retry_after"], refused.headers["Retry-After"]) == (23 * 3600, str(23 * 3600))
    check_problem(
        client.post(f"/v1/suppressions/{ids[20]}/contest", headers=manager), 429, "limit-reached"
    )
    clock.advance(hours=23)
    assert client.delete(f"/v1/suppressions/{ids[20]}", headers=manager).status_code == 200


@pytest.mark.parametrize("how", ["delete", "contest"])
def test_a_complaint_is_not_the_owner_s_to_lift(
    how: str, client: FlaskClient, relay: Relay, site: Site, manager: Headers
) -> None:
    (id,) = suppressed(relay, site, kind="Complaint", stream=Stream.MARKETING)
    (told,) = client.get("/v1/suppressions", headers=manager).json["suppressions"]
    assert told["liftable"] is False
    answer = (
        client.delete(f"/v1/suppressions/{id}", headers=manager)
        if how == "delete"
        else client.post(f"/v1/suppressions/{id}/contest", headers=manager)
    )
    check_problem(answer, 422, "complaint-not-liftable")


def test_an_operator_lifts_a_complaint_too(relay: Relay, site: Site) -> None:
    suppressed(relay, site, kind="Complaint", stream=Stream.MARKETING)
    with relay.sessions.begin() as session:
        found = session.scalars(select(Suppression)).one()
        assert found.reason is SuppressionReason.COMPLAINT
        lifting.lift_as_operator(session, found.id, because="by mistake", now=relay.clock())
    accept(relay, site, stream=Stream.MARKETING)


def test_a_contested_address_is_probed_after_three_days_and_the_answer_decides(
    client: FlaskClient, relay: Relay, site: Site, manager: Headers, clock: FakeClock
) -> None:
    (id,) = suppressed(relay, site, stream=Stream.NOTIFICATION)
    told = client.post(f"/v1/suppressions/{id}/contest", headers=manager)
    assert (told.status_code, told.json["ending"]) == (200, "contested")
    assert datetime.fromisoformat(told.json["probe_at"]) == clock.now + timedelta(days=3)
    again = client.post(f"/v1/suppressions/{id}/contest", headers=manager)
    assert again.json["timeline"] == told.json["timeline"]
    Duties(relay).run_once()
    assert deliver_due(relay) == []
    clock.advance(days=3)
    Duties(relay).run_once()
    (probe,) = deliver_due(relay)
    (contested,) = client.get("/v1/suppressions?ended=true", headers=manager).json["suppressions"]
    assert contested["probe_at"] is None, "it has just been made"
    tell(relay, "Bounce", probe, feedbackId="second")
    (told,) = client.get("/v1/suppressions", headers=manager).json["suppressions"]
    assert told["id"] != id
    assert [moment["code"] for moment in told["timeline"]].count("probed") == 1
    assert told["probe_at"] is None


def test_no_try_is_planned_for_an_address_that_is_not_contested(
    client: FlaskClient, relay: Relay, site: Site, manager: Headers
) -> None:
    (id,) = suppressed(relay, site)
    (told,) = client.get("/v1/suppressions", headers=manager).json["suppressions"]
    lifted = client.delete(f"/v1/suppressions/{id}", headers=manager).json

    assert (told["probe_at"], lifted["probe_at"]) == (None, None)


def test_where_the_refused_mail_is_worth_nothing_any_more_the_next_one_is_the_try(
    client: FlaskClient, relay: Relay, site: Site, manager: Headers, clock: FakeClock
) -> None:
    (id,) = suppressed(relay, site)
    planned = client.post(f"/v1/suppressions/{id}/contest", headers=manager).json["probe_at"]
    clock.advance(days=4)
    Duties(relay).run_once()

    assert deliver_due(relay) == []
    (told,) = client.get("/v1/suppressions?ended=true", headers=manager).json["suppressions"]
    assert told["probe_at"] == planned
    accept(relay, site)


@pytest.mark.parametrize("path", ["", "/contest"])
def test_another_site_s_entry_is_not_there(
    path: str, client: FlaskClient, relay: Relay, account: Account, site: Site, manager: Headers
) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_site(session, account)
    (id,) = suppressed(relay, other)
    call: Callable[..., Any] = client.post if path else client.delete
    check_problem(call(f"/v1/suppressions/{id}{path}", headers=manager), 404, "not-found")
    check_problem(call(f"/v1/suppressions/{uuid4()}{path}", headers=manager), 404, "not-found")
    assert client.get("/v1/suppressions", headers=manager).json["suppressions"] == []


def test_each_needs_its_scope(
    client: FlaskClient, relay: Relay, site: Site, bearer: Headers
) -> None:
    (id,) = suppressed(relay, site)
    for answer in (
        client.delete(f"/v1/suppressions/{id}", headers=bearer),
        client.post(f"/v1/suppressions/{id}/contest", headers=bearer),
    ):
        assert check_problem(answer, 403, "scope-missing")["scope"] == "manage"
    with relay.sessions.begin() as session:
        made = factories.make_key(session, site, scopes=(Scope.SEND,))
    sender = {"Authorization": f"Bearer {made.secret}"}
    check_problem(client.get("/v1/suppressions", headers=sender), 403, "scope-missing")
