"""From a request to drafts: the shapes checked, the addresses canonical from here on.

A message comes as finished MIME (multipart, or base64 inside JSON) or in parts as JSON, alone or
in a batch. All become the same `Draft`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import getaddresses
from functools import lru_cache, partial
from io import SEEK_END, BytesIO
from typing import IO, Any, TypeGuard, TypeVar

from flask import Request as HttpRequest
from marshmallow import Schema, ValidationError

from relay.addresses import EmailAddress
from relay.addresses import parse as parse_address
from relay.api import parts as multipart
from relay.api.connect_schemas import ConnectSchema
from relay.api.parts import Parts
from relay.api.schemas import (
    LONGEST_TYPED,
    MOST_IN_BATCH,
    MOST_RECIPIENTS,
    AudienceSchema,
    LetterSchema,
    ListChangesSchema,
    MetadataSchema,
    MimeItemSchema,
    NewListSchema,
    PartItemSchema,
    ResendSchema,
    SignUpSchema,
    pointers,
)
from relay.api.site_schemas import NewSiteSchema
from relay.errors import Invalid, PostreeveError, TooLarge
from relay.gateways import compose, mime
from relay.gateways.compose import Attachment, Letter, Mailbox
from relay.mail import Draft, Mime, Source
from relay.services.messages import Request, fingerprint
from relay.vocabulary import Kind, Stream

LARGEST_METADATA = 4 * 1024 * 1024
"""Bytes of the `metadata` part: 500 messages of 50 people need about 3 MB."""

LARGEST_REQUEST = mime.LARGEST // 3 * 4 + LARGEST_METADATA
"""Bytes of a request: one largest message in base64, or as many smaller ones."""

LONGEST_KEY = 255

LONGEST_PURPOSE = 1_000
"""Characters of metadata without its envelope that are remembered; most have less than a hundred."""

HOW_IT_CAME = frozenset(("mime", "message"))
"""Members of a batch's entry that say where its bytes are: repeated alone, or in another batch,
it is the same message."""

T = TypeVar("T")

_SCHEMAS: dict[type[Schema], Schema] = {
    kind: kind()
    for kind in (
        MetadataSchema,
        LetterSchema,
        MimeItemSchema,
        PartItemSchema,
        ResendSchema,
        NewListSchema,
        ListChangesSchema,
        SignUpSchema,
        AudienceSchema,
        ConnectSchema,
        NewSiteSchema,
    )
}


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a batch: a request to accept, or why it cannot be read."""

    request: Request | PostreeveError


def read_one(request: HttpRequest, *, key: str | None) -> Request:
    """The message in a request: multipart with finished MIME, or JSON in parts.

    Raises `Invalid` with pointers, or what `gateways.mime.read` raises.
    """
    if request.mimetype == "application/json":
        return _letter(_json(request.stream.read(), "#"), key, "#")
    if request.mimetype == "multipart/form-data":
        parts = multipart.read(request)
        metadata = _json(_metadata_part(parts), "#/metadata")
        return _finished(MetadataSchema, metadata, _part(parts, "message"), key, "#/metadata")
    raise Invalid("Send multipart/form-data (metadata and message) or application/json")


def read_batch(request: HttpRequest) -> list[Item]:
    """The messages of a batch, in order; an entry that cannot be read spoils only itself.

    JSON: `{"messages": [{"mime": base64, …} | {"from": …, "text": …}]}`. Multipart: `metadata` is
    `{"messages": [{"message": "name of a part", …}]}` and each named part is MIME.
    """
    if request.mimetype == "application/json":
        entries, base = _entries(_parsed(request.stream.read(), "#"), "#"), "#/messages"
        return [_item(partial(_json_item, e, f"{base}/{n}")) for n, e in enumerate(entries)]
    if request.mimetype == "multipart/form-data":
        parts = multipart.read(request)
        metadata = _parsed(_metadata_part(parts), "#/metadata")
        entries, base = _entries(metadata, "#/metadata"), "#/metadata/messages"
        _check_together(parts, entries)
        return [_item(partial(_part_item, parts, e, f"{base}/{n}")) for n, e in enumerate(entries)]
    raise Invalid("Send multipart/form-data or application/json")


