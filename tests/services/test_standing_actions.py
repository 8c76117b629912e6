"""What an operator does to an account or site, and what becomes of its mail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from relay.context import Relay
from relay.errors import AccountPending, AccountSuspended, Conflict, Invalid, NotFound
from relay.models import Account, Content, Message, Recipient, Review, Site
from relay.services import actions, freezing, reviews
from relay.services.actions import Order, Subject
from relay.services.letters import HOUSE_SITE
from relay.vocabulary import Cause, Decision, Kind, Stage, State, Stream, Verb
from tests.factories import make_site
from tests.fakes import FakeClock
from tests.steps import accept, claim, copy_of, deliver_due, start, status

PROMOTIONAL = (Stream.NOTIFICATION, Stream.MARKETING)


def act(
    relay: Relay, verb: Verb, *, cause: Cause | None = Cause.SPAM, reason: str = "why", **whom: UUID
) -> Any:
    with relay.sessions.begin() as session:
        order = Order(verb, "operator:ada", reason, cause)
        return actions.act(
            session, Subject(**whom), order, sender="relay@relay.example", now=relay.clock()
        )


def freeze(relay: Relay, **given: Any) -> int:
    with relay.sessions.begin() as session:
        return freezing.freeze(session, now=relay.clock(), **given)


def mail_of_each_lane(relay: Relay, site: Site) -> dict[str, Any]:
    return {
        "protected": accept(relay, site, kind=Kind.SECURITY),
        "transactional": accept(relay, site, to=["t@customer.example"]),
        "notification": accept(relay, site, to=["n@customer.example"], stream=Stream.NOTIFICATION),
        "marketing": accept(relay, site, to=["m@customer.example"], stream=Stream.MARKETING),
    }


def states_of(relay: Relay, site: Site, mails: dict[str, Any]) -> dict[str, str]:
    return {lane: status(relay, site, receipt) for lane, receipt in mails.items()}


def carry_out(relay: Relay) -> int:
    with relay.sessions.begin() as session:
        return reviews.carry_out(session, now=relay.clock())


def release(relay: Relay, *, drip: int = 60) -> None:
    with relay.sessions.begin() as session:
        for each in reviews.waiting(session):
            reviews.decide(
                session,
                each.review.id,
                Decision.RELEASED,
                because="put right",
                drip=drip,
                now=relay.clock(),
            )


# --- the table of states --------------------------------------------------------------------


def test_a_limited_site_sends_receipts_and_holds_the_rest(relay: Relay, site: Site) -> None:
    before = mail_of_each_lane(relay, site)
    act(relay, Verb.LIMIT, site_id=site.id)
    freeze(relay)
    assert states_of(relay, site, before) == {
        "protected": "queued",
        "transactional": "queued",
        "notification": "held",
        "marketing": "held",
    }
    after = accept(relay, site, to=["x@customer.example"], stream=Stream.MARKETING)
    assert after["recipients"][0]["disposition"] == "held"
    assert after["recipients"][0]["reason"]["code"] == "sending-limited"
    freeze(relay)
    copy = copy_of(relay, site, after).recipient
    assert (copy.stage, copy.review_id is not None) == (Stage.HELD, True)
    deliver_due(relay)
    assert states_of(relay, site, before)["transactional"] == "sent"


def test_what_is_frozen_in_a_workers_hands_does_not_leave(relay: Relay, site: Site) -> None:
    newsletter = accept(relay, site, stream=Stream.MARKETING)
    leased = claim(relay)
    act(relay, Verb.LIMIT, site_id=site.id)
    freeze(relay)
    assert start(relay, leased) == []
    assert copy_of(relay, site, newsletter).recipient.stage is Stage.HELD


@pytest.mark.parametrize("whose", ["site", "account"])
def test_a_suspended_one_keeps_security_mail_and_refuses_the_rest(
    whose: str, relay: Relay, site: Site
) -> None:
    before = mail_of_each_lane(relay, site)
    whom = {"site_id": site.id} if whose == "site" else {"account_id": site.account_id}
    act(relay, Verb.SUSPEND, **whom)
    freeze(relay)
    assert states_of(relay, site, before) == {
        "protected": "queued",
        "transactional": "held",
        "notification": "held",
        "marketing": "held",
    }
    accept(relay, site, kind=Kind.SECURITY, to=["other@customer.example"])
    with pytest.raises(AccountSuspended):
        accept(relay, site)


@pytest.mark.parametrize("cause", [Cause.PHISHING, Cause.MALWARE, Cause.STOLEN_KEY])
def test_where_somebody_else_may_be_writing_nothing_leaves(
    cause: Cause, relay: Relay, site: Site
) -> None:
    before = mail_of_each_lane(relay, site)
    act(relay, Verb.SUSPEND, cause=cause, site_id=site.id)
    freeze(relay)
    assert set(states_of(relay, site, before).values()) == {"held"}
    with pytest.raises(AccountSuspended) as refused:
        accept(relay, site, kind=Kind.SECURITY)
    assert refused.value.members["cause"] == cause.value


def test_termination_ends_what_waits_and_says_so(relay: Relay, site: Site) -> None:
    before = mail_of_each_lane(relay, site)
    act(relay, Verb.TERMINATE, site_id=site.id)
    freeze(relay)
    assert set(states_of(relay, site, before).values()) == {"failed"}
    reason = copy_of(relay, site, before["marketing"]).recipient.reason
    assert reason is not None
    assert reason["code"] == "account-terminated"
    with pytest.raises(AccountSuspended):
        accept(relay, site, kind=Kind.SECURITY)


def test_before_approval_an_account_may_write_to_its_owner_only(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Account, site.account_id).state = State.PENDING
    told = accept(relay, site, to=["owner@shop.example"])
    assert [envelope.recipient for envelope in deliver_due(relay)] == ["owner@shop.example"]
    assert status(relay, site, told) == "sent"
    for people in (["ada@customer.example"], ["owner@shop.example", "ada@customer.example"]):
        with pytest.raises(AccountPending):
            accept(relay, site, to=people)
    with pytest.raises(AccountPending):
        accept(relay, site, to=["owner@shop.example"], stream=Stream.NOTIFICATION)
    act(relay, Verb.APPROVE, cause=None, account_id=site.account_id)
    accept(relay, site)


# --- stopping at once -----------------------------------------------------------------------


def test_a_copy_that_a_worker_holds_already_does_not_leave(relay: Relay, site: Site) -> None:
    told = accept(relay, site)
    leased = claim(relay)
    act(relay, Verb.SUSPEND, site_id=site.id)
    assert start(relay, leased) == []
    assert copy_of(relay, site, told).recipient.tries == 0  # it was no try
    freeze(relay)
    assert status(relay, site, told) == "held"


def test_a_neighbour_in_the_same_turn_leaves(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        other = make_site(session, session.get_one(Account, site.account_id))
    accept(relay, site)
    accept(relay, other, to=["neighbour@customer.example"])
    leased = claim(relay)
    act(relay, Verb.SUSPEND, site_id=site.id)
    assert [envelope.recipient for envelope in start(relay, leased)] == [
        "neighbour@customer.example"
    ]


def test_what_comes_back_long_after_is_frozen_as_well(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    told = accept(relay, site)
    act(relay, Verb.SUSPEND, site_id=site.id)
    clock.advance(hours=2)
    assert freeze(relay) == 0
    assert freeze(relay, lately=False) == 1
    assert status(relay, site, told) == "held"


# --- letting go again -----------------------------------------------------------------------


def test_reinstated_mail_leaves_oldest_first_as_a_drip(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    told = [accept(relay, site, to=[f"p{n}@customer.example"]) for n in range(7)]
    act(relay, Verb.SUSPEND, site_id=site.id)
    freeze(relay)
    act(relay, Verb.REINSTATE, cause=None, site_id=site.id)
    assert {status(relay, site, each) for each in told} == {"held"}
    release(relay, drip=3)
    assert carry_out(relay) == 3
    assert carry_out(relay) == 0
    assert [status(relay, site, each) for each in told] == ["queued"] * 3 + ["held"] * 4
    clock.advance(minutes=1)
    assert carry_out(relay) == 3
    clock.advance(minutes=10)
    assert carry_out(relay) == 1
    assert len(deliver_due(relay)) >= 7


def test_an_operator_chooses_what_leaves(relay: Relay, site: Site) -> None:
    before = mail_of_each_lane(relay, site)
    act(relay, Verb.SUSPEND, site_id=site.id)
    freeze(relay)
    act(relay, Verb.REINSTATE, cause=None, site_id=site.id)
    with relay.sessions.begin() as session:
        for each in reviews.waiting(session):
            lane = each.review.lane
            decision = Decision.REJECTED if lane == "marketing" else Decision.RELEASED
            reviews.decide(session, each.review.id, decision, because="chosen", now=relay.clock())
    carry_out(relay)
    assert states_of(relay, site, before) == {
        "protected": "queued",
        "transactional": "queued",
        "notification": "queued",
        "marketing": "failed",
    }


def test_nothing_is_released_before_the_site_may_send(relay: Relay, site: Site) -> None:
    accept(relay, site)
    act(relay, Verb.SUSPEND, site_id=site.id)
    freeze(relay)
    with pytest.raises(Conflict, match="site reinstate"):
        release(relay)


def test_frozen_mail_that_is_out_of_date_expires(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    told = accept(relay, site)
    act(relay, Verb.SUSPEND, site_id=site.id)
    freeze(relay)
    clock.advance(hours=25)
    with relay.sessions.begin() as session:
        reviews.expire(session, now=clock())
    assert status(relay, site, told) == "expired"


# --- on record ------------------------------------------------------------------------------


def test_every_action_is_on_record_and_the_owner_is_told(relay: Relay, site: Site) -> None:
    act(relay, Verb.WARN, cause=Cause.COMPLAINTS, reason="5 complaints", site_id=site.id)
    act(relay, Verb.SUSPEND, cause=Cause.PHISHING, account_id=site.account_id)
    with relay.reads() as session:
        log = actions.history(session, site_id=site.id)
        letters = session.scalars(
            select(Content.data).join(Message).where(Message.site_id == HOUSE_SITE)
        ).all()
    assert [(each.verb, each.actor, each.before["state"], each.after["state"]) for each in log] == [
        (Verb.SUSPEND, "operator:ada", "active", "suspended"),
        (Verb.WARN, "operator:ada", "active", "warned"),
    ]
    assert b"5 complaints" in letters[0]
    assert b"somebody else may be sending" in letters[1]


@pytest.mark.parametrize("statement", ["UPDATE actions SET reason = ''", "DELETE FROM actions"])
def test_the_record_cannot_be_changed(statement: str, relay: Relay, site: Site) -> None:
    act(relay, Verb.WARN, site_id=site.id)
    with pytest.raises(DBAPIError, match="append-only"), relay.sessions.begin() as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (Verb.WARN, Verb.APPROVE),
        (Verb.LIMIT, Verb.WARN),
        (Verb.SUSPEND, Verb.LIMIT),
        (Verb.TERMINATE, Verb.REINSTATE),
    ],
)
def test_a_verb_that_does_not_fit_the_state_changes_nothing(
    first: Verb, then: Verb, relay: Relay, site: Site
) -> None:
    act(relay, first, site_id=site.id)
    with pytest.raises(Conflict):
        act(relay, then, site_id=site.id)
    with relay.reads() as session:
        assert len(actions.history(session, site_id=site.id)) == 1


def test_an_action_needs_a_reason_a_cause_and_somebody(relay: Relay, site: Site) -> None:
    with pytest.raises(Invalid):
        act(relay, Verb.WARN, reason=" ", site_id=site.id)
    with pytest.raises(Invalid):
        act(relay, Verb.SUSPEND, cause=None, site_id=site.id)
    with pytest.raises(NotFound):
        act(relay, Verb.WARN, site_id=site.account_id)


def test_the_relays_own_account_is_out_of_reach(relay: Relay, site: Site) -> None:
    act(relay, Verb.WARN, site_id=site.id)  # its letter makes the house
    with pytest.raises(NotFound):
        act(relay, Verb.SUSPEND, site_id=HOUSE_SITE)


def test_one_review_gathers_what_is_frozen_in_a_lane(relay: Relay, site: Site) -> None:
    act(relay, Verb.LIMIT, site_id=site.id)
    for number in range(3):
        accept(relay, site, to=[f"p{number}@customer.example"], stream=Stream.MARKETING)
        freeze(relay)
    with relay.reads() as session:
        (review,) = session.scalars(select(Review)).all()
        held = session.scalar(
            select(func.count()).where(
                Recipient.review_id == review.id, Recipient.stage == Stage.HELD
            )
        )
    assert (review.people, held, review.lane) == (3, 3, "marketing")
