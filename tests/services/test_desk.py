"""Operators are told what waits for them: when something new does, and once an hour at most."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from relay.addresses import parse
from relay.context import Relay
from relay.models import Account, AccountRequest, Message, Review, Site
from relay.services import abuse_reports, actions, appeals, desk, reviews
from relay.services.actions import Order, Subject
from relay.services.person_links import PersonLink
from relay.vocabulary import (
    AbuseDecision,
    AbuseReason,
    Cause,
    Decision,
    ReviewKind,
    State,
    Verb,
)
from relay.worker import Duties
from tests import factories
from tests.connecting import letters_to
from tests.fakes import FakeClock
from tests.steps import accept

ADA, BOB = "ada@relay.example", "bob@relay.example"
SUBJECT, PERSON = "A secret offer", "person@customer.example"


@pytest.fixture
def relay(relay: Relay) -> Relay:
    """A relay with one operator who gets letters."""
    return named(relay, ADA)


def named(relay: Relay, *operators: str) -> Relay:
    """The relay with these operators."""
    return replace(relay, settings=replace(relay.settings, operator_emails=operators))


def tell(relay: Relay) -> int:
    """The worker's duty; how many letters were written."""
    with relay.sessions.begin() as session:
        return desk.tell_operators(relay, session, now=relay.clock())


# --- what may wait --------------------------------------------------------------------------


def hold(relay: Relay, site: Site, *, begun: datetime | None = None) -> None:
    """A mail is held; the transaction began then, if that was a while ago."""
    receipt = accept(relay, site, to=[PERSON], Subject=SUBJECT)
    with relay.sessions.begin() as session:
        message = session.get_one(Message, UUID(receipt["id"]))
        kind = ReviewKind.CAMPAIGN_IN_DISGUISE
        review = reviews.open_review(session, message, kind, people=1, now=begun or relay.clock())
        reviews.hold(session, review, [UUID(receipt["recipients"][0]["id"])])


def appeal(relay: Relay, site: Site) -> None:
    """An owner appeals."""
    sender, now = relay.settings.house_sender, relay.clock()
    with relay.sessions.begin() as session:
        order = Order(Verb.WARN, "operator:ada", "x", Cause.SPAM)
        actions.act(session, Subject(site_id=site.id), order, sender=sender, now=now)
        appeals.appeal(session, site.account_id, site.id, SUBJECT, sender=sender, now=now)


def report(
    relay: Relay, site: Site, who: str = PERSON, reason: AbuseReason = AbuseReason.FRAUD
) -> UUID:
    """Somebody reports a mail."""
    link = PersonLink(site.id, parse(who), "marketing")
    with relay.sessions.begin() as session:
        return abuse_reports.report(
            session, link, reason=reason, comment=SUBJECT, evidence={}, now=relay.clock()
        )


def close(relay: Relay, report_id: UUID) -> None:
    """An operator dismisses a report."""
    with relay.sessions.begin() as session:
        abuse_reports.close(
            session, report_id, AbuseDecision.DISMISSED, because="x", by="operator:ada",
            now=relay.clock(),
        )  # fmt: skip


def ask_for_an_account(relay: Relay, _site: Site) -> None:
    """Somebody asks for an account."""
    with relay.sessions.begin() as session:
        account = factories.make_account(session, name=SUBJECT, state=State.PENDING)
        account.created_at = relay.clock()
        session.add(
            AccountRequest(
                account_id=account.id, at=relay.clock(), site_url="https://new.example",
                expected_daily=50, purpose=SUBJECT, network=None,
            )
        )  # fmt: skip


def list_a_domain(relay: Relay, site: Site) -> None:
    """A sending domain is found on a block list."""
    with relay.sessions.begin() as session:
        domain = factories.make_domain(
            session, session.get_one(Account, site.account_id), "b.example"
        )
        domain.review = {"code": "listed", "since": relay.clock().isoformat()}


