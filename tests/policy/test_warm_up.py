"""The ramp: how it begins, grows, stops, steps back, and what it promises."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from relay.policy import warm_up
from relay.policy.warm_up import Ceiling, Day, Ramp, Room, Used
from relay.vocabulary import State, WaitReason

PLAN = Ceiling(per_hour=5_000, per_day=50_000)
NOON = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
HOUR, DAY = datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)
CLEAN = Day(delivered=20)


def test_a_newcomer_begins_with_50_a_day_and_20_an_hour() -> None:
    assert warm_up.allowed(Ramp(), PLAN) == Ceiling(per_hour=20, per_day=50)


def test_the_schedule_climbs_to_the_plan_in_18_clean_days() -> None:
    rows = warm_up.schedule(PLAN)

    assert [may.per_day for _, may in rows] == [
        50, 75, 112, 168, 252, 378, 567, 850, 1_275, 1_912, 2_868, 4_302, 6_453, 9_679, 14_518,
        21_777, 32_665, 48_997, 50_000,
    ]  # fmt: skip
    assert [may.per_hour for _, may in rows][:6] == [20, 30, 44, 67, 100, 151]
    assert rows[-1] == (18, PLAN)


def test_the_page_shows_the_schedule_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "warm-up.md").read_text()
    shown = re.findall(r"^\| (\d+) \| ([\d,]+) \| ([\d,]+) \|$", page, re.MULTILINE)

    assert [tuple(int(cell.replace(",", "")) for cell in row) for row in shown] == [
        (days, may.per_day, may.per_hour) for days, may in warm_up.schedule(PLAN)
    ]


@pytest.mark.parametrize(
    ("day", "after"),
    [
        (Day(delivered=20), 75),
        (Day(delivered=19), 50),
        (Day(), 50),
        (Day(delivered=100, invalid=2), 75),  # 2 of 102 are below 2 %
        (Day(delivered=98, invalid=2), 50),  # 2 of 100 are not
        (Day(delivered=5_000, complained=1), 50),
    ],
)
def test_only_a_clean_day_counts(day: Day, after: int) -> None:
    ramp = warm_up.judged(Ramp(), day, State.ACTIVE, began_at=DAY, ceiling=PLAN)
    assert (ramp.per_day, ramp.clean_days) == (after, int(after > 50))


@pytest.mark.parametrize("state", [state for state in State if state is not State.ACTIVE])
def test_whoever_was_warned_or_worse_stays_where_it_is(state: State) -> None:
    ramp = warm_up.judged(Ramp(), CLEAN, state, began_at=DAY, ceiling=PLAN)
    assert (ramp.per_day, ramp.clean_days, ramp.judged_day) == (50, 0, DAY)


def test_a_day_is_judged_once() -> None:
    ramp = warm_up.judged(Ramp(), CLEAN, State.ACTIVE, began_at=DAY, ceiling=PLAN)
    assert warm_up.judged(ramp, CLEAN, State.ACTIVE, began_at=DAY, ceiling=PLAN) == ramp


@pytest.mark.parametrize(
    ("per_day", "most", "after"),
    [(50, 50_000, 75), (48_997, 50_000, 50_000), (60_000, 50_000, 60_000), (1, 9, 2), (0, 9, 1)],
)
def test_growth_ends_at_the_plan_and_takes_nothing_away(
    per_day: int, most: int, after: int
) -> None:
    assert warm_up.grown(per_day, most) == after


@pytest.mark.parametrize(
    ("per_day", "after"), [(1_000, 500), (60, 30), (50, 25), (40, 25), (25, 25), (10, 10)]
)
def test_limited_halves_it_once_and_never_to_where_no_day_could_be_clean(
    per_day: int, after: int
) -> None:
    ramp = warm_up.standing(Ramp(per_day=per_day), State.LIMITED, NOON)

    assert ramp.per_day == after
    assert warm_up.standing(ramp, State.LIMITED, NOON) == ramp
    reinstated = warm_up.standing(ramp, State.ACTIVE, NOON)
    assert (reinstated.per_day, reinstated.halved) == (after, False)
    assert warm_up.standing(reinstated, State.LIMITED, NOON).halved


@pytest.mark.parametrize(
    ("idle", "after"),
    [(0, 8_000), (39, 8_000), (40, 2_000), (79, 2_000), (80, 500), (160, 50), (3_000, 50)],
)
def test_idle_times_each_take_it_back_by_three_quarters(idle: int, after: int) -> None:
    ramp = Ramp(per_day=8_000, last_sent_at=NOON - timedelta(days=idle))
    assert warm_up.standing(ramp, State.ACTIVE, NOON).per_day == after


def test_idling_never_gives_anything() -> None:
    ramp = Ramp(per_day=25, last_sent_at=NOON - timedelta(days=90))
    assert warm_up.standing(ramp, State.ACTIVE, NOON).per_day == 25


@pytest.mark.parametrize(
    ("ramp", "people", "because", "until"),
    [
        (Ramp(), 20, "warm-up", HOUR + timedelta(hours=1)),
        (Ramp(hour=Used(HOUR, 15)), 5, "warm-up", HOUR + timedelta(hours=1)),
        (Ramp(hour=Used(HOUR - timedelta(hours=1), 20), day=Used(DAY, 20)), 20, "warm-up",
         HOUR + timedelta(hours=1)),
        (Ramp(day=Used(DAY, 45)), 5, "warm-up", DAY + timedelta(days=1)),
        (Ramp(day=Used(DAY, 60)), 0, "warm-up", DAY + timedelta(days=1)),
        (Ramp(day=Used(DAY - timedelta(days=1), 50)), 20, "warm-up", HOUR + timedelta(hours=1)),
        (Ramp(per_day=50_000), 5_000, "next-window", HOUR + timedelta(hours=1)),
        (Ramp(per_day=20_000), 5_000, "next-window", HOUR + timedelta(hours=1)),
        (Ramp(per_day=90_000, day=Used(DAY, 49_999)), 1, "next-window", DAY + timedelta(days=1)),
    ],
)  # fmt: skip
def test_room_in_the_windows(ramp: Ramp, people: int, because: str, until: datetime) -> None:
    assert warm_up.room(ramp, PLAN, NOON) == Room(people, WaitReason(because), until)


def test_young_sites_share_a_tenth_of_the_day() -> None:
    tomorrow = DAY + timedelta(days=1)
    some = warm_up.young_room(Used(DAY, 4_000), 50_000, NOON)
    assert some == Room(1_000, WaitReason.YOUNG_SITES, tomorrow)
    assert warm_up.young_room(Used(DAY, 6_000), 50_000, NOON) == Room(
        0, WaitReason.YOUNG_SITES, tomorrow
    )
    assert warm_up.young_room(Used(DAY, 6_000), None, NOON) is None
    assert warm_up.is_young(NOON - timedelta(days=29), NOON)
    assert not warm_up.is_young(NOON - timedelta(days=30), NOON)


def test_the_narrowest_room_binds_and_of_equals_the_longer_one() -> None:
    one = Room(3, WaitReason.WARM_UP, HOUR)
    other = Room(3, WaitReason.YOUNG_SITES, HOUR + timedelta(days=1))
    assert warm_up.narrowest([one, Room(9, WaitReason.WARM_UP, HOUR), other]) is other


@pytest.mark.parametrize(
    ("per_day", "on"),
    [(50, date(2026, 12, 10)), (33_000, date(2026, 11, 24)), (50_000, None), (90_000, None)],
)
def test_the_day_of_full_volume(per_day: int, on: date | None) -> None:
    assert warm_up.full_volume_on(Ramp(per_day=per_day), PLAN, NOON.date()) == on


@pytest.mark.parametrize(
    ("ahead", "at"),
    [
        (0, NOON),
        (19, NOON),
        (20, datetime(2026, 11, 22, 13, tzinfo=UTC)),
        (40, datetime(2026, 11, 22, 14, tzinfo=UTC)),
        (50, datetime(2026, 11, 23, 0, tzinfo=UTC)),
        (79, datetime(2026, 11, 23, 0, tzinfo=UTC)),  # 30 an hour after a clean day
        (80, datetime(2026, 11, 23, 1, tzinfo=UTC)),
        (3_000, None),
    ],
)
def test_when_a_copy_s_turn_comes(ahead: int, at: datetime | None) -> None:
    ends = NOON + timedelta(days=7)
    assert warm_up.leaves_at(ahead, [Ramp()], PLAN, now=NOON, ends=ends) == at


def test_the_slower_of_two_ramps_decides_when() -> None:
    ends = NOON + timedelta(days=7)
    ramps = [Ramp(per_day=50_000), Ramp(hour=Used(HOUR, 20))]
    assert warm_up.leaves_at(0, ramps, PLAN, now=NOON, ends=ends) == HOUR + timedelta(hours=1)
