"""How a scripted address answers: the steps of an answer and the fields each may have.

A step is an object such as
`{"event": "Bounce", "after": 0.5, "bounceType": "Permanent", "bounceSubType": "General",
"status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.errors import InvalidControl
from simulator.mails import Step
from simulator.settings import seconds

FIELDS: dict[str, dict[str, Any]] = {
    "Delivery": {"smtpResponse": str, "remoteMtaIp": str, "processingTimeMillis": int},
    "Bounce": {
        "bounceType": ("Permanent", "Transient", "Undetermined"),
        "bounceSubType": str,
        "status": str,
        "diagnosticCode": str,
        "action": str,
        "reportingMTA": str,
        "remoteMtaIp": str,
    },
    "Complaint": {
        "complaintSubType": str,
        "complaintFeedbackType": str,
        "userAgent": str,
        "redacted": bool,
    },
    "DeliveryDelay": {"delayType": str, "status": str, "diagnosticCode": str, "reportingMTA": str},
    "Open": {"ipAddress": str, "userAgent": str},
    "Click": {"ipAddress": str, "userAgent": str, "link": str, "linkTags": dict},
    "Reject": {"reason": str},
    "Rendering Failure": {"templateName": str, "errorMessage": str},
    "Subscription": {"contactList": str, "source": str},
}
"""The fields of each event that a script may set."""

SHORTHANDS: dict[str, Step] = {
    "delivery": {"event": "Delivery"},
    "bounce": {
        "event": "Bounce",
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        "remoteMtaIp": "203.0.113.25",
    },
    "suppressed": {
        "event": "Bounce",
        "bounceType": "Permanent",
        "bounceSubType": "Suppressed",
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "Amazon SES has suppressed sending to this address because it bounced "
        "lately for some SES customer (global suppression list).",
    },
    "account-suppressed": {
        "event": "Bounce",
        "bounceType": "Permanent",
        "bounceSubType": "OnAccountSuppressionList",
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "Amazon SES did not send the message to this address because it is on "
        "the suppression list for your account.",
    },
    "complaint": {
        "event": "Complaint",
        "complaintFeedbackType": "abuse",
        "userAgent": "Amazon SES Mailbox Simulator",
    },
    "ooto": {"event": "Bounce", "bounceType": "Transient", "bounceSubType": "General"},
    "delay": {
        "event": "DeliveryDelay",
        "delayType": "TransientCommunicationFailure",
        "status": "4.4.1",
        "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
    },
    "reject": {"event": "Reject", "reason": "Bad content"},
}
"""Answers that have a name; a script may say `"bounce"` instead of the whole step."""

EVENT_DEFAULTS: dict[str, Step] = {
    "Bounce": {"bounceType": "Permanent", "bounceSubType": "General", "action": "failed"},
    "Complaint": {"complaintFeedbackType": "abuse"},
    "DeliveryDelay": SHORTHANDS["delay"],
    "Reject": SHORTHANDS["reject"],
}
"""What a step says if its script does not."""

MAILBOX_SIMULATOR: dict[str, tuple[str, ...]] = {
    "success": ("delivery",),
    "bounce": ("bounce",),
    "complaint": ("delivery", "complaint"),
    "ooto": ("delivery", "ooto"),
    "suppressionlist": ("suppressed",),
}
"""SES's mailbox simulator: local part, without `+label`, and how it answers."""


@dataclass(frozen=True)
class Scripts:
    """How addresses answer, by exact address, domain or `*`, all in lower case."""

    rules: Mapping[str, list[Step]]

    def answer(self, address: str) -> list[Step] | None:
        """The script of an address: its own, else its domain's, else that of `*`, else None."""
        if not self.rules:
            return None
        address = address.lower()
        for pattern in (address, address.rpartition("@")[2], "*"):
            if pattern in self.rules:
                return self.rules[pattern]
        return None

    def changed(self, values: object) -> "Scripts":
        """These scripts with `values` applied: pattern and script, or null to remove one.

        Raises InvalidControl, naming pattern and field, if a script is malformed.
        """
        if not isinstance(values, Mapping):
            raise InvalidControl("recipients must be an object of pattern and script")
        rules = dict(self.rules)
        for pattern, script in values.items():
            if script is None:
                rules.pop(pattern.lower(), None)
                continue
            try:
                rules[pattern.lower()] = parse(script)
            except InvalidControl as error:
                raise InvalidControl(f"recipients[{pattern!r}] {error}") from None
        return Scripts(rules)


def parse(script: object) -> list[Step]:
    """The steps of a script: one step or a list, each an object or the name of a known answer."""
    steps = script if isinstance(script, list) else [script]
    if not steps:
        raise InvalidControl("needs at least one step")
    return [_step(step) for step in steps]


def _step(step: object) -> Step:
    if isinstance(step, str):
        if step not in SHORTHANDS:
            raise InvalidControl(f"does not know {step!r}; it knows " + ", ".join(SHORTHANDS))
        return SHORTHANDS[step]
    if not isinstance(step, Mapping):
        raise InvalidControl("has a step that is neither an object nor a known name")
    event = step.get("event")
    if event not in FIELDS:
        raise InvalidControl("needs an event, one of " + ", ".join(FIELDS))
    for name, value in step.items():
        if name == "after":
            seconds(value)
        elif name != "event":
            _check_field(event, name, value)
    return {**EVENT_DEFAULTS.get(event, {}), **step}


def _check_field(event: str, name: str, value: object) -> None:
    kind = FIELDS[event].get(name)
    if kind is None:
        known = ", ".join(["after", *FIELDS[event]])
        raise InvalidControl(f"has the unknown field {name!r}; {event} has {known}")
    if isinstance(kind, tuple):
        if value not in kind:
            raise InvalidControl(f"{name} must be one of " + ", ".join(kind))
    elif not isinstance(value, kind):
        raise InvalidControl(f"{name} must be of type {kind.__name__}")
