"""`/v1/events`: what happened, in commit order, for clients that pull."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.auth import keyed, relay, site_id
from relay.api.openapi import PROBLEM, SITE
from relay.api.schemas import EventsQuerySchema, EventsSchema
from relay.policy.words import summary
from relay.services import feed
from relay.vocabulary import Scope

blueprint = Blueprint("events", __name__, description="What happened, to be pulled with a cursor.")


@blueprint.route("/events", parameters=[SITE])
class Events(MethodView):
    """The site's events."""

    @keyed(Scope.READ)
    @blueprint.arguments(EventsQuerySchema, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, EventsSchema)
    @blueprint.doc(operationId="listEvents", responses=PROBLEM)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List events after a cursor, oldest first.

        Start with cursor 0 and keep `next_cursor` of each answer: no event is skipped or told
        twice. New events appear within about a second.
        """
        with relay().reads() as session:
            found = feed.after(session, site_id(), cursor=query["cursor"], limit=query["limit"])
        return {
            "events": [
                {
                    "type": event.type,
                    "occurred_at": event.occurred_at,
                    "summary": summary(event.type, event.data),
                    "data": event.data,
                    "message_id": event.message_id,
                    "recipient_id": event.recipient_id,
                    "address": event.address,
                }
                for event in found.events
            ],
            "next_cursor": str(found.next_cursor),
            "has_more": found.has_more,
        }
