"""Judging streams by what was reported of their mail, and acting on it: warn, limit, suspend, recover.

The rules are pure (`policy.reputation`); here the numbers are read, and what follows is done as an operator
would do it: a state, a row of the audit log with its evidence, a letter to the owner, in one transaction.
The relay never lets anybody go again but from a warning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, select, tuple_, update
from sqlalchemy.orm import Session

from relay.db import table_of
from relay.models import AbuseReport, Account, Message, Pulse, Site
from relay.policy import platform
from relay.policy.platform import Contribution
from relay.policy.reasons import sentence
from relay.policy.reputation import (
    DAY,
    MONTH,
    WEEK,
    Figures,
    Recent,
    Record,
    Verdict,
    is_young,
    judge,
    origin,
)
from relay.policy.standing import STRICTNESS, stream_state
from relay.services import actions, figures
from relay.services.actions import RELAY, Order, Subject
from relay.services.figures import Age
from relay.services.tallies import Line, recent_of
from relay.vocabulary import (
    AbuseDecision,
    AbuseOrigin,
    Cause,
    Dimension,
    Rule,
    State,
    Stream,
    Verb,
)

MOST = 1_000
"""Streams judged in one turn."""

AGAIN = timedelta(hours=1)
"""So often a stream is judged while its mail of the last 30 days still counts."""

RECOVERED = timedelta(days=7)
"""After so long without anything to say, a warning ends (our decision)."""

SOURCE_HELD = timedelta(hours=24)
"""So long a plugin or form is held from which a burst of invalid addresses came (our decision)."""

AGAIN_HELD = timedelta(days=7)
"""So long where it goes on within as much time after that: nobody has mended the form (our decision)."""

STOPPED = (State.SUSPENDED, State.TERMINATED)

_PULSES = table_of(Pulse)

Next = tuple[datetime | None, datetime | None]
"""When a stream is judged next, and since when it has been clean."""


def judge_due(session: Session, *, sender: str, now: datetime, most: int = MOST) -> int:
    """Judge a portion of the streams whose turn it is; returns how many."""
    due = session.execute(
        select(_PULSES.c.site_id, _PULSES.c.stream)
        .where(_PULSES.c.due_at <= now)
        .order_by(_PULSES.c.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    if not due:
        return 0
    found = {(row.site_id, row.stream): row for row in lines(session, {row.site_id for row in due})}
    known = records(session, list(found.values()), now=now)
    groups: dict[Next, list[Line]] = defaultdict(list)
    for line in due:
        row = found[line.site_id, line.stream]
        site: Site | None = row.Site
        clean_since = row.clean_since
        if site is not None and row.account_state not in STOPPED:
            record = known[row.site_id, row.stream]
            verdict = judge(record)
            if verdict is not None:
                source = _origin(session, row, record, verdict, now)
                if source is not None:
                    _hold_source(session, site, row, source, verdict, sender=sender, now=now)
                else:
                    _carry_out(session, site, row, verdict, sender=sender, now=now)
            clean_since = (
                None
                if verdict is not None
                else _recover(session, site, row, sender=sender, now=now)
            )
        groups[_next(row, clean_since, now)].append((row.site_id, row.stream))
    _wait(session, groups)
    return len(due)


def lines(session: Session, sites: Collection[UUID]) -> Sequence[Any]:
    """Each stream of these sites of which anything was ever heard: its pulse, the `Site`, `account_state`."""
    return session.execute(
        select(_PULSES, Site, Account.state.label("account_state"))
        .outerjoin(Site, Site.id == _PULSES.c.site_id)
        .outerjoin(Account, Account.id == Site.account_id)
        .where(_PULSES.c.site_id.in_(list(sites)))
    ).all()


def records(session: Session, heard: Sequence[Any], *, now: datetime) -> dict[Line, Record]:
    """What the rules know of each of these rows of `lines`; all of a site are among them."""
    rows = [row for row in heard if row.Site is not None]
    sites = {row.site_id for row in rows}
    known = figures.of_sites(session, sites, now=now)
    reported = _reports(session, sites, now)
    delivered: dict[UUID, int] = defaultdict(int)
    for row in rows:
        delivered[row.site_id] += row.delivered
    found = {}
    for row in rows:
        line = row.site_id, row.stream
        ages = known.get(line, {})
        if row.sources:
            lost = figures.forgiven(session, line, row.sources, now=now)
            ages = {age: all - lost.get(age, Figures()) for age, all in ages.items()}
        young = is_young(row.Site.created_at, delivered[row.site_id], now)
        found[line] = _record(row, ages, reported.get(line, {}), young=young)
    return found


def _record(
    row: Any, ages: Mapping[Age, Figures], reported: Mapping[timedelta, int], *, young: bool
) -> Record:
    windows, settled = figures.windows(ages)
    windows = {
        window: counted + Figures(reports=reported.get(window, 0))
        for window, counted in windows.items()
    }
    recent = Recent(recent_of(row.recent))
    return Record(row.stream, windows, settled, recent, young)


def _reports(
    session: Session, sites: Collection[UUID], now: datetime
) -> dict[Line, dict[timedelta, int]]:
    """How many people reported mail of each stream, by window, since its reinstatement.

    What a mailbox provider reported counts as a complaint already, and what an operator has dismissed
    counts no more.
    """
    stream = func.coalesce(Message.stream, Stream.MARKETING.value).label("stream")
    age = case((AbuseReport.at > now - DAY, 0), (AbuseReport.at > now - WEEK, 1), else_=2).label(
        "age"
    )
    rows = session.execute(
        select(AbuseReport.site_id, stream, age, func.count().label("times"))
        .outerjoin(Message, Message.id == AbuseReport.message_id)
        .outerjoin(Pulse, (Pulse.site_id == AbuseReport.site_id) & (Pulse.stream == stream))
        .where(
            AbuseReport.site_id.in_(list(sites)),
            AbuseReport.at > now - MONTH,
            AbuseReport.origin != AbuseOrigin.ARF,
            AbuseReport.decision.is_distinct_from(AbuseDecision.DISMISSED),
            (AbuseReport.at >= Pulse.since) | Pulse.since.is_(None),
        )
        .group_by(AbuseReport.site_id, stream, age)
    )
    found: dict[Line, dict[timedelta, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        for window in (DAY, WEEK, MONTH)[row.age :]:
            found[row.site_id, Stream(row.stream)][window] += row.times
    return found


def _carry_out(
    session: Session, site: Site, row: Any, verdict: Verdict, *, sender: str, now: datetime
) -> None:
    """Do what the verdict says, unless it is done already.

    A stream that is held sends nothing that could thin its bad mail: a rate over more than a day only
    gets worse as its good mail grows too old to count, and nothing follows from that.
    """
    held = stream_state(site.streams, Stream(row.stream)) is State.LIMITED
    if held and timedelta(hours=verdict.evidence.get("window_hours", 0)) > DAY:
        return
    stream = None if verdict.whole_site else Stream(row.stream)
    state = site.state if stream is None else stream_state(site.streams, stream)
    after = {Verb.WARN: State.WARNED, Verb.LIMIT: State.LIMITED, Verb.SUSPEND: State.SUSPENDED}
    if site.state in STOPPED or site.state is State.PENDING:
        return
    if STRICTNESS.index(state) >= STRICTNESS.index(after[verdict.verb]):
        return
    evidence = _evidence(session, row, verdict, now)
    order = Order(verdict.verb, RELAY, sentence(evidence, verdict.cause), verdict.cause, evidence)
    actions.act(session, Subject(site_id=site.id, stream=stream), order, sender=sender, now=now)


def _origin(
    session: Session, row: Any, record: Record, verdict: Verdict, now: datetime
) -> str | None:
    """The one plugin or form that is to blame for what happened to a site's receipts."""
    if row.stream is not Stream.TRANSACTIONAL or verdict.verb is Verb.WARN:
        return None
    parts = {}
    line = row.site_id, Stream(row.stream)
    for source, ages in figures.by_source(session, line, since=row.since, now=now).items():
        windows, settled = figures.windows(ages)
        parts[source] = Record(record.stream, windows, settled)
    return origin(record, parts)


