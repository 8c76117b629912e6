"""What a message says of itself counts more than what the site says of it, but only upwards."""

from __future__ import annotations

from typing import Any

import pytest

from relay.policy.streams import effective_stream, lane
from relay.vocabulary import Kind, Lane, Stream
from tests.factories import make_draft

TRANSACTIONAL, NOTIFICATION, MARKETING = Stream


@pytest.mark.parametrize(
    ("declared", "headers", "stream"),
    [
        (TRANSACTIONAL, {}, TRANSACTIONAL),
        (NOTIFICATION, {}, NOTIFICATION),
        (MARKETING, {}, MARKETING),
        (TRANSACTIONAL, {"Precedence": "bulk"}, MARKETING),
        (TRANSACTIONAL, {"Precedence": " List "}, MARKETING),
        (NOTIFICATION, {"PRECEDENCE": "BULK"}, MARKETING),
        (TRANSACTIONAL, {"Precedence": "first-class"}, TRANSACTIONAL),
        (TRANSACTIONAL, {"List-Unsubscribe": "<https://shop.example/u>"}, NOTIFICATION),
        (NOTIFICATION, {"List-Unsubscribe": "<https://shop.example/u>"}, NOTIFICATION),
        (MARKETING, {"List-Unsubscribe": "<https://shop.example/u>"}, MARKETING),
    ],
)
def test_the_stream_is_corrected_upwards_only(
    declared: Stream, headers: dict[str, Any], stream: Stream
) -> None:
    assert effective_stream(make_draft(stream=declared, **headers)) is stream


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"stream": TRANSACTIONAL}, Lane.TRANSACTIONAL),
        ({"stream": NOTIFICATION}, Lane.NOTIFICATION),
        ({"stream": MARKETING}, Lane.MARKETING),
        ({"stream": TRANSACTIONAL, "kind": Kind.SECURITY}, Lane.PROTECTED),
        # Not protected: more than one person, or not transactional.
        (
            {"kind": Kind.SECURITY, "to": ["a@customer.example", "b@customer.example"]},
            Lane.TRANSACTIONAL,
        ),
        ({"stream": MARKETING, "kind": Kind.SECURITY}, Lane.MARKETING),
        ({"kind": Kind.SECURITY, "Precedence": "bulk"}, Lane.MARKETING),
    ],
)
def test_only_security_mail_to_one_person_is_protected(
    given: dict[str, Any], expected: Lane
) -> None:
    draft = make_draft(**given)
    assert lane(draft, effective_stream(draft)) is expected


def test_lanes_leave_in_order() -> None:
    assert sorted(Lane, key=lambda lane: lane.rank) == [
        Lane.PROTECTED,
        Lane.TRANSACTIONAL,
        Lane.NOTIFICATION,
        Lane.MARKETING,
    ]
