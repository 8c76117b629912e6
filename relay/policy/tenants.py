"""What Amazon SES is told about an account's tenant, and what follows from what it finds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from relay.policy.standing import SHUTS_EVERYTHING, Stand
from relay.sayings import Saying, Sentence, say
from relay.vocabulary import Cause, SendingStatus, State

HIGH = "HIGH"
"""SES's word for findings at which it acts."""

PAUSED = "paused"
"""What stands beside findings: that SES has paused the tenant by itself."""

AGAIN = (15, 60, 300, 900)
"""Seconds until SES is asked again after trouble, by how often it came; the last repeats."""

CAUSES = {
    "BOUNCE": Cause.INVALID_ADDRESSES,
    "COMPLAINT": Cause.COMPLAINTS,
    "FEEDBACK_3P": Cause.COMPLAINTS,
    "IP_LISTING": Cause.SPAM,
}
"""What a finding of SES is about, in our words."""


def is_shut(stand: Stand) -> bool:
    """Whether nothing may leave any more, not even security mail: terminated, or suspended because
    somebody else may be writing.

    Any other suspension leaves the protected lane open, and the tenant has to let it through.
    """
    if stand.state is State.SUSPENDED:
        return stand.cause in SHUTS_EVERYTHING
    return stand.state is State.TERMINATED


def status_for(stand: Stand, reinstated_at: datetime | None) -> SendingStatus:
    """What SES is to be told. Who was reinstated here is so there: what SES found before counts no more."""
    if is_shut(stand):
        return SendingStatus.DISABLED
    return SendingStatus.REINSTATED if reinstated_at else SendingStatus.ENABLED


def is_news(
    wanted: SendingStatus, told: SendingStatus, told_at: datetime, reinstated_at: datetime | None
) -> bool:
    """Whether SES has to be told: it lets go what is shut, or the other way round, or the account was
    reinstated since. That a reinstated tenant becomes an enabled one over there is no news."""
    stop = SendingStatus.DISABLED
    again = wanted is not stop and reinstated_at is not None and reinstated_at > told_at
    return (wanted is stop) is not (told is stop) or again


def grave(findings: Iterable[tuple[str, str]], theirs: SendingStatus) -> list[str]:
    """What an account is warned of, of findings (type and impact) and SES's own status."""
    found = {type for type, impact in findings if impact == HIGH}
    return sorted(found) + [PAUSED] * (theirs is SendingStatus.DISABLED)


def cause_of(found: Collection[str]) -> Cause:
    """What a warning of these is about."""
    return next((CAUSES[each] for each in found if each in CAUSES), Cause.OTHER)


def again_in(tries: int) -> timedelta:
    """How long to wait after the nth trouble in a row."""
    return timedelta(seconds=AGAIN[min(max(tries, 1), len(AGAIN)) - 1])


def reason(ses: Mapping[str, Any]) -> Saying:
    """What Amazon SES finds wrong, for the owner; its own words as they came.

    `ses` is the evidence of a warning: `findings`, and in `theirs` whether SES has paused the tenant.
    """
    told = say("Amazon SES, which carries your mail, finds something wrong with it.")
    if ses.get("theirs") == SendingStatus.DISABLED:
        told += say("It has paused your mail; what waits leaves when it lets you go again.")
    for found in ses["findings"]:
        if found["impact"] == HIGH:
            told += Saying(
                (Sentence("%(words)s", {"words": found["description"] or found["type"]}),)
            )
    return told
