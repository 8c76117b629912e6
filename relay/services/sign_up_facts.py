"""What is known about a person whose confirmation mail is about to be written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.db import among, table_of
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

_REQUESTS, _SUBSCRIPTIONS = table_of(SubscriptionRequest), table_of(Subscription)
_SUPPRESSIONS, _UNKNOWN = table_of(Suppression), table_of(UnknownAddress)
_HOLDS = table_of(AddressHold)

_STATUS = select(_SUBSCRIPTIONS.c.status).where(
    _SUBSCRIPTIONS.c.list_id == bindparam("list"),
    _SUBSCRIPTIONS.c.address_key == bindparam("person"),
)


def _mails(*conditions: Any) -> Any:
    return func.count(case((and_(*conditions), 1)))


_OF_LIST = _REQUESTS.c.list_id == bindparam("list")
_COUNTS = select(
    _mails(_REQUESTS.c.sent_at > bindparam("a_day")).label("in_a_day"),
    _mails(_OF_LIST, _REQUESTS.c.sent_at > bindparam("a_month")).label("of_list"),
    _mails(_OF_LIST, _REQUESTS.c.refused_at > bindparam("refused_since")).label("refused"),
).where(among(_REQUESTS.c.mailbox, "mailboxes"), _REQUESTS.c.sent_at > bindparam("oldest"))
"""Mails to the mailbox: in 24 hours, of this list in 30 days; and how often the list was refused."""


def _reason(word: SuppressionReason) -> Any:
    return literal(word, _SUPPRESSIONS.c.reason.type)


def _everything() -> Any:
    return literal(SuppressionScope.ALL, _SUPPRESSIONS.c.scope.type)


_HELD = union_all(
    select(_SUPPRESSIONS.c.reason, _SUPPRESSIONS.c.scope, _SUPPRESSIONS.c.began_at).where(
        _SUPPRESSIONS.c.site_id == bindparam("site"),
        _SUPPRESSIONS.c.address_key == bindparam("person"),
        _SUPPRESSIONS.c.ended_at.is_(None),
    ),
    select(_reason(SuppressionReason.UNKNOWN_ADDRESS), _everything(), _UNKNOWN.c.since).where(
        _UNKNOWN.c.address_key == bindparam("person"),
        _UNKNOWN.c.until > bindparam("now"),
        ~select(_SUPPRESSIONS.c.id)
        .where(
            _SUPPRESSIONS.c.site_id == bindparam("site"),
            _SUPPRESSIONS.c.address_key == bindparam("person"),
            _SUPPRESSIONS.c.ended_at >= _UNKNOWN.c.since,
        )
        .exists(),
    ),
    select(_reason(SuppressionReason.DISPUTED), _everything(), _HOLDS.c.began_at).where(
        _HOLDS.c.site_id == bindparam("site"),
        _HOLDS.c.address_key == bindparam("person"),
        _HOLDS.c.ended_at.is_(None),
        _HOLDS.c.kind.in_((HoldKind.DISPUTED, HoldKind.COOL_OFF)),
    ),
)
"""Why the site may not mail the address: its suppressions and doubts, and what nobody may mail."""


def about_person(
    session: Session,
    keyring: Keyring,
    request: SubscriptionRequest,
    address: EmailAddress,
    *,
    now: datetime,
) -> Person:
    """What the rule about people wants to know; exact while the lock of the mailbox is held."""
    connection = session.connection()
    person = {"person": address.key, "site": request.site_id}
    status = connection.execute(
        _STATUS, {"person": address.key, "list": request.list_id}
    ).scalar_one_or_none()
    counts = connection.execute(
        _COUNTS,
        {
            "list": request.list_id,
            "mailboxes": keyring.commitments(MAILBOX, mailbox(address)),
            "a_day": now - rules.A_DAY,
            "a_month": now - rules.A_MONTH,
            "refused_since": now - REFUSED_FOR,
            "oldest": now - REFUSABLE,
        },
    ).one()
    stopped = opt_outs.is_stopped(
        opt_outs.of_list(request.list_id), opt_outs.topics_of(session, request.site_id, address)
    )
    erased = erasures.erasures_of(session, keyring, request.site_id, [address]).get(address)
    return Person(
        held=[Held(*row) for row in connection.execute(_HELD, person | {"now": now})],
        status=status,
        opted_out=stopped,
        refused=counts.refused > 0,
        closed=erased is SuppressionScope.ALL,
        mails_in_a_day=counts.in_a_day,
        mails_of_list=counts.of_list,
    )
