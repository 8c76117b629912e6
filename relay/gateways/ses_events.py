"""What SES tells over SNS, read into our own events, whichever of its two dialects it speaks.

Configuration-set events carry `eventType` and our tags; identity notifications carry
`notificationType` and none. The text inside comes from strangers' mail servers: it is cut to
`LONGEST_TEXT` and never trusted (SES developer guide, 'Event data that Amazon SES publishes').
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from relay.addresses import EmailAddress
from relay.addresses import parse as parse_address
from relay.errors import Invalid
from relay.mail import DeliveryEvent
from relay.vocabulary import EventType

LONGEST_TEXT = 2_000
"""Characters kept of any text of a stranger (our decision)."""

_ODD_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)\s*(Z|[+-]\d\d:?\d\d)?")

Json = Mapping[str, Any]


def read_events(message: str) -> tuple[DeliveryEvent, ...]:
    """The events in the Message of a notice, one per person they concern.

    Empty for messages that are no events (`Successfully validated SNS topic …`). Raises `Invalid`
    when it should be an event but cannot be read.
    """
    try:
        body: Any = json.loads(message)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(body, dict):
        return ()
    kind = body.get("eventType") or body.get("notificationType")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    return () if reader is None else tuple(reader(body, _object(body, "mail")))


def _send(body: Json, mail: Json) -> Iterable[DeliveryEvent]:
    yield from _each(EventType.SENT, mail, _destination(mail), mail.get("timestamp"), {})


def _delivery(body: Json, mail: Json) -> Iterable[DeliveryEvent]:
    delivery = _object(body, "delivery")
    data = _some(delivery, "smtpResponse", "reportingMTA", "remoteMtaIp", "processingTimeMillis")
    data |= {"outgoing_ip": ip} if (ip := _first_tag(mail, "ses:outgoing-ip")) else {}
    people = _texts(delivery.get("recipients")) or _destination(mail)
    yield from _each(EventType.DELIVERED, mail, people, delivery.get("timestamp"), data)


def _bounce(body: Json, mail: Json) -> Iterable[DeliveryEvent]:
    bounce = _object(body, "bounce")
    hard = bounce.get("bounceType") == "Permanent"
    shared = _some(
        bounce, "bounceType", "bounceSubType", "reportingMTA", "remoteMtaIp", "feedbackId"
    )
    for person in _objects(bounce.get("bouncedRecipients")) or [{}]:
        data = shared | _some(person, "action", "status", "diagnosticCode")
        yield from _each(
            EventType.BOUNCED if hard else EventType.SOFT_BOUNCED,
            mail,
            _texts([person.get("emailAddress")]),
            bounce.get("timestamp"),
            data,
            bounce.get("feedbackId"),
        )


def _complaint(body: Json, mail: Json) -> Iterable[DeliveryEvent]:
    complaint = _object(body, "complaint")
    data = _some(
        complaint,
        "complaintFeedbackType",
        "complaintSubType",
        "userAgent",
        "arrivalDate",
        "feedbackId",
    )
    people = [
        str(p.get("emailAddress", "")) for p in _objects(complaint.get("complainedRecipients"))
    ]
    yield from _each(
        EventType.COMPLAINED,
        mail,
        people or _destination(mail),
        complaint.get("timestamp"),
        data,
        complaint.get("feedbackId"),
    )


def _delay(body: Json, mail: Json) -> Iterable[DeliveryEvent]:
    delay = _object(body, "deliveryDelay")
    shared = _some(delay, "delayType", "expirationTime", "reportingMTA")
    for person in _objects(delay.get("delayedRecipients")) or [{}]:
        data = shared | _some(person, "status", "diagnosticCode")
        yield from _each(
            EventType.DEFERRED,
            mail,
            _texts([person.get("emailAddress")]),
            delay.get("timestamp"),
            data,
        )


def _reject(body: Json, mail: Json) -> Iterable[DeliveryEvent]:
    data = _some(_object(body, "reject"), "reason")
    yield from _each(EventType.REJECTED, mail, _destination(mail), mail.get("timestamp"), data)


def _render_failure(body: Json, mail: Json) -> Iterable[DeliveryEvent]:
    data = _some(_object(body, "failure"), "templateName", "errorMessage")
    yield from _each(EventType.RENDER_FAILED, mail, _destination(mail), mail.get("timestamp"), data)


def _open(body: Json, mail: Json) -> Iterable[DeliveryEvent]:
    told = _object(body, "open")
    data = _some(told, "userAgent")
    yield from _each(EventType.OPENED, mail, _destination(mail), told.get("timestamp"), data)


def _click(body: Json, mail: Json) -> Iterable[DeliveryEvent]:
    told = _object(body, "click")
    data = _some(told, "userAgent", "link")
    yield from _each(EventType.CLICKED, mail, _destination(mail), told.get("timestamp"), data)


def _subscription(body: Json, mail: Json) -> Iterable[DeliveryEvent]:
    told = _object(body, "subscription")
    data = _some(told, "source", "contactList")
    yield from _each(EventType.UNSUBSCRIBED, mail, _destination(mail), told.get("timestamp"), data)


_READERS = {
    "Send": _send,
    "Delivery": _delivery,
    "Bounce": _bounce,
    "Complaint": _complaint,
    "DeliveryDelay": _delay,
    "Reject": _reject,
    "Rendering Failure": _render_failure,
    "Open": _open,
    "Click": _click,
    "Subscription": _subscription,
}


def _each(
    type: EventType,
    mail: Json,
    people: Iterable[str],
    timestamp: Any,
    data: dict[str, Any],
    feedback_id: Any = None,
) -> Iterable[DeliveryEvent]:
    """One event for each person; nobody named means: whoever this attempt was for."""
    provider_id = str(_plain(mail.get("messageId") or ""))[:100]
    occurred_at = _instant(timestamp if timestamp is not None else mail.get("timestamp"))
    for person in list(people) or [""]:
        identity = [
            type.value,
            provider_id,
            person.lower(),
            occurred_at.isoformat(),
            str(feedback_id),
        ]
        yield DeliveryEvent(
            type=type,
            occurred_at=occurred_at,
            key=hashlib.sha256("\n".join(identity).encode(errors="replace")).hexdigest(),
            provider_id=provider_id,
            address=_address(person),
            attempt_id=_our_id(mail, "attempt"),
            data=data,
        )


def _our_id(mail: Json, name: str) -> UUID | None:
    try:
        return UUID(_first_tag(mail, name) or "")
    except ValueError:
        return None


def _first_tag(mail: Json, name: str) -> str | None:
    tags = mail.get("tags")
    values = _texts(tags.get(name)) if isinstance(tags, dict) else []
    return values[0] if values else None


def _address(text: str) -> EmailAddress | None:
    """The address in `Name <a@b>`, `<a@b>` or `a@b`; None where a server wrote something else."""
    bare = text.rpartition("<")[2].partition(">")[0].strip()
    try:
        return parse_address(bare)
    except Invalid:
        return None


def _instant(value: Any) -> datetime:
    match = _ODD_TIME.match(value) if isinstance(value, str) else None
    if match is None:
        raise Invalid("An event without a time")
    zone = (match[2] or "Z").replace("Z", "+00:00")
    try:
        return datetime.fromisoformat(match[1] + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("An event without a time") from None


def _object(body: Json, name: str) -> Json:
    found = body.get(name)
    if not isinstance(found, dict):
        raise Invalid(f"An event without its {name!r}")
    return found


def _objects(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _destination(mail: Json) -> list[str]:
    return _texts(mail.get("destination"))


def _some(source: Json, *names: str) -> dict[str, Any]:
    """The named values that are there: numbers and booleans as they are, texts cut and cleaned."""
    return {name: _plain(source[name]) for name in names if source.get(name) is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < 1 << 53):
        return value
    text = str(value)[:LONGEST_TEXT].replace("\x00", "")
    return text.encode("utf-8", "replace").decode()  # lone surrogates fit into no database
