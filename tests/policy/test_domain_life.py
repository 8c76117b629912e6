"""pending → verified → failing → lapsed, and when to look again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from relay.policy.domain_life import (
    CLAIM_LASTS,
    GRACE,
    PENDING_LOOKS,
    REVIEW,
    TAKEN,
    Seen,
    Standing,
    after,
)
from relay.vocabulary import CheckResult, DomainStatus
from tests.fakes import MORNING

PENDING, VERIFIED, FAILING, LAPSED, SUSPENDED = DomainStatus
PROOF = Seen(CheckResult.PASS, True)
GONE = Seen(CheckResult.FAIL, True)
SILENCE = Seen(CheckResult.UNKNOWN, True)
PROVIDER_WAITS = Seen(CheckResult.PASS, False)
PROVIDER_SILENT = Seen(CheckResult.PASS, None)

A_MOMENT = timedelta(minutes=1)
FOR_EVER = timedelta(days=400)


@pytest.mark.parametrize(
    ("status", "seen", "age", "becomes", "code"),
    [
        (PENDING, PROOF, A_MOMENT, VERIFIED, "proven"),
        (PENDING, PROOF, FOR_EVER, VERIFIED, "proven"),
        (PENDING, GONE, A_MOMENT, PENDING, "waiting"),
        (PENDING, GONE, CLAIM_LASTS - A_MOMENT, PENDING, "waiting"),
        (PENDING, GONE, CLAIM_LASTS, LAPSED, "claim-over"),
        (PENDING, PROVIDER_WAITS, A_MOMENT, PENDING, "waiting"),
        (PENDING, PROVIDER_WAITS, CLAIM_LASTS, LAPSED, "claim-over"),
        (PENDING, SILENCE, FOR_EVER, PENDING, "waiting"),
        (PENDING, PROVIDER_SILENT, FOR_EVER, PENDING, "waiting"),
        (PENDING, Seen(CheckResult.PASS, True, REVIEW), FOR_EVER, PENDING, REVIEW),
        (PENDING, Seen(CheckResult.FAIL, True, REVIEW), FOR_EVER, PENDING, REVIEW),
        (PENDING, Seen(CheckResult.PASS, True, TAKEN), A_MOMENT, PENDING, TAKEN),
        (PENDING, Seen(CheckResult.PASS, True, TAKEN), CLAIM_LASTS, LAPSED, "claim-over"),
        (VERIFIED, PROOF, FOR_EVER, VERIFIED, "proven"),
        (VERIFIED, GONE, FOR_EVER, FAILING, "proof-gone"),
        (VERIFIED, PROVIDER_WAITS, FOR_EVER, FAILING, "proof-gone"),
        (VERIFIED, SILENCE, FOR_EVER, VERIFIED, "proven"),
        (VERIFIED, PROVIDER_SILENT, FOR_EVER, VERIFIED, "proven"),
        (VERIFIED, Seen(CheckResult.PASS, True, REVIEW), FOR_EVER, VERIFIED, "proven"),
        (FAILING, PROOF, A_MOMENT, VERIFIED, "recovered"),
        (FAILING, PROOF, FOR_EVER, VERIFIED, "recovered"),
        (FAILING, GONE, GRACE - A_MOMENT, FAILING, "proof-gone"),
        (FAILING, GONE, GRACE, LAPSED, "grace-over"),
        (FAILING, SILENCE, FOR_EVER, FAILING, "proof-gone"),
        (FAILING, PROVIDER_SILENT, FOR_EVER, FAILING, "proof-gone"),
        (LAPSED, GONE, A_MOMENT, LAPSED, "lapsed"),
        (LAPSED, SILENCE, A_MOMENT, LAPSED, "lapsed"),
        (LAPSED, PROOF, A_MOMENT, VERIFIED, "proven"),
        (LAPSED, Seen(CheckResult.PASS, True, TAKEN), A_MOMENT, LAPSED, "lapsed"),
        (LAPSED, Seen(CheckResult.PASS, True, REVIEW), A_MOMENT, LAPSED, "lapsed"),
        (SUSPENDED, PROOF, A_MOMENT, SUSPENDED, "suspended"),
        (SUSPENDED, GONE, FOR_EVER, SUSPENDED, "suspended"),
    ],
)
def test_a_look_leads_to_a_step(
    status: DomainStatus, seen: Seen, age: timedelta, becomes: DomainStatus, code: str
) -> None:
    step = after(Standing(status, since=MORNING - age), seen, MORNING)

    assert (step.status, step.code) == (becomes, code)


@pytest.mark.parametrize("seen", [PROOF, GONE, SILENCE, PROVIDER_WAITS, PROVIDER_SILENT])
def test_an_operator_s_word_outweighs_dns(seen: Seen) -> None:
    standing = Standing(VERIFIED, since=MORNING - FOR_EVER, vouched=True)

    assert after(standing, seen, MORNING).status is VERIFIED


def test_looks_at_a_claim_begin_every_five_minutes_and_become_daily() -> None:
    now, waits = MORNING, []
    for looks in range(14):
        step = after(Standing(PENDING, since=now, looks=looks), GONE, now)
        assert step.look_in is not None
        waits.append(step.look_in)

    assert waits[:2] == [timedelta(minutes=5)] * 2
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(days=1)
    assert sum(PENDING_LOOKS[:6], timedelta()) < timedelta(hours=3)


@pytest.mark.parametrize(
    ("status", "seen", "wait"),
    [
        (VERIFIED, PROOF, timedelta(days=1)),
        (VERIFIED, SILENCE, timedelta(minutes=15)),
        (VERIFIED, GONE, timedelta(hours=1)),
        (FAILING, GONE, timedelta(hours=1)),
        (FAILING, SILENCE, timedelta(minutes=15)),
        (PENDING, SILENCE, timedelta(minutes=5)),
        (LAPSED, GONE, None),
        (SUSPENDED, PROOF, None),
    ],
)
def test_when_to_look_again(status: DomainStatus, seen: Seen, wait: timedelta | None) -> None:
    assert after(Standing(status, since=MORNING), seen, MORNING).look_in == wait


def test_the_grace_counts_from_the_first_failure_not_from_the_last() -> None:
    now: datetime = MORNING
    standing = Standing(VERIFIED, since=now - FOR_EVER)
    history = []
    for hour in range(80):
        at = now + timedelta(hours=hour)
        step = after(standing, GONE, at)
        if step.status is not standing.status:
            history.append((hour, step.status))
            standing = Standing(step.status, since=at)

    assert history == [(0, FAILING), (72, LAPSED)]
