"""From a structured message to MIME, for clients that have no finished mail of their own.

The standard library writes the MIME (RFC 2047 words, RFC 2231 parameters, quoted-printable or
base64 where needed); what goes in is checked here, so that no value can become another header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from relay.addresses import EmailAddress
from relay.errors import Invalid, UnsafeHeader

POLICY = SMTP.clone(cte_type="7bit", max_line_length=78)

HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,76}")

CUSTOM_HEADERS = re.compile(
    r"(?i)x-.+|list-.+|in-reply-to|references|auto-submitted|precedence|importance|priority|"
    r"feedback-id|content-language|organization|keywords|comments"
)
"""Headers a client may set itself; everything else has a field of its own or is ours."""

CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+-]{1,60}")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name to show beside it."""

    address: EmailAddress
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file; with a `content_id` it is an inline image that the HTML refers to as `cid:…`."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in parts."""

    sender: Mailbox
    to: Sequence[Mailbox]
    cc: Sequence[Mailbox] = ()
    reply_to: Sequence[Mailbox] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()


def compose(letter: Letter) -> bytes:
    """The letter as MIME. Raises `UnsafeHeader` or `Invalid`, saying which field is to blame."""
    if letter.text is None and letter.html is None:
        raise Invalid(
            "A message needs html, text or both",
            errors=[{"pointer": "#/text", "detail": "Give text, html or both."}],
        )
    message = EmailMessage(policy=POLICY)
    message["From"] = _shown(letter.sender)
    for name, people in (("To", letter.to), ("Cc", letter.cc), ("Reply-To", letter.reply_to)):
        if people:
            message[name] = tuple(_shown(each) for each in people)
    message["Subject"] = _line(letter.subject, "subject")
    for name, value in letter.headers.items():
        message[_header_name(name)] = _line(value, name)
    _write_body(message, letter)
    for attachment in letter.attachments:
        _attach(message, attachment)
    try:
        return message.as_bytes()
    except (UnicodeError, ValueError, LookupError) as error:
        raise Invalid(f"The message cannot be written as MIME: {error}") from None


def _write_body(message: EmailMessage, letter: Letter) -> None:
    if letter.text is not None:
        message.set_content(_lines(letter.text))
        if letter.html is not None:
            message.add_alternative(_lines(letter.html), subtype="html")
    elif letter.html is not None:
        message.set_content(_lines(letter.html), subtype="html")
    inline = [each for each in letter.attachments if each.content_id]
    html = message.get_body(("html",))
    if inline and html is None:
        raise Invalid(
            "An attachment with a content_id needs html that shows it",
            errors=[{"pointer": "#/attachments", "detail": "There is no html to refer to it."}],
        )
    for each in inline:
        kind, subtype = _kind(each.content_type)
        assert isinstance(html, EmailMessage)
        html.add_related(
            each.content,
            maintype=kind,
            subtype=subtype,
            cid=f"<{_token(each.content_id or '', 'content_id')}>",
            filename=_line(each.filename, "filename"),
            disposition="inline",
        )


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    if attachment.content_id:
        return
    kind, subtype = _kind(attachment.content_type)
    message.add_attachment(
        attachment.content,
        maintype=kind,
        subtype=subtype,
        filename=_line(attachment.filename, "filename"),
    )


def _kind(content_type: str) -> tuple[str, str]:
    if CONTENT_TYPE.fullmatch(content_type) is None:
        raise UnsafeHeader(
            f"{content_type[:80]!r} is no content type like application/pdf", header="content-type"
        )
    kind, _, subtype = content_type.lower().partition("/")
    if kind in ("text", "multipart", "message"):  # as bytes, whatever their charset may be
        return "application", "octet-stream"
    return kind, subtype


def _shown(mailbox: Mailbox) -> Address:
    return Address(_line(mailbox.name, "name"), addr_spec=str(mailbox.address))


def _header_name(name: str) -> str:
    if HEADER_NAME.fullmatch(name) is None or CUSTOM_HEADERS.fullmatch(name) is None:
        raise UnsafeHeader(f"The header {name[:80]!r} cannot be set", header=name[:80])
    if name.lower().startswith(("x-ses-", "x-postreeve-")):
        raise UnsafeHeader(f"The header {name[:80]!r} is reserved", header=name[:80])
    return name


def _line(value: str, where: str) -> str:
    """A value for a header: one line, no control characters."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise UnsafeHeader(f"{where!r} holds a line break or control character", header=where)
    return value


def _token(value: str, where: str) -> str:
    if re.fullmatch(r"[\x21-\x7e]{1,200}", value) is None or re.search(r"[<>\s]", value):
        raise UnsafeHeader(f"{where!r} must be visible ASCII without < and >", header=where)
    return value


def _lines(text: str) -> str:
    """Text without NUL; the library writes its line ends."""
    if "\x00" in text:
        raise Invalid("The body holds a NUL character")
    return text.replace("\r\n", "\n").replace("\r", "\n")
