"""What a site may send to somebody: all of it with a choice each, and what changes when they choose.

Choosing goes towards less, or back to what the person had confirmed before. Anything else takes a
new double opt-in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from relay.keys import Keyring
from relay.models import MailingList, Message, Recipient, Subscription
from relay.services import leaving, opt_outs
from relay.services.leaving import Hand
from relay.services.person_links import PersonLink
from relay.services.subscriptions import GETS_MAIL
from relay.vocabulary import ConsentKind, Stream, SubscriptionStatus

ENDING = "unsubscribed"
"""How a subscription ended that the person may take up again."""

LOOKED_AT = 500
"""Of so many latest notifications to a person we know which plugins write to them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind of mail from a site: whether the person gets it, and may have it back if not."""

    topic: str
    name: str
    on: bool
    returnable: bool


def stop_everything(session: Session, keyring: Keyring, link: PersonLink, hand: Hand) -> None:
    """Stop everything that can be stopped: newsletters and notifications, also those to come."""
    known = [choice.topic for choice in choices(session, link)]
    for topic in dict.fromkeys([opt_outs.MARKETING, opt_outs.NOTIFICATION, *known]):
        leaving.stop(session, keyring, link, topic, hand)


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
        found.insert(0, Choice(link.topic, leaving.about(session, link).list_name, not off, False))
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
    known = choices(session, link)
    asked = [choice for choice in known if choice.topic in shown]
    back = [each for each in asked if not each.on and each.topic in wanted and each.returnable]
    _narrow(session, link, known, {opt_outs.all_of(each.topic) for each in back}, hand)
    for choice in back:
        _return_to(session, keyring, link, choice.topic, hand)
    for choice in asked:
        if choice.on and choice.topic not in wanted:
            leaving.stop(session, keyring, link, choice.topic, hand)


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
        .where(
            Subscription.site_id == link.site_id,
            Subscription.list_id == list_id,
            Subscription.address_key == link.address.key,
            Subscription.status == SubscriptionStatus.UNSUBSCRIBED,
            Subscription.confirmed_at.is_not(None),
        )
        .values(status=SubscriptionStatus.CONFIRMED, ended_at=None, ending=None)
        .returning(Subscription.id)
        .execution_options(synchronize_session=False)
    ).scalar()
    leaving.keep(session, keyring, link, ConsentKind.CONFIRMED, topic, taken_up, hand)


def _narrow(
    session: Session,
    link: PersonLink,
    known: Sequence[Choice],
    kinds: Collection[str],
    hand: Hand,
) -> None:
    """Before what stops all of a kind ends: opt out of each thing of that kind one by one."""
    for choice in known:
        if not choice.on and opt_outs.all_of(choice.topic) in kinds:
            opt_outs.opt_out(
                session,
                link.site_id,
                link.address,
                choice.topic,
                evidence=leaving.evidence(link, hand),
                now=hand.now,
            )


def _subscriptions(
    session: Session, link: PersonLink
) -> Sequence[tuple[Subscription, MailingList]]:
    found = session.execute(
        select(Subscription, MailingList)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(
            Subscription.site_id == link.site_id,
            Subscription.address_key == link.address.key,
            Subscription.status.in_((*GETS_MAIL, SubscriptionStatus.UNSUBSCRIBED)),
        )
        .order_by(MailingList.name, MailingList.id)
    )
    return [
        (row.Subscription, row.MailingList)
        for row in found
        if row.Subscription.status in GETS_MAIL or row.Subscription.ending == ENDING
    ]


def _of_subscription(
    subscription: Subscription, mailing_list: MailingList, opted_out: Collection[str]
) -> Choice:
    topic = opt_outs.of_list(mailing_list.id)
    gets_mail = subscription.status in GETS_MAIL
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
