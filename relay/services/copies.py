"""One person's copy: the stored message with what only this person may have in it.

The pair of headers that mail programs make a button of (RFC 8058), and the person's own link wherever
the stored text has a place for it. The place is as long as a link's token, so that no byte moves and
large mails can be streamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from relay.addresses import EmailAddress
from relay.mail import Envelope
from relay.policy import topics
from relay.services import person_links
from relay.services.person_links import LENGTH, Links, Page, PersonLink

PLACEHOLDER = "postreeve-puts-the-token-of-this-person-here-".ljust(LENGTH, "_")
"""Stands for a person's token in a stored newsletter; as long as every token."""

_BREAK = rb"(?:=\r\n)?"
_SOFT = re.compile(_BREAK.join(re.escape(sign.encode()) for sign in PLACEHOLDER))
"""The placeholder, also where quoted-printable breaks its lines (RFC 2045 §6.7)."""

LONGEST_PLACE = LENGTH * (1 + len("=\r\n"))
"""Bytes of a placeholder, however often its line is broken."""

_BEGINNING = PLACEHOLDER[:1].encode()


def personal(envelope: Envelope, links: Links) -> Envelope:
    """The envelope with the person's own way out, if the message has one."""
    if envelope.topic is None or envelope.site_id is None:
        return envelope
    token = person_links.seal(
        links.keyring,
        PersonLink(
            envelope.site_id,
            EmailAddress(envelope.recipient),
            envelope.topic,
            envelope.message_id,
        ),
    )
    head = headers(links.public_url, token)
    has_places = topics.list_of(envelope.topic) is not None
    parts = replaced(envelope.parts, token.encode()) if has_places else envelope.parts
    if isinstance(envelope.parts, tuple):
        return replace(envelope, parts=(head, *parts))
    return replace(envelope, parts=Streamed(head, envelope.parts, token.encode(), has_places))


def headers(public_url: str, token: str) -> bytes:
    """`List-Unsubscribe` and `List-Unsubscribe-Post`, each in one line (RFC 8058 §3.1)."""
    url = person_links.url(public_url, Page.UNSUBSCRIBE, token)
    return (
        f"List-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    ).encode()


class Streamed(Iterable[bytes]):
    """The parts of a large copy, made while they are read."""

    def __init__(self, head: bytes, parts: Iterable[bytes], token: bytes, has_places: bool) -> None:
        self._head = head
        self._parts = parts
        self._token = token
        self._has_places = has_places

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from replaced(self._parts, self._token) if self._has_places else self._parts


def replaced(parts: Iterable[bytes], token: bytes) -> Iterator[bytes]:
    """The same bytes with the token in each place for it, also where a place lies across parts.

    Soft line breaks stay where they are; not a byte is added or lost.
    """
    held = b""
    for part in parts:
        data = _SOFT.sub(lambda found: _written(found[0], token), held + part)
        cut = _safe_until(data)
        if cut:
            yield data[:cut]
        held = data[cut:]
    if held:
        yield held


def _safe_until(data: bytes) -> int:
    """Up to where no place has begun that the next part may end."""
    start = max(len(data) - LONGEST_PLACE + 1, 0)
    while (start := data.find(_BEGINNING, start)) >= 0:
        if _may_begin(data, start):
            return start
        start += 1
    return len(data)


def _may_begin(data: bytes, start: int) -> bool:
    """Whether all that follows is the beginning of a place."""
    rest = data[start:]
    plain = rest.replace(b"=\r\n", b"")
    for unfinished in (b"=\r", b"="):
        if plain.endswith(unfinished):
            plain = plain[: -len(unfinished)]
            break
    return len(plain) < LENGTH and PLACEHOLDER.encode().startswith(plain)


def _written(place: bytes, token: bytes) -> bytes:
    """The token with the place's soft line breaks."""
    if len(place) == LENGTH:
        return token
    done, pieces = 0, []
    for piece in place.split(b"=\r\n"):
        pieces.append(token[done : done + len(piece)])
        done += len(piece)
    return b"=\r\n".join(pieces)
