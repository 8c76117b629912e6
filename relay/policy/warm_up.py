"""How much marketing and notification mail a site, and a From-domain, may send while they are new.

Mailbox providers trust a sender by its history, and a list that was bought shows in the first hundred
mails. So a newcomer begins small and each clean day lets it grow, up to its plan (docs/warm-up.md has
the schedule, and where its figures come from). All windows are hours and days of UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from relay.policy.first_contacts import ENOUGH, Day
from relay.policy.windows import day_of, hour_of
from relay.sayings import phrase
from relay.vocabulary import State, WaitReason

BEGIN = 50
"""Copies a day at first (our decision; published schedules begin between 50 and 300 a day)."""

HOURLY = (2, 5)
"""Share of a day's allowance that may go in one hour, as a fraction: 20 of the first 50. SendGrid's
automatic schedule begins with 20 an hour; two fifths still let a newsletter out within a morning."""

GROWTH = (3, 2)
"""What a clean day multiplies the allowance by. SendGrid's schedule has 1.4, Mailtrap's 1.3, iPost's 2;
Gmail's advice to senders is never to double at once."""

LEAST = 25
"""Halving stops here: with fewer than `first_contacts.ENOUGH` copies a day, no day could be clean and
the site would never come back."""

IDLE = timedelta(days=40)
"""After so long without a copy, a sender has to warm up again. SendGrid's documentation says 30 days;
ours are 40, for else a newsletter that comes on the first Monday of each month, up to 35 days after the
one before, would be thrown back every time."""

STEP_BACK = 4
"""By how much such a time divides the allowance (our decision). Not to the beginning, for the shared
addresses stay warm and only the memory of this name fades: four clean days make good for it. Each
further `IDLE` divides again."""

YOUNG = timedelta(days=30)
"""A site is young for so long."""

YOUNG_SHARE = 10
"""All young sites together get one part in so many of what the provider lets us send in a day."""

SLOWED_TO = 4
"""What the platform guard leaves of an allowance: one part in so many (our decision)."""

FORECAST = timedelta(days=400)
"""No forecast looks further ahead."""

TITLES = {
    WaitReason.NEXT_WINDOW: phrase(
        "This hour's or day's share of the plan is used up; it goes on in the next"
    ),
    WaitReason.WARM_UP: phrase(
        "The sender is still warming up: so much an hour and a day, more after clean days"
    ),
    WaitReason.CANARY: phrase(
        "A few copies go first; the others follow if nothing is wrong with those"
    ),
    WaitReason.YOUNG_SITES: phrase(
        "Sites younger than 30 days share a part of each day, and today's is used up"
    ),
}
"""What a reason to wait means, for people; the code is for programs."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the plan allows at full volume: copies an hour and a day."""

    per_hour: int
    per_day: int


@dataclass(frozen=True, slots=True)
class Used:
    """How many copies were drawn in the window that began then."""

    began_at: datetime | None = None
    people: int = 0

    def in_window(self, began_at: datetime) -> int:
        """How many of them belong to the window that began at this time."""
        return self.people if self.began_at == began_at else 0


@dataclass(frozen=True, slots=True)
class Ramp:
    """How far a site or a domain has come: what it has earned, and what it has drawn of it.

    `clean_days` counts the days that let it grow. `halved` says that its being limited was answered
    already, so that the allowance is halved once and not with each copy.
    """

    per_day: int = BEGIN
    clean_days: int = 0
    halved: bool = False
    last_sent_at: datetime | None = None
    judged_day: datetime | None = None
    hour: Used = Used()
    day: Used = Used()


@dataclass(frozen=True, slots=True)
class Room:
    """How many copies may go now; `because` and `until` say what binds, and when that changes."""

    people: int
    because: WaitReason
    until: datetime


def per_hour(per_day: int) -> int:
    """What of a day's allowance may go in one hour."""
    return per_day * HOURLY[0] // HOURLY[1]


