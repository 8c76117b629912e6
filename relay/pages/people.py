"""Pages for people who got a mail: to stop it, to choose, to report it.

The link's token is all the authority there is: no log-in, no cookie. GET and HEAD change nothing,
however many scanners follow the link; a button does, by POST.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from flask import Blueprint, Response, current_app, request
from sqlalchemy.orm import Session

from relay.context import Relay
from relay.errors import NotFound
from relay.models import Message
from relay.pages import frame
from relay.pages.opened import Opened, open_link, plugin_name, show
from relay.pages.visitors import visitor
from relay.services import abuse_reports, leaving, opt_outs
from relay.services import preferences as choices
from relay.services.leaving import Hand, Way
from relay.vocabulary import AbuseReason, LeavingReason

blueprint = Blueprint("people", __name__, template_folder="templates")
frame.furnish(blueprint)

LARGEST_FORM = 64 * 1024
"""Bytes of a request: the longest comment in any script, and a good many boxes."""

Word = TypeVar("Word", bound=StrEnum)


@blueprint.before_request
def _only_forms() -> None:
    request.max_content_length = LARGEST_FORM


@blueprint.get("/unsubscribe/<path:token>")
def unsubscribe(token: str) -> Response:
    """What would stop, and the button; or that it has stopped."""
    with _relay().reads() as session:
        opened = open_link(session, _relay().settings.keyring, token)
    return show("unsubscribe.html", opened, done=opened.about.stopped)


@blueprint.post("/unsubscribe/<path:token>")
def do_unsubscribe(token: str) -> Response:
    """Stop the mail: for a mail program's one click (RFC 8058 §3.2) and for the page's button alike.

    Any POST stops it, whatever the form says: leaving must not fail for a detail. Only `why`, from
    the page that says it is done, is something else: the reason, kept beside what stands.
    """
    relay = _relay()
    why = _word(LeavingReason, request.form.get("why"))
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    with relay.sessions.begin() as session:
        opened = open_link(session, _relay().settings.keyring, token)
        hand = Hand(visitor(), Way.ONE_CLICK if one_click else Way.PAGE, relay.clock())
        link = opened.link
        if why is None:
            leaving.leave(session, relay.settings.keyring, link, hand)
        else:
            opt_outs.explain(session, link.site_id, link.address, link.topic, why.value)
    stopped = why is None or opened.about.stopped
    return show("unsubscribe.html", opened, done=stopped, said_why=why is not None)


@blueprint.get("/preferences/<path:token>")
def preferences(token: str) -> Response:
    """All that the person gets from this site, with a box each."""
    with _relay().reads() as session:
        opened = open_link(session, _relay().settings.keyring, token)
        return _preferences(session, opened)


@blueprint.post("/preferences/<path:token>")
def do_preferences(token: str) -> Response:
    """Stop what is unticked, take up again what they had before; or stop everything."""
    relay = _relay()
    with relay.sessions.begin() as session:
        opened = open_link(session, _relay().settings.keyring, token)
        hand = Hand(visitor(), Way.PREFERENCES, relay.clock())
        if everything := "everything" in request.form:
            choices.stop_everything(session, relay.settings.keyring, opened.link, hand)
        else:
            choices.choose(
                session,
                relay.settings.keyring,
                opened.link,
                shown=set(request.form.getlist("shown")),
                wanted=set(request.form.getlist("topic")),
                hand=hand,
            )
        return _preferences(session, opened, saved=not everything, everything=everything)


@blueprint.get("/report-abuse/<path:token>")
def report_abuse(token: str) -> Response:
    """The form of a report."""
    with _relay().reads() as session:
        return _report(session, open_link(session, _relay().settings.keyring, token))


@blueprint.post("/report-abuse/<path:token>")
def do_report_abuse(token: str) -> Response:
    """Keep the report; stop the mail if asked in the same breath, or if that is what it says."""
    relay = _relay()
    reason = _word(AbuseReason, request.form.get("reason"))
    comment = request.form.get("comment", "").replace("\r\n", "\n").replace("\0", "").strip()
    stop = "stop" in request.form
    with relay.sessions.begin() as session:
        opened = open_link(session, _relay().settings.keyring, token)
        too_long = len(comment) > abuse_reports.LONGEST_COMMENT
        if reason is None or too_long:
            return _report(
                session,
                opened,
                status=400,
                no_reason=reason is None,
                too_long=len(comment) if too_long else 0,
                reason=reason,
                comment=comment,
                stop=stop,
            )
        hand = Hand(visitor(), Way.REPORT, relay.clock())
        abuse_reports.report(
            session,
            opened.link,
            reason=reason,
            comment=comment,
            evidence=_evidence(opened, hand),
            now=hand.now,
        )
        keyring = relay.settings.keyring
        if not abuse_reports.heed(session, keyring, opened.link, reason, hand) and stop:
            leaving.leave(session, keyring, opened.link, hand)
        stopped = leaving.about(session, opened.link).stopped
    return show("report_done.html", opened, stopped=stopped)


@blueprint.errorhandler(NotFound)
def _broken_link(_error: NotFound) -> Response:
    return frame.show("people_error.html", status=404, kind="link")


def _relay() -> Relay:
    found: Relay = current_app.extensions["relay"]
    return found


def _preferences(session: Session, opened: Opened, **values: Any) -> Response:
    found = choices.choices(session, opened.link)
    return show(
        "preferences.html",
        opened,
        lists=[each for each in found if opt_outs.list_of(each.topic)],
        notifications=[
            (each, plugin_name(each.name)) for each in found if opt_outs.plugin_of(each.topic)
        ],
        **values,
    )


def _report(session: Session, opened: Opened, *, status: int = 200, **values: Any) -> Response:
    id = opened.link.message_id
    mail = session.get(Message, id) if id else None
    return show(
        "report_abuse.html",
        opened,
        status=status,
        mail=mail if mail and mail.site_id == opened.link.site_id else None,
        longest=abuse_reports.LONGEST_COMMENT,
        **{"stop": True, **values},
    )


def _evidence(opened: Opened, hand: Hand) -> dict[str, Any]:
    return {
        "page": "report-abuse",
        "topic": opened.link.topic,
        "ip": hand.visitor.ip,
        "user_agent": hand.visitor.user_agent,
    }


def _word(of: type[Word], text: str | None) -> Word | None:
    return of(text) if text in set(of) else None
