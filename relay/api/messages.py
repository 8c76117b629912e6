"""`/v1/messages`: accept, list, look at one, send it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from flask import Response, jsonify, request, url_for
from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from relay import languages
from relay.api import rate_limits, speech, throttle
from relay.api.auth import caller, idempotency_key, keyed, note_use, relay, site_id
from relay.api.drafts import (
    address_at,
    read_batch,
    read_one,
    read_people,
    stream_fingerprint,
)
from relay.api.openapi import (
    BATCH_BODY,
    BATCH_RESULTS,
    IDEMPOTENCY_KEY,
    MESSAGE_BODY,
    NOT_FOUND,
    PROBLEM,
    RECEIPT,
    REFUSALS,
    RESEND_BODY,
    SITE,
    TOO_LARGE,
)
from relay.api.problems import as_json, status_of
from relay.api.schemas import MessageSchema, MessagesQuerySchema, MessagesSchema
from relay.context import Relay
from relay.errors import LimitReached, PostreeveError
from relay.policy.networks import network_of
from relay.services import messages, resends, timelines
from relay.services.intake import Outrun
from relay.services.messages import Accepted, Request
from relay.services.networks import Came
from relay.services.person_links import Links
from relay.services.searches import Wanted
from relay.services.timelines import MessageTimeline, RecipientTimeline
from relay.vocabulary import Scope

T = TypeVar("T")

NO_ID = UUID(int=0)

blueprint = Blueprint("messages", __name__, description="Mail: send it, and see what became of it.")


@blueprint.route("/messages", parameters=[SITE])
class Messages(MethodView):
    """The site's messages."""

    @keyed(Scope.SEND, recalled=True)
    @blueprint.doc(
        operationId="sendMessage",
        parameters=[IDEMPOTENCY_KEY],
        requestBody=MESSAGE_BODY,
        responses={"202": RECEIPT, **REFUSALS, **PROBLEM},
    )
    def post(self) -> Response:
        """Accept a message for sending.

        The message is finished MIME (multipart) or comes in parts (JSON). 202 means: it is
        stored and will end in a final, explained state for each recipient. Send an
        `Idempotency-Key` so that a repetition after a lost answer cannot send it twice.
        """
        wanted = arrived(read_one(request, key=idempotency_key()))
        return _receipt(_accepted(relay(), site_id(), wanted))

    @keyed(Scope.READ)
    @blueprint.arguments(MessagesQuerySchema, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, MessagesSchema)
    @blueprint.doc(operationId="listMessages", responses=PROBLEM)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List messages, newest first, with each recipient's timeline.

        With `status`, `q` or `recipient` those of which one copy fits all that is asked. A page may
        then have fewer messages than `limit`, or none, and still a `next_cursor`: `looked_back_to`
        says how far was looked.
        """
        asked = query["recipient"]
        wanted = Wanted(
            statuses=frozenset(query["status"]),
            word=query["q"] or "",
            address_key=address_at(asked, "#/query/recipient").key if asked is not None else None,
        )
        with relay().reads() as session:
            page = timelines.page(
                session, site_id(), wanted, limit=query["limit"], before=query["cursor"]
            )
        return {
            "messages": [message_as_json(each) for each in page.messages],
            "next_cursor": page.next_cursor,
            "looked_back_to": page.looked_back_to,
        }


@blueprint.route("/messages/<uuid:message_id>", parameters=[SITE])
class Message(MethodView):
    """One message of the site."""

    @keyed(Scope.READ)
    @blueprint.response(200, MessageSchema)
    @blueprint.doc(operationId="getMessage", responses={**NOT_FOUND, **PROBLEM})
    def get(self, message_id: UUID) -> dict[str, Any]:
        """Show a message: each recipient's status, attempts and events, oldest first."""
        context = relay()
        with context.reads() as session:
            found = timelines.find(session, site_id(), message_id, now=context.clock())
            return message_as_json(found)


@blueprint.route("/messages/batch", parameters=[SITE])
class Batch(MethodView):
    """Many messages in one request."""

    @keyed(Scope.SEND)
    @blueprint.doc(
        operationId="sendMessages",
        requestBody=BATCH_BODY,
        responses={"200": BATCH_RESULTS, "413": TOO_LARGE, **PROBLEM},
    )
    def post(self) -> Response:
        """Accept up to 500 messages.

        Each has its own idempotency key and gets its own result, in order: a receipt with status
        202, or a problem. What is wrong with one message does not concern the others.
        """
        items = read_batch(request)
        context, site = relay(), site_id()
        came = how_it_came()
        wanted = [
            arrived(item.request, came) for item in items if isinstance(item.request, Request)
        ]
        now = context.clock()
        note_use()
        done = iter(
            _in_transaction(lambda session: _accept_batch(session, site, wanted, now), context)
        )
        results = [
            next(done) if isinstance(item.request, Request) else item.request for item in items
        ]
        response = jsonify({"results": [_result(each) for each in results]})
        response.headers.update(_rate_limits(results))
        return response


