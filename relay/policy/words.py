"""Events in sentences: what happened, in the order a person wants to know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.sayings import Saying, say
from relay.vocabulary import EventType

SENTENCES = {
    EventType.SENT: say("Amazon SES has taken the mail and is delivering it."),
    EventType.DEFERRED: say("The receiving server asks to wait; Amazon SES tries again by itself."),
    EventType.DELIVERED: say("The receiving server has accepted the mail."),
    EventType.SOFT_BOUNCED: say(
        "The mail could not be delivered for now, or an automatic reply came back."
    ),
    EventType.BOUNCED: say("The receiving server refused the mail."),
    EventType.COMPLAINED: say("The recipient marked the mail as spam."),
    EventType.REJECTED: say("Amazon SES found harmful content and did not send the mail."),
    EventType.RENDER_FAILED: say("Amazon SES could not build the mail."),
    EventType.OPENED: say("The mail was opened."),
    EventType.CLICKED: say("A link in the mail was clicked."),
    EventType.UNSUBSCRIBED: say("The recipient unsubscribed."),
    EventType.FAILED: say("The mail could not be handed over."),
    EventType.EXPIRED: say("The mail waited longer than it was worth and was not sent."),
    EventType.UNCONFIRMED: say("Nobody knows whether the mail left; it may have arrived."),
    EventType.NO_REPORT: say("Amazon SES took the mail but told nothing more within a day."),
}


def summary(type: EventType, data: Mapping[str, Any]) -> Saying:
    """The event in one or two sentences; a bounce with our reading of it."""
    sentence = SENTENCES[type]
    diagnosis, follows = data.get("diagnosis"), data.get("follows")
    if isinstance(diagnosis, Mapping) and diagnosis.get("summary"):
        told = sentence + stated(diagnosis["summary"])
        return told + stated(follows["title"]) if isinstance(follows, Mapping) else told
    if type is EventType.FAILED and data.get("detail"):
        return sentence + Saying.read(data["detail"])
    return sentence


def stated(title: str) -> Saying:
    """A title as a sentence."""
    return say("%(sentence)s.", sentence=Saying.read(title))
