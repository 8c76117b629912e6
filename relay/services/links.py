"""Where the links of accepted mail lead: names that look like a brand's, and places that many share.

Asked by the duty that looks at mail (`campaigns.look_at`), of bodies that were just read. What pretends is
held for a review of its own for each host; what an operator decides counts for the site's next mail with
links to that host.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from relay.db import upsert
from relay.gateways.anchors import Anchor
from relay.models import (
    Account,
    Domain,
    LinkHost,
    LinkWording,
    Message,
    Recipient,
    Review,
    Site,
)
from relay.policy.links import CLUSTER, host_of, is_common, place_of, pretence
from relay.policy.sender import USABLE
from relay.policy.warm_up import YOUNG
from relay.services import domains, reviews
from relay.services.copies import PLACEHOLDER
from relay.services.looks import NO_WORDS, Read
from relay.vocabulary import Decision, DomainRuleKind, ReviewKind, Stage

log = structlog.get_logger(__name__)

TOGETHER_WITHIN = timedelta(hours=24)
"""In which several accounts have to link to a place (design: part 8)."""

MOST_PLACES = 20
"""Foreign places of one mail that are kept; honest mail has a handful (our decision)."""

MOST_SHOWN = 20
"""Other accounts that a review names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a message is not let out: a host, what kind of trouble it is, and what was seen."""

    kind: ReviewKind
    host: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LinkDomain:
    """A place to which an account's mail links, and which other accounts' mail does, too."""

    host: str
    mails: int
    first_seen_at: datetime
    last_seen_at: datetime
    others: Sequence[tuple[UUID, str]]


@dataclass(frozen=True, slots=True)
class _Sender:
    """Whose mail is judged, and which places are their own."""

    site: Site
    account: Account
    own: frozenset[str]


def judge(
    session: Session, site_id: UUID, read: Mapping[UUID, Read], *, sender: str, now: datetime
) -> set[UUID]:
    """Hold, or end, what pretends of these messages; gives those whose copies may not go on.

    What they link to is kept, for comparing accounts with each other.
    """
    who = _sender(session, site_id)
    foreign = {id: _foreign(each, who.own) for id, each in read.items()}
    places = {id: _places(each) for id, each in foreign.items()}
    _keep(session, who, read, places, now)
    clusters = _clusters(session, who, read, places, now)
    findings: dict[UUID, list[Finding]] = {}
    for id, each in read.items():
        found = _pretences(foreign[id], who.own) + [
            clusters[p] for p in places[id] if p in clusters
        ]
        for wording in (clusters.get(f"{each.wording} {p}") for p in places[id]):
            found += [wording] if wording is not None else []
        if found:
            findings[id] = found
    return _stop(session, who, findings, sender=sender, now=now) if findings else set()


def _sender(session: Session, site_id: UUID) -> _Sender:
    site = session.get_one(Site, site_id)
    account = session.get_one(Account, site.account_id)
    urls = session.scalars(select(Site.url).where(Site.account_id == account.id))
    names = session.scalars(
        select(Domain.name).where(Domain.account_id == account.id, Domain.status.in_(USABLE))
    )
    hosts = [host for url in urls if (host := host_of(url))] + list(names)
    return _Sender(site, account, frozenset(map(place_of, hosts)))


def _foreign(read: Read, own: Collection[str]) -> list[tuple[Anchor, str]]:
    """The links of a mail that do not lead to the sender's own places, with those they lead to."""
    return [
        (anchor, place)
        for anchor in read.anchors
        if (host := host_of(anchor.target)) is not None and (place := place_of(host)) not in own
    ]


def _places(foreign: Sequence[tuple[Anchor, str]]) -> list[str]:
    """The foreign places to which a mail links, each once; our own way out is none."""
    found = dict.fromkeys(
        place
        for anchor, place in foreign
        if not is_common(place) and PLACEHOLDER not in anchor.target
    )
    return list(found)[:MOST_PLACES]


