"""Which language an answer of the API speaks: the one its caller asks for (RFC 9110 §12.5.4)."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, has_request_context, request
from marshmallow import fields

from relay import languages
from relay.sayings import spoken

JSON = frozenset(("application/json", "application/problem+json"))
"""What we say words in."""


def language() -> str:
    """The language of this answer; English where nobody asks for one that we speak."""
    if not has_request_context():
        return languages.ENGLISH
    if "language" not in g:
        g.language = languages.best(request.headers.get("Accept-Language"))
    return str(g.language)


class Words(fields.String):
    """Text for people: a saying, or a stored one, in the language of the answer."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else spoken(value, language())


class Reason(fields.Dict):
    """A reason with its code, its words in the language of the answer, and further details."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return reason(value)


def reason(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """A reason, or a remark, with its words in the language of the answer."""
    if found is None or language() == languages.ENGLISH:
        return found
    told = {
        name: spoken(found[name], language())
        for name in ("title", "detail")
        if isinstance(found.get(name), str)
    }
    return found | told


def install(app: Flask) -> None:
    """Say with each answer of the API which language it speaks, and that this depends on the request."""

    @app.after_request
    def in_this_language(response: Response) -> Response:
        if request.path.startswith("/v1/") and response.mimetype in JSON:
            response.headers["Content-Language"] = language()
            if "Vary" in response.headers:
                response.vary.add("Accept-Language")
            else:
                response.headers["Vary"] = "Accept-Language"
        return response
