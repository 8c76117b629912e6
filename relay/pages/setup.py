"""The page for the person with the DNS: what to publish for a sending domain, and what is there.

The link is the key: whoever has it can look, and ask for another look, and nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from relay.context import Relay
from relay.errors import NotFound
from relay.pages import speech
from relay.pages.start import POLICY
from relay.sayings import Saying, phrase, say
from relay.services import domain_looks, domain_views, domains
from relay.services.domain_views import DomainView
from relay.vocabulary import DomainStatus

blueprint = Blueprint("setup", __name__, template_folder="templates", url_prefix="/setup")

LOOKS = {
    ("pass", True): ("good", phrase("in place")),
    ("pass", False): ("good", phrase("in place")),
    ("fail", True): ("bad", phrase("to do")),
    ("fail", False): ("wait", phrase("advised")),
    ("unknown", True): ("wait", phrase("not known yet")),
    ("unknown", False): ("wait", phrase("not known yet")),
}
"""How a record looks by its result and whether it is required, and the word for it."""

STATUS_LOOKS = {
    DomainStatus.PENDING: ("wait", phrase("pending")),
    DomainStatus.VERIFIED: ("good", phrase("verified")),
    DomainStatus.FAILING: ("bad", phrase("failing")),
    DomainStatus.LAPSED: ("bad", phrase("lapsed")),
    DomainStatus.SUSPENDED: ("bad", phrase("suspended")),
}
"""How a domain looks by its status, and the word for it."""


@blueprint.after_request
def _headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/<token>")
def show(token: str) -> Response:
    """What to publish, as it was last seen."""
    relay: Relay = current_app.extensions["relay"]
    try:
        found = _view(relay, token)
    except NotFound:
        return speech.page("setup_gone.html", status=404)
    return speech.page("setup.html", **_shown(found, relay.clock()))


def _view(relay: Relay, token: str) -> DomainView:
    """The domain of this link. Raises `NotFound`."""
    with relay.reads() as session:
        return domain_views.view(
            session, domains.by_share_token(session, token), public_url=relay.settings.public_url
        )


@blueprint.post("/<token>")
def look(token: str) -> AnyResponse:
    """Look now, then show the page again."""
    relay: Relay = current_app.extensions["relay"]
    try:
        with relay.reads() as session:
            found = domains.by_share_token(session, token)
        domain_looks.look(relay, found.id, by_hand=True)
    except NotFound:
        return speech.page("setup_gone.html", status=404)
    return redirect(url_for("setup.show", token=token), code=303)


@blueprint.get("/<token>/zone.txt")
def zone(token: str) -> Response:
    """The records as lines of a zone file, for those who edit one."""
    relay: Relay = current_app.extensions["relay"]
    try:
        found = _view(relay, token)
    except NotFound:
        return speech.page("setup_gone.html", status=404)
    lines = [f"; Postreeve: records of {found.domain.name}"]
    lines += [
        f"{record['name']}.  300  IN  {record['type']}  {_master(record)}"
        for record in found.records
        if record["value"]
    ]
    response = make_response("\n".join(lines) + "\n")
    response.content_type = "text/plain; charset=utf-8"
    return response


def _shown(found: DomainView, now: datetime) -> dict[str, Any]:
    """What the template needs, in words."""
    checked, due = found.domain.checked_at, found.domain.due_at
    rows = [
        {
            **record,
            "look": _look(LOOKS[record["result"], record["required"]]),
            "host": _host(record["name"], found.domain.name),
        }
        for record in found.records
    ]
    return {
        "view": found,
        "domain": found.domain,
        "look": _look(STATUS_LOOKS[found.domain.status]),
        "required": [row for row in rows if row["required"]],
        "advised": [row for row in rows if not row["required"] and row["value"]],
        "noted": [
            row
            for row in rows
            if not row["required"] and not row["value"] and row["result"] == "fail"
        ],
        "advice": found.advice,
        "looked": speech.said(_looked(checked, due, now)),
        "absolute": checked.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if checked else "",
        "can_check": found.domain.status is not DomainStatus.SUSPENDED,
    }


def _host(name: str, domain: str) -> str:
    """What most DNS panels want: the name without the domain they append themselves."""
    return "@" if name == domain else name.removesuffix(f".{domain}")


def _master(record: dict[str, Any]) -> str:
    """The value as a master file has it (RFC 1035 §5.1)."""
    value: str = record["value"]
    if record["type"] == "TXT":
        pieces = [value[at : at + 255] for at in range(0, len(value), 255)]
        return " ".join(
            '"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces
        )
    return f"{value.rstrip('.')}."


def _look(look: tuple[str, str]) -> tuple[str, str]:
    mood, word = look
    return mood, speech.gettext(word)


def _looked(checked: datetime | None, due: datetime | None, now: datetime) -> Saying:
    """When it was looked at, and when it will be next."""
    before = speech.ago(min(checked - now, timedelta())) if checked else ""
    then = speech.ago(due - now) if due and due > now else ""
    if before and then:
        return say("Checked %(before)s, next %(then)s.", before=before, then=then)
    if before:
        return say("Checked %(before)s.", before=before)
    if then:
        return say("Not checked yet, next %(then)s.", then=then)
    return say("Not checked yet.")
