"""`/v1/messages`: accept, list, look at one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request, url_for
from flask.views import MethodView
from flask_smorest import Blueprint

from relay.addresses import parse as parse_address
from relay.api.auth import caller, idempotency_key, keyed, relay, site_id
from relay.api.drafts import read_multipart
from relay.api.openapi import MESSAGE_BODY, PROBLEM, RECEIPT, TOO_LARGE, UNREADABLE
from relay.api.schemas import MessageSchema, MessagesQuerySchema, MessagesSchema
from relay.services import accounts, messages, timelines
from relay.services.timelines import MessageTimeline, RecipientTimeline
from relay.vocabulary import Scope

blueprint = Blueprint("messages", __name__, description="Mail: send it, and see what became of it.")


@blueprint.route("/messages")
class Messages(MethodView):
    """The site's messages."""

    @keyed(Scope.SEND)
    @blueprint.doc(
        requestBody=MESSAGE_BODY, responses={"202": RECEIPT, "413": TOO_LARGE, **PROBLEM}
    )
    def post(self) -> Response:
        """Accept a message for sending.

        The message is finished MIME; the envelope names everybody it goes to. 202 means: it is
        stored and will end in a final, explained state for each recipient. Send an
        `Idempotency-Key` so that a repetition after a lost answer cannot send it twice.
        """
        key = idempotency_key()
        site = site_id()
        read = read_multipart(request)
        context = relay()
        now = context.clock()
        with context.sessions.begin() as session:
            accepted = messages.accept(
                session, site, read.draft, key=key, fingerprint=read.fingerprint, now=now
            )
            accounts.touch_key(session, caller(), now=now)
        response = jsonify(accepted.receipt)
        response.status_code = 202
        response.headers["Location"] = url_for(
            "messages.Message", message_id=accepted.receipt["id"]
        )
        if accepted.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    @keyed(Scope.READ)
    @blueprint.arguments(MessagesQuerySchema, location="query", error_status_code=400)
    @blueprint.response(200, MessagesSchema)
    @blueprint.doc(responses={**UNREADABLE, **PROBLEM})
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List messages, newest first, with each recipient's timeline."""
        person = parse_address(query["recipient"]).key if query["recipient"] else None
        with relay().reads() as session:
            page = timelines.page(
                session, site_id(), limit=query["limit"], before=query["cursor"], address_key=person
            )
        return {
            "messages": [message_as_json(each) for each in page.messages],
            "next_cursor": page.next_cursor,
        }


@blueprint.route("/messages/<uuid:message_id>")
class Message(MethodView):
    """One message of the site."""

    @keyed(Scope.READ)
    @blueprint.response(200, MessageSchema)
    @blueprint.doc(responses=PROBLEM)
    def get(self, message_id: UUID) -> dict[str, Any]:
        """Show a message: each recipient's status, attempts and events, oldest first."""
        with relay().reads() as session:
            return message_as_json(timelines.find(session, site_id(), message_id))


def message_as_json(found: MessageTimeline) -> dict[str, Any]:
    """The message as `MessageSchema` shows it."""
    message = found.message
    return {
        "id": message.id,
        "stream": message.stream,
        "kind": message.kind,
        "sender": message.sender,
        "subject": message.subject,
        "size": message.size,
        "source": message.source,
        "removed_headers": message.removed_headers,
        "accepted_at": message.accepted_at,
        "expires_at": message.expires_at,
        "recipients": [_recipient_as_json(copy) for copy in found.recipients],
    }


def _recipient_as_json(copy: RecipientTimeline) -> dict[str, Any]:
    recipient = copy.recipient
    return {
        "id": recipient.id,
        "address": recipient.address,
        "status": copy.status,
        "stage": recipient.stage,
        "outcome": recipient.outcome,
        "reason": recipient.reason,
        "attempts": copy.attempts,
        "events": [
            {
                "type": event.type,
                "occurred_at": event.occurred_at,
                "summary": timelines.event_summary(event),
                "data": event.data,
            }
            for event in copy.events
        ],
    }