@blueprint.route("/messages/<uuid:message_id>/resend", parameters=[SITE])
class Resend(MethodView):
    """Sending a message again."""

    @keyed(Scope.SEND)
    @blueprint.doc(
        operationId="resendMessage",
        parameters=[IDEMPOTENCY_KEY],
        requestBody=RESEND_BODY,
        responses={"202": RECEIPT, **NOT_FOUND, **REFUSALS, **PROBLEM},
    )
    def post(self, message_id: UUID) -> Response:
        """Send a message again as a new one, to the same people or to corrected addresses.

        Works while the content is kept. All rules apply as to any new message.
        """
        key, context, site = idempotency_key(), relay(), site_id()
        people = read_people(request)
        with context.reads() as session:
            draft = resends.stored_draft(session, site, message_id, recipients=people)
        mark = stream_fingerprint("resend", message_id, [person.key for person in people])
        return _receipt(_accepted(context, site, arrived(Request(draft, key, mark, message_id))))


def _accepted(context: Relay, site: UUID, wanted: Request) -> Accepted:
    now = context.clock()
    note_use()
    wanted = messages.looked_into(site, wanted)
    with suppress(IntegrityError, Outrun):
        done = messages.accept_at_once(context.sessions, site, wanted, links=links(), now=now)
        if done is not None:
            return done
    return _in_transaction(
        lambda session: messages.accept(session, site, wanted, links=links(), now=now), context
    )


def _accept_batch(
    session: Session, site: UUID, wanted: Sequence[Request], now: datetime
) -> list[Accepted | PostreeveError]:
    if not wanted:
        return []
    return messages.accept_batch(session, site, wanted, links=links(), now=now)


def how_it_came() -> Came:
    """The key and the network by which the request that is served came."""
    return Came(caller().key_id, network_of(throttle.client(relay())))


def arrived(wanted: Request, came: Came | None = None) -> Request:
    """The request with how it `came`, and how much of our mail is read."""
    came = came or how_it_came()
    return replace(wanted, came=came, read_one_in=relay().settings.read_one_in)


def links() -> Links:
    """What makes the links of this installation."""
    settings = relay().settings
    return Links(settings.keyring, settings.public_url)


def _in_transaction(accept: Callable[[Session], T], context: Relay) -> T:
    """Accept in one transaction; in another one where others were quicker.

    What they have answered with the same key while this one waited for the site's lock shows only after
    the wait.
    """

    def once() -> T:
        with context.sessions.begin() as session:
            return accept(session)

    with suppress(IntegrityError):
        return once()
    return once()


def _receipt(accepted: Accepted) -> Response:
    response = jsonify(told(accepted.receipt))
    response.status_code = 202
    response.headers.extend(rate_limits.fields(accepted.meters))
    response.headers["Location"] = f"{_messages(request.script_root)}{accepted.receipt['id']}"
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


@lru_cache(maxsize=8)
def _messages(script_root: str) -> str:
    """Where messages are, below the application's own root; its routes never change."""
    return url_for("messages.Message", message_id=NO_ID).removesuffix(str(NO_ID))


def _rate_limits(results: Sequence[Accepted | PostreeveError]) -> dict[str, str]:
    """What may still be sent after a batch, as far as it was told."""
    for each in results:
        if isinstance(each, Accepted):
            return rate_limits.fields(each.meters)
    return next(
        (rate_limits.fields_of_problem(e.members) for e in results if isinstance(e, LimitReached)),
        {},
    )


def _result(result: Accepted | PostreeveError) -> dict[str, Any]:
    if isinstance(result, Accepted):
        return {"status": 202, "replayed": result.replayed, "receipt": told(result.receipt)}
    return {"status": status_of(result), "problem": as_json(result, relay().settings.problem_base)}


def told(receipt: dict[str, Any]) -> dict[str, Any]:
    """The receipt with its reasons and remarks in the language of the answer; kept ones are English."""
    if speech.language() == languages.ENGLISH:
        return receipt
    return receipt | {
        "recipients": [
            each | {"reason": speech.reason(each["reason"])} for each in receipt["recipients"]
        ],
        "remarks": [speech.reason(each) for each in receipt["remarks"]],
    }


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
        "remarks": message.remarks or [],
        "accepted_at": message.accepted_at,
        "expires_at": message.expires_at,
        "resent_from": message.resent_from,
        "resendable": found.is_resendable,
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
        "reason": copy.reason,
        "attempts": [
            {
                "number": number,
                "state": attempt.state,
                "started_at": attempt.started_at,
                "ended_at": attempt.ended_at,
                "provider_id": attempt.provider_id,
                "error": attempt.error,
            }
            for number, attempt in enumerate(copy.attempts, start=1)
        ],
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
