"""The words of bounce diagnosis: what happened, by whose doing, how surely, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class BounceClass(StrEnum):
    """What happened, in one word."""

    INVALID_RECIPIENT = "invalid_recipient"
    BAD_DOMAIN = "bad_domain"
    INACTIVE_MAILBOX = "inactive_mailbox"
    MAILBOX_FULL = "mailbox_full"
    MESSAGE_TOO_LARGE = "message_too_large"
    RATE_LIMITED = "rate_limited"
    SPAM_BLOCK = "spam_block"
    SPAM_CONTENT = "spam_content"
    VIRUS_DETECTED = "virus_detected"
    POLICY_RELATED = "policy_related"
    AUTHENTICATION_FAILED = "authentication_failed"
    INVALID_SENDER = "invalid_sender"
    RELAY_DENIED = "relay_denied"
    PROTOCOL_ERRORS = "protocol_errors"
    NETWORK_FAILURE = "network_failure"
    TRANSIENT_FAILURE = "transient_failure"
    SUPPRESSED = "suppressed"
    AUTO_REPLY = "auto_reply"
    UNDETERMINED = "undetermined"


class Suppress(StrEnum):
    """Whether the address may be mailed again: no more, not for now, or as before."""

    YES = "yes"
    HOLD = "hold"
    NO = "no"


class Fault(StrEnum):
    """Whose doing it was."""

    ADDRESS = "address"
    MAILBOX = "mailbox"
    GATEWAY = "gateway"
    OUR_IP = "our_ip"
    SENDER_DOMAIN = "sender_domain"
    CONTENT = "content"
    MESSAGE = "message"
    RATE = "rate"
    NETWORK = "network"
    RECEIVER = "receiver"
    NONE = "none"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How sure we are: the server says so, it is the likely reading, or only one code or word."""

    FIRM = "firm"
    LIKELY = "likely"
    GUESS = "guess"


SUPPRESS: Final[Mapping[BounceClass, Suppress]] = {
    **dict.fromkeys(BounceClass, Suppress.NO),
    BounceClass.INVALID_RECIPIENT: Suppress.YES,
    BounceClass.BAD_DOMAIN: Suppress.YES,
    BounceClass.SUPPRESSED: Suppress.YES,
    BounceClass.INACTIVE_MAILBOX: Suppress.HOLD,
}
