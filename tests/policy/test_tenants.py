"""What Amazon SES is told about a tenant, and what follows from what it finds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from relay.policy.standing import Stand, fate
from relay.policy.tenants import again_in, cause_of, grave, is_news, is_shut, reason, status_for
from relay.vocabulary import Cause, Fate, Lane, SendingStatus, State
from tests.fakes import MORNING

ENABLED, DISABLED, REINSTATED = SendingStatus
LATER = MORNING + timedelta(hours=1)


@pytest.mark.parametrize("cause", [None, *Cause])
@pytest.mark.parametrize("state", State)
def test_a_tenant_is_shut_exactly_where_nothing_may_leave(
    state: State, cause: Cause | None
) -> None:
    stand = Stand(state, cause)
    if state is State.PENDING:  # it may still write to its owner
        assert not is_shut(stand)
        return
    assert is_shut(stand) is all(fate(lane, stand) is Fate.REFUSED for lane in Lane)


@pytest.mark.parametrize(
    ("stand", "reinstated_at", "status"),
    [
        (Stand(State.ACTIVE), None, ENABLED),
        (Stand(State.ACTIVE), MORNING, REINSTATED),
        (Stand(State.SUSPENDED, Cause.SPAM), None, ENABLED),
        (Stand(State.SUSPENDED, Cause.PHISHING), MORNING, DISABLED),
        (Stand(State.TERMINATED, Cause.SPAM), None, DISABLED),
    ],
)
def test_what_SES_is_told(
    stand: Stand, reinstated_at: datetime | None, status: SendingStatus
) -> None:
    assert status_for(stand, reinstated_at) is status


@pytest.mark.parametrize(
    ("wanted", "told", "reinstated_at", "news"),
    [
        (ENABLED, ENABLED, None, False),
        (DISABLED, ENABLED, None, True),
        (DISABLED, DISABLED, LATER, False),
        (REINSTATED, DISABLED, MORNING, True),
        (REINSTATED, REINSTATED, MORNING, False),
        (REINSTATED, REINSTATED, LATER, True),
        (REINSTATED, ENABLED, MORNING, False),  # SES has closed the matter
    ],
)
def test_SES_is_told_what_it_does_not_know(
    wanted: SendingStatus, told: SendingStatus, reinstated_at: datetime | None, news: bool
) -> None:
    assert is_news(wanted, told, MORNING, reinstated_at) is news


@pytest.mark.parametrize(
    ("findings", "theirs", "found", "cause"),
    [
        ([], ENABLED, [], Cause.OTHER),
        ([("BOUNCE", "LOW")], ENABLED, [], Cause.OTHER),
        ([("BOUNCE", "HIGH")], ENABLED, ["BOUNCE"], Cause.INVALID_ADDRESSES),
        ([("COMPLAINT", "HIGH")], DISABLED, ["COMPLAINT", "paused"], Cause.COMPLAINTS),
        ([("IP_LISTING", "HIGH")], ENABLED, ["IP_LISTING"], Cause.SPAM),
        ([], DISABLED, ["paused"], Cause.OTHER),
    ],
)
def test_an_account_is_warned_of_what_is_grave(
    findings: list[tuple[str, str]], theirs: SendingStatus, found: list[str], cause: Cause
) -> None:
    assert grave(findings, theirs) == found
    assert cause_of(found) is cause


def test_trouble_is_asked_about_less_and_less_often() -> None:
    assert [again_in(n).total_seconds() for n in (1, 2, 3, 4, 9)] == [15, 60, 300, 900, 900]


def test_an_owner_reads_what_Amazon_SES_finds_grave_and_whether_it_has_paused_their_mail() -> None:
    findings = [
        {"type": "BOUNCE", "impact": "HIGH", "description": "8 % bounce"},
        {"type": "COMPLAINT", "impact": "LOW", "description": "few"},
        {"type": "IP_LISTING", "impact": "HIGH", "description": ""},
    ]
    found = "Amazon SES, which carries your mail, finds something wrong with it."
    paused = "It has paused your mail; what waits leaves when it lets you go again."

    assert (
        str(reason({"findings": findings, "theirs": "enabled"})) == f"{found} 8 % bounce IP_LISTING"
    )
    assert str(reason({"findings": [], "theirs": "disabled"})) == f"{found} {paused}"
    assert str(reason({"findings": []})) == found  # as it was kept before
