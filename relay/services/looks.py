"""Reading accepted mail once for all who judge it: what it says, and where its links lead."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from relay.db import among, table_of
from relay.errors import PostreeveError
from relay.gateways import anchors, bodies, mime
from relay.gateways.anchors import Anchor
from relay.gateways.bodies import Body
from relay.mail import Mime
from relay.models import Content, Message, Recipient
from relay.policy.wordings import fingerprint
from relay.vocabulary import Lane

LARGEST = 256 * 1024
"""Bytes of a message that are looked at; no campaign's text is longer (our decision)."""

NO_WORDS = "-"
"""The wording of a mail whose content is gone: like no other."""


_COPIES, _MAILS, _CONTENTS = table_of(Recipient), table_of(Message), table_of(Content)

_PEOPLE = select(_COPIES.c.message_id, _COPIES.c.address).where(among(_COPIES.c.message_id, "ids"))

_STORED = (
    select(_MAILS.c.id, _MAILS.c.lane, func.substr(_CONTENTS.c.data, 1, LARGEST).label("data"))
    .outerjoin(_CONTENTS, (_CONTENTS.c.message_id == _MAILS.c.id) & (_CONTENTS.c.part == 0))
    .where(among(_MAILS.c.id, "ids"))
)


@dataclass(frozen=True, slots=True)
class Read:
    """A message as it was read: its lane, the fingerprint of its words, its links."""

    lane: Lane
    wording: str = NO_WORDS
    anchors: Sequence[Anchor] = ()


def read(session: Session, messages: Collection[UUID]) -> Mapping[UUID, Read]:
    """These stored messages; what is gone has neither words nor links."""
    ids = {"ids": list(messages)}
    people: dict[UUID, list[str]] = {id: [] for id in messages}
    for person in session.connection().execute(_PEOPLE, ids):
        people[person.message_id].append(person.address)
    found: dict[UUID, Read] = {}
    for row in session.connection().execute(_STORED, ids):
        if row.data is None:
            found[row.id] = Read(row.lane)
            continue
        data = bytes(row.data)
        whole = _mime(data)
        body = _body(whole)
        links = anchors.of(body) if body is not None else ()
        found[row.id] = Read(row.lane, _wording(whole, body, data, people[row.id]), links)
    return found


def wording_of(message: Mime, people: Sequence[str]) -> str:
    """The fingerprint of a message to these addresses, as `read` will have it.

    Of a large one the beginning counts, and what nobody can read counts as it stands.
    """
    data = message.parts[0][:LARGEST]
    whole = message if len(data) == message.size else _mime(data)
    return _wording(whole, _body(whole), data, people)


def _body(whole: Mime | None) -> Body | None:
    return bodies.read(whole, leniently=True) if whole is not None else None


def _mime(data: bytes) -> Mime | None:
    try:
        return mime.read(BytesIO(data))
    except PostreeveError:
        return None


def _wording(whole: Mime | None, body: Body | None, data: bytes, people: Sequence[str]) -> str:
    if whole is None or body is None:
        _, _, rest = data.partition(b"\r\n\r\n")
        return fingerprint([(rest.decode("latin-1"), False)], people=people)
    texts = [(text.text, text.type == "text/html") for text in body.texts if text.is_body]
    return fingerprint(texts, people=[*people, *bodies.called(whole)], subject=whole.subject)
