"""`POST /v1/connect`: a code becomes a key, once, for whoever asked."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from relay.app import create_app
from relay.context import Relay
from relay.models import Account, ApiKey, Site, SiteConnection
from relay.vocabulary import State
from tests import factories
from tests.api.requests import check_problem
from tests.connecting import HOME, VERIFIER, Owner, letters_to
from tests.fakes import FakeClock
from tests.steps import at_once


@pytest.fixture
def owner(relay: Relay, client: FlaskClient, site: Site) -> Owner:
    """The owner of a site that is known."""
    return Owner(relay, client)


def keys(relay: Relay) -> int:
    with relay.reads() as session:
        return len(session.scalars(select(ApiKey)).all())


def test_a_code_is_a_key_once(owner: Owner) -> None:
    code = owner.code()
    first = owner.fetch(code)
    assert first.status_code == 200
    assert first.headers["Content-Type"] == "application/json"

    check_problem(owner.fetch(code), 422, "connect-code-invalid")
    assert keys(owner.relay) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"verifier": VERIFIER[:-1] + "x"}, {"verifier": "x" * 43}, {"site": "https://evil.example"},
        {"site": "https://shop.example/blog"}, {"code": "x" * 43}, {"code": "x"}, {"code": "\u0661" * 43},
    ],
)  # fmt: skip
def test_whoever_did_not_ask_gets_nothing_and_spoils_nothing(
    wrong: dict[str, str], owner: Owner
) -> None:
    code = owner.code()
    told = check_problem(owner.fetch(**{"code": code} | wrong), 422, "connect-code-invalid")

    assert told["detail"] == "The code is unknown, used or over, or was not made for this site"
    assert keys(owner.relay) == 0
    assert owner.fetch(code, site=f"{HOME}/").status_code == 200


def test_a_code_is_over_after_ten_minutes(owner: Owner, clock: FakeClock) -> None:
    one, two = owner.code(), owner.code()
    clock.advance(minutes=9, seconds=59)
    assert owner.fetch(one).status_code == 200
    clock.advance(seconds=1)
    check_problem(owner.fetch(two), 422, "connect-code-invalid")


@pytest.mark.parametrize("kind", [Site, Account])
def test_what_was_ended_meanwhile_gets_no_key(kind: Any, owner: Owner, site: Site) -> None:
    code = owner.code()
    with owner.relay.sessions.begin() as session:
        id = site.id if kind is Site else site.account_id
        session.get_one(kind, id).state = State.TERMINATED
    check_problem(owner.fetch(code), 422, "connect-code-invalid")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"code": "x"}, {"code": "x", "verifier": VERIFIER}, {"code": 1, "verifier": 2, "site": 3},
        {"code": "x", "verifier": "short", "site": HOME},
        {"code": "x", "verifier": VERIFIER, "site": HOME, "more": "x"},
        {"code": "x", "verifier": VERIFIER, "site": "x" * 501}, [],
    ],
)  # fmt: skip
def test_a_malformed_request_is_pointed_at(body: Any, client: FlaskClient) -> None:
    check_problem(client.post("/v1/connect", json=body), 400, "request-invalid")


def test_nobody_sends_more_than_a_few_lines(client: FlaskClient) -> None:
    answer = client.post("/v1/connect", data=b" " * 9_000, content_type="application/json")
    assert answer.status_code in (400, 413)


def test_guessing_is_slowed_down(client: FlaskClient) -> None:
    body = {"code": "x", "verifier": VERIFIER, "site": HOME}
    answers = [client.post("/v1/connect", json=body).status_code for _ in range(61)]
    assert answers == [422] * 60 + [429]


def test_the_owner_hears_of_a_key_and_not_of_a_refusal(owner: Owner) -> None:
    code = owner.code()
    before = len(letters_to(owner.relay, owner.address))
    owner.fetch(code, verifier="x" * 43)
    assert len(letters_to(owner.relay, owner.address)) == before
    owner.fetch(code)
    assert "is connected now" in letters_to(owner.relay, owner.address)[-1]


def test_only_digests_are_kept(owner: Owner) -> None:
    owner.client.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    owner.send_address()
    link, number = owner.link(), owner.number()
    code = owner.code()
    with owner.relay.reads() as session:
        rows = repr(
            [
                {c.name: getattr(row, c.name) for c in SiteConnection.__table__.columns}
                for row in session.scalars(select(SiteConnection))
            ]
        )
    for secret in (link.rpartition("/")[2], number, number.replace(" ", ""), code, "203.0.113"):
        assert secret not in rows


def test_of_many_at_once_one_gets_the_key(shared: Relay) -> None:
    with shared.sessions.begin() as session:
        account = factories.make_account(session)
        factories.make_domain(session, account)
        factories.make_site(session, account)
    app = create_app(shared)
    code = Owner(shared, app.test_client()).code()

    answers = at_once(6, lambda _: Owner(shared, app.test_client()).fetch(code).status_code)

    assert sorted(answers) == [200, 422, 422, 422, 422, 422]
    assert keys(shared) == 1
