"""Raw MIME in, raw MIME out: the header block read and cleaned, the body left as it came.

Bodies are never decoded. A message is read in parts of at most `PART` bytes, so that 40 MB do not
stand in memory several times. What is checked here is what Amazon SES would refuse or obey:
repeated single headers, lines over 998 octets, raw 8-bit in headers, `X-SES-*` commands
(SES developer guide, 'Sending raw email'; RFC 5322 §2.1.1 and §3.6).
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from email.errors import HeaderParseError
from email.header import Header as EncodedText
from email.header import decode_header
from email.utils import getaddresses
from typing import IO, NamedTuple

from relay.addresses import EmailAddress
from relay.addresses import parse as parse_address
from relay.errors import Invalid, MessageInvalid, TooLarge, UnsafeHeader
from relay.mail import Mime

PART = 1 << 20
"""Bytes of one stored part of a message (our decision: most mails are one part)."""

LARGEST = 40 * 1024 * 1024
"""Bytes of the largest message SES v2 takes (SES quotas)."""

LARGEST_HEADER = 128 * 1024
"""Bytes of the largest header block we read (our decision; 50 recipients need about 16 kB)."""

LARGEST_REPLY_TO = 4 * 1024
"""Characters of Reply-To that are read (our decision; one address is the rule)."""

LONGEST_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 §2.1.1)."""

SINGLE = frozenset(
    b"from sender reply-to to cc bcc message-id in-reply-to references subject date "
    b"mime-version content-type content-transfer-encoding content-disposition content-id "
    b"list-unsubscribe list-unsubscribe-post return-path".split()
)
"""Headers of which a message has at most one (RFC 5322 §3.6; SES refuses repetitions)."""

REMOVED = frozenset((b"return-path", b"sender", b"bcc", b"dkim-signature"))
"""Headers of ours, or that would leak or mislead; SES or we set what is needed."""

REMOVED_PREFIXES = (b"x-ses-", b"x-postreeve-")
"""`X-SES-*` headers act as commands to SES; ours are between the plugin and us."""

_NAME = re.compile(rb"([!-9;-~]{1,126}):[ \t]*")
_UNSAFE = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_ATOM = r"[^\s<>()\[\],;:@\"\\]+"
_WORDS = r'[^<>,;:@"()\\]|\([^<>,;:@"()\\]*\)'  # a comment that is left open would hide the address
_SENDER = re.compile(
    rf'\s*(?:(?P<name>"(?:[^"\\]|\\.)*"|(?:{_WORDS})*?)\s*<\s*(?P<boxed>{_ATOM}@{_ATOM})\s*>'
    rf"|(?P<bare>{_ATOM}@{_ATOM}))\s*"
)
_LANGUAGE = re.compile(r"(=\?[^?*\s]{1,40})\*[^?\s]{0,40}(?=\?[BbQq]\?)")
"""The charset of an encoded word, and the language behind it."""

