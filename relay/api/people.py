"""`/v1/people/{email}`: what the relay holds about a person at the site, and its erasure.

Both need a key that may `manage`: the answer holds everything about somebody, IP addresses and
browsers too, and the keys that mail is sent with lie on many servers.
"""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.auth import keyed, relay, site_id
from relay.api.drafts import address_at
from relay.api.openapi import PERSON, PROBLEM, SITE
from relay.api.schemas import ErasedSchema, PersonSchema
from relay.services import erasures, people
from relay.vocabulary import Scope

blueprint = Blueprint("persons", __name__, description="What the relay holds about a person.")


@blueprint.route("/people/<string:email>", parameters=[SITE, PERSON])
class Person(MethodView):
    """One person at the site."""

    @keyed(Scope.MANAGE)
    @blueprint.response(200, PersonSchema)
    @blueprint.doc(operationId="exportPerson", responses=PROBLEM)
    def get(self, email: str) -> dict[str, Any]:
        """Export everything about an address; of somebody unknown, nothing."""
        context, site = relay(), site_id()
        address = address_at(email, "#/path/email")
        with context.reads() as session:
            return people.export(
                session,
                context.settings.keyring,
                site_id=site,
                address=address,
                now=context.clock(),
            )

    @keyed(Scope.MANAGE)
    @blueprint.response(200, ErasedSchema)
    @blueprint.doc(operationId="erasePerson", responses=PROBLEM)
    def delete(self, email: str) -> dict[str, Any]:
        """Erase a person: what identifies them goes, and newsletters stay stopped.

        Mail that still waits is not sent. Receipts and password resets work as before. A double
        opt-in of the person's own lets newsletters reach them again.
        """
        context, site = relay(), site_id()
        address = address_at(email, "#/path/email")
        with context.sessions.begin() as session:
            erased = erasures.erase(
                session,
                context.settings.keyring,
                site_id=site,
                address=address,
                now=context.clock(),
            )
        return {"erased_at": erased.at, "stops": erased.scope, "rows": erased.rows}
