"""A site while it is replayed: where it stands, what it has used of its limits, and what waits."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from relay.policy import first_contacts, plans, warm_up
from relay.policy import limits as limits_policy
from relay.policy.plans import Limits
from relay.policy.standing import Stand, Streams, promotional, together
from relay.policy.streams import NEWSLETTER_PLUGINS, PROMOTIONAL
from relay.policy.topics import slug
from relay.policy.warm_up import Ceiling, Ramp
from relay.policy.windows import day_of, hour_of
from relay.replay.scenario import Mail, Place
from relay.vocabulary import CanaryState, Cause, State, Stream

OLD, KNOWN = 30, 5_000
"""Days, and delivered mails, from which on a site is taken to have earned what its mail needs."""

HALF_AS_MUCH_AGAIN = 3 / 2


class Queue:
    """Copies in the order in which they came."""

    def __init__(self) -> None:
        self._parts: deque[tuple[datetime, int]] = deque()
        self.people = 0

    def add(self, people: int, now: datetime) -> None:
        """So many more."""
        if people > 0:
            self._parts.append((now, people))
            self.people += people

    def take(self, people: int) -> int:
        """So many, the first that came, or all there are."""
        taken = 0
        while self._parts and taken < people:
            came, there = self._parts.popleft()
            part = min(there, people - taken)
            taken += part
            if part < there:
                self._parts.appendleft((came, there - part))
        self.people -= taken
        return taken

    def expire(self, before: datetime) -> int:
        """Those that came before then wait no longer; how many."""
        gone = 0
        while self._parts and self._parts[0][0] < before:
            gone += self._parts.popleft()[1]
        self.people -= gone
        return gone


@dataclass(slots=True)
class Sending:
    """What a site hands in for one list until it pauses, and how its first copies fare (`policy.canary`)."""

    began_at: datetime
    came_at: datetime
    accepted: int = 0
    canary: CanaryState | None = None
    first: int = 0
    sent: int = 0
    reported: int = 0
    invalid: int = 0
    complained: int = 0
    spam: int = 0
    last_sent_at: datetime | None = None


@dataclass(slots=True)
class Flow:
    """One kind of a site's mail in motion: how much was handed in, left, and was stopped by what.

    Promotional mail waits in the relay, other mail in the plugin's outbox. `known` are copies of which
    the scenario says what becomes of them, among the `to_come` that are still to leave. `words` are the
    people of the last hour who got the same words.
    """

    life: Life
    mail: Mail
    stream: Stream
    is_known_list: bool
    waiting: Queue = field(default_factory=Queue)
    handed: int = 0
    left: int = 0
    bad: int = 0
    expired: int = 0
    stopped: Counter[str] = field(default_factory=Counter)
    sending: Sending | None = None
    known: dict[str, int] = field(default_factory=dict)
    to_come: int = 0
    words: deque[tuple[datetime, int]] = field(default_factory=deque)
    words_held_until: datetime | None = None

    @property
    def is_promotional(self) -> bool:
        """Whether the warm-up binds it."""
        return self.stream in PROMOTIONAL


@dataclass(slots=True)
class Used:
    """People written to in the hour and in the day that run."""

    hour: int = 0
    day: int = 0

    def add(self, people: int) -> None:
        """So many more."""
        self.hour += people
        self.day += people


@dataclass(slots=True)
class Life:
    """One site. Its standing is a copy of its row's, read anew after each action."""

    id: UUID
    account_id: UUID
    name: str
    place: Place
    limits: Limits
    ramp: Ramp
    domain: Ramp
    declared: int
    first_contacts: int
    usual: int = 0
    state: State = State.ACTIVE
    cause: Cause | None = None
    streams: Streams | None = None
    slowed_until: datetime | None = None
    held_sources: dict[str, datetime] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    receipts: Used = field(default_factory=Used)
    sources: Counter[str] = field(default_factory=Counter)
    breakers: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    strangers: int = 0
    protected: int = 0
    this_hour: int = 0
    hours: deque[tuple[datetime, int]] = field(default_factory=deque)
    days: deque[tuple[datetime, int]] = field(default_factory=deque)
    promotional_today: int = 0
    network_since: datetime | None = None
    network_usual: int = 0
    network_held: bool = False

    @property
    def stand(self) -> Stand:
        """Where it stands."""
        return together(State.ACTIVE, None, self.state, self.cause, self.streams)

    @property
    def bad(self) -> int:
        """Bad mails that left: those nobody wants, or where all are wanted, those that show to be bad."""
        unwanted = [flow for flow in self.flows if flow.mail.unwanted]
        return sum(flow.bad for flow in unwanted or self.flows)

    @property
    def promotional_state(self) -> State:
        """The state by which its warm-up goes."""
        return promotional(self.state, self.streams)

    @property
    def ceiling(self) -> Ceiling:
        """What its plan allows at full volume."""
        return Ceiling(self.limits.hour, self.limits.day)


