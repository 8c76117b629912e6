"""What a bounce means. First, careful form: only a clear 'no such mailbox' speaks against an address.

Everything else a server says with a 5xx – policy, reputation, content, rate, size – is about us or
about its own rules, and suppresses nobody. Unclear is unclear: SES's own 'Permanent' covers both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.vocabulary import SuppressionReason

NO_SUCH_MAILBOX = re.compile(
    r"(?<![\d.])5\.1\.(?:1|2|3|6|10)(?!\.?\d)|\b5\.5\.0\b.{0,40}mailbox unavailable"
)
"""Enhanced codes of an address that is not there (RFC 3463 §3.2; 5.1.10 RFC 7505, Microsoft).

They stand alone: `98.5.1.2` is an IP address."""

ABOUT_OTHERS = re.compile(
    r"access denied|reputation|blocked|block ?list|spam|policy|polic(?:y|ies)|dmarc|\bspf\b|dkim|greylist",
    re.IGNORECASE,
)
"""Words that say the refusal is not about the mailbox, whatever number stands before them."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Whether the address is to blame, by which rule, and what to tell people."""

    rule: str
    suppression: SuppressionReason | None
    summary: str


def diagnose(bounce: Mapping[str, Any]) -> Diagnosis:
    """Read the data of a `bounced` event (SES's fields: bounceSubType, status, diagnosticCode)."""
    subtype = str(bounce.get("bounceSubType", ""))
    if subtype in ("Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList"):
        return Diagnosis(
            "ses-suppression-list",
            SuppressionReason.PROVIDER_LIST,
            "Amazon SES did not try: it lists the address after an earlier hard bounce",
        )
    said = f"{bounce.get('status', '')} {bounce.get('diagnosticCode', '')}"
    if subtype == "NoEmail":
        return Diagnosis(
            "ses-no-email", SuppressionReason.INVALID_ADDRESS, "The mailbox does not exist"
        )
    if NO_SUCH_MAILBOX.search(said) and not ABOUT_OTHERS.search(said):
        return Diagnosis(
            "no-such-mailbox", SuppressionReason.INVALID_ADDRESS, "The mailbox does not exist"
        )
    return Diagnosis(
        "unclear",
        None,
        "The receiving server refused the mail, but did not clearly say that the mailbox does not "
        "exist; the address stays usable",
    )
