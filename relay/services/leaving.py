"""Getting less mail: one topic, several, or everything, by the links that a mail carries.

Leaving is for ever and for everybody: it takes no log-in, no reason and no second question, and
works twice. Coming back is only for what the person had confirmed before; anything else takes a new
double opt-in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.errors import NotFound
from relay.keys import Keyring
from relay.models import MailingList, Message, Recipient, Site, Subscription
from relay.services import ledger, opt_outs
from relay.services.person_links import PersonLink
from relay.services.visitors import Visitor
from relay.vocabulary import ConsentKind, Stream, SubscriptionStatus

ENDING = "unsubscribed"
"""How a subscription ended that the person may take up again."""

LOOKED_AT = 500
"""Of so many latest notifications to a person we know which plugins write to them."""

_GETS_MAIL = (SubscriptionStatus.CONFIRMED, SubscriptionStatus.ATTESTED)


class Way(StrEnum):
    """How somebody left: by their mail program's button, or on one of our pages."""

    ONE_CLICK = "one-click"
    PAGE = "page"
    PREFERENCES = "preferences"
    REPORT = "report"


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


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind of mail from a site: whether the person gets it, and may have it back if not."""

    topic: str
    name: str
    on: bool
    returnable: bool


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
    news = [_stop(session, keyring, link, topic, hand) for topic in topics]
    return any(news)


def leave_everything(session: Session, keyring: Keyring, link: PersonLink, hand: Hand) -> None:
    """Stop everything that can be stopped: newsletters and notifications, also those to come."""
    known = [choice.topic for choice in choices(session, link)]
    for topic in dict.fromkeys([opt_outs.MARKETING, opt_outs.NOTIFICATION, *known]):
        _stop(session, keyring, link, topic, hand)


def choices(session: Session, link: PersonLink) -> Sequence[Choice]:
    """What this person gets from this site, or got and may have back: lists first, by name."""
    opted_out = opt_outs.topics_of(session, link.site_id, link.address)
    found = [_of_subscription(*row, opted_out) for row in _subscriptions(session, link)]
    known = {choice.topic for choice in found}
    found += [
        Choice(topic, opt_outs.plugin_of(topic) or "", not off, returnable=True)
        for topic in _notifications(session, link, opted_out)
        for off in [opt_outs.is_stopped(topic, opted_out)]
    ]
    if opt_outs.list_of(link.topic) and link.topic not in known:
        off = opt_outs.is_stopped(link.topic, opted_out)
        found.insert(0, Choice(link.topic, about(session, link).list_name, not off, False))
    return found


def choose(
    session: Session,
    keyring: Keyring,
    link: PersonLink,
    *,
    shown: Collection[str],
    wanted: Collection[str],
    hand: Hand,
) -> None:
    """Bring what the person gets in line with `wanted`, a choice among the topics `shown` to them.

    Takes up again only what they had before of their own will; asks for nothing new.
    """
    asked = [choice for choice in choices(session, link) if choice.topic in shown]
    back = [each for each in asked if not each.on and each.topic in wanted and each.returnable]
    _narrow(session, link, asked, {opt_outs.all_of(each.topic) for each in back}, hand)
    for choice in back:
        _return_to(session, keyring, link, choice.topic, hand)
    for choice in asked:
        if choice.on and choice.topic not in wanted:
            _stop(session, keyring, link, choice.topic, hand)


def _stop(session: Session, keyring: Keyring, link: PersonLink, topic: str, hand: Hand) -> bool:
    list_id = opt_outs.list_of(topic)
    news = opt_outs.opt_out(
        session, link.site_id, link.address, topic, evidence=_evidence(link, hand), now=hand.now
    )
    ended = _end_subscription(session, link, list_id, hand.now) if list_id else None
    if news or ended:
        _keep(session, keyring, link, ConsentKind.WITHDRAWN, topic, ended, hand)
    return news or ended is not None


def _end_subscription(
    session: Session, link: PersonLink, list_id: UUID, now: datetime
) -> UUID | None:
    return session.execute(
        update(Subscription)
        .where(*_of(link, list_id), Subscription.status.in_(_GETS_MAIL))
        .values(status=SubscriptionStatus.UNSUBSCRIBED, ended_at=now, ending=ENDING)
        .returning(Subscription.id)
        .execution_options(synchronize_session=False)
    ).scalar()


def _return_to(
    session: Session, keyring: Keyring, link: PersonLink, topic: str, hand: Hand
) -> None:
    opt_outs.opt_in_again(
        session, link.site_id, link.address, topic, ending=hand.way.value, now=hand.now
    )
    list_id = opt_outs.list_of(topic)
    if list_id is None:
        return
    taken_up = session.execute(
        update(Subscription)
        .where(*_of(link, list_id), Subscription.confirmed_at.is_not(None))
        .values(status=SubscriptionStatus.CONFIRMED, ended_at=None, ending=None)
        .returning(Subscription.id)
        .execution_options(synchronize_session=False)
    ).scalar()
    _keep(session, keyring, link, ConsentKind.CONFIRMED, topic, taken_up, hand)


def _narrow(
    session: Session,
    link: PersonLink,
    asked: Sequence[Choice],
    kinds: Collection[str],
    hand: Hand,
) -> None:
    """Before what stops all of a kind ends: opt out of each thing of that kind one by one."""
    for choice in asked:
        if not choice.on and opt_outs.all_of(choice.topic) in kinds:
            opt_outs.opt_out(
                session,
                link.site_id,
                link.address,
                choice.topic,
                evidence=_evidence(link, hand),
                now=hand.now,
            )


def _keep(
    session: Session,
    keyring: Keyring,
    link: PersonLink,
    kind: ConsentKind,
    topic: str,
    subscription_id: UUID | None,
    hand: Hand,
) -> None:
    personal = {"user_agent": hand.visitor.user_agent[:500]}
    if hand.visitor.ip:
        personal["ip"] = hand.visitor.ip
    ledger.append(
        session,
        keyring,
        site_id=link.site_id,
        kind=kind,
        address=link.address,
        list_id=opt_outs.list_of(topic),
        subscription_id=subscription_id,
        personal=personal,
        facts={"topic": topic, **_evidence(link, hand)},
        now=hand.now,
    )


def _evidence(link: PersonLink, hand: Hand) -> dict[str, Any]:
    told = {"by": hand.way.value}
    if link.message_id is not None:
        told["message"] = str(link.message_id)
    return told


def _of(link: PersonLink, list_id: UUID) -> tuple[Any, ...]:
    return (
        Subscription.site_id == link.site_id,
        Subscription.list_id == list_id,
        Subscription.address_key == link.address.key,
    )


def _lists(session: Session, link: PersonLink) -> Sequence[UUID]:
    return session.scalars(
        select(Subscription.list_id).where(
            Subscription.site_id == link.site_id,
            Subscription.address_key == link.address.key,
            Subscription.status.in_(_GETS_MAIL),
        )
    ).all()


def _subscriptions(
    session: Session, link: PersonLink
) -> Sequence[tuple[Subscription, MailingList]]:
    found = session.execute(
        select(Subscription, MailingList)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(
            Subscription.site_id == link.site_id,
            Subscription.address_key == link.address.key,
            Subscription.status.in_((*_GETS_MAIL, SubscriptionStatus.UNSUBSCRIBED)),
        )
        .order_by(MailingList.name, MailingList.id)
    )
    return [
        (row.Subscription, row.MailingList)
        for row in found
        if row.Subscription.status in _GETS_MAIL or row.Subscription.ending == ENDING
    ]


def _of_subscription(
    subscription: Subscription, mailing_list: MailingList, opted_out: Collection[str]
) -> Choice:
    topic = opt_outs.of_list(mailing_list.id)
    gets_mail = subscription.status in _GETS_MAIL
    return Choice(
        topic,
        mailing_list.name,
        on=gets_mail and not opt_outs.is_stopped(topic, opted_out),
        returnable=subscription.confirmed_at is not None and mailing_list.archived_at is None,
    )


def _notifications(session: Session, link: PersonLink, opted_out: Collection[str]) -> Sequence[str]:
    """Topics of the notifications this person has had, or opted out of; in the order of the alphabet."""
    sources = session.scalars(
        select(Message.source)
        .join(Recipient, Recipient.message_id == Message.id)
        .where(
            Recipient.site_id == link.site_id,
            Recipient.address_key == link.address.key,
            Message.stream == Stream.NOTIFICATION,
        )
        .order_by(Recipient.id.desc())
        .limit(LOOKED_AT)
    )
    topics = {opt_outs.of_plugin(source.get("plugin")) for source in sources}
    topics |= {topic for topic in {*opted_out, link.topic} if opt_outs.plugin_of(topic)}
    return sorted(topics)


def address_for_show(address: EmailAddress) -> str:
    """The address as a page may show it to whoever has the link: `a…@customer.example`.

    The word joiner keeps it in one line.
    """
    return f"{address.local[:1]}…\u2060@{address.domain}"
