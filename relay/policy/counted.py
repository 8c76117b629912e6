"""What an event adds to the numbers by which a sender is judged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from relay.policy.bounces import BounceClass
from relay.policy.consequences import Consequence
from relay.policy.gateways import Gateway
from relay.policy.reputation import FEEDBACK_LOOPS, TELL_NOBODY
from relay.vocabulary import EventType, FeedbackType

NOT_SPAM: Final = FeedbackType.NOT_SPAM.value
"""complaintFeedbackType of somebody who took mail out of the spam folder (RFC 5965 registry)."""

AT_FAULT: Final = frozenset(
    (
        BounceClass.INVALID_RECIPIENT.value,
        BounceClass.BAD_DOMAIN.value,
        BounceClass.INACTIVE_MAILBOX.value,
    )
)
"""Bounces that say that the address is no good; a list that was kept well has few of them."""

SPAM: Final = frozenset((BounceClass.SPAM_BLOCK.value, BounceClass.SPAM_CONTENT.value))

SPEAKS_AGAINST: Final = ("invalid", "complaints", "spam", "left")
"""Numbers after which a stream is judged at once; good news can wait."""


def is_not_spam(data: Mapping[str, Any]) -> bool:
    """Whether what came as a complaint is word of somebody who took the mail out of the spam folder."""
    return data.get("complaintFeedbackType") == NOT_SPAM


def is_spam(data: Mapping[str, Any]) -> bool:
    """Whether a refusal or delay says that the mail looks like spam."""
    return data.get("delayType") == "SpamDetected" or _class(data) in SPAM


def _class(data: Mapping[str, Any]) -> str | None:
    found = data.get("diagnosis")
    return found.get("class") if isinstance(found, dict) else None


def numbers(
    type: EventType, data: Mapping[str, Any], gateway: Gateway | None, *, repeats: bool = False
) -> dict[str, int]:
    """What an event adds to each number. A bounce that is disputed speaks against nobody yet."""
    unheard = gateway in TELL_NOBODY
    what = _class(data)
    match type:
        case EventType.SENT:
            return {"sent": 1}
        case EventType.DELIVERED:
            return {
                "ended": 1,
                "delivered": 1,
                "heard": int(gateway in FEEDBACK_LOOPS),
                "unheard": int(unheard),
            }
        case EventType.BOUNCED if what == BounceClass.SUPPRESSED.value:
            return {}  # it was not tried; Amazon SES does not count it either
        case EventType.BOUNCED | EventType.SOFT_BOUNCED if what != BounceClass.AUTO_REPLY.value:
            final = type is EventType.BOUNCED
            follows = data.get("follows")
            disputed = (
                isinstance(follows, dict) and follows.get("code") == Consequence.DISPUTE.value
            )
            return {
                "ended": 1,
                "permanent": int(final),
                "invalid": int(final and what in AT_FAULT and not disputed),
                "unheard": int(unheard),
                "spam": int(unheard and what in SPAM),
            }
        case EventType.DEFERRED if unheard and is_spam(data) and not repeats:
            return {"spam": 1}
        case EventType.COMPLAINED if not is_not_spam(data):
            return {"complaints": 1}
        case EventType.UNSUBSCRIBED:
            return {"left": 1}
    return {}