def read_people(request: HttpRequest) -> list[EmailAddress]:
    """To whom a message is sent again; no body, or nobody in it, means to the same people."""
    if not (text := request.stream.read()):
        return []
    if request.mimetype != "application/json":
        raise Invalid("Send application/json")
    loaded = _load(ResendSchema, _json(text, "#"), "#")
    return [address_at(each, f"#/to/{n}") for n, each in enumerate(loaded["to"])]


def read_body(request: HttpRequest, schema: type[Schema]) -> dict[str, Any]:
    """A JSON object of this shape, of which all can be stored. Raises `Invalid` with pointers."""
    if request.mimetype != "application/json":
        raise Invalid("Send application/json")
    return _load(schema, _json(request.stream.read(LARGEST_METADATA), "#"), "#")


def _item(read: Callable[[], Request]) -> Item:
    try:
        return Item(read())
    except PostreeveError as error:
        return Item(error)


def _entries(body: Any, base: str) -> Sequence[Any]:
    entries = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(entries, list) or set(body) != {"messages"}:
        raise _wrong(base, 'It must be an object with the one member "messages", a list.')
    if not 1 <= len(entries) <= MOST_IN_BATCH:
        raise _wrong(f"{base}/messages", f"A batch has 1 to {MOST_IN_BATCH} messages.")
    return entries


def _check_together(parts: Parts, entries: Sequence[Any]) -> None:
    """A part that several entries name becomes as many messages, and is counted as often."""
    names = [entry.get("message") for entry in entries if isinstance(entry, dict)]
    sizes = {name: part.seek(0, SEEK_END) for name, part in parts.files.items()}
    if sum(sizes.get(name, 0) for name in names if isinstance(name, str)) > LARGEST_REQUEST:
        raise TooLarge(
            f"The messages of a batch may have {LARGEST_REQUEST:,} bytes together",
            limit=LARGEST_REQUEST,
        )


def _json_item(entry: Any, base: str) -> Request:
    entry = dict(_storable(entry, base))
    key = _key(entry.pop("idempotency_key", None), base)
    if "mime" not in entry:
        return _letter(entry, key, base)
    return _finished(
        MimeItemSchema,
        entry,
        lambda: BytesIO(from_base64(entry["mime"], f"{base}/mime")),
        key,
        base,
    )


def _part_item(parts: Parts, entry: Any, base: str) -> Request:
    entry = dict(_storable(entry, base))
    key = _key(entry.pop("idempotency_key", None), base)
    name = entry.get("message")
    if not isinstance(name, str):
        raise _wrong(f"{base}/message", "It must name the part that holds the MIME.")
    return _finished(PartItemSchema, entry, _part(parts, name), key, base)


def _finished(
    schema: type[Schema],
    metadata: Mapping[str, Any],
    message: Callable[[], IO[bytes]],
    key: str | None,
    base: str,
) -> Request:
    """The request that metadata and finished MIME describe; the bytes are read last."""
    loaded = _metadata(schema, metadata, base)
    envelope = loaded["envelope"]
    recipients = _recipients(envelope["to"], f"{base}/envelope/to")
    if envelope["sender"]:
        address_at(envelope["sender"], f"{base}/envelope/from")
    read = mime.read(message())
    told = {name: value for name, value in metadata.items() if name not in HOW_IT_CAME}
    return Request(_draft(loaded, recipients, read), key, fingerprint(told, read.digest))


