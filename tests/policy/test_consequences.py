"""What follows from a refusal, as a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.policy.bounces import BounceClass, Diagnosis, explain
from relay.policy.consequences import PROBED, Consequence, Record, follows

GONE = explain("550 5.1.1 user unknown", recipient="jo@corp.example")
DOUBTFUL = replace(GONE, ambiguous=True)
FULL = explain("552 5.2.2 mailbox full", recipient="jo@corp.example")
IDLE = explain("550 5.2.1 The account is disabled", recipient="jo@corp.example")
POLICY = replace(FULL, bounce_class=BounceClass.POLICY_RELATED)


@pytest.mark.parametrize(
    ("found", "record", "final", "expected"),
    [
        (GONE, Record(), True, Consequence.SUPPRESS),
        (GONE, Record(), False, Consequence.NOTHING),
        (GONE, Record(known=True), True, Consequence.SUPPRESS),
        (DOUBTFUL, Record(), True, Consequence.SUPPRESS),
        (DOUBTFUL, Record(known=True), True, Consequence.DISPUTE),
        # Many behind one gateway: three at least, and one in five.
        (GONE, Record(known=True, alike=3, mailed=15), True, Consequence.DISPUTE),
        (GONE, Record(known=True, alike=3, mailed=16), True, Consequence.SUPPRESS),
        (GONE, Record(known=True, alike=2, mailed=2), True, Consequence.SUPPRESS),
        (GONE, Record(alike=3, mailed=3), True, Consequence.SUPPRESS),
        # A dispute is decided by its probe and by nothing before it.
        (DOUBTFUL, Record(disputed=True), True, Consequence.NOTHING),
        (DOUBTFUL, Record(disputed=True, is_probe=True), True, Consequence.SUPPRESS),
        (FULL, Record(), False, Consequence.COOL_OFF),
        (FULL, Record(pauses=1), False, Consequence.COOL_OFF),
        (FULL, Record(pauses=2), False, Consequence.SUPPRESS),
        (IDLE, Record(), True, Consequence.COOL_OFF),
        (IDLE, Record(pauses=1), True, Consequence.SUPPRESS),
        (POLICY, Record(), True, Consequence.RE_PROBE),
        (POLICY, Record(probed_lately=True), True, Consequence.NOTHING),
    ],
)
def test_what_follows(found: Diagnosis, record: Record, final: bool, expected: Consequence) -> None:
    assert follows(found, record, final=final) is expected


@pytest.mark.parametrize("bounce_class", sorted(set(BounceClass) - PROBED))
def test_only_what_time_may_cure_is_tried_once_more(bounce_class: BounceClass) -> None:
    found = replace(POLICY, bounce_class=bounce_class)
    assert follows(found, Record(), final=True) is not Consequence.RE_PROBE
