"""`/v1/operator/`: accounts and sites, what was done to them, and doing it."""

from __future__ import annotations

from operator import attrgetter
from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.auth import for_operators, officer, relay
from relay.api.desk_lists import page
from relay.api.openapi import (
    DONE_BY_OPERATORS,
    LISTED_FOR_OPERATORS,
    ONE_FOR_OPERATORS,
    OPERATORS_ONLY,
    PROBLEM,
)
from relay.api.operator_schemas import (
    AccountOrderSchema,
    ActionSchema,
    ActionsQuerySchema,
    ActionsSchema,
    FoundAccountsQuerySchema,
    FoundAccountsSchema,
    SiteOrderSchema,
    WatchedAccountSchema,
)
from relay.models import Action
from relay.services import account_views, actions, decisions
from relay.services.account_views import Page
from relay.services.actions import Order, Subject
from relay.services.decisions import NO_WAIVERS, Waivers
from relay.vocabulary import Cause, State, Stream, Verb

blueprint = Blueprint(
    "operator accounts", __name__, description="For operators: accounts, and acting on them."
)


@blueprint.route("/accounts")
class Accounts(MethodView):
    """All accounts."""

    @for_operators
    @blueprint.arguments(
        FoundAccountsQuerySchema, location="query", unknown=None, error_status_code=400
    )
    @blueprint.response(200, FoundAccountsSchema)
    @blueprint.doc(operationId="findAccounts", responses=PROBLEM, **OPERATORS_ONLY)
    def get(self, query: dict[str, Any]) -> Page:
        """Find accounts by name, owner or site, newest first."""
        state = State(query["state"]) if query["state"] else None
        with relay().reads() as session:
            return account_views.page(
                session,
                search=query["search"],
                state=state,
                limit=query["limit"],
                before=query["cursor"],
            )


@blueprint.route("/accounts/<uuid:account_id>")
class Account(MethodView):
    """One account."""

    @for_operators
    @blueprint.response(200, WatchedAccountSchema)
    @blueprint.doc(operationId="watchAccount", **ONE_FOR_OPERATORS)
    def get(self, account_id: UUID) -> dict[str, Any]:
        """Show an account: sites with their standing, domains, what waits, what was done, who is related."""
        context = relay()
        with context.reads() as session:
            found = account_views.view(session, account_id, now=context.clock())
        names = ("id", "name", "owner_email", "language", "state", "cause", "state_since")
        more = ("reinstated_at", "plan", "created_at")
        policy = ("policy_version", "policy_accepted_at", "policy_accepted_by")
        return {
            **{name: getattr(found.account, name) for name in (*names, *more, *policy)},
            "sites": [
                {
                    **{name: getattr(site, name) for name in ("id", "name", "url", "state")},
                    "standing": where,
                }
                for site, where in found.sites
            ],
            "domains": found.domains,
            "reviews": found.reviews,
            "appeals": found.appeals,
            "actions": found.actions,
            "related": found.related,
        }


EXAMPLE = {"verb": "limit", "cause": "complaints", "reason": "9 complaints in 3 days"}


@blueprint.route("/accounts/<uuid:account_id>/actions")
class AccountActions(MethodView):
    """What is done to an account with all its sites."""

    @for_operators
    @blueprint.arguments(AccountOrderSchema, error_status_code=400, example=EXAMPLE)
    @blueprint.response(201, ActionSchema)
    @blueprint.doc(operationId="actOnAccount", **DONE_BY_OPERATORS)
    def post(self, asked: dict[str, Any], account_id: UUID) -> Action:
        """Approve, warn, limit, suspend, reinstate or terminate an account; its owner is told."""
        expressly = Waivers(asked["keep_domains"], asked["without_policy"])
        return _act(Subject(account_id=account_id), asked, expressly)


@blueprint.route("/sites/<uuid:site_id>/actions")
class SiteActions(MethodView):
    """What is done to one site."""

    @for_operators
    @blueprint.arguments(SiteOrderSchema, error_status_code=400, example=EXAMPLE)
    @blueprint.response(201, ActionSchema)
    @blueprint.doc(operationId="actOnSite", **DONE_BY_OPERATORS)
    def post(self, asked: dict[str, Any], site_id: UUID) -> Action:
        """Approve, warn, limit, suspend, reinstate or terminate a site; its owner is told.

        With `stream`, warn, limit or reinstate that stream alone.
        """
        stream = Stream(asked["stream"]) if asked["stream"] else None
        return _act(Subject(site_id=site_id, stream=stream), asked)


@blueprint.route("/actions")
class Actions(MethodView):
    """The audit log."""

    @for_operators
    @blueprint.arguments(ActionsQuerySchema, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, ActionsSchema)
    @blueprint.doc(operationId="listActions", **LISTED_FOR_OPERATORS)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List what was done, newest first: to an account with its sites, or a site with its account."""
        return page(
            "actions",
            actions.history,
            attrgetter("id"),
            limit=query["limit"],
            account_id=query["account"],
            site_id=query["site"],
            before=query["cursor"],
        )


def _act(subject: Subject, asked: dict[str, Any], expressly: Waivers = NO_WAIVERS) -> Action:
    context = relay()
    cause = Cause(asked["cause"]) if asked["cause"] else None
    order = Order(Verb(asked["verb"]), officer().actor, asked["reason"], cause)
    with context.sessions.begin() as session:
        return decisions.decide(
            session,
            subject,
            order,
            expressly,
            sender=context.settings.house_sender,
            public_url=context.settings.public_url,
            now=context.clock(),
        )
