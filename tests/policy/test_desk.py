"""When operators are written to about what waits for them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from relay.policy.desk import told_until
from tests.fakes import MORNING


@pytest.mark.parametrize(
    ("told", "now", "until"),
    [
        # never before; whole seconds, and not the latest five minutes
        (MORNING - timedelta(days=9), MORNING, MORNING - timedelta(minutes=5)),
        (
            MORNING - timedelta(days=9),
            MORNING + timedelta(milliseconds=7),
            MORNING - timedelta(minutes=5),
        ),
        # once an hour
        (MORNING, MORNING + timedelta(minutes=64, seconds=59), None),
        (MORNING, MORNING + timedelta(minutes=65), MORNING + timedelta(hours=1)),
    ],
)
def test_a_letter_tells_of_what_has_come_until_a_while_ago(
    told: datetime, now: datetime, until: datetime | None
) -> None:
    assert told_until(told, now) == until
