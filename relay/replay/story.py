"""What happened: the days on which something was done, what was stopped, and whether it was as expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from relay.policy.standing import stream_state
from relay.replay.life import Flow, Life
from relay.replay.scenario import Expectation, Scenario
from relay.vocabulary import Stream, Verb

FLOWS_FROM = 0.95
"""Share of a kind of mail that must have left for it to flow on: the last of it may still wait."""

STOPS = (Verb.LIMIT.value, Verb.SUSPEND.value, Verb.HOLD_SOURCE.value, "hold", "refuse")
"""What keeps mail from leaving; a warning does not, and slowing only delays it."""

MILDER = {
    "limited": frozenset[str](),
    "slowed": frozenset((Verb.SLOW.value,)),
    "warned": frozenset((Verb.SLOW.value, Verb.WARN.value)),
}
"""What else must not have happened, by the word after `never`."""

DONE = {
    Verb.WARN: "{mail} warned",
    Verb.LIMIT: "{mail} limited",
    Verb.SUSPEND: "site suspended",
    Verb.HOLD_SOURCE: "{source} held",
    Verb.SLOW: "newsletters slowed for a day",
    Verb.REINSTATE: "{mail}: the warning has ended",
}

MAIL = {
    Stream.TRANSACTIONAL: "receipts",
    Stream.NOTIFICATION: "notifications",
    Stream.MARKETING: "newsletters",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something was done: when, to what, by which rule, why; `bad` had left of the site by then."""

    at: datetime
    day: int
    site: str
    verb: str
    what: str
    rule: str
    why: str
    bad: int
    left: int

    @property
    def stops(self) -> bool:
        """Whether mail did not leave because of it."""
        return self.verb in STOPS


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was expected, and whether it was so."""

    site: str
    passed: bool
    expected: str
    found: str


@dataclass(slots=True)
class Story:
    """All of a replayed scenario."""

    scenario: Scenario
    lives: Sequence[Life]
    entries: list[Entry] = field(default_factory=list)

    def of(self, site: str) -> list[Life]:
        """The sites of this name; several where the scenario has it so many times."""
        return [life for life in self.lives if life.place.name == site]

    def entries_of(self, site: str) -> list[Entry]:
        """What was done to them."""
        names = {life.name for life in self.of(site)}
        return [entry for entry in self.entries if entry.site in names]

    def bad(self, site: str) -> int:
        """Bad mails of theirs that left."""
        return sum(life.bad for life in self.of(site))

    def flows(self, site: str) -> Mapping[str, tuple[int, int]]:
        """Of each kind of mail, how many were handed in and how many left."""
        found: dict[str, tuple[int, int]] = {}
        for flow in (flow for life in self.of(site) for flow in life.flows):
            handed, left = found.get(flow.mail.name, (0, 0))
            found[flow.mail.name] = handed + flow.handed, left + flow.left
        return found

    def stop(self, site: str) -> Entry | None:
        """What stopped it first."""
        return next((entry for entry in self.entries_of(site) if entry.stops), None)

    @property
    def verdicts(self) -> list[Verdict]:
        """Whether all was as expected. Of a good scenario that says nothing, that no site was limited."""
        wanted = list(self.scenario.expectations)
        if self.scenario.good:
            said = {each.site for each in wanted}
            places = [place.name for place in self.scenario.places if place.name not in said]
            wanted += [Expectation(site=name, never="limited") for name in places]
        return [verdict for each in wanted for verdict in self._judge(each)]

    @property
    def passed(self) -> bool:
        """Whether all of it was."""
        return all(verdict.passed for verdict in self.verdicts)

    def _judge(self, wanted: Expectation) -> list[Verdict]:
        site, stop, found = wanted.site, self.stop(wanted.site), []
        told = f"{stop.what} on day {stop.day} ({stop.rule})" if stop else "nothing stopped it"

        def say(passed: bool, expected: str, seen: str) -> None:
            found.append(Verdict(site, passed, expected, seen))

        if wanted.stopped_within is not None:
            bad = self.bad(site)
            say(
                stop is not None and bad <= wanted.stopped_within,
                f"stopped within {wanted.stopped_within:,} bad mails",
                f"{told}, {bad:,} bad mails left",
            )
        if wanted.by_day is not None:
            say(stop is not None and stop.day <= wanted.by_day, f"by day {wanted.by_day}", told)
        if wanted.rules:
            rules = " or ".join(wanted.rules)
            say(stop is not None and stop.rule in wanted.rules, f"stopped by {rules}", told)
        if wanted.state is not None:
            states = sorted({life.state.value for life in self.of(site)})
            say(
                states == [wanted.state.value],
                f"site {wanted.state.value} at the end",
                ", ".join(states),
            )
        for stream, state in wanted.streams.items():
            states = sorted({stream_state(life.streams, stream).value for life in self.of(site)})
            say(
                states == [state.value],
                f"{stream.value} {state.value} at the end",
                ", ".join(states),
            )
        if wanted.never is not None:
            acts = [e for e in self.entries_of(site) if e.stops or e.verb in MILDER[wanted.never]]
            seen = (
                f"{acts[0].what} on day {acts[0].day} ({acts[0].rule})"
                if acts
                else "nothing was done"
            )
            say(not acts, f"never {wanted.never}", seen)
        for name in wanted.flows:
            handed, left = self.flows(site)[name]
            say(left >= handed * FLOWS_FROM, f"{name} flow on", f"{left:,} of {handed:,} left")
        return found


def flow_as_json(flow: Flow) -> dict[str, Any]:
    """One kind of mail for programs."""
    return {
        "mail": flow.mail.name,
        "stream": flow.stream.value,
        "handed_in": flow.handed,
        "left": flow.left,
        "bad": flow.bad,
        "waits": flow.waiting.people,
        "expired": flow.expired,
        "stopped": dict(flow.stopped),
    }


def as_json(story: Story) -> dict[str, Any]:
    """The story for programs."""
    return {
        "scenario": story.scenario.name,
        "good": story.scenario.good,
        "days": story.scenario.days,
        "seed": story.scenario.seed,
        "passed": story.passed,
        "events": [
            {
                "day": entry.day,
                "at": entry.at.isoformat(),
                "site": entry.site,
                "done": entry.verb,
                "what": entry.what,
                "rule": entry.rule,
                "why": entry.why,
                "bad_mails_left": entry.bad,
                "mails_left": entry.left,
            }
            for entry in story.entries
        ],
        "sites": [
            {
                "site": life.name,
                "state": life.state.value,
                "streams": {s.value: stream_state(life.streams, s).value for s in Stream},
                "mail": [flow_as_json(flow) for flow in life.flows],
            }
            for life in story.lives
        ],
        "expected": [
            {
                "site": verdict.site,
                "expected": verdict.expected,
                "found": verdict.found,
                "passed": verdict.passed,
            }
            for verdict in story.verdicts
        ],
    }
