"""What an event adds to the numbers by which a sender is judged."""

from __future__ import annotations

from typing import Any

import pytest

from relay.policy.counted import numbers
from relay.policy.gateways import Gateway
from relay.vocabulary import EventType


def diagnosed(found: str, follows: str = "suppress") -> dict[str, Any]:
    return {"diagnosis": {"class": found}, "follows": {"code": follows}}


@pytest.mark.parametrize(
    ("type", "data", "gateway", "expected"),
    [
        (EventType.SENT, {}, None, {"sent": 1}),
        (EventType.DELIVERED, {}, Gateway.YAHOO, {"ended": 1, "delivered": 1, "heard": 1}),
        (EventType.DELIVERED, {}, Gateway.GMAIL, {"ended": 1, "delivered": 1, "unheard": 1}),
        (EventType.DELIVERED, {}, None, {"ended": 1, "delivered": 1}),
        (
            EventType.BOUNCED,
            diagnosed("invalid_recipient"),
            None,
            {"ended": 1, "permanent": 1, "invalid": 1},
        ),
        # It may be the gateway's fault: nobody is judged by it until the one re-probe decides.
        (
            EventType.BOUNCED,
            diagnosed("invalid_recipient", "dispute"),
            None,
            {"ended": 1, "permanent": 1},
        ),
        (EventType.BOUNCED, diagnosed("policy_related"), None, {"ended": 1, "permanent": 1}),
        (
            EventType.BOUNCED,
            diagnosed("spam_block"),
            Gateway.GMAIL,
            {"ended": 1, "permanent": 1, "unheard": 1, "spam": 1},
        ),
        (
            EventType.BOUNCED,
            diagnosed("spam_block"),
            Gateway.PROOFPOINT,
            {"ended": 1, "permanent": 1},
        ),
        (EventType.BOUNCED, diagnosed("suppressed"), None, {}),  # it was never tried
        (EventType.SOFT_BOUNCED, diagnosed("mailbox_full"), None, {"ended": 1}),
        (EventType.SOFT_BOUNCED, diagnosed("auto_reply"), None, {}),
        (EventType.DEFERRED, {"delayType": "SpamDetected"}, Gateway.GMAIL, {"spam": 1}),
        (EventType.DEFERRED, {"delayType": "MailboxFull"}, Gateway.GMAIL, {}),
        (EventType.COMPLAINED, {"complaintFeedbackType": "abuse"}, None, {"complaints": 1}),
        (EventType.COMPLAINED, {}, None, {"complaints": 1}),
        (EventType.COMPLAINED, {"complaintFeedbackType": "not-spam"}, None, {}),
        (EventType.UNSUBSCRIBED, {}, None, {"left": 1}),
        (EventType.OPENED, {}, None, {}),
    ],
)
def test_each_event_speaks_for_itself(
    type: EventType, data: dict[str, Any], gateway: Gateway | None, expected: dict[str, int]
) -> None:
    found = numbers(type, data, gateway)
    assert {name: number for name, number in found.items() if number} == expected


def test_a_delay_that_is_told_again_is_counted_once() -> None:
    again = numbers(EventType.DEFERRED, {"delayType": "SpamDetected"}, Gateway.GMAIL, repeats=True)
    assert again == {}
