"""Sending a message again: whether it can be, and the draft that it was."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.errors import ContentGone, NotFound, Refused
from relay.gateways import mime
from relay.mail import Draft, Source
from relay.models import Content, MailingList, Message, Recipient
from relay.policy.erasures import is_placeholder
from relay.sayings import say

CONTENT_IS_KEPT = exists().where(Content.message_id == Message.id, Content.part == 0)
"""A column beside a message: whether its bytes are still there."""


def is_written_here(message: Message) -> bool:
    """Whether the relay wrote the message itself: what it says is for one person alone.

    A site must not have a confirmation's link sent anywhere else.
    """
    return message.source.get("written_by") == "relay"


def stored_draft(
    session: Session, site_id: UUID, message_id: UUID, *, recipients: Sequence[EmailAddress] = ()
) -> Draft:
    """The draft of an accepted message, to be sent again: to the same people, or to `recipients`.

    Raises `NotFound` for another site's message, `Refused` for one that the relay wrote itself, and
    `ContentGone` when its content is no longer kept, or all its people were erased.
    """
    message = session.scalar(
        select(Message).where(Message.id == message_id, Message.site_id == site_id)
    )
    if message is None:
        raise NotFound(say("There is no such message on this site"))
    if is_written_here(message):
        raise Refused(say("The relay wrote this mail itself; only the relay sends it"))
    parts = session.scalars(
        select(Content.data).where(Content.message_id == message_id).order_by(Content.part)
    ).all()
    if not parts:
        raise ContentGone(say("The content of this message is no longer kept; send it anew"))
    people = recipients or [
        EmailAddress(address)
        for address in session.scalars(
            select(Recipient.address)
            .where(Recipient.message_id == message_id)
            .order_by(Recipient.id)
        )
        if not is_placeholder(address)
    ]
    if not people:
        raise ContentGone(say("Everybody this message went to was erased; send it anew"))
    return Draft(
        recipients=tuple(dict.fromkeys(people)),
        mime=mime.read(BytesIO(b"".join(parts))),
        stream=message.stream,
        kind=message.kind,
        list_id=_list_key(session, site_id, message.list_id),
        source=Source(message.source.get("plugin"), message.source.get("form")),
    )


def _list_key(session: Session, site_id: UUID, list_id: str | None) -> str | None:
    """What the site calls the list of a message."""
    if list_id is None:
        return None
    return session.scalar(
        select(MailingList.key).where(
            MailingList.id == UUID(list_id), MailingList.site_id == site_id
        )
    )
