"""`/v1/audience`: whom a newsletter would reach."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.views import MethodView
from flask_smorest import Blueprint

from relay.addresses import EmailAddress
from relay.addresses import parse as parse_address
from relay.api.auth import keyed, relay, site_id
from relay.api.drafts import read_body
from relay.api.openapi import AUDIENCE_BODY, NO_SUCH_LIST, PROBLEM, SITE
from relay.api.schemas import AudienceCheckedSchema, AudienceSchema
from relay.errors import Invalid
from relay.policy.admission import described
from relay.policy.facts import Held
from relay.sayings import phrase
from relay.services import audience
from relay.vocabulary import Scope

blueprint = Blueprint("audience", __name__, description="Whom a newsletter would reach.")

NO_ADDRESS = {
    "may_mail": False,
    "code": "address-invalid",
    "reason": "address-invalid",
    "title": phrase("This is no e-mail address"),
}
"""The answer to what cannot be an address."""

MAY_MAIL = {"may_mail": True, "code": None, "reason": None, "title": None}


@blueprint.route("/audience/check", parameters=[SITE])
class Check(MethodView):
    """Many addresses at once."""

    @keyed(Scope.SEND)
    @blueprint.response(200, AudienceCheckedSchema)
    @blueprint.doc(
        operationId="checkAudience",
        requestBody=AUDIENCE_BODY,
        responses={**NO_SUCH_LIST, **PROBLEM},
    )
    def post(self) -> dict[str, Any]:
        """Ask who of up to 1000 people may be mailed on a list, by the rules a newsletter meets.

        One answer for each address, in order. Nothing is sent, and nothing is kept.
        """
        asked = read_body(request, AudienceSchema)
        people = [_read(text) for text in asked["addresses"]]
        context = relay()
        with context.reads() as session:
            answers = audience.check(
                session,
                site_id(),
                asked["list"],
                [person for person in people if person is not None],
                keyring=context.settings.keyring,
                now=context.clock(),
            )
        told = {answer.address: _told(answer.held) for answer in answers}
        return {
            "list": asked["list"],
            "answers": [
                {"address": text, **(NO_ADDRESS if person is None else told[person])}
                for text, person in zip(asked["addresses"], people, strict=True)
            ],
        }


def _read(text: str) -> EmailAddress | None:
    try:
        return parse_address(text)
    except Invalid:
        return None


def _told(held: Held | None) -> dict[str, Any]:
    if held is None:
        return MAY_MAIL
    said = described(held)
    return {"may_mail": False, **{name: said[name] for name in ("code", "reason", "title")}}
