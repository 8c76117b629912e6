"""How a person's copy moves: stages by a table of allowed steps, outcomes by strength.

`stage` says where the copy stands in the relay and moves back and forth; `outcome` says what is
known of it and only grows stronger, so that events may come twice, late or in any order.
docs/states.md draws both.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from relay.mail import OUTCOMES
from relay.vocabulary import EventType, Outcome, Stage

STEPS: dict[Stage, frozenset[Stage]] = {
    Stage.HELD: frozenset((Stage.CHECKING, Stage.WAITING, Stage.QUEUED, Stage.DONE)),
    Stage.CHECKING: frozenset((Stage.HELD, Stage.QUEUED, Stage.DONE)),
    Stage.WAITING: frozenset((Stage.HELD, Stage.CHECKING, Stage.QUEUED, Stage.DONE)),
    Stage.QUEUED: frozenset((Stage.HELD, Stage.CHECKING, Stage.LEASED, Stage.SENDING, Stage.DONE)),
    Stage.LEASED: frozenset((Stage.QUEUED, Stage.HELD, Stage.SENDING, Stage.DONE)),
    Stage.SENDING: frozenset((Stage.QUEUED, Stage.UNKNOWN, Stage.DONE)),
    Stage.UNKNOWN: frozenset((Stage.QUEUED, Stage.DONE)),
    Stage.DONE: frozenset((Stage.QUEUED,)),
}
"""From where to where. `done → queued` is a repetition that a person or a re-probe asks for."""

FINAL = frozenset(
    (
        Outcome.SUPPRESSED,
        Outcome.EXPIRED,
        Outcome.FAILED,
        Outcome.UNCONFIRMED,
        Outcome.NO_REPORT,
        Outcome.SOFT_BOUNCED,
        Outcome.DELIVERED,
        Outcome.REJECTED,
        Outcome.RENDER_FAILED,
        Outcome.BOUNCED,
        Outcome.COMPLAINED,
    )
)
"""Outcomes after which nothing more is awaited (though something stronger may still come)."""


def after(outcome: Outcome, event: EventType) -> Outcome:
    """The outcome once `event` is known: the stronger of the two, whatever came first."""
    return max(outcome, OUTCOMES[event], key=lambda each: each.strength)


_AS_QUEUED = frozenset((Stage.LEASED, Stage.CHECKING, Stage.WAITING))
"""Stages that are all the same to people: it has not gone yet."""


def status(stage: Stage, outcome: Outcome) -> str:
    """One word for people: what is known of the copy, else where it stands."""
    if outcome is not Outcome.NONE:
        return outcome.value
    return stage.value if stage not in _AS_QUEUED else Stage.QUEUED.value


STATUSES: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            *(status(stage, Outcome.NONE) for stage in Stage if stage is not Stage.DONE),
            *(outcome.value for outcome in Outcome if outcome is not Outcome.NONE),
        )
    )
)
"""All words that `status` has for copies at rest or on their way."""

ASTRAY = FINAL - {Outcome.DELIVERED, Outcome.NO_REPORT}
"""Outcomes of copies that have not arrived, as far as anybody knows, or were not wanted."""


@dataclass(frozen=True, slots=True)
class Standings:
    """Copies that some words are for: with one of the outcomes, or with none at one of the stages."""

    stages: Set[Stage]
    outcomes: Set[Outcome]

    @property
    def are_amiss(self) -> bool:
        """Whether all of them are held or astray: few, and found by an index of their own."""
        return self.stages <= {Stage.HELD} and self.outcomes <= ASTRAY


def behind(words: Set[str]) -> Standings:
    """What stands behind some of the `STATUSES`."""
    return Standings(
        frozenset(stage for stage in Stage if status(stage, Outcome.NONE) in words),
        frozenset(outcome for outcome in Outcome if outcome.value in words) - {Outcome.NONE},
    )
