"""The question that everybody meets while a form is being flooded: without it, a mail just waits longer."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from relay.context import Relay
from relay.errors import NotFound
from relay.pages import confirm, frame, speech
from relay.services import challenges
from relay.services.challenges import Attempt, Challenge

blueprint = Blueprint("challenge", __name__, template_folder="templates")
frame.furnish(blueprint)

BAIT = "website"
"""A field that people do not see, and programs like to fill in."""


@blueprint.before_request
def _only_forms() -> None:
    request.max_content_length = confirm.LARGEST_FORM


@blueprint.get("/challenge/<token>")
def look(token: str) -> Response:
    """The question."""
    relay = _relay()
    with relay.reads() as session:
        found = challenges.look(session, relay.settings.keyring, token, now=relay.clock())
    return _show(found)


@blueprint.post("/challenge/<token>")
def answer(token: str) -> Response:
    """An answer: the right one lets the mail go."""
    relay = _relay()
    said = request.form.get("answer", "")[:100]
    with relay.sessions.begin() as session:
        shown = challenges.look(session, relay.settings.keyring, token, now=relay.clock())
        speech.speak_to(shown.language)
        found = challenges.solve(
            session,
            relay.settings.keyring,
            token,
            Attempt(
                in_digits(said), request.form.get(BAIT, ""), request.form.get("stamp", "")[:500]
            ),
            now=relay.clock(),
        )
    wrong = found.standing is challenges.Standing.OPEN
    return _show(found, wrong=wrong, status=400 if wrong else 200)


@blueprint.errorhandler(NotFound)
def _over(_error: NotFound) -> Response:
    return frame.show("challenge_over.html", status=404)


def words() -> list[str]:
    """One to nine, as the language of this answer calls them."""
    _ = speech.gettext
    return [
        _("one"), _("two"), _("three"), _("four"), _("five"), _("six"), _("seven"), _("eight"),
        _("nine"),
    ]  # fmt: skip


def in_digits(said: str) -> str:
    """What somebody wrote, in digits where it is one of our words for a number."""
    text = said.strip().rstrip(".").casefold()
    known = [word.casefold() for word in words()]
    return str(known.index(text) + 1) if text in known else text


def _relay() -> Relay:
    found: Relay = current_app.extensions["relay"]
    return found


def _show(found: Challenge, *, wrong: bool = False, status: int = 200) -> Response:
    speech.speak_to(found.language)
    return frame.show(
        "challenge.html",
        status=status,
        site=found.site_name,
        hint=found.language,
        challenge=found,
        words=words(),
        wrong=wrong,
        bait=BAIT,
    )
