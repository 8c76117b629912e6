"""What leaves next: lanes and their shares, turns between sites, one budget, paces of gateways."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from relay.context import Relay
from relay.gateways.ses import SendingAccount
from relay.models import Account, Expiry, Message, ReceivingDomain, Recipient, SendingPace, Site
from relay.policy.budget import HOLDS
from relay.policy.gateways import Gateway
from relay.policy.pace import WAIT_AT_MOST
from relay.services import budgets, claims, expiries, paces, queue_view, turns
from relay.services.claims import Claimed
from relay.services.letters import HOUSE_SITE
from relay.services.turns import Lookout
from relay.vocabulary import Kind, Lane, Outcome, Stage, Stream
from tests import factories
from tests.fakes import FakeClock
from tests.steps import (
    accept,
    claim,
    copy_of,
    deliver_due,
    find,
    hand_over,
    start,
    tell,
)

SLOW_DOWN = {
    "delayType": "General",
    "status": "4.7.1",
    "diagnosticCode": "smtp; 451 4.7.1 Too many messages from your IP, slow down",
}


def take(relay: Relay, most: int = 100, **given: Any) -> Claimed:
    """One claim, and all that it tells."""
    with relay.sessions.begin() as session:
        return claims.claim(session, most=most, now=relay.clock(), **given)


def learn(relay: Relay, **told: Any) -> None:
    """The provider tells its limits."""
    with relay.sessions.begin() as session:
        question = budgets.ask(session, now=relay.clock())
        assert question is not None
        budgets.learn(session, question, SendingAccount(**told), now=relay.clock())


def crowd(name: str, count: int, domain: str = "customer.example") -> list[str]:
    return [f"{name}{n}@{domain}" for n in range(count)]


@pytest.fixture
def sites(relay: Relay, account: Account) -> list[Site]:
    """Many sites of one customer."""
    with relay.sessions.begin() as session:
        found = [
            factories.make_site(session, session.get_one(Account, account.id)) for _ in range(40)
        ]
    return sorted(found, key=lambda site: site.id)


def owners(relay: Relay, claimed: Claimed) -> Counter[UUID]:
    """How many copies each site has among these."""
    ids = [copy.recipient_id for copy in claimed.copies]
    with relay.reads() as session:
        rows = session.execute(select(Recipient.site_id).where(Recipient.id.in_(ids)))
        return Counter(row.site_id for row in rows)


# --- turns ------------------------------------------------------------------------------------


def test_sites_take_turns_however_much_one_has(relay: Relay, sites: list[Site]) -> None:
    large, *small = sites[:5]
    for n in range(4):
        accept(relay, large, to=crowd(f"large{n}-", 50))
    for site in small:
        accept(relay, site, to=crowd("small", 3))

    found = owners(relay, take(relay, 15))

    assert found == Counter({site.id: 3 for site in (large, *small)})


def test_a_turn_goes_on_where_the_last_one_ended(relay: Relay, sites: list[Site]) -> None:
    for site in sites:
        accept(relay, site, to=crowd("p", 2))
    served = [next(iter(owners(relay, take(relay, 1)))) for _ in range(80)]
    assert served == [site.id for site in sites] * 2


def test_what_one_site_does_not_need_the_others_get(relay: Relay, sites: list[Site]) -> None:
    accept(relay, sites[0], to=crowd("one", 1))
    accept(relay, sites[1], to=crowd("many", 30))
    assert sum(owners(relay, take(relay, 20)).values()) == 20


def test_within_a_site_the_oldest_leaves_first(relay: Relay, site: Site, clock: FakeClock) -> None:
    names = [f"p{n}@customer.example" for n in range(6)]
    for name in names:
        accept(relay, site, to=[name])
        clock.advance(seconds=1)
    assert [copy.address for _ in names for copy in claim(relay, most=1)] == names


def test_many_sites_with_nothing_due_neither_slow_a_claim_nor_hide_others(
    relay: Relay, sites: list[Site], clock: FakeClock
) -> None:
    """A claim looks at so many sites and goes on from there at the next one."""
    assert 2 * turns.FEWEST < len(sites) <= 3 * turns.FEWEST
    for site in sites:
        accept(relay, site, to=crowd("later", 1))
    with relay.sessions.begin() as session:
        session.execute(update(Recipient).values(due_at=clock() + timedelta(hours=1)))
    accept(relay, sites[-1], to=crowd("now", 1))

    found = [len(take(relay, 1).copies) for _ in range(3)]

    assert found == [0, 0, 1]


def test_the_lookout_sees_what_is_due_behind_many_that_are_not(
    relay: Relay, sites: list[Site], clock: FakeClock
) -> None:
    class Short(Lookout):
        FIRST, THEN = 2, 16

    for site in sites:
        accept(relay, site, to=crowd("later", 1))
    with relay.sessions.begin() as session:
        session.execute(update(Recipient).values(due_at=clock() + timedelta(hours=1)))
    lookout, rank = Short(), Lane.TRANSACTIONAL.rank
    with relay.reads() as session:
        nothing = [lookout.look(session, [rank], now=clock()) for _ in range(3)]
    accept(relay, sites[30], to=crowd("now", 1))
    with relay.reads() as session:
        found = [lookout.look(session, [rank], now=clock()) for _ in range(3)]

    assert nothing[:2] == [None, None]
    assert {rank: sites[30].id} in found
    assert [len(take(relay, 1, begin_at={rank: sites[30].id}).copies)] == [1]


def test_an_empty_queue_is_seen_at_once(relay: Relay) -> None:
    with relay.reads() as session:
        assert budgets.queued_lanes(session) == frozenset()
    assert not take(relay).copies


# --- lanes ------------------------------------------------------------------------------------


def test_newsletters_do_not_starve_while_receipts_never_end(relay: Relay, site: Site) -> None:
    for n in range(4):
        accept(relay, site, to=crowd(f"receipt{n}-", 50))
    accept(relay, site, to=crowd("reader", 40), stream=Stream.MARKETING)
    lanes = Counter(copy.lane_rank for _ in range(20) for copy in take(relay, 5).copies)
    assert lanes[Lane.TRANSACTIONAL.rank] + lanes[Lane.MARKETING.rank] == 100
    assert lanes[Lane.MARKETING.rank] in (8, 9, 10)


def test_a_receipt_overtakes_newsletters(relay: Relay, site: Site) -> None:
    accept(relay, site, to=crowd("reader", 40), stream=Stream.MARKETING)
    accept(relay, site, to=["ada@customer.example"])
    accept(relay, site, to=["bob@customer.example"], kind=Kind.SECURITY)
    assert [copy.address for copy in take(relay, 2).copies] == [
        "bob@customer.example", "ada@customer.example",
    ]  # fmt: skip


def test_the_last_tenth_of_the_day_is_for_receipts(relay: Relay, site: Site) -> None:
    accept(relay, site, to=crowd("reader", 20), stream=Stream.MARKETING)
    learn(relay, max_24_hours=100.0, sent_24_hours=85.0)
    assert len(take(relay).copies) == 5
    assert not take(relay).copies
    accept(relay, site, to=crowd("receipt", 20))
    assert len(take(relay).copies) == 10
    assert take(relay).wait > 0


# --- the budget -------------------------------------------------------------------------------


def test_two_workers_spend_one_budget(relay: Relay, site: Site, clock: FakeClock) -> None:
    learn(relay, max_rate=20.0)
    accept(relay, site, to=crowd("p", 50))
    take(relay)  # the first token
    clock.advance(seconds=0.2)
    first, second = take(relay, 2), take(relay, 50)
    assert (len(first.copies), len(second.copies)) == (2, 1)  # 3.9 tokens
    assert second.wait > 0


def test_tokens_are_taken_for_what_leaves_only(relay: Relay, site: Site, clock: FakeClock) -> None:
    accept(relay, site, to=crowd("late", 3), expires_at=clock() + timedelta(minutes=1))
    clock.advance(minutes=2)
    learn(relay, max_24_hours=100.0)
    accept(relay, site, to=crowd("p", 2))
    assert len(take(relay).copies) == 2
    with relay.reads() as session:
        assert budgets.read(session).taken == 2


def test_one_worker_s_trouble_holds_all(relay: Relay, site: Site, clock: FakeClock) -> None:
    accept(relay, site, to=crowd("p", 5))
    with relay.sessions.begin() as session:
        budgets.trouble(session, "daily-quota", in_use=1, now=clock())
    assert take(relay).held_for == HOLDS["daily-quota"]
    clock.advance(seconds=HOLDS["daily-quota"])
    assert len(take(relay).copies) == 5


def test_one_worker_asks_the_provider_for_all(relay: Relay, clock: FakeClock) -> None:
    learn(relay, max_rate=14.0, max_24_hours=-1.0)
    with relay.sessions.begin() as session:
        assert budgets.ask(session, now=clock()) is None
    clock.advance(seconds=60)
    with relay.sessions.begin() as session:
        assert budgets.ask(session, now=clock()) is not None
        assert budgets.ask(session, now=clock()) is None
    with relay.reads() as session:
        found = budgets.read(session)
    assert (found.ceiling, found.per_day) == (14.0, -1)


def test_what_is_on_the_wire_counts_until_the_provider_has_counted_it(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    accept(relay, site, to=crowd("p", 6))
    start(relay, claim(relay, most=4))
    with relay.sessions.begin() as session:
        question = budgets.ask(session, now=clock())
    claim(relay, most=2)  # while the provider thinks
    with relay.sessions.begin() as session:
        assert question is not None
        told = SendingAccount(max_24_hours=100.0, sent_24_hours=10.0)
        budgets.learn(session, question, told, now=clock())
        assert budgets.read(session).taken == 6


def test_a_provider_that_has_stopped_us_is_not_called(relay: Relay, site: Site) -> None:
    learn(relay, may_send=False)
    accept(relay, site)
    assert take(relay).held_for == HOLDS["provider-stopped"]


# --- paces of receiving gateways --------------------------------------------------------------


def refuse_for_rate(relay: Relay, site: Site, domain: str = "strict.example") -> None:
    """One mail to the domain is sent and deferred for rate."""
    accept(relay, site, to=[f"first@{domain}"])
    (envelope,) = deliver_due(relay)
    assert tell(relay, "DeliveryDelay", envelope, **SLOW_DOWN)


def test_a_gateway_that_refused_for_rate_is_slowed_and_nobody_else(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    refuse_for_rate(relay, site)
    slow = accept(relay, site, to=crowd("slow", 20, "strict.example"))
    accept(relay, site, to=crowd("free", 20, "friendly.example"))

    first = take(relay).copies

    assert {copy.address.partition("@")[2] for copy in first} == {"friendly.example"}
    assert len(first) == 20
    start(relay, list(first))
    waiting = [each.recipient for each in find(relay, site, slow).recipients]
    assert {each.stage for each in waiting} == {Stage.QUEUED}
    assert {each.tries for each in waiting} == {0}
    assert {each.reason["code"] for each in waiting if each.reason} == {paces.CODE}
    assert max(each.due_at for each in waiting) <= clock() + WAIT_AT_MOST

    sent = 0
    for _ in range(30):
        clock.advance(seconds=1)
        got = len(take(relay).copies)
        assert got <= 2
        sent += got
    assert sent == 20


def test_it_is_slowed_for_the_site_that_was_refused_only(relay: Relay, sites: list[Site]) -> None:
    refuse_for_rate(relay, sites[0])
    accept(relay, sites[1], to=crowd("p", 5, "strict.example"))
    assert len(take(relay).copies) == 5


def test_what_another_worker_has_leased_is_not_put_off_with_the_rest(
    relay: Relay, site: Site
) -> None:
    accept(relay, site, to=["first@strict.example"])
    (envelope,) = deliver_due(relay)
    slow = accept(relay, site, to=crowd("slow", 6, "strict.example"))
    mine = take(relay, 2).copies
    assert tell(relay, "DeliveryDelay", envelope, **SLOW_DOWN)
    assert not take(relay, 1).copies

    put_off = [
        each.recipient
        for each in find(relay, site, slow).recipients
        if each.recipient.reason is not None
    ]
    assert len(put_off) == 4
    assert len(start(relay, list(mine))) == 2


def test_domains_behind_one_gateway_are_slowed_together(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        session.add_all(
            ReceivingDomain(domain=name, mx=[], gateway=Gateway.MIMECAST.value, due_at=clock())
            for name in ("strict.example", "sister.example")
        )
    refuse_for_rate(relay, site)
    accept(relay, site, to=crowd("p", 5, "sister.example"))
    assert not take(relay).copies
    with relay.reads() as session:
        assert session.scalars(select(SendingPace.gateway)).all() == ["mimecast"]


def test_late_refusals_of_what_had_left_before_change_nothing(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    accept(relay, site, to=crowd("p", 3, "strict.example"))
    envelopes = deliver_due(relay)
    rates = []
    for envelope in envelopes:
        clock.advance(seconds=30)
        tell(relay, "DeliveryDelay", envelope, **SLOW_DOWN)
        with relay.reads() as session:
            rates.append(session.scalars(select(SendingPace.rate)).one())
    assert len(set(rates)) == 1


def test_in_time_the_pace_is_forgotten(relay: Relay, site: Site, clock: FakeClock) -> None:
    refuse_for_rate(relay, site)
    clock.advance(minutes=30)
    with relay.sessions.begin() as session:
        assert paces.forget_free(session, now=clock()) == 1
    accept(relay, site, to=crowd("p", 5, "strict.example"))
    assert len(take(relay).copies) == 5


def test_a_mail_that_was_turned_away_for_rate_is_tried_again_soon(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    """SES gave up on it: the copy itself goes out once more, at the pace, while it is worth it."""
    from relay.services import holds

    receipt = accept(relay, site, to=["ada@strict.example"])
    (envelope,) = deliver_due(relay)
    bounce = {"bounceType": "Transient", "bounceSubType": "General"} | {
        name: SLOW_DOWN[name] for name in ("status", "diagnosticCode")
    }
    tell(relay, "Bounce", envelope, **bounce)
    assert copy_of(relay, site, receipt).recipient.outcome is Outcome.SOFT_BOUNCED

    clock.advance(minutes=16)
    with relay.sessions.begin() as session:
        holds.probe_due(session, now=clock())
    (again,) = deliver_due(relay)

    assert again.recipient == "ada@strict.example"
    assert tell(relay, "Delivery", again)
    assert copy_of(relay, site, receipt).recipient.outcome is Outcome.DELIVERED


# --- what was not sent in time ----------------------------------------------------------------


def letters_written(relay: Relay) -> list[str]:
    with relay.reads() as session:
        return list(
            session.scalars(
                select(Message.subject).where(Message.site_id == HOUSE_SITE).order_by(Message.id)
            )
        )


def tell_owners(relay: Relay) -> int:
    with relay.sessions.begin() as session:
        return expiries.tell_owners(relay, session, now=relay.clock())


def let_expire(relay: Relay, site: Site, clock: FakeClock, count: int, **given: Any) -> None:
    soon = clock() + timedelta(minutes=1)
    accept(relay, site, to=crowd(f"late{clock().timestamp()}-", count), expires_at=soon, **given)
    clock.advance(minutes=2)
    assert {copy.address for copy in take(relay).copies} <= {"owner@shop.example"}  # a letter


def test_owners_are_told_what_expired_and_why_once_a_day(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    let_expire(relay, site, clock, 3)
    let_expire(relay, site, clock, 1, stream=Stream.MARKETING)
    assert tell_owners(relay) == 0  # more may expire in the same minutes
    clock.advance(minutes=10)
    assert tell_owners(relay) == 1
    assert letters_written(relay) == ["4 mails of The shop were not sent in time"]

    let_expire(relay, site, clock, 2)
    clock.advance(hours=1)
    assert tell_owners(relay) == 0
    clock.advance(hours=24)
    assert tell_owners(relay) == 1
    assert letters_written(relay)[1:] == ["2 mails of The shop were not sent in time"]
    clock.advance(hours=48)
    assert tell_owners(relay) == 0


def test_the_letter_says_which_lane_and_what_it_waited_for(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    let_expire(relay, site, clock, 3)
    refuse_for_rate(relay, site)
    soon = clock() + timedelta(minutes=1)
    accept(relay, site, to=crowd("slow", 200, "strict.example")[:50], expires_at=soon)
    assert not take(relay).copies
    clock.advance(minutes=2)
    while take(relay).copies:
        pass
    clock.advance(minutes=10)
    tell_owners(relay)

    (envelope,) = [e for e in start(relay, claim(relay)) if e.recipient == "owner@shop.example"]
    text = b"".join(hand_over(relay, envelope).envelope.parts).decode().replace("=\r\n", "")
    with relay.reads() as session:
        told = session.scalar(select(func.sum(Expiry.copies)))
    assert "multipart/alternative" in text
    assert "receipts and form mail: 3 mails (the turn came too late)" in text
    assert "(the receiving gateway accepts mail from you only slowly)" in text
    assert "Spread mail to one company over the day" in text
    assert told == 0


def test_the_house_does_not_write_to_itself(relay: Relay, site: Site, clock: FakeClock) -> None:
    let_expire(relay, site, clock, 1)
    clock.advance(minutes=10)
    tell_owners(relay)
    clock.advance(days=4)
    assert not take(relay).copies  # the letter itself has expired now
    clock.advance(days=1)
    assert tell_owners(relay) == 0


# --- the view ---------------------------------------------------------------------------------


def test_the_overview_counts_by_lane_site_and_gateway(
    relay: Relay, sites: list[Site], clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        session.add(
            ReceivingDomain(
                domain="strict.example", mx=[], gateway=Gateway.MIMECAST.value, due_at=clock()
            )
        )
    accept(relay, sites[0], to=crowd("a", 10, "strict.example"))
    accept(relay, sites[1], to=crowd("b", 5))
    accept(relay, sites[1], to=crowd("c", 9), stream=Stream.MARKETING)
    gone_out = [copy.recipient_id for copy in claim(relay, most=3)]
    with relay.sessions.begin() as session:
        session.execute(
            update(Recipient).where(Recipient.id.in_(gone_out)).values(stage=Stage.SENDING)
        )
    learn(relay, max_rate=2.0)
    clock.advance(seconds=90)

    with relay.reads() as session:
        found = queue_view.overview(session, clock())

    lanes = {lane.name: lane for lane in found.lanes}
    assert dict(lanes["transactional"].stages) == {"queued": 12, "sending": 3}
    assert dict(lanes["marketing"].stages) == {"queued": 9}
    assert lanes["transactional"].oldest == timedelta(seconds=90)
    assert lanes["protected"].stages == {}
    assert sum(site.stages["queued"] for site in found.sites) == 21
    assert {gateway.name for gateway in found.gateways} == {"mimecast", "customer.example"}
    gone = lanes["transactional"].gone_in
    assert gone is not None
    assert gone.total_seconds() == pytest.approx(12 / 1.8, rel=0.01)
    assert not found.is_empty


def test_an_empty_overview_says_so(relay: Relay, clock: FakeClock) -> None:
    with relay.reads() as session:
        assert queue_view.overview(session, clock()).is_empty
