"""Whatever goes wrong is a problem (RFC 9457): a stable type, words for a person, no secrets."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from relay import errors
from relay.api import problems
from relay.api.problems import STATUS, status_of
from relay.context import Relay
from relay.errors import PostreeveError
from relay.sayings import say
from relay.settings import Settings
from tests.api.requests import check_problem, parts
from tests.steps import rows

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, PostreeveError) and kind is not PostreeveError
]


@pytest.fixture
def raising(settings: Settings) -> Callable[[Exception], Any]:
    """An application whose one route raises what it is told to."""
    app = Flask("raising")
    problems.install(app, problem_base=settings.problem_base)
    told: list[Exception] = []

    @app.get("/")
    def door() -> str:
        raise told.pop()

    def get(error: Exception) -> Any:
        told.append(error)
        return app.test_client().get("/")

    return get


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_becomes_a_problem(
    kind: type[PostreeveError], raising: Callable[[Exception], Any]
) -> None:
    error = kind("what happened here", domain="bank.example")
    told = check_problem(raising(error), status_of(error), kind.slug)
    assert told["title"] == kind.title
    assert told["detail"] == "what happened here"
    assert told["domain"] == "bank.example"


def test_an_error_is_english_where_nobody_s_language_is_known() -> None:
    error = errors.Refused(say("%(name)s is no name", name="x"), name="x")

    assert str(error) == error.detail == "x is no name"


def test_an_error_outside_the_families_has_no_status() -> None:
    with pytest.raises(KeyError):
        status_of(PostreeveError("x"))
    assert len(set(STATUS.values())) == len(STATUS)


def test_slugs_are_stable_words_and_no_two_errors_share_one() -> None:
    slugs = [kind.slug for kind in KINDS]
    assert len(set(slugs)) == len(slugs)
    assert all(slug == slug.lower() and " " not in slug for slug in slugs)


@pytest.mark.parametrize("seconds", [1, 30])
def test_who_should_come_again_is_told_when(
    seconds: int, raising: Callable[[Exception], Any]
) -> None:
    for kind in (errors.LimitReached, errors.Unavailable):
        assert raising(kind("x", retry_after=seconds)).headers["Retry-After"] == str(seconds)


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT secret FROM t", {}, Exception("server closed the connection")),
        PoolTimeout("QueuePool limit reached"),
        DBAPIError("SELECT secret", {}, Exception("gone"), connection_invalidated=True),
    ],
)
def test_a_database_that_is_away_is_503_and_to_be_tried_again(
    error: Exception, raising: Callable[[Exception], Any]
) -> None:
    response = raising(error)
    check_problem(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert "secret" not in response.text


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret of the house"),
        KeyError("secret"),
        IntegrityError("INSERT secret", {}, Exception("secret")),
        RecursionError("secret"),
    ],
)
def test_a_bug_is_500_and_tells_nothing(
    error: Exception, raising: Callable[[Exception], Any]
) -> None:
    response = raising(error)
    told = check_problem(response, 500, "")
    assert told["title"] == "Internal Server Error"
    assert "secret" not in response.text
    assert type(error).__name__ not in response.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/v1/nowhere", 404),
        ("GET", "/v1/messages/x/y", 404),
        ("DELETE", "/v1/messages", 405),
        ("POST", "/v1/account", 405),
        ("POST", "/healthz", 405),
        ("BREW", "/v1/messages", 405),
    ],
)
def test_plain_HTTP_errors_are_problems_too(
    method: str, path: str, status: int, client: FlaskClient
) -> None:
    response = client.open(path, method=method)
    check_problem(response, status, "")
    if status == 405:
        assert response.headers["Allow"]


def test_the_database_may_go_away_in_the_middle(
    client: FlaskClient, app: Flask, relay: Relay, bearer: dict[str, str]
) -> None:
    """A request that fails in its transaction is 503, and no part of it is stored."""

    class Failing:
        def begin(self) -> Any:
            raise OperationalError("BEGIN", {}, Exception("server closed the connection"))

    with relay.reads() as session:
        before = rows(session)
    app.extensions["relay"] = replace(relay, sessions=Failing())  # type: ignore[arg-type]
    check_problem(client.post("/v1/messages", data=parts(), headers=bearer), 503, "unavailable")
    with relay.reads() as session:
        assert rows(session) == before
