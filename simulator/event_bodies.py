"""The part of an event that belongs to its type."""

from collections.abc import Callable
from typing import Any

from simulator import REGION
from simulator.mails import Mail, Step, timestamp

SMTP_RESPONSE = "250 2.0.0 OK queued by the simulator"
REMOTE_IP = "203.0.113.25"
MTA = f"a8-30.smtp-out.{REGION}.amazonses.com"


def _given(step: Step, *names: str) -> dict[str, Any]:
    return {name: step[name] for name in names if name in step}


def _send(mail: Mail, step: Step, to: list[str], at: str) -> dict[str, Any]:
    return {}


def _delivery(mail: Mail, step: Step, to: list[str], at: str) -> dict[str, Any]:
    return {
        "timestamp": at,
        "processingTimeMillis": step.get("processingTimeMillis", int(step["after"] * 1000)),
        "recipients": to,
        "smtpResponse": step.get("smtpResponse", SMTP_RESPONSE),
        "remoteMtaIp": step.get("remoteMtaIp", REMOTE_IP),
        "reportingMTA": MTA,
    }


def _bounce(mail: Mail, step: Step, to: list[str], at: str) -> dict[str, Any]:
    whom = _given(step, "status", "diagnosticCode")
    if whom:
        whom |= _given(step, "action")
    not_attempted = "uppress" in step["bounceSubType"]
    mta = {} if not whom else {"reportingMTA": f"dns; {'amazonses.com' if not_attempted else MTA}"}
    return {
        "bounceType": step["bounceType"],
        "bounceSubType": step["bounceSubType"],
        "bouncedRecipients": [{"emailAddress": address, **whom} for address in to],
        "timestamp": at,
        **mta,
        **_given(step, "reportingMTA", "remoteMtaIp"),
    }


def _complaint(mail: Mail, step: Step, to: list[str], at: str) -> dict[str, Any]:
    addresses = [] if step.get("redacted") else to
    return {
        "complaintSubType": step.get("complaintSubType"),
        "complainedRecipients": [{"emailAddress": address} for address in addresses],
        "timestamp": at,
        "arrivalDate": at,
        **_given(step, "userAgent", "complaintFeedbackType"),
    }


def _delay(mail: Mail, step: Step, to: list[str], at: str) -> dict[str, Any]:
    whom = _given(step, "status", "diagnosticCode")
    return {
        "timestamp": at,
        "delayType": step["delayType"],
        "expirationTime": timestamp(mail.accepted_ms + 14 * 3_600_000),
        "reportingMTA": step.get("reportingMTA", MTA),
        "delayedRecipients": [{"emailAddress": address, **whom} for address in to],
    }


def _opened(mail: Mail, step: Step, to: list[str], at: str) -> dict[str, Any]:
    defaults = {"ipAddress": "203.0.113.80", "userAgent": "ExampleMail/5.1"}
    return {"timestamp": at, **defaults, **_given(step, *defaults)}


def _clicked(mail: Mail, step: Step, to: list[str], at: str) -> dict[str, Any]:
    link = {"link": step.get("link", "https://shop.example/"), "linkTags": step.get("linkTags")}
    return _opened(mail, step, to, at) | link


def _rejected(mail: Mail, step: Step, to: list[str], at: str) -> dict[str, Any]:
    return {"reason": step["reason"]}


def _failed(mail: Mail, step: Step, to: list[str], at: str) -> dict[str, Any]:
    defaults = {"templateName": "template", "errorMessage": "a merge field is missing"}
    return {**defaults, **_given(step, *defaults)}


def _subscribed(mail: Mail, step: Step, to: list[str], at: str) -> dict[str, Any]:
    return {
        "contactList": step.get("contactList", "list"),
        "timestamp": at,
        "source": step.get("source", "UnsubscribeHeader"),
        "newTopicPreferences": {"unsubscribeAll": True, "topicSubscriptionStatus": []},
        "oldTopicPreferences": {"unsubscribeAll": False, "topicSubscriptionStatus": []},
    }


BODIES: dict[str, Callable[[Mail, Step, list[str], str], dict[str, Any]]] = {
    "Send": _send,
    "Delivery": _delivery,
    "Bounce": _bounce,
    "Complaint": _complaint,
    "DeliveryDelay": _delay,
    "Reject": _rejected,
    "Rendering Failure": _failed,
    "Open": _opened,
    "Click": _clicked,
    "Subscription": _subscribed,
}
"""How the body of each event is written."""
