"""Two at once about the same appeal: one of them is told so."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from relay.context import Relay
from relay.errors import AlreadyExists, Conflict
from relay.models import Action, Appeal
from relay.services import actions, appeal_answers, appeals
from relay.services.actions import Order, Subject
from relay.services.appeal_answers import Answer
from relay.vocabulary import AppealDecision, Cause, Verb
from tests import factories
from tests.steps import at_once

SENDER = "relay@relay.example"


@pytest.mark.postgresql
def test_one_appeal_and_one_answer_count(shared: Relay) -> None:
    site, _ = factories.make_shop(shared)
    with shared.sessions.begin() as session:
        order = Order(Verb.SUSPEND, "operator:ada", "why", Cause.SPAM)
        actions.act(session, Subject(site_id=site.id), order, sender=SENDER, now=shared.clock())

    def appeal(number: int) -> str:
        try:
            with shared.sessions.begin() as session:
                appeals.appeal(
                    session, site.account_id, site.id, f"text {number}", sender=SENDER,
                    now=shared.clock(),
                )  # fmt: skip
        except AlreadyExists:
            return "told"
        return "taken"

    assert sorted(at_once(6, appeal)) == ["taken", *["told"] * 5]
    with shared.reads() as session:
        (made,) = session.scalars(select(Appeal.id))

    def answer(number: int) -> str:
        decision = (AppealDecision.ACCEPTED, AppealDecision.DECLINED)[number % 2]
        try:
            with shared.sessions.begin() as session:
                given = Answer(decision, f"operator:{number}", "why")
                appeal_answers.decide(session, made, given, sender=SENDER, now=shared.clock())
        except Conflict:
            return "told"
        return decision.value

    given = [each for each in at_once(6, answer) if each != "told"]
    with shared.reads() as session:
        done = session.get_one(Appeal, made)
        reinstated = session.scalar(
            select(func.count()).select_from(Action).where(Action.verb == Verb.REINSTATE)
        )
    assert given == [done.decision]
    assert reinstated == (done.decision is AppealDecision.ACCEPTED)
