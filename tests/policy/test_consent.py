"""Whom we may mail, by what came back earlier."""

from __future__ import annotations

import pytest

from relay.addresses import parse
from relay.policy.consent import reason_to_hold, scope_of_complaint
from relay.policy.facts import Facts, Held
from relay.vocabulary import Lane, State, Stream, SuppressionReason, SuppressionScope

ADA = parse("ada@customer.example")

INVALID, COMPLAINT, PROVIDER_LIST, MANUAL, *_ = SuppressionReason
ALL, PROMOTIONAL = SuppressionScope


@pytest.mark.parametrize(
    ("reason", "scope", "stopped"),
    [
        (INVALID, ALL, "protected transactional notification marketing"),
        (PROVIDER_LIST, ALL, "protected transactional notification marketing"),
        (MANUAL, ALL, "protected transactional notification marketing"),
        (COMPLAINT, ALL, "transactional notification marketing"),
        (COMPLAINT, PROMOTIONAL, "notification marketing"),
        (MANUAL, PROMOTIONAL, "notification marketing"),
    ],
)
def test_what_each_suppression_stops(
    reason: SuppressionReason, scope: SuppressionScope, stopped: str
) -> None:
    held = Held(reason, scope, "2026-11-01T09:00:00Z")
    facts = Facts(State.ACTIVE, State.ACTIVE, suppressed={ADA: (held,)})
    assert [lane for lane in Lane if reason_to_hold(ADA, lane, facts)] == stopped.split()


def test_the_suppression_of_ada_stops_ADA_too() -> None:
    held = Held(INVALID, ALL, "2026-11-01T09:00:00Z")
    facts = Facts(State.ACTIVE, State.ACTIVE, suppressed={ADA: (held,)})
    assert reason_to_hold(parse("ADA@Customer.Example"), Lane.TRANSACTIONAL, facts) is held
    assert reason_to_hold(parse("bob@customer.example"), Lane.TRANSACTIONAL, facts) is None


def test_one_of_several_suppressions_is_enough() -> None:
    complaint = Held(COMPLAINT, PROMOTIONAL, "2026-11-01T09:00:00Z")
    gone = Held(INVALID, ALL, "2026-11-02T09:00:00Z")
    facts = Facts(State.ACTIVE, State.ACTIVE, suppressed={ADA: (complaint, gone)})
    assert reason_to_hold(ADA, Lane.TRANSACTIONAL, facts) is gone


@pytest.mark.parametrize(
    ("stream", "scope"),
    [
        (Stream.TRANSACTIONAL, ALL),
        (Stream.NOTIFICATION, PROMOTIONAL),
        (Stream.MARKETING, PROMOTIONAL),
    ],
)
def test_a_complaint_about_a_newsletter_leaves_receipts_alone(
    stream: Stream, scope: SuppressionScope
) -> None:
    assert scope_of_complaint(stream) is scope
