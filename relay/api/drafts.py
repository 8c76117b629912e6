"""From a request to a `Draft`: the shapes checked, the addresses canonical from here on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from flask import Request
from marshmallow import ValidationError

from relay.addresses import EmailAddress
from relay.addresses import parse as parse_address
from relay.api.schemas import MetadataSchema, pointers
from relay.errors import Invalid
from relay.gateways import mime
from relay.mail import Draft, Source
from relay.services.messages import fingerprint
from relay.vocabulary import Kind, Stream

LARGEST_METADATA = 256 * 1024
"""Bytes of the `metadata` part; 50 recipients need about 5 kB."""

LARGEST_REQUEST = mime.LARGEST + LARGEST_METADATA + 64 * 1024


@dataclass(frozen=True, slots=True)
class Read:
    """A draft, and what tells the same request from another one."""

    draft: Draft
    fingerprint: str


_METADATA = MetadataSchema()


def read_multipart(request: Request) -> Read:
    """The draft in a multipart request: `metadata` (JSON) and `message` (MIME, with a filename).

    Raises `Invalid` with pointers, or what `gateways.mime.read` raises.
    """
    if request.mimetype != "multipart/form-data":
        raise Invalid("Send multipart/form-data with the parts 'metadata' and 'message'")
    metadata = _metadata(request)
    message = request.files.get("message")
    if message is None:
        hint = "; give it a filename" if "message" in request.form else ""
        raise _missing("message", f"The part 'message' (message/rfc822) is missing{hint}.")
    return draft_from(metadata, message.stream)


def draft_from(
    metadata: Mapping[str, Any], message: IO[bytes], *, base: str = "#/metadata"
) -> Read:
    """The draft that checked JSON and raw MIME describe; `base` begins the pointers of errors."""
    try:
        loaded = _METADATA.load(metadata)
    except ValidationError as error:
        raise Invalid(
            "The metadata is not valid; see `errors`", errors=pointers(error.messages, base)
        ) from None
    envelope = loaded["envelope"]
    recipients = _recipients(envelope["to"], f"{base}/envelope/to")
    if envelope["sender"]:
        _address(envelope["sender"], f"{base}/envelope/from")
    read = mime.read(message)
    source = loaded["source"] or {}
    draft = Draft(
        recipients=recipients,
        mime=read,
        stream=Stream(loaded["stream"]),
        kind=Kind(loaded["kind"]) if loaded["kind"] else None,
        list_id=loaded["list"],
        source=Source(source.get("plugin"), source.get("form")),
        expires_at=loaded["expires_at"],
    )
    return Read(draft, fingerprint(metadata, read.digest))


def _metadata(request: Request) -> Mapping[str, Any]:
    part = request.files.get("metadata")
    text = part.stream.read(LARGEST_METADATA + 1) if part else request.form.get("metadata")
    if text is None:
        raise _missing("metadata", "The part 'metadata' (application/json) is missing.")
    if len(text) > LARGEST_METADATA:
        raise _missing("metadata", f"It is larger than {LARGEST_METADATA:,} bytes.")
    try:
        found = json.loads(text, parse_constant=_no_constant)
        _check_text(found)
    except (ValueError, RecursionError):
        raise _missing("metadata", "It is not JSON.") from None
    if not isinstance(found, dict):
        raise _missing("metadata", "It must be a JSON object.")
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


def _missing(part: str, detail: str) -> Invalid:
    return Invalid(
        "The request is not valid; see `errors`",
        errors=[{"pointer": f"#/{part}", "detail": detail}],
    )


def _recipients(texts: list[str], base: str) -> tuple[EmailAddress, ...]:
    """The addresses, each once (compared without case), in the order given."""
    found = dict.fromkeys(_address(text, f"{base}/{at}") for at, text in enumerate(texts))
    return tuple(found)


def _address(text: str, pointer: str) -> EmailAddress:
    try:
        return parse_address(text)
    except Invalid as error:
        raise Invalid(
            "An address is not valid; see `errors`",
            errors=[{"pointer": pointer, "detail": error.detail}],
        ) from None
