"""Everything the rules ask for, in one reading under the site's lock (`readings`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import idna
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress, parse
from relay.db import is_postgresql
from relay.errors import Invalid, NotFound
from relay.keys import Keyring
from relay.mail import Draft
from relay.policy.facts import Allowance, Facts, Held, ListFacts, OptedOut, Subscribed
from relay.policy.limits import Quota, source_key
from relay.policy.plans import limits_of
from relay.policy.protection import PER_SITE
from relay.policy.sender import names_to_know
from relay.policy.standing import is_watched, together
from relay.policy.streams import asks_for_protection, effective_stream
from relay.policy.warm_up import is_young
from relay.policy.windows import hour_of
from relay.policy.wordings import MOST_ALIKE, UNDECIDED_COUNTS, WITHIN
from relay.ready import ask
from relay.services import callers, counts, readings
from relay.services.ledger import persons_of
from relay.services.readings import FIRST, SECURITY, About
from relay.vocabulary import (
    ConsentGap,
    DomainStatus,
    Stream,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)

PROTECTED_WITHIN = timedelta(minutes=60)
"""In which a person's protected mails are counted."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What an earlier request with the same idempotency key was told, and until when that counts."""

    fingerprint: str
    answer: str
    expires_at: datetime


@dataclass(slots=True)
class Known:
    """All that is known when a draft is judged.

    Where that was read without the lock, `version` is the site's row as it was then, and `few` tells
    whether few were told the same, and nobody ever looked into it.
    """

    account_id: UUID
    facts: Facts
    answered: Answered | None
    version: str | None = None
    few: bool = False


def facts(
    session: Session,
    site_id: UUID,
    draft: Draft,
    *,
    keyring: Keyring,
    key: str | None,
    api_key: UUID | None = None,
    now: datetime,
) -> Known:
    """Lock the site's row and read everything the rules ask for, in one statement.

    The lock is FOR NO KEY UPDATE, so that rows that refer to the site need not wait. What is counted
    may be older than the lock, for it is read by the statement that waits for it: `write` has the
    last word about first contacts, and protected mail is counted once more. Raises `NotFound` for a
    site that is gone, and `Unauthenticated` where `api_key`, by which the draft came, has ended.
    """
    people = _People.of([draft], keyring)
    given = _asked(site_id, draft, people, key, api_key, now)
    rows = session.connection().execute(readings.FACTS[is_postgresql(session)], given).all()
    used: dict[str, int] | None = None
    times: dict[EmailAddress, int] = {}
    if rows and asks_for_protection(draft):
        used, times = _used(session, site_id, people, now)
    return _known(rows, draft, people, used, times, api_key, now, lists=rows)


def facts_unlocked(
    connection: Connection,
    site_id: UUID,
    draft: Draft,
    *,
    keyring: Keyring,
    key: str | None,
    api_key: UUID | None = None,
    wording: str | None,
    now: datetime,
) -> Known:
    """As `facts`, on PostgreSQL and without the lock, for receipts that are not protected.

    `wording` is what it says, where that is known. What is made of it must be checked by the write.
    """
    people = _People.of([draft], keyring)
    given = _asked(site_id, draft, people, key, api_key, now)
    compared = {"wording": wording, "alike_since": now - WITHIN}
    rows = ask(connection, readings.FACTS_UNLOCKED, given | compared)
    found = _known(rows, draft, people, None, {}, api_key, now, lists=())
    first = rows[0]
    found.version = first.version
    found.few = (
        wording is not None
        and not first.reviewed
        and first.alike + len(draft.recipients) <= MOST_ALIKE
    )
    return found


def _asked(
    site_id: UUID,
    draft: Draft,
    people: _People,
    key: str | None,
    api_key: UUID | None,
    now: datetime,
) -> dict[str, Any]:
    """What the reading for one message asks for."""
    return {
        "site": site_id,
        "key": key,
        "api_key": api_key,
        "names": names_to_know(draft.mime),
        "lists": people.lists,
        **_hours(now),
        "source": source_key(draft.source),
        "now": now,
        **counts.windows(now),
        **people.parameters,
    }


