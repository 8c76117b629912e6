"""`/v1/lists`: what people can subscribe to at the site, and who answers for it."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.auth import keyed, relay, site_id
from relay.api.drafts import read_body
from relay.api.openapi import (
    LIST_CHANGES_BODY,
    LIST_EXISTS,
    NEW_LIST_BODY,
    NO_LIST,
    PROBLEM,
    SENDER_REFUSED,
    SITE,
)
from relay.api.schemas import (
    ListChangesSchema,
    ListSchema,
    ListsQuerySchema,
    ListsSchema,
    NewListSchema,
)
from relay.models import MailingList
from relay.services import lists
from relay.vocabulary import Scope

blueprint = Blueprint("lists", __name__, description="Lists, and who answers for them.")


@blueprint.route("/lists", parameters=[SITE])
class Lists(MethodView):
    """The site's lists."""

    @keyed(Scope.READ)
    @blueprint.arguments(ListsQuerySchema, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, ListsSchema)
    @blueprint.doc(operationId="listLists", responses=PROBLEM)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Show the site's lists, by key."""
        with relay().reads() as session:
            return {"lists": lists.of_site(session, site_id(), archived=query["archived"])}

    @keyed(Scope.MANAGE)
    @blueprint.response(201, ListSchema)
    @blueprint.doc(
        operationId="createList",
        requestBody=NEW_LIST_BODY,
        responses={**LIST_EXISTS, **SENDER_REFUSED, **PROBLEM},
    )
    def post(self) -> MailingList:
        """Create a list. `sender` has to be in a verified domain; `key` is yours to choose, for ever."""
        given, context, site = read_body(request, NewListSchema), relay(), site_id()
        with context.sessions.begin() as session:
            return lists.create(session, site, given.pop("key"), given, now=context.clock())


@blueprint.route("/lists/<list_key>", parameters=[SITE])
class List(MethodView):
    """One list of the site."""

    @keyed(Scope.READ)
    @blueprint.response(200, ListSchema)
    @blueprint.doc(operationId="getList", responses={**NO_LIST, **PROBLEM})
    def get(self, list_key: str) -> MailingList:
        """Show a list, also an archived one."""
        with relay().reads() as session:
            return lists.find(session, site_id(), list_key)

    @keyed(Scope.MANAGE)
    @blueprint.response(200, ListSchema)
    @blueprint.doc(
        operationId="changeList",
        requestBody=LIST_CHANGES_BODY,
        responses={**NO_LIST, **SENDER_REFUSED, **PROBLEM},
    )
    def patch(self, list_key: str) -> MailingList:
        """Change some of a list, or take it out of the archive (`archived: false`)."""
        given, context, site = read_body(request, ListChangesSchema), relay(), site_id()
        with context.sessions.begin() as session:
            return lists.change(session, site, list_key, given, now=context.clock())

    @keyed(Scope.MANAGE)
    @blueprint.response(200, ListSchema)
    @blueprint.doc(operationId="archiveList", responses={**NO_LIST, **PROBLEM})
    def delete(self, list_key: str) -> MailingList:
        """Archive a list: it takes no more sign-ups, and its consents are kept."""
        context, site = relay(), site_id()
        with context.sessions.begin() as session:
            return lists.archive(session, site, list_key, now=context.clock())
