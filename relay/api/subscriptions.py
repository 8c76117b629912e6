"""`/v1/subscriptions`: sign-ups go in, statuses come out. Only the person can confirm."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.auth import keyed, note_use, relay, site_id
from relay.api.drafts import address_at, read_body
from relay.api.openapi import NO_LIST, PROBLEM, SENDER_REFUSED, SIGN_UP_BODY, SITE
from relay.api.schemas import (
    SignUpSchema,
    SignUpTakenSchema,
    SubscriptionsQuerySchema,
    SubscriptionsSchema,
)
from relay.services import sign_ups, subscriptions
from relay.services.sign_ups import Form, SignUp
from relay.services.visitors import Visitor
from relay.vocabulary import Scope

blueprint = Blueprint("subscriptions", __name__, description="Consent to lists, asked and given.")

LONGEST_AGENT = 500


@blueprint.route("/subscriptions", parameters=[SITE])
class Subscriptions(MethodView):
    """The site's subscriptions."""

    @keyed(Scope.SEND)
    @blueprint.response(202, SignUpTakenSchema)
    @blueprint.doc(
        operationId="signUp",
        requestBody=SIGN_UP_BODY,
        responses={**NO_LIST, **SENDER_REFUSED, **PROBLEM},
    )
    def post(self) -> dict[str, Any]:
        """Ask a person whether they want a list's mail: the relay sends them a confirmation mail.

        The answer is the same whoever it is: new, known, suppressed or written to too often.
        """
        # A sign-up makes the relay send one mail, so it takes the right that sending one takes.
        sign_up, context, site = _read(), relay(), site_id()
        now = context.clock()
        note_use()
        with context.sessions.begin() as session:
            token = sign_ups.ask(session, context.settings.keyring, site, sign_up, now=now)
        url = f"{context.settings.public_url.rstrip('/')}/challenge/{token}"
        return {"accepted": True, "challenge": {"url": url} if token else None}

    @keyed(Scope.MANAGE)
    @blueprint.arguments(
        SubscriptionsQuerySchema, location="query", unknown=None, error_status_code=400
    )
    @blueprint.response(200, SubscriptionsSchema)
    @blueprint.doc(operationId="listSubscriptions", responses={**NO_LIST, **PROBLEM})
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List subscriptions with their statuses, newest first: the site's own export."""
        asked = query["address"]
        with relay().reads() as session:
            page = subscriptions.page(
                session,
                site_id(),
                limit=query["limit"],
                list_key=query["list"],
                address=address_at(asked, "#/query/address") if asked is not None else None,
                before=query["cursor"],
            )
        return {
            "subscriptions": [
                {
                    "id": each.id,
                    "list": list_key,
                    "address": each.address,
                    "status": each.status,
                    "language": each.language,
                    "source": each.source,
                    "requested_at": each.requested_at,
                    "confirmed_at": each.confirmed_at,
                    "ended_at": each.ended_at,
                }
                for each, list_key in page.entries
            ],
            "next_cursor": page.next_cursor,
        }


def _read() -> SignUp:
    """The sign-up in this request; the plugin passes the visitor's Accept-Language on as its own."""
    given = read_body(request, SignUpSchema)
    source = given["source"]
    return SignUp(
        address=address_at(given["email"], "#/email"),
        list_key=given["list"],
        visitor=Visitor(source["ip"] or None, (source["user_agent"] or "")[:LONGEST_AGENT]),
        form=Form(
            source["form"], source["page"], source["consent_text"], source["consent_version"]
        ),
        name=given["name"] or "",
        language=given["language"],
        accept_language=request.headers.get("Accept-Language"),
    )
