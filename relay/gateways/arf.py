"""Feedback reports of mailbox providers (ARF, RFC 5965), read strictly.

They come from strangers: whatever is wrong with one raises `FeedbackInvalid` or `TooLarge`, and
nothing else. Of the mail they return, only the header fields that can name our copy are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser

from relay.errors import FeedbackInvalid, TooLarge
from relay.vocabulary import FeedbackType

LARGEST = 10 * 1024 * 1024
"""Bytes of a report; providers return headers, or a mail that is mostly text (our decision)."""

LONGEST = 1_000
"""Characters kept of any field (our decision); our own links have some 600."""

TYPES: Mapping[str, FeedbackType] = {each.value: each for each in FeedbackType} | {
    "opt-out-list": FeedbackType.OPT_OUT
}
"""By what Feedback-Type says; anything else is `other` (RFC 5965 §3.1)."""

_FIELDS = ("user-agent", "version", "source-ip", "arrival-date", "reported-domain", "incidents")
_RETURNED = ("message-id", "list-unsubscribe", "from", "subject", "date", "feedback-id")
_HEADERS = ("text/rfc822-headers", "message/rfc822-headers")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a report says: of what kind it is, fields about it, and fields of the mail it returns.

    Names are in lower case, values one line of text without control characters.
    """

    type: FeedbackType
    fields: Mapping[str, str] = field(default_factory=dict)
    returned: Mapping[str, str] = field(default_factory=dict)


def read(raw: bytes) -> Feedback:
    """The report in these bytes. Raises `FeedbackInvalid`, or `TooLarge`."""
    if len(raw) > LARGEST:
        raise TooLarge(f"A feedback report may have {LARGEST:,} bytes at most", limit=LARGEST)
    try:
        return _read(BytesParser().parsebytes(raw))
    except FeedbackInvalid:
        raise
    # The standard library's parser answers hostile mail with errors of many kinds.
    except Exception as error:
        raise FeedbackInvalid(f"It cannot be read as mail ({type(error).__name__})") from None


def _read(whole: Message) -> Feedback:
    if whole.get_content_type() != "multipart/report":
        raise FeedbackInvalid("It is no multipart/report (RFC 5965 §2)")
    if str(whole.get_param("report-type") or "").lower() != "feedback-report":
        raise FeedbackInvalid("Its report-type is not feedback-report (RFC 5965 §2)")
    inside = whole.get_payload()
    parts = [part for part in inside if isinstance(part, Message)] if whole.is_multipart() else []
    told = next((p for p in parts if p.get_content_type() == "message/feedback-report"), None)
    if told is None:
        raise FeedbackInvalid("It has no part message/feedback-report")
    fields = _block(told)
    said = _text(str(fields.get("feedback-type", ""))).lower()
    if not said:
        raise FeedbackInvalid("It does not say its Feedback-Type (RFC 5965 §3.1)")
    returned = next(
        (p for p in parts if p.get_content_type() in ("message/rfc822", *_HEADERS)), None
    )
    return Feedback(
        TYPES.get(said, FeedbackType.OTHER),
        _some(fields, _FIELDS),
        _some(_block(returned), _RETURNED) if returned is not None else {},
    )


def _block(part: Message) -> Message:
    """The header fields that a part holds: as a message in it, or as text."""
    inside = part.get_payload()
    if isinstance(inside, list):
        if not inside or not isinstance(inside[0], Message):
            raise FeedbackInvalid("A part of it is empty")
        first = inside[0]
        if first.keys():
            return first
    data = part.get_payload(decode=True)
    return BytesHeaderParser().parsebytes(data if isinstance(data, bytes) else b"")


def _some(block: Message, names: Iterable[str]) -> dict[str, str]:
    found = {name: _text(str(block.get(name, ""))) for name in names}
    return {name: text for name, text in found.items() if text}


def _text(value: str) -> str:
    """One line, cut, without what fits into no database or commands a terminal."""
    line = _SPACE.sub(" ", value).strip()[:LONGEST]
    clean = "".join(sign for sign in line if sign.isprintable())
    return clean.encode("utf-8", "replace").decode()
