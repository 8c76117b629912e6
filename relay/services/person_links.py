"""The links that a mail carries for one person: to stop it, to choose, to report it.

What a link is about is sealed inside it: nothing is stored, nobody can make one, and it works
without a log-in for as long as the keys of its version are kept. It never expires: somebody who
finds an old mail may still want no more of them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from relay.addresses import LONGEST as LONGEST_ADDRESS
from relay.addresses import EmailAddress
from relay.errors import NotFound
from relay.keys import Keyring
from relay.services.opt_outs import LONGEST as LONGEST_TOPIC

PURPOSE = "person link"

_ID = 22
"""Characters of a UUID in base64."""

_PAYLOAD = 2 * _ID + LONGEST_TOPIC + 1 + LONGEST_ADDRESS

LENGTH = (1 + 12 + _PAYLOAD + 16) * 4 // 3
"""Characters of every token (540): version, nonce, payload and tag, in base64 without a remainder.

All are equally long, so that a placeholder in a mail can be replaced without moving a byte, and so
that a link does not tell how long an address is.
"""

_NO_MESSAGE = UUID(int=0)


class Page(StrEnum):
    """Where a link leads, as the first part of its path. One token opens all of them."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    REPORT_ABUSE = "report-abuse"


@dataclass(frozen=True, slots=True)
class PersonLink:
    """Whom and what a link is about: a person, at a site, a topic (`opt_outs`), and which mail."""

    site_id: UUID
    address: EmailAddress
    topic: str
    message_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """What it takes to make links: the keys that seal them, and the address they lead to."""

    keyring: Keyring
    public_url: str


def seal(keyring: Keyring, link: PersonLink) -> str:
    """The link's token, `LENGTH` characters that are safe in a URL; another one each time.

    Raises `ValueError` for a topic or an address that no mail can have.
    """
    ids = _short(link.site_id) + _short(link.message_id or _NO_MESSAGE)
    text = f"{ids}{link.topic}\n{link.address}".ljust(_PAYLOAD)
    if len(text.encode()) != _PAYLOAD or link.topic.count("\n"):
        raise ValueError("the topic or the address does not fit into a link")
    return keyring.seal(PURPOSE, text)


def open_link(keyring: Keyring, token: str) -> PersonLink:
    """What a token is about. Raises `NotFound` for one that is not whole, or that we did not make."""
    text = keyring.open(PURPOSE, token) if len(token) == LENGTH else None
    if text is None:
        raise NotFound("This link is not complete, or it is not one of ours")
    topic, _, address = text[2 * _ID :].rstrip(" ").partition("\n")
    message_id = _long(text[_ID : 2 * _ID])
    return PersonLink(
        site_id=_long(text[:_ID]),
        address=EmailAddress(address),
        topic=topic,
        message_id=None if message_id == _NO_MESSAGE else message_id,
    )


def url(public_url: str, page: Page, token: str) -> str:
    """The whole address of a page for this token."""
    return f"{public_url.rstrip('/')}/{page}/{token}"


def _short(id: UUID) -> str:
    return base64.urlsafe_b64encode(id.bytes).decode().rstrip("=")


def _long(text: str) -> UUID:
    return UUID(bytes=base64.urlsafe_b64decode(text + "=="))
