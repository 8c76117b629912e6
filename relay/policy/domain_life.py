"""A sending domain's life: pending → verified → failing → lapsed, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.vocabulary import CheckResult, DomainStatus

CLAIM_LASTS = timedelta(days=7)
"""How long a claim waits for its proof (product decision)."""

GRACE = timedelta(hours=72)
"""How long a domain whose proof has gone may still be used (product decision; SES waits as long)."""

PENDING_LOOKS = tuple(
    timedelta(minutes=minutes) for minutes in (5, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1_440)
)
"""Waits between looks at a pending domain: often while somebody edits the zone, then daily."""

VERIFIED_LOOKS = timedelta(days=1)

FAILING_LOOKS = timedelta(hours=1)

UNKNOWN_LOOKS = timedelta(minutes=15)
"""After no answer we look again sooner than the timetable says, but not sooner than this."""


REVIEW, TAKEN = "in-review", "domain-taken"
"""Obstacles: an operator has to look first; another account owns the domain above and has not agreed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a domain stands before a look. `since` is when its status began."""

    status: DomainStatus
    since: datetime
    looks: int = 0
    vouched: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look has shown.

    `records`: the required records together. `provider`: whether the provider would send from it, None
    where it did not say. `obstacle`: what stands in the way beside DNS (`REVIEW`, `TAKEN`), or "".
    """

    records: CheckResult
    provider: bool | None
    obstacle: str = ""

    @property
    def proof(self) -> CheckResult:
        """Records and provider together; unknown unless both said something definite."""
        if CheckResult.UNKNOWN in (self.records, _as_result(self.provider)):
            return CheckResult.UNKNOWN
        both = self.records is CheckResult.PASS and self.provider
        return CheckResult.PASS if both else CheckResult.FAIL


@dataclass(frozen=True, slots=True)
class Step:
    """What follows: the status, a code of why, and when to look again (None: never by itself)."""

    status: DomainStatus
    code: str
    look_in: timedelta | None


def _as_result(provider: bool | None) -> CheckResult:
    if provider is None:
        return CheckResult.UNKNOWN
    return CheckResult.PASS if provider else CheckResult.FAIL


def after(standing: Standing, seen: Seen, now: datetime) -> Step:
    """The step that a look leads to.

    Unknown is never a failure: it neither ends a grace nor a claim, however long it lasts. A domain
    an operator vouched for stays verified whatever DNS says. A suspended one moves by operators only.
    """
    age = now - standing.since
    proven = seen.proof is CheckResult.PASS and not seen.obstacle
    gone = seen.proof is CheckResult.FAIL
    match standing.status:
        case DomainStatus.SUSPENDED:
            return Step(DomainStatus.SUSPENDED, "suspended", None)
        case DomainStatus.VERIFIED if standing.vouched:
            return Step(DomainStatus.VERIFIED, "vouched", VERIFIED_LOOKS)
        case DomainStatus.VERIFIED if gone:
            return Step(DomainStatus.FAILING, "proof-gone", FAILING_LOOKS)
        case DomainStatus.VERIFIED:
            return Step(DomainStatus.VERIFIED, "proven", _wait(seen, VERIFIED_LOOKS))
        case DomainStatus.FAILING if gone and age >= GRACE:
            return Step(DomainStatus.LAPSED, "grace-over", None)
        case DomainStatus.FAILING if seen.proof is CheckResult.PASS:
            return Step(DomainStatus.VERIFIED, "recovered", VERIFIED_LOOKS)
        case DomainStatus.FAILING:
            return Step(DomainStatus.FAILING, "proof-gone", _wait(seen, FAILING_LOOKS))
        case DomainStatus.LAPSED if not proven:
            return Step(DomainStatus.LAPSED, "lapsed", None)
        case _ if proven:
            return Step(DomainStatus.VERIFIED, "proven", VERIFIED_LOOKS)
        case _ if (
            age >= CLAIM_LASTS and (gone or seen.obstacle == TAKEN) and seen.obstacle != REVIEW
        ):
            return Step(DomainStatus.LAPSED, "claim-over", None)
        case _:
            wait = PENDING_LOOKS[min(standing.looks, len(PENDING_LOOKS) - 1)]
            return Step(DomainStatus.PENDING, seen.obstacle or "waiting", _wait(seen, wait))


def _wait(seen: Seen, usual: timedelta) -> timedelta:
    return min(usual, UNKNOWN_LOOKS) if seen.proof is CheckResult.UNKNOWN else usual
