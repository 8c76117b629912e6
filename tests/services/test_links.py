"""Where links lead: look-alikes and shared places are held, told, decided; honest mail leaves."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from relay.context import Relay
from relay.models import Account, Content, LinkHost, Message, Recipient, Review, Site
from relay.policy import canary
from relay.services import (
    domain_rules,
    freezing,
    links,
    messages,
    releases,
    retention,
    reviews,
)
from relay.services.letters import HOUSE_SITE
from relay.services.messages import Request
from relay.services.networks import Came
from relay.vocabulary import Decision, Kind, ReviewKind, Stage, State, Stream
from tests.factories import make_account, make_domain, make_draft, make_key, make_site
from tests.fakes import FakeClock
from tests.steps import copy_of, deliver_due, find, look, subscribe
from tests.steps import links as keys_of

PHISHING = 'Hello,\r\n<a href="https://paypa1.example/login">your account</a> is locked.\r\n'
HONEST = 'Hello,\r\n<a href="https://partner.example/x">our partner</a> has news.\r\n'
HTML = "text/html; charset=UTF-8"


@pytest.fixture
def old(relay: Relay, site: Site) -> Site:
    """A site that has been here for two months."""
    with relay.sessions.begin() as session:
        session.get_one(Site, site.id).created_at = relay.clock() - timedelta(days=60)
        session.get_one(Account, site.account_id).created_at = relay.clock() - timedelta(days=60)
    return site


def hand_in(
    relay: Relay, site: Site, body: str = HONEST, *, one_in: int = 10**40, came: Came | None = None,
    **given: Any,
) -> dict[str, Any]:  # fmt: skip
    """One message where mail is read; unless `one_in` says otherwise, none is in the sample."""
    draft = make_draft(**({"body": body, "Content_Type": HTML} | given))
    if draft.stream is Stream.MARKETING:
        subscribe(relay, site, *draft.recipients)
    request = Request(draft, None, "x", came=came, read_one_in=one_in)
    with relay.sessions.begin() as session:
        return messages.accept(
            session, site.id, request, links=keys_of(relay), now=relay.clock()
        ).receipt


def stage(relay: Relay, receipt: dict[str, Any]) -> Stage:
    with relay.reads() as session:
        (found,) = session.scalars(
            select(Recipient.stage).where(Recipient.message_id == UUID(receipt["id"]))
        )
    return found


def seen(relay: Relay, site: Site, body: str = PHISHING, **given: Any) -> Stage:
    """Where a message stands after the duty has looked at it."""
    receipt = hand_in(relay, site, body, **given)
    look(relay)
    return stage(relay, receipt)


def the_review(relay: Relay, site: Site) -> Review:
    with relay.reads() as session:
        return session.scalars(select(Review).where(Review.site_id == site.id)).one()


def decide(relay: Relay, site: Site, decision: Decision) -> None:
    with relay.sessions.begin() as session:
        reviews.decide(
            session, the_review(relay, site).id, decision, because="looked", now=relay.clock()
        )
    with relay.sessions.begin() as session:
        reviews.carry_out(session, now=relay.clock())


def letters(relay: Relay) -> list[bytes]:
    with relay.reads() as session:
        return list(
            session.scalars(select(Content.data).join(Message).where(Message.site_id == HOUSE_SITE))
        )


# --- what pretends --------------------------------------------------------------------------


def test_a_link_to_a_look_alike_is_held_and_the_owner_is_told(relay: Relay, site: Site) -> None:
    receipt = hand_in(relay, site, PHISHING)
    assert receipt["recipients"][0]["disposition"] == "queued"
    assert stage(relay, receipt) is Stage.CHECKING

    look(relay)

    assert copy_of(relay, site, receipt).status == "held"
    assert (copy_of(relay, site, receipt).reason or {})["code"] == "look-alike-link"
    review = the_review(relay, site)
    assert (review.kind, review.people) == (ReviewKind.LOOK_ALIKE_LINK, 1)
    assert review.evidence == {
        "host": "paypa1.example", "brand": "paypal.com", "shown": None,
        "link": "https://paypa1.example/login",
    }  # fmt: skip
    (letter,) = letters(relay)
    assert b"paypa1.example" in letter


def test_words_that_say_one_thing_and_lead_elsewhere(relay: Relay, site: Site) -> None:
    body = '<a href="https://partner.example/">https://www.paypal.com</a>\r\n'
    assert seen(relay, site, body) is Stage.HELD
    assert b"www.paypal.com" in letters(relay)[0]


@pytest.mark.parametrize(
    "body",
    [
        HONEST,
        '<a href="https://shop.example/?c=1">https://www.paypal.com</a>\r\n',
        '<a href="https://www.paypal.com/x">PayPal</a>\r\n',
        "No link at all.\r\n",
    ],
    ids=["a partner", "counted on the own site", "the brand itself", "none"],
)
def test_honest_mail_leaves(body: str, relay: Relay, site: Site) -> None:
    assert seen(relay, site, body) is Stage.QUEUED


def test_a_name_that_an_operator_allows_passes(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        domain_rules.allow(
            session, "paypa1.example", account_id=None, reason="a choir", now=relay.clock()
        )
    assert seen(relay, site) is Stage.QUEUED


def test_the_sites_own_sending_domains_pass(relay: Relay, site: Site, account: Account) -> None:
    with relay.sessions.begin() as session:
        make_domain(session, account, "paypa1.example")
    assert seen(relay, site) is Stage.QUEUED


def test_released_it_leaves_and_so_does_the_same_host_for_30_days(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    held = hand_in(relay, site, PHISHING)
    look(relay)
    decide(relay, site, Decision.RELEASED)
    assert stage(relay, held) is Stage.QUEUED
    assert seen(relay, site, PHISHING + "Other words.") is Stage.QUEUED
    clock.advance(days=29, hours=23)
    assert seen(relay, site) is Stage.QUEUED
    clock.advance(hours=2)
    assert seen(relay, site, one_in=1) is Stage.HELD


def test_rejected_it_ends_and_so_does_what_links_there(relay: Relay, site: Site) -> None:
    held = hand_in(relay, site, PHISHING)
    look(relay)
    decide(relay, site, Decision.REJECTED)
    later = hand_in(relay, site, PHISHING)
    look(relay)
    for receipt in (held, later):
        copy = copy_of(relay, site, receipt)
        assert (copy.status, (copy.reason or {})["code"]) == ("failed", "not-released")


def test_undecided_it_expires(relay: Relay, site: Site, clock: FakeClock) -> None:
    receipt = hand_in(relay, site, PHISHING)
    look(relay)
    clock.advance(hours=24)
    with relay.sessions.begin() as session:
        assert reviews.expire(session, now=clock()) == 1
    assert copy_of(relay, site, receipt).status == "expired"


def test_more_of_it_joins_the_review_and_one_letter_a_day_is_enough(
    relay: Relay, site: Site
) -> None:
    for _ in range(3):
        assert seen(relay, site) is Stage.HELD
    assert the_review(relay, site).people == 3
    assert len(letters(relay)) == 1


def test_what_waits_for_a_look_is_frozen_with_its_site(relay: Relay, site: Site) -> None:
    receipt = hand_in(relay, site, PHISHING)
    with relay.sessions.begin() as session:
        found = session.get_one(Site, site.id)
        found.state, found.state_since = State.SUSPENDED, relay.clock()
    with relay.sessions.begin() as session:
        freezing.freeze(session, now=relay.clock())
    assert look(relay) == 0
    assert stage(relay, receipt) is Stage.HELD
    assert the_review(relay, site).kind is ReviewKind.SUSPENDED


# --- which mail is read ---------------------------------------------------------------------


def test_of_a_site_in_good_standing_only_a_sample_is_read(relay: Relay, old: Site) -> None:
    assert stage(relay, hand_in(relay, old, PHISHING)) is Stage.QUEUED
    assert stage(relay, hand_in(relay, old, PHISHING, one_in=1)) is Stage.CHECKING
    assert stage(relay, hand_in(relay, old, PHISHING, one_in=0)) is Stage.QUEUED


def test_where_no_mail_is_read_not_even_a_young_sites_is(relay: Relay, site: Site) -> None:
    assert stage(relay, hand_in(relay, site, PHISHING, one_in=0)) is Stage.QUEUED


def test_all_mail_of_a_warned_site_is_read(relay: Relay, old: Site) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Site, old.id).state = State.WARNED
    assert stage(relay, hand_in(relay, old)) is Stage.CHECKING


def test_so_is_that_of_a_site_one_stream_of_which_was_warned(relay: Relay, old: Site) -> None:
    with relay.sessions.begin() as session:
        session.get_one(Site, old.id).streams = {"marketing": {"state": "warned"}}
    assert stage(relay, hand_in(relay, old)) is Stage.CHECKING


def test_all_mail_of_a_site_under_review_is_read(relay: Relay, old: Site) -> None:
    assert seen(relay, old, one_in=1) is Stage.HELD
    assert stage(relay, hand_in(relay, old)) is Stage.CHECKING


def test_mail_from_a_new_network_is_read(relay: Relay, old: Site, clock: FakeClock) -> None:
    with relay.sessions.begin() as session:
        key = make_key(session, old).key.id
    assert stage(relay, hand_in(relay, old, came=Came(key, "192.0.2.0/24"))) is Stage.QUEUED
    clock.advance(days=2)
    elsewhere = hand_in(relay, old, came=Came(key, "198.51.100.0/24"))
    assert stage(relay, elsewhere) is Stage.CHECKING


def test_security_mail_is_not_read(relay: Relay, site: Site) -> None:
    code = "Your code is 1234.\r\n"
    assert stage(relay, hand_in(relay, site, code, kind=Kind.SECURITY)) is Stage.QUEUED


def test_a_newsletters_first_message_is_read_and_the_next_is_not(relay: Relay, old: Site) -> None:
    given = {"stream": Stream.MARKETING, "list_id": "news"}
    first, second = (hand_in(relay, old, to=[f"r{n}@customer.example"], **given) for n in range(2))
    assert (stage(relay, first), stage(relay, second)) == (Stage.CHECKING, Stage.QUEUED)
    look(relay)
    assert stage(relay, first) is Stage.QUEUED
    assert len(deliver_due(relay)) == 2


def test_a_young_sites_newsletter_is_read_when_its_turn_comes(
    relay: Relay, account: Account, clock: FakeClock
) -> None:
    with relay.sessions.begin() as session:
        newcomer = make_site(session, account, per_day=12, url="https://new.example")
    people = [f"r{n}@customer.example" for n in range(5)]
    given = {"stream": Stream.MARKETING, "list_id": "news"}
    waits = hand_in(relay, newcomer, PHISHING, to=people, **given)
    assert {c["disposition"] for c in waits["recipients"]} == {"queued"}
    house = releases.House(relay.settings.keyring, relay.settings.house_sender, 20)

    with relay.sessions.begin() as session:
        releases.release_due(session, house, now=clock())

    counted = Counter(c.recipient.stage for c in find(relay, newcomer, waits).recipients)
    assert counted == {Stage.CHECKING: 4, Stage.WAITING: 1}  # 4 an hour
    look(relay)
    counted = Counter(c.recipient.stage for c in find(relay, newcomer, waits).recipients)
    assert counted == {Stage.HELD: 4, Stage.WAITING: 1}


def test_copies_that_go_first_are_read(relay: Relay, old: Site, clock: FakeClock) -> None:
    people = [f"r{n}@customer.example" for n in range(150)]
    subscribe(relay, old, *make_draft(to=people).recipients)
    for start in range(0, 150, 50):
        hand_in(
            relay, old, PHISHING, to=people[start : start + 50],
            stream=Stream.MARKETING, list_id="news",
        )  # fmt: skip
    house = releases.House(relay.settings.keyring, relay.settings.house_sender, 10**40)
    clock.advance(seconds=canary.GATHER.total_seconds())
    for _ in range(3):
        with relay.sessions.begin() as session:
            releases.release_due(session, house, now=clock())
    with relay.reads() as session:
        stages = Counter(session.scalars(select(Recipient.stage)))
    assert stages == {Stage.CHECKING: canary.LEAST, Stage.WAITING: 150 - canary.LEAST}


# --- what several share ---------------------------------------------------------------------


def sender(relay: Relay, name: str, *, days: int = 5, owner: str | None = None) -> Site:
    """A customer of so many days with one site."""
    with relay.sessions.begin() as session:
        account = make_account(session, name=name)
        account.owner_email = owner or f"owner@{name}.example"
        account.created_at = relay.clock() - timedelta(days=days)
        make_domain(session, account, f"{name}.example")
        site = make_site(session, account, url=f"https://{name}.example")
        site.created_at = account.created_at
        return site


def mail(relay: Relay, site: Site, body: str, **given: Any) -> Stage:
    host = site.url.removeprefix("https://")
    return seen(relay, site, body, From=f"News <news@{host}>", one_in=1, **given)


def test_a_place_that_three_young_accounts_share_is_looked_at(relay: Relay) -> None:
    sites = [sender(relay, name) for name in ("alpha", "beta", "gamma")]
    bodies = [f'<a href="https://a{n}.scheme.example/">{n} things</a>\r\n' for n in range(3)]

    stages = [mail(relay, site, body) for site, body in zip(sites, bodies, strict=True)]

    assert stages == [Stage.QUEUED, Stage.QUEUED, Stage.HELD]
    review = the_review(relay, sites[2])
    assert (review.kind, (review.evidence or {})["host"]) == (
        ReviewKind.SHARED_LINK, "scheme.example",
    )  # fmt: skip
    assert {each["name"] for each in (review.evidence or {})["accounts"]} == {"alpha", "beta"}
    (letter,) = letters(relay)
    assert b"scheme.example" in letter
    assert b"alpha" not in letter  # owners are not told who else
    assert mail(relay, sites[0], bodies[0]) is Stage.HELD


def test_the_same_words_of_three_accounts_with_one_link_are_looked_at_whatever_their_age(
    relay: Relay,
) -> None:
    sites = [sender(relay, name, days=400) for name in ("alpha", "beta", "gamma", "delta")]
    stages = [mail(relay, site, HONEST, to=[f"p{n}@x.example"]) for n, site in enumerate(sites)]
    assert stages == [Stage.QUEUED, Stage.QUEUED, Stage.HELD, Stage.HELD]
    assert (the_review(relay, sites[3]).evidence or {})["share"] == "the same words"


@pytest.mark.parametrize(
    "why", ["old accounts", "one owner", "a common place", "over days", "their own places"]
)
def test_what_is_no_cluster(why: str, relay: Relay, clock: FakeClock) -> None:
    days = 400 if why == "old accounts" else 5
    owner = "agency@agency.example" if why == "one owner" else None
    sites = [sender(relay, name, days=days, owner=owner) for name in ("alpha", "beta", "gamma")]
    for n, site in enumerate(sites):
        host = "wordpress.org" if why == "a common place" else "scheme.example"
        host = site.url.removeprefix("https://") if why == "their own places" else host
        words = "abc"[n] * 5
        assert mail(relay, site, f'<a href="https://{host}/">{words}</a>\r\n') is Stage.QUEUED
        clock.advance(hours=13 if why == "over days" else 0)


def test_released_a_shared_place_is_free_for_that_site_and_allowed_for_all(relay: Relay) -> None:
    sites = [sender(relay, name) for name in ("alpha", "beta", "gamma", "delta")]
    for site in sites[:3]:
        mail(relay, site, HONEST)
    decide(relay, sites[2], Decision.RELEASED)
    assert mail(relay, sites[2], HONEST) is Stage.QUEUED
    assert mail(relay, sites[3], HONEST) is Stage.HELD
    with relay.sessions.begin() as session:
        domain_rules.allow(
            session, "partner.example", account_id=None, reason="a fair", now=relay.clock()
        )
    assert mail(relay, sites[3], HONEST) is Stage.QUEUED


def test_related_accounts_are_found_by_where_their_mail_leads(
    relay: Relay, clock: FakeClock
) -> None:
    alpha, beta = sender(relay, "alpha", days=400), sender(relay, "beta", days=400)
    mail(relay, alpha, HONEST)
    mail(relay, alpha, HONEST + '<a href="https://lone.example/">alone</a>\r\n')
    mail(relay, beta, '<a href="https://shop.partner.example/">a shop</a>\r\n')

    with relay.reads() as session:
        found = links.link_domains(session, alpha.account_id)

    assert [(each.host, each.mails) for each in found] == [
        ("lone.example", 1), ("partner.example", 2),
    ]  # fmt: skip
    assert [each.others for each in found] == [(), ((beta.account_id, "beta"),)]
    clock.advance(days=91)
    with relay.sessions.begin() as session:
        retention.purge(session, now=clock())
        assert session.scalars(select(LinkHost)).all() == []


def test_our_own_way_out_of_a_newsletter_is_no_place(relay: Relay, old: Site) -> None:
    seen(relay, old, HONEST, one_in=1, stream=Stream.MARKETING, list_id="news")
    with relay.reads() as session:
        assert set(session.scalars(select(LinkHost.host))) == {"partner.example"}
