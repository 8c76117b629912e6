"""The two round trips of an acceptance: every fact in one read under the lock, every row in one write.

A message costs the database few statements: that, not their content, decides how many mails a
machine accepts (docs/decisions/0006-few-statements.md). Both are built once, at import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import idna
from sqlalchemy import (
    and_,
    bindparam,
    case,
    insert,
    literal,
    null,
    select,
    true,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from relay import bulk
from relay.addresses import EmailAddress
from relay.db import Base, among, is_postgresql, table_of
from relay.errors import NotFound
from relay.gateways import mime
from relay.mail import Draft
from relay.models import (
    Account,
    AddressHold,
    Content,
    Domain,
    IdempotencyKey,
    Message,
    Recipient,
    Site,
    Suppression,
    UnknownAddress,
    Usage,
)
from relay.policy.facts import Facts, Held
from relay.policy.sender import names_to_know
from relay.vocabulary import HoldKind, SuppressionReason, SuppressionScope

_WORDS = Suppression.__table__.c.reason.type
_ALL = Suppression.__table__.c.scope.type


def _held() -> Any:
    """Why the site may not mail these people: holds, its own suppressions, unknown everywhere.

    An entry of another site's bounce does not count where this site has lifted its own since.
    """
    everything = literal(SuppressionScope.ALL, _ALL)
    lifted = (
        select(Suppression.id)
        .where(
            Suppression.site_id == bindparam("site"),
            Suppression.address_key == UnknownAddress.address_key,
            Suppression.ended_at >= UnknownAddress.since,
        )
        .exists()
    )
    unprobed = and_(AddressHold.recipient_id.is_(None), AddressHold.probed_at.is_(None))
    return union_all(
        select(
            AddressHold.address_key,
            type_coerce(AddressHold.kind, _WORDS).label("reason"),
            everything.label("scope"),
            AddressHold.began_at,
            AddressHold.evidence,
            AddressHold.id.label("hold_id"),
            case((unprobed, AddressHold.probe_at)).label("opens_at"),
        ).where(
            AddressHold.site_id == bindparam("site"),
            among(AddressHold.address_key, "people"),
            AddressHold.ended_at.is_(None),
            AddressHold.kind.in_((HoldKind.DISPUTED, HoldKind.COOL_OFF)),
        ),
        select(
            Suppression.address_key,
            Suppression.reason,
            Suppression.scope,
            Suppression.began_at,
            Suppression.evidence,
            null(),
            null(),
        ).where(
            Suppression.site_id == bindparam("site"),
            among(Suppression.address_key, "people"),
            Suppression.ended_at.is_(None),
        ),
        select(
            UnknownAddress.address_key,
            literal(SuppressionReason.UNKNOWN_ADDRESS, _WORDS),
            everything,
            UnknownAddress.since,
            UnknownAddress.evidence,
            null(),
            null(),
        ).where(
            among(UnknownAddress.address_key, "people"),
            UnknownAddress.until > bindparam("now"),
            ~lifted,
        ),
    ).subquery("held")


_HELD = _held()

_FACTS = (
    select(
        Site.account_id,
        Site.url,
        Site.state.label("site_state"),
        Account.state.label("account_state"),
        IdempotencyKey.fingerprint,
        IdempotencyKey.answer,
        IdempotencyKey.expires_at,
        Domain.name,
        Domain.status,
        _HELD.c.address_key,
        _HELD.c.reason,
        _HELD.c.scope,
        _HELD.c.began_at,
        _HELD.c.evidence,
        _HELD.c.hold_id,
        _HELD.c.opens_at,
    )
    .select_from(Site)
    .join(Account, Account.id == Site.account_id)
    .outerjoin(
        IdempotencyKey,
        and_(IdempotencyKey.site_id == Site.id, IdempotencyKey.key == bindparam("key")),
    )
    .outerjoin(Domain, and_(Domain.account_id == Site.account_id, among(Domain.name, "names")))
    .outerjoin(_HELD, true())
    .where(Site.id == bindparam("site"))
    .with_for_update(of=Site, key_share=True)
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
    session: Session, site_id: UUID, draft: Draft, *, key: str | None, now: datetime
) -> Known:
    """Lock the site's row and read everything the rules ask for, in one statement.

    The lock is FOR NO KEY UPDATE, so that rows that refer to the site need not wait. Raises
    `NotFound` for a site that is gone.
    """
    people = {address.key: address for address in draft.recipients}
    rows = (
        session.connection()
        .execute(
            _FACTS,
            {
                "site": site_id,
                "key": key,
                "names": names_to_know(draft.mime),
                "people": list(people),
                "now": now,
            },
        )
        .all()
    )
    if not rows:
        raise NotFound("The site of this key no longer exists")
    first = rows[0]
    return Known(
        account_id=first.account_id,
        facts=Facts(
            account_state=first.account_state,
            site_state=first.site_state,
            site_host=_host(first.url),
            domains={row.name: row.status for row in rows if row.name is not None},
            suppressed=_suppressed(rows, people),
            probes=_probes(rows, people, now),
        ),
        answered=(
            Answered(first.fingerprint, first.answer, first.expires_at)
            if first.fingerprint is not None
            else None
        ),
    )


_LOCK = (
    select(
        Site.account_id,
        Site.url,
        Site.state.label("site_state"),
        Account.state.label("account_state"),
    )
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
_SUPPRESSIONS = select(_HELD)


def facts_of_many(
    session: Session, site_id: UUID, drafts: Sequence[Draft], *, keys: Sequence[str], now: datetime
) -> tuple[Known, dict[str, Answered]]:
    """As `facts`, for the drafts of a batch: one reading serves them all. Answers are by key."""
    connection = session.connection()
    site = connection.execute(_LOCK, {"site": site_id}).one_or_none()
    if site is None:
        raise NotFound("The site of this key no longer exists")
    people = {address.key: address for draft in drafts for address in draft.recipients}
    names = {name for draft in drafts for name in names_to_know(draft.mime)}
    domains = connection.execute(_DOMAINS, {"account": site.account_id, "names": sorted(names)})
    held = connection.execute(
        _SUPPRESSIONS, {"site": site_id, "people": list(people), "now": now}
    ).all()
    found = Facts(
        account_state=site.account_state,
        site_state=site.site_state,
        site_host=_host(site.url),
        domains={row.name: row.status for row in domains},
        suppressed=_suppressed(held, people),
        probes=_probes(held, people, now),
    )
    answers = connection.execute(_ANSWERS, {"site": site_id, "keys": list(keys)})
    return Known(site.account_id, found, None), {
        row.key: Answered(row.fingerprint, row.answer, row.expires_at) for row in answers
    }


@lru_cache(maxsize=10_000)
def _host(url: str) -> str:
    """The site's host without `www.`, as domains are compared; "" where it is no domain."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").removeprefix("www.")
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except (ValueError, UnicodeError):  # idna's errors are UnicodeErrors
        return ""
    return host if "." in host and not host.replace(".", "").isdigit() else ""


