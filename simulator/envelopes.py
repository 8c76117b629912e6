"""SNS messages before they are signed."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from simulator import REGION, events
from simulator.mails import Mail, timestamp
from simulator.subscriptions import Subscription

Message = dict[str, str]

DIALECTS = {
    "event": ("event",),
    "notification": ("notification",),
    "both": ("event", "notification"),
}
"""The dialects of notices, by the value of the setting."""

HOST = f"https://sns.{REGION}.amazonaws.com"


def notifications(
    mail: Mail,
    about: dict[str, Any],
    event: int,
    topic: str,
    *,
    dialect: str,
    published_ms: int,
) -> Iterator[Message]:
    """The notices about a step of a mail; made again, they have the same MessageIds."""
    step = mail.plan[event]
    for spoken in DIALECTS[dialect]:
        if spoken == "notification" and step["event"] not in events.IDENTITY_TYPES:
            continue
        yield {
            "Type": "Notification",
            "MessageId": message_id(mail, event, topic, spoken),
            "TopicArn": topic,
            "Message": json.dumps(events.event(mail, event, about, spoken)),
            "Timestamp": timestamp(published_ms),
            "UnsubscribeURL": f"{HOST}/?Action=Unsubscribe&SubscriptionArn={topic}",
        }


def message_id(mail: Mail, event: int, topic: str, dialect: str = "event") -> str:
    """The SNS MessageId of the notice about a step of a mail."""
    return str(uuid.uuid5(events.NAMES, f"{mail.id}:{event}:{topic}:{dialect}"))


def confirmation(to: Subscription) -> Message:
    """What a subscriber is asked before it gets notices."""
    return {
        "Type": "SubscriptionConfirmation",
        "MessageId": str(uuid.uuid4()),
        "Token": to.token,
        "TopicArn": to.topic,
        "Message": f"You have chosen to subscribe to the topic {to.topic}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message.",
        "SubscribeURL": f"{HOST}/?Action=ConfirmSubscription&TopicArn={to.topic}&Token={to.token}",
        "Timestamp": timestamp(time.time_ns() // 1_000_000),
    }
