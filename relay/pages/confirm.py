"""Where the confirmation mail leads: yes, I want this list's mail; or: this was not me.

The token is all the authority there is. GET and HEAD change nothing, for mail gateways open every
link; a button does, by POST. A token that is unknown looks like one that is over.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from relay.context import Relay
from relay.errors import NotFound
from relay.pages import frame
from relay.pages.visitors import visitor
from relay.services import subscriptions
from relay.services.leaving import address_for_show
from relay.services.subscriptions import Asked

blueprint = Blueprint("confirm", __name__, template_folder="templates")
frame.furnish(blueprint)

LARGEST_FORM = 8 * 1024
"""Bytes of a request: a button needs none."""


@blueprint.before_request
def _only_forms() -> None:
    request.max_content_length = LARGEST_FORM


@blueprint.get("/confirm/<path:token>")
def look(token: str) -> Response:
    """What one agrees to, and the button."""
    relay = _relay()
    with relay.reads() as session:
        asked = subscriptions.look(session, relay.settings.keyring, token, now=relay.clock())
    return _show("confirm.html", asked)


@blueprint.post("/confirm/<path:token>")
def confirm(token: str) -> Response:
    """The person agrees; pressing again is as good."""
    relay = _relay()
    with relay.sessions.begin() as session:
        asked = subscriptions.confirm(
            session, relay.settings.keyring, token, visitor(), now=relay.clock()
        )
    return _show("confirm.html", asked)


@blueprint.get("/not-me/<path:token>")
def look_not_me(token: str) -> Response:
    """What follows from saying so, and the button."""
    relay = _relay()
    with relay.reads() as session:
        asked = subscriptions.look(
            session, relay.settings.keyring, token, now=relay.clock(), used=True
        )
    return _show("not_me.html", asked)


@blueprint.post("/not-me/<path:token>")
def not_me(token: str) -> Response:
    """It was not them: the list asks no more."""
    relay = _relay()
    with relay.sessions.begin() as session:
        asked = subscriptions.refuse(
            session, relay.settings.keyring, token, visitor(), now=relay.clock()
        )
    return _show("not_me.html", asked)


@blueprint.errorhandler(NotFound)
def _over(_error: NotFound) -> Response:
    return frame.show("confirm_over.html", status=404)


def _relay() -> Relay:
    found: Relay = current_app.extensions["relay"]
    return found


def _show(template: str, asked: Asked) -> Response:
    return frame.show(
        template,
        site=asked.site_name,
        hint=asked.language,
        asked=asked,
        address=address_for_show(asked.address),
    )
