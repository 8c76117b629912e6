"""Subscriptions: confirmed or refused by the person, ended, and shown to the site.

The link in the confirmation mail is all the authority there is. Looking at it changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, exists, or_, select, update
from sqlalchemy.orm import Session

from relay import bulk
from relay.addresses import EmailAddress
from relay.db import among, table_of
from relay.errors import NotFound
from relay.keys import Keyring
from relay.models import (
    MailingList,
    OptOut,
    Site,
    Subscription,
    SubscriptionRequest,
    Suppression,
)
from relay.services import erasures, holds, ledger, lists, opt_outs
from relay.services.paging import cut
from relay.services.visitors import Visitor
from relay.vocabulary import ConsentKind, SubscriptionStatus, SuppressionReason

PURPOSE = "confirmation link"
"""Purpose of the keyed digest under which a link is kept."""

OPTED_IN = "opted-in"
"""How a complaint or an opt-out ended that the person took back by a fresh double opt-in."""

GETS_MAIL = (SubscriptionStatus.CONFIRMED, SubscriptionStatus.ATTESTED)

TOKEN = re.compile(r"[\w-]{43}(?![\w-])", re.ASCII)
"""A link's token (256 bits in base64), perhaps with what a mail program left stuck to the link."""

_REQUESTS, _SUBSCRIPTIONS = table_of(SubscriptionRequest), table_of(Subscription)
_LISTS, _SITES = table_of(MailingList), table_of(Site)
_SUPPRESSIONS, _OPT_OUTS = table_of(Suppression), table_of(OptOut)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link asks of a person: which list, whose, under which words they would agree."""

    site_name: str
    site_url: str
    list_name: str
    controller: str
    postal_address: str
    privacy_url: str
    consent_text: str
    language: str
    address: EmailAddress
    confirmed: bool
    refused: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Subscriptions with their list's key, newest first, and the cursor of the next page."""

    entries: Sequence[tuple[Subscription, str]]
    next_cursor: str | None


def _there_are(table: Any) -> Any:
    """Whether any of these rows about the person is in force."""
    return exists().where(
        table.c.site_id == _SUBSCRIPTIONS.c.site_id,
        table.c.address_key == _SUBSCRIPTIONS.c.address_key,
        table.c.ended_at.is_(None),
    )


_LINK = (
    select(
        _REQUESTS.c.id,
        _REQUESTS.c.at,
        _REQUESTS.c.language,
        _REQUESTS.c.source,
        _REQUESTS.c.confirmed_at,
        _REQUESTS.c.refused_at,
        _SUBSCRIPTIONS.c.id.label("subscription_id"),
        _SUBSCRIPTIONS.c.site_id,
        _SUBSCRIPTIONS.c.list_id,
        _SUBSCRIPTIONS.c.address,
        _SUBSCRIPTIONS.c.status,
        _LISTS.c.key.label("list_key"),
        _LISTS.c.name.label("list_name"),
        _LISTS.c.controller,
        _LISTS.c.postal_address,
        _LISTS.c.privacy_url,
        _SITES.c.name.label("site_name"),
        _SITES.c.url.label("site_url"),
        _there_are(_OPT_OUTS).label("opted_out"),
        _there_are(_SUPPRESSIONS).label("suppressed"),
    )
    .join(_SUBSCRIPTIONS, _SUBSCRIPTIONS.c.id == _REQUESTS.c.subscription_id)
    .join(_LISTS, _LISTS.c.id == _SUBSCRIPTIONS.c.list_id)
    .join(_SITES, _SITES.c.id == _SUBSCRIPTIONS.c.site_id)
    .where(
        among(_REQUESTS.c.token_digest, "digests"),
        _REQUESTS.c.token_expires_at > bindparam("now"),
        _LISTS.c.archived_at.is_(None),
    )
)
_LOCKED_LINK = _LINK.with_for_update(of=(_SUBSCRIPTIONS, _REQUESTS))

