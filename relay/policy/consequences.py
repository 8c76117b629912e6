"""What follows from a refusal: a suppression, a pause, one more try, or nothing (docs/bounces.md).

Pure: what is known of the address goes in, one consequence comes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from relay.policy.bounce_classes import BounceClass, Suppress
from relay.policy.bounces import Diagnosis

DISPUTED_FOR: Final = timedelta(days=3)
"""After so long the one re-probe of a disputed address is sent (our decision)."""

PROBE_AFTER: Final = timedelta(hours=24)
"""After so long a refusal that was not about the address is tried once more (our decision)."""

PROBE_RATE_AFTER: Final = timedelta(minutes=15)
"""After so long a copy that was refused for rate is tried again: there nothing is wrong but the pace,
and the pace has been lowered (our decision)."""

FULL_FOR: Final = timedelta(days=3)
INACTIVE_FOR: Final = timedelta(days=30)
"""How long a full mailbox, and one that is out of use, is left alone (our decision)."""

STRIKES: Final = 3
STRIKES_WITHIN: Final = timedelta(days=30)
"""So many cool-offs of a full mailbox, with no delivery in between, suppress it (our decision)."""

KNOWN_FOR: Final = timedelta(days=180)
"""So long a confirmation, delivery, opening or click speaks for an address (our decision)."""

ALIKE_AT_LEAST: Final = 3
ALIKE_SHARE: Final = 0.2
ALIKE_WITHIN: Final = timedelta(hours=24)
"""So many people, and this share of those mailed behind one gateway, failing alike speak against
the gateway and not against the address (our decision)."""

PROBED_AGAIN_AFTER: Final = timedelta(days=30)
"""A refusal that was tried once more, in vain, is not tried so again within this time."""

PROBED: Final = frozenset(
    (
        BounceClass.POLICY_RELATED,
        BounceClass.SPAM_BLOCK,
        BounceClass.SPAM_CONTENT,
        BounceClass.RATE_LIMITED,
        BounceClass.RELAY_DENIED,
        BounceClass.NETWORK_FAILURE,
        BounceClass.TRANSIENT_FAILURE,
        BounceClass.UNDETERMINED,
    )
)
"""Refusals that time may cure without anybody changing the mail."""


class Consequence(StrEnum):
    """What follows from a refusal."""

    SUPPRESS = "suppress"
    DISPUTE = "dispute"
    COOL_OFF = "cool-off"
    RE_PROBE = "re-probe"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of an address when it is refused.

    `alike` is how many people behind the same gateway failed in the same way within a day, this
    one included, of `mailed`; `pauses` counts earlier cool-offs that no delivery ended.
    """

    known: bool = False
    disputed: bool = False
    is_probe: bool = False
    alike: int = 0
    mailed: int = 0
    pauses: int = 0
    probed_lately: bool = False


def follows(found: Diagnosis, record: Record, *, final: bool) -> Consequence:
    """What follows. `final`: it was a bounce that SES calls permanent.

    - The server says that the address does not exist: suppressed. Disputed, if the address was
      good lately and the words are ambiguous, or many behind the gateway failed alike. A disputed
      address is suppressed by the answer to its one probe, and by nothing before it.
    - Out of use, or full: left alone for a while; suppressed when it happens again and again.
    - A rule, reputation, content, rate, the way there: one more try, never a second one.
    """
    if found.suppress is Suppress.YES:
        if not final:
            return Consequence.NOTHING
        if record.disputed:
            return Consequence.SUPPRESS if record.is_probe else Consequence.NOTHING
        doubtful = found.ambiguous or _wave(record)
        return Consequence.DISPUTE if record.known and doubtful else Consequence.SUPPRESS
    if found.bounce_class is BounceClass.INACTIVE_MAILBOX:
        return Consequence.SUPPRESS if record.pauses else Consequence.COOL_OFF
    if found.bounce_class is BounceClass.MAILBOX_FULL:
        return Consequence.SUPPRESS if record.pauses + 1 >= STRIKES else Consequence.COOL_OFF
    if found.bounce_class in PROBED and not record.probed_lately:
        return Consequence.RE_PROBE
    return Consequence.NOTHING


def _wave(record: Record) -> bool:
    return record.alike >= ALIKE_AT_LEAST and record.alike >= ALIKE_SHARE * record.mailed


def probe_after(found: Diagnosis) -> timedelta:
    """How long a re-probe waits."""
    return PROBE_RATE_AFTER if found.bounce_class is BounceClass.RATE_LIMITED else PROBE_AFTER


def pause(found: Diagnosis) -> timedelta:
    """How long a cool-off lasts."""
    return FULL_FOR if found.bounce_class is BounceClass.MAILBOX_FULL else INACTIVE_FOR
