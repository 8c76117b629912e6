"""A mail's story: what became of it by now, and what was posted about it."""

import time
from typing import Any

from simulator import envelopes, events, mime
from simulator.mails import Mail, Step, timestamp
from simulator.world import World

WORDS = {
    "Send": "on its way",
    "Delivery": "delivered",
    "Bounce": "bounced",
    "Complaint": "complaint",
    "DeliveryDelay": "delayed",
    "Reject": "rejected",
    "Rendering Failure": "rendering failed",
    "Open": "opened",
    "Click": "clicked",
    "Subscription": "unsubscribed",
}
"""The outcome of a mail after its latest event."""

TOLD = {
    "Bounce": ("bounceType", "bounceSubType", "diagnosticCode"),
    "Click": ("link",),
    "Complaint": ("complaintFeedbackType",),
    "Delivery": ("smtpResponse",),
    "DeliveryDelay": ("delayType", "diagnosticCode"),
    "Reject": ("reason",),
    "Rendering Failure": ("errorMessage",),
}
"""The fields of a step that say most about it."""


def outcome(mail: Mail) -> str:
    """What became of a mail by now, in a word."""
    steps = happened(mail)
    if not steps:
        return "accepted"
    step = mail.plan[steps[-1]]
    if step["event"] == "Bounce" and step["bounceType"] == "Transient":
        return "soft bounce" if "diagnosticCode" in step else "out of office"
    return WORDS[step["event"]]


def happened(mail: Mail) -> list[int]:
    """Which steps of the plan are past."""
    age = time.time() - mail.accepted_seconds
    return [number for number, step in enumerate(mail.plan) if step["after"] <= age]


def headers_of(world: World, mail: Mail) -> mime.Headers:
    """The headers of a mail, as submitted."""
    head = world.store.raw(mail, mime.HEAD_LIMIT)
    return mime.parse_headers(head[: mime.head_size(head)])


def outline(world: World, mail: Mail) -> dict[str, Any]:
    """A mail as it is listed."""
    headers = headers_of(world, mail)
    return {
        "id": mail.id,
        "accepted_at": mail.accepted_at,
        "from": mail.source,
        "destination": mail.destination,
        "subject": mime.readable(mime.header(headers, "subject") or ""),
        "tags": mail.tags,
        "configuration_set": mail.configuration_set,
        "size": mail.size,
        "outcome": outcome(mail),
    }


def whole(world: World, mail: Mail) -> dict[str, Any]:
    """A mail with headers, events and notices."""
    headers = headers_of(world, mail)
    return {
        **outline(world, mail),
        "headers": [{"name": name, "value": value} for name, value in headers],
        "events": event_list(mail, headers),
        "notices": notice_list(world, mail),
    }


def summary(step: Step) -> str:
    """A step in a few words."""
    told = [step.get(name) for name in TOLD.get(step["event"], ())]
    return " · ".join(str(word) for word in told if word)


def event_list(mail: Mail, headers: mime.Headers) -> list[dict[str, Any]]:
    """The events of a mail so far, with what SES publishes about each."""
    about = events.mail_object(mail, headers)
    return [
        {
            "type": mail.plan[number]["event"],
            "at": timestamp(mail.accepted_ms + int(mail.plan[number]["after"] * 1000)),
            "recipients": mail.plan[number].get("to", mail.destination),
            "summary": summary(mail.plan[number]),
            "data": events.event(mail, number, about, "event"),
        }
        for number in happened(mail)
    ]


def notice_list(world: World, mail: Mail) -> list[dict[str, Any]]:
    """The notices that have an end: to whom, how, when, after how many attempts."""
    subscriptions = {one.number: one for one in world.subscriptions.all()}
    listed = []
    for end in world.outcomes.of(mail.number):
        to = subscriptions.get(end.subscription)
        listed.append(
            {
                "event": mail.plan[end.event]["event"],
                "endpoint": to.endpoint if to else None,
                "message_id": envelopes.message_id(mail, end.event, to.topic) if to else None,
                "state": end.state.name.lower().replace("_", " "),
                "at": timestamp(end.at_ms),
                "attempts": end.attempts,
            }
        )
    return listed
