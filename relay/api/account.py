"""`/v1/account`: who am I, am I ready, how much have I sent and may I send, how does my warm-up go.

`/v1/key`: the key that asks.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.account_schemas import AccountSchema
from relay.api.auth import caller, keyed, relay, site_id
from relay.api.openapi import PROBLEM, SITE
from relay.api.reputation_schemas import ReputationSchema
from relay.api.site_schemas import KeySchema
from relay.api.warm_up_schemas import warm_up_as_json
from relay.models import ApiKey
from relay.policy import plans
from relay.services import (
    acceptable_use,
    limits,
    progress,
    queue_view,
    reputation,
    sites,
    standing,
)
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
        """Show account, site, domains, usage, limits, warm-up, what waits, and whether it is ready."""
        context = relay()
        now: datetime = context.clock()
        with context.reads() as session:
            found = standing.of_site(session, site_id(), now=now)
            may_send = limits.of_site(session, site_id(), now=now)
            climb = progress.of_site(session, site_id(), now=now)
            waiting = queue_view.of_site(session, site_id(), now)
        return {
            "account": found.account,
            "site": found.site,
            "standing": found.where,
            "ready": not found.obstacles,
            "not_ready_because": found.obstacles,
            "default_from": found.site.default_from,
            "domains": found.domains,
            "policy": acceptable_use.shown(found.account, public_url=context.settings.public_url),
            "usage": found.usage,
            **_limits(may_send),
            "warm_up": warm_up_as_json(climb),
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


@blueprint.route("/account/reputation", parameters=[SITE])
class Reputation(MethodView):
    """How the site's mail is doing."""

    @keyed(Scope.READ)
    @blueprint.response(200, ReputationSchema)
    @blueprint.doc(operationId="getReputation", responses=PROBLEM)
    def get(self) -> dict[str, Any]:
        """Show the rates by which the site is judged, and from where on something follows."""
        context = relay()
        with context.reads() as session:
            found = reputation.of_site(session, site_id(), now=context.clock())
        return {"streams": [reputation.as_json(each) for each in found]}


@blueprint.route("/key", parameters=[SITE])
class Key(MethodView):
    """The key that asks."""

    @keyed(Scope.MANAGE)
    @blueprint.response(200, KeySchema)
    @blueprint.doc(operationId="revokeOwnKey", responses=PROBLEM)
    def delete(self) -> ApiKey:
        """End the key that asks, at once and for good; the site's other keys go on working."""
        context, who = relay(), caller()
        with context.sessions.begin() as session:
            return sites.end_key(
                session, who.account_id, site_id(), who.key_id, now=context.clock()
            )


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None


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
