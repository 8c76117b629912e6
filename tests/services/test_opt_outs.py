"""What a person wants no more of: topics, what stops what, and an end that is kept."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from relay.addresses import parse
from relay.context import Relay
from relay.models import OptOut, Site
from relay.services import opt_outs
from tests.fakes import MORNING

ADA, BOB = parse("ada@customer.example"), parse("bob@customer.example")
LIST = UUID("018f0000-0000-7000-8000-000000000001")
NEWS = opt_outs.of_list(LIST)


@pytest.mark.parametrize(
    ("topic", "opted_out", "stopped"),
    [
        (NEWS, {NEWS}, True),
        (NEWS, {"marketing"}, True),
        ("marketing", {"marketing"}, True),
        (NEWS, {"notification", "list:another"}, False),
        ("marketing", {NEWS}, False),
        ("notification:bbpress", {"notification:bbpress"}, True),
        ("notification:bbpress", {"notification"}, True),
        ("notification:bbpress", {"notification:other", "marketing"}, False),
        ("notification", {"notification:bbpress"}, False),
        (NEWS, set(), False),
    ],
)
def test_a_topic_is_stopped_by_itself_or_by_all_of_its_kind(
    topic: str, opted_out: set[str], stopped: bool
) -> None:
    assert opt_outs.is_stopped(topic, opted_out) is stopped


@pytest.mark.parametrize(
    ("plugin", "topic"),
    [
        ("bbpress", "notification:bbpress"),
        ("BuddyPress", "notification:buddypress"),
        ("My Plugin (Pro)", "notification:my-plugin-pro"),
        ("a/b\nc", "notification:a-b-c"),
        ("é", "notification:other"),
        ("", "notification:other"),
        (None, "notification:other"),
        ("x" * 100, "notification:" + "x" * 64),
    ],
)
def test_a_plugin_s_topic_is_short_and_plain(plugin: str | None, topic: str) -> None:
    made = opt_outs.of_plugin(plugin)
    assert made == topic
    assert len(made) <= opt_outs.LONGEST
    assert opt_outs.plugin_of(made) == made.removeprefix("notification:")


def test_topics_tell_what_they_are_about() -> None:
    assert opt_outs.list_of(NEWS) == LIST
    for topic in ("marketing", "notification:bbpress", "list:nonsense"):
        assert opt_outs.list_of(topic) is None
    assert opt_outs.plugin_of(NEWS) is None


def test_an_opt_out_is_news_once_and_ends_without_being_lost(relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        given = {"evidence": {"by": "test"}, "now": MORNING}
        assert opt_outs.opt_out(session, site.id, ADA, NEWS, **given)
        assert not opt_outs.opt_out(session, site.id, parse("ADA@customer.example"), NEWS, **given)

        later = MORNING + timedelta(days=1)
        assert opt_outs.opt_in_again(session, site.id, ADA, NEWS, ending="confirmed", now=later)
        assert not opt_outs.opt_in_again(session, site.id, ADA, NEWS, now=later)
        assert opt_outs.topics_of(session, site.id, ADA) == frozenset()

        assert opt_outs.opt_out(session, site.id, ADA, NEWS, evidence={}, now=later)
        kept = session.scalars(select(OptOut).order_by(OptOut.id)).all()
        assert [(each.ending, each.ended_at) for each in kept] == [
            ("confirmed", later),
            (None, None),
        ]


def test_asking_again_for_one_thing_ends_what_stopped_all_of_its_kind(
    relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        for topic in ("marketing", "notification", "list:another"):
            opt_outs.opt_out(session, site.id, ADA, topic, evidence={}, now=MORNING)

        opt_outs.opt_in_again(session, site.id, ADA, NEWS, now=MORNING)

        assert opt_outs.topics_of(session, site.id, ADA) == {"notification", "list:another"}


def test_many_people_are_asked_about_at_once(relay: Relay, site: Site) -> None:
    carol = parse("carol@customer.example")
    with relay.sessions.begin() as session:
        opt_outs.opt_out(session, site.id, ADA, NEWS, evidence={}, now=MORNING)
        opt_outs.opt_out(session, site.id, BOB, "marketing", evidence={}, now=MORNING)
        opt_outs.opt_out(session, site.id, carol, "notification", evidence={}, now=MORNING)

        people = [ADA, BOB, carol]
        assert opt_outs.stopped(session, site.id, people, NEWS) == {ADA.key, BOB.key}
        assert opt_outs.stopped(session, site.id, people, "notification:x") == {carol.key}
        assert opt_outs.stopped(session, LIST, people, NEWS) == frozenset()
