"""The statements that read what the rules ask for, built once, at import.

A message costs the database few statements: that, not their content, decides how many mails a
machine accepts (docs/decisions/0006-few-statements.md). What is told of people comes in one shape,
`About`, so that one reading serves all rules.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from relay.db import Many, UtcDateTime, among, table_of
from relay.models import (
    Account,
    AddressHold,
    ApiKey,
    Domain,
    Erasure,
    IdempotencyKey,
    MailingList,
    Message,
    OptOut,
    Recipient,
    Review,
    Site,
    SiteCount,
    SourceCount,
    Subscription,
    Suppression,
    UnknownAddress,
    Usage,
    Wording,
)
from relay.ready import Ready
from relay.services import counts
from relay.vocabulary import (
    HoldKind,
    Lane,
    Outcome,
    Stage,
    SuppressionScope,
)

FIRST, SECURITY = "first", "security"
"""Windows of `Usage` that count first contacts, and protected mail, by the hour."""

_COPIES, _MAILS = table_of(Recipient), table_of(Message)
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


def _about(dialect: Any, *, promotional: bool = True) -> Any:
    """All that is known of the people a draft is for: why they may not be mailed, who was never mailed,
    and of what is `promotional`, to what they have agreed and what they wanted to stop.

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
    wishes = (
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
        _subscribed(dialect),
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
        *(wishes if promotional else ()),
        select(
            literal(About.NEWCOMER.value, String),
            given.c.value,
            *(null() for _ in range(6)),
        ).where(mailed.is_(None)),
    ).subquery("about")


def _subscribed(dialect: Any) -> Any:
    """To which of the lists named the people have agreed.

    Each person is looked up by the index: else a list of a million readers may be read for one of them,
    where the planner knows too little. On PostgreSQL LATERAL with LIMIT leaves it no other way, on
    SQLite an outer join; there, `what` is null for those who have not.
    """
    readers = _given(dialect, "readers")
    ours = and_(
        _SUBSCRIPTIONS.c.list_id == _LISTS.c.id,
        _SUBSCRIPTIONS.c.address_key == readers.c.value,
    )
    if dialect is postgresql:
        found: Any = select(_SUBSCRIPTIONS).where(ours).limit(1).lateral("found")
        source = _LISTS.join(readers, true()).join(found, true())
    else:
        found = _SUBSCRIPTIONS
        source = _LISTS.join(readers, true()).outerjoin(found, ours)
    since = func.coalesce(
        found.c.ended_at, found.c.confirmed_at, found.c.requested_at, type_=UtcDateTime()
    )
    return (
        select(
            literal(About.SUBSCRIBED.value, String),
            readers.c.value,
            type_coerce(found.c.status, String),
            null(),
            since,
            null(),
            found.c.list_id,
            null(),
        )
        .select_from(source)
        .where(_LISTS.c.site_id == bindparam("site"), among(_LISTS.c.key, "lists"))
    )


def _given(dialect: Any, name: str) -> Any:
    """The texts in the parameter `name` as a table with the one column `value`."""
    if dialect is postgresql:
        texts = cast(bindparam(name, type_=ARRAY(String)), ARRAY(String))
        return func.unnest(texts).table_valued("value").render_derived(name=name)
    return func.json_each(bindparam(name, type_=Many())).table_valued("value", name=name)


_LIST_COLUMNS = tuple(
    _LISTS.c[name].label(f"list_{name}")
    for name in ("id", "key", "name", "controller", "postal_address", "language", "archived_at")
)

_SITE_COLUMNS = (
    Site.account_id,
    Site.url,
    Site.state.label("site_state"),
    Account.state.label("account_state"),
    Site.cause.label("site_cause"),
    Site.streams.label("site_streams"),
    Account.cause.label("account_cause"),
    Account.owner_email,
    func.coalesce(Site.first_contacts_set, Site.first_contacts_earned).label("budget"),
    Account.plan,
    Account.limits.label("account_limits"),
    Site.limits.label("site_limits"),
    Site.declared_daily,
    Site.created_at.label("site_created_at"),
    counts.SHARED,
)

_KEY_WORKS = (
    select(literal(1))
    .where(
        ApiKey.id == bindparam("api_key"),
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > bindparam("now")),
    )
    .exists()
    .label("key_works")
)
"""Whether the API key by which a message came has not ended."""

_EARLIER = _HOUR.alias("earlier")
_RECENT = (
    select(func.coalesce(func.sum(_EARLIER.c.recipients), 0))
    .where(
        _EARLIER.c.site_id == Site.id,
        _EARLIER.c.window == "hour",
        _EARLIER.c.began_at.in_(
            [bindparam(name, type_=UtcDateTime()) for name in ("hour", "hour_before")]
        ),
    )
    .correlate(Site)
    .scalar_subquery()
    .label("recent")
)
"""People to whom the site's mail of this hour of the clock and the one before was accepted."""

