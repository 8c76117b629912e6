"""What is left of a person who was erased: that something happened, not to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.sayings import phrase
from relay.vocabulary import Outcome, Stage, SuppressionReason, SuppressionScope

ERASED_DOMAIN = "erased.invalid"
"""Where the addresses that stand for erased people live; nothing is ever delivered to `.invalid`
(RFC 2606 §2)."""

PAUSES = frozenset(
    (SuppressionReason.MAILBOX_FULL, SuppressionReason.COOL_OFF, SuppressionReason.DISPUTED)
)
"""Suppressions that end by themselves: an erasure does not make them last."""

REASON = {"code": "erased", "title": phrase("This person's data were erased on request")}
"""Why a copy that still waited is not sent."""

_KEPT = frozenset(
    (
        "action", "bounceSubType", "bounceType", "class", "code", "complaintFeedbackType",
        "complaintSubType", "delayType", "diagnosis", "kind", "status",
    )
)  # fmt: skip
"""Members of an event, reason or error that are words of a protocol or our own. Everything else
(answers of mail servers, links, browsers) may tell who it was.
"""

_LONGEST_WORD = 64


def placeholder(digest: str) -> str:
    """The address that stands where an erased one stood."""
    return f"{digest[:40]}@{ERASED_DOMAIN}"


def is_placeholder(address: str) -> bool:
    """Whether this stands for somebody who was erased."""
    return address.endswith(f"@{ERASED_DOMAIN}")


def without_person(data: Mapping[str, Any] | None) -> dict[str, Any]:
    """What may stay of an event, a reason or an error."""
    kept: dict[str, Any] = {}
    for name, value in (data or {}).items():
        if name not in _KEPT:
            continue
        if isinstance(value, Mapping):
            kept[name] = without_person(value)
        elif isinstance(value, str) and len(value) <= _LONGEST_WORD and "@" not in value:
            kept[name] = value
    return kept


def outcome_of(stage: Stage, outcome: Outcome) -> Outcome:
    """How a copy of an erased person ends: not sent if it waited, unconfirmed if it was on the wire."""
    if stage is Stage.DONE:
        return outcome
    ends = Outcome.UNCONFIRMED if stage in (Stage.SENDING, Stage.UNKNOWN) else Outcome.SUPPRESSED
    return max(outcome, ends, key=lambda each: each.strength)


def scope_after(
    suppressions: Mapping[SuppressionReason, SuppressionScope],
) -> SuppressionScope:
    """What an erasure stops: newsletters and notifications; all mail where all was stopped for good.

    Otherwise erasing somebody would be a way round a complaint or a bounce that no one may lift.
    """
    for_good = {scope for reason, scope in suppressions.items() if reason not in PAUSES}
    return (
        SuppressionScope.ALL if SuppressionScope.ALL in for_good else SuppressionScope.PROMOTIONAL
    )
