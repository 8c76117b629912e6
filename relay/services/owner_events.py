"""What was done to an account or site, as its owner reads it: by API, and as a webhook would bring it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.models import Action
from relay.policy.appeals import APPEALABLE, WORKING_DAYS
from relay.services.actions import RELAY
from relay.vocabulary import Verb

PAST: Mapping[Verb, str] = {
    Verb.APPROVE: "approved",
    Verb.WARN: "warned",
    Verb.LIMIT: "limited",
    Verb.SUSPEND: "suspended",
    Verb.REINSTATE: "reinstated",
    Verb.TERMINATE: "terminated",
    Verb.SLOW: "slowed",
    Verb.HOLD_SOURCE: "source-held",
}
"""The second word of an event's type, as in `site.limited`."""

APPEAL_PATH = "/v1/account/appeals"


def event_of(action: Action, *, public_url: str) -> dict[str, Any]:
    """The action as an event (Standard Webhooks: `type`, `timestamp`, `data`; `id` is the action's).

    Owners learn whether a person or the relay itself did it, never which person.
    """
    whose = "site" if action.site_id is not None else "account"
    return {
        "type": f"{whose}.{PAST[action.verb]}",
        "timestamp": action.at.isoformat(),
        "id": str(action.id),
        "data": {
            "account_id": str(action.account_id),
            "site_id": str(action.site_id) if action.site_id else None,
            "stream": action.stream.value if action.stream else None,
            "before": action.before,
            "after": action.after,
            "cause": action.cause.value if action.cause else None,
            "reason": action.reason,
            "evidence": action.evidence,
            "by": RELAY if action.actor == RELAY else "operator",
            "appeal": _appeal(action, public_url) if action.verb in APPEALABLE else None,
        },
    }


def _appeal(action: Action, public_url: str) -> dict[str, Any]:
    return {
        "url": f"{public_url}{APPEAL_PATH}",
        "how": (
            "In the Postreeve plugin, or by POST with a key of the scope manage: "
            f'{{"action_id": "{action.id}", "text": "what happened, and what you have changed"}}'
        ),
        "answer_within_working_days": WORKING_DAYS,
    }
