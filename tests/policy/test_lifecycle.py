"""A copy's outcome only grows stronger, in whatever order the news comes."""

from __future__ import annotations

import re
from itertools import combinations, permutations, product

import pytest

from relay.mail import OUTCOMES
from relay.models.messages import AMISS
from relay.policy.lifecycle import ASTRAY, FINAL, STATUSES, STEPS, after, behind, status
from relay.vocabulary import EventType, Outcome, Stage


def outcome_of(*events: EventType) -> Outcome:
    outcome = Outcome.NONE
    for event in events:
        outcome = after(outcome, event)
    return outcome


def test_the_order_of_events_does_not_matter() -> None:
    for events in combinations(EventType, 4):
        assert len({outcome_of(*order) for order in permutations(events)}) == 1, events


def test_the_order_of_all_events_of_a_long_story_does_not_matter() -> None:
    story = (
        EventType.SENT,
        EventType.DEFERRED,
        EventType.DELIVERED,
        EventType.OPENED,
        EventType.SOFT_BOUNCED,
        EventType.COMPLAINED,
        EventType.NO_REPORT,
    )
    assert {outcome_of(*order) for order in permutations(story)} == {Outcome.COMPLAINED}


def test_an_event_told_twice_changes_nothing_more() -> None:
    for outcome, event in product(Outcome, EventType):
        once = after(outcome, event)
        assert after(once, event) is once
        assert once.strength >= outcome.strength


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ((EventType.DELIVERED, EventType.BOUNCED), Outcome.BOUNCED),  # a late bounce message
        ((EventType.BOUNCED, EventType.DELIVERED), Outcome.BOUNCED),
        ((EventType.COMPLAINED, EventType.DELIVERED), Outcome.COMPLAINED),
        ((EventType.DELIVERED, EventType.SOFT_BOUNCED), Outcome.DELIVERED),  # out of office
        ((EventType.SOFT_BOUNCED, EventType.DELIVERED), Outcome.DELIVERED),
        ((EventType.DEFERRED, EventType.SENT), Outcome.DEFERRED),
        ((EventType.NO_REPORT, EventType.DELIVERED), Outcome.DELIVERED),
        ((EventType.NO_REPORT, EventType.DEFERRED), Outcome.NO_REPORT),
        ((EventType.UNCONFIRMED, EventType.DELIVERED), Outcome.DELIVERED),
        ((EventType.FAILED, EventType.SENT), Outcome.SENT),
        ((EventType.EXPIRED, EventType.BOUNCED), Outcome.BOUNCED),
        ((EventType.OPENED,), Outcome.SENT),
        ((EventType.CLICKED, EventType.UNSUBSCRIBED), Outcome.SENT),
        ((EventType.DEFERRED, EventType.OPENED), Outcome.DEFERRED),
    ],
)
def test_the_stronger_news_wins(events: tuple[EventType, ...], outcome: Outcome) -> None:
    assert outcome_of(*events) is outcome


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - FINAL))
def test_what_is_not_final_is_still_waited_for(outcome: Outcome) -> None:
    assert outcome in (Outcome.NONE, Outcome.SENT, Outcome.DEFERRED)


def test_every_event_says_something_about_the_copy() -> None:
    assert set(OUTCOMES) == set(EventType)


def test_every_stage_can_reach_the_end_and_is_reached() -> None:
    reached = {Stage.QUEUED}
    while more := {to for stage in reached for to in STEPS[stage]} - reached:
        reached |= more
    assert reached == set(Stage)
    assert set(STEPS) == set(Stage)
    assert all(Stage.DONE in steps for stage, steps in STEPS.items() if stage is not Stage.DONE)


@pytest.mark.parametrize(
    ("stage", "outcome", "word"),
    [
        (Stage.QUEUED, Outcome.NONE, "queued"),
        (Stage.CHECKING, Outcome.NONE, "queued"),
        (Stage.LEASED, Outcome.NONE, "queued"),
        (Stage.SENDING, Outcome.NONE, "sending"),
        (Stage.UNKNOWN, Outcome.NONE, "unknown"),
        (Stage.HELD, Outcome.NONE, "held"),
        (Stage.DONE, Outcome.SENT, "sent"),
        (Stage.DONE, Outcome.SOFT_BOUNCED, "soft_bounced"),
        (Stage.QUEUED, Outcome.DEFERRED, "deferred"),
    ],
)
def test_people_see_one_word(stage: Stage, outcome: Outcome, word: str) -> None:
    assert status(stage, outcome) == word


def test_behind_a_word_stands_what_is_called_so() -> None:
    for stage, outcome, word in product(Stage, Outcome, STATUSES):
        found = behind({word})
        stands = outcome in found.outcomes or (outcome is Outcome.NONE and stage in found.stages)
        assert stands == (status(stage, outcome) == word), (stage, outcome, word)


def test_every_copy_at_rest_or_on_its_way_is_called_by_one_of_the_words() -> None:
    told = {status(stage, outcome) for stage, outcome in product(Stage, Outcome)}
    assert told - set(STATUSES) == {"done"}, "at rest, and nothing is known: that never lasts"
    assert len(STATUSES) == len(set(STATUSES))


def test_the_index_about_what_is_amiss_knows_all_of_it() -> None:
    assert set(re.findall(r"'(\w+)'", AMISS)) == {"held", *ASTRAY}
    assert behind({"held", *ASTRAY}).are_amiss
    assert not behind({"held", "sent"}).are_amiss
    assert not behind({"queued"}).are_amiss
