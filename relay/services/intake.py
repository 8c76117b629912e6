"""The two round trips of an acceptance: every fact in one read under the lock, every row in one write.

A message costs the database few statements: that, not their content, decides how many mails a
machine accepts (docs/decisions/0006-few-statements.md). Both are built once, at import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import idna
from sqlalchemy import (
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal,
    not_,
    null,
    select,
    true,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from relay import bulk
from relay.addresses import EmailAddress
from relay.db import Base, Many, UtcDateTime, among, is_postgresql, table_of
from relay.errors import NotFound
from relay.gateways import mime
from relay.keys import Keyring
from relay.mail import Draft
from relay.models import (
    Account,
    AddressHold,
    Content,
    Domain,
    Erasure,
    IdempotencyKey,
    MailingList,
    Message,
    OptOut,
    Recipient,
    Site,
    Subscription,
    Suppression,
    UnknownAddress,
    Usage,
)
from relay.policy.admission import first_contacts_used_up
from relay.policy.facts import Allowance, Facts, Held, ListFacts, OptedOut, Subscribed
from relay.policy.protection import PER_SITE
from relay.policy.sender import names_to_know
from relay.policy.streams import asks_for_protection, effective_stream
from relay.services.ledger import persons_of
from relay.vocabulary import (
    ConsentGap,
    DomainStatus,
    HoldKind,
    Lane,
    Outcome,
    Stage,
    Stream,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)

FIRST, SECURITY = "first", "security"
"""Windows of `Usage` that count first contacts, and protected mail, by the hour."""

PROTECTED_WITHIN = timedelta(minutes=60)
"""In which a person's protected mails are counted."""

_SITES, _COPIES, _MAILS = table_of(Site), table_of(Recipient), table_of(Message)
_LISTS, _SUBSCRIPTIONS = table_of(MailingList), table_of(Subscription)
_HOUR = table_of(Usage)


class About(StrEnum):
    """What a row of the reading tells about a person."""

    HOLD = "hold"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"
    ERASED = "erased"
    OPTED_OUT = "opted-out"
    SUBSCRIBED = "subscribed"
    NEWCOMER = "newcomer"


