"""Getting less mail, by the links that a mail carries.

Leaving is for ever and for everybody: it takes no log-in, no reason and no second question, and
pressing twice is as good as once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay import bulk
from relay.addresses import EmailAddress
from relay.errors import NotFound
from relay.keys import Keyring
from relay.models import Event, MailingList, Recipient, Site, Subscription
from relay.services import ledger, opt_outs, subscriptions
from relay.services.delivery import event_row
from relay.services.person_links import PersonLink
from relay.services.subscriptions import GETS_MAIL
from relay.services.visitors import Visitor
from relay.vocabulary import ConsentKind, EventType


class Way(StrEnum):
    """How somebody left: by their mail program's button, on one of our pages, or as their mailbox
    provider tells us."""

    ONE_CLICK = "one-click"
    PAGE = "page"
    PREFERENCES = "preferences"
    REPORT = "report"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True)
class Hand:
    """Who acts, how and when: what the ledger keeps of it."""

    visitor: Visitor
    way: Way
    now: datetime


@dataclass(frozen=True, slots=True)
class About:
    """What a link is about, in words a person knows.

    `site_url` is empty where it is no web address, `list_name` for a topic that is no list (any
    more); `language` is the one in which the person signed up.
    """

    site_name: str
    site_url: str
    list_name: str
    language: str | None
    stopped: bool


def about(session: Session, link: PersonLink) -> About:
    """Who sends, and what. Raises `NotFound` where the site is gone."""
    site = session.get(Site, link.site_id)
    if site is None:
        raise NotFound("There is no such site any more")
    list_id = opt_outs.list_of(link.topic)
    mailing_list = session.get(MailingList, list_id) if list_id else None
    language = session.scalars(
        select(Subscription.language)
        .where(Subscription.site_id == site.id, Subscription.address_key == link.address.key)
        .order_by((Subscription.list_id == list_id).desc(), Subscription.requested_at.desc())
    ).first()
    opted_out = opt_outs.topics_of(session, site.id, link.address)
    return About(
        site_name=site.name,
        site_url=site.url if site.url.startswith(("https://", "http://")) else "",
        list_name=mailing_list.name if mailing_list and mailing_list.site_id == site.id else "",
        language=language,
        stopped=opt_outs.is_stopped(link.topic, opted_out),
    )


def leave(session: Session, keyring: Keyring, link: PersonLink, hand: Hand) -> bool:
    """Stop mail of the link's topic; returns whether that is news. Twice changes nothing."""
    topics = [link.topic]
    if link.topic == opt_outs.MARKETING:
        topics += [opt_outs.of_list(each) for each in _lists(session, link)]
    news = [stop(session, keyring, link, topic, hand) for topic in topics]
    if any(news) and link.message_id is not None:
        _tell(session, link, hand)
    return any(news)


def stop(session: Session, keyring: Keyring, link: PersonLink, topic: str, hand: Hand) -> bool:
    """Stop one topic for the person of the link, and keep that they wanted it; whether it is news."""
    list_id = opt_outs.list_of(topic)
    news = opt_outs.opt_out(
        session, link.site_id, link.address, topic, evidence=evidence(link, hand), now=hand.now
    )
    ended = list_id is not None and subscriptions.unsubscribe_list(
        session,
        keyring,
        site_id=link.site_id,
        list_id=list_id,
        address=link.address,
        visitor=hand.visitor,
        by=hand.way.value,
        now=hand.now,
    )
    if news and not ended:
        keep(session, keyring, link, ConsentKind.WITHDRAWN, topic, None, hand)
    return news or ended


def keep(
    session: Session,
    keyring: Keyring,
    link: PersonLink,
    kind: ConsentKind,
    topic: str,
    subscription_id: UUID | None,
    hand: Hand,
) -> None:
    """Write into the ledger what the person wanted."""
    known = {"ip": hand.visitor.ip or "", "user_agent": hand.visitor.user_agent}
    ledger.append(
        session,
        keyring,
        site_id=link.site_id,
        kind=kind,
        address=link.address,
        list_id=opt_outs.list_of(topic),
        subscription_id=subscription_id,
        personal={name: text for name, text in known.items() if text},
        facts={"topic": topic, **evidence(link, hand)},
        now=hand.now,
    )


def evidence(link: PersonLink, hand: Hand) -> dict[str, Any]:
    """How we know: which way they took, and from which mail."""
    told = {"by": hand.way.value}
    if link.message_id is not None:
        told["message"] = str(link.message_id)
    return told


def _tell(session: Session, link: PersonLink, hand: Hand) -> None:
    """Add to the timeline of the mail whose link it was that the person left."""
    copy = session.execute(
        select(Recipient.id, Recipient.message_id, Recipient.site_id).where(
            Recipient.message_id == link.message_id,
            Recipient.site_id == link.site_id,
            Recipient.address_key == link.address.key,
        )
    ).first()
    if copy is not None:
        told = {"topic": link.topic, "by": hand.way.value}
        row = event_row(copy, EventType.UNSUBSCRIBED, told, hand.now, attempt_id=None)
        bulk.insert_rows(session, Event, [row])


def _lists(session: Session, link: PersonLink) -> Sequence[UUID]:
    return session.scalars(
        select(Subscription.list_id).where(
            Subscription.site_id == link.site_id,
            Subscription.address_key == link.address.key,
            Subscription.status.in_(GETS_MAIL),
        )
    ).all()


def address_for_show(address: EmailAddress) -> str:
    """The address as a page may show it to whoever has the link: `a…@customer.example`.

    The word joiner keeps it in one line.
    """
    return f"{address.local[:1]}…\u2060@{address.domain}"
