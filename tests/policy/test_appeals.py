"""By when an appeal is answered: two working days, and a weekend is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from relay.policy.appeals import answer_by


@pytest.mark.parametrize(
    ("at", "by"),
    [
        ("Mon 2026-11-23 10:00", "Wed 2026-11-25 10:00"),
        ("Thu 2026-11-26 23:59", "Mon 2026-11-30 23:59"),
        ("Fri 2026-11-27 10:00", "Tue 2026-12-01 10:00"),
        ("Sat 2026-11-28 00:00", "Tue 2026-12-01 00:00"),
        ("Sun 2026-11-29 10:00", "Tue 2026-12-01 10:00"),
    ],
)
def test_an_answer_comes_within_two_working_days(at: str, by: str) -> None:
    def moment(text: str) -> datetime:
        return datetime.strptime(text, "%a %Y-%m-%d %H:%M").replace(tzinfo=UTC)

    assert answer_by(moment(at)) == moment(by)
    assert f"{answer_by(moment(at)):%a}" == by[:3]
