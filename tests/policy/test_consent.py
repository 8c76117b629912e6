"""Whom we may mail, by what came back earlier."""

from __future__ import annotations

from uuid import UUID

import pytest

from relay.addresses import parse
from relay.policy import topics
from relay.policy.consent import (
    reason_not_to_mail,
    reason_to_hold,
    scope_of_complaint,
    topic_of,
)
from relay.policy.facts import Facts, Held, ListFacts, OptedOut, Subscribed
from relay.vocabulary import (
    ConsentGap,
    Lane,
    State,
    Stream,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)

ADA = parse("ada@customer.example")

INVALID, COMPLAINT, PROVIDER_LIST, MANUAL, *_ = SuppressionReason
ALL, PROMOTIONAL = SuppressionScope


@pytest.mark.parametrize(
    ("reason", "scope", "stopped"),
    [
        (INVALID, ALL, "protected transactional notification marketing"),
        (PROVIDER_LIST, ALL, "protected transactional notification marketing"),
        (MANUAL, ALL, "protected transactional notification marketing"),
        (COMPLAINT, ALL, "transactional notification marketing"),
        (COMPLAINT, PROMOTIONAL, "notification marketing"),
        (MANUAL, PROMOTIONAL, "notification marketing"),
    ],
)
def test_what_each_suppression_stops(
    reason: SuppressionReason, scope: SuppressionScope, stopped: str
) -> None:
    held = Held(reason, scope, "2026-11-01T09:00:00Z")
    facts = Facts(State.ACTIVE, State.ACTIVE, suppressed={ADA: (held,)})
    assert [lane for lane in Lane if reason_to_hold(ADA, lane, facts)] == stopped.split()


def test_the_suppression_of_ada_stops_ADA_too() -> None:
    held = Held(INVALID, ALL, "2026-11-01T09:00:00Z")
    facts = Facts(State.ACTIVE, State.ACTIVE, suppressed={ADA: (held,)})
    assert reason_to_hold(parse("ADA@Customer.Example"), Lane.TRANSACTIONAL, facts) is held
    assert reason_to_hold(parse("bob@customer.example"), Lane.TRANSACTIONAL, facts) is None


def test_one_of_several_suppressions_is_enough() -> None:
    complaint = Held(COMPLAINT, PROMOTIONAL, "2026-11-01T09:00:00Z")
    gone = Held(INVALID, ALL, "2026-11-02T09:00:00Z")
    facts = Facts(State.ACTIVE, State.ACTIVE, suppressed={ADA: (complaint, gone)})
    assert reason_to_hold(ADA, Lane.TRANSACTIONAL, facts) is gone


@pytest.mark.parametrize(
    ("stream", "scope"),
    [
        (Stream.TRANSACTIONAL, ALL),
        (Stream.NOTIFICATION, PROMOTIONAL),
        (Stream.MARKETING, PROMOTIONAL),
    ],
)
def test_a_complaint_about_a_newsletter_leaves_receipts_alone(
    stream: Stream, scope: SuppressionScope
) -> None:
    assert scope_of_complaint(stream) is scope


# --- newsletters and notifications ------------------------------------------------------------

NEWS = ListFacts(UUID(int=1), "news", "News", "Shop Ltd", "1 Market Street", "en")
OFFERS = ListFacts(UUID(int=2), "offers", "Offers", "Shop Ltd", "1 Market Street", "en")
DAY = "2026-11-01T09:00:00Z"


def verdict(
    stream: Stream,
    facts: Facts,
    *,
    list: ListFacts | None = None,
    plugin: str | None = None,
) -> str | None:
    """Why Ada gets no such mail, in a word."""
    topic = topic_of(stream, plugin, list)
    held = reason_not_to_mail(ADA, Lane(stream.value), topic, list, facts)
    return held.reason.value if held else None


def facts(**given: object) -> Facts:
    return Facts(State.ACTIVE, State.ACTIVE, **given)  # type: ignore[arg-type]


def agreed(list: ListFacts, status: SubscriptionStatus) -> dict[str, object]:
    return {"subscribed": {(list.id, ADA): Subscribed(status, DAY)}}


