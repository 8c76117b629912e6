"""`/v1/account`: who am I, am I ready, how much have I sent and may I send."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.account_schemas import AccountSchema
from relay.api.auth import keyed, relay, site_id
from relay.api.openapi import PROBLEM, SITE
from relay.policy import plans
from relay.services import limits, standing
from relay.services.limits import SiteLimits
from relay.vocabulary import Scope

blueprint = Blueprint("account", __name__, description="The account and site behind the key.")


@blueprint.route("/account", parameters=[SITE])
class Account(MethodView):
    """The caller's account."""

    @keyed(Scope.READ)
    @blueprint.response(200, AccountSchema)
    @blueprint.doc(operationId="getAccount", responses=PROBLEM)
    def get(self) -> dict[str, Any]:
        """Show account, site, domains, usage, limits, and whether the site is ready to go live."""
        context = relay()
        now: datetime = context.clock()
        with context.reads() as session:
            found = standing.of_site(session, site_id(), now=now)
            may_send = limits.of_site(session, site_id(), now=now)
        return {
            "account": found.account,
            "site": found.site,
            "standing": found.where,
            "ready": not found.obstacles,
            "not_ready_because": found.obstacles,
            "default_from": found.site.default_from,
            "domains": found.domains,
            "usage": found.usage,
            **_limits(may_send),
        }


def _limits(found: SiteLimits) -> dict[str, Any]:
    return {
        "limits": {
            "plan": found.plan,
            **plans.by_name(found.limits),
            "declared_daily": found.declared_daily,
        },
        "allowances": [
            {
                "limit": meter.limit,
                "allowed": meter.allowed,
                "used": meter.used,
                "remaining": meter.left,
                "resets": meter.resets,
            }
            for meter in found.meters
        ],
        "sources": found.sources,
    }
