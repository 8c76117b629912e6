"""`/v1/account`: who am I, am I ready, how much have I sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.account_schemas import AccountSchema
from relay.api.auth import keyed, relay, site_id
from relay.api.openapi import PROBLEM, SITE
from relay.services import queue_view, standing
from relay.vocabulary import Scope

blueprint = Blueprint("account", __name__, description="The account and site behind the key.")


@blueprint.route("/account", parameters=[SITE])
class Account(MethodView):
    """The caller's account."""

    @keyed(Scope.READ)
    @blueprint.response(200, AccountSchema)
    @blueprint.doc(operationId="getAccount", responses=PROBLEM)
    def get(self) -> dict[str, Any]:
        """Show account, site, domains, usage, what waits, and whether the site is ready to go live."""
        context = relay()
        now: datetime = context.clock()
        with context.reads() as session:
            found = standing.of_site(session, site_id(), now=now)
            waiting = queue_view.of_site(session, site_id(), now)
        return {
            "account": found.account,
            "site": found.site,
            "standing": found.where,
            "ready": not found.obstacles,
            "not_ready_because": found.obstacles,
            "default_from": found.site.default_from,
            "domains": found.domains,
            "usage": found.usage,
            "queue": [
                {
                    "lane": each.name,
                    "stages": each.stages,
                    "oldest_seconds": _seconds(each.oldest),
                    "gone_in_seconds": _seconds(each.gone_in),
                }
                for each in waiting
            ],
        }


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None