def _letter(body: Mapping[str, Any], key: str | None, base: str) -> Request:
    """The request that a message in parts describes; we write its MIME."""
    loaded = _load(LetterSchema, body, base)
    to, cc, bcc, reply_to = (
        [_mailbox(text, f"{base}/{name}/{n}") for n, text in enumerate(loaded[name])]
        for name in ("to", "cc", "bcc", "reply_to")
    )
    everybody = tuple(dict.fromkeys(each.address for each in (*to, *cc, *bcc)))
    if not 1 <= len(everybody) <= MOST_RECIPIENTS:
        raise _wrong(
            f"{base}/to", f"Name 1 to {MOST_RECIPIENTS} people in to, cc and bcc together."
        )
    letter = Letter(
        sender=_mailbox(loaded["sender"], f"{base}/from"),
        to=to,
        cc=cc,
        reply_to=reply_to,
        subject=loaded["subject"],
        text=loaded["text"],
        html=loaded["html"],
        headers=loaded["headers"],
        attachments=[
            Attachment(
                filename=each["filename"],
                content_type=each["content_type"],
                content=from_base64(each["content"], f"{base}/attachments/{n}/content"),
                content_id=each["content_id"],
            )
            for n, each in enumerate(loaded["attachments"])
        ],
    )
    written = mime.read(BytesIO(compose.compose(letter)))
    # The MIME has random boundaries: what was asked for tells requests apart, not what we wrote.
    return Request(_draft(loaded, everybody, written), key, fingerprint(body, ""))


def _draft(loaded: Mapping[str, Any], recipients: tuple[EmailAddress, ...], read: Mime) -> Draft:
    source = loaded["source"] or {}
    return Draft(
        recipients=recipients,
        mime=read,
        stream=Stream(loaded["stream"]),
        kind=Kind(loaded["kind"]) if loaded["kind"] else None,
        list_id=loaded["list"],
        source=Source(source.get("plugin"), source.get("form")),
        expires_at=loaded["expires_at"],
    )


