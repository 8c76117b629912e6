"""The MIME that SES makes of a Simple content."""

import base64
import binascii
import re
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from simulator.errors import bad_request

HEADER_LIMIT = 15
HEADER_NAME = re.compile(r"[!-9;-@A-~]{1,126}")
HEADER_VALUE = re.compile(r"[ -~]{1,995}")


def build(body: dict[str, Any], content: dict[str, Any]) -> bytes:
    """The mail of a SendEmail body with Simple `content`. Raises BadRequestException."""
    texts = content.get("Body") or {}
    if not (content.get("Subject") or {}).get("Data") and not texts:
        raise bad_request("Content.Simple needs Subject and Body.")
    message = EmailMessage(policy=SMTP)
    destination = body.get("Destination") or {}
    try:
        _address(message, "From", [body.get("FromEmailAddress") or ""])
        _address(message, "To", destination.get("ToAddresses"))
        _address(message, "Cc", destination.get("CcAddresses"))
        _address(message, "Reply-To", body.get("ReplyToAddresses"))
        message["Subject"] = _data(content, "Subject")
        for name, value in _headers(content):
            message[name] = value
        _set_texts(message, texts)
        for attachment in content.get("Attachments") or ():
            _attach(message, attachment)
        return message.as_bytes()
    except (ValueError, LookupError, UnicodeError) as error:
        raise bad_request(f"Content.Simple cannot be made into a mail: {error}") from None


def _address(message: EmailMessage, name: str, addresses: list[str] | None) -> None:
    if addresses:
        message[name] = ", ".join(addresses)


def _data(parent: dict[str, Any], name: str) -> str:
    """The text of `parent[name]`; non-ASCII needs a Charset."""
    part = parent.get(name) or {}
    data = str(part.get("Data") or "")
    if not data.isascii() and not part.get("Charset"):
        raise bad_request(f"{name} has non-ASCII characters but no Charset.")
    return data


def _headers(content: dict[str, Any]) -> list[tuple[str, str]]:
    listed = [(h.get("Name", ""), h.get("Value", "")) for h in content.get("Headers") or ()]
    if len(listed) > HEADER_LIMIT:
        raise bad_request(f"At most {HEADER_LIMIT} headers are allowed.")
    for name, value in listed:
        if not HEADER_NAME.fullmatch(name):
            raise bad_request(f"Invalid header name <{name}>.")
        if not HEADER_VALUE.fullmatch(value) or len(name) + len(value) > 996:
            raise bad_request(f"Invalid value of the header <{name}>.")
    return listed


def _set_texts(message: EmailMessage, texts: dict[str, Any]) -> None:
    if "Text" in texts:
        message.set_content(_data(texts, "Text"))
        if "Html" in texts:
            message.add_alternative(_data(texts, "Html"), subtype="html")
    else:
        message.set_content(_data(texts, "Html"), subtype="html")


def _attach(message: EmailMessage, attachment: dict[str, Any]) -> None:
    try:
        data = base64.b64decode(attachment.get("RawContent") or "")
    except binascii.Error:
        raise bad_request("Attachment RawContent is not base64.") from None
    name = attachment.get("FileName")
    if not name or len(name) > 255:
        raise bad_request("Attachment FileName is required, at most 255 characters.")
    main, _, sub = (attachment.get("ContentType") or "application/octet-stream").partition("/")
    message.add_attachment(
        data,
        maintype=main,
        subtype=sub or "octet-stream",
        filename=name,
        cid=attachment.get("ContentId"),
        disposition=(attachment.get("ContentDisposition") or "ATTACHMENT").lower(),
    )