_CONFIRM = bulk.Together(
    update(_SUBSCRIPTIONS)
    .where(_SUBSCRIPTIONS.c.id == bindparam("s_id"))
    .values(
        status=SubscriptionStatus.CONFIRMED,
        language=bindparam("s_language"),
        source=bindparam("s_source"),
        confirmed_at=bindparam("s_now"),
        ended_at=None,
        ending=None,
    ),
    update(_REQUESTS)
    .where(_REQUESTS.c.id == bindparam("r_id"))
    .values(confirmed_at=bindparam("r_now")),
)
_FORGIVE = (
    update(_SUPPRESSIONS)
    .where(
        _SUPPRESSIONS.c.site_id == bindparam("site"),
        _SUPPRESSIONS.c.address_key == bindparam("person"),
        _SUPPRESSIONS.c.reason == SuppressionReason.COMPLAINT,
        _SUPPRESSIONS.c.began_at < bindparam("asked_at"),
        _SUPPRESSIONS.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"), ending=OPTED_IN, provider_due_at=bindparam("now"))
)


def look(
    session: Session, keyring: Keyring, token: str, *, now: datetime, used: bool = False
) -> Asked:
    """What this link asks. Raises `NotFound` for one that is unknown, over or used up, alike.

    With `used`, one that was used up is shown as well.
    """
    return _asked(_find(session, keyring, token, _LINK, now, used=used))


def confirm(
    session: Session, keyring: Keyring, token: str, visitor: Visitor, *, now: datetime
) -> Asked:
    """The person agrees. Pressing again changes nothing. Raises `NotFound` as `look`.

    A fresh opt-in is the person's own word: it ends what they had opted out of (this list, and
    newsletters altogether), their complaints about the site from before they asked, and the mark that
    they were erased.
    """
    found = _find(session, keyring, token, _LOCKED_LINK, now)
    asked = _asked(found)
    if asked.confirmed:
        return asked
    _CONFIRM.execute(
        session,
        {
            "s_id": found.subscription_id,
            "s_language": found.language,
            "s_source": found.source,
            "s_now": now,
            "r_id": found.id,
            "r_now": now,
        },
    )
    _take_back(session, keyring, found, asked.address, now)
    holds.note_confirmation(session, found.site_id, asked.address, now)
    _keep(session, keyring, found, ConsentKind.CONFIRMED, visitor, agreed_to(found), now)
    return _asked(found, confirmed=True)


def _take_back(
    session: Session, keyring: Keyring, found: Any, address: EmailAddress, now: datetime
) -> None:
    """End what had stopped this mail by the person's own will; most have nothing of the kind."""
    if found.suppressed:
        session.connection().execute(
            _FORGIVE,
            {"now": now, "site": found.site_id, "person": address.key, "asked_at": found.at},
        )
    if found.opted_out:
        topic = opt_outs.of_list(found.list_id)
        opt_outs.opt_in_again(session, found.site_id, address, topic, ending=OPTED_IN, now=now)
    erasures.lift_erasure(session, keyring, site_id=found.site_id, address=address)


def refuse(
    session: Session, keyring: Keyring, token: str, visitor: Visitor, *, now: datetime
) -> Asked:
    """ "This was not me": no confirmation mail of this list for 30 days. Raises `NotFound` as `look`.

    The site sees what it would see of anybody who never answers: also the ledger, which it may read,
    has no row of it, for no consent was given and none is withdrawn. Whoever had confirmed by this
    link is unsubscribed, and the ledger says so.
    """
    found = _find(session, keyring, token, _LOCKED_LINK, now, used=True)
    asked = _asked(found, refused=True)
    if found.refused_at is not None:
        return asked
    session.execute(
        update(SubscriptionRequest)
        .where(SubscriptionRequest.id == found.id)
        .values(refused_at=now)
        .execution_options(synchronize_session=False)
    )
    if found.status in GETS_MAIL and found.confirmed_at is not None:
        _end(session, found.subscription_id, now)
        _keep(session, keyring, found, ConsentKind.WITHDRAWN, visitor, {"by": "not-me"}, now)
    return asked


def unsubscribe_list(
    session: Session,
    keyring: Keyring,
    *,
    site_id: UUID,
    list_id: UUID,
    address: EmailAddress,
    visitor: Visitor,
    by: str,
    now: datetime,
) -> bool:
    """End a person's subscription to one list, and keep that they did; False if there was none.

    `by` says which way they took. That the list stays silent whatever comes is `opt_outs`' business.
    """
    found = session.execute(
        select(Subscription.id)
        .where(
            Subscription.list_id == list_id,
            Subscription.site_id == site_id,
            Subscription.address_key == address.key,
            Subscription.status.in_(GETS_MAIL),
        )
        .with_for_update()
    ).scalar_one_or_none()
    if found is None:
        return False
    _end(session, found, now)
    ledger.append(
        session,
        keyring,
        site_id=site_id,
        kind=ConsentKind.WITHDRAWN,
        address=address,
        list_id=list_id,
        subscription_id=found,
        personal=_personal(visitor),
        facts={"by": by},
        now=now,
    )
    return True


def page(
    session: Session,
    site_id: UUID,
    *,
    limit: int,
    list_key: str | None = None,
    address: EmailAddress | None = None,
    before: UUID | None = None,
) -> Page:
    """The site's subscriptions with their statuses, newest first. Raises `NotFound` for an unknown list."""
    query = (
        select(Subscription, MailingList.key)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.site_id == site_id)
    )
    if list_key is not None:
        query = query.where(MailingList.id == lists.find(session, site_id, list_key).id)
    if address is not None:
        query = query.where(Subscription.address_key == address.key)
    if before is not None:
        query = query.where(Subscription.id < before)
    rows = session.execute(query.order_by(Subscription.id.desc()).limit(limit + 1)).all()
    shown, cursor = cut(rows, limit, attrgetter("Subscription.id"))
    return Page([(row.Subscription, row.key) for row in shown], cursor)


