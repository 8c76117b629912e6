"""Receipts that say the same to many people are a campaign: held, told, decided."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from relay.context import Relay
from relay.errors import Conflict
from relay.models import Content, Message, Recipient, Review, Site, Wording
from relay.services import campaigns, reviews
from relay.services.letters import HOUSE_SITE
from relay.vocabulary import Decision, Kind, Stage, Stream
from tests.factories import make_site, ordered
from tests.fakes import FakeClock
from tests.steps import accept, copy_of, deliver_due, look, status

OFFER = "Hello {name},\r\n\r\nthe sale of the year begins: https://shop.example/sale?c={code}\r\n"


def offer(relay: Relay, site: Site, number: int, **given: Any) -> dict[str, Any]:
    """The same offer to one more person."""
    words = {"body": OFFER.format(name=f"Person {number}", code=number * 7919)}
    return accept(relay, site, **({"to": [f"p{number}@customer.example"]} | words | given))


def offers(relay: Relay, site: Site, numbers: range, **given: Any) -> None:
    """The same offer to many more people, a few to a message."""
    for first in numbers[::25]:
        people = [f"p{number}@customer.example" for number in numbers if 0 <= number - first < 25]
        offer(relay, site, first, to=people, **given)


def receipt(relay: Relay, site: Site, number: int) -> dict[str, Any]:
    """An order of something that nobody else ordered."""
    return accept(relay, site, to=[f"q{number}@customer.example"], body=ordered(number))


def stages(relay: Relay, site: Site) -> dict[str, int]:
    with relay.reads() as session:
        rows = session.execute(
            select(Recipient.stage, func.count())
            .where(Recipient.site_id == site.id)
            .group_by(Recipient.stage)
        )
        return {stage.value: count for stage, count in rows}


def look_until_done(relay: Relay) -> None:
    while look(relay):
        pass


def the_review(relay: Relay, site: Site) -> Review:
    with relay.reads() as session:
        return session.scalars(select(Review).where(Review.site_id == site.id)).one()


def letters_sent(relay: Relay) -> list[str]:
    with relay.reads() as session:
        return list(session.scalars(select(Message.subject).where(Message.site_id == HOUSE_SITE)))


def decide(relay: Relay, site: Site, decision: Decision) -> None:
    with relay.sessions.begin() as session:
        review = the_review(relay, site)
        reviews.decide(session, review.id, decision, because="looked at", now=relay.clock())
    with relay.sessions.begin() as session:
        reviews.carry_out(session, now=relay.clock())


@pytest.fixture
def campaign(relay: Relay, site: Site) -> Site:
    """A site that has sent the same offer to 101 people, and is found out."""
    offers(relay, site, range(101))
    look_until_done(relay)
    return site


def test_a_quiet_site_is_not_looked_at(relay: Relay, site: Site) -> None:
    offers(relay, site, range(100))
    assert stages(relay, site) == {"queued": 100}
    assert look(relay) == 0


def test_the_same_words_to_101_people_are_held_and_the_owner_is_told(
    relay: Relay, campaign: Site
) -> None:
    assert stages(relay, campaign) == {"held": 101}  # those in the queue as well
    review = the_review(relay, campaign)
    assert (review.people, review.subject) == (101, "Your order")
    assert letters_sent(relay) == ["Mail of The shop is held: Your order"]
    with relay.reads() as session:
        letter = session.scalars(
            select(Content.data).join(Message).where(Message.site_id == HOUSE_SITE)
        ).one()
    assert b"101 people" in letter


def test_people_of_the_hour_of_the_clock_before_make_a_site_busy(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    clock.advance(minutes=50)
    offers(relay, site, range(75))
    clock.advance(minutes=15)
    offers(relay, site, range(75, 101))
    look_until_done(relay)
    assert stages(relay, site) == {"held": 101}


def test_what_has_left_stays_left_and_counts(relay: Relay, site: Site) -> None:
    offers(relay, site, range(60))
    deliver_due(relay)
    offers(relay, site, range(60, 101))
    look_until_done(relay)
    assert stages(relay, site) == {"done": 60, "held": 41}


def test_receipts_that_differ_leave_whatever_their_number(relay: Relay, site: Site) -> None:
    for number in range(150):
        receipt(relay, site, number)
    assert stages(relay, site) == {"queued": 149, "checking": 1}  # after it, they are read at once
    look_until_done(relay)
    assert stages(relay, site) == {"queued": 150}


def test_a_busy_sites_offer_goes_to_a_hundred_and_is_found_with_the_next(
    relay: Relay, site: Site
) -> None:
    for number in range(5):
        people = [f"q{number}-{n}@customer.example" for n in range(25)]
        accept(relay, site, to=people, body=ordered(number))
    look_until_done(relay)
    assert stages(relay, site) == {"queued": 125}
    for number in range(100):
        offer(relay, site, number)
    assert stages(relay, site) == {"queued": 225}  # read at acceptance, nobody had to wait
    offer(relay, site, 100)
    assert stages(relay, site) == {"queued": 225, "checking": 1}
    look_until_done(relay)
    assert stages(relay, site) == {"queued": 125, "held": 101}


def test_other_mail_of_the_site_leaves(relay: Relay, campaign: Site) -> None:
    told = receipt(relay, campaign, 1)
    security = accept(relay, campaign, to=["ada@customer.example"], kind=Kind.SECURITY)
    assert status(relay, campaign, security) == "queued"
    assert copy_of(relay, campaign, security).recipient.stage is Stage.QUEUED
    look_until_done(relay)
    assert copy_of(relay, campaign, told).recipient.stage is Stage.QUEUED


def test_the_receipt_of_more_of_it_says_that_it_is_held(relay: Relay, campaign: Site) -> None:
    told = offer(relay, campaign, 500)
    (person,) = told["recipients"]
    assert person["disposition"] == "held"
    assert person["reason"]["code"] == "campaign-in-disguise"
    look_until_done(relay)
    assert status(relay, campaign, told) == "held"
    assert len(letters_sent(relay)) == 1  # not again today


def test_a_day_later_the_owner_hears_of_it_again(
    relay: Relay, campaign: Site, clock: FakeClock
) -> None:
    clock.advance(hours=25)
    offers(relay, campaign, range(200, 301))
    look_until_done(relay)
    assert len(letters_sent(relay)) == 2


def test_the_same_people_over_and_over_are_no_campaign(relay: Relay, site: Site) -> None:
    for _ in range(4):
        offers(relay, site, range(40))
    look_until_done(relay)
    assert stages(relay, site) == {"queued": 160}


def test_over_hours_the_same_words_may_go_to_many(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    for hour in range(3):
        offers(relay, site, range(hour * 100, hour * 100 + 90))
        look_until_done(relay)
        clock.advance(minutes=61)
    assert "held" not in stages(relay, site)


@pytest.mark.parametrize("stream", [Stream.MARKETING, Stream.NOTIFICATION])
def test_mail_that_says_it_is_to_many_is_not_looked_at(
    stream: Stream, relay: Relay, site: Site
) -> None:
    offers(relay, site, range(102), stream=stream)
    assert stages(relay, site) == {"queued": 102}


def test_one_message_to_many_counts_each_of_them(relay: Relay, site: Site) -> None:
    for crowd in range(3):
        people = [f"p{crowd}-{n}@customer.example" for n in range(40)]
        accept(relay, site, to=people, body="One for all.\r\n")
    look_until_done(relay)
    assert stages(relay, site) == {"held": 120}


def test_released_it_leaves_and_the_same_words_stay_free(
    relay: Relay, campaign: Site, clock: FakeClock
) -> None:
    decide(relay, campaign, Decision.RELEASED)
    assert stages(relay, campaign) == {"queued": 101}
    later = offer(relay, campaign, 600)
    look_until_done(relay)
    assert copy_of(relay, campaign, later).recipient.stage is Stage.QUEUED
    clock.advance(days=31)
    offers(relay, campaign, range(700, 801))
    look_until_done(relay)
    assert stages(relay, campaign)["held"] == 101


def test_rejected_it_ends_explained_and_the_same_words_end_alike(
    relay: Relay, campaign: Site
) -> None:
    decide(relay, campaign, Decision.REJECTED)
    assert stages(relay, campaign) == {"done": 101}
    later = offer(relay, campaign, 600)
    look_until_done(relay)
    copy = copy_of(relay, campaign, later)
    assert copy.status == "failed"
    assert copy.recipient.reason is not None
    assert copy.recipient.reason["code"] == "not-released"
    assert [event.type.value for event in copy.events] == ["failed"]


def test_a_decision_is_made_once(relay: Relay, campaign: Site) -> None:
    decide(relay, campaign, Decision.RELEASED)
    with pytest.raises(Conflict):
        decide(relay, campaign, Decision.REJECTED)


def test_undecided_it_expires_and_says_why(relay: Relay, campaign: Site, clock: FakeClock) -> None:
    clock.advance(hours=24)
    with relay.sessions.begin() as session:
        assert reviews.expire(session, now=clock()) == 101
    with relay.reads() as session:
        copy = session.scalars(select(Recipient).where(Recipient.site_id == campaign.id)).first()
    assert copy is not None
    assert copy.outcome.value == "expired"
    assert copy.reason is not None
    assert copy.reason["code"] == "held-too-long"


def test_content_that_is_gone_is_compared_with_nothing(relay: Relay, site: Site) -> None:
    offers(relay, site, range(103))
    with relay.sessions.begin() as session:
        session.query(Content).delete()
    look_until_done(relay)
    assert stages(relay, site) == {"queued": 103}


def test_another_site_may_say_the_same(relay: Relay, campaign: Site, account: Any) -> None:
    with relay.sessions.begin() as session:
        other = make_site(session, account, url="https://other.example")
    offers(relay, other, range(100))
    assert stages(relay, other) == {"queued": 100}


def test_wordings_are_forgotten(relay: Relay, campaign: Site, clock: FakeClock) -> None:
    clock.advance(hours=49)
    with relay.sessions.begin() as session:
        assert campaigns.forget(session, now=clock()) == 5
        assert session.scalar(select(func.count()).select_from(Wording)) == 0
