"""From the queue to the provider: nothing is sent twice without need, and nothing is lost."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from relay.context import Relay
from relay.db import new_id, table_of
from relay.errors import MailerBusy, MailerRefused, MailerSilent
from relay.gateways.mime import PART
from relay.models import Recipient, Site
from relay.policy.budget import put_off
from relay.services import delivery
from relay.services.delivery import (
    GO_WITHIN,
    JITTER,
    LEASE,
    MARGIN,
    MOST_TRIES,
    PATIENCE,
    REPORT_WITHIN,
    Result,
)
from relay.services.messages import Receipt
from relay.vocabulary import AttemptState, Kind, Outcome, Stage, Stream
from tests.factories import make_envelope, make_message
from tests.fakes import FakeClock, FakeMailer, provider_id
from tests.steps import (
    accept,
    claim,
    copy_of,
    deliver_due,
    find,
    record,
    settle,
    start,
    status,
    statuses,
    tell,
)

RATE = MailerBusy("Rate exceeded", code="rate", throttled=True, scope="all")
BUSY = MailerBusy("InternalServiceErrorException", code="provider-error")
REFUSED = MailerRefused("MessageRejected: no", code="MessageRejected")
SILENT = MailerSilent("SES gave no answer")


def pass_time(clock: FakeClock, span: timedelta) -> None:
    clock.advance(seconds=span.total_seconds())


# --- claim ----------------------------------------------------------------------------------


def test_lanes_leave_in_order_and_within_a_lane_the_oldest(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    for to, given in {
        "marketing@customer.example": {"stream": Stream.MARKETING},
        "notification@customer.example": {"stream": Stream.NOTIFICATION},
        "old@customer.example": {"stream": Stream.TRANSACTIONAL},
        "new@customer.example": {"stream": Stream.TRANSACTIONAL},
        "protected@customer.example": {"kind": Kind.SECURITY},
    }.items():
        accept(relay, site, to=[to], **given)
        clock.advance(seconds=1)

    order = [copy.address.partition("@")[0] for _ in range(6) for copy in claim(relay, most=1)]

    assert order == ["protected", "old", "new", "notification", "marketing"]


def test_a_batch_is_no_larger_than_asked_and_in_order(relay: Relay, site: Site) -> None:
    accept(relay, site, to=[f"p{n}@customer.example" for n in range(5)], stream=Stream.MARKETING)
    accept(relay, site, kind=Kind.SECURITY)
    first = claim(relay, most=3)
    assert first[0].address == "ada@customer.example"
    assert [len(first), len(claim(relay, most=10)), len(claim(relay, most=10))] == [3, 3, 0]


def test_a_leased_copy_is_nobody_elses_until_its_lease_ends(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    accept(relay, site)
    (mine,) = claim(relay)
    pass_time(clock, LEASE - timedelta(seconds=1))
    settle(relay)
    assert claim(relay) == []
    clock.advance(seconds=1)
    settle(relay)
    (theirs,) = claim(relay)
    assert theirs.recipient_id == mine.recipient_id
    assert theirs.lease != mine.lease


def test_a_worker_that_lost_its_lease_sends_nothing(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    accept(relay, site)
    slow = claim(relay)
    pass_time(clock, LEASE)
    assert start(relay, slow) == []  # too late, even before anybody else has it
    settle(relay)
    quick = claim(relay)
    assert start(relay, slow) == []
    assert len(start(relay, quick)) == 1
    assert start(relay, quick) == []  # and nobody starts it twice


def test_a_copy_given_back_is_free_at_once_and_has_used_up_no_try(relay: Relay, site: Site) -> None:
    accept(relay, site, to=["a@customer.example", "b@customer.example"])
    copies = claim(relay)
    start(relay, copies[:1])
    with relay.sessions.begin() as session:
        delivery.release(session, copies, now=relay.clock())
    (again,) = claim(relay)  # the one that is on the wire stays there
    assert again.recipient_id == copies[1].recipient_id
    assert again.tries == 1


def test_a_lease_changes_nothing_that_an_index_is_about(relay: Relay, site: Site) -> None:
    """PostgreSQL then need not touch any index (docs/decisions/0011)."""
    accept(relay, site)
    copies = table_of(Recipient)
    with relay.reads() as session:
        before = session.execute(select(copies)).one()
    (leased,) = claim(relay)
    with relay.reads() as session:
        after = session.execute(select(copies)).one()

    changed = {name for name in before._fields if getattr(before, name) != getattr(after, name)}
    indexed = {column.name for index in copies.indexes for column in index.columns}
    about = " ".join(str(index.dialect_options["postgresql"]["where"]) for index in copies.indexes)

    assert (after.lease, changed) == (leased.lease, {"lease", "leased_until", "tries"})
    assert not changed & (indexed | set(re.findall(r"\w+", about)) | {"id"})


def test_what_a_worker_of_the_release_before_has_leased_comes_back_too(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    accept(relay, site)
    lease_as_before(relay)
    assert claim(relay) == []
    pass_time(clock, LEASE)
    settle(relay)
    assert len(claim(relay)) == 1


def test_a_worker_of_the_release_before_that_sees_no_lease_takes_the_copy_over(
    relay: Relay, site: Site
) -> None:
    accept(relay, site)
    copies = claim(relay)
    lease_as_before(relay)
    assert start(relay, copies) == []
    with relay.sessions.begin() as session:
        delivery.release(session, copies, now=relay.clock())
    assert claim(relay) == []


def lease_as_before(relay: Relay) -> None:
    """Lease everything as releases before 0018 did: by the stage, until it would be due."""
    with relay.sessions.begin() as session:
        session.execute(
            update(Recipient).values(
                stage=Stage.LEASED, lease=new_id(), due_at=relay.clock() + LEASE
            )
        )


# --- start ----------------------------------------------------------------------------------


def test_an_envelope_is_complete(relay: Relay, site: Site) -> None:
    message = make_message() + (b"y" * 78 + b"\r\n") * 100
    accept(relay, site, message=message, to=["Ada@customer.example"])
    (envelope,) = start(relay, claim(relay))
    assert (envelope.sender, envelope.recipient) == ("news@shop.example", "Ada@customer.example")
    assert b"".join(envelope.parts) == message
    assert 0 < envelope.deadline - time.monotonic() <= GO_WITHIN.total_seconds()


def test_the_bytes_of_a_large_message_are_read_while_it_is_sent(relay: Relay, site: Site) -> None:
    message = make_message() + (b"y" * 78 + b"\r\n") * 30_000
    accept(relay, site, message=message)
    (envelope,) = start(relay, claim(relay))
    assert not envelope.parts
    parts = list(delivery.StoredParts(relay.reads, envelope.message_id))
    assert b"".join(parts) == message
    assert max(map(len, parts)) <= PART


def test_an_attempt_is_on_record_before_the_copy_leaves(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site)
    (envelope,) = start(relay, claim(relay))
    (attempt,) = copy_of(relay, site, receipt).attempts
    assert (attempt.id, attempt.state) == (envelope.attempt_id, AttemptState.STARTED)
    assert status(relay, site, receipt) == "sending"


def test_everybody_gets_a_copy_of_the_same_message(
    relay: Relay, site: Site, mailer: FakeMailer
) -> None:
    people = ["ada@customer.example", "bob@customer.example"]
    receipt = accept(relay, site, to=people)
    deliver_due(relay)
    assert sorted(copy.recipient for copy in mailer.sent) == people
    assert len({copy.parts for copy in mailer.sent}) == 1
    assert len({copy.attempt_id for copy in mailer.sent}) == 2
    assert statuses(relay, site, receipt) == dict.fromkeys(people, "sent")


# --- record ---------------------------------------------------------------------------------


def test_an_accepted_copy_is_sent(relay: Relay, site: Site, mailer: FakeMailer) -> None:
    receipt = accept(relay, site)
    deliver_due(relay)
    copy = copy_of(relay, site, receipt)
    assert (copy.status, copy.recipient.stage) == ("sent", Stage.DONE)
    (attempt,) = copy.attempts
    assert attempt.state is AttemptState.ACCEPTED
    assert attempt.provider_id == provider_id(mailer.sent[0])
    assert deliver_due(relay) == []


def test_a_busy_provider_is_asked_again_later(
    relay: Relay, site: Site, mailer: FakeMailer, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    mailer.failures.append(BUSY)
    deliver_due(relay)
    assert status(relay, site, receipt) == "queued"
    assert copy_of(relay, site, receipt).recipient.reason["code"] == "provider-error"

    clock.advance(minutes=1)
    deliver_due(relay)

    assert status(relay, site, receipt) == "sent"
    copy = copy_of(relay, site, receipt)
    assert [each.state for each in copy.attempts] == [AttemptState.REFUSED, AttemptState.ACCEPTED]
    assert copy.attempts[0].error == {"code": "provider-error", "detail": BUSY.detail}
    assert copy.recipient.reason is None


def test_a_copy_that_was_put_off_is_due_when_its_wait_ends_not_its_lease(
    relay: Relay, site: Site, clock: FakeClock, mailer: FakeMailer
) -> None:
    accept(relay, site)
    mailer.failures.append(BUSY)
    deliver_due(relay)
    wait = PATIENCE[0] * (1 + JITTER)
    assert wait < LEASE
    pass_time(clock, wait)
    assert len(claim(relay)) == 1


def test_each_wait_is_longer_than_the_one_before(
    relay: Relay, site: Site, mailer: FakeMailer, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    for wait in PATIENCE[:7]:
        mailer.failures.append(BUSY)
        assert len(deliver_due(relay)) == 1
        due = copy_of(relay, site, receipt).recipient.due_at - clock.now
        assert wait * (1 - JITTER) <= due <= wait * (1 + JITTER)
        pass_time(clock, due - timedelta(seconds=1))
        assert deliver_due(relay) == []
        clock.advance(seconds=1)


@pytest.mark.parametrize("tries", [-1, 0, 1, 2, 8, 9, 100])
def test_a_pause_varies_but_stays_near_the_timetable(tries: int) -> None:
    base = PATIENCE[min(max(tries, 1), len(PATIENCE)) - 1]
    waits = {delivery.pause(tries) for _ in range(50)}
    assert len(waits) > 1
    assert all(base * (1 - JITTER) <= wait <= base * (1 + JITTER) for wait in waits)


def test_trouble_that_concerns_everything_uses_up_no_try(
    relay: Relay, site: Site, mailer: FakeMailer, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    for _ in range(MOST_TRIES + 5):
        mailer.failures.append(RATE)
        assert len(deliver_due(relay)) == 1
        due = copy_of(relay, site, receipt).recipient.due_at - clock.now
        assert due <= timedelta(seconds=put_off("rate")) * (1 + JITTER)
        pass_time(clock, due)
    deliver_due(relay)
    assert status(relay, site, receipt) == "sent"


def test_a_refusal_is_final_and_explained(relay: Relay, site: Site, mailer: FakeMailer) -> None:
    receipt = accept(relay, site)
    mailer.failures.append(REFUSED)
    deliver_due(relay)
    copy = copy_of(relay, site, receipt)
    assert copy.status == "failed"
    assert copy.recipient.reason == {
        "code": "MessageRejected",
        "title": "Amazon SES refused this copy",
        "detail": "MessageRejected: no",
    }
    assert [event.type for event in copy.events] == ["failed"]
    assert deliver_due(relay) == []


def test_silence_leaves_the_copy_unknown(relay: Relay, site: Site, mailer: FakeMailer) -> None:
    receipt = accept(relay, site)
    mailer.failures.append(SILENT)
    deliver_due(relay)
    copy = copy_of(relay, site, receipt)
    assert (copy.status, copy.attempts[0].state) == ("unknown", AttemptState.UNKNOWN)
    assert deliver_due(relay) == []


def test_of_one_batch_each_copy_fares_by_itself(
    relay: Relay, site: Site, mailer: FakeMailer
) -> None:
    receipt = accept(relay, site, to=[f"p{n}@customer.example" for n in range(4)])
    mailer.failures[:] = [BUSY, REFUSED, SILENT]
    deliver_due(relay)
    assert sorted(statuses(relay, site, receipt).values()) == [
        "failed", "queued", "sent", "unknown",
    ]  # fmt: skip


def test_a_result_of_an_attempt_nobody_knows_changes_nothing(relay: Relay) -> None:
    record(relay, Result(make_envelope(), provider_id="0100"))


def test_recording_twice_changes_nothing_more(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site)
    (envelope,) = start(relay, claim(relay))
    for _ in range(2):
        record(relay, Result(envelope, error=REFUSED))
    assert [event.type for event in copy_of(relay, site, receipt).events] == ["failed"]


# --- how a copy ends without the provider ---------------------------------------------------


def test_a_copy_that_waited_too_long_expires(relay: Relay, site: Site, clock: FakeClock) -> None:
    receipt = accept(relay, site, kind=Kind.SECURITY)
    clock.advance(hours=24)
    assert deliver_due(relay) == []
    copy = copy_of(relay, site, receipt)
    assert copy.status == "expired"
    assert copy.recipient.reason["code"] == "expired"
    assert [event.type for event in copy.events] == ["expired"]


def test_a_copy_that_kills_its_worker_stops(relay: Relay, site: Site, clock: FakeClock) -> None:
    receipt = accept(relay, site)
    for _ in range(MOST_TRIES):
        assert len(claim(relay)) == 1
        pass_time(clock, LEASE)
        settle(relay)
    assert claim(relay) == []
    copy = copy_of(relay, site, receipt)
    assert copy.status == "failed"
    assert copy.recipient.reason["code"] == "too-many-tries"


# --- copies of which nobody knows -----------------------------------------------------------


def lose(relay: Relay, site: Site, clock: FakeClock, **given: object) -> Receipt:
    """A message whose worker is killed while it is on the wire."""
    receipt = accept(relay, site, **given)
    start(relay, claim(relay))
    clock.advance(seconds=1)
    return receipt


def hear_of_others(relay: Relay, site: Site, clock: FakeClock, silent: int = 0) -> None:
    """Mail that left later, and the news of it that came in; of `silent` copies none came."""
    accept(relay, site, to=[f"later{n}@customer.example" for n in range(10 + silent)])
    for copy in deliver_due(relay)[silent:]:
        tell(relay, "Delivery", copy)
    clock.advance(minutes=2)


def test_a_copy_whose_worker_died_becomes_unknown_after_its_time(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = lose(relay, site, clock)
    pass_time(clock, GO_WITHIN + relay.settings.mailer_timeout + MARGIN - timedelta(seconds=2))
    settle(relay)
    assert status(relay, site, receipt) == "sending"
    clock.advance(seconds=1)
    settle(relay)
    copy = copy_of(relay, site, receipt)
    assert (copy.status, copy.attempts[0].state) == ("unknown", AttemptState.UNKNOWN)
    assert copy.recipient.reason["code"] == "worker-lost"


@pytest.mark.parametrize("given", [{}, {"kind": Kind.SECURITY}], ids=["transactional", "protected"])
def test_when_no_news_comes_though_others_were_heard_of_it_goes_out_again(
    given: dict[str, object], relay: Relay, site: Site, clock: FakeClock, mailer: FakeMailer
) -> None:
    receipt = lose(relay, site, clock, **given)
    hear_of_others(relay, site, clock)
    mailer.sent.clear()
    settle(relay)
    assert deliver_due(relay) == []  # the settling window is not over

    pass_time(clock, relay.settings.settle_after)
    settle(relay)
    deliver_due(relay)

    assert [copy.recipient for copy in mailer.sent] == ["ada@customer.example"]
    copy = copy_of(relay, site, receipt)
    assert copy.status == "sent"
    assert [each.state for each in copy.attempts] == [AttemptState.UNKNOWN, AttemptState.ACCEPTED]


def test_while_SNS_is_silent_about_everybody_nothing_is_decided(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = lose(relay, site, clock)
    for _ in range(6):
        pass_time(clock, relay.settings.settle_after)
        accept(relay, site, to=["later@customer.example"])
        deliver_due(relay)
        settle(relay)
        assert status(relay, site, receipt) == "unknown"


def test_when_too_much_of_later_mail_is_silent_nothing_is_decided(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = lose(relay, site, clock)
    hear_of_others(relay, site, clock, silent=2)
    pass_time(clock, relay.settings.settle_after)
    settle(relay)
    assert status(relay, site, receipt) == "unknown"


@pytest.mark.parametrize("stream", [Stream.NOTIFICATION, Stream.MARKETING])
def test_a_newsletter_is_never_sent_twice(
    stream: Stream, relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = lose(relay, site, clock, stream=stream)
    hear_of_others(relay, site, clock)
    pass_time(clock, relay.settings.settle_after)
    settle(relay)
    assert status(relay, site, receipt) == "unknown"

    pass_time(clock, REPORT_WITHIN)
    settle(relay)

    copy = copy_of(relay, site, receipt)
    assert copy.status == "unconfirmed"
    assert "may have arrived" in copy.recipient.reason["title"]
    assert [event.type for event in copy.events] == ["unconfirmed"]


def test_an_unknown_copy_that_is_worth_nothing_any_more_is_not_sent_again(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = lose(relay, site, clock, expires_at=clock.now + timedelta(minutes=5))
    hear_of_others(relay, site, clock)
    pass_time(clock, relay.settings.settle_after)
    settle(relay)
    assert status(relay, site, receipt) == "unconfirmed"


def test_news_settles_an_unknown_copy(relay: Relay, site: Site, clock: FakeClock) -> None:
    receipt = accept(relay, site)
    (envelope,) = start(relay, claim(relay))
    record(relay, Result(envelope, error=SILENT))

    tell(relay, "Delivery", envelope)

    copy = copy_of(relay, site, receipt)
    assert (copy.status, copy.recipient.stage) == ("delivered", Stage.DONE)
    assert copy.attempts[0].state is AttemptState.ACCEPTED
    assert copy.recipient.reason is None
    pass_time(clock, REPORT_WITHIN * 2)
    settle(relay)
    assert status(relay, site, receipt) == "delivered"


def test_news_of_the_first_attempt_stops_the_second(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    (envelope,) = start(relay, claim(relay))
    record(relay, Result(envelope, error=SILENT))
    hear_of_others(relay, site, clock)
    pass_time(clock, relay.settings.settle_after)
    settle(relay)
    assert status(relay, site, receipt) == "queued"

    claimed = claim(relay)  # even a worker that holds it already does not send it any more
    tell(relay, "Delivery", envelope)

    assert start(relay, claimed) == []
    assert status(relay, site, receipt) == "delivered"


def test_an_acceptance_that_comes_late_stops_the_repetition(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    (envelope,) = start(relay, claim(relay))
    pass_time(clock, timedelta(minutes=1))
    settle(relay)
    hear_of_others(relay, site, clock)
    pass_time(clock, relay.settings.settle_after)
    settle(relay)

    record(relay, Result(envelope, provider_id="0100-late"))

    assert deliver_due(relay) == []
    copy = copy_of(relay, site, receipt)
    assert (copy.status, copy.attempts[0].provider_id) == ("sent", "0100-late")


@pytest.mark.parametrize(
    "late", [BUSY, REFUSED, SILENT, None], ids=["busy", "refused", "silent", "ok"]
)
def test_a_late_result_of_an_old_attempt_does_not_touch_the_new_one(
    late: Exception | None, relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    (first,) = start(relay, claim(relay))
    pass_time(clock, timedelta(minutes=1))
    settle(relay)
    hear_of_others(relay, site, clock)
    pass_time(clock, relay.settings.settle_after)
    settle(relay)
    (second,) = start(relay, claim(relay))

    record(
        relay,
        Result(first, provider_id="0100-first") if late is None else Result(first, error=late),
    )

    copy = copy_of(relay, site, receipt)
    assert (copy.recipient.stage, copy.recipient.attempt_id) == (Stage.SENDING, second.attempt_id)
    record(relay, Result(second, provider_id="0100-second"))
    assert status(relay, site, receipt) == "sent"


# --- news that comes before our own record --------------------------------------------------


@pytest.mark.parametrize(
    "error", [None, BUSY, SILENT, REFUSED], ids=["ok", "busy", "silent", "refused"]
)
def test_an_event_that_overtakes_our_own_record_wins(
    error: Exception | None, relay: Relay, site: Site
) -> None:
    receipt = accept(relay, site)
    (envelope,) = start(relay, claim(relay))
    tell(relay, "Bounce", envelope)

    record(relay, Result(envelope, "0100") if error is None else Result(envelope, error=error))

    copy = copy_of(relay, site, receipt)
    assert (copy.status, copy.recipient.stage) == ("bounced", Stage.DONE)
    assert copy.recipient.reason["title"] == "The mailbox does not exist"
    assert copy.attempts[0].state is AttemptState.ACCEPTED
    assert deliver_due(relay) == []


# --- sent, and then nothing -----------------------------------------------------------------


def test_a_sent_copy_of_which_nothing_is_heard_ends_as_no_report(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    silent = accept(relay, site)
    deliver_due(relay)
    deferred, delivered = (
        accept(relay, site, to=["d@customer.example"]),
        accept(relay, site, to=["e@customer.example"]),
    )
    one, other = sorted(deliver_due(relay), key=lambda copy: copy.recipient)
    tell(relay, "DeliveryDelay", one)
    tell(relay, "Delivery", other)

    def close() -> list[str]:
        with relay.sessions.begin() as session:
            delivery.close_silent(session, now=relay.clock())
        return [status(relay, site, each) for each in (silent, deferred, delivered)]

    pass_time(clock, REPORT_WITHIN - timedelta(seconds=1))
    assert close() == ["sent", "deferred", "delivered"]
    clock.advance(seconds=1)
    assert close() == ["no_report", "no_report", "delivered"]
    assert close() == ["no_report", "no_report", "delivered"]
    assert [event.type for event in copy_of(relay, site, silent).events] == ["no_report"]

    tell(relay, "Bounce", one)  # a bounce message may come days later
    assert status(relay, site, deferred) == "bounced"


def test_a_message_can_be_looked_up_with_all_its_copies(relay: Relay, site: Site) -> None:
    receipt = accept(relay, site, to=["ada@customer.example", "bob@customer.example"])
    deliver_due(relay)
    assert [copy.recipient.outcome for copy in find(relay, site, receipt).recipients] == [
        Outcome.SENT,
        Outcome.SENT,
    ]


def test_a_copy_that_may_have_left_does_not_end_as_never_sent(
    relay: Relay, site: Site, mailer: FakeMailer, clock: FakeClock
) -> None:
    # Given a copy whose first attempt nobody knows of, and which was put off ever since
    receipt = accept(relay, site)
    other = accept(relay, site, to=["bob@customer.example"])
    mailer.failures.append(MailerSilent("no answer"))
    deliver_due(relay)
    tell(relay, "Send", mailer.sent[-1])
    clock.advance(minutes=6)
    settle(relay)
    # When it has waited longer than it was worth
    clock.advance(hours=25)
    claim(relay)
    # Then nobody claims that it was not sent
    assert status(relay, site, receipt) == "unconfirmed"
    assert status(relay, site, other) == "sent"
