"""How the API shows a warm-up, and what waits for it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from relay.api.schemas import Answer, worded
from relay.api.speech import Words
from relay.policy.warm_up import Ceiling
from relay.services.progress import Climb, Progress, Waiting
from relay.vocabulary import CanaryCause, CanaryState, WaitReason


class ClimbWindowSchema(Answer):
    """Copies that may go in the current window (UTC), and those that were drawn."""

    allowed = fields.Integer()
    used = fields.Integer()


class FullVolumeSchema(Answer):
    """What the plan allows at full volume."""

    per_hour = fields.Integer()
    per_day = fields.Integer()


class ClimbSchema(Answer):
    """How far a site has come."""

    hour = fields.Nested(ClimbWindowSchema)
    day = fields.Nested(ClimbWindowSchema)
    clean_days = fields.Integer(metadata={"description": "Days that let the allowance grow."})
    full_volume_on = fields.Date(
        allow_none=True,
        metadata={"description": "If all days are clean; null when the plan's volume is reached."},
    )


class DomainClimbSchema(ClimbSchema):
    """How far a From-domain has come."""

    name = fields.String()


class WaitingSendingSchema(Answer):
    """Copies of one sending that wait; `until` is when they are looked at next."""

    list = fields.String(allow_none=True, metadata={"description": "Null for notifications."})
    copies = fields.Integer()
    code = worded(WaitReason)
    title = Words()
    until = fields.AwareDateTime()
    began_at = fields.AwareDateTime()
    canary = worded(CanaryState, allow_none=True)
    canary_cause = worded(CanaryCause, allow_none=True)


class WarmUpSchema(ClimbSchema):
    """The site's allowance for marketing and notifications, its domains', and what waits and why."""

    plan = fields.Nested(FullVolumeSchema)
    young_sites_left = fields.Integer(
        allow_none=True,
        metadata={
            "description": "What all young sites together may still send today; null if that "
            "does not bind this site."
        },
    )
    domains = fields.List(fields.Nested(DomainClimbSchema))
    waiting = fields.List(fields.Nested(WaitingSendingSchema))


def warm_up_as_json(found: Progress) -> dict[str, Any]:
    """The progress as `WarmUpSchema` shows it."""
    return _climb(found.site) | {
        "plan": _plan(found.plan),
        "young_sites_left": found.shared,
        "domains": [_climb(domain) | {"name": domain.name} for domain in found.domains],
        "waiting": [_waiting(each) for each in found.waiting],
    }


def _plan(plan: Ceiling) -> dict[str, int]:
    return {"per_hour": plan.per_hour, "per_day": plan.per_day}


def _climb(climb: Climb) -> dict[str, Any]:
    return {
        "hour": {"allowed": climb.allowed.per_hour, "used": climb.used_hour},
        "day": {"allowed": climb.allowed.per_day, "used": climb.used_day},
        "clean_days": climb.clean_days,
        "full_volume_on": climb.full_volume_on,
    }


def _waiting(each: Waiting) -> dict[str, Any]:
    return {
        "list": each.list,
        "copies": each.copies,
        "code": each.reason,
        "title": each.title,
        "until": each.until,
        "began_at": each.began_at,
        "canary": each.canary,
        "canary_cause": each.canary_cause,
    }
