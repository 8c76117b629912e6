"""Events in sentences."""

from __future__ import annotations

import pytest

from relay.policy.words import summary
from relay.vocabulary import EventType


@pytest.mark.parametrize("event", EventType)
def test_every_event_has_a_sentence(event: EventType) -> None:
    assert str(summary(event, {})).endswith(".")


def test_a_bounce_comes_with_our_reading_of_it() -> None:
    said = str(summary(EventType.BOUNCED, {"diagnosis": {"summary": "The mailbox does not exist"}}))
    assert said == "The receiving server refused the mail. The mailbox does not exist."


def test_a_failure_says_why() -> None:
    said = str(
        summary(EventType.FAILED, {"detail": "MessageRejected: Email address is not verified."})
    )
    assert said.endswith("MessageRejected: Email address is not verified.")