def _pretences(foreign: Sequence[tuple[Anchor, str]], own: Collection[str]) -> list[Finding]:
    found = []
    for anchor, _ in foreign:
        seen = pretence(anchor.target, anchor.words, own=own)
        if seen is not None:
            evidence = {
                "host": seen.host, "brand": seen.brand, "shown": seen.shown,
                "link": anchor.target[:500],
            }  # fmt: skip
            found.append(Finding(ReviewKind.LOOK_ALIKE_LINK, seen.host, evidence))
    return found


def _keep(
    session: Session,
    who: _Sender,
    read: Mapping[UUID, Read],
    places: Mapping[UUID, Sequence[str]],
    now: datetime,
) -> None:
    """Write down to which places the site links, and with which words the account did."""
    mails: dict[str, int] = {}
    said: set[tuple[str, str]] = set()
    for id, each in places.items():
        for place in each:
            mails[place] = mails.get(place, 0) + 1
            if read[id].wording != NO_WORDS:
                said.add((place, read[id].wording))
    common = {"account_id": who.account.id}
    if mails:
        insert = upsert(session, LinkHost).values(
            [
                {
                    "site_id": who.site.id,
                    "host": host,
                    "first_seen_at": now,
                    "last_seen_at": now,
                    "mails": count,
                }
                | common
                for host, count in sorted(mails.items())
            ]
        )
        session.execute(
            insert.on_conflict_do_update(
                index_elements=["site_id", "host"],
                set_={
                    "mails": LinkHost.mails + insert.excluded.mails,
                    "last_seen_at": insert.excluded.last_seen_at,
                    "account_id": insert.excluded.account_id,
                },
            )
        )
    if said:
        words = upsert(session, LinkWording).values(
            [{"host": h, "wording": w, "seen_at": now} | common for h, w in sorted(said)]
        )
        session.execute(
            words.on_conflict_do_update(
                index_elements=["host", "wording", "account_id"], set_={"seen_at": now}
            )
        )


def _clusters(
    session: Session,
    who: _Sender,
    read: Mapping[UUID, Read],
    places: Mapping[UUID, Sequence[str]],
    now: datetime,
) -> dict[str, Finding]:
    """Places that accounts with different owners share: by the place, where young ones do, this one
    among them; by wording and place, where they send the same words."""
    wanted = {place for each in places.values() for place in each}
    if not wanted:
        return {}
    since = now - TOGETHER_WITHIN
    found: dict[str, Finding] = {}
    if now - who.account.created_at < YOUNG:
        sharing = session.execute(
            select(LinkHost.host, Account.id, Account.name, Account.owner_email)
            .join(Account, Account.id == LinkHost.account_id)
            .where(
                LinkHost.host.in_(wanted),
                LinkHost.last_seen_at > since,
                Account.created_at > now - YOUNG,
            )
            .distinct()
        ).all()
        found |= _crowds(who, [(row.host, row.host, row) for row in sharing], "young accounts")
    pairs = {(read[id].wording, place) for id, each in places.items() for place in each}
    rows = session.execute(
        select(LinkWording.host, LinkWording.wording, Account.id, Account.name, Account.owner_email)
        .join(Account, Account.id == LinkWording.account_id)
        .where(
            LinkWording.host.in_(wanted),
            LinkWording.wording.in_({wording for wording, _ in pairs}),
            LinkWording.seen_at > since,
        )
    ).all()
    alike = [
        (f"{row.wording} {row.host}", row.host, row)
        for row in rows
        if (row.wording, row.host) in pairs
    ]
    return found | _crowds(who, alike, "the same words")


def _crowds(who: _Sender, rows: Sequence[tuple[str, str, Any]], what: str) -> dict[str, Finding]:
    """Findings by key, for what accounts of enough different owners share."""
    groups: dict[str, tuple[str, dict[UUID, Any]]] = {}
    for key, host, row in rows:
        groups.setdefault(key, (host, {}))[1][row.id] = row
    found = {}
    for key, (host, accounts) in groups.items():
        owners = {row.owner_email.lower() for row in accounts.values()}
        if len(owners) < CLUSTER:
            continue
        others = [
            {"account_id": str(row.id), "name": row.name}
            for row in accounts.values()
            if row.id != who.account.id
        ]
        evidence = {"host": host, "share": what, "accounts": others[:MOST_SHOWN]}
        found[key] = Finding(ReviewKind.SHARED_LINK, host, evidence)
    return found