def _suppressed(
    rows: Iterable[Any], people: Mapping[str, EmailAddress]
) -> dict[EmailAddress, tuple[Held, ...]]:
    found: dict[EmailAddress, dict[tuple[str, str], Held]] = {}
    for row in rows:
        if row.address_key is not None:
            held = Held(row.reason, row.scope, iso(row.began_at), row.evidence)
            found.setdefault(people[row.address_key], {})[row.reason, row.scope] = held
    return {address: tuple(reasons.values()) for address, reasons in found.items()}


def _probes(
    rows: Iterable[Any], people: Mapping[str, EmailAddress], now: datetime
) -> dict[EmailAddress, UUID]:
    """People whose next mail is the probe that decides about them."""
    return {
        people[row.address_key]: row.hold_id
        for row in rows
        if row.opens_at is not None and row.opens_at <= now
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


def _statements(dialect: Any, *, keyed: bool) -> tuple[Any, ...]:
    """The INSERTs of one acceptance."""
    usage = (_USAGE[dialect, "hour"], _USAGE[dialect, "day"])
    return (_MESSAGE, _CONTENT, _RECIPIENT, *usage, *((_IDEMPOTENCY,) if keyed else ()))


def _in_one(*statements: Any) -> Any:
    """Several INSERTs as one statement of PostgreSQL (data-modifying WITH)."""
    return select(literal(1)).add_cte(*(each.cte(f"w{n}") for n, each in enumerate(statements)))


_ON_POSTGRESQL = {keyed: _in_one(*_statements(postgresql, keyed=keyed)) for keyed in (False, True)}
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

    Raises `IntegrityError` when another request with the same idempotency key was quicker.
    """
    contents = rows.contents
    groups = {
        "m": rows.message,
        "c": contents[0],
        "r": rows.recipients[0],
        "u": _usage_row(rows.message["site_id"], [rows], now),
        "k": rows.idempotency or {},
    }
    parameters = {f"{p}_{name}": value for p, row in groups.items() for name, value in row.items()}
    connection = session.connection()
    keyed = rows.idempotency is not None
    if is_postgresql(session):
        connection.execute(_ON_POSTGRESQL[keyed], parameters)
    else:
        for statement, names in _ON_SQLITE[keyed]:
            connection.execute(statement, {n: v for n, v in parameters.items() if n in names})
    _begin_probes(session, rows.probes, now)
    _write_contents(session, contents[1:])
    bulk.insert_rows(session, Recipient, rows.recipients[1:])


def write_many(session: Session, site_id: UUID, batch: Sequence[Rows], *, now: datetime) -> None:
    """As `write`, for a batch of one site: one statement for each table."""
    if not batch:
        return
    _begin_probes(session, [probe for rows in batch for probe in rows.probes], now)
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
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
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
