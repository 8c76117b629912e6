"""Made-up mail goes through the rules: what leaves, what waits, what is held, and by which rule."""

from __future__ import annotations

from relay.replay.engine import Replay
from relay.replay.reading import read
from relay.replay.story import Story, as_json


def replay(site: str, mail: str, days: int = 3, more: str = "") -> Story:
    return Replay(
        read(
            f"name: Test\ndays: {days}\nseed: 1\n{more}sites:\n  - name: Site\n    {site}\n    mail:\n"
            f"      - {mail}\n"
        )
    ).run()


def first(story: Story) -> tuple[str, str]:
    entry = story.stop("Site")
    assert entry is not None
    return entry.verb, entry.rule


def test_the_same_seed_tells_the_same_story() -> None:
    one, other = (
        replay("age: 400", "{name: a, stream: transactional, per_day: 50, invalid: 20%}")
        for _ in range(2)
    )
    assert as_json(one) == as_json(other)
    assert one.entries


def test_a_new_sites_newsletter_waits_for_its_warm_up() -> None:
    story = replay(
        "age: 0\n    delivered: 0",
        "{name: a, stream: notification, send: 200, on: 1, hours: 8-9}",
        days=1,
    )
    (flow,) = story.lives[0].flows
    assert (flow.handed, flow.left, flow.waiting.people) == (200, 50, 150)


def test_the_rest_of_a_bad_sending_is_held_by_its_canary() -> None:
    story = replay(
        "promotional_daily: 5000",
        "{name: a, stream: marketing, send: 4000, on: 1, hours: 8-9, new_list: true, invalid: 5%}",
    )
    assert first(story) == ("hold", "canary-failed")
    assert story.lives[0].flows[0].left == 100


def test_the_same_receipt_to_many_is_held_after_a_hundred() -> None:
    story = replay(
        "declared_daily: 5000",
        "{name: a, stream: transactional, per_day: 2000, hours: 8-10, same_words: true, unwanted: true}",
        days=1,
    )
    assert first(story) == ("hold", "campaign-in-disguise")
    assert story.bad("Site") == 100


def test_a_flood_from_a_new_network_is_held() -> None:
    story = replay(
        "declared_daily: 5000",
        "{name: a, stream: transactional, per_day: 3000, hours: 2-4, new_network: true, unwanted: true}",
        days=1,
    )
    assert first(story) == ("hold", "new-network")
    assert story.bad("Site") < 60


def test_nobody_is_mailed_who_did_not_ask() -> None:
    story = replay("age: 400", "{name: a, stream: marketing, send: 500, on: 1, opted_in: false}")
    assert first(story) == ("refuse", "no-consent")
    assert story.flows("Site") == {"a": (500, 0)}


def test_what_is_over_the_limits_is_tried_again_and_not_lost() -> None:
    story = replay(
        "first_contacts: 20",
        "{name: a, stream: transactional, per_day: 60, hours: 8-9, new_people: 100%, days: 1}",
        days=2,
    )
    (flow,) = story.lives[0].flows
    assert flow.left == flow.handed
    assert [entry.rule for entry in story.entries] == ["first-contacts"]
    assert story.stop("Site") is None


def test_an_hour_begins_once() -> None:
    story = replay(
        "declared_daily: 400", "{name: a, stream: transactional, per_day: 5000, days: 1}", days=1
    )
    assert story.flows("Site")["a"][1] == 400


def test_security_mail_outlives_the_suspension_of_its_site() -> None:
    story = replay(
        "age: 400",
        "{name: a, stream: transactional, per_day: 300, invalid: 15%}\n"
        "      - {name: resets, stream: transactional, per_day: 20, security: true}",
        days=4,
        more="expect: [{site: Site, state: suspended, flows: resets}]\n",
    )
    assert story.passed, story.verdicts


def test_people_who_report_abuse_are_heard() -> None:
    story = replay(
        "promotional_daily: 5000",
        "{name: a, stream: marketing, send: 1000, on: 1, new_list: false, reports: 2%}",
        days=4,
    )
    assert first(story) == ("limit", "abuse-reports")


def test_a_good_scenario_expects_of_each_site_that_it_is_not_limited() -> None:
    story = replay("age: 400", "{name: a, stream: transactional, per_day: 5}", days=1)
    assert [(v.expected, v.passed) for v in story.verdicts] == [("never limited", True)]


def test_exact_numbers_come_out_exactly() -> None:
    story = replay(
        "age: 400",
        "{name: a, stream: notification, send: 40, on: [1, 2], exactly: {invalid: 1, complaints: 2}}",
    )
    assert story.bad("Site") == 6
