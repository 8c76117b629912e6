"""Events in sentences: what happened, in the order a person wants to know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.vocabulary import EventType

SENTENCES = {
    EventType.SENT: "Amazon SES has taken the mail and is delivering it.",
    EventType.DEFERRED: "The receiving server asks to wait; Amazon SES tries again by itself.",
    EventType.DELIVERED: "The receiving server has accepted the mail.",
    EventType.SOFT_BOUNCED: "The mail could not be delivered for now, or an automatic reply came back.",
    EventType.BOUNCED: "The receiving server refused the mail.",
    EventType.COMPLAINED: "The recipient marked the mail as spam.",
    EventType.REJECTED: "Amazon SES found harmful content and did not send the mail.",
    EventType.RENDER_FAILED: "Amazon SES could not build the mail.",
    EventType.OPENED: "The mail was opened.",
    EventType.CLICKED: "A link in the mail was clicked.",
    EventType.UNSUBSCRIBED: "The recipient unsubscribed.",
    EventType.FAILED: "The mail could not be handed over.",
    EventType.EXPIRED: "The mail waited longer than it was worth and was not sent.",
    EventType.UNCONFIRMED: "Nobody knows whether the mail left; it may have arrived.",
    EventType.NO_REPORT: "Amazon SES took the mail but told nothing more within a day.",
}


def summary(type: EventType, data: Mapping[str, Any]) -> str:
    """The event in one or two sentences; a bounce with our reading of it."""
    sentence = SENTENCES[type]
    diagnosis = data.get("diagnosis")
    if isinstance(diagnosis, Mapping) and diagnosis.get("summary"):
        follows = data.get("follows")
        then = f" {follows['title']}." if isinstance(follows, Mapping) else ""
        return f"{sentence} {diagnosis['summary']}.{then}"
    if type is EventType.FAILED and data.get("detail"):
        return f"{sentence} {data['detail']}"
    return sentence
