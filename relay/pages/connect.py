"""Connecting a site, first half: what it asks, and signing in by a letter.

`GET /connect` is where the WordPress plugin sends its owner's browser (docs/connect.md). Looking writes
nothing; forms carry a mark against other sites' forms. No answer tells whether an address is known.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from relay import addresses
from relay.addresses import EmailAddress
from relay.context import Relay
from relay.errors import Invalid, LimitReached, NotFound
from relay.models import SiteConnection
from relay.pages import browser as browsers
from relay.pages import confirm, frame, speech
from relay.pages.browser import Browser
from relay.pages.visitors import visitor
from relay.policy import connecting as rules
from relay.policy.connecting import Asked
from relay.policy.site_urls import with_answer
from relay.services import connections, sign_ins
from relay.services.sign_ins import House, Start

blueprint = Blueprint("connect", __name__, template_folder="templates", url_prefix="/connect")
frame.furnish(blueprint)


@blueprint.before_request
def only_forms() -> None:
    """Nobody sends much here; and who sends it, in which browser."""
    request.max_content_length = confirm.LARGEST_FORM
    g.relay = current_app.extensions["relay"]
    g.now = g.relay.clock()
    g.browser = browsers.current(g.relay, g.now)


@blueprint.get("")
@blueprint.get("/sign-in", endpoint="ask_again")
def ask() -> AnyResponse:
    """What the site asks, and where to sign in."""
    asked = _asked()
    return _sign_in(asked) if isinstance(asked, Asked) else asked


@blueprint.post("/sign-in")
def sign_in() -> AnyResponse:
    """An address: write to it, and wait. The same answer for everybody."""
    asked = _asked()
    if not isinstance(asked, Asked):
        return asked
    typed = request.form.get("email", "").strip()
    if not browsers.is_ours(g.relay, g.browser):
        return _sign_in(asked, typed=typed, error=("email", stale()))
    try:
        address = addresses.parse(typed)
    except Invalid:
        wrong = speech.gettext("Please enter an e-mail address, such as name@shop.example.")
        return _sign_in(asked, typed=typed, error=("email", wrong))
    known: EmailAddress | None = g.browser.address
    start = Start(
        asked=asked,
        address=address,
        visitor=visitor(),
        browser=g.browser.secret,
        language=speech.language(),
        signed_in=known is not None and known == address,
    )
    with g.relay.sessions.begin() as session:
        id = sign_ins.begin(session, house(g.relay), start, now=g.now)
    return redirect(url_for("connect_choice.show", id=id), code=303)


@blueprint.post("/<uuid:id>/number")
def number(id: UUID) -> AnyResponse:
    """The number from the letter, typed here."""
    said = request.form.get("number", "")[:50]
    keyring, old = g.relay.settings.keyring, g.browser
    ours = browsers.is_ours(g.relay, old)
    with g.relay.sessions.begin() as session:
        waiting = connections.find(session, keyring, id, old.secret, now=g.now)
        found = (
            sign_ins.by_number(session, keyring, id, old.secret, said, now=g.now) if ours else None
        )
        if found is not None:
            return _signed_in(session, found, old)
    speech.speak_to(waiting.language)
    wrong = speech.gettext(
        "That is not the number from the mail. After five wrong ones it is void."
    )
    return wait(waiting, error=("number", wrong if ours else stale()))


@blueprint.get("/<uuid:id>/number")
def number_again(id: UUID) -> AnyResponse:
    """The page that waits, for whoever changes its language after a wrong number."""
    return redirect(url_for("connect_choice.show", id=id, lang=request.args.get("lang")), code=303)


@blueprint.post("/<uuid:id>/other")
def other(id: UUID) -> AnyResponse:
    """Sign out, and begin again with another address."""
    with g.relay.reads() as session:
        begun = connections.find(session, g.relay.settings.keyring, id, g.browser.secret, now=g.now)
    response = redirect(again(begun), code=303)
    left = g.browser.signed_out() if browsers.is_ours(g.relay, g.browser) else g.browser
    return browsers.keep(g.relay, response, left)  # type: ignore[arg-type]


@blueprint.get("/link/<token>")
def link(token: str) -> AnyResponse:
    """Where a letter's link leads: the button, or where it would work."""
    with g.relay.reads() as session:
        found = sign_ins.look(session, g.relay.settings.keyring, token, now=g.now)
        here = sign_ins.goes_on(
            session, g.relay.settings.keyring, found, g.browser.secret, now=g.now
        )
    shown = here or found
    return page("connect_link.html", hint=shown.language, connection=shown, here=here is not None)


