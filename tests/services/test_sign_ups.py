"""Sign-ups: kept and answered alike, then decided person by person, within limits that hold."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from relay.context import Relay
from relay.errors import AccountPending, AccountSuspended, NotFound, SenderNotVerified
from relay.models import (
    Account,
    ConsentPerson,
    Domain,
    MailingList,
    Site,
    Subscription,
    SubscriptionRequest,
    UnknownAddress,
)
from relay.services import confirmations, lists, opt_outs
from relay.services.sign_ups import page_of
from relay.services.suppressions import suppress
from relay.vocabulary import (
    ConsentKind,
    DomainStatus,
    RequestOutcome,
    State,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)
from tests import factories
from tests.consent import (
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

ADA = factories.make_sign_up().address
SENT, LIMITED = RequestOutcome.SENT, RequestOutcome.LIMITED
DROPPED, KNOWN = RequestOutcome.DROPPED, RequestOutcome.KNOWN


# --- the mail -------------------------------------------------------------------------------


def test_a_sign_up_becomes_one_mail_that_says_who_asks_and_why(
    relay: Relay, site: Site, news: MailingList
) -> None:
    assert sign_up(relay, site, name="Ada", page="https://shop.example/news?ref=mail#top") is None
    (mail,) = mails(relay)
    assert mail.message["From"] == "The shop <news@shop.example>"
    assert mail.message["To"] == mail.to == "ada@customer.example"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    for text in (mail.part("plain"), mail.part("html")):
        for told in (
            "Hello Ada,", news.name, "The shop", "https://shop.example/news (Sunday, 22 November",
            "hopefully you", f"/confirm/{mail.token}", f"/not-me/{mail.token}", "Shop Ltd",
            "1 Market Street", news.privacy_url,
        ):  # fmt: skip
            assert told in text
        assert "?ref" not in text


def test_the_mail_has_no_picture_and_leads_nowhere_else(
    relay: Relay, site: Site, news: MailingList
) -> None:
    sign_up(relay, site)
    (mail,) = mails(relay)
    html = mail.part("html")
    links = {part.partition('"')[0] for part in html.split('href="')[1:]}
    base = relay.settings.public_url
    assert links == {
        f"{base}/confirm/{mail.token}", f"{base}/not-me/{mail.token}", news.privacy_url,
    }  # fmt: skip
    assert not any(tag in html for tag in ("<img", "<script", "<link", "url(", "@import"))


@pytest.mark.parametrize(
    "name", ["Win at https://evil.example", "Ada\r\nBcc: x@evil.example", "x" * 61]
)
def test_a_name_that_is_none_stays_out_of_the_mail(
    name: str, relay: Relay, site: Site, news: MailingList
) -> None:
    sign_up(relay, site, name=name)
    (mail,) = mails(relay)
    assert "Hello," in mail.part("plain")
    assert "evil" not in mail.message.as_string()


@pytest.mark.parametrize(
    ("language", "header", "of_list", "spoken"),
    [
        ("de", "es", "ar", "de"), ("de-AT", None, "en", "de"), (None, "fr, es;q=0.5", "ar", "es"),
        ("fr", "id", "en", "id"), (None, "fr", "ar", "ar"), (None, None, "zh-Hant", "zh-Hant"),
        ("fr", None, "es", "es"),
    ],
)  # fmt: skip
def test_the_mail_speaks_the_visitor_s_language_else_the_list_s(
    language: str | None, header: str | None, of_list: str, spoken: str,
    relay: Relay, site: Site,
) -> None:  # fmt: skip
    with relay.sessions.begin() as session:
        factories.make_list(session, site, language=of_list)
    sign_up(relay, site, language=language, accept_language=header)
    (mail,) = mails(relay)
    assert f'<html lang="{spoken}"' in mail.part("html")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://shop.example/a?token=1#x", "https://shop.example/a"),
        ("https://ada:secret@shop.example/", "https://shop.example/"),
        ("javascript:alert(1)", ""), ("/news", ""), ("https://[bad", ""), ("", ""),
    ],
)  # fmt: skip
def test_of_a_page_only_its_place_is_kept(given: str, kept: str) -> None:
    assert page_of(given) == kept


# --- what is kept ---------------------------------------------------------------------------


def test_the_ledger_says_what_was_asked_and_sent_and_only_digests_of_links_are_stored(
    relay: Relay, site: Site, news: MailingList
) -> None:
    token = asked_by_mail(relay, site, ip="203.0.113.7", consent_text="Yes, news.")
    asked, sent = ledger_of(relay)
    assert (asked.kind, sent.kind) == (ConsentKind.REQUESTED, ConsentKind.SENT)
    assert asked.facts == {
        "form": "footer", "page": "https://shop.example/news", "consent_text": "Yes, news.",
        "consent_version": "3", "language": "en", "list": "news", "list_name": news.name,
        "controller": "Shop Ltd", "privacy_url": "https://shop.example/privacy",
    }  # fmt: skip
    with relay.reads() as session:
        person = session.get_one(ConsentPerson, asked.id)
        (request,) = session.scalars(select(SubscriptionRequest))
        (subscription,) = session.scalars(select(Subscription))
    assert person.fields == {
        "address": "ada@customer.example", "ip": "203.0.113.7", "user_agent": "Browser/1.0",
    }  # fmt: skip
    assert asked.subscription_id == sent.subscription_id == subscription.id
    assert subscription.status is SubscriptionStatus.UNCONFIRMED
    assert request.person is None
    stored = " ".join(str(value) for value in vars(request).values())
    for personal in (token, "ada@", "203.0.113", "Browser"):
        assert personal not in stored


def test_what_a_visitor_left_goes_as_soon_as_it_is_decided_also_where_no_mail_is_sent(
    relay: Relay, site: Site, news: MailingList
) -> None:
    for _ in range(3):
        sign_up(relay, site)
    answer_due(relay)
    with relay.reads() as session:
        found = session.scalars(select(SubscriptionRequest)).all()
        assert {each.person for each in found} == {None}
        assert {each.due_at for each in found} == {None}
    assert [row.kind for row in ledger_of(relay)].count(ConsentKind.REQUESTED) == 2


# --- the same for everybody -----------------------------------------------------------------


def known(relay: Relay, site: Site) -> None:
    confirm(relay, asked_by_mail(relay, site))


def limited(relay: Relay, site: Site) -> None:
    for _ in range(2):
        asked_by_mail(relay, site)


def invalid(relay: Relay, site: Site) -> None:
    suppressed(relay, site, SuppressionReason.INVALID_ADDRESS)


def complained(relay: Relay, site: Site) -> None:
    suppressed(relay, site, SuppressionReason.COMPLAINT, SuppressionScope.PROMOTIONAL)


def suppressed(
    relay: Relay, site: Site, reason: SuppressionReason, scope: Any = SuppressionScope.ALL
) -> None:
    with relay.sessions.begin() as session:
        suppress(
            session, account_id=site.account_id, site_id=site.id, address=ADA, reason=reason,
            scope=scope, evidence={}, now=relay.clock(),
        )  # fmt: skip


def unknown(relay: Relay, site: Site) -> None:
    now = relay.clock()
    with relay.sessions.begin() as session:
        session.add(
            UnknownAddress(
                address_key=ADA.key, since=now, until=now + timedelta(days=90), evidence={}
            )
        )


def refused(relay: Relay, site: Site) -> None:
    refuse(relay, asked_by_mail(relay, site))


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        (known, KNOWN), (limited, LIMITED), (invalid, DROPPED), (complained, DROPPED),
        (unknown, DROPPED), (refused, DROPPED),
    ],
)  # fmt: skip
def test_who_may_not_be_written_to_gets_no_mail_and_nobody_is_told(
    before: Any, outcome: RequestOutcome, relay: Relay, site: Site, news: MailingList,
    clock: FakeClock,
) -> None:  # fmt: skip
    before(relay, site)
    clock.advance(minutes=1)
    assert sign_up(relay, site) is None
    assert mails(relay) == []
    assert outcomes(relay)[-1] is outcome


def test_the_same_statements_run_whoever_signs_up(
    relay: Relay, site: Site, news: MailingList, connection: Any
) -> None:
    known(relay, site)
    invalid_at = factories.make_sign_up("gone@customer.example")
    with relay.sessions.begin() as session:
        suppress(
            session, account_id=site.account_id, site_id=site.id, address=invalid_at.address,
            reason=SuppressionReason.INVALID_ADDRESS, scope=SuppressionScope.ALL, evidence={},
            now=relay.clock(),
        )  # fmt: skip
    ran: list[list[str]] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "SAVEPOINT" not in statement:
            ran[-1].append(statement)

    event.listen(connection, "before_cursor_execute", note)
    try:
        for email in ("ada@customer.example", "gone@customer.example", "new@customer.example"):
            ran.append([])
            sign_up(relay, site, email, form=email)
    finally:
        event.remove(connection, "before_cursor_execute", note)
    assert len(ran[0]) >= 6
    assert ran[0] == ran[1] == ran[2]


def test_an_old_complaint_about_newsletters_lets_a_fresh_sign_up_through(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    complained(relay, site)
    clock.advance(days=30)
    sign_up(relay, site)
    assert len(mails(relay)) == 1


# --- limits on mailboxes --------------------------------------------------------------------


def test_two_hundred_sign_ups_for_one_victim_over_forms_and_accounts_send_two_mails_a_day(
    relay: Relay, clock: FakeClock
) -> None:
    """50 forms of 3 accounts; the address spelled with dots and tags."""
    shops = [factories.make_shop(relay)[0] for _ in range(3)]
    with relay.sessions.begin() as session:
        for shop in shops:
            factories.make_list(session, shop)

    def bomb(times: int) -> int:
        for n in range(times):
            dotted = "vic.tim" if n % 3 else "v.i.c.t.i.m"
            domain = "gmail.com" if n % 2 else "googlemail.com"
            sign_up(relay, shops[n % 3], f"{dotted}+{n}@{domain}", form=f"form {n % 50}")
        return len(mails(relay))

    assert bomb(200) == 2
    clock.advance(hours=23, minutes=59)
    assert bomb(6) == 0
    clock.advance(minutes=1)
    assert bomb(6) == 2
    assert set(outcomes(relay)) == {SENT, LIMITED}


def test_a_list_writes_three_times_in_thirty_days_and_another_list_still_may(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        factories.make_list(session, site, key="offers")
    sent = []
    for _ in range(5):
        sign_up(relay, site)
        sent.append(len(mails(relay)))
        clock.advance(days=2)
    assert sent == [1, 1, 1, 0, 0]
    sign_up(relay, site, list="offers")
    assert len(mails(relay)) == 1
    clock.advance(days=20)
    sign_up(relay, site)
    assert len(mails(relay)) == 1


def test_after_not_me_the_list_is_silent_for_thirty_days(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        factories.make_list(session, site, key="offers")
    refuse(relay, asked_by_mail(relay, site))
    clock.advance(days=29)
    sign_up(relay, site)
    assert mails(relay) == []
    sign_up(relay, site, list="offers")
    assert len(mails(relay)) == 1
    clock.advance(days=1)
    sign_up(relay, site)
    assert len(mails(relay)) == 1


def test_who_opted_out_of_newsletters_is_asked_anew(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    confirm(relay, asked_by_mail(relay, site))
    with relay.sessions.begin() as session:
        opt_outs.opt_out(session, site.id, ADA, opt_outs.MARKETING, evidence={}, now=clock())
    sign_up(relay, site)
    assert len(mails(relay)) == 1


# --- the form -------------------------------------------------------------------------------


def test_a_flooded_form_queues_and_shows_everybody_the_challenge(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    invalid(relay, site)
    shown = [sign_up(relay, site, f"p{n}@customer.example") for n in range(10)]
    assert shown == [None] * 10
    assert sign_up(relay, site) is not None
    assert sign_up(relay, site, "new@customer.example") is not None
    assert sign_up(relay, site, "new@customer.example", form="another") is None
    assert len(mails(relay)) == 11
    clock.advance(hours=1)
    assert [mail.to for mail in mails(relay)] == ["new@customer.example"]


def remember(relay: Relay, site: Site, form: str, *, sent: int, confirmed: int) -> None:
    """So many mails of the form went out yesterday, and so many were confirmed."""
    for n in range(sent):
        sign_up(relay, site, f"{form}{n}@customer.example", form=form)
    yesterday = relay.clock() - timedelta(days=1)
    with relay.sessions.begin() as session:
        new = session.scalars(
            select(SubscriptionRequest).where(SubscriptionRequest.due_at.is_not(None))
        )
        for n, each in enumerate(new):
            each.due_at = each.slot_at = None
            each.at = each.sent_at = yesterday
            each.confirmed_at = yesterday if n < confirmed else None


def test_the_queue_is_a_day_long_and_what_does_not_fit_is_dropped_and_counted(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    """At a form that few confirm: two mails an hour."""
    remember(relay, site, "footer", sent=20, confirmed=0)
    for n in range(55):
        sign_up(relay, site, f"p{n}@customer.example")
    with relay.reads() as session:
        slots = Counter(
            session.scalars(
                select(SubscriptionRequest.slot_at).where(SubscriptionRequest.at == clock())
            )
        )
    assert slots == {
        **{clock() + timedelta(hours=hours): 2 for hours in range(25)}, None: 5,
    }  # fmt: skip
    hours = []
    for _ in range(26):
        hours.append(len(mails(relay)))
        clock.advance(hours=1)
    assert hours == [2] * 25 + [0]
    assert outcomes(relay).count(DROPPED) == 5


@pytest.mark.parametrize(
    ("sent", "confirmed", "at_once"), [(20, 15, 20), (20, 5, 10), (20, 0, 2), (0, 0, 10)]
)
def test_a_form_whose_mails_are_confirmed_may_do_more_and_one_with_few_less(
    sent: int, confirmed: int, at_once: int, relay: Relay, site: Site, news: MailingList
) -> None:
    remember(relay, site, "footer", sent=sent, confirmed=confirmed)
    calm = [sign_up(relay, site, f"x{n}@customer.example") is None for n in range(at_once + 2)]
    assert calm == [True] * at_once + [False] * 2


def test_many_from_one_network_meet_the_challenge_and_more_get_nothing(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    def many(number: int, ip: str) -> list[bool]:
        return [
            sign_up(relay, site, f"{ip}-{n}@customer.example".replace(":", "."), form=f"{ip}{n}", ip=ip)
            is not None
            for n in range(number)
        ]  # fmt: skip

    assert many(7, "203.0.113.1") == [False] * 5 + [True] * 2
    assert many(5, "198.51.100.1") == [False] * 5
    for host in range(2, 5):
        assert many(4, f"203.0.113.{host}") == [False] * 4
    assert many(2, "203.0.113.9") == [False, True]
    clock.advance(hours=1)
    assert many(1, "203.0.113.1") == [False]


def test_one_form_s_flood_is_no_other_form_s_trouble(
    relay: Relay, account: Account, site: Site, news: MailingList
) -> None:
    with relay.sessions.begin() as session:
        neighbour = factories.make_site(session, account)
        factories.make_list(session, neighbour)
    for n in range(15):
        sign_up(relay, site, f"p{n}@customer.example")
    assert sign_up(relay, neighbour, "x@customer.example") is None


# --- what the site did wrong ----------------------------------------------------------------


def test_a_list_that_is_not_there_or_archived_takes_no_sign_ups(
    relay: Relay, account: Account, site: Site, news: MailingList, clock: FakeClock
) -> None:
    with pytest.raises(NotFound):
        sign_up(relay, site, list="nothing")
    with relay.sessions.begin() as session:
        other = factories.make_site(session, account)
    with pytest.raises(NotFound):
        sign_up(relay, other)
    sign_up(relay, site)
    with relay.sessions.begin() as session:
        lists.archive(session, site.id, "news", now=clock())
    with pytest.raises(NotFound):
        sign_up(relay, site)
    assert mails(relay) == []
    assert outcomes(relay) == [DROPPED]


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (State.PENDING, AccountPending), (State.SUSPENDED, AccountSuspended),
        (State.TERMINATED, AccountSuspended),
    ],
)  # fmt: skip
def test_a_site_that_is_stopped_takes_no_sign_ups(
    state: State, error: type[Exception], relay: Relay, site: Site, news: MailingList
) -> None:
    sign_up(relay, site)
    with relay.sessions.begin() as session:
        session.execute(update(Site).values(state=state))
    with pytest.raises(error):
        sign_up(relay, site)
    assert mails(relay) == []


def test_without_a_usable_sender_sign_ups_are_refused_and_those_that_wait_go_on_later(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    def set_domain(status: DomainStatus) -> None:
        with relay.sessions.begin() as session:
            session.execute(update(Domain).values(status=status))

    sign_up(relay, site)
    set_domain(DomainStatus.LAPSED)
    with pytest.raises(SenderNotVerified):
        sign_up(relay, site)
    with relay.sessions.begin() as session:  # one look: it is put off
        assert confirmations.answer_due(
            session, relay.settings.keyring, public_url="https://relay.example", now=clock()
        )
    set_domain(DomainStatus.FAILING)
    clock.advance(minutes=10)
    assert len(mails(relay)) == 1


def test_one_sign_up_that_fails_spoils_no_other_one(
    relay: Relay, site: Site, news: MailingList, clock: FakeClock
) -> None:
    sign_up(relay, site, "first@customer.example")
    sign_up(relay, site, "second@customer.example")
    with relay.sessions.begin() as session:
        first = session.scalars(
            select(SubscriptionRequest).order_by(SubscriptionRequest.id)
        ).first()
        assert first is not None
        first.person = {"address": None}
    assert [mail.to for mail in mails(relay)] == ["second@customer.example"]
    clock.advance(days=1)
    assert mails(relay) == []
    assert outcomes(relay) == [DROPPED, SENT]