def _about(dialect: Any) -> Any:
    """All that is known of the people a draft is for: why they may not be mailed, to what they have
    agreed, what they wanted to stop, and who was never mailed.

    An entry of another site's bounce does not count where this site has lifted its own since. Those
    who were erased are found by their keyed hashes, newcomers by there being no copy for them.
    """
    site: Any = bindparam("site")
    lifted = (
        select(Suppression.id)
        .where(
            Suppression.site_id == site,
            Suppression.address_key == UnknownAddress.address_key,
            Suppression.ended_at >= UnknownAddress.since,
        )
        .exists()
    )
    unprobed = and_(AddressHold.recipient_id.is_(None), AddressHold.probed_at.is_(None))
    everything = literal(SuppressionScope.ALL.value, String)
    given = _given(dialect, "strangers")
    mailed = (
        select(literal(1))
        .where(
            _COPIES.c.site_id == site,
            _COPIES.c.address_key == given.c.value,
            not_(and_(_COPIES.c.stage == Stage.DONE, _COPIES.c.outcome == Outcome.SUPPRESSED)),
        )
        .limit(1)  # looked up for each person; no join over all that was ever sent
        .scalar_subquery()
    )
    return union_all(
        select(
            literal(About.HOLD.value, String).label("about"),
            AddressHold.address_key.label("who"),
            type_coerce(AddressHold.kind, String).label("word"),
            everything.label("scope"),
            AddressHold.began_at.label("since"),
            AddressHold.evidence,
            AddressHold.id.label("what"),
            case((unprobed, AddressHold.probe_at)).label("opens_at"),
        ).where(
            AddressHold.site_id == site,
            among(AddressHold.address_key, "people"),
            AddressHold.ended_at.is_(None),
            AddressHold.kind.in_((HoldKind.DISPUTED, HoldKind.COOL_OFF)),
        ),
        select(
            literal(About.SUPPRESSED.value, String),
            Suppression.address_key,
            type_coerce(Suppression.reason, String),
            type_coerce(Suppression.scope, String),
            Suppression.began_at,
            Suppression.evidence,
            null(),
            null(),
        ).where(
            Suppression.site_id == site,
            among(Suppression.address_key, "people"),
            Suppression.ended_at.is_(None),
        ),
        select(
            literal(About.UNKNOWN.value, String),
            UnknownAddress.address_key,
            null(),
            null(),
            UnknownAddress.since,
            UnknownAddress.evidence,
            null(),
            null(),
        ).where(
            among(UnknownAddress.address_key, "people"),
            UnknownAddress.until > bindparam("now"),
            ~lifted,
        ),
        select(
            literal(About.ERASED.value, String),
            Erasure.person,
            null(),
            type_coerce(Erasure.scope, String),
            Erasure.at,
            null(),
            null(),
            null(),
        ).where(Erasure.site_id == site, among(Erasure.person, "persons")),
        select(
            literal(About.OPTED_OUT.value, String),
            OptOut.address_key,
            OptOut.topic,
            null(),
            OptOut.began_at,
            OptOut.evidence,
            null(),
            null(),
        ).where(
            OptOut.site_id == site,
            among(OptOut.address_key, "people"),
            OptOut.ended_at.is_(None),
        ),
        select(
            literal(About.SUBSCRIBED.value, String),
            _SUBSCRIPTIONS.c.address_key,
            type_coerce(_SUBSCRIPTIONS.c.status, String),
            null(),
            func.coalesce(
                _SUBSCRIPTIONS.c.ended_at,
                _SUBSCRIPTIONS.c.confirmed_at,
                _SUBSCRIPTIONS.c.requested_at,
                type_=UtcDateTime(),
            ),
            null(),
            _SUBSCRIPTIONS.c.list_id,
            null(),
        )
        .join(_LISTS, _LISTS.c.id == _SUBSCRIPTIONS.c.list_id)
        .where(
            _LISTS.c.site_id == site,
            among(_LISTS.c.key, "lists"),
            among(_SUBSCRIPTIONS.c.address_key, "people"),
        ),
        select(
            literal(About.NEWCOMER.value, String),
            given.c.value,
            *(null() for _ in range(6)),
        ).where(mailed.is_(None)),
    ).subquery("about")


def _given(dialect: Any, name: str) -> Any:
    """The texts in the parameter `name` as a table with the one column `value`."""
    if dialect is postgresql:
        texts = cast(bindparam(name, type_=ARRAY(String)), ARRAY(String))
        return func.unnest(texts).table_valued("value").render_derived(name="given")
    return func.json_each(bindparam(name, type_=Many())).table_valued("value", name="given")


_LIST_COLUMNS = tuple(
    _LISTS.c[name].label(f"list_{name}")
    for name in ("id", "key", "name", "controller", "postal_address", "language", "archived_at")
)

_SITE_COLUMNS = (
    Site.account_id,
    Site.url,
    Site.state.label("site_state"),
    Account.state.label("account_state"),
    func.coalesce(Site.first_contacts_set, Site.first_contacts_earned).label("budget"),
)


def _facts_statement(dialect: Any) -> Any:
    about = _about(dialect)
    return (
        select(
            *_SITE_COLUMNS,
            _HOUR.c.recipients.label("contacted"),
            IdempotencyKey.fingerprint,
            IdempotencyKey.answer,
            IdempotencyKey.expires_at,
            Domain.name,
            Domain.status,
            *_LIST_COLUMNS,
            *about.c,
        )
        .select_from(Site)
        .join(Account, Account.id == Site.account_id)
        .outerjoin(
            _HOUR,
            and_(
                _HOUR.c.site_id == Site.id,
                _HOUR.c.window == FIRST,
                _HOUR.c.began_at == bindparam("hour"),
            ),
        )
        .outerjoin(
            IdempotencyKey,
            and_(IdempotencyKey.site_id == Site.id, IdempotencyKey.key == bindparam("key")),
        )
        .outerjoin(Domain, and_(Domain.account_id == Site.account_id, among(Domain.name, "names")))
        .outerjoin(_LISTS, and_(_LISTS.c.site_id == Site.id, among(_LISTS.c.key, "lists")))
        .outerjoin(about, true())
        .where(Site.id == bindparam("site"))
        .with_for_update(of=Site, key_share=True)
    )