@blueprint.post("/link/<token>")
def use_link(token: str) -> AnyResponse:
    """Sign in by the link; only in a browser that asked."""
    keyring, old = g.relay.settings.keyring, g.browser
    if not browsers.is_ours(g.relay, old):
        return link(token)
    with g.relay.sessions.begin() as session:
        found = sign_ins.by_link(session, keyring, token, old.secret, now=g.now)
        return _signed_in(session, found, old)


@blueprint.errorhandler(NotFound)
def over(_error: NotFound) -> Response:
    """The connection, or the letter's link, is over; or it was never this browser's."""
    return frame.show("connect_over.html", status=404, kind="over")


@blueprint.errorhandler(LimitReached)
def crowd(error: LimitReached) -> Response:
    """Too many from there."""
    response = frame.show("connect_over.html", status=429, kind="crowd")
    response.headers["Retry-After"] = str(error.members["retry_after"])
    return response


def house(relay: Relay) -> House:
    """What this relay's letters and links are made with."""
    settings = relay.settings
    return House(settings.keyring, settings.public_url, settings.house_sender)


def stale() -> str:
    """What to say where the browser kept no cookie, or the form is an old one."""
    return speech.gettext(
        "This form was too old, or your browser keeps no cookies of this page. Please try again."
    )


def page(template: str, *, hint: str, status: int = 200, **values: Any) -> Response:
    """A page with forms, and the cookie that belongs to them."""
    shown: Browser = g.browser
    response = frame.show(
        template, status=status, hint=hint, mark=browsers.mark(g.relay, shown), **values
    )
    return browsers.keep(g.relay, response, shown)


def wait(waiting: SiteConnection, *, error: tuple[str, str] | None = None) -> Response:
    """The page that waits for the letter to be read."""
    return page(
        "connect_wait.html",
        hint=waiting.language,
        status=400 if error else 200,
        connection=waiting,
        errors=[error] if error else [],
        minutes=int(rules.LETTER_LASTS.total_seconds()) // 60,
        most=rules.FROM_ONE_NETWORK.an_hour,
        again=again(waiting),
        back=refusal(waiting.return_url, waiting.state),
    )


def again(begun: SiteConnection) -> str:
    """The address at which the same site asks once more."""
    given = {
        "site": begun.site_url, "return": begun.return_url, "state": begun.state,
        "challenge": begun.challenge, "name": begun.site_name, "from": begun.sender or "",
        "plugin": begun.plugin, "lang": begun.language,
    }  # fmt: skip
    return f"{url_for('connect.ask')}?{urlencode(given)}"


def refusal(return_url: str, state: str) -> str:
    """The way back without a connection (RFC 6749 §4.1.2.1)."""
    return with_answer(return_url, error="access_denied", state=state)


def _asked() -> Asked | AnyResponse:
    """What the site asks; or the answer to a request that makes no sense."""
    given = request.args.to_dict()
    try:
        return_url = rules.way_back(given)
    except Invalid:
        return frame.show("connect_over.html", status=400, kind="unsafe")
    try:
        return rules.read(given)
    except Invalid:
        told = {"error": "invalid_request"}
        if rules.STATE.fullmatch(given.get("state", "")):
            told["state"] = given["state"]
        return redirect(with_answer(return_url, **told), code=303)


def _sign_in(asked: Asked, *, typed: str = "", error: tuple[str, str] | None = None) -> Response:
    query = request.query_string.decode("ascii", "ignore")
    return page(
        "connect.html",
        hint=request.args.get("lang", ""),
        status=400 if error else 200,
        asked=asked,
        typed=typed,
        errors=[error] if error else [],
        known=g.browser.address,
        action=f"{url_for('connect.sign_in')}?{query}",
        back=refusal(asked.return_url, asked.state),
    )


def _signed_in(session: Any, found: SiteConnection, old: Browser) -> AnyResponse:
    """On to the choice, with a new cookie; what this browser has begun stays its own."""
    new = old.signed_in(EmailAddress(found.address), g.now)
    sign_ins.change_browser(session, g.relay.settings.keyring, old.secret, new.secret)
    response = redirect(url_for("connect_choice.show", id=found.id), code=303)
    return browsers.keep(g.relay, response, new)  # type: ignore[arg-type]
