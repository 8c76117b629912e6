"""Confirmation mails: who gets one is decided here, person by person, after the form was answered.

A mailbox's mails are counted while its lock is held, whatever account, form or spelling of the
address they come from, so that the limits are exact however many workers there are.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from relay import languages
from relay.addresses import EmailAddress
from relay.db import new_id, table_of, upsert
from relay.errors import SenderNotVerified
from relay.gateways.compose import Mailbox
from relay.keys import Keyring
from relay.models import Subscription, SubscriptionRequest
from relay.policy import sign_ups as rules
from relay.services import ledger, letter_texts, letters, lists, locks
from relay.services.lists import Home
from relay.services.sign_up_facts import about_person
from relay.services.sign_ups import WITHOUT_SIGN_UPS
from relay.services.subscriptions import PURPOSE
from relay.vocabulary import ConsentKind, RequestOutcome, State, SubscriptionStatus

LINK_LASTS = timedelta(days=7)
"""How long the link in a confirmation mail works."""

MOST = 20
"""Sign-ups answered in one turn: a site's counters are held so long, and mail for it waits."""

AGAIN = timedelta(minutes=10)
"""When a sign-up that could not be answered for a reason of ours or the site's is looked at again."""

NO_SIGN_UPS = WITHOUT_SIGN_UPS | {State.PENDING}

_REQUESTS, _SUBSCRIPTIONS = table_of(SubscriptionRequest), table_of(Subscription)

log = structlog.get_logger(__name__)


