"""The JSON that SES publishes about a mail, in both of its dialects."""

import uuid
from typing import Any

from simulator import ACCOUNT, REGION, event_bodies, mime
from simulator.addresses import domain_of
from simulator.mails import Mail, timestamp

HEADERS_LIMIT = 10_240
"""Bytes of headers an event carries; more are cut off."""

NAMES = uuid.UUID("5d0f3c1e-9d57-4b0a-8b61-5e6b1f6c7a02")
"""Ids made from a mail's id stay the same over restarts."""

SOURCE_IP = "198.51.100.7"
CALLER = "postreeve-simulator"
OUTGOING_IP = "192.0.2.45"

BODY_KEYS = {
    "Send": "send",
    "Delivery": "delivery",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "DeliveryDelay": "deliveryDelay",
    "Reject": "reject",
    "Rendering Failure": "failure",
    "Open": "open",
    "Click": "click",
    "Subscription": "subscription",
}
"""The member that holds the body, by event type."""

MATCHING_TYPES = {
    name: name.upper().replace(" ", "_").replace("DELIVERYDELAY", "DELIVERY_DELAY")
    for name in BODY_KEYS
}
"""An event destination's MatchingEventTypes value, by event type."""

IDENTITY_TYPES = frozenset({"Bounce", "Complaint", "Delivery"})
"""What identity notifications exist for."""

WITHOUT_HEADERS = frozenset({"Rendering Failure", "DeliveryDelay"})
"""Events whose mail object has no headers."""


def mail_object(mail: Mail, headers: mime.Headers) -> dict[str, Any]:
    """The `mail` member, without what only one of the dialects has."""
    kept: list[dict[str, str]] = []
    size = 0
    for name, value in headers:
        size += len(name) + len(value) + 4
        if size > HEADERS_LIMIT:
            break
        kept.append({"name": name, "value": value})
    return {
        "timestamp": mail.accepted_at,
        "source": mail.source,
        "sourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{_from_domain(mail)}",
        "sendingAccountId": ACCOUNT,
        "messageId": mail.id,
        "destination": mail.destination,
        "headersTruncated": len(kept) < len(headers),
        "headers": kept,
        "commonHeaders": _common_headers(mail, headers),
    }


def event(mail: Mail, number: int, about: dict[str, Any], dialect: str) -> dict[str, Any]:
    """What is published about step `number` of a mail's plan.

    `about` is the mail's object, `dialect` one of `event`, `notification`.
    """
    step = mail.plan[number]
    kind = step["event"]
    described = dict(about)
    if kind in WITHOUT_HEADERS:
        del described["headers"], described["commonHeaders"]
    if dialect == "notification":
        described |= {"sourceIp": SOURCE_IP, "callerIdentity": CALLER}
    else:
        described["tags"] = _tags(mail, kind)
    at = timestamp(mail.accepted_ms + int(step["after"] * 1000))
    body = event_bodies.BODIES[kind](mail, step, step.get("to", mail.destination), at)
    if kind in ("Bounce", "Complaint"):
        body["feedbackId"] = f"{mail.id[:16]}-{uuid.uuid5(NAMES, f'{mail.id}:{number}')}-000000"
    key = "notificationType" if dialect == "notification" else "eventType"
    return {key: kind, "mail": described, BODY_KEYS[kind]: body}


def _from_domain(mail: Mail) -> str:
    return domain_of(mail.source.rstrip("> "))


def _tags(mail: Mail, kind: str) -> dict[str, list[str]]:
    tags = {
        "ses:operation": ["SendEmail"],
        "ses:configuration-set": [mail.configuration_set or ""],
        "ses:source-ip": [SOURCE_IP],
        "ses:from-domain": [_from_domain(mail)],
        "ses:caller-identity": [CALLER],
    }
    if kind == "Delivery":
        tags["ses:outgoing-ip"] = [OUTGOING_IP]
    return tags | {name: [value] for name, value in mail.tags.items()}


def _common_headers(mail: Mail, headers: mime.Headers) -> dict[str, Any]:
    common: dict[str, Any] = {}
    for name, key in (("from", "from"), ("to", "to"), ("cc", "cc"), ("reply-to", "replyTo")):
        value = mime.header(headers, name)
        if value is not None:
            common[key] = mime.split_addresses(value)
    common["date"] = mime.header(headers, "date")
    common["messageId"] = mime.header(headers, "message-id") or mail.id
    common["subject"] = mime.header(headers, "subject")
    return {key: value for key, value in common.items() if value is not None}
