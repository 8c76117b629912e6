"""What a message says of itself counts more than what the site says of it, but only upwards."""

from __future__ import annotations

from typing import Any

import pytest

from relay.mail import Source
from relay.policy.streams import NEWSLETTER_PLUGINS, correction, effective_stream, lane, remark
from relay.policy.topics import slug
from relay.vocabulary import Lane, Stream
from tests.factories import make_draft

TRANSACTIONAL, NOTIFICATION, MARKETING = Stream

UNSUBSCRIBE = {"List-Unsubscribe": "<https://shop.example/u>"}
LIST_ID = {"List-Id": "<forum.shop.example>"}
MAILPOET = {"source": Source("mailpoet", None)}
TWO = {"to": ["a@customer.example", "b@customer.example"]}


@pytest.mark.parametrize(
    ("declared", "given", "stream", "because"),
    [
        (TRANSACTIONAL, {}, TRANSACTIONAL, None),
        (NOTIFICATION, {}, NOTIFICATION, None),
        (MARKETING, {}, MARKETING, None),
        (TRANSACTIONAL, {"Precedence": "bulk"}, MARKETING, "precedence"),
        (TRANSACTIONAL, {"Precedence": " List "}, MARKETING, "precedence"),
        (NOTIFICATION, {"PRECEDENCE": "BULK"}, MARKETING, "precedence"),
        (MARKETING, {"Precedence": "bulk"}, MARKETING, None),
        (TRANSACTIONAL, {"Precedence": "first-class"}, TRANSACTIONAL, None),
        (TRANSACTIONAL, UNSUBSCRIBE, NOTIFICATION, "list-unsubscribe"),
        (NOTIFICATION, UNSUBSCRIBE, NOTIFICATION, None),
        (MARKETING, UNSUBSCRIBE, MARKETING, None),
        (TRANSACTIONAL, LIST_ID, NOTIFICATION, "list-id"),
        (NOTIFICATION, LIST_ID, NOTIFICATION, None),
        (MARKETING, LIST_ID, MARKETING, None),
        (TRANSACTIONAL, LIST_ID | {"Precedence": "list"}, MARKETING, "precedence"),
        # Of a newsletter plugin: whatever looks like a list's mail, or goes to several people.
        (TRANSACTIONAL, MAILPOET | UNSUBSCRIBE, MARKETING, "newsletter-plugin"),
        (TRANSACTIONAL, MAILPOET | LIST_ID, MARKETING, "newsletter-plugin"),
        (TRANSACTIONAL, MAILPOET | TWO, MARKETING, "newsletter-plugin"),
        (NOTIFICATION, MAILPOET | TWO, MARKETING, "newsletter-plugin"),
        (MARKETING, MAILPOET | TWO, MARKETING, None),
        (TRANSACTIONAL, {"source": Source("MailPoet", None)} | TWO, MARKETING, "newsletter-plugin"),
        # Its letters to one person (a confirmation, a word to the owner): a notification, not less.
        (TRANSACTIONAL, MAILPOET, NOTIFICATION, "newsletter-plugin"),
        (MARKETING, MAILPOET, MARKETING, None),
        # Of another plugin: as it says.
        (TRANSACTIONAL, {"source": Source("woocommerce", None)} | TWO, TRANSACTIONAL, None),
        (TRANSACTIONAL, {"source": Source(None, None)} | TWO, TRANSACTIONAL, None),
    ],
)
def test_the_stream_is_corrected_upwards_only(
    declared: Stream, given: dict[str, Any], stream: Stream, because: str | None
) -> None:
    draft = make_draft(stream=declared, **given)
    assert correction(draft) == (stream, because)
    assert effective_stream(draft) is stream
    assert (remark(draft) is None) is (because is None)


def test_plugins_are_named_as_wordpress_names_them() -> None:
    assert all(slug(name) == name for name in NEWSLETTER_PLUGINS)
    assert {"mailpoet", "newsletter", "mailster", "fluent-crm", "sendy"} <= NEWSLETTER_PLUGINS


def test_each_stream_has_its_lane_and_what_is_protected_another() -> None:
    assert [lane(stream) for stream in Stream] == [
        Lane.TRANSACTIONAL,
        Lane.NOTIFICATION,
        Lane.MARKETING,
    ]
    assert lane(Stream.TRANSACTIONAL, protected=True) is Lane.PROTECTED


def test_lanes_leave_in_order() -> None:
    assert sorted(Lane, key=lambda lane: lane.rank) == [
        Lane.PROTECTED,
        Lane.TRANSACTIONAL,
        Lane.NOTIFICATION,
        Lane.MARKETING,
    ]
