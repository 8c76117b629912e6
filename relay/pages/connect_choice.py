"""Connecting a site, second half: account, site and domain, *Connect*, and the way back to WordPress."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from relay.addresses import EmailAddress
from relay.errors import AccountSuspended, Forbidden, Invalid, LimitReached, NotFound, Refused
from relay.models import SiteConnection
from relay.pages import browser as browsers
from relay.pages import connect, frame, speech
from relay.pages.connect import page, refusal, stale, wait
from relay.pages.connect_form import VOLUMES, Filled, read, said_of
from relay.policy.site_urls import origin, with_answer
from relay.services import connection_codes, connections
from relay.services.connections import Offers
from relay.vocabulary import AccountOpening

blueprint = Blueprint(
    "connect_choice", __name__, template_folder="templates", url_prefix="/connect"
)
blueprint.before_request(connect.only_forms)
frame.catch(blueprint)
blueprint.register_error_handler(NotFound, connect.over)
blueprint.register_error_handler(LimitReached, connect.crowd)


@blueprint.after_request
def headers(response: Response) -> Response:
    """As on all such pages; and the form may lead back to the site, for browsers follow its redirects."""
    frame.headers(response)
    if "leads_to" in g:
        policy = response.headers["Content-Security-Policy"]
        response.headers["Content-Security-Policy"] = policy.replace(
            "form-action 'self'", f"form-action 'self' {g.leads_to}"
        )
    return response


@blueprint.get("/<uuid:id>")
def show(id: UUID) -> AnyResponse:
    """What to choose; before that, the page that waits for the letter."""
    with g.relay.reads() as session:
        found = connections.find(session, g.relay.settings.keyring, id, g.browser.secret, now=g.now)
        if not _is_signed_in(found):
            return wait(found)
        offered = connections.offers(session, found)
    return _choose(found, offered, Filled.first(offered))


@blueprint.post("/<uuid:id>")
def choose(id: UUID) -> AnyResponse:
    """*Connect*: everything is written, and the browser goes back with a code."""
    keyring, secret = g.relay.settings.keyring, g.browser.secret
    with g.relay.reads() as session:
        found = connections.find(session, keyring, id, secret, now=g.now)
        if not _is_signed_in(found):
            return wait(found)
        offered = connections.offers(session, found)
    speech.speak_to(found.language)
    filled, errors = read(request.form, offered)
    if not browsers.is_ours(g.relay, g.browser):
        errors = [("connect", stale())]
    if errors:
        return _choose(found, offered, filled, errors)
    settled = connections.Rules(g.relay.settings.sign_up, g.relay.settings.aws_region)
    try:
        with g.relay.sessions.begin() as session:
            done, code = connections.connect(
                session, keyring, id, secret, filled.choice(offered), settled, now=g.now
            )
    except (Invalid, Refused, AccountSuspended) as error:
        return _choose(found, offered, filled, [said_of(error)])
    return redirect(with_answer(done.return_url, code=code, state=done.state), code=303)


@blueprint.errorhandler(Forbidden)
def closed(_error: Forbidden) -> Response:
    """There is no account for this address, and none may be opened."""
    return frame.show("connect_over.html", status=403, kind="closed")


@blueprint.get("/undo/<token>")
def look_undo(token: str) -> AnyResponse:
    """Which key would end, and the button."""
    with g.relay.reads() as session:
        found = connection_codes.undoing(session, g.relay.settings.keyring, token)
    return page("connect_undo.html", hint="", key=found.key, website_=found.site)


@blueprint.post("/undo/<token>")
def undo(token: str) -> AnyResponse:
    """End the key. The link is the authority, so nobody is asked to sign in."""
    with g.relay.sessions.begin() as session:
        found = connection_codes.undo(session, g.relay.settings.keyring, token, now=g.now)
    return page("connect_undo.html", hint="", key=found.key, website_=found.site)


def _is_signed_in(found: SiteConnection) -> bool:
    return bool(g.browser.address == EmailAddress(found.address))


def _choose(
    found: SiteConnection,
    offered: Offers,
    filled: Filled,
    errors: list[tuple[str, str]] | None = None,
) -> AnyResponse:
    opening = g.relay.settings.sign_up
    if not offered.accounts and (offered.barred or opening is AccountOpening.CLOSED):
        raise Forbidden("No account may be opened for this address here")
    home = origin(found.return_url, longest=len(found.return_url))
    bare = str(home).replace("://www.", "://")
    g.leads_to = f"{bare} {bare.replace('://', '://www.')}"
    return page(
        "connect_choice.html",
        hint=found.language,
        status=400 if errors else 200,
        connection=found,
        offered=offered,
        filled=filled,
        errors=errors or [],
        opening=opening,
        volumes=VOLUMES,
        back=refusal(found.return_url, found.state),
    )
