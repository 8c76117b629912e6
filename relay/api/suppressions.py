"""`/v1/suppressions`: whom the site does not mail, why, and what its owner may do about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.auth import keyed, relay, site_id
from relay.api.drafts import address_at
from relay.api.openapi import NO_SUPPRESSION, NOT_LIFTABLE, PROBLEM, SITE
from relay.api.schemas import SuppressionSchema, SuppressionsQuerySchema, SuppressionsSchema
from relay.policy.admission import TITLES
from relay.services import lifting
from relay.services.lifting import LIFTABLE, Entry
from relay.vocabulary import Scope

blueprint = Blueprint("suppressions", __name__, description="Addresses that are not mailed.")


@blueprint.route("/suppressions", parameters=[SITE])
class Suppressions(MethodView):
    """The site's suppressions."""

    @keyed(Scope.READ)
    @blueprint.arguments(
        SuppressionsQuerySchema, location="query", unknown=None, error_status_code=400
    )
    @blueprint.response(200, SuppressionsSchema)
    @blueprint.doc(operationId="listSuppressions", responses=PROBLEM)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List addresses that the site does not mail, newest first, with evidence and timeline."""
        asked = query["address"]
        person = address_at(asked, "#/query/address").key if asked is not None else None
        with relay().reads() as session:
            page = lifting.page(
                session,
                site_id(),
                limit=query["limit"],
                before=query["cursor"],
                address_key=person,
                ended=query["ended"],
            )
        return {
            "suppressions": [_as_json(each) for each in page.entries],
            "next_cursor": page.next_cursor,
        }


@blueprint.route("/suppressions/<uuid:suppression_id>", parameters=[SITE])
class Suppression(MethodView):
    """One suppression of the site."""

    @keyed(Scope.MANAGE)
    @blueprint.response(200, SuppressionSchema)
    @blueprint.doc(
        operationId="liftSuppression", responses={**NO_SUPPRESSION, **NOT_LIFTABLE, **PROBLEM}
    )
    def delete(self, suppression_id: UUID) -> dict[str, Any]:
        """Lift a suppression that rests on a bounce; at most 20 in 24 hours.

        Amazon SES's own entry is deleted too; where SES does not answer, that is done later.
        """
        context, site = relay(), site_id()
        with context.sessions.begin() as session:
            ended = lifting.lift(session, site, suppression_id, now=context.clock())
        lifting.clear_provider(context, only=suppression_id)
        return _as_json(ended)


@blueprint.route("/suppressions/<uuid:suppression_id>/contest", parameters=[SITE])
class Contest(MethodView):
    """Doubting a suppression."""

    @keyed(Scope.MANAGE)
    @blueprint.response(200, SuppressionSchema)
    @blueprint.doc(
        operationId="contestSuppression", responses={**NO_SUPPRESSION, **NOT_LIFTABLE, **PROBLEM}
    )
    def post(self, suppression_id: UUID) -> dict[str, Any]:
        """Say that the address is right: after three days one mail is sent, and its answer decides."""
        context, site = relay(), site_id()
        with context.sessions.begin() as session:
            found = lifting.contest(session, site, suppression_id, now=context.clock())
        lifting.clear_provider(context, only=suppression_id)
        return _as_json(found)


def _as_json(found: Entry) -> dict[str, Any]:
    each = found.suppression
    return {
        "id": each.id,
        "address": each.address,
        "reason": each.reason,
        "scope": each.scope,
        "title": TITLES[each.reason.value],
        "evidence": each.evidence,
        "began_at": each.began_at,
        "ended_at": each.ended_at,
        "ending": each.ending,
        "liftable": each.ended_at is None and each.reason in LIFTABLE,
        "probe_at": found.probe_at,
        "timeline": found.timeline,
    }
