"""`/v1/account/`: what was done to the caller's account or site, its appeals, and the policy."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.account_schemas import PolicySchema
from relay.api.appeal_schemas import (
    AcceptanceSchema,
    AppealSchema,
    AppealsSchema,
    NewAppealSchema,
    OwnerEventsSchema,
    PageSchema,
)
from relay.api.auth import caller, keyed, relay, site_id
from relay.api.openapi import NO_ACTION, NO_APPEAL, NOT_IN_FORCE, PROBLEM, SITE
from relay.models import Appeal
from relay.policy import acceptable_use as policy
from relay.services import acceptable_use, actions, appeals
from relay.services.owner_events import event_of
from relay.services.paging import cut
from relay.vocabulary import Scope

blueprint = Blueprint(
    "appeals",
    __name__,
    description="What was done to the account or site, and what one may say to it.",
)


@blueprint.route("/account/actions", parameters=[SITE])
class OwnActions(MethodView):
    """What was done."""

    @keyed(Scope.READ)
    @blueprint.arguments(PageSchema, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, OwnerEventsSchema)
    @blueprint.doc(operationId="listOwnActions", responses=PROBLEM)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List what was done to the site and its account, newest first, as webhooks would tell it."""
        context, limit = relay(), query["limit"]
        with context.reads() as session:
            found = actions.history(
                session, site_id=site_id(), limit=limit + 1, before=query["cursor"]
            )
        shown, cursor = cut(found, limit)
        return {
            "events": [event_of(each, public_url=context.settings.public_url) for each in shown],
            "next_cursor": cursor,
        }


@blueprint.route("/account/appeals", parameters=[SITE])
class OwnAppeals(MethodView):
    """What the owner says to it."""

    @keyed(Scope.READ)
    @blueprint.arguments(PageSchema, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, AppealsSchema)
    @blueprint.doc(operationId="listAppeals", responses=PROBLEM)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the appeals of the site and its account with their answers, newest first."""
        limit = query["limit"]
        with relay().reads() as session:
            found = appeals.of_account(
                session, caller().account_id, site_id(), limit=limit + 1, before=query["cursor"]
            )
        shown, cursor = cut(found, limit)
        return {"appeals": shown, "next_cursor": cursor}

    @keyed(Scope.MANAGE)
    @blueprint.arguments(
        NewAppealSchema,
        error_status_code=400,
        example={"text": "A contact form was abused. It asks a question now."},
    )
    @blueprint.response(201, AppealSchema)
    @blueprint.doc(operationId="appeal", responses={**NO_ACTION, **NO_APPEAL, **PROBLEM})
    def post(self, asked: dict[str, Any]) -> Appeal:
        """Appeal against what restricts the site most, or the action named; works whatever the state is."""
        context, site = relay(), site_id()
        with context.sessions.begin() as session:
            return appeals.appeal(
                session,
                caller().account_id,
                site,
                asked["text"],
                action_id=asked["action_id"],
                sender=context.settings.house_sender,
                now=context.clock(),
            )


@blueprint.route("/account/policy", parameters=[SITE])
class Policy(MethodView):
    """The acceptable use policy."""

    @keyed(Scope.MANAGE)
    @blueprint.arguments(
        AcceptanceSchema, error_status_code=400, example={"version": policy.VERSION}
    )
    @blueprint.response(200, PolicySchema)
    @blueprint.doc(operationId="acceptPolicy", responses={**NOT_IN_FORCE, **PROBLEM})
    def post(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Accept the policy for the account, as its owner; `version` is that of the text they have read."""
        context = relay()
        with context.sessions.begin() as session:
            account = acceptable_use.accept(
                session,
                caller().account_id,
                asked["version"],
                by=f"key {caller().key_id} {asked['by']}".rstrip(),
                now=context.clock(),
            )
        return acceptable_use.shown(account, public_url=context.settings.public_url)
