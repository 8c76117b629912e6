"""A stolen key: mail in unusual volume from a network that is new to the key is held."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select

from relay.context import Relay
from relay.models import Content, KeyNetwork, Message, Recipient, Review, Site, Usage
from relay.policy.windows import hour_of
from relay.services import messages, networks, retention, reviews
from relay.services.letters import HOUSE_SITE
from relay.services.messages import Request
from relay.services.networks import Came
from relay.vocabulary import Decision, Kind, ReviewKind, Stage, Stream
from tests.factories import make_draft, make_key, ordered
from tests.fakes import FakeClock
from tests.steps import copy_of, links, subscribe

HOME, ELSEWHERE = "192.0.2.0/24", "198.51.100.0/24"


@pytest.fixture
def key_id(relay: Relay, site: Site, clock: FakeClock) -> UUID:
    """The key of a site that has sent from its own network for weeks, 30 people in its busiest hour."""
    with relay.sessions.begin() as session:
        id = make_key(session, site).key.id
    hand_in(relay, site, id, HOME, [1])
    clock.advance(days=3)
    hand_in(relay, site, id, HOME, [2])
    with relay.sessions.begin() as session:
        for days, people in ((1, 30), (2, 12), (15, 9_000)):
            session.add(
                Usage(
                    site_id=site.id, window="hour", messages=1, octets=1, recipients=people,
                    began_at=hour_of(clock()) - timedelta(days=days),
                )
            )  # fmt: skip
    return id


def hand_in(
    relay: Relay,
    site: Site,
    key_id: UUID,
    network: str | None,
    numbers: Iterable[int],
    **given: Any,
) -> dict[str, Any]:
    """Mail for each of these numbers, ten people each; gives the last receipt."""
    for number in numbers:
        people = [f"p{number}-{n}@customer.example" for n in range(10)]
        draft = make_draft(**({"to": people, "body": ordered(number)} | given))
        with relay.sessions.begin() as session:
            request = Request(draft, None, "x", came=Came(key_id, network))
            receipt = messages.accept(
                session, site.id, request, links=links(relay), now=relay.clock()
            ).receipt
    return receipt


def dispositions(receipt: dict[str, Any]) -> set[str]:
    return {person["disposition"] for person in receipt["recipients"]}


def open_reviews(relay: Relay, site: Site) -> list[Review]:
    with relay.reads() as session:
        return list(session.scalars(select(Review).where(Review.site_id == site.id)))


def held(relay: Relay, site: Site) -> int:
    with relay.reads() as session:
        return len(
            session.scalars(
                select(Recipient.id).where(
                    Recipient.site_id == site.id, Recipient.stage == Stage.HELD
                )
            ).all()
        )


def decide(relay: Relay, site: Site, decision: Decision) -> None:
    (review,) = open_reviews(relay, site)
    with relay.sessions.begin() as session:
        reviews.decide(session, review.id, decision, because="asked", now=relay.clock())
    with relay.sessions.begin() as session:
        reviews.carry_out(session, now=relay.clock())


def tell(relay: Relay) -> int:
    with relay.sessions.begin() as session:
        return networks.tell_owners(session, sender=relay.settings.house_sender, now=relay.clock())


def test_far_more_mail_from_a_new_network_is_held_and_the_owner_hears_of_it(
    relay: Relay, site: Site, key_id: UUID
) -> None:
    first = hand_in(relay, site, key_id, ELSEWHERE, range(10, 18))  # 10 + 80 of 3 × 30 people
    assert dispositions(first) == {"queued"}

    receipt = hand_in(relay, site, key_id, ELSEWHERE, [18])

    assert dispositions(receipt) == {"held"}
    assert {p["reason"]["code"] for p in receipt["recipients"]} == {"new-network"}
    (review,) = open_reviews(relay, site)
    assert (review.kind, review.people) == (ReviewKind.NEW_NETWORK, 10)
    assert review.evidence is not None
    assert review.evidence["network"] == ELSEWHERE
    assert (review.evidence["people_this_hour"], review.evidence["usual_busiest_hour"]) == (100, 30)
    assert (tell(relay), tell(relay)) == (1, 0)
    with relay.reads() as session:
        letter = session.scalars(
            select(Content.data).join(Message).where(Message.site_id == HOUSE_SITE)
        ).one()
    assert ELSEWHERE.encode() in letter


def test_what_is_held_stays_held_in_the_next_hour_and_when_the_network_is_no_longer_new(
    relay: Relay, site: Site, key_id: UUID, clock: FakeClock
) -> None:
    hand_in(relay, site, key_id, ELSEWHERE, range(10, 19))
    for _ in range(2):
        clock.advance(hours=13)
        assert dispositions(hand_in(relay, site, key_id, ELSEWHERE, [30])) == {"held"}
    assert [review.people for review in open_reviews(relay, site)] == [30]


@pytest.mark.parametrize("network", [HOME, None])
def test_from_its_own_network_or_one_that_nobody_knows_it_goes(
    network: str | None, relay: Relay, site: Site, key_id: UUID
) -> None:
    assert dispositions(hand_in(relay, site, key_id, network, range(10, 40))) != {"held"}


def test_usual_volume_from_a_new_network_goes(relay: Relay, site: Site, key_id: UUID) -> None:
    assert dispositions(hand_in(relay, site, key_id, ELSEWHERE, range(10, 17))) == {"queued"}


def test_after_a_day_a_network_is_trusted(
    relay: Relay, site: Site, key_id: UUID, clock: FakeClock
) -> None:
    hand_in(relay, site, key_id, ELSEWHERE, [10])
    clock.advance(hours=24)
    assert dispositions(hand_in(relay, site, key_id, ELSEWHERE, range(20, 50))) != {"held"}
    assert open_reviews(relay, site) == []


def test_the_first_networks_of_a_key_are_its_own(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        id = make_key(session, site).key.id
    hand_in(relay, site, id, ELSEWHERE, range(7))
    assert dispositions(hand_in(relay, site, id, "2001:db8::/48", range(20, 27))) != {"held"}


def test_security_mail_goes(relay: Relay, site: Site, key_id: UUID) -> None:
    hand_in(relay, site, key_id, ELSEWHERE, range(10, 19))
    receipt = hand_in(
        relay, site, key_id, ELSEWHERE, [1],
        to=["ada@customer.example"], kind=Kind.SECURITY, body="Your code is 1234.\r\n",
    )  # fmt: skip
    assert dispositions(receipt) == {"queued"}


def test_a_newsletter_from_there_is_held_as_well(relay: Relay, site: Site, key_id: UUID) -> None:
    people = [f"r{n}@customer.example" for n in range(50)]
    draft = make_draft(to=people)
    subscribe(relay, site, *draft.recipients)
    hand_in(relay, site, key_id, ELSEWHERE, range(10, 19))
    receipt = hand_in(
        relay, site, key_id, ELSEWHERE, [1], to=people, stream=Stream.MARKETING, list_id="news"
    )
    assert dispositions(receipt) == {"held"}
    assert held(relay, site) == 60


def test_released_it_drips_and_the_network_is_trusted(
    relay: Relay, site: Site, key_id: UUID, clock: FakeClock
) -> None:
    receipt = hand_in(relay, site, key_id, ELSEWHERE, range(10, 25))
    assert held(relay, site) == 70

    decide(relay, site, Decision.RELEASED)

    assert held(relay, site) == 10  # a minute's worth has gone
    clock.advance(minutes=1)
    with relay.sessions.begin() as session:
        reviews.carry_out(session, now=clock())
    assert held(relay, site) == 0
    assert dispositions(receipt) == {"held"}
    assert dispositions(hand_in(relay, site, key_id, ELSEWHERE, [40])) == {"queued"}


def test_rejected_it_ends_and_so_does_what_still_comes(
    relay: Relay, site: Site, key_id: UUID, clock: FakeClock
) -> None:
    hand_in(relay, site, key_id, ELSEWHERE, range(10, 19))
    decide(relay, site, Decision.REJECTED)
    clock.advance(hours=2)

    receipt = hand_in(relay, site, key_id, ELSEWHERE, [40], to=["ada@customer.example"])
    with relay.sessions.begin() as session:
        reviews.carry_out(session, now=clock())

    assert copy_of(relay, site, receipt).status == "failed"


def test_a_batch_is_held_like_single_messages(relay: Relay, site: Site, key_id: UUID) -> None:
    requests = [
        Request(
            make_draft(to=[f"b{n}@customer.example"], body=ordered(n)), None, "x",
            came=Came(key_id, ELSEWHERE),
        )
        for n in range(91)
    ]  # fmt: skip
    with relay.sessions.begin() as session:
        results = messages.accept_batch(
            session, site.id, requests, links=links(relay), now=relay.clock()
        )
    assert all(isinstance(each, messages.Accepted) for each in results)
    assert held(relay, site) == 91
    assert [review.people for review in open_reviews(relay, site)] == [91]


def test_a_network_that_is_known_costs_no_statement(
    relay: Relay, site: Site, key_id: UUID, clock: FakeClock
) -> None:
    seen: list[str] = []

    def note(*told: Any) -> None:
        seen.append(told[2])

    def statements(network: str | None) -> int:
        draft = make_draft(to=["ada@customer.example"])
        with relay.sessions.begin() as session:
            connection = session.connection()
            event.listen(connection, "before_cursor_execute", note)
            request = Request(draft, None, "x", came=Came(key_id, network))
            messages.accept(session, site.id, request, links=links(relay), now=relay.clock())
            event.remove(connection, "before_cursor_execute", note)
        found = len(seen)
        seen.clear()
        return found

    statements(HOME)
    without = statements(None)
    assert statements(HOME) == without
    assert statements(ELSEWHERE) == without + 3


def test_networks_are_forgotten_when_nobody_uses_them(
    relay: Relay, site: Site, key_id: UUID, clock: FakeClock
) -> None:
    clock.advance(days=91)
    with relay.sessions.begin() as session:
        retention.purge(session, now=clock())
        assert session.scalars(select(KeyNetwork)).all() == []