def grown(per_day: int, most: int) -> int:
    """The allowance after one more clean day, up to the plan; never less than before."""
    more = max(per_day * GROWTH[0] // GROWTH[1], per_day + 1)
    return max(per_day, min(more, most))


def standing(ramp: Ramp, state: State, now: datetime) -> Ramp:
    """The ramp as it counts now: halved once on becoming `limited`, stepped back after idle times."""
    if ramp.last_sent_at is not None and (months := (now - ramp.last_sent_at) // IDLE):
        back = max(ramp.per_day // STEP_BACK ** min(months, 20), BEGIN)
        ramp = replace(ramp, per_day=min(ramp.per_day, back), last_sent_at=now)
    if state is State.LIMITED and not ramp.halved:
        halved = min(ramp.per_day, max(ramp.per_day // 2, LEAST))
        return replace(ramp, per_day=halved, halved=True)
    if state is not State.LIMITED and ramp.halved:
        return replace(ramp, halved=False)
    return ramp


def judged(ramp: Ramp, day: Day, state: State, *, began_at: datetime, ceiling: Ceiling) -> Ramp:
    """The ramp after the day that began then: grown if that was clean and the site is in good standing.

    A day without `ENOUGH` delivered says nothing. Whoever is `warned` or worse stays where it is.
    A day is judged once.
    """
    if ramp.judged_day is not None and ramp.judged_day >= began_at:
        return ramp
    ramp = replace(ramp, judged_day=began_at)
    if not day.is_clean or state is not State.ACTIVE:
        return ramp
    more = grown(ramp.per_day, ceiling.per_day)
    return replace(ramp, per_day=more, clean_days=ramp.clean_days + 1)


def allowed(ramp: Ramp, ceiling: Ceiling) -> Ceiling:
    """Copies an hour and a day: what was earned; at full volume just what the plan has."""
    if ramp.per_day >= ceiling.per_day:
        return ceiling
    return Ceiling(
        min(per_hour(ramp.per_day), ceiling.per_hour), min(ramp.per_day, ceiling.per_day)
    )


def slowed(ramp: Ramp, ceiling: Ceiling) -> Ramp:
    """The ramp with one part in `SLOWED_TO` of what it allows, while its mail endangers all others'."""
    return replace(ramp, per_day=min(ramp.per_day, ceiling.per_day) // SLOWED_TO)


def room(ramp: Ramp, ceiling: Ceiling, now: datetime) -> Room:
    """What this ramp still lets go in the current windows."""
    hour, day = hour_of(now), day_of(now)
    may = allowed(ramp, ceiling)
    left_hour = may.per_hour - ramp.hour.in_window(hour)
    left_day = may.per_day - ramp.day.in_window(day)
    if left_day <= left_hour:
        warming = may.per_day < ceiling.per_day
        left, until = left_day, day + timedelta(days=1)
    else:
        warming = may.per_hour < ceiling.per_hour
        left, until = left_hour, hour + timedelta(hours=1)
    return Room(max(left, 0), WaitReason.WARM_UP if warming else WaitReason.NEXT_WINDOW, until)


def young_room(drawn: Used, per_day: int | None, now: datetime) -> Room | None:
    """What young sites may still send together today; None where the provider sets no limit."""
    if per_day is None:
        return None
    day = day_of(now)
    left = per_day // YOUNG_SHARE - drawn.in_window(day)
    return Room(max(left, 0), WaitReason.YOUNG_SITES, day + timedelta(days=1))


def is_young(created_at: datetime, now: datetime) -> bool:
    """Whether a site made then is still young."""
    return now - created_at < YOUNG


def narrowest(rooms: Sequence[Room]) -> Room:
    """The room that binds; of equals the one that binds longer."""
    return min(rooms, key=lambda room: (room.people, -room.until.timestamp()))


def full_volume_on(ramp: Ramp, ceiling: Ceiling, today: date) -> date | None:
    """The day on which the plan's full volume is reached if all days are clean; None if it is already."""
    steps, per_day = 0, ramp.per_day
    while per_day < ceiling.per_day:
        per_day = grown(per_day, ceiling.per_day)
        steps += 1
    return today + timedelta(days=steps) if steps else None


def leaves_at(
    ahead: int, ramps: Sequence[Ramp], ceiling: Ceiling, *, now: datetime, ends: datetime
) -> datetime | None:
    """When a copy goes that has so many before it, if all days are clean; None if not before `ends`.

    Walks through the hours: each takes what all ramps allow, and each day lets them grow.
    """
    ends = min(ends, now + FORECAST)
    at, left = now, ahead
    while at < ends:
        free = min(room(ramp, ceiling, at).people for ramp in ramps)
        if left < free:
            return at
        left -= free
        ramps = [drawn(ramp, free, at) for ramp in ramps]
        following = hour_of(at) + timedelta(hours=1)
        if day_of(following) != day_of(at):
            ramps = [replace(r, per_day=grown(r.per_day, ceiling.per_day)) for r in ramps]
        at = following
    return None


def drawn(ramp: Ramp, people: int, now: datetime) -> Ramp:
    """The ramp after so many copies went."""
    hour, day = hour_of(now), day_of(now)
    return replace(
        ramp,
        hour=Used(hour, ramp.hour.in_window(hour) + people),
        day=Used(day, ramp.day.in_window(day) + people),
    )


def schedule(ceiling: Ceiling, begin: int = BEGIN) -> list[tuple[int, Ceiling]]:
    """Clean day by clean day, what may be sent, until the plan is reached."""
    ramp = Ramp(per_day=begin)
    rows: list[tuple[int, Ceiling]] = []
    while True:
        rows.append((len(rows), allowed(ramp, ceiling)))
        if full_volume_on(ramp, ceiling, date.min) is None:
            return rows
        ramp = replace(ramp, per_day=grown(ramp.per_day, ceiling.per_day))


__all__ = [
    "BEGIN", "ENOUGH", "GROWTH", "HOURLY", "IDLE", "LEAST", "STEP_BACK", "TITLES", "YOUNG",
    "YOUNG_SHARE", "Ceiling", "Day", "Ramp", "Room", "Used", "allowed", "day_of", "drawn",
    "full_volume_on",
    "grown", "hour_of", "is_young", "judged", "leaves_at", "narrowest", "per_hour", "room",
    "schedule", "slowed", "standing", "young_room",
]  # fmt: skip
