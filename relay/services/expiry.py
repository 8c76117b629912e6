"""Sign-ups that nobody confirmed: their links end, and then all that was known of the person goes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from relay.models import ConsentPerson, ConsentRecord, Subscription, SubscriptionRequest
from relay.policy import sign_ups as rules
from relay.services.confirmations import LINK_LASTS
from relay.vocabulary import SubscriptionStatus

UNCONFIRMED_KEPT = rules.A_MONTH
"""An address that was never confirmed is kept no longer, nor is what its visitor left."""

MOST = 200
"""Rows looked at in one turn."""

_OPEN = (SubscriptionStatus.UNCONFIRMED, SubscriptionStatus.EXPIRED)


def expire(session: Session, *, now: datetime) -> int:
    """Say of subscriptions whose last link is over that they have expired; returns how many."""
    live = exists().where(
        SubscriptionRequest.subscription_id == Subscription.id,
        SubscriptionRequest.token_expires_at > now,
    )
    over = (
        select(Subscription.id)
        .where(
            Subscription.status == SubscriptionStatus.UNCONFIRMED,
            Subscription.requested_at <= now - LINK_LASTS,
            ~live,
        )
        .limit(MOST)
        .with_for_update(skip_locked=True)
    )
    ended = session.execute(
        update(Subscription)
        .where(Subscription.id.in_(session.scalars(over).all()))
        .values(status=SubscriptionStatus.EXPIRED, ended_at=now, ending="expired")
        .returning(Subscription.id)
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())


def forget(session: Session, *, now: datetime) -> int:
    """Delete what was never confirmed in time, and sign-ups that no limit counts by any more.

    The ledger's rows stay; what in them names the person goes. Returns how many rows were deleted.
    """
    return _forget_people(session, now) + _forget_sign_ups(session, now)


def _forget_people(session: Session, now: datetime) -> int:
    gone = session.execute(
        select(Subscription.id, Subscription.site_id, Subscription.address_key)
        .where(
            Subscription.status.in_(_OPEN),
            Subscription.requested_at <= now - UNCONFIRMED_KEPT,
        )
        .limit(MOST)
        .with_for_update(skip_locked=True)
    ).all()
    ids = [row.id for row in gone]
    named = (
        select(ConsentPerson.record_id)
        .join(ConsentRecord, ConsentRecord.id == ConsentPerson.record_id)
        .where(
            ConsentPerson.address_key.in_({row.address_key for row in gone}),
            ConsentPerson.site_id.in_({row.site_id for row in gone}),
            ConsentRecord.subscription_id.in_(ids),
        )
    )
    for statement in (
        delete(ConsentPerson).where(ConsentPerson.record_id.in_(session.scalars(named).all())),
        delete(Subscription).where(Subscription.id.in_(ids)),
    ):
        session.execute(statement.execution_options(synchronize_session=False))
    return len(ids)


def _forget_sign_ups(session: Session, now: datetime) -> int:
    """A sign-up counts for 30 days after it, after its mail, and after a "this was not me"."""
    before = now - rules.A_MONTH
    old = (
        select(SubscriptionRequest.id)
        .where(
            SubscriptionRequest.at <= before,
            and_(
                *(
                    or_(column.is_(None), column <= before)
                    for column in (SubscriptionRequest.sent_at, SubscriptionRequest.refused_at)
                )
            ),
        )
        .limit(MOST)
    )
    done = session.execute(
        delete(SubscriptionRequest)
        .where(SubscriptionRequest.id.in_(session.scalars(old).all()))
        .returning(SubscriptionRequest.id)
        .execution_options(synchronize_session=False)
    )
    return len(done.all())
