"""A refusal read: what the server said beside what it means, for the event, the copy and people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.mail import DeliveryEvent
from relay.policy.bounce_advice import TITLES, words_for
from relay.policy.bounces import Bounce, BounceClass, Diagnosis, Suppress, diagnose
from relay.policy.gateways import Gateway
from relay.vocabulary import EventType, SuppressionReason

REFUSALS = frozenset((EventType.BOUNCED, EventType.SOFT_BOUNCED, EventType.DEFERRED))
"""Events of which the receiving server (or Amazon SES) says why."""

REASONS: Mapping[BounceClass, SuppressionReason] = {
    BounceClass.INVALID_RECIPIENT: SuppressionReason.INVALID_ADDRESS,
    BounceClass.BAD_DOMAIN: SuppressionReason.INVALID_ADDRESS,
    BounceClass.SUPPRESSED: SuppressionReason.PROVIDER_LIST,
}
"""Under which reason a class suppresses."""


def read(event: DeliveryEvent, recipient: str, gateway: Gateway | None) -> Diagnosis | None:
    """What a refusal means; None for other events. `gateway` is who receives there, if known."""
    if event.type not in REFUSALS:
        return None
    data = event.data
    deferred = event.type is EventType.DEFERRED
    return diagnose(
        Bounce(
            text=_text(data, "diagnosticCode"),
            recipient=recipient,
            status=_text(data, "status"),
            action=_text(data, "action"),
            ses_type="DeliveryDelay" if deferred else _text(data, "bounceType"),
            ses_subtype=_text(data, "delayType" if deferred else "bounceSubType"),
            reporting_mta=_text(data, "reportingMTA"),
            remote_host=_text(data, "remoteMtaIp"),
            gateway=gateway,
        )
    )


def suppression(type: EventType, found: Diagnosis) -> SuppressionReason | None:
    """Under which reason this refusal suppresses: only where it is final and the class says so."""
    if type is not EventType.BOUNCED or found.suppress is not Suppress.YES:
        return None
    return REASONS[found.bounce_class]


def title(found: Diagnosis) -> str:
    """The diagnosis in one line."""
    return TITLES[found.bounce_class]


def as_data(type: EventType, found: Diagnosis) -> dict[str, Any]:
    """The diagnosis as an event carries it: codes and parameters to translate, and our English."""
    words = words_for(found)
    reason = suppression(type, found)
    return {
        "class": found.bounce_class.value,
        "fault": found.fault.value,
        "confidence": found.confidence.value,
        "rule": found.rule,
        "suppresses": reason.value if reason else None,
        "ambiguous": found.ambiguous,
        "advice": found.advice,
        "parameters": found.parameters,
        "vendor": found.vendor.value if found.vendor else None,
        "summary": title(found),
        "explanation": f"{words.happened} {words.why} {words.do}",
    }


def in_short(found: Diagnosis) -> dict[str, Any]:
    """The diagnosis as a copy's reason carries it."""
    return {
        "class": found.bounce_class.value,
        "fault": found.fault.value,
        "confidence": found.confidence.value,
        "advice": found.advice,
        "parameters": found.parameters,
    }


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""
