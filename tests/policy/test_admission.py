"""The order of the rules, and what is decided when all of them agree."""

from __future__ import annotations

from typing import Any

import pytest

from relay.addresses import parse
from relay.errors import AccountSuspended, NobodyToMail, PostreeveError, SenderNotVerified
from relay.policy.admission import TITLES, admit, described
from relay.policy.facts import Facts, Held
from relay.vocabulary import (
    DomainStatus,
    Lane,
    State,
    Stream,
    SuppressionReason,
    SuppressionScope,
)
from tests.factories import make_draft

GONE = Held(
    SuppressionReason.INVALID_ADDRESS,
    SuppressionScope.ALL,
    "2026-11-01T09:00:00Z",
    {"status": "5.1.1"},
)


def facts(**given: Any) -> Facts:
    return Facts(
        **{
            "account_state": State.ACTIVE,
            "site_state": State.ACTIVE,
            "domains": {"shop.example": DomainStatus.VERIFIED},
        }
        | given
    )


def test_a_good_message_is_admitted() -> None:
    admission = admit(make_draft(), facts())
    assert (admission.stream, admission.lane) == (Stream.TRANSACTIONAL, Lane.TRANSACTIONAL)
    assert admission.held == {}


def test_a_rule_about_one_person_holds_that_copy_only() -> None:
    draft = make_draft(to=["ada@customer.example", "gone@customer.example"])
    admission = admit(draft, facts(suppressed={parse("gone@customer.example"): (GONE,)}))
    assert admission.held == {parse("gone@customer.example"): GONE}


def test_a_message_for_nobody_is_refused_with_everybodys_reason() -> None:
    draft = make_draft(to=["Gone@customer.example"])
    with pytest.raises(NobodyToMail) as refused:
        admit(draft, facts(suppressed={parse("gone@customer.example"): (GONE,)}))
    assert refused.value.members["recipients"] == [
        {
            "address": "Gone@customer.example",
            "code": "suppressed",
            "reason": "invalid-address",
            "title": "Mail to this address came back: the mailbox does not exist",
            "since": "2026-11-01T09:00:00Z",
            "evidence": {"status": "5.1.1"},
        }
    ]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        # Everything is wrong: the standing is said first, then the sender, then the people.
        ({"account_state": State.SUSPENDED, "domains": {}, "gone": True}, AccountSuspended),
        ({"domains": {}, "gone": True}, SenderNotVerified),
        ({"gone": True}, NobodyToMail),
    ],
)
def test_rules_speak_in_order(given: dict[str, Any], error: type[PostreeveError]) -> None:
    if given.pop("gone"):
        given["suppressed"] = {parse("ada@customer.example"): (GONE,)}
    with pytest.raises(error):
        admit(make_draft(), facts(**given))


def test_the_true_stream_decides_whom_a_complaint_stops() -> None:
    complained = Held(
        SuppressionReason.COMPLAINT, SuppressionScope.PROMOTIONAL, "2026-11-01T09:00:00Z"
    )
    world = facts(suppressed={parse("ada@customer.example"): (complained,)})
    assert admit(make_draft(stream=Stream.TRANSACTIONAL), world).held == {}
    with pytest.raises(NobodyToMail):
        admit(make_draft(stream=Stream.TRANSACTIONAL, Precedence="bulk"), world)


@pytest.mark.parametrize("reason", SuppressionReason)
def test_every_reason_has_a_title_for_people(reason: SuppressionReason) -> None:
    held = Held(reason, SuppressionScope.ALL, "2026-11-01T09:00:00Z")
    assert described(held)["title"] == TITLES[reason.value]