def _stop(
    session: Session,
    who: _Sender,
    findings: Mapping[UUID, Sequence[Finding]],
    *,
    sender: str,
    now: datetime,
) -> set[UUID]:
    """Hold or end the copies of these messages, by what is known of the hosts they link to."""
    hosts = {each.host for found in findings.values() for each in found}
    free = {host for host in hosts if _is_allowed(session, who.account.id, host)}
    marks = {host: reviews.mark("host", host) for host in hosts - free}
    known = reviews.about_many(session, who.site.id, marks.values(), now=now)
    stopped: set[UUID] = set()
    for id, found in sorted(findings.items()):
        finding = _first_open(found, marks, known)
        if finding is None:
            continue
        stopped.add(id)
        mark = marks[finding.host]
        copies = _copies(session, id)
        review = known.get(mark)
        if review is not None and review.decision is Decision.REJECTED:
            reviews.reject(session, copies, now=now)
            continue
        if review is None:
            review = known[mark] = _opened(session, id, mark, finding, now)
        review.people += len(copies)
        reviews.hold(session, review, copies)
        reviews.tell_owner(session, review, sender=sender, now=now)
    session.flush()
    return stopped


def _first_open(
    found: Sequence[Finding], marks: Mapping[str, str], known: Mapping[str, Review]
) -> Finding | None:
    """The first finding that no rule allows and no operator has let out; one that was rejected first."""
    asked = [
        (each, review.decision if (review := known.get(marks[each.host])) else None)
        for each in found
        if each.host in marks
    ]
    asked.sort(key=lambda pair: pair[1] is not Decision.REJECTED)
    return next((each for each, decision in asked if decision is not Decision.RELEASED), None)


def _opened(
    session: Session, message_id: UUID, mark: str, finding: Finding, now: datetime
) -> Review:
    log.warning("mail is held for a link", kind=finding.kind.value, host=finding.host)
    return reviews.open_review(
        session,
        session.get_one(Message, message_id),
        finding.kind,
        people=0,
        wording=mark,
        evidence=finding.evidence,
        now=now,
    )


def _copies(session: Session, message_id: UUID) -> Sequence[UUID]:
    return session.scalars(
        select(Recipient.id)
        .where(Recipient.message_id == message_id, Recipient.stage == Stage.CHECKING)
        .order_by(Recipient.id)
        .with_for_update()
    ).all()


def _is_allowed(session: Session, account_id: UUID, host: str) -> bool:
    """Whether an operator lets the name in (`domain allow`), for this account or for all."""
    rule = domains.rule_for(session, account_id, host)
    return rule is not None and rule.kind is DomainRuleKind.ALLOWED


def link_domains(session: Session, account_id: UUID, *, limit: int = 100) -> Sequence[LinkDomain]:
    """The places to which an account's mail links, as far as it was read, the latest first, each with
    the other accounts that link there: what belongs together."""
    rows = session.execute(
        select(
            LinkHost.host,
            func.sum(LinkHost.mails).label("mails"),
            func.min(LinkHost.first_seen_at).label("first_seen_at"),
            func.max(LinkHost.last_seen_at).label("last_seen_at"),
        )
        .where(LinkHost.account_id == account_id)
        .group_by(LinkHost.host)
        .order_by(func.max(LinkHost.last_seen_at).desc(), LinkHost.host)
        .limit(limit)
    ).all()
    others: dict[str, dict[UUID, str]] = {}
    for row in session.execute(
        select(LinkHost.host, Account.id, Account.name)
        .join(Account, Account.id == LinkHost.account_id)
        .where(LinkHost.host.in_([row.host for row in rows]), Account.id != account_id)
        .order_by(Account.name)
    ):
        others.setdefault(row.host, {})[row.id] = row.name
    return [
        LinkDomain(
            row.host,
            int(row.mails),
            row.first_seen_at,
            row.last_seen_at,
            tuple(others.get(row.host, {}).items()),
        )
        for row in rows
    ]
