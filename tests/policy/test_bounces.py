"""Only a clear 'no such mailbox' speaks against an address."""

from __future__ import annotations

import pytest

from relay.policy.bounces import diagnose
from relay.vocabulary import SuppressionReason

INVALID, LISTED = SuppressionReason.INVALID_ADDRESS, SuppressionReason.PROVIDER_LIST


@pytest.mark.parametrize(
    ("bounce", "suppression"),
    [
        ({"status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}, INVALID),
        ({"diagnosticCode": "smtp; 550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found"}, INVALID),
        ({"diagnosticCode": "smtp; 550 5.5.0 Requested action not taken: mailbox unavailable"},
         INVALID),
        ({"status": "5.1.2"}, INVALID),
        ({"bounceSubType": "NoEmail"}, INVALID),
        ({"bounceSubType": "Suppressed"}, LISTED),
        ({"bounceSubType": "OnAccountSuppressionList", "status": "5.1.1"}, LISTED),
        ({"bounceSubType": "OnTenantSuppressionList"}, LISTED),
        # The server speaks of its rules, or of us.
        ({"diagnosticCode": "smtp; 550 5.7.1 rejected for policy reasons"}, None),
        ({"diagnosticCode": "smtp; 550 5.4.1 recipient address rejected: Access denied"}, None),
        ({"status": "5.1.1", "diagnosticCode": "550 5.1.1 blocked using spamhaus"}, None),
        ({"status": "5.1.1", "diagnosticCode": "550 5.1.1 DMARC failure"}, None),
        ({"status": "5.2.2", "diagnosticCode": "552 5.2.2 mailbox full"}, None),
        ({"bounceSubType": "General"}, None),
        ({}, None),
        # Numbers that only look like codes.
        ({"diagnosticCode": "smtp; 554 delivery error from 98.5.1.2"}, None),
        ({"diagnosticCode": "smtp; 554 host 5.1.1.7 said no"}, None),
        ({"diagnosticCode": "smtp; 554 5.1.11 something new"}, None),
    ],
)  # fmt: skip
def test_what_a_bounce_means(bounce: dict[str, str], suppression: SuppressionReason | None) -> None:
    assert diagnose(bounce).suppression is suppression


def test_people_are_told_when_it_is_unclear() -> None:
    assert "the address stays usable" in diagnose({"status": "5.7.1"}).summary
