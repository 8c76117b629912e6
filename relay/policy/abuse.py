"""How grave a report of abuse is, what it stops, and what a provider's feedback report means for us."""

from __future__ import annotations

from collections.abc import Mapping

from relay.vocabulary import AbuseReason, AbuseSeverity, FeedbackType

STOPS = frozenset((AbuseReason.NEVER_SIGNED_UP, AbuseReason.KEEPS_COMING))
"""What says 'no more of it' in so many words: it stops newsletters and notifications of the site."""

COMPLAINTS = frozenset(
    (FeedbackType.ABUSE, FeedbackType.FRAUD, FeedbackType.VIRUS, FeedbackType.OTHER)
)
"""Feedback that counts as a complaint. A type nobody knows is `other` (RFC 5965 §3.1)."""

REASONS: Mapping[FeedbackType, AbuseReason] = {
    FeedbackType.ABUSE: AbuseReason.NEVER_SIGNED_UP,  # 'unsolicited email' (RFC 5965 §7.3)
    FeedbackType.FRAUD: AbuseReason.FRAUD,
    FeedbackType.VIRUS: AbuseReason.FRAUD,
    FeedbackType.OTHER: AbuseReason.OTHER,
}
"""What a report is about that a mailbox provider sends for a person."""


def severity(reason: AbuseReason, *, consented: bool) -> AbuseSeverity:
    """How grave a report is: fraud before all; then mail to somebody of whom we have no consent.

    `consented`: the ledger has a confirmed or attested consent of this person to the site's mail. Then
    'I never signed up' is one word against another, and still worth a look: somebody else may have
    confirmed.
    """
    if reason is AbuseReason.NEVER_SIGNED_UP:
        return AbuseSeverity.CONSENT_DISPUTED if consented else AbuseSeverity.NO_CONSENT
    return _SEVERITY.get(reason, AbuseSeverity.MINOR)


_SEVERITY = {
    AbuseReason.FRAUD: AbuseSeverity.FRAUD,
    AbuseReason.KEEPS_COMING: AbuseSeverity.NOT_STOPPED,
}
