"""How grave a report of abuse is."""

from __future__ import annotations

import pytest

from relay.policy.abuse import COMPLAINTS, REASONS, severity
from relay.vocabulary import AbuseReason, AbuseSeverity, FeedbackType


@pytest.mark.parametrize(
    ("reason", "consented", "expected"),
    [
        (AbuseReason.FRAUD, True, AbuseSeverity.FRAUD),
        (AbuseReason.NEVER_SIGNED_UP, False, AbuseSeverity.NO_CONSENT),
        (AbuseReason.NEVER_SIGNED_UP, True, AbuseSeverity.CONSENT_DISPUTED),
        (AbuseReason.KEEPS_COMING, True, AbuseSeverity.NOT_STOPPED),
        (AbuseReason.OFFENSIVE, False, AbuseSeverity.MINOR),
        (AbuseReason.OTHER, False, AbuseSeverity.MINOR),
    ],
)
def test_severity(reason: AbuseReason, consented: bool, expected: AbuseSeverity) -> None:
    assert severity(reason, consented=consented) is expected


def test_the_gravest_is_looked_at_first() -> None:
    assert [each.value for each in sorted(AbuseSeverity, key=lambda each: each.rank)] == [
        "fraud", "no-consent", "consent-disputed", "not-stopped", "minor",
    ]  # fmt: skip


def test_every_feedback_that_is_a_complaint_has_its_reason() -> None:
    assert set(REASONS) == COMPLAINTS
    assert FeedbackType.NOT_SPAM not in COMPLAINTS
