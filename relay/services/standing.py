"""Where a site stands: may it send, from where, and how much has it sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from relay.errors import NotFound
from relay.models import Account, Action, Domain, Site, Usage
from relay.policy.sender import USABLE, lineage
from relay.policy.standing import (
    STEPS,
    STRICTNESS,
    Stand,
    fate,
    held_by,
    stream_state,
    stricter,
    together,
)
from relay.policy.windows import day_of, hour_of
from relay.sayings import Saying, say
from relay.services.domains import list_domains
from relay.services.reviews import held_copies
from relay.vocabulary import Cause, Lane, State, Stream

SHUT = {
    State.PENDING: say("The account or site is pending."),
    State.SUSPENDED: say("The account or site is suspended."),
    State.TERMINATED: say("The account or site is terminated."),
}
"""States in which nothing can be sent yet, or any more."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Accepted in one window: messages, people, and bytes times people."""

    messages: int = 0
    recipients: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class StreamStand:
    """Where one stream stands that is warned or limited, and why."""

    stream: Stream
    state: State
    cause: Cause | None
    since: str
    reason: str | None
    action_id: UUID | None


@dataclass(frozen=True, slots=True)
class Where:
    """The stricter standing of site and account, what it is about, and what it means for mail.

    `action_id` is the decision that led there, against which an appeal may be made. `streams` are those
    that are warned or limited by themselves; the state is then at least theirs.
    """

    state: State
    cause: Cause | None
    since: datetime | None
    reason: str | None
    action_id: UUID | None
    lanes: Mapping[str, str]
    held: Mapping[str, int]
    streams: Sequence[StreamStand]
    slowed_until: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A site, its account and domains; `obstacles` say why it is not ready."""

    account: Account
    site: Site
    domains: Sequence[Domain]
    usage: Mapping[str, Counts]
    obstacles: Sequence[Saying]
    where: Where


def of_site(session: Session, site_id: UUID, *, now: datetime) -> Standing:
    """The site's standing. Raises `NotFound` for a site that is gone."""
    site = session.get(Site, site_id)
    if site is None:
        raise NotFound("The site of this key no longer exists")
    account = session.get_one(Account, site.account_id)
    domains = list_domains(session, site.account_id)
    return Standing(
        account,
        site,
        domains,
        _usage(session, site_id, now),
        list(_obstacles(account, site, domains)),
        where(session, account, site, now=now),
    )


def where(session: Session, account: Account, site: Site, *, now: datetime) -> Where:
    """Where a site stands with its account, what that is about, and what it means for its mail."""
    stand = together(account.state, account.cause, site.state, site.cause, site.streams)
    own = Stand(site.state, site.cause)
    owner = site if held_by(own, Stand(account.state, account.cause)) == own else account
    decided = None
    if stand.state is not State.ACTIVE:
        whose = Action.site_id == site.id if owner is site else Action.site_id.is_(None)
        decided = _decision(session, account.id, whose, None)
    streams = [_stream(session, site, stream, now) for stream in Stream if _told(site, stream)]
    worst = max(streams, key=lambda each: STRICTNESS.index(each.state), default=None)
    state, cause, since = stand.state, stand.cause, owner.state_since
    if worst is not None and stricter(state, worst.state) is not state:
        state, cause, since = worst.state, worst.cause, site.streams_since
    return Where(
        state=state,
        cause=cause,
        since=since,
        reason=decided.reason if decided else worst.reason if worst else None,
        action_id=decided.id if decided else worst.action_id if worst else None,
        lanes={lane.value: fate(lane, stand).value for lane in Lane},
        held=held_copies(session, site.id),
        streams=streams,
        slowed_until=site.slowed_until if _is_after(site.slowed_until, now) else None,
    )


def _told(site: Site, stream: Stream) -> bool:
    return stream_state(site.streams, stream) is not State.ACTIVE


def _is_after(at: datetime | None, now: datetime) -> bool:
    return at is not None and at > now


def _stream(session: Session, site: Site, stream: Stream, now: datetime) -> StreamStand:
    told = (site.streams or {})[stream.value]
    decided = _decision(session, site.account_id, Action.site_id == site.id, stream)
    return StreamStand(
        stream,
        State(told["state"]),
        Cause(told["cause"]) if told["cause"] else None,
        told["since"],
        decided.reason if decided else None,
        decided.id if decided else None,
    )


def _decision(
    session: Session, account_id: UUID, whose: ColumnElement[bool], stream: Stream | None
) -> Action | None:
    """The newest action that changed this standing."""
    of_stream = Action.stream.is_(None) if stream is None else Action.stream == stream
    return session.scalar(
        select(Action)
        .where(
            Action.account_id == account_id,
            whose,
            of_stream,
            Action.verb.in_([verb.value for verb in STEPS]),
        )
        .order_by(Action.id.desc())
        .limit(1)
    )


def _usage(session: Session, site_id: UUID, now: datetime) -> dict[str, Counts]:
    began = {"hour": hour_of(now), "day": day_of(now)}
    rows = session.scalars(
        select(Usage).where(
            Usage.site_id == site_id, Usage.window.in_(began), Usage.began_at.in_(began.values())
        )
    )
    counted = {
        row.window: Counts(row.messages, row.recipients, row.octets)
        for row in rows
        if row.began_at == began[row.window]
    }
    return {window: counted.get(window, Counts()) for window in began}


def _obstacles(account: Account, site: Site, domains: Sequence[Domain]) -> list[Saying]:
    found = []
    if (state := stricter(account.state, site.state)) in SHUT:
        found.append(SHUT[state])
    usable = {domain.name for domain in domains if domain.status in USABLE}
    if site.default_from is None:
        if not usable:
            found.append(say("No sending domain is verified."))
    elif not usable.intersection(lineage(site.default_from.rpartition("@")[2].lower())):
        found.append(say("The domain of %(address)s is not verified.", address=site.default_from))
    return found
