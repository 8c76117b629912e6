"""SendEmail's request, checked as SES checks it."""

import base64
import binascii
import re
from dataclasses import dataclass
from email.utils import getaddresses
from typing import Any

from simulator import mime, simple
from simulator.addresses import bare
from simulator.errors import AwsError, bad_request, not_found

SIZE_LIMIT = 40 * 1024 * 1024
LINE_LIMIT = 1000
DESTINATION_LIMIT = 50

TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
RESERVED_TAGS = frozenset({"ses:feedback-id-a", "ses:feedback-id-b"})
COMMAND_TAG = re.compile(r"\s*([^=\s]+)\s*=\s*([^,\s]+)\s*(?:,|$)")

SINGLE_HEADERS = """
accept-language acceptlanguage auto-submitted bcc cc content-class content-description
content-disposition content-id content-language content-transfer-encoding content-type date
delivered-to disposition-notification-to from importance in-reply-to language list-archive
list-help list-id list-owner list-post list-subscribe list-unsubscribe list-unsubscribe-post
message-id mime-version precedence priority references reply-to return-path sender sensitivity
subject thread-index thread-topic to user-agent
"""
SINGLE = frozenset(SINGLE_HEADERS.split())
"""Headers that may be there only once."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A request SES would accept. `destination` holds bare addresses."""

    source: str
    destination: list[str]
    tags: dict[str, str]
    configuration_set: str | None
    tenant: str | None
    raw: bytes
    head_size: int
    headers: mime.Headers


def parse(body: dict[str, Any]) -> Draft:
    """Parse and check SendEmail's body. Raises AwsError as SES answers it."""
    try:
        return _parse(body)
    except (AttributeError, TypeError, ValueError) as error:
        raise AwsError("SerializationException", f"A member has the wrong type: {error}") from error


def _parse(body: dict[str, Any]) -> Draft:
    content = _object(body, "Content")
    if sum(kind in content for kind in ("Simple", "Raw", "Template")) != 1:
        raise bad_request("Content must have exactly one of Simple, Raw, Template.")
    if "Template" in content:
        name = (content["Template"] or {}).get("TemplateName", "inline")
        raise not_found(f"Template {name} does not exist.")
    if "ListManagementOptions" in body:
        name = _object(body, "ListManagementOptions").get("ContactListName")
        raise not_found(f"List with name: {name} doesn't exist.")
    destination = _destination(_object(body, "Destination"))
    raw = _raw(content) if "Raw" in content else simple.build(body, content["Simple"])
    if len(raw) > SIZE_LIMIT:
        raise bad_request(f"Message length is more than {SIZE_LIMIT} bytes long: '{len(raw)}'.")
    head_size = mime.head_size(raw)
    headers = mime.parse_headers(raw[:head_size])
    _check_mime(raw, headers)
    source = body.get("FromEmailAddress") or mime.header(headers, "from") or ""
    _bare_source(source)
    return Draft(
        source=source,
        destination=destination or _destination_of(headers),
        tags=_tags(body.get("EmailTags"), headers),
        configuration_set=body.get("ConfigurationSetName")
        or mime.header(headers, "x-ses-configuration-set"),
        tenant=body.get("TenantName") or mime.header(headers, "x-ses-tenant"),
        raw=raw,
        head_size=head_size,
        headers=headers,
    )


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise bad_request(f"{name} must be an object.")
    return value


def _raw(content: dict[str, Any]) -> bytes:
    try:
        raw = base64.b64decode((content["Raw"] or {}).get("Data") or "", validate=True)
    except (binascii.Error, ValueError, TypeError, AttributeError):
        raise bad_request("Content.Raw.Data is not base64.") from None
    if not raw:
        raise bad_request("Content.Raw.Data must not be empty.")
    return raw


def _destination(body: dict[str, Any]) -> list[str]:
    """The bare addresses of Destination."""
    listed = [
        address
        for kind in ("ToAddresses", "CcAddresses", "BccAddresses")
        for address in body.get(kind) or ()
    ]
    if len(listed) > DESTINATION_LIMIT:
        raise bad_request(f"Recipient count exceeds {DESTINATION_LIMIT}.")
    return [bare(address) for address in listed]


def _destination_of(headers: mime.Headers) -> list[str]:
    """The recipients of a raw mail without Destination: those of its headers."""
    values = [value for name, value in headers if name.lower() in ("to", "cc", "bcc")]
    listed = [address for _, address in getaddresses(values) if address]
    if not listed:
        raise bad_request("Destination is empty and the mail has no To, Cc or Bcc header.")
    return _destination({"ToAddresses": listed})


def _bare_source(source: str) -> str:
    if not source:
        raise bad_request("Missing required header 'From'.")
    return bare(source)


def _check_mime(raw: bytes, headers: mime.Headers) -> None:
    """Raise BadRequestException if SES would not take this MIME."""
    seen = set()
    for name, _ in headers:
        key = name.lower()
        if key in seen and key in SINGLE:
            raise bad_request(f"Duplicate header '{name}'.")
        seen.add(key)
    if "from" not in seen:
        raise bad_request("Missing required header 'From'.")
    if max(map(len, raw.split(b"\n"))) >= LINE_LIMIT:
        raise bad_request(f"Lines of a raw message must not exceed {LINE_LIMIT} characters.")
    filename = mime.executable_attachment(raw)
    if filename:
        raise bad_request(f"Illegal filename '{filename}'.")


def _tags(listed: list[dict[str, str]] | None, headers: mime.Headers) -> dict[str, str]:
    """The message tags: those of the call, or else those of the X-SES-MESSAGE-TAGS header."""
    if listed:
        pairs = [(str(tag.get("Name", "")), str(tag.get("Value", ""))) for tag in listed]
    else:
        pairs = COMMAND_TAG.findall(mime.header(headers, "x-ses-message-tags") or "")
    for name, value in pairs:
        if not TAG.fullmatch(name) and name not in RESERVED_TAGS:
            raise bad_request(
                f"Invalid tag name <{name}>: only ASCII letters, digits, _ and -, at most 256."
            )
        if not TAG.fullmatch(value):
            raise bad_request(
                f"Invalid tag value <{value}>: only ASCII letters, digits, _ and -, at most 256."
            )
    return dict(pairs)
