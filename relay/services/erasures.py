"""Erasing a person at a site: what identifies them goes, that they left stays.

The ledger keeps its rows and its chain, for it never held more than keyed hashes. Of the address
one more keyed hash stays (`Erasure`), so that nobody mails the person by accident; a double opt-in
of their own lifts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from relay import bulk
from relay.addresses import EmailAddress
from relay.db import among, table_of, upsert
from relay.keys import Keyring
from relay.models import (
    AbuseReport,
    AddressHold,
    Attempt,
    Confirmation,
    ConsentPerson,
    Content,
    Erasure,
    Event,
    Message,
    OptOut,
    Recipient,
    Subscription,
    SubscriptionRequest,
    Suppression,
)
from relay.policy.erasures import (
    ERASED_DOMAIN,
    REASON,
    outcome_of,
    placeholder,
    scope_after,
    without_person,
)
from relay.services import ledger
from relay.vocabulary import (
    ConsentKind,
    RequestOutcome,
    Stage,
    SubscriptionStatus,
    SuppressionScope,
)

ENDING = "erased"
"""How the subscriptions of an erased person end."""

STAND_IN = "erased stand-in"
"""Purpose of the keyed hashes that stand where addresses stood; each row has its own, so that they
do not tell that two rows were of one person."""

_ERASURES = table_of(Erasure)
_COPIES, _MAILS, _CONTENTS = table_of(Recipient), table_of(Message), table_of(Content)

_LIFT = (
    delete(_ERASURES)
    .where(_ERASURES.c.site_id == bindparam("site"), among(_ERASURES.c.person, "persons"))
    .returning(_ERASURES.c.person)
)

_NOT_YET_SENT = (RequestOutcome.QUEUED, RequestOutcome.CHALLENGED)


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: rows by kind, and how much mail it stops."""

    at: datetime
    scope: SuppressionScope
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Person:
    """Whom to erase, and where."""

    site_id: UUID
    address: EmailAddress
    keyring: Keyring

    def of(self, model: Any) -> tuple[Any, ...]:
        """The condition: rows of this person at this site."""
        return (model.site_id == self.site_id, model.address_key == self.address.key)

    def stand_in(self, row_id: UUID) -> dict[str, str]:
        """The address columns of one row, once the person is gone from it."""
        digest = self.keyring.commitment(STAND_IN, f"{row_id} {self.address.key}")
        return {"address": placeholder(digest), "address_key": placeholder(digest)}


def erase(
    session: Session, keyring: Keyring, *, site_id: UUID, address: EmailAddress, now: datetime
) -> Erased:
    """Delete what identifies this person at this site; twice changes nothing.

    Mail that still waits is not sent. Afterwards newsletters and notifications stay stopped, and
    all mail where all was stopped for good; receipts and password resets still work otherwise.
    """
    person = _Person(site_id, address, keyring)
    in_force = session.execute(
        select(Suppression.reason, Suppression.scope).where(
            *person.of(Suppression), Suppression.ended_at.is_(None)
        )
    ).all()
    widest = sorted(in_force, key=lambda row: row.scope is SuppressionScope.ALL)
    scope = scope_after({row.reason: row.scope for row in widest})
    subscriptions = _end_subscriptions(session, person, now)
    rows = {
        "sign_ups": _forget_sign_ups(session, person, subscriptions),
        "subscriptions": len(subscriptions),
        "copies": _forget_mail(session, person, now),
        "abuse_reports": _forget_reports(session, person),
        **{
            name: _delete(session, model, person)
            for name, model in (
                ("ledger_people", ConsentPerson),
                ("suppressions", Suppression),
                ("opt_outs", OptOut),
                ("holds", AddressHold),
                ("confirmations", Confirmation),
            )
        },
    }
    new, scope = _keep(session, person, scope, now)
    if new or any(rows.values()):
        persons = ledger.persons_of(keyring, address)
        ledger.append_nameless(
            session,
            keyring,
            site_id=site_id,
            kind=ConsentKind.ERASED,
            address=address,
            facts={"persons": persons, "rows": rows, "stops": scope.value},
            now=now,
        )
    return Erased(now, scope, rows)


def erasures_of(
    session: Session, keyring: Keyring, site_id: UUID, addresses: Iterable[EmailAddress]
) -> dict[EmailAddress, SuppressionScope]:
    """Those among these people who were erased at this site, and how much that stops."""
    known = {
        person: address for address in addresses for person in ledger.persons_of(keyring, address)
    }
    if not known:
        return {}
    found = session.connection().execute(
        select(_ERASURES.c.person, _ERASURES.c.scope).where(
            _ERASURES.c.site_id == site_id, among(_ERASURES.c.person, "persons")
        ),
        {"persons": list(known)},
    )
    return {known[row.person]: row.scope for row in found}


def is_erased(
    session: Session, keyring: Keyring, site_id: UUID, addresses: Iterable[EmailAddress]
) -> set[EmailAddress]:
    """Those among these people who get no newsletters and notifications, because they were erased."""
    return set(erasures_of(session, keyring, site_id, addresses))


def lift_erasure(
    session: Session, keyring: Keyring, *, site_id: UUID, address: EmailAddress
) -> bool:
    """Let the person be mailed again; for a fresh double opt-in of their own, and for nothing else."""
    persons = ledger.persons_of(keyring, address)
    lifted = session.connection().execute(_LIFT, {"site": site_id, "persons": persons})
    return bool(lifted.all())


