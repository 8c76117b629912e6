"""A mail as a person reads it: text, HTML that cannot load anything, attachments."""

import base64
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from typing import cast

INLINE_LIMIT = 4 * 1024 * 1024
"""Bytes of inline pictures that are shown."""

GUARD = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; img-src data:; font-src data:\">"
    '<base target="_blank"><meta name="referrer" content="no-referrer">'
)
"""Stands before a mail's own HTML: nothing is loaded, and links open apart."""

DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)
OUTSIDE = re.compile(
    r"""(?i)(?:\b(?:src|srcset|background)\s*=\s*["']?|url\(\s*["']?)(?:https?:)?//"""
)
CID = re.compile(r"""(?i)cid:([^"'\s)>]+)""")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is downloaded. `number` counts the parts of the mail."""

    number: int
    name: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """What is shown of a mail. `html` is a whole document for a sandboxed frame."""

    text: str | None
    html: str | None
    loads_from_outside: bool
    attachments: list[Attachment]


def read(raw: bytes) -> Reading:
    """Read a mail; whatever it holds, this gives something to show."""
    parts = _parts(raw)
    text = next((_text(part) for part in parts if _is(part, "text/plain")), None)
    html = next((_text(part) for part in parts if _is(part, "text/html")), None)
    shown = {
        id(next((part for part in parts if _is(part, kind)), None))
        for kind in ("text/plain", "text/html")
    }
    attachments = [
        Attachment(number, _name(part, number), part.get_content_type(), _data(part))
        for number, part in enumerate(parts)
        if id(part) not in shown
    ]
    if html is None:
        return Reading(text, None, False, attachments)
    return Reading(text, guarded(html, parts), bool(OUTSIDE.search(html)), attachments)


def attachment(raw: bytes, number: int) -> Attachment | None:
    """One attachment of a mail, or None."""
    return next((part for part in read(raw).attachments if part.number == number), None)


def guarded(html: str, parts: list[Message]) -> str:
    """The HTML with the guard before it and its inline pictures in it."""
    pictures: dict[str, str] = {}
    left = INLINE_LIMIT
    for part in parts:
        cid = str(part.get("Content-ID", "")).strip().strip("<>")
        if cid and part.get_content_maintype() == "image":
            data = _data(part)
            left -= len(data)
            if left > 0:
                coded = base64.b64encode(data).decode()
                pictures[cid] = f"data:{part.get_content_type()};base64,{coded}"
    html = CID.sub(lambda found: pictures.get(found[1], found[0]), html)
    doctype = DOCTYPE.match(html)
    end = doctype.end() if doctype else 0
    return html[:end] + GUARD + html[end:]


def _parts(raw: bytes) -> list[Message]:
    try:
        message: Message = message_from_bytes(raw, policy=default)
        return [part for part in message.walk() if not part.is_multipart()]
    except (ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError):
        broken = EmailMessage()
        broken.set_payload(raw.decode("utf-8", "replace"))
        return [cast(Message, broken)]


def _is(part: Message, kind: str) -> bool:
    return part.get_content_type() == kind and part.get_content_disposition() != "attachment"


def _data(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        data = None
    return data if isinstance(data, bytes) else b""


def _text(part: Message) -> str:
    charset = part.get_content_charset() or "utf-8"
    try:
        return _data(part).decode(charset, "replace")
    except LookupError:
        return _data(part).decode("utf-8", "replace")


def _name(part: Message, number: int) -> str:
    try:
        name = part.get_filename()
    except (ValueError, LookupError):
        name = None
    clean = re.sub(r"[\x00-\x1f\x7f/\\\"]", "_", name or "").strip(". ")
    return clean[:200] or f"part-{number}"
