"""Mail that the relay itself writes: notices to owners, confirmations for a site's lists.

It becomes a message like any other, in the protected lane, so it is sent, retried and followed as
all mail is. Notices to owners belong to the house's own site (`HOUSE_SITE`), which no account sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime, make_msgid
from io import BytesIO
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.addresses import parse as parse_address
from relay.db import new_id, upsert
from relay.gateways import compose, mime
from relay.models import Account, Site
from relay.services import intake
from relay.services.letter_texts import Letter, render
from relay.vocabulary import Kind, Lane, Outcome, Stage, State, Stream

HOUSE_ACCOUNT = UUID("00000000-0000-7000-8000-000000000001")
HOUSE_SITE = UUID("00000000-0000-7000-8000-000000000002")
"""The relay's own account and site, made when the first notice is written."""

KEPT = timedelta(hours=72)
"""How long such a mail may wait (our decision: it is worth reading for days)."""

WRITTEN_HERE = {"written_by": "relay"}
"""Marks the source of a mail as ours; no site can say this of its own."""


def to_owner(
    session: Session,
    account_id: UUID,
    template: str,
    values: Mapping[str, Any],
    *,
    sender: str,
    now: datetime,
) -> UUID:
    """Write to the owner of an account in their language, from the relay's own address.

    The letter is what `letter_texts.render` makes of the template; returns the message's id.
    """
    owner = session.execute(
        select(Account.owner_email, Account.language).where(Account.id == account_id)
    ).one()
    letter = render(template, values, language=owner.language)
    return from_house(session, parse_address(owner.owner_email), letter, sender=sender, now=now)


def from_house(
    session: Session, to: EmailAddress, letter: Letter, *, sender: str, now: datetime
) -> UUID:
    """Write to somebody from the relay's own address; returns the message's id."""
    _see_to_the_house(session, now)
    return write(
        session,
        account_id=HOUSE_ACCOUNT,
        site_id=HOUSE_SITE,
        sender=compose.Mailbox(parse_address(sender), "Postreeve"),
        to=to,
        letter=letter,
        now=now,
    )


def write(
    session: Session,
    *,
    account_id: UUID,
    site_id: UUID,
    sender: compose.Mailbox,
    to: EmailAddress,
    letter: Letter,
    source: Mapping[str, Any] | None = None,
    now: datetime,
) -> UUID:
    """Put a letter into the queue, in the protected lane of this site; returns the message's id.

    No rule is asked: whoever calls has decided that it may go out.
    """
    raw = compose.compose(
        compose.Letter(
            sender=sender,
            to=(compose.Mailbox(to),),
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            headers=letter.headers,
        )
    )
    dated = (
        f"Date: {format_datetime(now)}\r\n"
        f"Message-ID: {make_msgid(domain=sender.address.domain)}\r\n"
    ).encode()
    read = mime.read(BytesIO(dated + raw))
    id, ends = new_id(), now + KEPT
    message = {
        "id": id,
        "account_id": account_id,
        "site_id": site_id,
        "stream": Stream.TRANSACTIONAL,
        "kind": Kind.SECURITY,
        "lane": Lane.PROTECTED,
        "list_id": None,
        "source": {"plugin": "postreeve", "form": None} | dict(source or {}) | WRITTEN_HERE,
        "sender": str(read.sender),
        "subject": read.subject[:500],
        "mime_message_id": read.message_id[:500] if read.message_id else None,
        "size": read.size,
        "removed_headers": [],
        "remarks": None,
        "accepted_at": now,
        "expires_at": ends,
        "resent_from": None,
    }
    recipient = {
        "id": new_id(),
        "message_id": id,
        "account_id": account_id,
        "site_id": site_id,
        "address": str(to),
        "address_key": to.key,
        "domain": to.domain,
        "lane_rank": Lane.PROTECTED.rank,
        "stage": Stage.QUEUED,
        "outcome": Outcome.NONE,
        "due_at": now,
        "expires_at": ends,
        "tries": 0,
        "reason": None,
        "sending_id": None,
    }
    intake.write(session, intake.Rows(message, read.parts, [recipient], None), now=now)
    return id


def _see_to_the_house(session: Session, now: datetime) -> None:
    """Make the relay's own account and site, if they are not there yet."""
    common = {"name": "Postreeve itself", "state": State.ACTIVE, "created_at": now}
    for model, values in (
        (Account, {"id": HOUSE_ACCOUNT, "owner_email": "postreeve@localhost.invalid"}),
        (Site, {"id": HOUSE_SITE, "account_id": HOUSE_ACCOUNT, "url": ""}),
    ):
        session.execute(upsert(session, model).values(common | values).on_conflict_do_nothing())
