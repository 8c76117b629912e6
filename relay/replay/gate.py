"""What may leave: the rules of acceptance over made-up mail, in the order in which the relay asks them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from relay.policy import canary, limits, networks, warm_up
from relay.policy.canary import Figures
from relay.policy.protection import PER_SITE
from relay.policy.standing import fate
from relay.policy.windows import day_of, hour_of
from relay.policy.wordings import MOST_ALIKE, UNDECIDED_COUNTS, WITHIN
from relay.replay.life import Flow, Life, Sending
from relay.vocabulary import CanaryState, Fate, Lane, Limit, ReviewKind, State, Stream

Stop = Callable[[Flow, int, str, str], None]
"""Note that so many copies of this mail do not leave: held or refused, by which rule."""

OUTBOX = timedelta(hours=24)
"""So long the plugin tries again what was refused for now (docs/plugin.md)."""

WAITS = timedelta(days=7)
"""So long promotional mail waits (docs/warm-up.md)."""

HELD_STATE = "standing"
"""The rule that is given where mail stops because of an action that was told already."""


def hand_in(flow: Flow, people: int, now: datetime, stop: Stop) -> int:
    """So many copies are handed in; returns how many leave at once. The others are stopped, or wait."""
    flow.handed += people
    if flow.is_promotional:
        _queue(flow, people, now, stop)
        return 0
    leaves, refused = _accept(flow, people, now, stop)
    flow.waiting.add(refused, now)
    return leaves


def try_again(flow: Flow, now: datetime, stop: Stop) -> int:
    """What waits in the plugin's outbox is handed in again; returns how many leave."""
    flow.expired += flow.waiting.expire(now - OUTBOX)
    waited = flow.waiting.people
    leaves, refused = _accept(flow, waited, now, stop)
    flow.waiting.take(waited - refused)
    return leaves


def _accept(flow: Flow, people: int, now: datetime, stop: Stop) -> tuple[int, int]:
    """Transactional mail: how much leaves, and how much is refused for now.

    Asked are the site's standing, the network it comes from, the limits, and whether all say the same.
    """
    life, lane = flow.life, _lane(flow)
    if not people or not _stands(flow, lane, people, stop):
        return 0, 0
    if lane is Lane.PROTECTED:
        life.protected += people
        life.this_hour += people
        return people, 0
    if not _is_trusted_network(flow, people, now, stop):
        return 0, 0
    goes, rule = _within_limits(flow, people, now)
    if goes < people:
        stop(flow, 0, "wait", rule)
    life.this_hour += goes
    life.receipts.add(goes)
    life.sources[flow.mail.source] += goes
    return _says_different_things(flow, goes, now, stop), people - goes


def _lane(flow: Flow) -> Lane:
    inside = flow.mail.security and flow.life.protected < PER_SITE
    return Lane.PROTECTED if inside else Lane(flow.stream.value)


def _stands(flow: Flow, lane: Lane, people: int, stop: Stop) -> bool:
    """Whether the standing lets it go; what is held or refused does not come back."""
    found = fate(lane, flow.life.stand)
    if found is not Fate.GOES:
        stop(flow, people, "hold" if found is Fate.HELD else "refuse", HELD_STATE)
    return found is Fate.GOES


def _is_trusted_network(flow: Flow, people: int, now: datetime, stop: Stop) -> bool:
    """Mail in unusual volume from a network that is new to the key is held (`policy.networks`)."""
    life = flow.life
    if not flow.mail.new_network:
        return True
    if life.network_since is None:
        life.network_since = now
        life.network_usual = max(
            (n for at, n in life.hours if at > now - networks.USUAL_WITHIN), default=0
        )
    is_new = networks.is_new(now - life.network_since, timedelta(days=life.place.age or 1))
    if is_new and networks.is_far_more(life.this_hour + people, life.network_usual):
        life.network_held = True
    if life.network_held:
        stop(flow, people, "hold", ReviewKind.NEW_NETWORK.value)
    return not life.network_held


def _within_limits(flow: Flow, people: int, now: datetime) -> tuple[int, str]:
    """How many are within the limits, and which limit the others meet."""
    life, source = flow.life, flow.mail.source
    held = life.held_sources.get(source)
    if held is not None and held > now:
        return 0, HELD_STATE
    may = limits.transactional(life.limits, life.declared)
    rooms = [
        (may["hour"] - life.receipts.hour, Limit.SITE_HOUR.value),
        (may["day"] - life.receipts.day, Limit.SITE_DAY.value),
    ]
    if source:
        openings, until = life.breakers.get(source, (0, None))
        if until is not None and until > now:
            return 0, Limit.SOURCE.value
        rooms.append((limits.source_allowed(may["hour"], source) - life.sources[source], "source"))
    if share := flow.mail.new_people:
        left = life.first_contacts - life.strangers
        rooms.append((int(max(left, 0) / share), Limit.FIRST_CONTACTS.value))
    room, rule = min(rooms)
    goes = max(min(people, room), 0)
    life.strangers += round(goes * flow.mail.new_people)
    if goes < people and rule == Limit.SOURCE:
        openings, until = life.breakers.get(source, (0, None))
        ends = hour_of(now) + timedelta(hours=1)
        life.breakers[source] = limits.opens(openings, until, hour_ends=ends, now=now)
    return goes, rule


