"""`/policy`: what everybody agrees to who sends through this relay."""

from __future__ import annotations

from functools import cache

from flask import Blueprint, Response, make_response, render_template
from markdown_it import MarkdownIt
from markupsafe import Markup

from relay.pages.start import DOCS, headers
from relay.policy.acceptable_use import VERSION

blueprint = Blueprint("acceptable_use", __name__, template_folder="templates")
blueprint.after_request(headers)

DOCUMENT = DOCS / "acceptable-use.md"


@blueprint.get("/policy")
def policy() -> Response:
    """The acceptable use policy in force."""
    return make_response(render_template("policy.html", text=_text(), policy_version=VERSION))


@cache
def _text() -> Markup:
    """The document without its heading, which the page has itself, as HTML."""
    body = DOCUMENT.read_text(encoding="utf-8").partition("\n")[2]
    made = MarkdownIt("commonmark", {"html": False}).render(body)
    return Markup(made)  # noqa: S704  (our own file, no HTML in it)
