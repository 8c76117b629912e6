"""What accounts and sites may have accepted: the plans, and what an operator has set otherwise."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache, lru_cache
from pathlib import Path

from relay.errors import Invalid, NotFound

USUAL = "standard"
"""The plan of an account for which nobody has chosen one."""

MOST: Mapping[str, int] = {
    "second": 100_000,
    "hour": 100_000_000,
    "day": 1_000_000_000,
    "recipients": 50,
    "size": 40 * 1024 * 1024,
}
"""The most a limit can be; of recipients and bytes it is what Amazon SES takes (service quotas)."""

LEAST: Mapping[str, int] = {"second": 1, "hour": 0, "day": 0, "recipients": 1, "size": 1024}
"""The least a limit can be: a message that no second could hold would wait for ever."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be accepted: people in a second, an hour and a day (UTC), people and bytes of a message."""

    second: int
    hour: int
    day: int
    recipients: int
    size: int

    def merged(self, *overrides: Mapping[str, int] | None) -> Limits:
        """These limits with what the overrides say instead; a later one has precedence.

        Words that are no limits are passed over: an older release may have kept them.
        """
        given = {name: value for each in overrides for name, value in (each or {}).items()}
        known = {name: value for name, value in given.items() if name in NAMES}
        return replace(self, **known) if known else self


NAMES = tuple(field.name for field in fields(Limits))
"""The limits that can be set, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Limits with a name; `about` says for whom."""

    name: str
    about: str
    limits: Limits


@cache
def plans() -> Mapping[str, Plan]:
    """All plans by name, the smallest first (`plans.toml`)."""
    text = (Path(__file__).parent / "plans.toml").read_text(encoding="utf-8")
    return {
        name: Plan(name, told["about"], Limits(**{limit: told[limit] for limit in NAMES}))
        for name, told in tomllib.loads(text).items()
    }


def plan(name: str) -> Plan:
    """The plan of this name. Raises `NotFound`."""
    if name not in plans():
        raise NotFound(f"There is no plan {name!r}; there are {', '.join(plans())}")
    return plans()[name]


def limits_of(
    name: str, account: Mapping[str, int] | None, site: Mapping[str, int] | None = None
) -> Limits:
    """The limits of an account on this plan, or of one of its sites: site before account before plan.

    A plan that this release does not know counts as the usual one.
    """
    return _merged(name, _told(account), _told(site))


Told = tuple[tuple[str, int], ...]


def _told(overrides: Mapping[str, int] | None) -> Told:
    if not overrides:
        return ()
    return tuple((name, overrides[name]) for name in NAMES if name in overrides)


@lru_cache(maxsize=1_024)
def _merged(name: str, *overrides: Told) -> Limits:
    """Sites have much the same limits, and each message asks for them."""
    known = plans().get(name) or plans()[USUAL]
    return known.limits.merged(*map(dict, overrides))


def changed(
    overrides: Mapping[str, int] | None, given: Mapping[str, int], cleared: frozenset[str]
) -> dict[str, int] | None:
    """The overrides with these limits set and those cleared; None where nothing is left of them.

    Raises `Invalid` for a limit that cannot be.
    """
    for name, value in given.items():
        if not LEAST[name] <= value <= MOST[name]:
            raise Invalid(f"The limit {name!r} lies between {LEAST[name]:,} and {MOST[name]:,}")
    kept = {name: value for name, value in (overrides or {}).items() if name not in cleared}
    return (kept | dict(given)) or None


def by_name(limits: Limits) -> dict[str, int]:
    """The limits as a mapping."""
    return asdict(limits)