def _says_different_things(flow: Flow, people: int, now: datetime, stop: Stop) -> int:
    """The same words to more than a hundred people in an hour are held (`policy.wordings`)."""
    if not flow.mail.same_words or not people:
        return people
    while flow.words and flow.words[0][0] <= now - WITHIN:
        flow.words.popleft()
    told = sum(n for _, n in flow.words)
    held = flow.words_held_until is not None and flow.words_held_until > now
    goes = 0 if held else min(people, max(MOST_ALIKE - told, 0))
    flow.words.append((now, people))
    if goes < people:
        flow.words_held_until = now + UNDECIDED_COUNTS
        stop(flow, people - goes, "hold", ReviewKind.CAMPAIGN_IN_DISGUISE.value)
    return goes


# --- newsletters and notifications -----------------------------------------------------------


def _queue(flow: Flow, people: int, now: datetime, stop: Stop) -> None:
    """Newsletters and notifications wait for their turn, and the first of them may have to show the way."""
    if not flow.mail.opted_in:
        stop(flow, people, "refuse", "no-consent")
        return
    if not _stands(flow, _lane(flow), people, stop):
        return
    if not _is_trusted_network(flow, people, now, stop):
        return
    life = flow.life
    life.this_hour += people
    life.promotional_today += people
    sending = flow.sending
    if sending is None or _is_over(sending, now):
        sending = flow.sending = Sending(now, now)
    sending.came_at, sending.accepted = now, sending.accepted + people
    if sending.canary in (CanaryState.FAILED, CanaryState.UNCLEAR):
        stop(flow, people, "hold", f"canary-{sending.canary.value}")
        return
    usual = max((n for at, n in life.days if at >= day_of(now) - canary.USUAL_WITHIN), default=0)
    unusual = canary.is_unusual(life.promotional_today, usual)
    new = flow.stream is Stream.MARKETING and not flow.is_known_list
    if sending.canary is None and (new or unusual):
        sending.canary = CanaryState.GATHERING
    flow.waiting.add(people, now)


def _is_over(sending: Sending, now: datetime) -> bool:
    return now - sending.came_at >= canary.PAUSE or now - sending.began_at >= canary.LONGEST


def release(flow: Flow, most: int, now: datetime, stop: Stop) -> int:
    """Of promotional mail that waits, how many copies leave now; at most so many."""
    flow.expired += flow.waiting.expire(now - WAITS)
    if not flow.waiting.people:
        return 0
    if not _stands(flow, _lane(flow), flow.waiting.people, stop):
        flow.waiting.take(flow.waiting.people)
        return 0
    goes = min(_open(flow, now, stop), room(flow.life, now), most)
    goes = flow.waiting.take(goes)
    if goes:
        _draw(flow.life, goes, now)
        if flow.sending is not None and flow.sending.canary is CanaryState.WATCHING:
            flow.sending.sent += goes
            flow.sending.last_sent_at = now
    return goes


def _open(flow: Flow, now: datetime, stop: Stop) -> int:
    """How many copies the canary lets go now."""
    sending = flow.sending
    if sending is None or sending.canary in (None, CanaryState.CLEAN):
        flow.is_known_list = flow.is_known_list or flow.left > 0
        return flow.waiting.people
    if sending.canary is CanaryState.GATHERING:
        if now < sending.began_at + canary.GATHER:
            return 0
        sending.canary = CanaryState.WATCHING
        sending.first = canary.first_copies(sending.accepted)
    if sending.sent < sending.first and flow.waiting.people:
        return sending.first - sending.sent
    if sending.last_sent_at is None:
        return 0
    figures = Figures(
        sending.sent, sending.reported, sending.invalid, sending.complained, sending.spam
    )
    decided = canary.verdict(figures, sending.last_sent_at, now)
    if decided is None:
        return 0
    sending.canary = decided
    if decided is CanaryState.CLEAN:
        flow.is_known_list = True
        return flow.waiting.people
    stop(flow, flow.waiting.take(flow.waiting.people), "hold", f"canary-{decided.value}")
    return 0


def room(life: Life, now: datetime) -> int:
    """Promotional copies that site and From-domain may send now (`policy.warm_up`)."""
    life.ramp = warm_up.standing(life.ramp, life.promotional_state, now)
    life.domain = warm_up.standing(life.domain, State.ACTIVE, now)
    slowed = life.slowed_until is not None and life.slowed_until > now
    ramps = [warm_up.slowed(r, life.ceiling) if slowed else r for r in (life.ramp, life.domain)]
    return warm_up.narrowest([warm_up.room(r, life.ceiling, now) for r in ramps]).people


def _draw(life: Life, people: int, now: datetime) -> None:
    life.ramp, life.domain = (
        replace(warm_up.drawn(ramp, people, now), last_sent_at=now)
        for ramp in (life.ramp, life.domain)
    )