def _hold_source(
    session: Session,
    site: Site,
    row: Any,
    source: str,
    verdict: Verdict,
    *,
    sender: str,
    now: datetime,
) -> None:
    """One plugin or form writes to addresses that do not exist: hold that, and leave the site alone.

    What it sent so far counts no more, as after a reinstatement: else it would stop the site later. One
    that was held a short while ago, and goes on, is held for longer.
    """
    before = (row.sources or {}).get(source)
    again = before is not None and now - datetime.fromisoformat(before) < SOURCE_HELD + AGAIN_HELD
    session.execute(
        update(Pulse)
        .where(Pulse.site_id == row.site_id, Pulse.stream == row.stream)
        .values(
            recent=[end for end in row.recent if end[0] != source],
            sources=dict(row.sources or {}) | {source: now.isoformat()},
        )
        .execution_options(synchronize_session=False)
    )
    evidence = dict(verdict.evidence) | {"sources": [source]}
    order = Order(
        Verb.HOLD_SOURCE,
        RELAY,
        f"{sentence(evidence, verdict.cause)}, nearly all of them from {source}",
        verdict.cause,
        evidence,
    )
    actions.hold_source(
        session,
        site.id,
        source,
        order,
        until=now + (AGAIN_HELD if again else SOURCE_HELD),
        sender=sender,
        now=now,
    )