CASES: list[tuple[Callable[[Relay, Site], object], str, str]] = [
    (hold, "Held mail: 1, of them 1 new", "python -m relay held list"),
    (appeal, "Appeals: 1, of them 1 new", "python -m relay appeals list"),
    (report, "Reports of abuse: 1, of them 1 new", "python -m relay abuse list --open"),
    (
        ask_for_an_account, "Accounts to approve: 1, of them 1 new",
        "python -m relay account list --state pending",
    ),
    (
        list_a_domain, "Sending domains to look at: 1, of them 1 new",
        "python -m relay domain list --review",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("comes", "what", "command"), CASES, ids=[each[0].__name__ for each in CASES]
)
def test_an_operator_hears_what_waits_since_when_and_how_to_see_it(
    comes: Callable[[Relay, Site], object], what: str, command: str,
    relay: Relay, site: Site, clock: FakeClock,
) -> None:  # fmt: skip
    comes(relay, site)
    clock.advance(minutes=5)
    assert tell(relay) == 1

    (letter,) = letters_to(relay, ADA)
    assert what in letter
    assert "the oldest since Sunday, 22 November 2026, 09:00 UTC" in letter
    assert command in letter
    assert [other for _, other, _ in CASES if other in letter] == [what]
    for private in (SUBJECT, PERSON, "owner@shop.example", "new.example", "b.example"):
        assert private not in letter


def test_an_appeal_says_by_when_an_answer_was_promised(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    appeal(relay, site)
    clock.advance(minutes=5)
    tell(relay)
    assert "promised by Tuesday, 24 November 2026, 09:00 UTC" in letters_to(relay, ADA)[0]


def test_where_nothing_waits_nothing_is_written(relay: Relay, site: Site, clock: FakeClock) -> None:
    accept(relay, site)
    clock.advance(hours=1)
    assert tell(relay) == 0
    assert letters_to(relay, ADA) == []


def test_what_comes_together_is_told_together(relay: Relay, site: Site, clock: FakeClock) -> None:
    hold(relay, site)
    clock.advance(minutes=4)
    report(relay, site)
    assert tell(relay) == 0
    clock.advance(minutes=5)
    assert tell(relay) == 1
    (letter,) = letters_to(relay, ADA)
    assert "Held mail: 1" in letter
    assert "Reports of abuse: 1" in letter


def test_however_much_comes_there_is_one_letter_an_hour(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    written = 0
    for minute in range(180):
        report(relay, site, f"p{minute}@customer.example")
        written += tell(relay)
        clock.advance(minutes=1)
    assert written == 3
    assert "Reports of abuse: 121, of them 60 new" in letters_to(relay, ADA)[-1]


def test_what_still_waits_is_not_told_again_until_something_new_comes(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    hold(relay, site)
    clock.advance(minutes=5)
    assert tell(relay) == 1
    for _ in range(48):
        clock.advance(hours=1)
        assert tell(relay) == 0

    report(relay, site)
    clock.advance(minutes=5)
    assert tell(relay) == 1
    letter = letters_to(relay, ADA)[-1]
    assert "Held mail: 1; the oldest since Sunday, 22 November 2026, 09:00 UTC" in letter
    assert "Reports of abuse: 1, of them 1 new" in letter


def test_what_somebody_has_seen_to_is_not_told(relay: Relay, site: Site, clock: FakeClock) -> None:
    hold(relay, site)
    close(relay, report(relay, site))
    with relay.sessions.begin() as session:
        review = session.scalars(select(Review)).one()
        reviews.decide(session, review.id, Decision.REJECTED, because="x", now=clock())
    clock.advance(minutes=5)
    assert tell(relay) == 0


def test_a_report_that_is_open_again_is_told_as_a_new_one_is(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    id = report(relay, site)
    clock.advance(minutes=5)
    assert tell(relay) == 1
    close(relay, id)
    clock.advance(hours=2)

    report(relay, site)  # once more for the same reason: it stays closed
    clock.advance(minutes=5)
    assert tell(relay) == 0

    assert report(relay, site, reason=AbuseReason.NEVER_SIGNED_UP) == id
    clock.advance(minutes=5)
    assert tell(relay) == 1
    letter = letters_to(relay, ADA)[-1]
    assert "Reports of abuse: 1, of them 1 new" in letter
    assert "the oldest since Sunday, 22 November 2026, 11:10 UTC" in letter


def test_a_report_that_is_put_right_while_it_waits_is_not_new(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    report(relay, site)
    clock.advance(minutes=5)
    assert tell(relay) == 1
    clock.advance(hours=2)

    report(relay, site, reason=AbuseReason.NEVER_SIGNED_UP)
    clock.advance(minutes=5)
    assert tell(relay) == 0


def test_held_mail_that_is_over_waits_for_nobody(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    hold(relay, site)
    clock.advance(hours=25)
    with relay.sessions.begin() as session:
        assert reviews.expire(session, now=clock()) == 1
    assert tell(relay) == 0


def test_what_was_begun_before_a_letter_and_is_there_only_after_it_is_told_too(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    hold(relay, site)
    clock.advance(minutes=10)
    begun = clock()
    assert tell(relay) == 1
    hold(relay, site, begun=begun - timedelta(minutes=4))
    clock.advance(hours=1)
    assert tell(relay) == 1
    assert "Held mail: 2, of them 1 new" in letters_to(relay, ADA)[-1]


def test_each_operator_gets_the_letter(relay: Relay, site: Site, clock: FakeClock) -> None:
    hold(relay, site)
    clock.advance(minutes=5)
    assert tell(named(relay, ADA, BOB)) == 2
    assert letters_to(relay, ADA) == letters_to(relay, BOB) != []


def test_while_nobody_is_named_nothing_counts_as_told(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    hold(relay, site)
    clock.advance(hours=12)
    assert tell(named(relay)) == 0
    assert tell(relay) == 1


def test_workers_who_look_at_once_write_one_letter(shared: Relay, clock: FakeClock) -> None:
    site, _ = factories.make_shop(shared)
    report(shared, site)
    clock.advance(minutes=5)
    relay, start = named(shared, ADA), threading.Barrier(4)

    def work() -> None:
        start.wait()
        tell(relay)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(letters_to(shared, ADA)) == 1


def test_it_is_one_of_the_worker_s_duties(relay: Relay, site: Site, clock: FakeClock) -> None:
    hold(relay, site)
    clock.advance(minutes=5)
    Duties(relay).run_once()
    assert len(letters_to(relay, ADA)) == 1
