"""The order of the rules: standing, sender, then each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.addresses import EmailAddress
from relay.errors import NobodyToMail
from relay.mail import Draft
from relay.policy.consent import reason_to_hold
from relay.policy.facts import Facts, Held
from relay.policy.sender import Remark, check_sender, remarks, shown_name
from relay.policy.standing import check_standing
from relay.policy.streams import effective_stream, lane
from relay.vocabulary import Lane, Stream, SuppressionReason

TITLES = {
    "invalid-address": "Mail to this address came back: the mailbox does not exist",
    "complaint": "This person marked mail of this site as spam",
    "provider-list": "Amazon SES lists this address as undeliverable",
    "mailbox-full": "This mailbox was full again and again, for weeks",
    "inactive-mailbox": "This mailbox was out of use, and still was weeks later",
    "unknown-address": "This mailbox does not exist, as another mail proved lately",
    "disputed": "The server refuses this address, perhaps wrongly; one more mail will tell",
    "cool-off": "This mailbox is full or out of use; we leave it alone for a while",
    "manual": "This address was put on the suppression list by hand",
}
"""What a reason means, for people; the code is for programs."""

PASSING = frozenset(
    (SuppressionReason.UNKNOWN_ADDRESS, SuppressionReason.DISPUTED, SuppressionReason.COOL_OFF)
)
"""Reasons that end by themselves; they are codes of their own."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What was decided: the true stream, the lane, whom we do not mail and why, the display name
    that may go out, and what is to be remarked."""

    stream: Stream
    lane: Lane
    held: Mapping[EmailAddress, Held]
    sender_name: str
    remarks: Sequence[Remark] = ()


def admit(draft: Draft, facts: Facts) -> Admission:
    """Decide on a draft. A rule about the message raises; a rule about one person holds that copy.

    Raises `AccountPending`, `AccountSuspended`, `SenderNotVerified`, `FreeMailSender`,
    `LookAlikeDomain`, or `NobodyToMail` when no recipient is left.
    """
    stream = effective_stream(draft)
    chosen = lane(draft, stream)
    check_standing(chosen, facts)
    check_sender(draft, facts)
    held = {
        address: reason
        for address in draft.recipients
        if (reason := reason_to_hold(address, chosen, facts)) is not None
    }
    if len(held) == len(draft.recipients):
        raise NobodyToMail(
            "None of the recipients may be mailed; `recipients` says why for each",
            recipients=[{"address": str(a), **described(reason)} for a, reason in held.items()],
        )
    name = shown_name(draft, facts)
    return Admission(stream, chosen, held, name, remarks(draft, facts, name))


def described(held: Held) -> dict[str, object]:
    """The reason as the API shows it: a code, its title and the evidence."""
    return {
        "code": held.reason.value if held.reason in PASSING else "suppressed",
        "reason": held.reason.value,
        "title": TITLES[held.reason.value],
        "since": held.since,
        "evidence": dict(held.evidence),
    }
