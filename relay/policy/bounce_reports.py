"""What Amazon SES reports about a refused mail: its events read, and its own sorting of bounces.

SES sends Bounce and DeliveryDelay events in two dialects with the same bodies. Its types are a
last resort - SES calls policy refusals "Permanent" as well - but where it did not even try to
deliver, its subtype is all there is to know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from relay.policy.bounce_classes import BounceClass, Confidence, Fault
from relay.policy.gateways import Gateway
from relay.policy.replies import LONGEST

# event type → the key of its body, the key of its people
BODIES: Final[Mapping[str, tuple[str, str]]] = {
    "Bounce": ("bounce", "bouncedRecipients"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
}


@dataclass(frozen=True, slots=True)
class Bounce:
    """One refusal of one recipient, as it was reported."""

    text: str = ""
    """The diagnostic code or SMTP reply, quoted from a stranger."""
    recipient: str = ""
    status: str = ""
    """The enhanced status code of the report (5.1.1)."""
    action: str = ""
    ses_type: str = ""
    ses_subtype: str = ""
    reporting_mta: str = ""
    remote_host: str = ""
    gateway: Gateway | None = None
    """Who receives for the recipient, from the MX records, if that is known."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What SES's own sorting says."""

    bounce_class: BounceClass
    confidence: Confidence
    advice: str
    fault: Fault
    name: str = ""
    """Which entry of which table it was, in place of a rule's id."""


def bounces_of(event: Mapping[str, Any], *, gateway: Gateway | None = None) -> Iterator[Bounce]:
    """The recipients of an SES event who were refused or put off; nobody for other events."""
    kind = _text(event, "eventType") or _text(event, "notificationType")
    body_key, people_key = BODIES.get(kind, ("", ""))
    body = event.get(body_key)
    if not isinstance(body, Mapping):
        return
    people = body.get(people_key)
    for person in people if isinstance(people, Sequence) else ():
        if isinstance(person, Mapping):
            yield Bounce(
                text=_text(person, "diagnosticCode"),
                recipient=_text(person, "emailAddress"),
                status=_text(person, "status"),
                action=_text(person, "action"),
                ses_type=_text(body, "bounceType") or kind,
                ses_subtype=_text(body, "bounceSubType") or _text(body, "delayType"),
                reporting_mta=_text(body, "reportingMTA"),
                remote_host=_text(body, "remoteMtaIp"),
                gateway=gateway,
            )


def not_attempted(bounce: Bounce) -> Verdict | None:
    """Why SES did not try to deliver, or None if it did."""
    return NOT_ATTEMPTED.get(bounce.ses_subtype)


def by_type(bounce: Bounce) -> Verdict:
    """What is left when neither words nor codes speak: SES's own type."""
    if found := TYPES.get((bounce.ses_type, bounce.ses_subtype)):
        return found
    bare = not (bounce.text or bounce.status or bounce.action)
    if bare and (bounce.ses_type, bounce.ses_subtype) == ("Transient", "General"):
        # SES reports an automatic answer as a bounce that names only the person.
        return OUT_OF_OFFICE
    return NOTHING_KNOWN


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value[:LONGEST] if isinstance(value, str) else ""


def _firm(subtype: str, advice: str, fault: Fault) -> Verdict:
    return Verdict(BounceClass.SUPPRESSED, Confidence.FIRM, advice, fault, f"ses.{subtype}")


NOT_ATTEMPTED: Final[Mapping[str, Verdict]] = {
    subtype: _firm(subtype, advice, fault)
    for subtype, advice, fault in (
        ("Suppressed", "suppressed-by-ses", Fault.ADDRESS),
        ("OnAccountSuppressionList", "already-suppressed", Fault.ADDRESS),
        ("OnTenantSuppressionList", "already-suppressed", Fault.ADDRESS),
        ("EmailValidationSuppressed", "validation-failed", Fault.ADDRESS),
        ("UnsubscribedRecipient", "unsubscribed", Fault.NONE),
    )
}


def _guess(kind: str, bounce_class: BounceClass, advice: str, fault: Fault) -> Verdict:
    return Verdict(bounce_class, Confidence.GUESS, advice, fault, f"ses-type.{kind}")


TYPES: Final[Mapping[tuple[str, str], Verdict]] = {
    (kind, subtype): _guess(f"{kind}-{subtype}", bounce_class, advice, fault)
    for kind, subtype, bounce_class, advice, fault in (
        ("Permanent", "NoEmail", BounceClass.INVALID_RECIPIENT, "remove-address", Fault.ADDRESS),
        ("Transient", "MailboxFull", BounceClass.MAILBOX_FULL, "mailbox-full", Fault.MAILBOX),
        (
            "Transient",
            "MessageTooLarge",
            BounceClass.MESSAGE_TOO_LARGE,
            "make-smaller",
            Fault.CONTENT,
        ),
        ("Transient", "ContentRejected", BounceClass.SPAM_CONTENT, "change-content", Fault.CONTENT),
        (
            "Transient",
            "AttachmentRejected",
            BounceClass.VIRUS_DETECTED,
            "remove-attachment",
            Fault.CONTENT,
        ),
        (
            "Transient",
            "CustomTimeoutExceeded",
            BounceClass.NETWORK_FAILURE,
            "retry-later",
            Fault.NETWORK,
        ),
        ("DeliveryDelay", "MailboxFull", BounceClass.MAILBOX_FULL, "mailbox-full", Fault.MAILBOX),
        (
            "DeliveryDelay",
            "SpamDetected",
            BounceClass.SPAM_CONTENT,
            "change-content",
            Fault.CONTENT,
        ),
        ("DeliveryDelay", "IPFailure", BounceClass.SPAM_BLOCK, "reputation", Fault.OUR_IP),
        (
            "DeliveryDelay",
            "BYOIPHostNameLookupUnavailable",
            BounceClass.AUTHENTICATION_FAILED,
            "reverse-dns",
            Fault.OUR_IP,
        ),
        (
            "DeliveryDelay",
            "RecipientServerError",
            BounceClass.TRANSIENT_FAILURE,
            "retry-soon",
            Fault.RECEIVER,
        ),
        (
            "DeliveryDelay",
            "TransientCommunicationFailure",
            BounceClass.NETWORK_FAILURE,
            "retry-later",
            Fault.NETWORK,
        ),
        (
            "DeliveryDelay",
            "InternalFailure",
            BounceClass.TRANSIENT_FAILURE,
            "retry-soon",
            Fault.NETWORK,
        ),
        ("DeliveryDelay", "SendingDeferral", BounceClass.RATE_LIMITED, "slow-down", Fault.RATE),
        ("DeliveryDelay", "General", BounceClass.TRANSIENT_FAILURE, "retry-soon", Fault.RECEIVER),
    )
}

OUT_OF_OFFICE: Final = Verdict(
    BounceClass.AUTO_REPLY, Confidence.LIKELY, "not-a-bounce", Fault.NONE, "ses-type.bare-transient"
)
NOTHING_KNOWN: Final = Verdict(
    BounceClass.UNDETERMINED, Confidence.GUESS, "look-at-text", Fault.UNKNOWN, "nothing-known"
)
