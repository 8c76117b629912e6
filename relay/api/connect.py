"""`/v1/connect`: the end of *Connect*. The one route without a key: it is where a site gets one."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api import throttle
from relay.api.auth import relay
from relay.api.connect_schemas import ConnectedSchema, ConnectSchema
from relay.api.drafts import read_body
from relay.api.openapi import CONNECT_BODY, CONNECT_REFUSED
from relay.services import connection_codes
from relay.services.connection_codes import Proof
from relay.services.sign_ins import House

blueprint = Blueprint("connections", __name__, description="How a site gets its key.")

LARGEST = 8 * 1024
"""Bytes of a request: the three members at their longest, and room for white space."""


@blueprint.route("/connect")
class Connect(MethodView):
    """A connection that its owner has agreed to."""

    @blueprint.response(200, ConnectedSchema)
    @blueprint.doc(
        operationId="connectSite",
        security=[],
        requestBody=CONNECT_BODY,
        responses=CONNECT_REFUSED,
    )
    def post(self) -> dict[str, Any]:
        """Exchange the code that the browser brought back for the site's key; it works once.

        The code comes from `GET /connect` in a browser, as docs/connect.md tells. A pending account gets
        its key too; what it may send until it is approved, `GET /v1/account` says.
        """
        context = relay()
        throttle.check_stranger(context)
        request.max_content_length = LARGEST
        given = read_body(request, ConnectSchema)
        settings = context.settings
        with context.sessions.begin() as session:
            done = connection_codes.exchange(
                session,
                House(settings.keyring, settings.public_url, settings.house_sender),
                Proof(given["code"], given["verifier"], given["site"]),
                secret=settings.secret,
                now=context.clock(),
            )
        return {
            "key": done.key.secret,
            "scopes": done.key.key.scopes,
            "account": done.account,
            "site": done.site,
            "default_from": done.site.default_from,
        }