def agreed_to(found: Any) -> dict[str, Any]:
    """What somebody agrees to, as the ledger keeps it: the words, and who asks."""
    return {
        **found.source,
        "language": found.language,
        "list": found.list_key,
        "list_name": found.list_name,
        "controller": found.controller,
        "privacy_url": found.privacy_url,
    }


def _find(
    session: Session, keyring: Keyring, token: str, query: Any, now: datetime, *, used: bool = False
) -> Any:
    whole = TOKEN.match(token)
    digests = keyring.commitments(PURPOSE, whole[0]) if whole else []
    found = session.connection().execute(query, {"digests": digests, "now": now}).one_or_none()
    gone = found is None or (
        not used
        and (
            found.refused_at is not None
            or (found.confirmed_at is not None and found.status not in GETS_MAIL)
        )
    )
    if gone:
        raise NotFound("This link does not work, or no longer")
    return found


def _asked(found: Any, *, confirmed: bool | None = None, refused: bool = False) -> Asked:
    return Asked(
        site_name=found.site_name,
        site_url=found.site_url if found.site_url.startswith(("https://", "http://")) else "",
        list_name=found.list_name,
        controller=found.controller,
        postal_address=found.postal_address,
        privacy_url=found.privacy_url,
        consent_text=found.source.get("consent_text", ""),
        language=found.language,
        address=EmailAddress(found.address),
        confirmed=found.confirmed_at is not None if confirmed is None else confirmed,
        refused=refused or found.refused_at is not None,
    )


def _end(session: Session, subscription_id: UUID, now: datetime) -> None:
    session.execute(
        update(Subscription)
        .where(
            Subscription.id == subscription_id,
            or_(*(Subscription.status == status for status in GETS_MAIL)),
        )
        .values(status=SubscriptionStatus.UNSUBSCRIBED, ended_at=now, ending="unsubscribed")
        .execution_options(synchronize_session=False)
    )


def _keep(
    session: Session,
    keyring: Keyring,
    found: Any,
    kind: ConsentKind,
    visitor: Visitor,
    facts: dict[str, Any],
    now: datetime,
) -> None:
    ledger.append(
        session,
        keyring,
        site_id=found.site_id,
        kind=kind,
        address=EmailAddress(found.address),
        list_id=found.list_id,
        subscription_id=found.subscription_id,
        personal=_personal(visitor),
        facts=facts,
        now=now,
    )


def _personal(visitor: Visitor) -> dict[str, str]:
    known = {"ip": visitor.ip or "", "user_agent": visitor.user_agent}
    return {name: text for name, text in known.items() if text}
