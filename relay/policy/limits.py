"""Whether a message is still within what its site, its account and its source may have accepted.

Transactional mail is counted in people who get a copy; over a limit it is refused for now. Protected mail
and what the relay writes itself is counted here by nobody. Notifications and newsletters are no refusal's
business either: they wait (design: limits, warm-up, fairness), and only the rules of one message bind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType

from relay.errors import LimitReached, TooLarge
from relay.mail import Draft, Source
from relay.policy.plans import Limits
from relay.sayings import phrase, say
from relay.vocabulary import Limit

DECLARED = 500
"""People a day to whom a new site is expected to send transactional mail (our decision)."""

HOUR_SHARE = Fraction(1, 4)
"""Share of the declared day that one hour may take (our decision): a burst ends within the hour."""

HOUR_LEAST = 20
"""People an hour whatever the share is, as long as the day allows them (our decision)."""

SOURCE_SHARE = Fraction(1, 2)
"""Share of the site's hour that one plugin or theme may take (our decision): half is left to the others."""

FORM_SHARE = Fraction(1, 4)
"""Share of the site's hour that one form of a plugin may take (our decision); strangers fill it in."""

SOURCE_LEAST = 10
"""People an hour for one source whatever its share is, as long as the hour allows them (our decision)."""

AGAIN_WITHIN = timedelta(hours=24)
"""A breaker that opens within this time after it closed has opened repeatedly (our decision)."""

LONGER = (timedelta(0), timedelta(hours=3), timedelta(hours=23))
"""How long a breaker stays open beyond the end of the hour: the first time, the second, and from then on."""

A_SECOND, AN_HOUR, A_DAY = 1, 3_600, 86_400
"""Lengths of the windows, in seconds."""

WINDOWS = {"second": A_SECOND, "hour": AN_HOUR, "day": A_DAY}

OF_SITE = {"second": Limit.SITE_SECOND, "hour": Limit.SITE_HOUR, "day": Limit.SITE_DAY}
OF_ACCOUNT = {"second": Limit.ACCOUNT_SECOND, "hour": Limit.ACCOUNT_HOUR, "day": Limit.ACCOUNT_DAY}

SENTENCES = {
    Limit.SITE_SECOND: phrase("This site may write to %(allowed)s people a second"),
    Limit.SITE_HOUR: phrase("This site may write to %(allowed)s people an hour"),
    Limit.SITE_DAY: phrase(
        "This site may write to %(allowed)s people a day; the number grows with clean days, and the "
        "operator of the relay may raise it"
    ),
    Limit.ACCOUNT_SECOND: phrase(
        "All sites of this account together may write to %(allowed)s people a second"
    ),
    Limit.ACCOUNT_HOUR: phrase(
        "All sites of this account together may write to %(allowed)s people an hour"
    ),
    Limit.ACCOUNT_DAY: phrase(
        "All sites of this account together may write to %(allowed)s people a day"
    ),
    Limit.SOURCE: phrase(
        "This plugin or form may write to %(allowed)s people an hour and has done so; look whether "
        "strangers use it. Mail from elsewhere on the site is not affected"
    ),
}


@dataclass(slots=True)
class Meter:
    """How much of one limit is used: people, in a window of so many seconds that ends in `resets`."""

    limit: Limit
    allowed: int
    used: int
    window: int
    resets: int

    @property
    def left(self) -> int:
        """People who may still be written to."""
        return max(self.allowed - self.used, 0)

    def takes(self, people: int) -> bool:
        """Whether so many more are within the limit.

        A second always takes one message: one with more people than the limit would never be taken else.
        """
        return self.used + people <= self.allowed or (
            self.window == A_SECOND and self.used == 0 and self.allowed > 0
        )


@dataclass(slots=True)
class Quota:
    """What a site may still have accepted: the meters of site and account, and of the sources asked for.

    `shared`: the account has other sites, which draw on the same limits at the same time.
    """

    meters: list[Meter] = field(default_factory=list)
    sources: dict[str, Meter] = field(default_factory=dict)
    shared: bool = False

    def meters_for(self, source: str | None) -> list[Meter]:
        """All meters that mail of this source draws on."""
        own = self.sources.get(source) if source is not None else None
        return [*self.meters, own] if own is not None else list(self.meters)

    def draw(self, people: int, source: str | None) -> None:
        """Note that so many were written to."""
        for meter in self.meters_for(source):
            meter.used += people


def check_message(draft: Draft, limits: Limits) -> None:
    """Whether one message is within people and size. Raises `TooLarge`: waiting would not help."""
    if len(draft.recipients) > limits.recipients:
        raise TooLarge(
            say(
                "A message of this site may have %(most)s recipients; send it in several",
                most=limits.recipients,
            ),
            limit=limits.recipients,
            unit="recipients",
        )
    if draft.mime.size > limits.size:
        raise TooLarge(
            say("A message of this site may have %(most)s bytes", most=f"{limits.size:,}"),
            limit=limits.size,
            unit="bytes",
        )


def check_quota(people: int, source: str | None, quota: Quota) -> None:
    """Whether so many more may be written to. Raises `LimitReached`; a message is taken whole or not."""
    check_meters(people, quota.meters_for(source))


def check_meters(people: int, meters: Iterable[Meter]) -> None:
    """As `check_quota`. Of several limits that are reached, the one is named that lasts longest."""
    reached_ones = [meter for meter in meters if not meter.takes(people)]
    if reached_ones:
        raise reached(max(reached_ones, key=lambda meter: meter.resets))


def reached(meter: Meter) -> LimitReached:
    """That this limit is reached."""
    return LimitReached(
        say(SENTENCES[meter.limit], allowed=f"{meter.allowed:,}"),
        limit=meter.limit.value,
        allowed=meter.allowed,
        remaining=meter.left,
        retry_after=max(meter.resets, 1),
    )


@lru_cache(maxsize=1_024)
def transactional(limits: Limits, declared: int) -> Mapping[str, int]:
    """People in a second, an hour and a day to whom a site may send transactional mail.

    The day is the declared volume, the hour a share of that, and neither more than the limits say.
    """
    day = min(limits.day, declared)
    hour = min(max(int(day * HOUR_SHARE), HOUR_LEAST), day, limits.hour)
    return MappingProxyType({"second": limits.second, "hour": hour, "day": day})


def source_allowed(hour: int, source: str) -> int:
    """People an hour to whom one source of a site may write whose hour allows `hour`."""
    share = FORM_SHARE if "/" in source else SOURCE_SHARE
    return min(max(int(hour * share), SOURCE_LEAST), hour)


def source_key(source: Source) -> str | None:
    """What a source is counted under: the plugin, or `plugin/form`; None where the site names none."""
    if not source.plugin and not source.form:
        return None
    return f"{source.plugin or ''}/{source.form}" if source.form else source.plugin


def opens(
    openings: int, open_until: datetime | None, *, hour_ends: datetime, now: datetime
) -> tuple[int, datetime]:
    """For the how manieth time in a row a breaker opens now, and until when.

    `open_until` is when it closed the last time, if it ever was open.
    """
    repeated = open_until is not None and now - open_until <= AGAIN_WITHIN
    times = openings + 1 if repeated else 1
    return times, hour_ends + LONGER[min(times, len(LONGER)) - 1]


def grown(declared: int, used: int, most: int) -> int:
    """The declared volume after a clean day with so many mails: half as much again, up to the plan.

    Only if at least half of it was used: what nobody needs need not grow. Never less than before.
    """
    if used * 2 < declared:
        return declared
    return max(declared, min(declared * 3 // 2, most))