def _evidence(session: Session, row: Any, verdict: Verdict, now: datetime) -> dict[str, Any]:
    """The verdict's numbers, and where most of it came together."""
    evidence = dict(verdict.evidence)
    number = NUMBERS.get(verdict.rule)
    if number is None:
        return evidence
    since = now - timedelta(hours=evidence.get("window_hours", 24))
    line = row.site_id, Stream(row.stream)
    for name, dimension in (("providers", Dimension.PROVIDER), ("sources", Dimension.SOURCE)):
        if found := figures.where(session, line, dimension, number, since=since):
            evidence[name] = found
    return evidence


NUMBERS = {
    Rule.INVALID_ADDRESSES: "invalid",
    Rule.BURST: "invalid",
    Rule.YOUNG_SITE: "invalid",
    Rule.COMPLAINTS: "complaints",
    Rule.SPAM_REFUSALS: "spam",
    Rule.PEOPLE_LEAVE: "left",
}
"""The number of a tally that a rule looks at."""


def _recover(
    session: Session, site: Site, row: Any, *, sender: str, now: datetime
) -> datetime | None:
    """Nothing is wrong: since when, for a warned stream; after a while its warning ends."""
    stream = Stream(row.stream)
    if stream_state(site.streams, stream) is not State.WARNED:
        return None
    since: datetime = row.clean_since or now
    if now - since < RECOVERED:
        return since
    evidence = {"rule": Rule.RECOVERED.value, "stream": stream.value}
    order = Order(Verb.REINSTATE, RELAY, sentence(evidence, Cause.OTHER), evidence=evidence)
    actions.act(session, Subject(site_id=site.id, stream=stream), order, sender=sender, now=now)
    return None


def _next(row: Any, clean_since: datetime | None, now: datetime) -> Next:
    """When the stream is judged next: in a while, as long as any of its mail counts."""
    counts = row.news_at is not None and row.news_at > now - MONTH - AGAIN
    return (now + AGAIN if counts else None), clean_since


def _wait(session: Session, groups: Mapping[Next, Sequence[Line]]) -> None:
    """Write down when each stream is judged next; nearly all of them at the same time."""
    for (due_at, clean_since), lines in groups.items():
        session.execute(
            update(Pulse)
            .where(tuple_(Pulse.site_id, Pulse.stream).in_(lines))
            .values(due_at=due_at, clean_since=clean_since)
            .execution_options(synchronize_session=False)
        )


def guard(session: Session, *, sender: str, now: datetime) -> int:
    """Slow the newsletters of those who contribute most, while all mail together is in danger.

    Returns how many sites were slowed. The last 24 hours and the last 7 days are looked at.
    """
    slowed: dict[UUID, dict[str, Any]] = {}
    for window in (DAY, WEEK):
        found = figures.by_site(session, since=now - window)
        parts = [Contribution(site, counted) for site, counted in sorted(found.items())]
        slowed = platform.contributors(parts) | slowed
    sites: Sequence[Site] = session.scalars(
        select(Site).where(Site.id.in_(list(slowed)), Site.state.not_in(STOPPED)).order_by(Site.id)
    ).all()
    news = [site for site in sites if site.slowed_until is None or site.slowed_until <= now + AGAIN]
    for site in news:
        evidence = slowed[site.id]
        cause = Cause.COMPLAINTS if evidence["what"] == "complaints" else Cause.INVALID_ADDRESSES
        order = Order(Verb.SLOW, RELAY, sentence(evidence, cause), cause, evidence)
        actions.slow(
            session, site.id, order, until=now + platform.SLOWED_FOR, sender=sender, now=now
        )
    return len(news)
