"""Time goes by: mail is handed in, leaves or does not, is heard of, and the rules act on it.

Only minutes in which something happens are looked at. What is good news waits until something bad is
heard or the day ends: nothing follows from it before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Final
from uuid import UUID

from relay.models import Action
from relay.policy import first_contacts, limits, warm_up
from relay.policy.first_contacts import Day
from relay.policy.gateways import Gateway
from relay.policy.windows import day_of
from relay.replay import gate
from relay.replay.chance import Chance
from relay.replay.crowd import Echo, Heard, outcome, told
from relay.replay.gate import HELD_STATE
from relay.replay.life import Flow, Life, Used
from relay.replay.scenario import Scenario
from relay.replay.story import DONE, MAIL, Entry, Story
from relay.replay.world import World
from relay.services.tallies import Told
from relay.vocabulary import CanaryState, State

BEGINS: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""The first day, a Monday."""

A_MINUTE: Final = 600
"""Copies of one site that leave in a minute (our assumption: ten a second)."""

HANDED_IN_OVER: Final = 30
"""Minutes over which a site hands in a sending."""

PIECES: Final = 5
"""Copies that arrived are told in such pieces, so that bad news stands among them, not behind them."""

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PER_DAY: Final = 24 * 60

HELD: Final = {
    "canary-failed": "the first copies came back or were complained about, so the rest is held",
    "canary-unclear": "too little was heard of the first copies, so the rest is held",
    "campaign-in-disguise": "more than 100 people in an hour were to get the same words as a receipt",
    "new-network": "far more mail than in any hour before, from a network new to the key",
    "no-consent": "nobody on the list has asked for it",
    "first-contacts": "more people an hour it never wrote to than its history allows; tried again later",
    "source": "this plugin or form has used its share of the hour; tried again later",
    "site-hour": "the site's hour is used up; tried again later",
    "site-day": "the site's day is used up; tried again later",
}
"""Why the gate stopped something, by the rule."""


WORDS: Final = {"hold": "held", "refuse": "refused", "wait": "has to wait"}
"""What the gate did, in words."""


@dataclass(slots=True)
class _Sent:
    """Copies that left together: of which mail, when, and whether they went first."""

    flow: Flow
    at: datetime
    is_canary: bool


@dataclass(slots=True)
class _DayOf:
    """What was reported of a site's mail today."""

    all: Day = field(default_factory=Day)
    promotional: Day = field(default_factory=Day)


