"""`/v1/sites`: the account's sites and their keys. The only routes for accounts' own keys (`pra_…`)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request
from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.appeal_schemas import PageSchema
from relay.api.auth import for_accounts, manager, relay
from relay.api.drafts import address_at, read_body
from relay.api.openapi import (
    ACCOUNTS_ONLY,
    DOMAIN_REFUSED,
    NEW_SITE_BODY,
    NO_SITE,
    NOTHING_TO_MISTAKE,
    PROBLEM,
)
from relay.api.site_schemas import (
    EnrolledSchema,
    KeySchema,
    KeysSchema,
    NewSiteSchema,
    SitesSchema,
)
from relay.errors import Invalid
from relay.models import ApiKey
from relay.policy.site_urls import check_site
from relay.services import accounts, enrolments, sites
from relay.services.enrolments import Wanted
from relay.services.sign_ins import House

blueprint = Blueprint("sites", __name__, description="For an account: its sites, and their keys.")

LARGEST = 16 * 1024
"""Bytes of a request: the members at their longest, each letter escaped, and room for white space."""


@blueprint.route("/sites")
class Sites(MethodView):
    """The account's sites."""

    @for_accounts
    @blueprint.arguments(PageSchema, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, SitesSchema)
    @blueprint.doc(operationId="listSites", responses=PROBLEM, **ACCOUNTS_ONLY)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the account's sites, newest first."""
        context, account_id = relay(), manager().account_id
        with context.reads() as session:
            page = sites.page(
                session,
                account_id,
                limit=query["limit"],
                before=query["cursor"],
                now=context.clock(),
            )
            account = accounts.find_account(session, account_id)
        names = ("id", "name", "state", "url", "default_from", "created_at")
        return {
            "account": account,
            "sites": [
                {
                    **{name: getattr(each.site, name) for name in names},
                    "keys": each.keys,
                    "last_used_at": each.last_used_at,
                }
                for each in page.sites
            ],
            "next_cursor": page.next_cursor,
        }

    @for_accounts
    @blueprint.response(201, EnrolledSchema)
    @blueprint.alt_response(200, schema=EnrolledSchema)
    @blueprint.doc(
        operationId="connectSiteOfAccount",
        requestBody=NEW_SITE_BODY,
        responses={**DOMAIN_REFUSED, **PROBLEM},
        **ACCOUNTS_ONLY,
    )
    def post(self) -> tuple[dict[str, Any], int]:
        """Connect a site: it is made (201), or the one with this address is found (200), and gets a key.

        Each request makes one more key, for it is shown only once; the older ones go on working until
        they are ended. The account's owner gets a letter about each, as after *Connect* in the browser.
        """
        context, wanted = relay(), _read()
        settings = context.settings
        with context.sessions.begin() as session:
            done = enrolments.enrol(
                session,
                House(settings.keyring, settings.public_url, settings.house_sender),
                manager().account_id,
                wanted,
                secret=settings.secret,
                region=settings.aws_region,
                now=context.clock(),
            )
        made = done.connected
        return {
            "created": done.is_new,
            "key": made.key.secret,
            "key_id": made.key.key.id,
            "scopes": made.key.key.scopes,
            "account": made.account,
            "site": made.site,
            "default_from": made.site.default_from,
            "domain": done.domain,
        }, 201 if done.is_new else 200


@blueprint.route("/sites/<uuid:site_id>/keys")
class Keys(MethodView):
    """The keys of one site."""

    @for_accounts
    @blueprint.response(200, KeysSchema)
    @blueprint.doc(
        operationId="listKeys", responses={**NO_SITE, **NOTHING_TO_MISTAKE}, **ACCOUNTS_ONLY
    )
    def get(self, site_id: UUID) -> dict[str, Any]:
        """List a site's keys without their secrets, oldest first, also those that are over."""
        with relay().reads() as session:
            site = sites.find(session, manager().account_id, site_id)
            return {"keys": accounts.list_keys(session, site.id)}


@blueprint.route("/sites/<uuid:site_id>/keys/<uuid:key_id>")
class Key(MethodView):
    """One key of a site."""

    @for_accounts
    @blueprint.response(200, KeySchema)
    @blueprint.doc(
        operationId="revokeKey", responses={**NO_SITE, **NOTHING_TO_MISTAKE}, **ACCOUNTS_ONLY
    )
    def delete(self, site_id: UUID, key_id: UUID) -> ApiKey:
        """End a key at once; twice changes nothing."""
        context = relay()
        with context.sessions.begin() as session:
            return sites.end_key(
                session, manager().account_id, site_id, key_id, now=context.clock()
            )


def _read() -> Wanted:
    request.max_content_length = LARGEST
    given = read_body(request, NewSiteSchema)
    try:
        check_site(given["url"])
    except Invalid as error:
        raise Invalid(
            error.detail, errors=[{"pointer": "#/url", "detail": error.detail}]
        ) from error
    sender = given["default_from"]
    return Wanted(
        url=given["url"],
        name=given["name"],
        sender=address_at(sender, "#/default_from") if sender is not None else None,
        domain=given["domain"].strip(),
        bind=given["bind"],
    )
