"""What may stay of somebody who was erased."""

from __future__ import annotations

import pytest

from relay.policy.erasures import (
    is_placeholder,
    outcome_of,
    placeholder,
    scope_after,
    without_person,
)
from relay.policy.lifecycle import FINAL, STEPS
from relay.vocabulary import Outcome, Stage, SuppressionReason, SuppressionScope

ALL, PROMOTIONAL = SuppressionScope.ALL, SuppressionScope.PROMOTIONAL


def test_an_event_keeps_its_codes_and_loses_whoever_it_was_about() -> None:
    told = {
        "bounceType": "Permanent",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 <ada@customer.example>: Ada Lovelace has left",
        "action": "failed, ada@customer.example",
        "userAgent": "Browser/1.0",
        "link": "https://shop.example/?who=ada",
        "diagnosis": {"class": "unknown-address", "summary": "ada is gone", "status": 5},
        "follows": [{"code": "suppressed"}],
    }

    assert without_person(told) == {
        "bounceType": "Permanent",
        "status": "5.1.1",
        "diagnosis": {"class": "unknown-address"},
    }
    assert without_person(None) == {}


@pytest.mark.parametrize(
    ("stage", "before", "after"),
    [
        (Stage.QUEUED, Outcome.NONE, Outcome.SUPPRESSED),
        (Stage.QUEUED, Outcome.DEFERRED, Outcome.DEFERRED),
        (Stage.HELD, Outcome.NONE, Outcome.SUPPRESSED),
        (Stage.CHECKING, Outcome.NONE, Outcome.SUPPRESSED),
        (Stage.LEASED, Outcome.NONE, Outcome.SUPPRESSED),
        (Stage.SENDING, Outcome.NONE, Outcome.UNCONFIRMED),
        (Stage.UNKNOWN, Outcome.NONE, Outcome.UNCONFIRMED),
        (Stage.UNKNOWN, Outcome.DELIVERED, Outcome.DELIVERED),
        (Stage.DONE, Outcome.BOUNCED, Outcome.BOUNCED),
        (Stage.DONE, Outcome.SENT, Outcome.SENT),
    ],
)
def test_how_a_copy_ends(stage: Stage, before: Outcome, after: Outcome) -> None:
    assert outcome_of(stage, before) is after


def test_every_stage_may_end_and_ends_for_good() -> None:
    for stage in Stage:
        assert stage is Stage.DONE or Stage.DONE in STEPS[stage]
        assert stage is Stage.DONE or outcome_of(stage, Outcome.NONE) in FINAL


@pytest.mark.parametrize(
    ("suppressions", "scope"),
    [
        ({}, PROMOTIONAL),
        ({SuppressionReason.COMPLAINT: PROMOTIONAL}, PROMOTIONAL),
        ({SuppressionReason.COMPLAINT: ALL}, ALL),
        ({SuppressionReason.INVALID_ADDRESS: ALL, SuppressionReason.COOL_OFF: ALL}, ALL),
        ({SuppressionReason.MAILBOX_FULL: ALL}, PROMOTIONAL),
        ({SuppressionReason.DISPUTED: ALL, SuppressionReason.COMPLAINT: PROMOTIONAL}, PROMOTIONAL),
    ],
)
def test_an_erasure_is_no_way_round_what_was_stopped_for_good(
    suppressions: dict[SuppressionReason, SuppressionScope], scope: SuppressionScope
) -> None:
    assert scope_after(suppressions) is scope


def test_a_stand_in_is_an_address_that_nobody_has() -> None:
    made = placeholder("ab" * 32)
    assert made == "ab" * 20 + "@erased.invalid"
    assert is_placeholder(made)
    assert not is_placeholder("ada@customer.example")
    assert not is_placeholder("ada@erased.invalid.example")
