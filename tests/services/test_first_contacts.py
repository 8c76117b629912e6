"""The first-contact budget: drawn by the hour, earned by the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relay.context import Relay
from relay.db import new_id
from relay.errors import LimitReached, NobodyToMail
from relay.models import Account, Counter, Site
from relay.services import first_contacts, messages
from relay.services.messages import Accepted, Request
from relay.vocabulary import Kind, Stream
from tests.factories import make_draft, make_site
from tests.fakes import FakeClock
from tests.steps import accept, deliver_due, links, subscribe, tell


def crowd(name: str, count: int) -> list[str]:
    return [f"{name}{n}@customer.example" for n in range(count)]


@pytest.fixture
def stranger(relay: Relay, account: Account, domain: Any) -> Site:
    """A site without history."""
    with relay.sessions.begin() as session:
        return make_site(session, account, first_contacts=None)


@pytest.fixture
def domain(relay: Relay, site: Site) -> None:
    """The account's domain comes with its first site."""


def is_taken(relay: Relay, site: Site, **given: Any) -> bool:
    try:
        accept(relay, site, **given)
    except LimitReached:
        return False
    return True


def test_twenty_new_people_an_hour(relay: Relay, stranger: Site, clock: FakeClock) -> None:
    clock.advance(minutes=39)
    assert is_taken(relay, stranger, to=crowd("a", 15))
    assert not is_taken(relay, stranger, to=crowd("b", 6))
    assert is_taken(relay, stranger, to=crowd("b", 5))
    with pytest.raises(LimitReached) as refused:
        accept(relay, stranger, to=crowd("c", 1))
    assert refused.value.members == {
        "limit": "first-contacts",
        "allowed": 20,
        "retry_after": 21 * 60,
    }
    assert is_taken(relay, stranger, to=crowd("a", 15))  # people it knows by now
    assert is_taken(relay, stranger, to=[*crowd("b", 5), *crowd("a", 3)])
    clock.advance(minutes=21)
    assert is_taken(relay, stranger, to=crowd("c", 20))


def test_what_was_refused_used_up_nothing(relay: Relay, stranger: Site) -> None:
    assert not is_taken(relay, stranger, to=crowd("a", 21))
    assert is_taken(relay, stranger, to=crowd("a", 20))


@pytest.mark.parametrize(
    ("given", "draws"),
    [
        ({}, True),
        ({"stream": Stream.NOTIFICATION}, True),
        ({"kind": Kind.SECURITY, "body": "https://bank.example/"}, True),  # not protected, then
        ({"kind": Kind.SECURITY}, False),
        ({"stream": Stream.MARKETING}, False),
    ],
)
def test_what_draws_on_it(given: dict[str, Any], draws: bool, relay: Relay, stranger: Site) -> None:
    accept(relay, stranger, to=crowd("a", 20))
    assert is_taken(relay, stranger, to=crowd("b", 1), **given) is not draws


def test_whom_only_held_back_copies_were_for_is_still_new(relay: Relay, stranger: Site) -> None:
    subscribe(relay, stranger)
    with pytest.raises(NobodyToMail):
        accept(relay, stranger, stream=Stream.MARKETING, list_id="news", to=crowd("a", 1))
    subscribe(relay, stranger, *make_draft(to=crowd("b", 1)).recipients)
    accept(
        relay, stranger, stream=Stream.MARKETING, list_id="news", to=crowd("a", 1) + crowd("b", 1)
    )
    accept(relay, stranger, to=crowd("c", 20))
    assert is_taken(relay, stranger, to=crowd("b", 1))  # had the newsletter
    assert not is_taken(relay, stranger, to=crowd("a", 1))  # had none of it


def test_another_sites_acquaintances_are_new_to_this_one(
    relay: Relay, site: Site, stranger: Site
) -> None:
    accept(relay, site, to=crowd("a", 21))
    assert not is_taken(relay, stranger, to=crowd("a", 21))


def test_a_batch_draws_message_by_message(relay: Relay, stranger: Site) -> None:
    drafts = [make_draft(to=crowd(name, 8)) for name in "abacdd"]
    drafts.append(make_draft(to=crowd("e", 4)))
    with relay.sessions.begin() as session:
        found = messages.accept_batch(
            session,
            stranger.id,
            [Request(draft, None, "x") for draft in drafts],
            links=links(relay),
            now=relay.clock(),
        )
    told = [isinstance(each, Accepted) or type(each) for each in found]
    assert told == [True, True, True, LimitReached, LimitReached, LimitReached, True]
    assert not is_taken(relay, stranger, to=crowd("f", 1))


def test_an_operator_may_set_it_and_leave_it_to_be_earned_again(
    relay: Relay, stranger: Site
) -> None:
    for people, allowed in ((3, 3), (None, 20), (0, 0)):
        with relay.sessions.begin() as session:
            first_contacts.set_budget(session, stranger.id, people)
        assert not is_taken(relay, stranger, to=crowd("x", allowed + 1))
    with pytest.raises(Exception, match="no site with this id"), relay.sessions.begin() as session:
        first_contacts.set_budget(session, new_id(), 1)


# --- earning --------------------------------------------------------------------------------


@pytest.fixture
def today(clock: FakeClock) -> datetime:
    """The clock shows the real day, for ids are made by the real clock."""
    clock.now = datetime.now(UTC)
    return clock.now


def earned(relay: Relay, site: Site) -> int:
    with relay.reads() as session:
        return session.get_one(Site, site.id).first_contacts_earned


def judge(relay: Relay, now: datetime) -> int:
    with relay.sessions.begin() as session:
        return first_contacts.judge_yesterday(session, now=now)


@pytest.mark.parametrize(
    ("events", "after"),
    [
        ({"Delivery": 20}, 30),
        ({"Delivery": 19}, 20),
        ({"Delivery": 21, "Complaint": 1}, 20),
        ({"Delivery": 40, "Bounce": 1}, 20),
        ({"Send": 30}, 20),
    ],
)
def test_a_clean_day_earns_half_as_much_again(
    events: dict[str, int], after: int, relay: Relay, site: Site, today: datetime
) -> None:
    for kind, times in events.items():
        accept(relay, site, to=crowd(kind.lower(), times)[:50])
        for envelope in deliver_due(relay):
            tell(relay, kind, envelope, at=today)

    assert judge(relay, today) == 0  # the day is not over; yesterday had nothing
    judge(relay, today + timedelta(days=1))

    assert earned(relay, site) == after


def test_a_day_is_judged_once(relay: Relay, site: Site, today: datetime) -> None:
    accept(relay, site, to=crowd("a", 25))
    for envelope in deliver_due(relay):
        tell(relay, "Delivery", envelope, at=today)
    tomorrow = today + timedelta(days=1)
    assert [judge(relay, tomorrow) for _ in range(3)] == [1, 0, 0]
    assert earned(relay, site) == 30
    assert judge(relay, tomorrow + timedelta(days=1)) == 0
    with relay.reads() as session:
        counter = session.get_one(Counter, first_contacts.COUNTER)
    assert counter.value == (tomorrow + timedelta(days=1)).toordinal()


def test_an_id_made_now_lies_in_its_millisecond() -> None:
    before, made, after = datetime.now(UTC), new_id(), datetime.now(UTC)
    assert first_contacts.first_id(before) <= made
    assert made < first_contacts.first_id(after + timedelta(milliseconds=1))