def _load(schema: type[Schema], body: Mapping[str, Any], base: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = _SCHEMAS[schema].load(body)
    except ValidationError as error:
        raise Invalid(
            "The request is not valid; see `errors`", errors=pointers(error.messages, base)
        ) from None
    return found


_BYTES_IN: Mapping[type[Schema], str | None] = {
    MetadataSchema: None,
    MimeItemSchema: "mime",
    PartItemSchema: "message",
}
"""The member in which metadata of this shape says where the bytes are."""


def _metadata(schema: type[Schema], body: Mapping[str, Any], base: str) -> Mapping[str, Any]:
    """As `_load`. What nearly all metadata says beside its envelope was said, and read, before."""
    envelope, bytes_in = body.get("envelope"), _BYTES_IN[schema]
    if _is_plain(envelope) and (bytes_in is None or bytes_in in body):
        rest = {name: v for name, v in body.items() if name not in ("envelope", bytes_in)}
        with suppress(ValueError, RecursionError):
            told = json.dumps(rest, sort_keys=True)
            if len(told) <= LONGEST_PURPOSE and (purpose := _purpose(schema, told)) is not None:
                sent = {"sender": envelope.get("from", ""), "to": envelope["to"]}
                return {**purpose, "envelope": sent}
    return _load(schema, body, base)


def _is_plain(envelope: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it is surely what `EnvelopeSchema` takes."""
    return (
        isinstance(envelope, dict)
        and envelope.keys() <= {"from", "to"}
        and isinstance(envelope.get("from", ""), str)
        and isinstance(to := envelope.get("to"), list)
        and 1 <= len(to) <= MOST_RECIPIENTS
        and all(isinstance(each, str) and len(each) <= LONGEST_TYPED for each in to)
    )


@lru_cache(maxsize=1_024)
def _purpose(schema: type[Schema], told: str) -> Mapping[str, Any] | None:
    """What metadata says beside its envelope, in JSON; None where something is wrong with it."""
    bytes_in = _BYTES_IN[schema]
    given = {"envelope": {"to": ["a@b"]}} | ({bytes_in: ""} if bytes_in is not None else {})
    try:
        found: dict[str, Any] = _SCHEMAS[schema].load(json.loads(told) | given)
    except ValidationError:
        return None
    return found


def _part(parts: Parts, name: str) -> Callable[[], IO[bytes]]:
    def stream() -> IO[bytes]:
        part = parts.files.get(name)
        if part is None:
            hint = "; give it a filename" if name in parts.fields else ""
            raise _wrong(f"#/{name}", f"The part {name!r} (message/rfc822) is missing{hint}.")
        part.seek(0)
        return part

    return stream


def _metadata_part(parts: Parts) -> str | bytes:
    part = parts.files.get("metadata")
    text = part.read(LARGEST_METADATA + 1) if part else parts.fields.get("metadata")
    if text is None:
        raise _wrong("#/metadata", "The part 'metadata' (application/json) is missing.")
    if len(text) > LARGEST_METADATA:
        raise TooLarge("The part 'metadata' is too large", limit=LARGEST_METADATA)
    return text


def _json(text: str | bytes, pointer: str) -> Mapping[str, Any]:
    return _storable(_parsed(text, pointer), pointer)


def _parsed(text: str | bytes, pointer: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _wrong(pointer, "It is not JSON that can be stored (UTF-8, no NUL).") from None


def _storable(found: Any, pointer: str) -> Mapping[str, Any]:
    """The object, if all that is in it fits into a database."""
    try:
        _check_text(found)
    except (ValueError, RecursionError):
        raise _wrong(pointer, "It is not JSON that can be stored (UTF-8, no NUL).") from None
    if not isinstance(found, dict):
        raise _wrong(pointer, "It must be a JSON object.")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check_text(value: Any) -> None:
    """No NUL and no lone surrogates anywhere: databases cannot keep them."""
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("NUL in a text")
        value.encode("utf-8")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner)


def from_base64(text: Any, pointer: str) -> bytes:
    """The bytes that a text of the request holds. Raises `Invalid`, with where it stands."""
    if not isinstance(text, str):
        raise _wrong(pointer, "It must be base64.")
    if len(text) > mime.LARGEST // 3 * 4 + 4:
        raise TooLarge(f"A message may have {mime.LARGEST:,} bytes at most", limit=mime.LARGEST)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _wrong(pointer, "It is not base64 (RFC 4648 §4).") from None


def _key(value: Any, base: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not is_idempotency_key(value):
        raise _wrong(
            f"{base}/idempotency_key", f"It must be 1 to {LONGEST_KEY} visible ASCII characters."
        )
    return value


def is_idempotency_key(text: str) -> bool:
    """Whether the text can be a key: 1 to 255 visible ASCII characters."""
    return 1 <= len(text) <= LONGEST_KEY and text.isascii() and text.isprintable()


def _wrong(pointer: str, detail: str) -> Invalid:
    return Invalid(
        "The request is not valid; see `errors`", errors=[{"pointer": pointer, "detail": detail}]
    )


def _recipients(texts: list[str], base: str) -> tuple[EmailAddress, ...]:
    """The addresses, each once (compared without case), in the order given."""
    found = dict.fromkeys(address_at(text, f"{base}/{at}") for at, text in enumerate(texts))
    return tuple(found)


def _mailbox(text: str, pointer: str) -> Mailbox:
    """`Ada <ada@shop.example>` or `ada@shop.example`."""
    found = getaddresses([text.replace("\r", " ").replace("\n", " ")])
    if "\n" in text or "\r" in text or len(found) != 1:
        raise _wrong(pointer, "Write one address, as in: Ada <ada@shop.example>.")
    name, address = found[0]
    return Mailbox(address_at(address, pointer), name)


def address_at(text: str, pointer: str) -> EmailAddress:
    """The address that stands at `pointer` of the request. Raises `Invalid` with that pointer."""
    try:
        return parse_address(text)
    except Invalid as error:
        raise Invalid(
            "An address is not valid; see `errors`",
            errors=[{"pointer": pointer, "detail": error.detail}],
        ) from None


def stream_fingerprint(*words: object) -> str:
    """The fingerprint of a request that carries no message of its own."""
    return hashlib.sha256(json.dumps(words, default=str).encode()).hexdigest()
