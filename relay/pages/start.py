"""The start page, the API's readable form, and the pages about problems."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template
from markdown_it import MarkdownIt
from markupsafe import Markup

from relay import __version__
from relay.context import Relay
from relay.errors import NotFound
from relay.pages import speech, trial
from relay.services import plugin_archives

blueprint = Blueprint("pages", __name__, template_folder="templates")

DOCS = Path(__file__).parents[2] / "docs"
PROBLEMS, REMARKS = DOCS / "problems.md", DOCS / "remarks.md"

ANOTHER_DOCUMENT = re.compile(r"\[[^\]]*\]\(([a-z-]+\.md)[^)]*\)")
"""A link from one document to the next; the relay serves no other document than these two."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@blueprint.app_context_processor
def _always() -> dict[str, Any]:
    return {"version": __version__}


@blueprint.after_request
def headers(response: Response) -> Response:
    """The answer with what keeps it from being framed, or loading what is not ours."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/")
def start() -> Response:
    """What this is and where to go; on a trial installation also what the first mails did."""
    relay: Relay = current_app.extensions["relay"]
    return speech.page("start.html", trial=trial.shown(relay), plugin=plugin_archives.are_here())


@blueprint.get("/docs")
def api_docs() -> Response:
    """The API in readable form."""
    return make_response(render_template("docs.html"))


@blueprint.get("/problems/")
@blueprint.get("/problems/<slug>")
def problems(slug: str | None = None) -> Response:
    """What an error code means and how to fix it; the `type` of every problem leads here."""
    return _codes(
        PROBLEMS,
        slug,
        endpoint="pages.problems",
        word="Problems",
        heading="Problems and how to fix them",
        lead=Markup(
            "Each error of the API carries a <code>type</code>. Its last word is one of these."
        ),
    )


@blueprint.get("/remarks/")
@blueprint.get("/remarks/<slug>")
def remarks(slug: str | None = None) -> Response:
    """What a remark about a mail means."""
    return _codes(
        REMARKS,
        slug,
        endpoint="pages.remarks",
        word="Remarks",
        heading="Remarks about a mail",
        lead=Markup(
            "A mail that is taken may carry <code>remarks</code>. Each has one of these codes."
        ),
    )


def _codes(document: Path, slug: str | None, *, word: str, **words: Any) -> Response:
    """A document of codes: one of its sections, or all of them with an index."""
    sections = _sections(document.read_text(encoding="utf-8"))
    if slug is not None and slug not in sections:
        one = word.lower()
        raise NotFound(f"There is no {one.removesuffix('s')} of this name; /{one}/ lists them all")
    return make_response(
        render_template("codes.html", slug=slug, sections=sections, word=word, **words)
    )


@lru_cache(maxsize=2)
def _sections(text: str) -> dict[str, Markup]:
    """What docs/problems.md says about each code (each is a `## code` heading), as HTML.

    Links to other documents are their names there: on these pages they would lead nowhere.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    found = {}
    for section in ANOTHER_DOCUMENT.sub(r"`docs/\1`", text).split("\n## ")[1:]:
        slug, _, body = section.partition("\n")
        found[slug.strip()] = Markup(markdown.render(body))  # noqa: S704  (our own file, no HTML in it)
    return found
