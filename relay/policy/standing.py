"""What an account's and a site's standing allow, lane by lane, and how it changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from relay.addresses import EmailAddress
from relay.errors import AccountPending, AccountSuspended
from relay.policy.facts import Facts
from relay.sayings import say
from relay.vocabulary import Cause, Fate, Lane, ReviewKind, State, Stream, Verb

Streams = Mapping[str, Mapping[str, Any]]
"""Those streams of a site that are warned or limited, with what is known of that (`Site.streams`)."""

STRICTNESS = (
    State.ACTIVE,
    State.WARNED,
    State.LIMITED,
    State.PENDING,
    State.SUSPENDED,
    State.TERMINATED,
)
"""From free to shut; of two states the later one holds."""

SHUTS_EVERYTHING = frozenset((Cause.PHISHING, Cause.MALWARE, Cause.STOLEN_KEY))
"""Causes for which a suspension stops security mail as well: somebody else holds the pen."""

STEPS: Mapping[Verb, tuple[frozenset[State], State]] = {
    Verb.APPROVE: (frozenset((State.PENDING,)), State.ACTIVE),
    Verb.WARN: (frozenset((State.ACTIVE,)), State.WARNED),
    Verb.LIMIT: (frozenset((State.ACTIVE, State.WARNED)), State.LIMITED),
    Verb.SUSPEND: (
        frozenset((State.PENDING, State.ACTIVE, State.WARNED, State.LIMITED)),
        State.SUSPENDED,
    ),
    Verb.REINSTATE: (frozenset((State.WARNED, State.LIMITED, State.SUSPENDED)), State.ACTIVE),
    Verb.TERMINATE: (frozenset(set(State) - {State.TERMINATED}), State.TERMINATED),
}
"""From which states a verb leads where. Termination is for good."""

STOPPED = {
    State.SUSPENDED: say("This account or site is suspended"),
    State.TERMINATED: say("This account or site is terminated"),
}
"""What is said to whoever may not send."""


@dataclass(frozen=True, slots=True)
class Stand:
    """A state, what it is about, and the lanes that are held whatever the state is."""

    state: State = State.ACTIVE
    cause: Cause | None = None
    held: frozenset[Lane] = frozenset()


def stricter(one: State, other: State) -> State:
    """The state that holds where account and site differ."""
    return max(one, other, key=STRICTNESS.index)


def held_by(one: Stand, other: Stand) -> Stand:
    """The standing that holds where account and site differ; of equals the one that shuts more."""
    stricter_one = max(
        one,
        other,
        key=lambda each: (STRICTNESS.index(each.state), each.cause in SHUTS_EVERYTHING),
    )
    return replace(stricter_one, held=one.held | other.held)


def together(
    account_state: State,
    account_cause: Cause | None,
    site_state: State,
    site_cause: Cause | None,
    streams: Streams | None = None,
) -> Stand:
    """The standing of a site with its account, from their columns."""
    own = Stand(site_state, site_cause, held_lanes(streams))
    return held_by(Stand(account_state, account_cause), own)


def stream_state(streams: Streams | None, stream: Stream) -> State:
    """Where one stream of a site stands."""
    return State((streams or {}).get(stream.value, {}).get("state", State.ACTIVE))


def held_lanes(streams: Streams | None) -> frozenset[Lane]:
    """The lanes of those streams that are limited. Security mail is in none of them."""
    return frozenset(
        Lane(stream) for stream in Stream if stream_state(streams, stream) is State.LIMITED
    )


def is_watched(stand: Stand, streams: Streams | None) -> bool:
    """Whether a site, its account or one of its streams is not in good standing: its mail is read."""
    return stand.state is not State.ACTIVE or any(
        stream_state(streams, stream) is not State.ACTIVE for stream in Stream
    )


def promotional(state: State, streams: Streams | None) -> State:
    """The state by which a site's warm-up goes: its own, or that of its newsletters or notifications."""
    return max(
        state,
        stream_state(streams, Stream.MARKETING),
        stream_state(streams, Stream.NOTIFICATION),
        key=STRICTNESS.index,
    )


def fate(lane: Lane, stand: Stand) -> Fate:
    """What becomes of mail of this lane (the table of states, docs/standing.md)."""
    if stand.state in (State.PENDING, State.TERMINATED):
        return Fate.REFUSED
    if stand.state is State.SUSPENDED:
        lives = lane is Lane.PROTECTED and stand.cause not in SHUTS_EVERYTHING
        return Fate.GOES if lives else Fate.REFUSED
    if stand.state is State.LIMITED and lane in (Lane.NOTIFICATION, Lane.MARKETING):
        return Fate.HELD
    return Fate.HELD if lane in stand.held else Fate.GOES


def freezes(lane: Lane, stand: Stand) -> ReviewKind | None:
    """For what mail of this lane that was accepted before is held now; None lets it go, or end."""
    if stand.state in (State.PENDING, State.TERMINATED) or fate(lane, stand) is Fate.GOES:
        return None
    return ReviewKind.SUSPENDED if stand.state is State.SUSPENDED else ReviewKind.LIMITED


def stand_of(facts: Facts) -> Stand:
    """The standing under which a draft is judged."""
    return together(
        facts.account_state,
        facts.account_cause,
        facts.site_state,
        facts.site_cause,
        facts.site_streams,
    )


def check_standing(lane: Lane, facts: Facts, people: Collection[EmailAddress] = ()) -> Fate:
    """Whether mail of this lane to these people goes or is held.

    Raises `AccountPending` or `AccountSuspended`. Before an operator has approved an account, it may
    write receipts and security mail to its owner, so that it can be tried.

    Suspension leaves the protected lane open, so that people can still reset their password, unless
    the cause is that somebody else may be writing (`SHUTS_EVERYTHING`).
    """
    stand = stand_of(facts)
    found = fate(lane, stand)
    if found is not Fate.REFUSED:
        return found
    if stand.state is State.PENDING:
        trying = lane in (Lane.PROTECTED, Lane.TRANSACTIONAL)
        if trying and people and all(person.key == facts.owner for person in people):
            return Fate.GOES
        raise AccountPending(say("An operator has to approve this account before it can send"))
    raise AccountSuspended(
        STOPPED[stand.state],
        state=stand.state.value,
        cause=stand.cause.value if stand.cause else None,
    )
