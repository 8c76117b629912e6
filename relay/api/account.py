"""`/v1/account`: who am I, am I ready, how much have I sent, how does my warm-up go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.auth import keyed, relay, site_id
from relay.api.openapi import PROBLEM, SITE
from relay.api.schemas import AccountSchema
from relay.api.warm_up_schemas import warm_up_as_json
from relay.services import progress, standing
from relay.vocabulary import Scope

blueprint = Blueprint("account", __name__, description="The account and site behind the key.")


@blueprint.route("/account", parameters=[SITE])
class Account(MethodView):
    """The caller's account."""

    @keyed(Scope.READ)
    @blueprint.response(200, AccountSchema)
    @blueprint.doc(operationId="getAccount", responses=PROBLEM)
    def get(self) -> dict[str, Any]:
        """Show account, site, sending domains, usage, warm-up, and whether the site is ready to go live."""
        context = relay()
        now: datetime = context.clock()
        with context.reads() as session:
            found = standing.of_site(session, site_id(), now=now)
            climb = progress.of_site(session, site_id(), now=now)
        return {
            "account": found.account,
            "site": found.site,
            "ready": not found.obstacles,
            "not_ready_because": found.obstacles,
            "default_from": found.site.default_from,
            "domains": found.domains,
            "usage": found.usage,
            "warm_up": warm_up_as_json(climb),
        }
