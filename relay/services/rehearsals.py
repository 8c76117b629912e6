"""Trying out a sender: the verdict on a From line by the very rules a mail meets, and nothing kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from email.header import Header
from io import BytesIO
from uuid import UUID

from sqlalchemy.orm import Session

from relay.addresses import EmailAddress
from relay.errors import PostreeveError
from relay.gateways import mime
from relay.keys import Keyring
from relay.mail import Draft
from relay.policy.admission import admit
from relay.policy.sender import Remark
from relay.services import intake
from relay.vocabulary import Stream

SOMEBODY = EmailAddress("somebody@recipient.example")
"""To whom the mail would go: an address that nobody has (RFC 2606), so that none is suppressed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a mail of this sender would meet: the name people would see, or why it is refused."""

    name: str
    address: str
    shown: str
    remarks: tuple[Remark, ...] = ()
    refusal: PostreeveError | None = None


def rehearse(
    session: Session, keyring: Keyring, site_id: UUID, sender: str, *, now: datetime
) -> Verdict:
    """Judge `Name <address>` as the From of a mail of this site. Raises `NotFound`, `MessageInvalid`.

    The site's row is locked as for a mail; the caller rolls back.
    """
    read = mime.read(BytesIO(_mail(sender)))
    draft = Draft(recipients=(SOMEBODY,), mime=read, stream=Stream.TRANSACTIONAL)
    known = intake.facts(session, site_id, draft, keyring=keyring, key=None, now=now)
    verdict = Verdict(name=read.sender_name, address=str(read.sender), shown="")
    try:
        admission = admit(draft, known.facts)
    except PostreeveError as error:
        return replace(verdict, refusal=error)
    return replace(verdict, shown=admission.sender_name, remarks=tuple(admission.remarks))


def _mail(sender: str) -> bytes:
    """The smallest mail with this From, its name encoded as WordPress does it (RFC 2047)."""
    name, _, address = sender.strip().rpartition("<")
    name = " ".join(name.split())
    if name and not name.startswith('"'):
        name = Header(name, "utf-8", maxlinelen=75).encode(linesep="\r\n") + "\r\n "
    elif not name.isascii():
        name = Header(name.strip('"'), "utf-8", maxlinelen=75).encode(linesep="\r\n") + "\r\n "
    line = f"{name}<{address}" if name or address.endswith(">") else address
    return f"From: {line}\r\nTo: {SOMEBODY}\r\nSubject: A rehearsal\r\n\r\n.\r\n".encode()
