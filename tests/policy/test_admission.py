"""The order of the rules, and what is decided when all of them agree."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from relay.addresses import EmailAddress, parse
from relay.errors import (
    AccountSuspended,
    LimitReached,
    ListUnknown,
    NobodyToMail,
    PostreeveError,
    SenderNotVerified,
)
from relay.policy.admission import TITLES, admit, described
from relay.policy.facts import Allowance, Facts, Held, ListFacts
from relay.vocabulary import (
    ConsentGap,
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
        admit(make_draft(stream=Stream.TRANSACTIONAL, List_Id="<forum.shop.example>"), world)


@pytest.mark.parametrize(
    ("key", "reason"), [(None, "missing"), ("offers", "unknown"), ("old", "archived")]
)
def test_marketing_names_a_list_of_the_site_that_is_in_use(key: str | None, reason: str) -> None:
    old = ListFacts(UUID(int=1), "old", "Old", "Shop Ltd", "1 Market Street", "en", archived=True)
    with pytest.raises(ListUnknown) as refused:
        admit(make_draft(stream=Stream.MARKETING, list_id=key), facts(lists={"old": old}))
    assert refused.value.members == {"list": key, "reason": reason}


PEOPLE = tuple(parse(f"p{n}@customer.example") for n in range(4))


@pytest.mark.parametrize(
    ("given", "new", "left", "drawn"),
    [
        # The site has mailed nobody, somebody or everybody of those it writes to now.
        ({}, PEOPLE, 4, 4),
        ({}, PEOPLE[:2], 2, 2),
        ({}, (), 0, 0),
        ({"stream": Stream.NOTIFICATION}, PEOPLE[:2], 2, 2),
        # Less is left than there are strangers: the message is for later, as a whole.
        ({}, PEOPLE, 3, None),
        ({}, PEOPLE[:1], 0, None),
        ({}, PEOPLE[:1], -5, None),  # the budget was made smaller meanwhile
        ({"stream": Stream.NOTIFICATION}, PEOPLE[:1], 0, None),
    ],
)
def test_people_the_site_never_mailed_draw_on_the_hour(
    given: dict[str, Any], new: tuple[EmailAddress, ...], left: int, drawn: int | None
) -> None:
    draft = make_draft(to=[str(person) for person in PEOPLE], **given)
    world = facts(allowance=Allowance(20, left, seconds=1_260, newcomers=set(new)))
    if drawn is not None:
        assert len(admit(draft, world).newcomers) == drawn
        return
    with pytest.raises(LimitReached) as refused:
        admit(draft, world)
    assert refused.value.members == {
        "limit": "first-contacts",
        "allowed": 20,
        "retry_after": 1_260,
    }


def test_a_copy_that_is_held_back_draws_on_nothing() -> None:
    held = {PEOPLE[0]: (GONE,)}
    draft = make_draft(to=[str(person) for person in PEOPLE[:2]])
    world = facts(suppressed=held, allowance=Allowance(20, 1, newcomers=set(PEOPLE[:2])))
    assert admit(draft, world).newcomers == {PEOPLE[1]}


@pytest.mark.parametrize("reason", [*SuppressionReason, *ConsentGap])
def test_every_reason_has_a_title_for_people(reason: SuppressionReason | ConsentGap) -> None:
    held = Held(reason, SuppressionScope.ALL, "2026-11-01T09:00:00Z")
    assert described(held)["title"] == TITLES[reason.value]
