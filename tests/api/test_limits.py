"""Limits as clients see them: the problem, the fields of answers, and GET /v1/account."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from relay.context import Relay
from relay.models import Account, Message, Site
from relay.services import limits
from tests.api.requests import check_problem
from tests.fakes import FakeClock

ITEM = re.compile(r'"([a-z-]+)"((?:;[a-z]+=(?:\d+|"[a-z-]+"))+)')
"""One item of the fields: a string with parameters, integers and strings (RFC 9651 §3.1.2)."""

LISTED = re.compile(rf"{ITEM.pattern}(?:, {ITEM.pattern})*")


def items(field: str) -> Mapping[str, Mapping[str, str]]:
    """The field's items by name: their parameters."""
    assert LISTED.fullmatch(field), field
    return {
        name: dict(each.split("=") for each in parameters[1:].split(";"))
        for name, parameters in ITEM.findall(field)
    }


@pytest.fixture
def small(relay: Relay, site: Site, clock: FakeClock) -> Site:
    """The site may write to eight people an hour, and it is 09:20."""
    with relay.sessions.begin() as session:
        limits.set_for_site(session, site.id, {"hour": 8})
    clock.advance(minutes=20)
    return site


def test_an_answer_says_what_is_left(post: Callable[..., TestResponse], small: Site) -> None:
    answer = post(to=["a@customer.example", "b@customer.example"])

    assert answer.status_code == 202
    policy, left = (items(answer.headers[name]) for name in ("RateLimit-Policy", "RateLimit"))
    assert list(policy) == list(left)
    assert list(policy) == [
        "site-second", "site-hour", "site-day", "account-second", "account-hour", "account-day",
        "source",
    ]  # fmt: skip
    assert policy["site-hour"] == {"q": "8", "w": "3600", "qu": '"recipients"'}
    assert left["site-hour"] == {"r": "6", "t": "2400"}
    assert left["source"] == {"r": "6", "t": "2400"}


def test_over_the_limit_is_a_problem_that_says_which_and_until_when(
    post: Callable[..., TestResponse], small: Site, relay: Relay
) -> None:
    assert post(to=[f"p{n}@customer.example" for n in range(6)], source=None).status_code == 202

    answer = post(to=[f"q{n}@customer.example" for n in range(3)], source=None)

    told = check_problem(answer, 429, "limit-reached")
    assert told["limit"] == "site-hour"
    assert (told["allowed"], told["remaining"], told["retry_after"]) == (8, 2, 2400)
    assert answer.headers["Retry-After"] == "2400"
    assert answer.headers["RateLimit-Policy"] == '"site-hour";q=8;w=3600;qu="recipients"'
    assert answer.headers["RateLimit"] == '"site-hour";r=2;t=2400'
    with relay.reads() as session:
        assert session.query(Message).count() == 1


def test_a_repetition_is_answered_over_the_limit(
    post: Callable[..., TestResponse], small: Site
) -> None:
    people = [f"p{n}@customer.example" for n in range(8)]
    first = post(to=people, source=None, headers={"Idempotency-Key": "k"})
    assert post(source=None).status_code == 429

    again = post(to=people, source=None, headers={"Idempotency-Key": "k"})

    assert (again.status_code, again.json) == (202, first.json)
    assert items(again.headers["RateLimit"])["site-hour"]["r"] == "0"


def test_a_batch_is_taken_as_far_as_the_limit_goes(
    client: FlaskClient, bearer: dict[str, str], small: Site
) -> None:
    letters = [
        {"from": "news@shop.example", "to": [f"p{n}@customer.example"], "text": "x"}
        for n in range(10)
    ]
    answer = client.post("/v1/messages/batch", json={"messages": letters}, headers=bearer)

    results = answer.json["results"]
    assert [each["status"] for each in results] == [202] * 8 + [429] * 2
    assert results[-1]["problem"]["limit"] == "site-hour"
    assert items(answer.headers["RateLimit"])["site-hour"]["r"] == "0"
    refused = client.post("/v1/messages/batch", json={"messages": letters[:1]}, headers=bearer)
    assert refused.status_code == 200
    assert items(refused.headers["RateLimit"]) == {"site-hour": {"r": "0", "t": "2400"}}


def test_more_recipients_than_a_message_may_have_is_no_matter_of_waiting(
    post: Callable[..., TestResponse], relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        limits.set_for_site(session, site.id, {"recipients": 1})
    told = check_problem(post(to=["a@b.example", "c@b.example"]), 413, "message-too-large")
    assert (told["limit"], told["unit"]) == (1, "recipients")


def test_a_site_sees_its_limits_and_which_breakers_are_open(
    client: FlaskClient,
    bearer: dict[str, str],
    post: Callable[..., TestResponse],
    relay: Relay,
    account: Account,
    site: Site,
) -> None:
    with relay.sessions.begin() as session:
        limits.set_for_account(session, account.id, {"day": 9_000})
        limits.set_for_site(session, site.id, {"hour": 40}, declared_daily=400)
    people = [f"p{n}@customer.example" for n in range(10)]
    assert post(to=people, source={"plugin": "cf7", "form": "footer"}).status_code == 202

    told: dict[str, Any] = client.get("/v1/account", headers=bearer).json

    assert told["limits"] == {
        "plan": "agency",
        "second": 500,
        "hour": 40,
        "day": 9_000,
        "recipients": 50,
        "size": 41_943_040,
        "declared_daily": 400,
    }
    assert told["allowances"][1] == {
        "limit": "site-hour",
        "allowed": 40,
        "used": 10,
        "remaining": 30,
        "resets": 3_600,
    }
    assert told["sources"] == [
        {
            "plugin": "cf7",
            "form": "footer",
            "used": 10,
            "allowed": 10,
            "open_until": "2026-11-22T10:00:00+00:00",
        }
    ]
