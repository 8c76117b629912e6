"""The start page, the API's readable form, and the pages about problems."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
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
from relay.models import Message
from relay.sayings import Saying
from relay.services import plugin_archives, timelines
from relay.services.timelines import RecipientTimeline

blueprint = Blueprint("pages", __name__, template_folder="templates")

DOCS = Path(__file__).parents[2] / "docs"
PROBLEMS, REMARKS = DOCS / "problems.md", DOCS / "remarks.md"

ANOTHER_DOCUMENT = re.compile(r"\[[^\]]*\]\(([a-z-]+\.md)[^)]*\)")
"""A link from one document to the next; the relay serves no other document than these two."""

MOODS = {
    "delivered": "good",
    "bounced": "bad",
    "complained": "bad",
    "rejected": "bad",
    "failed": "bad",
    "refused": "bad",
    "suppressed": "bad",
    "expired": "past",
    "unconfirmed": "past",
    "no report": "past",
}
"""How a status looks; one that is not here is still waiting. Never by colour alone: there is always
an icon and the word.
"""

SHOWN = 12
"""Mails on the start page of a trial."""

LOOK_AGAIN = timedelta(minutes=2)
"""How long the page of a trial reloads by itself while a mail is on its way."""

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
    return make_response(
        render_template("start.html", trial=_trial(relay), plugin=plugin_archives.are_here())
    )


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


def _trial(relay: Relay) -> dict[str, Any] | None:
    """What `python -m relay run` left for this page; None on a real installation."""
    path = relay.settings.trial_notes
    if path is None or relay.settings.simulator_certificate is None:
        return None
    try:
        notes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        notes = {}
    now = datetime.now(UTC)
    rows = [
        {**row, "at": datetime.fromisoformat(row["at"]), "status": "refused"}
        for row in notes.get("refused", ())
    ]
    if site := notes.get("site_id"):
        with relay.reads() as session:
            page = timelines.page(session, UUID(site), limit=SHOWN)
        rows += [_row(found.message, copy) for found in page.messages for copy in found.recipients]
    rows.sort(key=lambda row: row["at"], reverse=True)
    mails = [
        {
            **row,
            "why": f"{row['why'].removesuffix('.')}.",
            "mood": MOODS.get(row["status"], "wait"),
            "ago": _ago(now - row["at"]),
        }
        for row in rows[:SHOWN]
    ]
    waiting = any(mail["mood"] == "wait" and now - mail["at"] < LOOK_AGAIN for mail in mails)
    return {
        **notes,
        "mails": mails,
        "unfinished": waiting or not notes.get("finished"),
        "headline": _headline(mails),
    }


def _row(message: Message, copy: RecipientTimeline) -> dict[str, Any]:
    reason = copy.recipient.reason or {}
    last = timelines.event_summary(copy.events[-1]) if copy.events else "On its way"
    return {
        "subject": message.subject,
        "to": copy.recipient.address,
        "status": copy.status.replace("_", " "),
        "why": str(Saying.read(reason.get("title") or last)),
        "at": message.accepted_at,
    }


def _headline(mails: list[dict[str, Any]]) -> str:
    """The answer first: how many ended how."""
    if not mails:
        return "Starting: the first mails are being written."
    counts = Counter(mail["status"] for mail in mails)
    ended = [f"{count} {status}" for status, count in sorted(counts.items(), key=_good_first)]
    return f"It works: {', '.join(ended)}."


def _good_first(counted: tuple[str, int]) -> tuple[bool, bool, str]:
    return (MOODS.get(counted[0]) != "good", counted[0] == "refused", counted[0])


def _ago(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= length:
            many = seconds // length
            return f"{many} {unit}{'s' if many > 1 else ''} ago"
    return "just now"
