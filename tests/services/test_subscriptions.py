"""Only the person confirms; what they confirmed, refused or ended is kept and takes effect."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select, update

from relay.addresses import parse
from relay.context import Relay
from relay.errors import NotFound, Refused
from relay.models import (
    Confirmation,
    ConsentPerson,
    MailingList,
    Message,
    Site,
    Subscription,
    SubscriptionRequest,
    Suppression,
)
from relay.services import (
    challenges,
    confirmations,
    erasures,
    expiry,
    opt_outs,
    subscriptions,
    timelines,
)
from relay.services.challenges import Attempt, Challenge, Standing
from relay.services.resends import stored_draft
from relay.services.suppressions import suppress
from relay.vocabulary import (
    ConsentKind,
    RequestOutcome,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)
from relay.worker import Duties
from tests import factories
from tests.consent import (
    HERSELF,
    answer_due,
    asked_by_mail,
    confirm,
    ledger_of,
    mails,
    outcomes,
    refuse,
    sign_up,
)
from tests.fakes import FakeClock

ADA = parse("ada@customer.example")


def the_subscription(relay: Relay) -> Subscription:
    with relay.reads() as session:
        return session.scalars(select(Subscription)).one()


# --- yes ------------------------------------------------------------------------------------


def test_a_confirmed_subscription_is_kept_with_who_pressed_the_button(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    token = asked_by_mail(relay, site, language="de")
    clock.advance(hours=2)
    asked = confirm(relay, token)
    assert (asked.confirmed, asked.list_name, asked.site_name) == (True, news.name, "The shop")
    found = the_subscription(relay)
    assert (found.status, found.confirmed_at, found.language) == (
        SubscriptionStatus.CONFIRMED, clock(), "de",
    )  # fmt: skip
    row = ledger_of(relay)[-1]
    assert (row.kind, row.at, row.subscription_id) == (ConsentKind.CONFIRMED, clock(), found.id)
    assert row.facts["consent_text"] == "Yes, send me the shop's news."
    with relay.reads() as session:
        assert session.get_one(ConsentPerson, row.id).fields == {
            "address": "ada@customer.example", "ip": HERSELF.ip, "user_agent": HERSELF.user_agent,
        }  # fmt: skip
        assert session.get_one(Confirmation, (site.id, ADA.key)).at == clock()


def test_no_site_has_a_confirmation_sent_to_itself(
    relay: Relay, site: Site, news: MailingList
) -> None:
    sign_up(relay, site)
    answer_due(relay)
    with relay.reads() as session:
        id = session.scalars(select(Message.id).where(Message.site_id == site.id)).one()

    with relay.sessions.begin() as session, pytest.raises(Refused):
        stored_draft(session, site.id, id, recipients=[parse("site@shop.example")])
    with relay.reads() as session:
        assert not timelines.find(session, site.id, id).is_resendable


def test_pressing_again_changes_nothing(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    token = asked_by_mail(relay, site)
    confirm(relay, token)
    at, rows = the_subscription(relay).confirmed_at, len(ledger_of(relay))
    clock.advance(hours=1)
    assert confirm(relay, token).confirmed
    assert (the_subscription(relay).confirmed_at, len(ledger_of(relay))) == (at, rows)


def test_each_of_two_mails_confirms(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    first = asked_by_mail(relay, site, consent_version="1")
    clock.advance(hours=1)
    second = asked_by_mail(relay, site, consent_version="2")
    confirm(relay, first)
    assert the_subscription(relay).source["consent_version"] == "1"
    confirm(relay, second)
    assert the_subscription(relay).source["consent_version"] == "2"


def test_a_link_works_for_seven_days(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    early, late = (asked_by_mail(relay, site, who) for who in ("a@x.example", "b@x.example"))
    clock.advance(days=7, seconds=-1)
    confirm(relay, early)
    clock.advance(seconds=1)
    with pytest.raises(NotFound):
        confirm(relay, late)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 10_000, "ü\0"])
def test_what_is_no_link_of_ours_opens_nothing(
    token: str, relay: Relay, site: Site, news: MailingList
) -> None:
    asked_by_mail(relay, site)
    with pytest.raises(NotFound):
        confirm(relay, token)


def test_a_used_link_does_not_bring_back_who_has_left(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    token = asked_by_mail(relay, site)
    confirm(relay, token)
    assert leave(relay, site, news)
    with pytest.raises(NotFound):
        confirm(relay, token)
    assert the_subscription(relay).status is SubscriptionStatus.UNSUBSCRIBED


def leave(relay: Relay, site: Site, news: MailingList) -> bool:
    with relay.sessions.begin() as session:
        return subscriptions.unsubscribe_list(
            session, relay.settings.keyring, site_id=site.id, list_id=news.id, address=ADA,
            visitor=HERSELF, by="page", now=relay.clock(),
        )  # fmt: skip


def test_leaving_is_kept_and_a_fresh_sign_up_leads_back(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    confirm(relay, asked_by_mail(relay, site))
    assert (leave(relay, site, news), leave(relay, site, news)) == (True, False)
    assert (ledger_of(relay)[-1].kind, ledger_of(relay)[-1].facts) == (
        ConsentKind.WITHDRAWN, {"by": "page"},
    )  # fmt: skip
    token = asked_by_mail(relay, site)
    assert the_subscription(relay).status is SubscriptionStatus.UNSUBSCRIBED
    confirm(relay, token)
    found = the_subscription(relay)
    assert (found.status, found.ended_at, found.ending) == (
        SubscriptionStatus.CONFIRMED, None, None,
    )  # fmt: skip


def test_a_fresh_opt_in_takes_back_what_the_person_had_stopped(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    """Opt-outs of this list and of newsletters, a complaint from before, and an erasure; no more."""
    keyring = relay.settings.keyring
    kept = (opt_outs.NOTIFICATION, "list:00000000-0000-7000-8000-000000000009")
    with relay.sessions.begin() as session:
        erasures.erase(session, keyring, site_id=site.id, address=ADA, now=clock())
        for topic in (opt_outs.MARKETING, opt_outs.of_list(news.id), *kept):
            opt_outs.opt_out(session, site.id, ADA, topic, evidence={}, now=clock())
        for reason in (SuppressionReason.COMPLAINT, SuppressionReason.MANUAL):
            suppress(
                session, account_id=site.account_id, site_id=site.id, address=ADA, reason=reason,
                scope=SuppressionScope.PROMOTIONAL, evidence={}, now=clock(),
            )  # fmt: skip
        manual = session.scalars(
            select(Suppression).where(Suppression.reason == SuppressionReason.MANUAL)
        ).one()
        manual.ended_at = clock()
    clock.advance(days=30)
    token = asked_by_mail(relay, site)
    with relay.sessions.begin() as session:
        session.get_one(Suppression, manual.id).ended_at = None
    confirm(relay, token)
    with relay.reads() as session:
        assert opt_outs.topics_of(session, site.id, ADA) == set(kept)
        assert not erasures.is_erased(session, keyring, site.id, [ADA])
        found = {each.reason: each for each in session.scalars(select(Suppression))}
    complaint = found[SuppressionReason.COMPLAINT]
    assert (complaint.ending, complaint.ended_at) == ("opted-in", clock())
    assert complaint.provider_due_at == clock()
    assert found[SuppressionReason.MANUAL].ended_at is None


def test_a_complaint_about_the_confirmation_mail_itself_is_not_taken_back_by_its_link(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    token = asked_by_mail(relay, site)
    clock.advance(minutes=5)
    with relay.sessions.begin() as session:
        suppress(
            session, account_id=site.account_id, site_id=site.id, address=ADA,
            reason=SuppressionReason.COMPLAINT, scope=SuppressionScope.ALL, evidence={},
            now=clock(),
        )  # fmt: skip
    confirm(relay, token)
    with relay.reads() as session:
        assert session.scalars(select(Suppression)).one().ended_at is None


# --- no -------------------------------------------------------------------------------------


def test_not_me_leaves_nothing_for_the_site_to_see(
    relay: Relay, site: Site, news: MailingList
) -> None:
    token = asked_by_mail(relay, site)
    before = vars(the_subscription(relay)).copy()
    refuse(relay, token)
    refuse(relay, token)
    after = vars(the_subscription(relay)).copy()
    assert {**before, "_sa_instance_state": 0} == {**after, "_sa_instance_state": 0}
    assert {row.kind for row in ledger_of(relay)} == {ConsentKind.REQUESTED, ConsentKind.SENT}
    with pytest.raises(NotFound):
        confirm(relay, token)


def test_not_me_after_all_ends_what_was_confirmed_by_the_same_link(
    relay: Relay, site: Site, news: MailingList
) -> None:
    token = asked_by_mail(relay, site)
    confirm(relay, token)
    assert refuse(relay, token).refused
    refuse(relay, token)
    withdrawn = [row for row in ledger_of(relay) if row.kind is ConsentKind.WITHDRAWN]
    assert [row.facts for row in withdrawn] == [{"by": "not-me"}]
    assert the_subscription(relay).status is SubscriptionStatus.UNSUBSCRIBED


def test_not_me_on_a_stranger_s_later_sign_up_leaves_a_subscriber_subscribed(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    first = asked_by_mail(relay, site)
    clock.advance(hours=1)
    second = asked_by_mail(relay, site)
    confirm(relay, first)
    refuse(relay, second)
    assert the_subscription(relay).status is SubscriptionStatus.CONFIRMED


# --- nothing --------------------------------------------------------------------------------


def test_who_never_confirms_expires_and_is_then_forgotten(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    asked_by_mail(relay, site, "silent@customer.example")
    confirm(relay, asked_by_mail(relay, site))
    clock.advance(days=7, seconds=-1)
    Duties(relay).run_once()
    assert statuses(relay)["silent@customer.example"] is SubscriptionStatus.UNCONFIRMED
    clock.advance(seconds=1)
    Duties(relay).run_once()
    assert statuses(relay)["silent@customer.example"] is SubscriptionStatus.EXPIRED
    clock.advance(days=23)
    Duties(relay).run_once()
    assert statuses(relay) == {"ada@customer.example": SubscriptionStatus.CONFIRMED}
    with relay.reads() as session:
        people = session.scalars(select(ConsentPerson.address_key)).all()
        assert set(people) == {"ada@customer.example"}
        assert session.scalar(select(func.count()).select_from(SubscriptionRequest)) == 0
    assert len(ledger_of(relay)) == 5


def statuses(relay: Relay) -> dict[str, SubscriptionStatus]:
    with relay.reads() as session:
        rows = session.execute(select(Subscription.address, Subscription.status))
        return {row.address: row.status for row in rows}


def test_who_signs_up_again_does_not_expire_with_the_first_link(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    asked_by_mail(relay, site)
    clock.advance(days=5)
    token = asked_by_mail(relay, site)
    clock.advance(days=5)
    with relay.sessions.begin() as session:
        assert expiry.expire(session, now=clock()) == 0
    confirm(relay, token)


def test_who_expired_may_sign_up_again(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    asked_by_mail(relay, site)
    clock.advance(days=8)
    Duties(relay).run_once()
    confirm(relay, asked_by_mail(relay, site))
    assert the_subscription(relay).status is SubscriptionStatus.CONFIRMED


# --- the challenge --------------------------------------------------------------------------


@pytest.fixture
def token(relay: Relay, site: Site, news: MailingList) -> str:
    """The challenge of the eleventh at a form within the hour."""
    for n in range(10):
        sign_up(relay, site, f"p{n}@customer.example")
    with relay.sessions.begin() as session:
        session.execute(update(SubscriptionRequest).values(due_at=None, person=None))
    token = sign_up(relay, site)
    assert token is not None
    return token


def look(relay: Relay, token: str) -> Challenge:
    with relay.reads() as session:
        return challenges.look(session, relay.settings.keyring, token, now=relay.clock())


def solve(
    relay: Relay, token: str, said: str, stamp: str, clock: FakeClock, *, bait: str = ""
) -> Challenge:
    clock.advance(seconds=3)
    with relay.sessions.begin() as session:
        return challenges.solve(
            session, relay.settings.keyring, token, Attempt(said, bait, stamp), now=clock()
        )


def test_the_right_answer_sends_the_mail_at_once(
    relay: Relay, token: str, clock: FakeClock
) -> None:
    assert mails(relay) == []
    shown = look(relay, token)
    found = solve(relay, token, str(shown.question.answer), shown.stamp, clock)
    assert found.standing is Standing.SOLVED
    assert [mail.to for mail in mails(relay)] == ["ada@customer.example"]
    assert solve(relay, token, "", shown.stamp, clock).standing is Standing.SOLVED
    clock.advance(hours=2)
    assert mails(relay) == []


def test_wrong_answers_bring_new_questions_five_at_most(
    relay: Relay, token: str, clock: FakeClock
) -> None:
    questions = []
    shown = look(relay, token)
    for _ in range(5):
        assert shown.standing is Standing.OPEN
        questions.append(shown.question)
        shown = solve(relay, token, "0", shown.stamp, clock)
    assert shown.standing is Standing.SPENT
    assert all(one != other for one, other in pairwise(questions))
    right = look(relay, token)
    late = solve(relay, token, str(right.question.answer), right.stamp, clock)
    assert late.standing is Standing.SPENT
    assert mails(relay) == []
    clock.advance(hours=1)
    assert len(mails(relay)) == 1


def test_a_program_that_fills_in_everything_or_answers_at_once_is_not_believed(
    relay: Relay, token: str, clock: FakeClock
) -> None:
    shown = look(relay, token)
    right = str(shown.question.answer)
    baited = solve(relay, token, right, shown.stamp, clock, bait="https://spam.example")
    assert baited.standing is Standing.OPEN
    with relay.sessions.begin() as session:
        quick = challenges.solve(
            session, relay.settings.keyring, token,
            Attempt(str(baited.question.answer), "", baited.stamp), now=clock(),
        )  # fmt: skip
    assert quick.standing is Standing.OPEN
    assert mails(relay) == []


def test_only_the_question_shown_last_counts(relay: Relay, token: str, clock: FakeClock) -> None:
    first = look(relay, token)
    solve(relay, token, "0", first.stamp, clock)
    for stamp in (first.stamp, "", "forged"):
        again = solve(relay, token, str(first.question.answer), stamp, clock)
        assert again.standing is Standing.OPEN
        assert again.question == look(relay, token).question


def test_the_challenge_does_not_tell_who_may_be_written_to(
    relay: Relay, site: Site, token: str, clock: FakeClock
) -> None:
    for _ in range(2):
        sign_up(relay, site, "often@customer.example", form="elsewhere")
    mails(relay)
    often = sign_up(relay, site, "often@customer.example")
    assert often is not None
    pages = []
    for each in (token, often):
        shown = look(relay, each)
        found = solve(relay, each, str(shown.question.answer), shown.stamp, clock)
        pages.append((found.site_name, found.language, found.standing))
    assert pages[0] == pages[1]
    assert [mail.to for mail in mails(relay)] == ["ada@customer.example"]


def test_a_challenge_lasts_a_day(relay: Relay, token: str, clock: FakeClock) -> None:
    clock.advance(days=1)
    with pytest.raises(NotFound):
        look(relay, token)


@pytest.mark.parametrize(("solved", "goes"), [(49, 1), (50, 0)])
def test_fifty_who_solve_it_in_an_hour_go_before_the_queue(
    solved: int, goes: int, relay: Relay, site: Site, token: str, clock: FakeClock
) -> None:
    for n in range(solved):
        sign_up(relay, site, f"s{n}@customer.example")
    with relay.sessions.begin() as session:
        session.execute(
            update(SubscriptionRequest)
            .where(
                SubscriptionRequest.id.in_(
                    select(SubscriptionRequest.id)
                    .order_by(SubscriptionRequest.id.desc())
                    .limit(solved)
                )
            )
            .values(due_at=None, solved_at=clock())
        )
    shown = look(relay, token)
    solve(relay, token, str(shown.question.answer), shown.stamp, clock)
    assert len(mails(relay)) == goes


def test_a_sign_up_from_a_crowd_goes_only_by_the_challenge(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    tokens = [
        sign_up(relay, site, f"p{n}@customer.example", form=f"f{n}", ip="203.0.113.1")
        for n in range(7)
    ]
    assert len(mails(relay)) == 5
    first = tokens[5]
    assert first is not None
    shown = look(relay, first)
    solve(relay, first, str(shown.question.answer), shown.stamp, clock)
    assert [mail.to for mail in mails(relay)] == ["p5@customer.example"]
    clock.advance(days=1)
    answer_due(relay)
    assert outcomes(relay)[-1] is RequestOutcome.DROPPED


def test_links_and_challenges_outlive_a_change_of_keys(
    relay: Relay, site: Site, news: MailingList
) -> None:
    token = asked_by_mail(relay, site)
    old = relay.settings.keyring
    new = type(old)({**old.keys, 2: b"n" * 32})
    with relay.sessions.begin() as session:
        asked = subscriptions.confirm(session, new, token, HERSELF, now=relay.clock())
    assert asked.confirmed


def test_limits_outlive_a_change_of_keys(relay: Relay, site: Site, news: MailingList) -> None:
    for _ in range(2):
        asked_by_mail(relay, site)
    sign_up(relay, site)
    old = relay.settings.keyring
    new = type(old)({**old.keys, 2: b"n" * 32})
    with relay.sessions.begin() as session:
        confirmations.answer_due(session, new, public_url="https://r.example", now=relay.clock())
    assert outcomes(relay)[-1] is RequestOutcome.LIMITED


def test_lists_come_in_pages(relay: Relay, site: Site, news: MailingList, clock: FakeClock) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_list(session, site, key="offers")
        for n in range(5):
            factories.make_subscription(session, news, f"p{n}@customer.example")
        factories.make_subscription(session, other, "ada@customer.example")
    seen, cursor = [], None
    with relay.reads() as session:
        while True:
            page = subscriptions.page(
                session, site.id, limit=2, list_key="news",
                before=None if cursor is None else cursor,
            )  # fmt: skip
            seen += [each.address for each, _ in page.entries]
            if page.next_cursor is None:
                break
            cursor = page.entries[-1][0].id
        found = subscriptions.page(session, site.id, limit=9, address=parse("Ada@Customer.example"))
    assert seen == [f"p{n}@customer.example" for n in (4, 3, 2, 1, 0)]
    assert [key for _, key in found.entries] == ["offers"]
    assert timedelta(days=7) == confirmations.LINK_LASTS
