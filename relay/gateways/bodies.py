"""The body of a message: which parts it has, what stands in its texts, and the same with other texts.

Transactional mail is never looked into. Two kinds of mail are: security mail, for where its links lead,
and newsletters, whose texts must hold the way out. Whatever is not touched stays as it is, byte by
byte.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from functools import lru_cache
from io import BytesIO

from relay.errors import TooLarge
from relay.gateways import markup, mime
from relay.gateways.markup import COMMENT, RAW, REST, TEXT, Token
from relay.mail import Look, Mime

LARGEST_LOOK = 256 * 1024
"""Bytes of a message whose links are looked for (our decision: security mail is a few lines)."""

DEEPEST = 12
"""Parts within parts within parts: nobody's mail program makes more (our decision)."""

MOST_PARTS = 1_000

SEALED = frozenset(
    (
        "multipart/signed",
        "multipart/encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
        "application/pgp-encrypted",
    )
)
"""What nobody can change without breaking it, or read without a key (RFC 1847, RFC 8551)."""

TEXTS = ("text/plain", "text/html")

_LENIENT = ("utf-8", "us-ascii", "ascii", "utf8")
"""Charsets in which bytes that do not belong are kept as they are."""

_NO_CHARSETS = frozenset(
    ("idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "utf_7", "utf-7")
)
"""Python's codecs that are no charset of mail, or slow."""

_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")

_FIELD = re.compile(rb"[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n")
_WELL_FORMED = re.compile(rb"(?:[!-9;-~]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*(?:\r\n)?")
"""A header block of which no line ends it early, or is read in two ways."""
_CONTENT = re.compile(rb"^content-[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.IGNORECASE | re.MULTILINE)
"""A field that tells of a part (RFC 2045 §3): all others tell of the mail."""


_PLAIN_MAILBOX = re.compile(r"([A-Za-z]+(?: [A-Za-z]+)*) <[\w.+-]+@[\w.-]+>", re.ASCII)
"""A person's name and address, as most mails have them: nothing quoted, encoded or commented."""


class Unreadable(Exception):
    """A body that we cannot read or must not change; `reason` is a word for it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Text:
    """A text part: where its header block and body begin and end in the whole message, and what it says.

    `is_body` tells the mail's own words (all alternatives of them) from texts that follow. Lines end
    in LF.
    """

    start: int
    body: int
    end: int
    type: str
    charset: str
    encoding: str
    is_body: bool
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """The parts of a message: texts, and whether there are files beside them."""

    data: bytes
    texts: tuple[Text, ...]
    attachments: bool


def read(message: Mime, *, leniently: bool = False) -> Body:
    """The message in its parts. Raises `Unreadable`.

    `leniently` takes everything as mail programs do: what is broken as far as it goes, what is signed
    without its seal, and what cannot be read as the text that stands there. Then nothing is raised, and
    nothing may be written that way.
    """
    data = b"".join(message.parts)
    texts: list[Text] = []
    attachments = False
    for count, leaf in enumerate(_leaves(data, 0, len(data), True, 0, leniently)):
        if count >= MOST_PARTS:
            if leniently:
                break
            raise Unreadable("too-many-parts", f"It has more than {MOST_PARTS} parts")
        if isinstance(leaf, Text):
            texts.append(leaf)
        else:
            attachments = attachments or not leaf
    return Body(data, tuple(texts), attachments)


def _leaves(
    data: bytes, start: int, end: int, is_body: bool, depth: int, leniently: bool
) -> Iterator[Text | bool]:
    """Texts, and for each other part whether it is only a picture in a text."""
    try:
        yield from _strictly(data, start, end, is_body, depth, leniently)
    except Unreadable:
        if not leniently:
            raise
        body = _body_of(data, start, end)
        text = data[body:end].decode("latin-1")
        yield Text(start, body, end, "text/html", "latin-1", "8bit", is_body, text)


def _strictly(
    data: bytes, start: int, end: int, is_body: bool, depth: int, leniently: bool
) -> Iterator[Text | bool]:
    body = _body_of(data, start, end)
    head = _head(data[start:body])
    kind = head.kind
    if kind in SEALED and not (leniently and kind == "multipart/signed"):
        raise Unreadable("sealed", "It is signed or encrypted as a whole")
    if kind.startswith("multipart/"):
        if depth >= DEEPEST:
            raise Unreadable("too-deep", "Its parts are nested too deeply")
        for place, (first, last) in enumerate(_parts(data, body, end, head.boundary)):
            yield from _leaves(
                data,
                first,
                last,
                is_body and (place == 0 or kind == "multipart/alternative"),
                depth + 1,
                leniently,
            )
    elif kind in TEXTS and head.disposition != "attachment" and not head.name:
        yield _text(data, start, body, end, head, is_body, leniently)
    else:
        yield kind.startswith("image/") and head.is_shown and head.disposition != "attachment"


@dataclass(frozen=True, slots=True)
class _Head:
    """What a header block says of its part: name and charset of a text, the boundary of a multipart, and
    whether another part may show it (`is_shown`)."""

    kind: str
    disposition: str | None
    name: str | None
    charset: str
    encoding: str
    boundary: str
    is_shown: bool


def _head(data: bytes) -> _Head:
    """What a header block says of the part. Most mails of a site say the same of it, beside all else."""
    if _WELL_FORMED.fullmatch(data):
        data = b"".join(_CONTENT.findall(data))
    return _read_head(data)


@lru_cache(maxsize=256)
def _read_head(data: bytes) -> _Head:
    head = BytesHeaderParser().parsebytes(data)
    kind = head.get_content_type()
    is_text, is_multipart = kind in TEXTS, kind.startswith("multipart/")
    return _Head(
        kind=kind,
        disposition=head.get_content_disposition(),
        name=_name(head) if is_text else None,
        charset=((head.get_content_charset() if is_text else None) or "us-ascii").lower(),
        encoding=str(head.get("content-transfer-encoding") or "7bit").strip().lower(),
        boundary=str((head.get_boundary() if is_multipart else None) or ""),
        is_shown=head.get("content-id") is not None,
    )


def _body_of(data: bytes, start: int, end: int) -> int:
    """Where the header block that begins at `start` is over."""
    if data.startswith(b"\r\n", start):
        return min(start + 2, end)
    at = data.find(b"\r\n\r\n", start, end)
    return at + 4 if at >= 0 else end


def _parts(data: bytes, start: int, end: int, boundary: str) -> Iterator[tuple[int, int]]:
    """Where the parts of a multipart begin and end (RFC 2046 §5.1.1)."""
    if not boundary or not boundary.isascii():
        raise Unreadable("no-boundary", "A part is multipart but names no boundary")
    mark = re.compile(rb"(?:\A|\r\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r\n|\Z)")
    began: int | None = None
    area = data[start:end]
    for found in mark.finditer(area):
        if began is not None:
            yield start + began, start + max(found.start(), began)
        if found[1]:
            return
        began = min(found.end() + 2, len(area))
    if began is not None:  # the closing mark is missing: it ends where everything does
        yield start + began, end


def _name(head: Message) -> str | None:
    try:
        return head.get_filename()
    except (LookupError, ValueError, TypeError):
        return "unreadable"


def _text(
    data: bytes, start: int, body: int, end: int, head: _Head, is_body: bool, leniently: bool
) -> Text:
    charset, encoding = head.charset, head.encoding
    raw = data[body:end]
    try:
        if encoding == "base64":
            raw = _as_far_as_it_goes(raw) if leniently else binascii.a2b_base64(raw)
        elif encoding == "quoted-printable":
            raw = binascii.a2b_qp(raw)
        elif encoding not in ("7bit", "8bit", "binary"):
            raise Unreadable("encoding", f"The encoding {encoding[:40]!r} is not known")
    except binascii.Error:
        raise _not_as_it_says(head) from None
    try:
        if charset in _NO_CHARSETS:
            raise LookupError(charset)
        lost = "replace" if leniently else "strict"
        text = raw.decode(charset, "surrogateescape" if charset in _LENIENT else lost)
    except (LookupError, UnicodeError):
        if not leniently:
            raise _not_as_it_says(head) from None
        text = raw.decode("latin-1")
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return Text(start, body, end, head.kind, charset, encoding, is_body, plain)


def _not_as_it_says(head: _Head) -> Unreadable:
    return Unreadable(
        "unreadable", f"A text is not what it says ({head.encoding[:40]}, {head.charset[:40]})"
    )


def _as_far_as_it_goes(encoded: bytes) -> bytes:
    """What base64 says that breaks off, holds other signs, or goes on behind its end (RFC 2045 §6.8)."""
    said = []
    for part in re.split(rb"=+", encoded):
        signs = _NO_BASE64.sub(b"", part)
        whole = signs[:-1] if len(signs) % 4 == 1 else signs
        said.append(binascii.a2b_base64(whole + b"=="))
    return b"".join(said)


def rewritten(message: Mime, body: Body, change: Callable[[Text], str | None]) -> Mime:
    """The message with other texts: `change` gives a text's new words, or None to leave it as it is.

    What is changed is written as quoted-printable in the part's own charset, or in UTF-8 where that
    has no signs for it.
    """
    pieces: list[bytes] = []
    done = 0
    for text in body.texts:
        if (words := change(text)) is None:
            continue
        charset, data = _encoded(words, text.charset)
        head = _with_encoding(body.data[text.start : text.body], text, charset)
        pieces += [body.data[done : text.start], head, _quoted_printable(data)]
        done = text.end
    if not pieces:
        return message
    whole = b"".join([*pieces, body.data[done:]])
    if len(whole) > mime.LARGEST:
        raise TooLarge(
            f"A message may have {mime.LARGEST:,} bytes at most, with its unsubscribe link",
            limit=mime.LARGEST,
        )
    return replace(message, parts=tuple(mime.pieces([whole])))


def _encoded(words: str, charset: str) -> tuple[str, bytes]:
    """The words as bytes, and in which charset; ASCII must stay ASCII in it, for what is put in later."""
    if charset not in ("us-ascii", "ascii"):
        try:
            data = words.encode(charset, "surrogateescape" if charset in _LENIENT else "strict")
            if "ascii".encode(charset) == b"ascii":
                return charset, data
        except UnicodeError:
            pass
    elif words.isascii():
        return charset, words.encode()
    return "utf-8", words.encode("utf-8", "surrogateescape")


def _quoted_printable(data: bytes) -> bytes:
    """RFC 2045 §6.7, in lines of at most 76 octets, with CRLF."""
    return binascii.b2a_qp(data.replace(b"\r\n", b"\n"), istext=True).replace(b"\n", b"\r\n")


def _with_encoding(head: bytes, text: Text, charset: str) -> bytes:
    """A part's header block that says quoted-printable, and this charset."""
    fields = [] if head == b"\r\n" else _FIELD.findall(head.removesuffix(b"\r\n"))
    kept, typed = [], False
    for field in fields:
        name = field.partition(b":")[0].strip().lower()
        if name == b"content-transfer-encoding":
            continue
        if name == b"content-type":
            typed = True
            if charset != text.charset:
                continue
        kept.append(field)
    if not typed or charset != text.charset:
        kept.append(f"Content-Type: {text.type}; charset={charset}\r\n".encode())
    if text.start == 0 and not any(f.lower().startswith(b"mime-version:") for f in kept):
        kept.append(b"MIME-Version: 1.0\r\n")
    kept.append(b"Content-Transfer-Encoding: quoted-printable\r\n")
    return b"".join(kept) + b"\r\n"


def plain(data: bytes) -> str:
    """What a stored message says, for a person who judges it: its text, or its HTML without tags.

    Signs that command a terminal, or turn the direction of letters, are left out.
    """
    if not data:
        return ""
    try:
        texts = read(mime.read(BytesIO(data))).texts
    except Unreadable as error:
        return f"({error.detail}.)"
    text = next((each.text for each in texts if each.type == "text/plain"), None)
    if text is None:
        text = "".join(_seen(each.text) for each in texts)
    lines = (" ".join(line.split()) for line in text.splitlines())
    shown = "\n".join(line for line in lines if line)
    return "".join(sign for sign in shown if sign == "\n" or sign.isprintable())


def _seen(html: str) -> str:
    """The words of HTML that are seen, each block in a line of its own."""
    found = []
    for tag, text in markup.tokens(html):
        if tag == TEXT:
            found.append(markup.words(text))
        elif tag not in (COMMENT, RAW, REST):
            found.append("\n" if tag in _BLOCKS else "" if tag in _WITHIN_WORDS else " ")
    return "".join(found)


_BLOCKS = frozenset(("p", "br", "div", "tr", "li", "h1", "h2", "h3"))
_WITHIN_WORDS = frozenset(
    f"{end}{tag}"
    for tag in ("a", "b", "em", "font", "i", "span", "strong", "u")
    for end in ("", "/")
)


def called(message: Mime) -> list[str]:
    """The names that To and Cc give to people."""
    data = b"".join(message.parts)
    fields = [
        value.strip().decode("ascii", "replace")
        for name, _, value in (
            field.partition(b":") for field in _FIELD.findall(data, 0, _body_of(data, 0, len(data)))
        )
        if name.lower() in (b"to", b"cc")
    ]
    if len(fields) == 1 and (plain := _PLAIN_MAILBOX.fullmatch(fields[0])):
        return [plain[1]]
    names = [name for name, _ in getaddresses(fields) if name]
    return [_decoded(name) for name in names]


def _decoded(name: str) -> str:
    try:
        return str(make_header(decode_header(name)))
    except (HeaderParseError, LookupError, ValueError):
        return name


# --- links ----------------------------------------------------------------------------------


def look(message: Mime) -> Look:
    """Where the links of a small message lead, and whether it has attachments."""
    if message.size > LARGEST_LOOK:
        return Look(unreadable="too-large")
    try:
        body = read(message)
        links = [
            link
            for text in body.texts
            for link in (_html_links if text.type == "text/html" else links_in)(text.text)
        ]
    except Unreadable as error:
        return Look(unreadable=error.reason)
    return Look(tuple(dict.fromkeys(links)), body.attachments)


_LINK = re.compile(
    r"""(?ix)
    \b[a-z][a-z0-9+.-]{1,20}://[^\s<>"']+
    | \bwww\.[^\s<>"']+
    | (?<![@\w.\-/])(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?=[/?:][^\s])[^\s<>"']*
    """
)
"""What mail programs make a link of: a scheme, `www.`, or a domain with something behind it."""

_OPENS = re.compile(r"(?i)www\.|\.[^\W\d_]+[/?:]")
"""A link has one of these, or `://`, and no blank: nothing else need be tried at every sign."""

_LEADING = frozenset(("action", "background", "cite", "formaction", "href", "ping", "xlink:href"))
_EMBEDDING = frozenset(("applet", "embed", "frame", "iframe", "object", "script", "svg"))


def links_in(text: str) -> list[str]:
    """What mail programs make links of in a plain text."""
    may_lead = " ".join(
        [each for each in text.split() if "://" in each or ("." in each and _OPENS.search(each))]
    )
    return [found.rstrip(").,;:!?]}*_~") for found in _LINK.findall(may_lead)]


def _html_links(html: str) -> list[str]:
    """Where HTML leads, also what browsers hide of it. Raises `Unreadable` where it embeds something."""
    found, hidden, words = _leading(markup.tokens(html))
    for part in hidden:
        found += _leading(markup.tokens(part, flat=True))[0]
    return found + links_in("".join(words))


def _leading(tokens: Iterable[Token]) -> tuple[list[str], list[str], list[str]]:
    """Where tags lead, what browsers hide, and the words."""
    found: list[str] = []
    hidden: list[str] = []
    words: list[str] = []
    for tag, text in tokens:
        if tag == TEXT:
            words.append(markup.words(text))
        elif tag == REST:  # what is behind a tag that never ends, each program reads in its own way
            raise Unreadable("unreadable", "Its HTML breaks off")
        elif tag in (COMMENT, RAW):
            hidden.append(text)
            words += [text] if tag == RAW else []
        elif tag in _EMBEDDING:
            raise Unreadable("embedded", f"It embeds something ({tag})")
        elif text:
            hidden += [text] if "<" in text else []
            found += [value for name, value in markup.pairs(text) if name in _LEADING]
            named = markup.attributes(text) if tag == "meta" else {}
            if "http-equiv" in named:
                found += re.findall(r"(?i)url\s*=\s*['\"]?\s*(\S+)", named.get("content", ""))
    return found, hidden, words