_ON = {True: postgresql, False: sqlite}
_FACTS = {on: _facts_statement(dialect) for on, dialect in _ON.items()}
"""By whether it is PostgreSQL."""

_PROTECTED = (
    select(_COPIES.c.address_key, func.count().label("times"))
    .join(_MAILS, _MAILS.c.id == _COPIES.c.message_id)
    .where(
        _COPIES.c.site_id == bindparam("site"),
        among(_COPIES.c.address_key, "people"),
        _COPIES.c.lane_rank == Lane.PROTECTED.rank,
        _MAILS.c.accepted_at > bindparam("since"),
    )
    .group_by(_COPIES.c.address_key)
)
_USED = select(_HOUR.c.window, _HOUR.c.recipients).where(
    _HOUR.c.site_id == bindparam("site"),
    _HOUR.c.window.in_((FIRST, SECURITY)),
    _HOUR.c.began_at == bindparam("hour"),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What an earlier request with the same idempotency key was told, and until when that counts."""

    fingerprint: str
    answer: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known when a draft is judged."""

    account_id: UUID
    facts: Facts
    answered: Answered | None


def facts(
    session: Session,
    site_id: UUID,
    draft: Draft,
    *,
    keyring: Keyring,
    key: str | None,
    now: datetime,
) -> Known:
    """Lock the site's row and read everything the rules ask for, in one statement.

    The lock is FOR NO KEY UPDATE, so that rows that refer to the site need not wait. What is counted
    may be older than the lock, for it is read by the statement that waits for it: `write` has the
    last word about first contacts, and protected mail is counted once more. Raises `NotFound` for a
    site that is gone.
    """
    people = _People.of([draft], keyring)
    rows = (
        session.connection()
        .execute(
            _FACTS[is_postgresql(session)],
            {
                "site": site_id,
                "key": key,
                "names": names_to_know(draft.mime),
                "lists": people.lists,
                "hour": _hour(now),
                "now": now,
                **people.parameters,
            },
        )
        .all()
    )
    if not rows:
        raise NotFound("The site of this key no longer exists")
    first = rows[0]
    used = {FIRST: first.contacted or 0}
    times: dict[EmailAddress, int] = {}
    if asks_for_protection(draft):
        used, times = _used(session, site_id, people, now)
    return Known(
        account_id=first.account_id,
        facts=_facts_from(
            first,
            domains={row.name: row.status for row in rows if row.name is not None},
            lists=rows,
            about=rows,
            people=people,
            allowance=_allowance(first.budget, used, times, now),
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
    def of(cls, drafts: Sequence[Draft], keyring: Keyring) -> _People:
        """The recipients of these drafts; those of newsletters need not have been mailed before."""
        by_key = {address.key: address for draft in drafts for address in draft.recipients}
        strangers = {
            address.key
            for draft in drafts
            if effective_stream(draft) is not Stream.MARKETING
            for address in draft.recipients
        }
        return cls(
            by_key,
            {
                person: address
                for address in by_key.values()
                for person in persons_of(keyring, address)
            },
            list(dict.fromkeys(draft.list_id for draft in drafts if draft.list_id is not None)),
            sorted(strangers),
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """What `_about` asks for."""
        return {
            "people": list(self.by_key),
            "persons": list(self.by_person),
            "strangers": self.strangers,
        }


def _used(
    session: Session, site_id: UUID, people: _People, now: datetime
) -> tuple[dict[str, int], dict[EmailAddress, int]]:
    """What this hour has used up, and how much protected mail each person had; under the lock."""
    connection = session.connection()
    used = {
        row.window: row.recipients
        for row in connection.execute(_USED, {"site": site_id, "hour": _hour(now)})
    }
    given = {"site": site_id, "people": list(people.by_key), "since": now - PROTECTED_WITHIN}
    times = connection.execute(_PROTECTED, given)
    return used, {people.by_key[row.address_key]: row.times for row in times}


def _allowance(
    budget: int, used: Mapping[str, int], times: dict[EmailAddress, int], now: datetime
) -> Allowance:
    return Allowance(
        budget=budget,
        first_contacts=budget - used.get(FIRST, 0),
        seconds=_seconds_left(now),
        security=PER_SITE - used.get(SECURITY, 0),
        protected=times,
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
        },
        opted_out={address: tuple(stops.values()) for address, stops in opted_out.items()},
        allowance=allowance,
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


def _hour(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _seconds_left(now: datetime) -> int:
    """Seconds until the next hour, at least one."""
    return 3_600 - int((now - _hour(now)).total_seconds())


_LOCK = (
    select(*_SITE_COLUMNS)
    .join(Account, Account.id == Site.account_id)
    .where(Site.id == bindparam("site"))
    .with_for_update(of=Site, key_share=True)
)
_ANSWERS = select(
    IdempotencyKey.key, IdempotencyKey.fingerprint, IdempotencyKey.answer, IdempotencyKey.expires_at
).where(IdempotencyKey.site_id == bindparam("site"), among(IdempotencyKey.key, "keys"))
_DOMAINS = select(Domain.name, Domain.status).where(
    Domain.account_id == bindparam("account"), among(Domain.name, "names")
)
_PEOPLE = {on: select(_about(dialect)) for on, dialect in _ON.items()}
_THE_LISTS = select(*_LIST_COLUMNS).where(
    _LISTS.c.site_id == bindparam("site"), among(_LISTS.c.key, "lists")
)


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

    The lock comes first, so that everything here is read, and counted, under it.
    """
    connection = session.connection()
    site = connection.execute(_LOCK, {"site": site_id}).one_or_none()
    if site is None:
        raise NotFound("The site of this key no longer exists")
    found = _facts_under_lock(session, site_id, site, drafts, keyring, now)
    answers = connection.execute(_ANSWERS, {"site": site_id, "keys": list(keys)})
    return Known(site.account_id, found, None), {
        row.key: Answered(row.fingerprint, row.answer, row.expires_at) for row in answers
    }


def _facts_under_lock(
    session: Session,
    site_id: UUID,
    site: Any,
    drafts: Sequence[Draft],
    keyring: Keyring,
    now: datetime,
) -> Facts:
    connection = session.connection()
    people = _People.of(drafts, keyring)
    names = {name for draft in drafts for name in names_to_know(draft.mime)}
    domains = connection.execute(_DOMAINS, {"account": site.account_id, "names": sorted(names)})
    given = {"site": site_id, "lists": people.lists, "now": now, **people.parameters}
    about = connection.execute(_PEOPLE[is_postgresql(session)], given).all()
    lists = connection.execute(_THE_LISTS, given).all() if people.lists else []
    used, times = _used(session, site_id, people, now)
    return _facts_from(
        site,
        domains={row.name: row.status for row in domains},
        lists=lists,
        about=about,
        people=people,
        allowance=_allowance(site.budget, used, times, now),
        now=now,
    )


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


def _insert(model: type[Base], prefix: str, *names: str) -> Any:
    """An INSERT whose parameters are called `prefix_column`."""
    return insert(table_of(model)).values({name: bindparam(f"{prefix}_{name}") for name in names})


_MESSAGE = _insert(
    Message, "m", "id", "account_id", "site_id", "stream", "kind", "lane", "list_id", "source",
    "sender", "subject", "mime_message_id", "size", "removed_headers", "accepted_at", "expires_at",
    "resent_from", "remarks",
)  # fmt: skip
_CONTENT = _insert(Content, "c", "message_id", "part", "data")
_RECIPIENT = _insert(
    Recipient, "r", "id", "message_id", "account_id", "site_id", "address", "address_key", "domain",
    "lane_rank", "stage", "outcome", "due_at", "expires_at", "tries", "reason",
)  # fmt: skip
_IDEMPOTENCY = _insert(IdempotencyKey, "k", "site_id", "key", "fingerprint", "answer", "expires_at")


def _usage(dialect: Any, window: str) -> Any:
    """Add to the site's usage of this hour or day."""
    addition = dialect.insert(table_of(Usage)).values(
        {
            "site_id": bindparam("u_site_id"),
            "window": bindparam(f"u_{window}_name"),
            "began_at": bindparam(f"u_{window}"),
            "messages": bindparam("u_messages"),
            "recipients": bindparam("u_recipients"),
            "octets": bindparam("u_octets"),
        }
    )
    new, old = addition.excluded, table_of(Usage).c
    return addition.on_conflict_do_update(
        index_elements=["site_id", "window", "began_at"],
        set_={name: old[name] + new[name] for name in ("messages", "recipients", "octets")},
    )


_USAGE = {
    (dialect, window): _usage(dialect, window)
    for dialect in (postgresql, sqlite)
    for window in ("hour", "day")
}


def _counting(dialect: Any) -> Any:
    """Add to what the site has used up of an hour's allowance; gives the sum."""
    addition = dialect.insert(_HOUR).values(
        {name: bindparam(f"f_{name}") for name in ("site_id", "window", "began_at", "recipients")}
        | {"messages": 0, "octets": 0}
    )
    return addition.on_conflict_do_update(
        index_elements=["site_id", "window", "began_at"],
        set_={"recipients": _HOUR.c.recipients + addition.excluded.recipients},
    ).returning(_HOUR.c.recipients)


_COUNTING = {on: _counting(dialect) for on, dialect in _ON.items()}


def _statements(dialect: Any, *, keyed: bool) -> tuple[Any, ...]:
    """The INSERTs of one acceptance."""
    usage = (_USAGE[dialect, "hour"], _USAGE[dialect, "day"])
    return (_MESSAGE, _CONTENT, _RECIPIENT, *usage, *((_IDEMPOTENCY,) if keyed else ()))


def _in_one(*statements: Any, counted: bool) -> Any:
    """Several INSERTs as one statement of PostgreSQL (data-modifying WITH); gives the sum, if any."""
    sums = _COUNTING[True].cte("contacts")
    what = select(sums.c.recipients) if counted else select(literal(1))
    return what.add_cte(*(each.cte(f"w{n}") for n, each in enumerate(statements)))


_ON_POSTGRESQL = {
    (keyed, counted): _in_one(*_statements(postgresql, keyed=keyed), counted=counted)
    for keyed in (False, True)
    for counted in (False, True)
}
_ON_SQLITE = {
    keyed: [
        (each, frozenset(each.compile(dialect=sqlite.dialect()).params))
        for each in _statements(sqlite, keyed=keyed)
    ]
    for keyed in (False, True)
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one accepted message."""

    message: Row
    parts: Sequence[bytes]
    recipients: Sequence[Row]
    idempotency: Row | None
    probes: Sequence[tuple[UUID, UUID]] = ()
    """Holds and the copies that probe for them."""
    contacts: int = 0
    """People among them whom the site never mailed, as far as they draw on its budget."""
    budget: int = 0
    """How many such people an hour allows."""

    @property
    def contents(self) -> list[Row]:
        """The message's parts as rows."""
        id = self.message["id"]
        return [{"message_id": id, "part": n, "data": part} for n, part in enumerate(self.parts)]

    @property
    def octets(self) -> int:
        """Bytes times people."""
        octets: int = self.message["size"] * len(self.recipients)
        return octets


def write(session: Session, rows: Rows, *, now: datetime) -> None:
    """Write an accepted message with all that belongs to it.

    Raises `IntegrityError` when another request with the same idempotency key was quicker, and
    `LimitReached` when others were quicker with the hour's first contacts; then nothing may be kept.
    """
    contents = rows.contents
    site_id = rows.message["site_id"]
    groups = {
        "m": rows.message,
        "c": contents[0],
        "r": rows.recipients[0],
        "u": _usage_row(site_id, [rows], now),
        "k": rows.idempotency or {},
        "f": _count_row(site_id, FIRST, rows.contacts, now),
    }
    parameters = {f"{p}_{name}": value for p, row in groups.items() for name, value in row.items()}
    connection = session.connection()
    keyed = rows.idempotency is not None
    if is_postgresql(session):
        statement = _ON_POSTGRESQL[keyed, rows.contacts > 0]
        total = connection.execute(statement, parameters).scalar_one()
        if rows.contacts and total > rows.budget:
            raise first_contacts_used_up(rows.budget, _seconds_left(now))
    else:
        for statement, names in _ON_SQLITE[keyed]:
            connection.execute(statement, {n: v for n, v in parameters.items() if n in names})
        _count(session, site_id, FIRST, rows.contacts, now)
    if rows.message["lane"] is Lane.PROTECTED:
        _count(session, site_id, SECURITY, 1, now)
    _begin_probes(session, rows.probes, now)
    _write_contents(session, contents[1:])
    bulk.insert_rows(session, Recipient, rows.recipients[1:])


def _count_row(site_id: UUID, window: str, people: int, now: datetime) -> Row:
    return {"site_id": site_id, "window": window, "began_at": _hour(now), "recipients": people}


def _count(session: Session, site_id: UUID, window: str, people: int, now: datetime) -> None:
    """Note what is used up of this hour's allowance."""
    if people:
        given = {f"f_{n}": v for n, v in _count_row(site_id, window, people, now).items()}
        session.connection().execute(_COUNTING[is_postgresql(session)], given)


def write_many(session: Session, site_id: UUID, batch: Sequence[Rows], *, now: datetime) -> None:
    """As `write`, for a batch of one site: one statement for each table."""
    if not batch:
        return
    _begin_probes(session, [probe for rows in batch for probe in rows.probes], now)
    _count(session, site_id, FIRST, sum(rows.contacts for rows in batch), now)
    protected = sum(rows.message["lane"] is Lane.PROTECTED for rows in batch)
    _count(session, site_id, SECURITY, protected, now)
    bulk.insert_rows(session, Message, [rows.message for rows in batch])
    _write_contents(session, [part for rows in batch for part in rows.contents])
    bulk.insert_rows(session, Recipient, [copy for rows in batch for copy in rows.recipients])
    bulk.insert_rows(
        session,
        IdempotencyKey,
        [rows.idempotency for rows in batch if rows.idempotency is not None],
    )
    usage = {f"u_{name}": value for name, value in _usage_row(site_id, batch, now).items()}
    dialect = postgresql if is_postgresql(session) else sqlite
    for window in ("hour", "day"):
        names = (
            "u_site_id",
            f"u_{window}",
            f"u_{window}_name",
            "u_messages",
            "u_recipients",
            "u_octets",
        )
        session.connection().execute(_USAGE[dialect, window], {name: usage[name] for name in names})


def _begin_probes(session: Session, probes: Sequence[tuple[UUID, UUID]], now: datetime) -> None:
    """Write down which copies probe for which holds, so that no second one does."""
    for hold_id, recipient_id in probes:
        session.execute(
            update(AddressHold)
            .where(AddressHold.id == hold_id)
            .values(recipient_id=recipient_id, probed_at=now)
            .execution_options(synchronize_session=False)
        )


def _write_contents(session: Session, contents: Sequence[Row]) -> None:
    """Write contents about a megabyte at a time: a driver copies what it sends several times."""
    group: list[Row] = []
    size = 0
    for row in contents:
        if group and size + len(row["data"]) > mime.PART:
            bulk.insert_rows(session, Content, group)
            group, size = [], 0
        group.append(row)
        size += len(row["data"])
    bulk.insert_rows(session, Content, group)


def _usage_row(site_id: UUID, batch: Sequence[Rows], now: datetime) -> Row:
    hour = _hour(now)
    return {
        "site_id": site_id,
        "hour": hour,
        "hour_name": "hour",
        "day": hour.replace(hour=0),
        "day_name": "day",
        "messages": len(batch),
        "recipients": sum(len(rows.recipients) for rows in batch),
        "octets": sum(rows.octets for rows in batch),
    }


def iso(moment: datetime) -> str:
    """The instant as our JSON shows it: UTC with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
