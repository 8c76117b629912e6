"""Every interleaving of wait, claim, start, send, crash, event and settle keeps the promises.

Hypothesis plays worker, provider and time against the real services. A model remembers what the
provider really took. Whatever happens in whatever order:

- a copy that nobody started is never at the provider;
- a newsletter's copy is at the provider at most once, ever;
- a transactional copy is there twice only if its first attempt was unknown, its events had not
  come and the settling window was over;
- a newcomer's newsletters wait until their hour has room, and no hour or day has more than allowed;
- what an operator has not let out never leaves, however often it was looked at;
- once the world is quiet, each copy is at rest, with an outcome that is true and explained.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from relay import db
from relay.context import Relay
from relay.errors import MailerBusy, MailerRefused, MailerSilent
from relay.mail import Envelope
from relay.models import Attempt, Message, Ramp, Recipient, Usage
from relay.policy import warm_up
from relay.policy.windows import hour_of
from relay.services import campaigns, delivery, reviews
from relay.services.delivery import Copy, Result
from relay.settings import Settings
from relay.vocabulary import AttemptState, Decision, Lane, Outcome, ReviewKind, Stage, Stream
from tests import factories, steps
from tests.databases import SqliteFiles
from tests.fakes import TOPIC, FakeClock, FakeMailer

pytestmark = pytest.mark.exploring

NEVER_LEFT = {Outcome.FAILED, Outcome.EXPIRED, Outcome.SUPPRESSED}
SETTLE = timedelta(minutes=5)
PER_DAY = 12
"""What the newcomer may send: 4 an hour."""
ANSWERS = st.sampled_from(
    [
        "accepted",
        "accepted",
        "silent-took",
        "silent-took",
        "silent-lost",
        "busy",
        "all-busy",
        "refused",
    ]
)


@dataclass
class Provider:
    """What Amazon SES really has: the attempts it took and the reports it still owes."""

    took: list[Envelope] = field(default_factory=list)
    owes: list[Envelope] = field(default_factory=list)

    def take(self, envelope: Envelope) -> None:
        self.took.append(envelope)
        self.owes.append(envelope)


class Interleavings(RuleBasedStateMachine):
    """One worker that may crash at any step, one provider that may be silent, one slow SNS."""

    template: SqliteFiles

    @initialize()
    def begin(self) -> None:
        self.clock = FakeClock()
        engine = self.template.engine()
        self.engine = engine
        self.relay = Relay(
            settings=Settings(
                database_url="sqlite:///:memory:",
                secret=factories.SECRET,
                topic_arns=(TOPIC,),
                settle_after=SETTLE,
            ),
            sessions=db.writing(engine),
            reads=db.reading(engine),
            mailer=FakeMailer(),
            clock=self.clock,
            certificate=lambda _url: b"",
            confirm_subscription=lambda _topic, _token: None,
        )
        with self.relay.sessions.begin() as session:
            account = factories.make_account(session)
            factories.make_domain(session, account)
            self.site = factories.make_site(session, account)
            self.newcomer = factories.make_site(session, account, per_day=PER_DAY)
        self.provider = Provider()
        self.leased: list[Copy] = []
        self.started: list[Envelope] = []
        self.results: list[Result] = []
        self.resent_for_reason: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        if hasattr(self, "relay"):
            self._let_the_world_come_to_rest()
            self._check_the_end()
            self.engine.dispose()

    # --- what may happen ----------------------------------------------------------------------

    @rule(stream=st.sampled_from([Stream.TRANSACTIONAL, Stream.TRANSACTIONAL, Stream.MARKETING]))
    def a_mail_is_accepted(self, stream: Stream) -> None:
        self.count += 1
        steps.accept(self.relay, self.site, to=[f"n{self.count}@customer.example"], stream=stream)

    @rule(people=st.integers(1, 4))
    def a_newcomer_s_newsletter_is_accepted(self, people: int) -> None:
        """Some of its copies wait: the site may send few an hour."""
        to = [f"n{self.count + n}@customer.example" for n in range(people)]
        self.count += people
        steps.accept(self.relay, self.newcomer, to=to, stream=Stream.MARKETING)

    @rule(
        stream=st.sampled_from([Stream.TRANSACTIONAL, Stream.MARKETING]),
        link=st.sampled_from(["https://partner.example/", "https://paypa1.example/"]),
    )
    def a_mail_is_accepted_that_is_read_first(self, stream: Stream, link: str) -> None:
        """Both sites are young. One of the links pretends, and is held until an operator decides."""
        self.count += 1
        steps.accept(
            self.relay,
            self.newcomer,
            to=[f"n{self.count}@customer.example"],
            stream=stream,
            body=f"See {link} and more.\r\n",
            read_one_in=1,
        )

    @rule()
    def the_duty_lets_waiting_copies_go(self) -> None:
        steps.let_go(self.relay)

    @rule()
    def the_site_writes_to_many(self) -> None:
        """From now on, its receipts are looked at before they leave."""
        with self.relay.sessions.begin() as session:
            hour = hour_of(self.clock())
            row = {"site_id": self.site.id, "window": "hour", "began_at": hour}
            counted = {"messages": 1, "recipients": 1_000, "octets": 1}
            session.execute(
                db.upsert(session, Usage)
                .values(row | counted)
                .on_conflict_do_update(index_elements=list(row), set_=counted)
            )

    @precondition(lambda self: self.count)
    @rule()
    def its_words_come_under_review(self) -> None:
        with self.relay.sessions.begin() as session:
            first = session.scalars(select(Message).where(Message.site_id == self.site.id)).first()
            wording = campaigns.wording_of(factories.make_draft().mime, ["n1@customer.example"])
            known = reviews.about(session, self.site.id, wording, now=self.clock())
            if first is not None and known is None:
                kind = ReviewKind.CAMPAIGN_IN_DISGUISE
                reviews.open_review(
                    session, first, kind, people=101, wording=wording, now=self.clock()
                )

    @rule()
    def the_worker_looks(self) -> None:
        steps.look(self.relay)

    @rule(decision=st.sampled_from(Decision))
    def an_operator_decides(self, decision: Decision) -> None:
        with self.relay.sessions.begin() as session:
            for each in reviews.waiting(session):
                reviews.decide(
                    session, each.review.id, decision, because="looked", now=self.clock()
                )

    @rule(most=st.integers(1, 3))
    def the_worker_claims(self, most: int) -> None:
        self.leased += steps.claim(self.relay, most)

    @precondition(lambda self: self.leased)
    @rule()
    def the_worker_starts_them(self) -> None:
        self.started += steps.start(self.relay, self.leased)
        self.leased = []

    @precondition(lambda self: self.started)
    @rule(answer=ANSWERS)
    def the_provider_answers(self, answer: str) -> None:
        envelope = self.started.pop(0)
        if answer in ("accepted", "silent-took"):
            self.provider.take(envelope)
        self.results.append(
            {
                "accepted": Result(envelope, provider_id=f"ses-{envelope.attempt_id.hex[-8:]}"),
                "silent-took": Result(envelope, error=MailerSilent("no answer")),
                "silent-lost": Result(envelope, error=MailerSilent("no answer")),
                "busy": Result(envelope, error=MailerBusy("500", code="provider-error")),
                "all-busy": Result(envelope, error=MailerBusy("429", code="rate", scope="all")),
                "refused": Result(envelope, error=MailerRefused("no", code="MessageRejected")),
            }[answer]
        )

    @precondition(lambda self: self.results)
    @rule()
    def the_worker_records(self) -> None:
        steps.record(self.relay, *self.results)
        self.results = []

    @rule(answers=st.lists(ANSWERS, min_size=1, max_size=3))
    def the_worker_does_a_whole_turn(self, answers: list[str]) -> None:
        self.leased += steps.claim(self.relay, len(answers))
        self.started += steps.start(self.relay, self.leased)
        self.leased = []
        for answer in answers[: len(self.started)]:
            self.the_provider_answers(answer)
        self.the_worker_records()

    @rule(minutes=st.sampled_from([1, 6]))
    def news_of_the_others_comes(self, minutes: float) -> None:
        """Everybody is heard of but those of whom nobody knows; then time passes."""
        unknown = self._unknown()
        for envelope in [e for e in self.provider.owes if e.recipient_id.hex not in unknown]:
            steps.tell(self.relay, "Delivery", envelope)
            self.provider.owes.remove(envelope)
        self.clock.advance(minutes=minutes)
        self.the_duties_are_done()

    @rule(reached=st.booleans())
    def the_worker_is_killed(self, reached: bool) -> None:
        """Nothing it held is remembered; what was on the wire may have reached the provider."""
        for envelope in self.started:
            if reached:
                self.provider.take(envelope)
        self.leased, self.started, self.results = [], [], []

    @rule()
    def the_worker_stops_gracefully(self) -> None:
        with self.relay.sessions.begin() as session:
            delivery.release(session, self.leased, now=self.clock())
        self.leased = []

    @precondition(lambda self: self.provider.owes)
    @rule(which=st.integers(0, 5), kind=st.sampled_from(["Send", "Delivery", "Bounce"]))
    def an_event_arrives(self, which: int, kind: str) -> None:
        envelope = self.provider.owes.pop(which % len(self.provider.owes))
        assert steps.tell(self.relay, kind, envelope)

    @precondition(lambda self: self.provider.took)
    @rule(which=st.integers(0, 5))
    def an_event_is_told_twice(self, which: int) -> None:
        envelope = self.provider.took[which % len(self.provider.took)]
        if envelope not in self.provider.owes:
            steps.tell(self.relay, "Send", envelope)
            steps.tell(self.relay, "Send", envelope)

    @rule(minutes=st.sampled_from([0.2, 1, 3, 6, 40]))
    def time_passes(self, minutes: float) -> None:
        self.clock.advance(minutes=minutes)

    @rule()
    def the_duties_are_done(self) -> None:
        before = self._unknown()
        steps.settle(self.relay)
        steps.look(self.relay)
        with self.relay.sessions.begin() as session:
            reviews.carry_out(session, now=self.clock())
            reviews.expire(session, now=self.clock())
        again = before - self._unknown()
        for envelope in self.provider.took:
            if envelope.recipient_id.hex in again:
                self.resent_for_reason.add(envelope.recipient_id.hex)

    # --- what must hold -------------------------------------------------------------------------

    @invariant()
    def only_what_was_started_is_at_the_provider(self) -> None:
        if not hasattr(self, "relay"):
            return
        with self.relay.reads() as session:
            attempts = {each.id for each in session.scalars(select(Attempt))}
        assert {envelope.attempt_id for envelope in self.provider.took} <= attempts

    @invariant()
    def what_is_held_is_not_under_way(self) -> None:
        if not hasattr(self, "relay"):
            return
        with self.relay.reads() as session:
            held = session.scalars(
                select(Recipient).where(Recipient.stage.in_((Stage.HELD, Stage.CHECKING)))
            ).all()
        assert all(copy.attempt_id is None for copy in held)

    @invariant()
    def nothing_is_sent_twice_without_reason(self) -> None:
        if not hasattr(self, "relay"):
            return
        counts: dict[str, int] = {}
        for envelope in self.provider.took:
            counts[envelope.recipient_id.hex] = counts.get(envelope.recipient_id.hex, 0) + 1
        twice = {recipient for recipient, count in counts.items() if count > 1}
        assert twice <= self.resent_for_reason
        with self.relay.reads() as session:
            lanes = {each.id.hex: each.lane_rank for each in session.scalars(select(Recipient))}
        assert all(lanes[recipient] == Lane.TRANSACTIONAL.rank for recipient in twice)

    @invariant()
    def a_newcomer_sends_no_more_than_it_may(self) -> None:
        if not hasattr(self, "relay"):
            return
        with self.relay.reads() as session:
            ramp = session.get_one(Ramp, f"site:{self.newcomer.id}")
            waiting = session.scalars(select(Recipient.id).where(Recipient.stage == Stage.WAITING))
            assert not set(waiting) & {envelope.recipient_id for envelope in self.provider.took}
        assert ramp.hour_people <= warm_up.per_hour(PER_DAY)
        assert ramp.day_people <= PER_DAY

    # --- how it ends ----------------------------------------------------------------------------

    def _let_the_world_come_to_rest(self) -> None:
        self.leased, self.started, self.results = [], [], []
        for _ in range(60):
            for envelope in self.provider.owes:
                steps.tell(self.relay, "Delivery", envelope)
            self.provider.owes = []
            self.the_duties_are_done()
            steps.let_go(self.relay)
            envelopes = steps.start(self.relay, steps.claim(self.relay))
            for envelope in envelopes:
                self.provider.take(envelope)
            steps.record(self.relay, *(Result(e, provider_id=e.attempt_id.hex) for e in envelopes))
            self.nothing_is_sent_twice_without_reason()
            self.clock.advance(hours=4)
        with self.relay.sessions.begin() as session:
            delivery.close_silent(session, now=self.clock())

    def _check_the_end(self) -> None:
        taken = {envelope.recipient_id for envelope in self.provider.took}
        with self.relay.reads() as session:
            copies = session.scalars(
                select(Recipient).where(Recipient.site_id.in_((self.site.id, self.newcomer.id)))
            ).all()
            attempts = session.scalars(select(Attempt)).all()
        assert len(copies) == self.count
        assert AttemptState.STARTED not in {each.state for each in attempts}
        for copy in copies:
            assert copy.stage is Stage.DONE
            if copy.id in taken:
                assert copy.outcome in (Outcome.DELIVERED, Outcome.BOUNCED, Outcome.NO_REPORT)
            else:
                assert copy.outcome in NEVER_LEFT | {Outcome.UNCONFIRMED}
                assert copy.reason["title"]

    def _unknown(self) -> set[str]:
        with self.relay.reads() as session:
            found = session.scalars(select(Recipient.id).where(Recipient.stage == Stage.UNKNOWN))
            sending = session.scalars(select(Recipient.id).where(Recipient.stage == Stage.SENDING))
            return {each.hex for each in (*found, *sending)}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("states"))


def test_every_interleaving_keeps_the_promises(template: SqliteFiles) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    Interleavings.template = template
    run_state_machine_as_test(
        Interleavings,
        settings=settings(
            max_examples=2_000 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 30,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shrinking takes minutes; set Phase.shrink to dig
        ),
    )
