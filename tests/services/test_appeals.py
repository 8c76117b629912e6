"""An owner appeals, an operator answers, and what follows from the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from relay.context import Relay
from relay.db import new_id
from relay.errors import AlreadyExists, Conflict, Invalid, NotFound, NothingToAppeal
from relay.models import Account, Appeal, Content, Message, Site
from relay.policy.appeals import LONGEST
from relay.services import actions, appeal_answers, appeals, decisions, freezing, reviews
from relay.services.actions import Order, Subject
from relay.services.appeal_answers import Answer
from relay.services.letters import HOUSE_SITE
from relay.vocabulary import AppealDecision, Cause, State, Stream, Verb
from tests import factories
from tests.steps import accept, status

SENDER = "relay@relay.example"


def act(relay: Relay, verb: Verb, cause: Cause | None = Cause.SPAM, **whom: Any) -> UUID:
    with relay.sessions.begin() as session:
        order = Order(verb, "operator:ada", f"reason to {verb}", cause)
        return decisions.decide(
            session,
            Subject(**whom),
            order,
            sender=SENDER,
            public_url="https://relay.example",
            now=relay.clock(),
        ).id


def appeal(relay: Relay, site: Site, text: str = "We were hacked", **given: Any) -> Appeal:
    with relay.sessions.begin() as session:
        return appeals.appeal(
            session, site.account_id, site.id, text, sender=SENDER, now=relay.clock(), **given
        )


def answer(relay: Relay, made: Appeal, decision: AppealDecision, **given: Any) -> Appeal:
    with relay.sessions.begin() as session:
        return appeal_answers.decide(
            session,
            made.id,
            Answer(decision, "operator:bob", given.pop("reason", "cleaned up"), **given),
            sender=SENDER,
            now=relay.clock(),
        )


def letters(relay: Relay) -> list[str]:
    with relay.reads() as session:
        return [
            data.decode()
            for data in session.scalars(
                select(Content.data)
                .join(Message)
                .where(Message.site_id == HOUSE_SITE)
                .order_by(Message.id, Content.part)
            )
        ]


def state(relay: Relay, site: Site) -> tuple[State, State]:
    with relay.reads() as session:
        return session.get_one(Account, site.account_id).state, session.get_one(Site, site.id).state


# --- appealing ------------------------------------------------------------------------------


def test_an_appeal_is_about_what_restricts_the_site_and_its_owner_learns_when_it_is_answered(
    relay: Relay, site: Site
) -> None:
    suspended = act(relay, Verb.SUSPEND, site_id=site.id)
    made = appeal(relay, site)  # on a Sunday
    assert made.action_id == suspended
    assert made.answer_by == datetime(2026, 11, 24, 9, tzinfo=UTC)
    first, last = letters(relay)[0], letters(relay)[-1]
    assert "POST /v1/account/appeals" in first.replace("=\r\n", "")
    assert "2 working days" in first.replace("=\r\n", "")
    assert "has arrived" in last
    assert "24 November 2026" in last


@pytest.mark.parametrize(
    ("of_account", "of_site", "about"),
    [
        (Verb.SUSPEND, Verb.WARN, "account"),
        (Verb.WARN, Verb.SUSPEND, "site"),
        (Verb.WARN, Verb.WARN, "site"),  # of equals the newer one
        (Verb.TERMINATE, None, "account"),
    ],
)
def test_of_two_actions_it_is_about_the_stricter_one(
    of_account: Verb, of_site: Verb | None, about: str, relay: Relay, site: Site
) -> None:
    done = {"account": act(relay, of_account, account_id=site.account_id)}
    if of_site is not None:
        done["site"] = act(relay, of_site, site_id=site.id)
    made = appeal(relay, site)
    assert made.action_id == done[about]
    assert made.site_id == (site.id if about == "site" else None)


def test_one_may_name_the_action(relay: Relay, site: Site) -> None:
    warned = act(relay, Verb.WARN, account_id=site.account_id)
    act(relay, Verb.SUSPEND, site_id=site.id)
    assert appeal(relay, site, action_id=warned).action_id == warned


def test_where_nothing_is_in_force_there_is_nothing_to_appeal(relay: Relay, site: Site) -> None:
    with pytest.raises(NothingToAppeal):
        appeal(relay, site)
    warned = act(relay, Verb.WARN, site_id=site.id)
    act(relay, Verb.LIMIT, site_id=site.id)
    with pytest.raises(NothingToAppeal, match="not in force"):
        appeal(relay, site, action_id=warned)  # it has become worse since
    act(relay, Verb.REINSTATE, None, site_id=site.id)
    with pytest.raises(NothingToAppeal):
        appeal(relay, site)


def test_one_appeal_is_open_at_a_time_and_a_declined_one_may_be_followed(
    relay: Relay, site: Site
) -> None:
    act(relay, Verb.SUSPEND, site_id=site.id)
    made = appeal(relay, site)
    with pytest.raises(AlreadyExists):
        appeal(relay, site, "please")
    answer(relay, made, AppealDecision.DECLINED)
    assert appeal(relay, site, "now the plugin is gone").id != made.id


def test_nobody_appeals_against_what_was_done_to_somebody_else(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        own = session.get_one(Account, site.account_id)
        neighbour = factories.make_site(session, own, name="The neighbour")
        stranger = factories.make_site(session, factories.make_account(session, name="Stranger"))
    act(relay, Verb.WARN, site_id=site.id)
    for done in (
        act(relay, Verb.SUSPEND, site_id=neighbour.id),
        act(relay, Verb.SUSPEND, account_id=stranger.account_id),
        new_id(),
    ):
        with pytest.raises(NotFound):
            appeal(relay, site, action_id=done)


@pytest.mark.parametrize("text", ["", " \n", "x" * (LONGEST + 1)])
def test_an_appeal_says_something_and_comes_to_an_end(text: str, relay: Relay, site: Site) -> None:
    act(relay, Verb.SUSPEND, site_id=site.id)
    with pytest.raises(Invalid):
        appeal(relay, site, text)


def test_one_appeals_against_what_was_done_to_a_stream(relay: Relay, site: Site) -> None:
    done = {
        stream: act(relay, Verb.LIMIT, site_id=site.id, stream=stream)
        for stream in (Stream.MARKETING, Stream.NOTIFICATION)
    }
    made = appeal(relay, site, action_id=done[Stream.MARKETING])
    answer(relay, made, AppealDecision.ACCEPTED)
    with relay.reads() as session:
        assert set(session.get_one(Site, site.id).streams or {}) == {"notification"}
        still = appeals.in_force(session, site.account_id, site.id)
    assert [each.id for each in still] == [done[Stream.NOTIFICATION]]


def test_letting_the_whole_site_send_again_ends_what_was_done_to_its_streams(
    relay: Relay, site: Site
) -> None:
    act(relay, Verb.LIMIT, site_id=site.id, stream=Stream.MARKETING)
    act(relay, Verb.REINSTATE, None, site_id=site.id)
    with pytest.raises(NothingToAppeal):
        appeal(relay, site)


def test_what_ends_by_itself_before_an_answer_comes_is_nothing_to_appeal(
    relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        order = Order(Verb.SLOW, actions.RELAY, "the platform's rate", Cause.COMPLAINTS)
        until = relay.clock() + timedelta(hours=24)
        actions.slow(session, site.id, order, until=until, sender=SENDER, now=relay.clock())
    with pytest.raises(NothingToAppeal):
        appeal(relay, site)


# --- answering ------------------------------------------------------------------------------


def test_accepting_reinstates_and_tells_the_owner_once(relay: Relay, site: Site) -> None:
    suspended = act(relay, Verb.SUSPEND, site_id=site.id)
    made = appeal(relay, site)
    before = len(letters(relay))
    done = answer(relay, made, AppealDecision.ACCEPTED)
    assert state(relay, site) == (State.ACTIVE, State.ACTIVE)
    assert (done.decision, done.decided_by) == (AppealDecision.ACCEPTED, "operator:bob")
    with relay.reads() as session:
        last = actions.history(session, site_id=site.id)[0]
    assert (last.verb, last.actor, last.reason) == (Verb.REINSTATE, "operator:bob", "cleaned up")
    assert last.evidence == {"appeal": str(made.id), "against": str(suspended)}
    (told,) = letters(relay)[before:]
    assert "Your appeal is accepted" in told


def test_what_the_operator_chooses_leaves_and_the_rest_stays(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site)
    news = accept(relay, site, to=["n@customer.example"], stream=Stream.MARKETING)
    act(relay, Verb.SUSPEND, site_id=site.id)
    with relay.sessions.begin() as session:
        freezing.freeze(session, now=relay.clock())
    made = appeal(relay, site)
    with relay.reads() as session:
        lanes = {each.review.lane: each.review.id for each in appeals.frozen(session, made)}
    answer(relay, made, AppealDecision.ACCEPTED, release=[lanes["transactional"]])
    with relay.sessions.begin() as session:
        reviews.carry_out(session, now=relay.clock())
    assert status(relay, site, receipt) == "queued"
    assert status(relay, site, news) == "held"


def test_mail_that_something_else_still_stops_keeps_the_whole_answer_from_being_given(
    relay: Relay, site: Site
) -> None:
    accept(relay, site)
    act(relay, Verb.SUSPEND, site_id=site.id)
    with relay.sessions.begin() as session:
        freezing.freeze(session, now=relay.clock())
    with relay.reads() as session:
        (frozen,) = reviews.waiting(session)
    made = appeal(relay, site)
    act(relay, Verb.SUSPEND, account_id=site.account_id)
    with pytest.raises(Conflict, match="account reinstate"):
        answer(relay, made, AppealDecision.ACCEPTED, release=[frozen.review.id])
    assert state(relay, site)[1] is State.SUSPENDED


def test_nothing_of_somebody_else_is_released(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        own = session.get_one(Account, site.account_id)
        neighbour = factories.make_site(session, own, name="The neighbour")
    accept(relay, neighbour)
    for each in (site, neighbour):
        act(relay, Verb.SUSPEND, site_id=each.id)
    with relay.sessions.begin() as session:
        freezing.freeze(session, now=relay.clock())
    with relay.reads() as session:
        (frozen,) = reviews.waiting(session)
    made = appeal(relay, site)
    for foreign in (frozen.review.id, new_id()):
        with pytest.raises(NotFound):
            answer(relay, made, AppealDecision.ACCEPTED, release=[foreign])


def test_even_an_end_is_undone_by_an_accepted_appeal_and_by_nothing_else(
    relay: Relay, site: Site
) -> None:
    act(relay, Verb.TERMINATE, Cause.OTHER, account_id=site.account_id)
    with pytest.raises(Conflict):
        act(relay, Verb.REINSTATE, None, account_id=site.account_id)
    answer(relay, appeal(relay, site), AppealDecision.ACCEPTED)
    assert state(relay, site)[0] is State.ACTIVE


def test_accepting_what_was_undone_already_only_tells_the_owner(relay: Relay, site: Site) -> None:
    act(relay, Verb.SUSPEND, site_id=site.id)
    made = appeal(relay, site)
    act(relay, Verb.REINSTATE, None, site_id=site.id)
    answer(relay, made, AppealDecision.ACCEPTED)
    assert "is accepted" in letters(relay)[-1]
    with relay.reads() as session:
        assert len(actions.history(session, site_id=site.id)) == 2


def test_declining_changes_nothing_and_says_why(relay: Relay, site: Site) -> None:
    act(relay, Verb.SUSPEND, site_id=site.id)
    answer(relay, appeal(relay, site), AppealDecision.DECLINED, reason="the plugin is still there")
    assert state(relay, site)[1] is State.SUSPENDED
    assert "is declined" in letters(relay)[-1]
    assert "the plugin is still there" in letters(relay)[-1]


def test_an_appeal_is_answered_once_with_a_reason(relay: Relay, site: Site) -> None:
    act(relay, Verb.SUSPEND, site_id=site.id)
    made = appeal(relay, site)
    with pytest.raises(Invalid):
        answer(relay, made, AppealDecision.DECLINED, reason=" ")
    with pytest.raises(Invalid):
        answer(relay, made, AppealDecision.DECLINED, release=[new_id()])
    answer(relay, made, AppealDecision.DECLINED)
    with pytest.raises(Conflict, match="declined already"):
        answer(relay, made, AppealDecision.ACCEPTED)
    with pytest.raises(NotFound):
        answer(relay, Appeal(id=new_id()), AppealDecision.ACCEPTED)


def test_the_most_urgent_appeal_is_answered_first(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_site(session, factories.make_account(session, name="Other Ltd"))
    made = []
    for each in (other, site):
        act(relay, Verb.SUSPEND, site_id=each.id)
        made.append(appeal(relay, each).id)
        relay.clock.advance(minutes=1)  # type: ignore[attr-defined]
    with relay.reads() as session:
        assert [case.appeal.id for case in appeals.cases(session)] == made
        assert [case.account for case in appeals.cases(session)] == ["Other Ltd", "Shop Ltd"]
        assert [
            case.appeal.id for case in appeals.cases(session, account_id=site.account_id)
        ] == made[1:]
        assert appeals.cases(session, decided=True) == []