_BOUNDARY = re.compile(rb';\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)


class Header(NamedTuple):
    """One header field: its name in lower case, and its lines as they came (CRLF, folded)."""

    name: bytes
    lines: bytes

    @property
    def value(self) -> str:
        """The field's value, unfolded (RFC 5322 §2.2.3)."""
        return self.lines.partition(b":")[2].replace(b"\r\n", b"").strip().decode("ascii")


def read(stream: IO[bytes]) -> Mime:
    """The message in `stream`, checked, cleaned and ready to go out.

    Raises `MessageInvalid`, `UnsafeHeader` or `TooLarge`, each saying what to change.
    """
    digest = hashlib.sha256()
    parts = _parts(stream, digest)
    head, first_body = _split(next(parts, b""))
    headers = _headers(head)
    gone = {h.name for h in headers if _is_removed(h.name)}
    kept = b"".join([h.lines for h in headers if h.name not in gone]) + b"\r\n"
    bodies = [first_body, *parts]
    _check_lines(bodies)
    _check_boundary(headers, bodies)
    sender, name = _sender(headers)
    return Mime(
        parts=tuple(_packed(kept, bodies)),
        digest=digest.hexdigest(),
        sender=sender,
        sender_name=name,
        subject=_text(_value(headers, b"subject")) or "",
        message_id=_value(headers, b"message-id"),
        has_list_unsubscribe=_value(headers, b"list-unsubscribe") is not None,
        has_list_id=_value(headers, b"list-id") is not None,
        precedence=_value(headers, b"precedence"),
        removed=tuple(sorted(name.decode() for name in gone)),
        reply_to=_reply_to(_value(headers, b"reply-to")),
        rewritten=(_value(headers, b"x-postreeve-rewritten") or "").lower() == "from",
    )


def with_sender_name(message: Mime, name: str) -> Mime:
    """The message with another display name in From, and nothing else changed.

    The name is written as RFC 2047 says where it is not ASCII, and cut where the header could no
    longer be read back (998 octets, as `read` takes it).
    """
    head = message.parts[0]
    end = head.find(b"\r\n\r\n") + 2
    start = 0 if head[:5].lower() == b"from:" else head.lower().index(b"\r\nfrom:", 0, end) + 2
    stop = start
    while True:  # to the first line that does not continue the field
        stop = head.index(b"\r\n", stop) + 2
        if head[stop : stop + 1] not in (b" ", b"\t"):
            break
    name, line = _sender_line(name, message.sender)
    parts = [head[:start] + line + head[stop:], *message.parts[1:]]
    return replace(message, parts=tuple(pieces(parts)), sender_name=name)


def without(message: Mime, names: frozenset[bytes]) -> Mime:
    """The message without the headers of these names (in lower case), and with that told in `removed`."""
    head, first_body = _split(message.parts[0])
    headers = _headers(head)
    gone = {h.name.decode() for h in headers if h.name in names}
    if not gone:
        return message
    kept = b"".join(h.lines for h in headers if h.name not in names) + b"\r\n"
    return replace(
        message,
        parts=tuple(pieces([kept + first_body, *message.parts[1:]])),
        removed=tuple(sorted({*message.removed, *gone})),
    )


def _sender_line(name: str, address: EmailAddress) -> tuple[str, bytes]:
    """The From field with its CRLF, and the name as it fits into it."""
    while name:
        shown = _phrase(name)
        if len(shown) + len(address.text) < LONGEST_LINE - 100:
            return name, f"From: {shown}\r\n <{address}>\r\n".encode("ascii")
        name = name[: len(name) * 3 // 4].rstrip()
    return "", f"From: <{address}>\r\n".encode("ascii")


def _phrase(name: str) -> str:
    """The name as a header shows it: a quoted string, or encoded words in folded lines."""
    if name.isascii() and name.isprintable() and "=?" not in name:
        return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return EncodedText(name, "utf-8", maxlinelen=75, header_name="From").encode(linesep="\r\n")


def _reply_to(value: str | None) -> tuple[EmailAddress, ...] | None:
    """The addresses of Reply-To, each once; None when one of them is no address."""
    if not value:
        return ()
    found = []
    for _, address in getaddresses([value[:LARGEST_REPLY_TO]]):
        try:
            found.append(parse_address(address))
        except Invalid:
            return None
    return tuple(dict.fromkeys(found))


def _parts(stream: IO[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    """The bytes of `stream` in CRLF lines, in parts of about `PART` bytes."""
    size, held = 0, b""
    while data := stream.read(PART):
        digest.update(data)
        data = held + data
        held = b""
        if data.endswith(b"\r"):  # its LF may be the first byte of the next part
            data, held = data[:-1], b"\r"
        data = _crlf(data)
        size += len(data)
        if size > LARGEST:
            raise TooLarge(f"A message may have {LARGEST:,} bytes at most", limit=LARGEST)
        yield data
    if held:
        yield b"\r\n"


def _crlf(data: bytes) -> bytes:
    if data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
        return data
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def _split(first: bytes) -> tuple[bytes, bytes]:
    """Header block (with its last CRLF) and the beginning of the body."""
    if not first:
        raise MessageInvalid("The message is empty")
    at = first.find(b"\r\n\r\n", 0, LARGEST_HEADER)
    if at >= 0:
        return first[: at + 2], first[at + 4 :]
    if len(first) > LARGEST_HEADER:
        raise MessageInvalid(f"The header block is longer than {LARGEST_HEADER:,} bytes")
    return (first if first.endswith(b"\r\n") else first + b"\r\n"), b""


def _headers(head: bytes) -> list[Header]:
    found: list[Header] = []
    for line in head[:-2].split(b"\r\n"):
        if len(line) > LONGEST_LINE:
            raise MessageInvalid(f"A header line is longer than {LONGEST_LINE} octets; fold it")
        if line[:1] in (b" ", b"\t"):
            if not found:
                raise MessageInvalid("The message begins with a continuation line")
            found[-1] = Header(found[-1].name, found[-1].lines + line + b"\r\n")
            continue
        match = _NAME.match(line)
        if match is None:
            raise MessageInvalid(
                f"Line {len(found) + 1} of the header block is no header ('Name: value'): "
                f"{line[:40].decode('ascii', 'replace')!r}"
            )
        found.append(Header(match[1].lower(), line + b"\r\n"))
    _check_headers(found)
    return found


def _check_headers(headers: list[Header]) -> None:
    seen: set[bytes] = set()
    whole = b"".join([header.lines for header in headers])
    unsafe = not whole.isascii() or _UNSAFE.search(whole.replace(b"\r\n", b"")) is not None
    for header in headers:
        if unsafe:
            _check_signs(header)
        if header.name in SINGLE:
            if header.name in seen:
                name = header.name.decode()
                raise UnsafeHeader(f"The header {name!r} occurs twice", header=name)
            seen.add(header.name)


def _check_signs(header: Header) -> None:
    name, content = header.name.decode(), header.lines.replace(b"\r\n", b"")
    if _UNSAFE.search(content):
        raise UnsafeHeader(f"The header {name!r} holds a control character", header=name)
    if not content.isascii():
        raise UnsafeHeader(
            f"The header {name!r} holds raw 8-bit text; encode it as RFC 2047 says", header=name
        )


def _is_removed(name: bytes) -> bool:
    return name in REMOVED or name.startswith(REMOVED_PREFIXES)


def _value(headers: list[Header], name: bytes) -> str | None:
    for header in headers:
        if header.name == name:
            return header.value
    return None


def _text(value: str | None) -> str | None:
    """The value with its encoded words decoded (RFC 2047).

    As mail programs do it: a language (RFC 2231 §5) is passed over, and octets that mean nothing in
    their charset spoil only themselves. What we left encoded we would not look through, and the
    reader's program may well decode it.
    """
    if value is None or "=?" not in value:
        return value
    try:
        pieces = decode_header(_LANGUAGE.sub(r"\1", value))
    except (HeaderParseError, ValueError):
        return value
    return "".join(_readable(*piece) for piece in pieces).strip().replace("\x00", "")


def _readable(text: bytes | str, charset: str | None) -> str:
    """A piece of a header, with U+FFFD for what cannot be read."""
    if isinstance(text, str):
        return text
    known = charset or "ascii"
    try:
        codecs.lookup(known)
        decoded = text.decode(known, "replace")
    except (LookupError, ValueError):  # no such charset, or a codec that is none of text
        decoded = text.decode("utf-8", "replace")
    return decoded.encode("utf-8", "replace").decode()  # lone surrogates fit into no database


def _sender(headers: list[Header]) -> tuple[EmailAddress, str]:
    value = _value(headers, b"from")
    if value is None:
        raise MessageInvalid("The message has no From header", header="from")
    match = _SENDER.fullmatch(value) if len(value) <= LONGEST_LINE else None
    if match is None:
        raise MessageInvalid(
            "The From header must name exactly one address, as in: Shop <news@shop.example>",
            header="from",
        )
    try:
        address = parse_address(match["boxed"] or match["bare"])
    except Invalid as error:
        raise MessageInvalid(
            f"The From address is not valid: {error.detail}", header="from"
        ) from None
    name = re.sub(r"\\(.)", r"\1", (match["name"] or "").strip().strip('"'))
    return address, _text(name) or ""


def _check_lines(bodies: list[bytes]) -> None:
    unfinished = 0
    for body in bodies:
        if b"\x00" in body:
            raise MessageInvalid("The body holds a NUL byte; encode binary data as base64")
        lengths = list(map(len, body.split(b"\r\n")))
        lengths[0] += unfinished
        if max(lengths) > LONGEST_LINE:
            raise MessageInvalid(
                f"A line of the body is longer than {LONGEST_LINE} octets; "
                "encode it as quoted-printable or base64"
            )
        unfinished = lengths[-1]


def _check_boundary(headers: list[Header], bodies: list[bytes]) -> None:
    content_type = (_value(headers, b"content-type") or "").encode()
    if not content_type.lower().lstrip().startswith(b"multipart/"):
        return
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise MessageInvalid(
            "The Content-Type is multipart but names no boundary", header="content-type"
        )
    mark = b"--" + (found[1] or found[2])
    tail = b"\r\n"
    for body in bodies:
        if b"\r\n" + mark in tail + body:
            return
        tail = body[-len(mark) - 2 :]
    raise MessageInvalid(
        "The boundary of the multipart message never occurs", header="content-type"
    )


def _packed(head: bytes, bodies: list[bytes]) -> Iterator[bytes]:
    """Header block and bodies as parts of at most `PART` bytes (newline repair may lengthen them)."""
    return pieces([head + bodies[0], *bodies[1:]])


def pieces(bodies: list[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of at most `PART`."""
    for body in bodies:
        for start in range(0, len(body), PART):
            yield body[start : start + PART]