def _keep(
    session: Session, person: _Person, scope: SuppressionScope, now: datetime
) -> tuple[bool, SuppressionScope]:
    """Note that they were erased, under the key of today; whether it is new, and what it stops."""
    found = erasures_of(session, person.keyring, person.site_id, [person.address])
    earlier = found.get(person.address)
    if earlier is SuppressionScope.ALL:
        scope = earlier
    if earlier is not None and earlier is scope:
        return False, scope
    lift_erasure(session, person.keyring, site_id=person.site_id, address=person.address)
    session.execute(
        upsert(session, Erasure)
        .values(
            site_id=person.site_id,
            person=ledger.person_of(person.keyring, person.address),
            key_version=person.keyring.current,
            scope=scope,
            at=now,
        )
        .on_conflict_do_nothing()  # two at once: one of them has written it
    )
    return True, scope


def _delete(session: Session, model: Any, person: _Person) -> int:
    key = next(iter(model.__table__.primary_key.columns))
    gone = session.execute(
        delete(model)
        .where(*person.of(model))
        .returning(key)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _end_subscriptions(session: Session, person: _Person, now: datetime) -> Sequence[UUID]:
    found = session.execute(
        select(Subscription.id, Subscription.ended_at)
        .where(*person.of(Subscription))
        .with_for_update()
    ).all()
    bulk.update_rows(
        session,
        Subscription,
        [
            {
                "id": row.id,
                "status": SubscriptionStatus.UNSUBSCRIBED,
                "ended_at": row.ended_at or now,
                "ending": ENDING,
                **person.stand_in(row.id),
            }
            for row in found
        ],
    )
    return [row.id for row in found]


def sign_ups_of(
    session: Session, site_id: UUID, address: EmailAddress, subscriptions: Sequence[UUID]
) -> Sequence[SubscriptionRequest]:
    """The person's sign-ups: of these subscriptions, and those that still wait and name them."""
    found = session.scalars(
        select(SubscriptionRequest)
        .where(
            SubscriptionRequest.site_id == site_id,
            or_(
                SubscriptionRequest.subscription_id.in_(subscriptions),
                SubscriptionRequest.person.is_not(None),
            ),
        )
        .order_by(SubscriptionRequest.id)
    )
    return [
        each
        for each in found
        if each.subscription_id in subscriptions
        or EmailAddress(str((each.person or {}).get("address", ""))) == address
    ]


def _forget_sign_ups(session: Session, person: _Person, subscriptions: Sequence[UUID]) -> int:
    """Sign-ups keep the keyed digest of the mailbox, which protects it from being flooded."""
    found = sign_ups_of(session, person.site_id, person.address, subscriptions)
    for each in found:
        each.person = each.ip = each.network = None
        each.token_digest = each.token_expires_at = each.challenge_digest = each.due_at = None
        if each.outcome in _NOT_YET_SENT:
            each.outcome = RequestOutcome.DROPPED
    session.flush()
    return len(found)


def _forget_reports(session: Session, person: _Person) -> int:
    found = session.scalars(select(AbuseReport.id).where(*person.of(AbuseReport))).all()
    bulk.update_rows(
        session,
        AbuseReport,
        [
            {
                "id": id,
                "address_key": person.stand_in(id)["address_key"],
                "comment": "",
                "evidence": {},
            }
            for id in found
        ],
    )
    return len(found)


def _forget_mail(session: Session, person: _Person, now: datetime) -> int:
    """End what waits, and take the person out of copies, attempts and events."""
    copies = session.execute(
        select(
            Recipient.id, Recipient.message_id, Recipient.stage, Recipient.outcome,
            Recipient.due_at, Recipient.reason,
        )
        .where(*person.of(Recipient))
        .order_by(Recipient.id)
        .with_for_update()
    ).all()  # fmt: skip
    if not copies:
        return 0
    bulk.update_rows(
        session,
        Recipient,
        [
            {
                "id": row.id,
                "domain": ERASED_DOMAIN,
                "stage": Stage.DONE,
                "outcome": outcome_of(row.stage, row.outcome),
                "due_at": row.due_at if row.stage is Stage.DONE else now,
                "reason": without_person(row.reason) or None if row.stage is Stage.DONE else REASON,
                **person.stand_in(row.id),
            }
            for row in copies
        ],
    )
    ids = [row.id for row in copies]
    for model, column in ((Event, "data"), (Attempt, "error")):
        table = table_of(model)
        told = session.connection().execute(
            select(table.c.id, table.c[column]).where(
                among(table.c.recipient_id, "copies"), table.c[column].is_not(None)
            ),
            {"copies": ids},
        )
        bulk.update_rows(
            session, model, [{"id": row.id, column: without_person(row[1])} for row in told]
        )
    _forget_messages(
        session, {row.message_id for row in copies if row.stage not in (Stage.SENDING,)}
    )
    return len(copies)


def _forget_messages(session: Session, messages: set[UUID]) -> None:
    """Of mail that nobody else got, body and subject go; a shared body goes when its time is over.

    A message that is on the wire keeps its body until then: half a mail helps nobody.
    """
    nobody_else = select(_MAILS.c.id).where(
        among(_MAILS.c.id, "messages"),
        ~exists().where(
            _COPIES.c.message_id == _MAILS.c.id,
            func.coalesce(_COPIES.c.domain, "") != ERASED_DOMAIN,
        ),
    )
    given = {"messages": list(messages)}
    connection = session.connection()
    connection.execute(delete(_CONTENTS).where(_CONTENTS.c.message_id.in_(nobody_else)), given)
    connection.execute(update(_MAILS).where(_MAILS.c.id.in_(nobody_else)).values(subject=""), given)
