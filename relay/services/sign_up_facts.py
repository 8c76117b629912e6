"""What is known about a person whose confirmation mail is about to be written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, literal, select, union_all
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import table_of
from relay.keys import Keyring
from relay.models import (
    AddressHold,
    Subscription,
    SubscriptionRequest,
    Suppression,
    UnknownAddress,
)
from relay.policy import sign_ups as rules
from relay.policy.mailboxes import mailbox
from relay.policy.sign_ups import Held, Person
from relay.services import erasures, opt_outs
from relay.services.sign_ups import MAILBOX
from relay.vocabulary import HoldKind, SuppressionReason, SuppressionScope

REFUSED_FOR = rules.A_MONTH
"""After "this was not me" a list sends no confirmation to the mailbox for so long."""

REFUSABLE = REFUSED_FOR + timedelta(days=10)
"""Mails so old can have no refusal any more that still counts: their links were over too long ago."""

_REQUESTS = table_of(SubscriptionRequest)


def about_person(
    session: Session,
    keyring: Keyring,
    request: SubscriptionRequest,
    address: EmailAddress,
    *,
    now: datetime,
) -> Person:
    """What the rule about people wants to know; exact while the lock of the mailbox is held."""
    status = session.execute(
        select(Subscription.status).where(
            Subscription.list_id == request.list_id, Subscription.address_key == address.key
        )
    ).scalar_one_or_none()
    stopped = opt_outs.is_stopped(
        opt_outs.of_list(request.list_id), opt_outs.topics_of(session, request.site_id, address)
    )
    erased = erasures.erasures_of(session, keyring, request.site_id, [address]).get(address)
    in_a_day, of_list, refused = _counts(session, keyring, request.list_id, address, now)
    return Person(
        held=_held(session, request.site_id, address, now),
        status=status,
        opted_out=stopped,
        refused=refused > 0,
        closed=erased is SuppressionScope.ALL,
        mails_in_a_day=in_a_day,
        mails_of_list=of_list,
    )


def _counts(
    session: Session, keyring: Keyring, list_id: UUID, address: EmailAddress, now: datetime
) -> tuple[int, int, int]:
    """Mails to the mailbox: in 24 hours, of this list in 30 days, and refusals of the list since."""
    sent, of_list = _REQUESTS.c.sent_at, _REQUESTS.c.list_id == list_id
    row = session.execute(
        select(
            func.count(case((sent > now - rules.A_DAY, 1))),
            func.count(case((of_list & (sent > now - rules.A_MONTH), 1))),
            func.count(case((of_list & (_REQUESTS.c.refused_at > now - REFUSED_FOR), 1))),
        ).where(
            _REQUESTS.c.mailbox.in_(keyring.commitments(MAILBOX, mailbox(address))),
            sent > now - REFUSABLE,
        )
    ).one()
    return row[0], row[1], row[2]


def _held(session: Session, site_id: UUID, address: EmailAddress, now: datetime) -> Sequence[Held]:
    """Why the site may not mail the address: its suppressions and doubts, and what nobody may mail."""
    lifted = (
        select(Suppression.id)
        .where(
            Suppression.site_id == site_id,
            Suppression.address_key == address.key,
            Suppression.ended_at >= UnknownAddress.since,
        )
        .exists()
    )
    rows = session.execute(
        union_all(
            select(Suppression.reason, Suppression.scope, Suppression.began_at).where(
                Suppression.site_id == site_id,
                Suppression.address_key == address.key,
                Suppression.ended_at.is_(None),
            ),
            select(
                _word(SuppressionReason.UNKNOWN_ADDRESS), _scope_of_all(), UnknownAddress.since
            ).where(UnknownAddress.address_key == address.key, UnknownAddress.until > now, ~lifted),
            select(_word(SuppressionReason.DISPUTED), _scope_of_all(), AddressHold.began_at).where(
                AddressHold.site_id == site_id,
                AddressHold.address_key == address.key,
                AddressHold.ended_at.is_(None),
                AddressHold.kind.in_((HoldKind.DISPUTED, HoldKind.COOL_OFF)),
            ),
        )
    )
    return [Held(*row) for row in rows]


def _word(reason: SuppressionReason) -> Any:
    return literal(reason, table_of(Suppression).c.reason.type)


def _scope_of_all() -> Any:
    return literal(SuppressionScope.ALL, table_of(Suppression).c.scope.type)
