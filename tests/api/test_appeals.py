"""`/v1/account/`: what was done, what the owner says to it, and the acceptable use policy."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from relay.context import Relay
from relay.models import Account, Action, Site
from relay.policy.acceptable_use import VERSION
from relay.services import actions, appeal_answers
from relay.services.actions import RELAY, Order, Subject
from relay.services.appeal_answers import Answer
from relay.services.owner_events import PAST, event_of
from relay.vocabulary import AppealDecision, Cause, Scope, State, Verb
from tests import factories
from tests.api.requests import check_problem
from tests.fakes import MORNING

SENDER = "relay@relay.example"


@pytest.fixture
def owner(relay: Relay, site: Site) -> dict[str, str]:
    """The headers of a request with a key that may do everything."""
    with relay.sessions.begin() as session:
        secret = factories.make_key(session, site, scopes=list(Scope)).secret
    return {"Authorization": f"Bearer {secret}"}


def act(relay: Relay, verb: Verb, cause: Cause | None = Cause.SPAM, **given: Any) -> Action:
    actor = given.pop("actor", "operator:Ada Lovelace")
    evidence = given.pop("evidence", None)
    with relay.sessions.begin() as session:
        order = Order(verb, actor, f"why {verb}", cause, evidence)
        return actions.act(session, Subject(**given), order, sender=SENDER, now=relay.clock())


def decline(relay: Relay, id: str) -> None:
    with relay.sessions.begin() as session:
        answer = Answer(AppealDecision.DECLINED, "operator:Ada Lovelace", "it goes on")
        appeal_answers.decide(session, UUID(id), answer, sender=SENDER, now=relay.clock())


# --- what was done --------------------------------------------------------------------------


def test_an_action_is_an_event_that_a_webhook_could_bring() -> None:
    action = Action(
        id=UUID(int=1), at=MORNING, actor="operator:Ada Lovelace", verb=Verb.LIMIT,
        account_id=UUID(int=2), site_id=UUID(int=3), cause=Cause.COMPLAINTS, reason="9 in 3 days",
        before={"state": "active", "cause": None}, after={"state": "limited", "cause": "complaints"},
        evidence={"complaints": 9},
    )  # fmt: skip
    assert event_of(action, public_url="https://relay.example") == {
        "type": "site.limited",
        "timestamp": "2026-11-22T09:00:00+00:00",
        "id": str(UUID(int=1)),
        "data": {
            "account_id": str(UUID(int=2)),
            "site_id": str(UUID(int=3)),
            "stream": None,
            "before": {"state": "active", "cause": None},
            "after": {"state": "limited", "cause": "complaints"},
            "cause": "complaints",
            "reason": "9 in 3 days",
            "evidence": {"complaints": 9},
            "by": "operator",
            "appeal": {
                "url": "https://relay.example/v1/account/appeals",
                "how": "In the Postreeve plugin, or by POST with a key of the scope manage: "
                f'{{"action_id": "{UUID(int=1)}", '
                '"text": "what happened, and what you have changed"}',
                "answer_within_working_days": 2,
            },
        },
    }


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_has_an_event_and_one_appeals_only_against_what_hurts(verb: Verb) -> None:
    action = Action(
        id=UUID(int=1), at=MORNING, actor=RELAY, verb=verb, account_id=UUID(int=2), cause=None,
        reason="x", before={}, after={}, evidence={},
    )  # fmt: skip
    told = event_of(action, public_url="https://relay.example")
    assert told["type"] == f"account.{PAST[verb]}"
    assert told["data"]["by"] == "relay"
    assert (told["data"]["appeal"] is None) == (
        verb not in (Verb.WARN, Verb.LIMIT, Verb.SUSPEND, Verb.TERMINATE)
    )


def test_an_owner_sees_what_was_done_to_site_and_account_but_not_which_person_did_it(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, account: Account, site: Site
) -> None:
    with relay.sessions.begin() as session:
        neighbour = factories.make_site(session, account, name="The neighbour")
    act(relay, Verb.WARN, site_id=site.id)
    act(relay, Verb.WARN, site_id=neighbour.id)
    act(relay, Verb.SUSPEND, account_id=account.id)
    first = client.get("/v1/account/actions?limit=1", headers=bearer)
    assert [each["type"] for each in first.json["events"]] == ["account.suspended"]
    cursor = first.json["next_cursor"]
    last = client.get(f"/v1/account/actions?cursor={cursor}", headers=bearer)
    assert [each["type"] for each in last.json["events"]] == ["site.warned"]
    assert last.json["next_cursor"] is None
    assert "Ada" not in first.text + last.text


# --- appeals --------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [Verb.WARN, Verb.LIMIT, Verb.SUSPEND, Verb.TERMINATE])
def test_an_owner_appeals_whatever_the_state_is(
    verb: Verb, client: FlaskClient, owner: dict[str, str], relay: Relay, account: Account
) -> None:
    done = act(relay, verb, Cause.PHISHING, account_id=account.id)
    response = client.post("/v1/account/appeals", headers=owner, json={"text": "It was a plugin."})
    assert response.status_code == 201
    assert response.json == {
        "id": response.json["id"],
        "at": "2026-11-22T09:00:00+00:00",
        "answer_by": "2026-11-24T09:00:00+00:00",
        "action_id": str(done.id),
        "site_id": None,
        "text": "It was a plugin.",
        "decision": None,
        "decided_at": None,
        "answer": None,
    }


def test_a_pending_account_may_appeal_against_what_was_done_to_its_site(
    client: FlaskClient, owner: dict[str, str], relay: Relay, account: Account, site: Site
) -> None:
    act(relay, Verb.SUSPEND, site_id=site.id)
    with relay.sessions.begin() as session:
        session.get_one(Account, account.id).state = State.PENDING
    response = client.post("/v1/account/appeals", headers=owner, json={"text": "Please."})
    assert response.json["site_id"] == str(site.id)


def test_the_answer_is_read_where_the_appeal_was_made(
    client: FlaskClient, owner: dict[str, str], relay: Relay, site: Site
) -> None:
    act(relay, Verb.SUSPEND, site_id=site.id)
    for text in ("Please.", "It is gone now."):
        made = client.post("/v1/account/appeals", headers=owner, json={"text": text}).json
        decline(relay, made["id"])
    first = client.get("/v1/account/appeals?limit=1", headers=owner).json
    cursor = first["next_cursor"]
    last = client.get(f"/v1/account/appeals?cursor={cursor}", headers=owner)
    told = [*first["appeals"], *last.json["appeals"]]
    assert [each["text"] for each in told] == ["It is gone now.", "Please."]
    assert {(each["decision"], each["answer"]) for each in told} == {("declined", "it goes on")}
    assert "Ada" not in last.text


def test_an_appeal_that_leads_nowhere_is_refused(
    client: FlaskClient, owner: dict[str, str], relay: Relay, account: Account, site: Site
) -> None:
    def appeal(**asked: Any) -> Any:
        return client.post("/v1/account/appeals", headers=owner, json={"text": "x"} | asked)

    check_problem(appeal(), 409, "nothing-to-appeal")
    with relay.sessions.begin() as session:
        neighbour = factories.make_site(session, account, name="The neighbour")
    foreign = act(relay, Verb.SUSPEND, site_id=neighbour.id)
    check_problem(appeal(action_id=str(foreign.id)), 404, "not-found")
    act(relay, Verb.SUSPEND, site_id=site.id)
    for wrong in ("", " ", "x" * 5_001, "\0", "\ud800", None):
        check_problem(appeal(text=wrong), 400, "request-invalid", pointer="#/json/text")
    assert appeal(text="x" * 5_000).status_code == 201
    told = check_problem(appeal(), 409, "already-exists")
    assert "action_id" in told


# --- the policy -----------------------------------------------------------------------------


def test_an_owner_accepts_the_policy_in_force(
    client: FlaskClient, owner: dict[str, str], relay: Relay, account: Account
) -> None:
    for old in ("2020-01", "next"):
        response = client.post("/v1/account/policy", headers=owner, json={"version": old})
        assert check_problem(response, 409, "conflict")["version"] == VERSION
    who = {"version": VERSION, "by": "ada <ada@shop.example>"}
    accepted = client.post("/v1/account/policy", headers=owner, json=who).json
    assert accepted == {
        "version": VERSION,
        "url": "https://relay.example/policy",
        "accepted_version": VERSION,
        "accepted_at": "2026-11-22T09:00:00+00:00",
        "notice": None,
    }
    assert client.get("/v1/account", headers=owner).json["policy"] == accepted
    with relay.reads() as session:
        by = session.get_one(Account, account.id).policy_accepted_by
    assert str(by).startswith("key ")
    assert str(by).endswith(" ada <ada@shop.example>")


def test_who_accepted_an_older_version_is_told_of_the_new_one_and_stays_ready(
    client: FlaskClient, owner: dict[str, str], relay: Relay, account: Account
) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Account, account.id).policy_version = "2020-01"
    told = client.get("/v1/account", headers=owner).json
    assert "has changed" in told["policy"]["notice"]
    assert told["ready"] is True
