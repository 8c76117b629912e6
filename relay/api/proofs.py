"""`/v1/subscriptions/{email}/proof`: what proves a person's consent, for programs and for people."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, make_response
from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.auth import keyed, relay, site_id
from relay.api.drafts import address_at
from relay.api.openapi import NO_CONSENT, PERSON, PROBLEM, PROOF, SITE
from relay.api.schemas import ProofQuerySchema
from relay.services import proof_pages, proofs
from relay.vocabulary import Scope

blueprint = Blueprint("proofs", __name__, description="Proof of consent.")

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


@blueprint.route("/subscriptions/<string:email>/proof", parameters=[SITE, PERSON])
class Proof(MethodView):
    """What proves a person's consent. It tells IP addresses: the key must be one that may manage."""

    @keyed(Scope.MANAGE)
    @blueprint.arguments(ProofQuerySchema, location="query", unknown=None, error_status_code=400)
    @blueprint.doc(operationId="proveConsent", responses={"200": PROOF, **NO_CONSENT, **PROBLEM})
    def get(self, query: dict[str, Any], email: str) -> Response:
        """Export what proves a person's consent, list by list, with hashes and how to check them."""
        context, site = relay(), site_id()
        address = address_at(email, "#/path/email")
        with context.reads() as session:
            proof = proofs.proof(
                session,
                context.settings.keyring,
                site_id=site,
                address=address,
                now=context.clock(),
            )
        if query["format"] == "json":
            return jsonify(proof)
        response = make_response(proof_pages.render(proof))
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
