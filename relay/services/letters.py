"""Mail that the relay itself writes: notices to owners, confirmations for a site's lists.

It becomes a message like any other, in the protected lane, so it is sent, retried and followed as
all mail is. Notices to owners belong to the house's own site (`HOUSE_SITE`), which no account sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime, make_msgid
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy import select
from sqlalchemy.orm import Session

from relay import languages
from relay.addresses import EmailAddress
from relay.addresses import parse as parse_address
from relay.db import new_id, upsert
from relay.gateways import compose, mime
from relay.models import Account, Site
from relay.services import intake
from relay.vocabulary import Kind, Lane, Outcome, Stage, State, Stream

HOUSE_ACCOUNT = UUID("00000000-0000-7000-8000-000000000001")
HOUSE_SITE = UUID("00000000-0000-7000-8000-000000000002")
"""The relay's own account and site, made when the first notice is written."""

KEPT = timedelta(hours=72)
"""How long such a mail may wait (our decision: it is worth reading for days)."""

WRITTEN_HERE = {"written_by": "relay"}
"""Marks the source of a mail as ours; no site can say this of its own."""

TEMPLATES = Path(__file__).parents[1] / "letters"


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said: a subject, and the same text as plain text and as HTML."""

    subject: str
    text: str
    html: str
    headers: Mapping[str, str] = field(default_factory=dict)


def render(
    template: str, /, *, subject: str, language: str = languages.ENGLISH, **values: Any
) -> Letter:
    """The letter that the templates `NAME.txt` and `NAME.html` make of these values, in a language.

    Templates say `{% trans %}…{% endtrans %}` or `_("…")`; `subject` is given in that language.
    """
    given = {
        "subject": subject,
        "language": language,
        "direction": languages.direction(language),
        **values,
    }
    made = _templates(language)
    return Letter(
        subject,
        made.get_template(f"{template}.txt").render(given).strip() + "\n",
        made.get_template(f"{template}.html").render(given),
        {"Auto-Submitted": "auto-generated"},  # RFC 3834 §5: no out-of-office answers, please
    )


def to_owner(
    session: Session, account_id: UUID, letter: Letter, *, sender: str, now: datetime
) -> UUID:
    """Write to the owner of an account, from the relay's own address; returns the message's id."""
    owner = session.execute(
        select(Account.owner_email).where(Account.id == account_id)
    ).scalar_one()
    return from_house(session, parse_address(owner), letter, sender=sender, now=now)


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


@lru_cache(maxsize=len(languages.LANGUAGES))
def _templates(language: str) -> Environment:
    made = Environment(
        extensions=["jinja2.ext.i18n"],
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["ext.i18n.trimmed"] = True
    extended: Any = made
    extended.install_gettext_translations(languages.translations(language), newstyle=True)
    made.filters["moment"] = partial(languages.moment, language=language)
    made.filters["day"] = partial(languages.day, language=language)
    return made
