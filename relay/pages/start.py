"""The start page, the API's readable form, and the pages about problems."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, make_response, render_template
from markdown_it import MarkdownIt
from markupsafe import Markup

from relay import __version__
from relay.context import Relay
from relay.errors import NotFound
from relay.services import timelines
from relay.services.timelines import RecipientTimeline

blueprint = Blueprint("pages", __name__, template_folder="templates")

PROBLEMS = Path(__file__).parents[2] / "docs" / "problems.md"

MOODS = {
    "delivered": ("good", "✓"),
    "bounced": ("bad", "✗"),
    "complained": ("bad", "✗"),
    "rejected": ("bad", "✗"),
    "failed": ("bad", "✗"),
    "refused": ("bad", "✗"),
    "suppressed": ("bad", "✗"),
}
"""How a status looks: never by colour alone, always an icon and the word."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@blueprint.context_processor
def _always() -> dict[str, Any]:
    return {"version": __version__}


@blueprint.after_request
def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/")
def start() -> Response:
    """What this is and where to go; on a trial installation also what the first mails did."""
    relay: Relay = current_app.extensions["relay"]
    return make_response(render_template("start.html", trial=_trial(relay)))


@blueprint.get("/docs")
def api_docs() -> Response:
    """The API in readable form."""
    return make_response(render_template("docs.html"))


@blueprint.get("/problems/")
@blueprint.get("/problems/<slug>")
def problems(slug: str | None = None) -> Response:
    """What an error code means and how to fix it; the `type` of every problem leads here."""
    sections = _sections(PROBLEMS.read_text(encoding="utf-8"))
    if slug is None:
        return make_response(
            render_template(
                "problems.html",
                heading="Problems and how to fix them",
                text=Markup("").join(sections.values()),
            )
        )
    if slug not in sections:
        raise NotFound("There is no problem of this name; /problems/ lists them all")
    return make_response(render_template("problems.html", heading=slug, text=sections[slug]))


@lru_cache(maxsize=1)
def _sections(text: str) -> dict[str, Markup]:
    """The pages of docs/problems.md as HTML, by code (each is a `## code` heading)."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    found = {}
    for section in text.split("\n## ")[1:]:
        slug = section.partition("\n")[0].strip().strip("`")
        found[slug] = Markup(markdown.render(f"## {section}"))  # noqa: S704  (our own file, no HTML in it)
    return found


def _trial(relay: Relay) -> dict[str, Any] | None:
    """What `python -m relay run` left for this page; None on a real installation."""
    path = relay.settings.trial_notes
    if path is None or relay.settings.simulator_certificate is None:
        return None
    try:
        notes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        notes = {}
    mails = list(notes.get("refused", ()))
    if site := notes.get("site_id"):
        with relay.reads() as session:
            page = timelines.page(session, UUID(site), limit=12)
        mails += [
            _row(message.message.subject, copy)
            for message in page.messages
            for copy in message.recipients
        ]
    rows = [row | _look(row["status"]) for row in mails]
    unfinished = not notes.get("curl") or any(row["mood"] == "wait" for row in rows)
    return notes | {"mails": rows, "unfinished": unfinished, "headline": _headline(rows)}


def _row(subject: str, copy: RecipientTimeline) -> dict[str, str]:
    reason = copy.recipient.reason or {}
    last = timelines.event_summary(copy.events[-1]) if copy.events else ""
    return {
        "subject": subject,
        "to": copy.recipient.address,
        "status": copy.status.replace("_", " "),
        "why": reason.get("title") or last,
    }


def _look(status: str) -> dict[str, str]:
    mood, icon = MOODS.get(status, ("wait", "…"))
    return {"mood": mood, "icon": icon}


def _headline(rows: list[dict[str, str]]) -> str:
    good = sum(row["mood"] == "good" for row in rows)
    bad = sum(row["mood"] == "bad" for row in rows)
    if not rows:
        return "Starting."
    return f"It works. {good} delivered, {bad} not, each with its reason."