def stream_of(mail: Mail) -> Stream:
    """The stream the relay takes it for: a newsletter plugin writes no receipts (`policy.streams`)."""
    is_plugins = slug(mail.source.partition("/")[0] or None) in NEWSLETTER_PLUGINS
    if mail.stream is Stream.TRANSACTIONAL and is_plugins and not mail.security:
        return Stream.NOTIFICATION
    return mail.stream


def life_of(place: Place, id: UUID, account_id: UUID, name: str, now: datetime) -> Life:
    """A site as it is on the first day.

    What the scenario does not say, a site that is old and known has earned: as much as its usual mail
    needs. Another begins as all sites do.
    """
    limits = plans.limits_of(place.plan, None)
    grown_up = place.age >= OLD and place.delivered >= KNOWN
    usual = max(
        (_largest(m) for m in place.mail if _is_usual(m) and stream_of(m) in PROMOTIONAL), default=0
    )
    receipts = sum(
        _largest(m) for m in place.mail if _is_usual(m) and stream_of(m) not in PROMOTIONAL
    )
    earned = round(usual * HALF_AS_MUCH_AGAIN) if grown_up else 0
    per_day = place.promotional_daily or min(max(warm_up.BEGIN, earned), limits.day)
    declared = place.declared_daily
    if declared is None:
        needed = round(receipts * HALF_AS_MUCH_AGAIN) if grown_up else 0
        declared = min(max(limits_policy.DECLARED, needed), limits.day)
    contacts = place.first_contacts
    if contacts is None:
        busy = grown_up and receipts >= first_contacts.ENOUGH
        contacts = first_contacts.MOST if busy else first_contacts.BEGIN
    life = Life(
        id=id,
        account_id=account_id,
        name=name,
        place=place,
        limits=limits,
        ramp=Ramp(per_day=per_day),
        domain=Ramp(per_day=per_day),
        declared=declared,
        first_contacts=contacts,
        usual=usual if place.age else 0,
    )
    life.flows = [Flow(life, mail, stream_of(mail), _is_known(mail, place)) for mail in place.mail]
    quiet = max((_busiest_hour(mail) for mail in place.mail if _is_usual(mail)), default=0)
    if place.age and quiet:
        life.hours.append((hour_of(now) - timedelta(hours=12), quiet))
    if life.usual:
        life.days.append((day_of(now) - timedelta(days=7), life.usual))
    return life


def _is_usual(mail: Mail) -> bool:
    """Whether the site sent such mail before the first day."""
    return not mail.unwanted and mail.opted_in and not mail.new_list and not mail.new_network


def _is_known(mail: Mail, place: Place) -> bool:
    if mail.new_list is not None:
        return not mail.new_list
    return place.age >= OLD and not mail.unwanted


def _largest(mail: Mail) -> int:
    """Of it in a day, as it was on the first."""
    return mail.send or round(mail.per_day.on(1))


def _busiest_hour(mail: Mail) -> int:
    first, last = mail.hours
    return mail.send or round(2 * mail.per_day.on(1) / (last - first))
