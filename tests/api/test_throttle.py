"""How often the API may be asked: a key by the minute, somebody without one by the address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from relay.api.throttle import STRANGERS
from relay.context import Relay
from relay.models import Site
from tests import factories
from tests.api.requests import check_problem


@pytest.fixture
def ask(app: Flask, relay: Relay) -> Callable[..., Any]:
    """GET /v1/account where a key may ask three times a minute, behind one trusted proxy."""
    settings = replace(relay.settings, requests_per_minute=3, trusted_proxies=1)
    app.extensions["relay"] = replace(relay, settings=settings)

    def get(key: str, *, address: str = "192.0.2.1", path: str = "/v1/account") -> Any:
        headers = {"Authorization": f"Bearer {key}", "X-Forwarded-For": f"6.6.6.6, {address}"}
        return app.test_client().get(path, headers=headers)

    return get


def test_a_key_may_ask_so_often_a_minute(ask: Callable[..., Any], relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        one, other = (factories.make_key(session, site).secret for _ in range(2))

    answers = [ask(one) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    told = check_problem(answers[-1], 429, "limit-reached")
    assert (told["limit"], told["allowed"]) == ("requests", 3)
    assert 1 <= int(answers[-1].headers["Retry-After"]) == told["retry_after"] <= 60
    assert answers[-1].headers["RateLimit-Policy"] == '"requests";q=3;w=60;qu="requests"'
    assert ask(other).status_code == 200


def test_an_operator_may_ask_as_often_as_a_site(ask: Callable[..., Any], relay: Relay) -> None:
    with relay.sessions.begin() as session:
        operator = factories.make_operator(session).secret

    answers = [ask(operator, path="/v1/operator/appeals") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_a_key_at_the_wrong_door_is_counted_as_well(
    ask: Callable[..., Any], relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        doors = {
            factories.make_operator(session).secret: "/v1/account",
            factories.make_key(session, site).secret: "/v1/operator/appeals",
        }
    for key, path in doors.items():
        assert [ask(key, path=path).status_code for _ in range(4)] == [403, 403, 403, 429]


def test_who_has_no_key_is_counted_by_address(
    ask: Callable[..., Any], relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        key = factories.make_key(session, site).secret
    codes = [ask("prk_guess_ed").status_code for _ in range(STRANGERS + 1)]
    assert codes == [401] * STRANGERS + [429]
    assert ask("prk_guess_ed", address="192.0.2.2").status_code == 401
    assert ask(key).status_code == 200  # whoever shares the address with a guesser


def test_an_ipv6_address_stands_for_its_network(ask: Callable[..., Any]) -> None:
    for n in range(STRANGERS):
        assert ask("", address=f"2001:db8::{n:x}").status_code == 401
    assert ask("", address="2001:db8::ffff").status_code == 429
    assert ask("", address="2001:db8:0:1::1").status_code == 401


def test_neither_health_nor_hooks_are_throttled(
    ask: Callable[..., Any], client: FlaskClient
) -> None:
    answers = {ask("nobody", path="/healthz").status_code for _ in range(STRANGERS + 1)}
    assert answers == {200}
    told = {client.post("/hooks/ses", data=b"{}").status_code for _ in range(STRANGERS + 1)}
    assert 429 not in told