def answer_due(
    session: Session, keyring: Keyring, *, public_url: str, now: datetime, most: int = MOST
) -> int:
    """Decide on the sign-ups whose turn has come, and write to those who may be written to.

    Returns how many were looked at. One that fails spoils no other one: it is tried again.
    """
    due = session.scalars(
        select(SubscriptionRequest)
        .where(SubscriptionRequest.due_at <= now)
        .order_by(SubscriptionRequest.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    locks.hold(session, (request.mailbox for request in due))
    # By site, because each mail takes the lock of its site's counters: all workers in one order.
    for request in sorted(due, key=lambda one: (one.site_id, one.due_at)):
        try:
            with session.begin_nested():
                _answer(session, keyring, request, public_url, now)
        except Exception as error:
            late = now - request.at >= rules.LONGEST_WAIT
            log.error("sign-up not answered", request=str(request.id), error=type(error).__name__)
            _close(session, request, RequestOutcome.DROPPED if late else None, now)
    return len(due)


def _answer(
    session: Session, keyring: Keyring, request: SubscriptionRequest, public_url: str, now: datetime
) -> None:
    home = lists.home(session, request.list_id)
    waits_in_vain = request.outcome is RequestOutcome.CHALLENGED and request.solved_at is None
    if home is None or home.list.archived_at or waits_in_vain or request.person is None:
        return _close(session, request, RequestOutcome.DROPPED, now)
    if not _may_write(session, home):
        late = now - request.at >= rules.LONGEST_WAIT
        return _close(session, request, RequestOutcome.DROPPED if late else None, now)
    address = EmailAddress(request.person["address"])
    outcome = rules.answer(about_person(session, keyring, request, address, now=now), now)
    if outcome is RequestOutcome.SENT:
        _write(session, keyring, request, home, address, public_url, now)
    return _close(session, request, outcome, now)


def _may_write(session: Session, home: Home) -> bool:
    if home.state in NO_SIGN_UPS:
        return False
    try:
        lists.check_sender(session, home.site.account_id, EmailAddress(home.list.sender))
    except SenderNotVerified:
        return False
    return True


def _close(
    session: Session, request: SubscriptionRequest, outcome: RequestOutcome | None, now: datetime
) -> None:
    """Keep what became of it, and forget who it was; without an outcome, look again later."""
    values: dict[str, Any] = {"due_at": now + AGAIN}
    if outcome is not None:
        values = {"due_at": None, "person": None, "outcome": outcome}
    session.execute(
        update(_REQUESTS)
        .where(_REQUESTS.c.id == request.id)
        .values(values)
        .execution_options(synchronize_session=False)
    )


def _write(
    session: Session,
    keyring: Keyring,
    request: SubscriptionRequest,
    home: Home,
    address: EmailAddress,
    public_url: str,
    now: datetime,
) -> None:
    """The mail with its link, and the ledger's rows of what was asked and that it was sent."""
    token = secrets.token_urlsafe(32)
    subscription_id = _see_to_subscription(session, request, address)
    message_id = letters.write(
        session,
        account_id=home.site.account_id,
        site_id=home.site.id,
        sender=Mailbox(EmailAddress(home.list.sender), home.site.name),
        to=address,
        letter=_letter(request, home, public_url.rstrip("/"), token),
        source={"form": "confirmation"},
        now=now,
    )
    session.execute(
        update(_REQUESTS)
        .where(_REQUESTS.c.id == request.id)
        .values(
            sent_at=now,
            subscription_id=subscription_id,
            token_digest=keyring.commitment(PURPOSE, token),
            token_expires_at=now + LINK_LASTS,
        )
        .execution_options(synchronize_session=False)
    )
    append = partial(
        ledger.append,
        session,
        keyring,
        site_id=request.site_id,
        address=address,
        list_id=request.list_id,
        subscription_id=subscription_id,
    )
    said = request.person or {}
    append(
        kind=ConsentKind.REQUESTED,
        personal={name: said[name] for name in ("ip", "user_agent") if name in said},
        facts={
            **request.source,
            "language": request.language,
            "list": home.list.key,
            "list_name": home.list.name,
            "controller": home.list.controller,
            "privacy_url": home.list.privacy_url,
        },
        now=request.at,
    )
    append(
        kind=ConsentKind.SENT,
        facts={"message": message_id, "sender": home.list.sender},
        now=now,
    )


def _letter(
    request: SubscriptionRequest, home: Home, public_url: str, token: str
) -> letter_texts.Letter:
    _ = languages.translations(request.language).gettext
    # Translators: the subject of the mail that asks a person to confirm a subscription.
    subject = _("Please confirm: %(list)s, from %(site)s")
    return letter_texts.pair(
        "confirmation",
        {
            "site": home.site.name,
            "mailing_list": home.list,
            "greeted": (request.person or {}).get("name", ""),
            "page": request.source.get("page", ""),
            "asked_at": request.at,
            "confirm": f"{public_url}/confirm/{token}",
            "not_me": f"{public_url}/not-me/{token}",
            "days": LINK_LASTS.days,
        },
        subject=subject % {"list": home.list.name, "site": home.site.name},
        language=request.language,
    )


def _see_to_subscription(
    session: Session, request: SubscriptionRequest, address: EmailAddress
) -> UUID:
    """The person's subscription to the list, made if it is not there; what they once ended stays ended."""
    statement = upsert(session, Subscription).values(
        id=new_id(),
        site_id=request.site_id,
        list_id=request.list_id,
        address=str(address),
        address_key=address.key,
        status=SubscriptionStatus.UNCONFIRMED,
        language=request.language,
        source=request.source,
        requested_at=request.at,
    )
    asked_again = statement.on_conflict_do_update(
        index_elements=["list_id", "address_key"],
        set_={
            name: statement.excluded[name]
            for name in ("status", "language", "source", "requested_at")
        },
        where=_SUBSCRIPTIONS.c.status.in_(
            (SubscriptionStatus.UNCONFIRMED, SubscriptionStatus.EXPIRED)
        ),
    ).returning(_SUBSCRIPTIONS.c.id)
    id: UUID | None = session.execute(asked_again).scalar()
    if id is None:
        id = session.execute(
            select(Subscription.id).where(
                Subscription.list_id == request.list_id, Subscription.address_key == address.key
            )
        ).scalar_one()
    return id