@pytest.mark.parametrize(
    ("status", "gap"),
    [
        (None, "never-subscribed"),
        (SubscriptionStatus.UNCONFIRMED, "unconfirmed"),
        (SubscriptionStatus.CONFIRMED, None),
        (SubscriptionStatus.ATTESTED, None),
        (SubscriptionStatus.UNSUBSCRIBED, "unsubscribed"),
        (SubscriptionStatus.EXPIRED, "expired"),
    ],
)
def test_a_newsletter_needs_the_persons_word_for_that_list(
    status: SubscriptionStatus | None, gap: str | None
) -> None:
    known = facts(**(agreed(NEWS, status) if status else {}))
    assert verdict(Stream.MARKETING, known, list=NEWS) == gap
    assert verdict(Stream.MARKETING, known, list=OFFERS) == "never-subscribed"
    assert verdict(Stream.TRANSACTIONAL, known) is None
    assert verdict(Stream.NOTIFICATION, known, plugin="bbpress") is None


STOPS = {
    "news": (Stream.MARKETING, NEWS, None),
    "offers": (Stream.MARKETING, OFFERS, None),
    "forum": (Stream.NOTIFICATION, None, "bbpress"),
    "courses": (Stream.NOTIFICATION, None, "learndash"),
    "receipt": (Stream.TRANSACTIONAL, None, "woocommerce"),
}


@pytest.mark.parametrize(
    ("topic", "stopped"),
    [
        (topics.MARKETING, "news offers"),
        (topics.of_list(NEWS.id), "news"),
        (topics.NOTIFICATION, "forum courses"),
        (topics.of_plugin("bbpress"), "forum"),
        (topics.of_plugin("woocommerce"), ""),
        (topics.of_list(UUID(int=9)), ""),
    ],
)
def test_an_opt_out_stops_what_it_names_and_nothing_else(topic: str, stopped: str) -> None:
    confirmed = Subscribed(SubscriptionStatus.CONFIRMED, DAY)
    known = facts(
        subscribed={(each.id, ADA): confirmed for each in (NEWS, OFFERS)},
        opted_out={ADA: (OptedOut(topic, DAY),)},
    )
    found = [
        name
        for name, (stream, list, plugin) in STOPS.items()
        if verdict(stream, known, list=list, plugin=plugin) == "opted-out"
    ]
    assert found == stopped.split()
    for name in set(STOPS) - set(found):
        stream, list, plugin = STOPS[name]
        assert verdict(stream, known, list=list, plugin=plugin) is None


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        (PROMOTIONAL, "notification marketing"),
        (ALL, "protected transactional notification marketing"),
    ],
)
def test_what_an_erasure_stops(scope: SuppressionScope, stopped: str) -> None:
    erased = facts(suppressed={ADA: (Held(ConsentGap.ERASED, scope, DAY),)})
    assert [lane for lane in Lane if reason_to_hold(ADA, lane, erased)] == stopped.split()


@pytest.mark.parametrize(
    ("subscribed", "opted_out", "suppressed", "said"),
    [
        (None, False, True, "never-subscribed"),  # nothing is learned of somebody who never agreed
        (None, True, True, "opted-out"),
        (SubscriptionStatus.UNSUBSCRIBED, True, True, "unsubscribed"),
        (SubscriptionStatus.CONFIRMED, True, True, "opted-out"),
        (SubscriptionStatus.CONFIRMED, False, True, "unknown-address"),
    ],
)
def test_of_several_reasons_the_persons_own_word_comes_first(
    subscribed: SubscriptionStatus | None, opted_out: bool, suppressed: bool, said: str
) -> None:
    unknown = Held(SuppressionReason.UNKNOWN_ADDRESS, ALL, DAY)
    known = facts(
        subscribed={(NEWS.id, ADA): Subscribed(subscribed, DAY)} if subscribed else {},
        opted_out={ADA: (OptedOut(topics.MARKETING, DAY),)} if opted_out else {},
        suppressed={ADA: (unknown,)} if suppressed else {},
    )
    assert verdict(Stream.MARKETING, known, list=NEWS) == said


def test_the_evidence_says_which_list_or_topic_and_since_when() -> None:
    left = facts(**agreed(NEWS, SubscriptionStatus.UNSUBSCRIBED))
    topic = topics.of_list(NEWS.id)
    held = reason_not_to_mail(ADA, Lane.MARKETING, topic, NEWS, left)
    assert held == Held(ConsentGap.UNSUBSCRIBED, PROMOTIONAL, DAY, {"list": "news"})
    stopped = facts(
        **agreed(NEWS, SubscriptionStatus.CONFIRMED),
        opted_out={ADA: (OptedOut("marketing", DAY, {"by": "page"}),)},
    )
    held = reason_not_to_mail(ADA, Lane.MARKETING, topic, NEWS, stopped)
    assert held == Held(
        ConsentGap.OPTED_OUT, PROMOTIONAL, DAY, {"topic": "marketing", "by": "page"}
    )