def _known(
    rows: Sequence[Any],
    draft: Draft,
    people: _People,
    used: Mapping[str, int] | None,
    times: dict[EmailAddress, int],
    api_key: UUID | None,
    now: datetime,
    *,
    lists: Sequence[Any],
) -> Known:
    """What the rows of the reading for one message tell; `lists` are those that tell of lists."""
    if not rows:
        raise NotFound("The site of this key no longer exists")
    first = rows[0]
    if api_key is not None and not first.key_works:
        raise callers.ended()
    if used is None:
        used = {FIRST: first.contacted or 0}
    quota = counts.quota_of(first, first, source_key(draft.source), now)
    return Known(
        account_id=first.account_id,
        facts=_facts_from(
            first,
            domains={row.name: row.status for row in rows if row.name is not None},
            lists=lists,
            about=rows,
            people=people,
            allowance=_allowance(first, used, times, now, quota),
            now=now,
        ),
        answered=(
            Answered(first.fingerprint, first.answer, first.expires_at)
            if first.fingerprint is not None
            else None
        ),
    )


@dataclass(frozen=True, slots=True)
class _People:
    """Whom drafts are for: by key, by keyed hash, and for which lists."""

    by_key: Mapping[str, EmailAddress]
    by_person: Mapping[str, EmailAddress]
    lists: list[str]
    strangers: list[str]

    @classmethod
    def named(
        cls,
        people: Iterable[EmailAddress],
        keyring: Keyring,
        *,
        lists: Iterable[str],
        strangers: Iterable[str] = (),
    ) -> _People:
        """These people, and those keys among them of whom it matters whether they were ever mailed."""
        by_key = {address.key: address for address in people}
        by_person = {
            person: address
            for address in by_key.values()
            for person in persons_of(keyring, address)
        }
        return cls(by_key, by_person, list(dict.fromkeys(lists)), sorted(set(strangers)))

    @classmethod
    def of(cls, drafts: Sequence[Draft], keyring: Keyring) -> _People:
        """The recipients of these drafts; those of newsletters need not have been mailed before."""
        return cls.named(
            [address for draft in drafts for address in draft.recipients],
            keyring,
            lists=[draft.list_id for draft in drafts if draft.list_id is not None],
            strangers=[
                address.key
                for draft in drafts
                if effective_stream(draft) is not Stream.MARKETING
                for address in draft.recipients
            ],
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """What `_about` asks for."""
        return {
            "people": list(self.by_key),
            "persons": list(self.by_person),
            "strangers": self.strangers,
            "readers": list(self.by_key) if self.lists else [],
        }


def _used(
    session: Session, site_id: UUID, people: _People, now: datetime
) -> tuple[dict[str, int], dict[EmailAddress, int]]:
    """What this hour has used up, and how much protected mail each person had; under the lock."""
    connection = session.connection()
    used = {
        row.window: row.recipients
        for row in connection.execute(readings.USED, {"site": site_id, "hour": hour_of(now)})
    }
    given = {"site": site_id, "people": list(people.by_key), "since": now - PROTECTED_WITHIN}
    times = connection.execute(readings.PROTECTED, given)
    return used, {people.by_key[row.address_key]: row.times for row in times}


def _allowance(
    site: Any,
    used: Mapping[str, int],
    times: dict[EmailAddress, int],
    now: datetime,
    quota: Quota,
) -> Allowance:
    return Allowance(
        budget=site.budget,
        first_contacts=site.budget - used.get(FIRST, 0),
        seconds=seconds_left(now),
        security=PER_SITE - used.get(SECURITY, 0),
        protected=times,
        recent=getattr(site, "recent", 0),
        under_review=getattr(site, "under_review", False),
        quota=quota,
    )


def _facts_from(
    site: Any,
    *,
    domains: Mapping[str, DomainStatus],
    lists: Iterable[Any],
    about: Sequence[Any],
    people: _People,
    allowance: Allowance,
    now: datetime,
) -> Facts:
    """The facts that rows tell; the same row may be there several times."""
    link_host = _link_host(site.url)
    told: dict[str, list[Any]] = {}
    for row in about:
        if row.about is not None:
            told.setdefault(row.about, []).append(row)
    keys = people.by_key
    allowance.newcomers.update(keys[row.who] for row in told.get(About.NEWCOMER, ()))
    opted_out: dict[EmailAddress, dict[str, OptedOut]] = {}
    for row in told.get(About.OPTED_OUT, ()):
        stop = OptedOut(row.word, iso(row.since), row.evidence)
        opted_out.setdefault(keys[row.who], {})[row.word] = stop
    return Facts(
        account_state=site.account_state,
        site_state=site.site_state,
        account_cause=site.account_cause,
        site_cause=site.site_cause,
        site_streams=site.site_streams,
        owner=_key(site.owner_email),
        site_host=_domain(link_host),
        link_host=link_host,
        domains=domains,
        suppressed=_suppressed(told, people),
        probes={
            keys[row.who]: row.what
            for row in told.get(About.HOLD, ())
            if row.opens_at is not None and row.opens_at <= now
        },
        lists={row.list_key: _list(row) for row in lists if row.list_id is not None},
        subscribed={
            (row.what, keys[row.who]): Subscribed(SubscriptionStatus(row.word), iso(row.since))
            for row in told.get(About.SUBSCRIBED, ())
            if row.what is not None
        },
        opted_out={address: tuple(stops.values()) for address, stops in opted_out.items()},
        allowance=allowance,
        young=is_young(site.site_created_at, now),
        limits=limits_of(site.plan, site.account_limits, site.site_limits),
    )


def _list(row: Any) -> ListFacts:
    return ListFacts(
        id=row.list_id,
        key=row.list_key,
        name=row.list_name,
        controller=row.list_controller,
        postal_address=row.list_postal_address,
        language=row.list_language,
        archived=row.list_archived_at is not None,
    )


def _hours(now: datetime) -> dict[str, datetime]:
    hour = hour_of(now)
    return {
        "hour": hour,
        "hour_before": hour - timedelta(hours=1),
        "undecided_since": now - UNDECIDED_COUNTS,
    }


def is_busy(session: Session, site_id: UUID, *, now: datetime) -> bool:
    """Whether the site's receipts are compared: it writes to many, or is under review."""
    row = session.connection().execute(readings.BUSY, {"site": site_id, **_hours(now)}).one()
    return bool(row.recent > MOST_ALIKE or row.under_review)


def is_read(session: Session, site_id: UUID, *, now: datetime) -> bool:
    """Whether all mail of the site is read before it leaves: it is young, warned, or under review."""
    site = session.connection().execute(readings.SITE, {"site": site_id}).one()
    stand = together(site.account_state, site.account_cause, site.site_state, site.site_cause)
    review = session.connection().execute(readings.BUSY, {"site": site_id, **_hours(now)}).one()
    young = is_young(site.site_created_at, now)
    return bool(young or is_watched(stand, site.site_streams) or review.under_review)


def seconds_left(now: datetime) -> int:
    """Seconds until the next hour, at least one."""
    return 3_600 - int((now - hour_of(now)).total_seconds())


def facts_of_many(
    session: Session,
    site_id: UUID,
    drafts: Sequence[Draft],
    *,
    keyring: Keyring,
    keys: Sequence[str],
    now: datetime,
) -> tuple[Known, dict[str, Answered]]:
    """As `facts`, for the drafts of a batch: one reading serves them all. Answers are by key.

    The site's lock comes first, and the account's where it is needed, so that everything here is read,
    and counted, under them.
    """
    connection = session.connection()
    site = connection.execute(readings.LOCK, {"site": site_id, **_hours(now)}).one_or_none()
    if site is None:
        raise NotFound("The site of this key no longer exists")
    sources = {key for draft in drafts if (key := source_key(draft.source)) is not None}
    people = sum(len(draft.recipients) for draft in drafts)
    quota = counts.read_for_many(session, site_id, site, sources, people, now)
    names = {name for draft in drafts for name in names_to_know(draft.mime)}
    found = _facts_of(session, site_id, site, _People.of(drafts, keyring), names, now, quota)
    return Known(site.account_id, found, None), answers(session, site_id, keys)


def answers(session: Session, site_id: UUID, keys: Sequence[str]) -> dict[str, Answered]:
    """What earlier requests with these keys were told, by key."""
    rows = session.connection().execute(readings.ANSWERS, {"site": site_id, "keys": list(keys)})
    return {row.key: Answered(row.fingerprint, row.answer, row.expires_at) for row in rows}


def facts_about(
    session: Session,
    site_id: UUID,
    people: Sequence[EmailAddress],
    *,
    list_key: str,
    keyring: Keyring,
    now: datetime,
) -> Facts:
    """What the rules would know if these people were written to on this list; nothing is locked.

    Raises `NotFound` for a site that is gone.
    """
    site = session.connection().execute(readings.SITE, {"site": site_id}).one_or_none()
    if site is None:
        raise NotFound("The site of this key no longer exists")
    asked = _People.named(people, keyring, lists=[list_key])
    return _facts_of(session, site_id, site, asked, (), now, Quota())


def _facts_of(
    session: Session,
    site_id: UUID,
    site: Any,
    people: _People,
    names: Collection[str],
    now: datetime,
    quota: Quota,
) -> Facts:
    connection = session.connection()
    domains = connection.execute(
        readings.DOMAINS, {"account": site.account_id, "names": sorted(names)}
    )
    given = {"site": site_id, "lists": people.lists, "now": now, **people.parameters}
    about = connection.execute(readings.PEOPLE[is_postgresql(session)], given).all()
    lists = connection.execute(readings.THE_LISTS, given).all() if people.lists else []
    used, times = _used(session, site_id, people, now)
    return _facts_from(
        site,
        domains={row.name: row.status for row in domains},
        lists=lists,
        about=about,
        people=people,
        allowance=_allowance(site, used, times, now, quota),
        now=now,
    )


@lru_cache(maxsize=10_000)
def _key(address: str) -> str:
    try:
        return parse(address).key
    except Invalid:
        return ""


@lru_cache(maxsize=10_000)
def _link_host(url: str) -> str:
    """The site's host without `www.`, as hosts are compared; "" where there is none."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").removeprefix("www.")
        return host if host.isascii() else idna.encode(host, uts46=True).decode()
    except (ValueError, UnicodeError):  # idna's errors are UnicodeErrors
        return ""


def _domain(host: str) -> str:
    """The host if it is a domain's, else ""."""
    return host if "." in host and not host.replace(".", "").isdigit() else ""


def _suppressed(
    told: Mapping[str, Sequence[Any]], people: _People
) -> dict[EmailAddress, tuple[Held, ...]]:
    found: dict[EmailAddress, dict[tuple[str, str], Held]] = {}
    for about in (About.HOLD, About.SUPPRESSED, About.UNKNOWN, About.ERASED):
        who = people.by_person if about is About.ERASED else people.by_key
        for row in told.get(about, ()):
            held = _REASONS[about](row)
            found.setdefault(who[row.who], {})[held.reason, held.scope] = held
    return {address: tuple(reasons.values()) for address, reasons in found.items()}


_REASONS: Mapping[About, Callable[[Any], Held]] = {
    About.HOLD: lambda row: Held(
        SuppressionReason(row.word), SuppressionScope.ALL, iso(row.since), row.evidence
    ),
    About.SUPPRESSED: lambda row: Held(
        SuppressionReason(row.word), SuppressionScope(row.scope), iso(row.since), row.evidence
    ),
    About.UNKNOWN: lambda row: Held(
        SuppressionReason.UNKNOWN_ADDRESS, SuppressionScope.ALL, iso(row.since), row.evidence
    ),
    About.ERASED: lambda row: Held(
        ConsentGap.ERASED, SuppressionScope(row.scope), iso(row.since), {}
    ),
}


def iso(moment: datetime) -> str:
    """The instant as our JSON shows it: UTC with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