class Replay:
    """One scenario on its way; `run` gives the story."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._chance = Chance(scenario.seed)
        self._world = World()
        self._lives = self._world.settle(scenario, BEGINS)
        self._by_id = {life.id: life for life in self._lives}
        self._story = Story(scenario, self._lives)
        self._agenda: list[int] = []
        self._arrivals: dict[int, list[tuple[Flow, int]]] = defaultdict(list)
        self._reports: dict[int, list[tuple[_Sent, Heard]]] = defaultdict(list)
        self._heard: dict[UUID, list[Told]] = defaultdict(list)
        self._queueing: dict[UUID, Life] = {}
        self._abuse: list[Life] = []
        self._urgent: set[UUID] = set()
        self._hourly: set[UUID] = set()
        self._days: dict[UUID, _DayOf] = defaultdict(_DayOf)
        self._noted: set[tuple[UUID, str, str]] = set()
        self._minute = 0

    @property
    def _now(self) -> datetime:
        return BEGINS + self._minute * MINUTE

    @property
    def _day(self) -> int:
        return self._minute // PER_DAY + 1

    def run(self, progress: Callable[[int], None] = lambda days: None) -> Story:
        """Replay all days; `progress` is told of each that is over."""
        try:
            for day in range(self._scenario.days):
                self._minute = day * PER_DAY
                self._plan(day)
                self._until((day + 1) * PER_DAY)
                self._minute = (day + 1) * PER_DAY - 1
                self._flush(set(self._heard))
                self._end_day()
                progress(1)
        finally:
            self._world.close()
        return self._story

    # --- what comes ---------------------------------------------------------------------------

    def _plan(self, day: int) -> None:
        """When in this day mail is handed in."""
        for life in self._lives:
            for flow in life.flows:
                mail = flow.mail
                if not mail.runs_on(day + 1):
                    continue
                first, last = mail.hours
                if mail.send:
                    self._plan_sending(flow, day * PER_DAY + first * 60)
                    continue
                many = self._chance.around(mail.per_day.on(day + 1))
                begin, span = day * PER_DAY + first * 60, (last - first) * 60
                minutes: dict[int, int] = defaultdict(int)
                for _ in range(many):
                    minutes[begin + int(span * self._chance.random())] += 1
                for minute, people in minutes.items():
                    self._arrivals[minute].append((flow, people))
                    self._see(minute)
        for hour in range(24):
            self._see((day * 24 + hour) * 60)

    def _plan_sending(self, flow: Flow, minute: int) -> None:
        flow.known = dict(flow.mail.exactly)
        flow.to_come = flow.mail.send
        left = flow.mail.send
        for each in range(HANDED_IN_OVER):
            part = -(-left // (HANDED_IN_OVER - each))
            if part:
                self._arrivals[minute + each].append((flow, part))
                self._see(minute + each)
            left -= part

    def _see(self, minute: int) -> None:
        heappush(self._agenda, minute)

    def _until(self, end: int) -> None:
        """All minutes before the end in which something happens, in order."""
        while self._agenda and self._agenda[0] < end:
            minute = heappop(self._agenda)
            while self._agenda and self._agenda[0] == minute:
                heappop(self._agenda)
            self._minute = minute
            if minute % 60 == 0:
                self._begin_hour()
            for flow, people in self._arrivals.pop(minute, ()):
                self._leave(flow, gate.hand_in(flow, people, self._now, self._stop))
                if flow.waiting.people and flow.is_promotional:
                    self._queueing[flow.life.id] = flow.life
            self._release()
            self._hear(minute)
            if minute % 60 == 0:
                self._urgent |= self._hourly
            if self._urgent:
                self._flush(self._urgent)

    def _begin_hour(self) -> None:
        now, new_day = self._now, self._minute % PER_DAY == 0
        for life in self._lives:
            if life.this_hour:
                life.hours.append((now - HOUR, life.this_hour))
            while life.hours and life.hours[0][0] < now - 20 * DAY:
                life.hours.popleft()
            life.this_hour = life.strangers = life.protected = 0
            life.sources.clear()
            life.receipts = Used(0, 0 if new_day else life.receipts.day)
            for flow in life.flows:
                if not flow.is_promotional and flow.waiting.people:
                    self._leave(flow, gate.try_again(flow, now, self._stop))

    # --- what leaves --------------------------------------------------------------------------

    def _release(self) -> None:
        """Promotional mail whose turn it is; where more waits that may go soon, look again then."""
        now = self._now
        for life in list(self._queueing.values()):
            most = A_MINUTE
            if not any(flow.waiting.people for flow in life.flows if flow.is_promotional):
                del self._queueing[life.id]
            for flow in life.flows:
                if not flow.is_promotional or not flow.waiting.people:
                    continue
                goes = gate.release(flow, most, now, self._stop)
                most -= goes
                self._leave(flow, goes)
                if flow.waiting.people:
                    watched = flow.sending is not None and flow.sending.canary in (
                        CanaryState.GATHERING,
                        CanaryState.WATCHING,
                    )
                    if goes:
                        self._see(self._minute + 1)
                    elif watched:
                        self._see(self._minute + 5)

    def _leave(self, flow: Flow, copies: int) -> None:
        if not copies:
            return
        mail, chance = flow.mail, self._chance
        known = {}
        for name, left in flow.known.items():
            if met := chance.of(left, min(copies / max(flow.to_come, copies), 1.0)):
                known[name] = met
                flow.known[name] = left - met
        flow.to_come -= copies
        heard, bad = outcome(copies, mail.rates, mail.to, known, self._day, chance)
        flow.left += copies
        flow.bad += copies if mail.unwanted else bad
        canary = flow.sending is not None and flow.sending.canary is CanaryState.WATCHING
        sent = _Sent(flow, self._now, canary)
        for each in heard:
            if not each.after:
                self._take(sent, each)
                continue
            at = self._minute + each.after
            self._reports[at].append((sent, each))
            self._see(at)

    def _stop(self, flow: Flow, people: int, verb: str, rule: str) -> None:
        """The gate stopped something; it is told once of each kind of mail and rule."""
        flow.stopped[rule] += people
        mark = (flow.life.id, flow.mail.name, rule)
        if rule == HELD_STATE or mark in self._noted:
            return
        self._noted.add(mark)
        what = f"{flow.mail.name} {WORDS[verb]}"
        self._note(flow.life, verb, what, rule, HELD[rule])

    # --- what is heard ------------------------------------------------------------------------

    def _hear(self, minute: int) -> None:
        heard = self._reports.pop(minute, [])
        if any(each.is_bad for _, each in heard):
            heard = _mixed(heard, self._chance)
        for sent, each in heard:
            self._take(sent, each)

    def _take(self, sent: _Sent, each: Heard) -> None:
        flow, life = sent.flow, sent.flow.life
        if each.echo is Echo.REPORTS:
            self._abuse += [life] * each.copies
            self._hourly.add(life.id)
            return
        numbers = {name: n * each.copies for name, n in told(each.echo, each.provider).items() if n}
        if not numbers:
            return
        provider = each.provider.value if isinstance(each.provider, Gateway) else "other"
        self._heard[life.id].append(
            Told(
                life.id,
                flow.stream,
                sent.at + MINUTE * self._chance.random(),
                "site.example",
                flow.mail.source,
                provider,
                None,
                numbers,
            )
        )
        if each.is_bad:
            self._urgent.add(life.id)
        elif each.echo is Echo.UNSUBSCRIBES:
            self._hourly.add(life.id)
        day = Day(
            numbers.get("delivered", 0), numbers.get("invalid", 0), numbers.get("complaints", 0)
        )
        if day != Day():
            known = self._days[life.id]
            known.all = _sum(known.all, day)
            if flow.is_promotional:
                known.promotional = _sum(known.promotional, day)
        if sent.is_canary and flow.sending is not None:
            flow.sending.reported += numbers.get("ended", 0)
            flow.sending.invalid += day.invalid
            flow.sending.complained += day.complained
            flow.sending.spam += numbers.get("spam", 0)

    def _flush(self, sites: Iterable[UUID]) -> None:
        """Count what was heard of the mail of these sites, and let the rules act."""
        told = [each for id in sorted(sites) for each in self._heard.pop(id, ())]
        reports, self._abuse = self._abuse, []
        self._urgent, self._hourly = set(), self._hourly - set(sites)
        self._told(self._world.turn(told, reports, self._now))

    def _told(self, actions: list[Action]) -> None:
        touched = []
        for action in actions:
            life = self._by_id.get(action.site_id) if action.site_id is not None else None
            if life is None:
                continue
            touched.append(life)
            mail = MAIL[action.stream] if action.stream is not None else "site"
            source = action.after.get("source") or "mail"
            what = DONE.get(action.verb, action.verb.value).format(mail=mail, source=source)
            rule = action.evidence.get("rule", "")
            self._note(life, action.verb.value, what, rule, action.reason)
        self._world.refresh(touched)

    def _note(self, life: Life, verb: str, what: str, rule: str, why: str) -> None:
        self._story.entries.append(
            Entry(
                at=self._now,
                day=self._day,
                site=life.name,
                verb=verb,
                what=what,
                rule=rule,
                why=why,
                bad=life.bad,
                left=sum(flow.left for flow in life.flows),
            )
        )

    # --- the end of a day ---------------------------------------------------------------------

    def _end_day(self) -> None:
        """Clean days let allowances grow, as the worker's duties do soon after midnight."""
        now = self._now
        self._told(self._world.guard(self._scenario.elsewhere, now))
        began = day_of(now)
        for life in self._lives:
            day = self._days.pop(life.id, None) or _DayOf()
            if day.all.is_clean:
                life.first_contacts = first_contacts.grown(life.first_contacts)
                life.declared = limits.grown(life.declared, life.receipts.day, life.limits.day)
            life.ramp, life.domain = (
                warm_up.judged(
                    warm_up.standing(ramp, state, now),
                    day.promotional,
                    life.promotional_state,
                    began_at=began,
                    ceiling=life.ceiling,
                )
                for ramp, state in (
                    (life.ramp, life.promotional_state),
                    (life.domain, State.ACTIVE),
                )
            )
            if life.promotional_today:
                life.days.append((began, life.promotional_today))
                life.promotional_today = 0


def _sum(one: Day, other: Day) -> Day:
    return Day(
        one.delivered + other.delivered,
        one.invalid + other.invalid,
        one.complained + other.complained,
    )


def _mixed(heard: list[tuple[_Sent, Heard]], chance: Chance) -> list[tuple[_Sent, Heard]]:
    """The same in the order of chance, good news in small pieces among the bad."""
    pieces = []
    for sent, each in heard:
        left = each.copies
        while each.echo is Echo.DELIVERED and left > PIECES:
            pieces.append((sent, replace(each, copies=PIECES)))
            left -= PIECES
        pieces.append((sent, replace(each, copies=left)))
    chance.shuffle(pieces)
    return pieces