_UNDER_REVIEW = (
    select(literal(1))
    .where(
        Review.site_id == Site.id,
        Review.decision.is_(None),
        Review.wording.is_not(None),
        Review.opened_at > bindparam("undecided_since"),
    )
    .correlate(Site)
    .exists()
    .label("under_review")
)
"""Whether an operator has yet to decide about a wording of the site."""


BUSY = select(_RECENT, _UNDER_REVIEW).where(Site.id == bindparam("site"))
"""Whether what the site's receipts say is to be compared."""


VERSION = (
    select(cast(literal_column("sites.xmin"), String))
    .select_from(table_of(Site))
    .where(Site.id == bindparam("site"))
    .scalar_subquery()
)
"""On PostgreSQL: what changes whenever the site's row is written, and only then."""

ALIKE = (
    select(func.count(_COPIES.c.address_key.distinct()))
    .join(Wording, Wording.message_id == _COPIES.c.message_id)
    .where(
        Wording.site_id == bindparam("site"),
        Wording.wording == bindparam("wording"),
        Wording.accepted_at > bindparam("alike_since"),
    )
    .scalar_subquery()
)
"""How many people were told the same lately."""

REVIEWED = (
    select(literal(1))
    .where(Review.site_id == bindparam("site"), Review.wording == bindparam("wording"))
    .exists()
)
"""Whether a review was ever opened about mail that says this."""


def _facts_statement(dialect: Any) -> Any:
    return _all_facts(dialect).with_for_update(of=Site, key_share=True)


def _all_facts(dialect: Any, *more: Any, promotional: bool = True) -> Any:
    about = _about(dialect, promotional=promotional)
    facts = (
        select(
            *more,
            *_SITE_COLUMNS,
            _KEY_WORKS,
            _RECENT,
            _UNDER_REVIEW,
            _HOUR.c.recipients.label("contacted"),
            *counts.OWN_COLUMNS,
            *counts.SOURCE_COLUMNS,
            IdempotencyKey.fingerprint,
            IdempotencyKey.answer,
            IdempotencyKey.expires_at,
            Domain.name,
            Domain.status,
            *(_LIST_COLUMNS if promotional else ()),
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
        .join(counts.OTHERS, true())
        .outerjoin(SiteCount, counts.OWN)
        .outerjoin(SourceCount, counts.SOURCE)
        .outerjoin(
            IdempotencyKey,
            and_(IdempotencyKey.site_id == Site.id, IdempotencyKey.key == bindparam("key")),
        )
        .outerjoin(Domain, and_(Domain.account_id == Site.account_id, among(Domain.name, "names")))
        .outerjoin(about, true())
        .where(Site.id == bindparam("site"))
    )
    if not promotional:
        return facts
    return facts.outerjoin(_LISTS, and_(_LISTS.c.site_id == Site.id, among(_LISTS.c.key, "lists")))


_ON = {True: postgresql, False: sqlite}
FACTS = {on: _facts_statement(dialect) for on, dialect in _ON.items()}
"""By whether it is PostgreSQL."""

FACTS_UNLOCKED = Ready(
    _all_facts(
        postgresql,
        VERSION.label("version"),
        ALIKE.label("alike"),
        REVIEWED.label("reviewed"),
        promotional=False,
    )
)
"""The same of receipts without the lock, on PostgreSQL; the write sees to it that they still hold
(`intake`). No rule asks of a receipt what people have agreed to, or wanted to stop."""

PROTECTED = (
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
USED = select(_HOUR.c.window, _HOUR.c.recipients).where(
    _HOUR.c.site_id == bindparam("site"),
    _HOUR.c.window.in_((FIRST, SECURITY)),
    _HOUR.c.began_at == bindparam("hour"),
)
LOCK = (
    select(*_SITE_COLUMNS, _RECENT, _UNDER_REVIEW)
    .join(Account, Account.id == Site.account_id)
    .where(Site.id == bindparam("site"))
    .with_for_update(of=Site, key_share=True)
)
HOLD = Ready(
    select(literal(1)).where(Site.id == bindparam("site")).with_for_update(of=Site, key_share=True)
)
"""Only the site's lock."""
ANSWERS = select(
    IdempotencyKey.key, IdempotencyKey.fingerprint, IdempotencyKey.answer, IdempotencyKey.expires_at
).where(IdempotencyKey.site_id == bindparam("site"), among(IdempotencyKey.key, "keys"))
DOMAINS = select(Domain.name, Domain.status).where(
    Domain.account_id == bindparam("account"), among(Domain.name, "names")
)
PEOPLE = {on: select(_about(dialect)) for on, dialect in _ON.items()}
THE_LISTS = select(*_LIST_COLUMNS).where(
    _LISTS.c.site_id == bindparam("site"), among(_LISTS.c.key, "lists")
)
SITE = (
    select(*_SITE_COLUMNS)
    .join(Account, Account.id == Site.account_id)
    .where(Site.id == bindparam("site"))
)
