"""What every page for people who got a mail has in common: its frame, and headers that keep it private.

The address of such a page is a key to somebody's subscriptions. So nobody may keep the page, index
it, frame it, or learn its address from where a link on it leads.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from relay import languages
from relay.pages import speech

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
"""On every answer, good or bad. No script runs on these pages: what they do works without."""


log = structlog.get_logger(__name__)


def furnish(blueprint: Blueprint) -> None:
    """Give a blueprint of such pages the headers, and pages for what goes wrong."""
    blueprint.after_request(headers)
    catch(blueprint)


def catch(blueprint: Blueprint) -> None:
    """Give a blueprint pages for what goes wrong; it may have others for what it expects."""
    blueprint.register_error_handler(HTTPException, _not_understood)
    blueprint.register_error_handler(Exception, _our_trouble)


def _not_understood(error: HTTPException) -> Response:
    """The request was no form of ours."""
    return show("people_error.html", status=error.code or 400, kind="form")


def _our_trouble(error: Exception) -> Response:
    """Nothing was changed: the link stays good, and a mail program may try its one click again."""
    log.error("page failed", endpoint=request.endpoint, exc_info=error)
    response = show("people_error.html", status=503, kind="trouble")
    response.headers["Retry-After"] = "300"
    return response


def headers(response: Response) -> Response:
    """The answer with `HEADERS`; a blueprint's `after_request`."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response


def show(
    template: str, *, status: int = 200, site: str = "", hint: str | None = None, **values: Any
) -> Response:
    """A page on the frame `people.html`.

    `site` is the name of who sends the mail, and `hint` the language the person has used before.
    """
    others = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return speech.page(
        template,
        status=status,
        hint=hint,
        asked_for=urlencode([*others, ("lang", "")]),
        languages=languages.LANGUAGES.values(),
        site=site,
        **values,
    )
