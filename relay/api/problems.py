"""Errors as problems (RFC 9457). Families of `relay.errors` have a status; members inherit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, Response, json, request
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from relay import errors
from relay.api.rate_limits import fields_of_problem
from relay.api.schemas import pointers
from relay.api.speech import language, reason
from relay.sayings import say, spoken

STATUS: Mapping[type[errors.PostreeveError], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.Refused: 422,
    errors.LimitReached: 429,
    errors.Unavailable: 503,
}

RETRY_AFTER = 5
"""Seconds a client should wait when the database is away."""

log = structlog.get_logger(__name__)


def status_of(error: errors.PostreeveError) -> int:
    """The status of the error's family. Raises `KeyError` for an error without one."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    raise KeyError(type(error).__name__)


def as_json(error: errors.PostreeveError, base: str) -> dict[str, Any]:
    """The error as the members of a problem, in the language of the answer.

    `base` is where the pages about problems live.
    """
    members = dict(error.members)
    if "recipients" in members:
        members["recipients"] = [reason(each) for each in members["recipients"]]
    return {
        "type": base + error.slug,
        "title": spoken(error.title, language()),
        "status": status_of(error),
        "detail": spoken(error.told, language()),
        **members,
    }


def problem(
    status: int, *, type: str, title: str, detail: str | None = None, **members: Any
) -> Response:
    """A response of `application/problem+json`."""
    body = {"type": type, "title": title, "status": status}
    if detail is not None:
        body["detail"] = detail
    response = Response(
        json.dumps(body | members), status=status, content_type="application/problem+json"
    )
    if (seconds := members.get("retry_after")) is not None:
        response.headers["Retry-After"] = str(seconds)
        response.headers.update(fields_of_problem(members))
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="postreeve"'
    return response


def install(app: Flask, *, problem_base: str) -> None:
    """Turn everything that can go wrong in `app` into problems."""

    @app.errorhandler(errors.PostreeveError)
    def known(error: errors.PostreeveError) -> Response:
        return problem(**as_json(error, problem_base))

    @app.errorhandler(OperationalError)
    @app.errorhandler(PoolTimeout)
    def database_away(error: Exception) -> Response:
        log.error("database away", error=type(error).__name__)
        return known(
            errors.Unavailable(
                say("The relay's database does not answer; nothing was accepted. Try again soon."),
                retry_after=RETRY_AFTER,
            )
        )

    @app.errorhandler(DBAPIError)
    def database_trouble(error: DBAPIError) -> Response:
        return database_away(error) if error.connection_invalidated else unexpected(error)

    @app.errorhandler(HTTPException)
    def plain_http(error: HTTPException) -> Response:
        status = error.code or 500
        if status == 413:
            return known(errors.TooLarge("The request is larger than the relay takes"))
        if (messages := getattr(error, "data", {}).get("messages")) is not None:
            return known(
                errors.Invalid(
                    "The request is not valid; see `errors`", errors=pointers(messages, "#")
                )
            )
        response = problem(status, type="about:blank", title=error.name, detail=error.description)
        if status == 405:
            response.headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or ())
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.exception("unexpected", path=request.path, error=type(error).__name__)
        return problem(
            500,
            type="about:blank",
            title="Internal Server Error",
            detail="Something went wrong in the relay; it is logged, and nothing was accepted.",
        )
