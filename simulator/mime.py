"""The headers of a mail, and what SES does to them: replace Message-ID and Date, strip X-SES-*."""

import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import format_datetime, formataddr, getaddresses

from simulator.mails import Mail

Headers = list[tuple[str, str]]

HEAD_LIMIT = 65_536
"""Bytes of a mail read back to find its headers."""

HEAD_END = re.compile(rb"\r?\n\r?\n")
FIELD = re.compile(rb"(?P<name>[!-9;-~]+)[ \t]*:")
EICAR = (
    rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS",
    b"WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJE",
)
"""The harmless test virus, as it is and in base64."""

EXECUTABLE = re.compile(
    rb"""(?i)name\*?=["']?([^\r\n"';]+\.(?:ade|adp|app|bas|bat|chm|cmd|com|cpl|crt|dll|exe|hlp|hta|inf|ins|isp"""
    rb"""|jar|js|jse|lnk|mda|mdb|mde|msc|msi|msp|mst|pcd|pif|reg|scr|sct|shb|shs|sys|url|vb|vbe|vbs|wsc|wsf|wsh"""
    rb"""))["']?[ \t]*(?:;|\r?\n)"""
)


def head_size(raw: bytes) -> int:
    """Where the headers end, the empty line included."""
    found = HEAD_END.search(raw)
    return found.end() if found else len(raw)


def parse_headers(head: bytes) -> Headers:
    """Names and unfolded values of the headers, in order; what is no header is left out."""
    fields: list[tuple[str, list[bytes]]] = []
    for ended in head.split(b"\n"):
        line = ended.rstrip(b"\r")
        if line[:1] in (b" ", b"\t"):
            if fields:
                fields[-1][1].append(line)
            continue
        found = FIELD.match(line)
        if found:
            fields.append((found["name"].decode(), [line[found.end() :]]))
    return [(name, b"".join(parts).strip().decode("utf-8", "replace")) for name, parts in fields]


def header(headers: Headers, name: str) -> str | None:
    """The first header of that name (in lower case), or None."""
    return next((value for key, value in headers if key.lower() == name), None)


def split_addresses(value: str) -> list[str]:
    """The addresses of a header such as To, each with its display name."""
    if "," not in value:
        return [value]
    return [formataddr(pair) for pair in getaddresses([value])]


def readable(value: str) -> str:
    """A header's value with its encoded words (RFC 2047) decoded, as far as they can be."""
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, UnicodeError):
        return value


def holds_test_virus(raw: bytes) -> bool:
    """Whether the EICAR test file is in the mail."""
    return any(sign in raw for sign in EICAR)


def executable_attachment(raw: bytes) -> str | None:
    """The name of an attachment of a kind SES refuses, or None."""
    found = EXECUTABLE.search(raw) if b"name" in raw else None
    return found[1].decode("utf-8", "replace") if found else None


def as_delivered(mail: Mail, raw: bytes) -> bytes:
    """The mail as its recipient gets it from SES: own Message-ID and Date, no X-SES-* commands."""
    end = head_size(raw)
    kept: list[bytes] = []
    keeping = True
    for line in raw[:end].splitlines(keepends=True):
        if line[:1] not in (b" ", b"\t"):
            name = line.split(b":", 1)[0].strip().lower()
            keeping = name not in (b"message-id", b"date") and not name.startswith(b"x-ses-")
        if keeping and line.strip():
            kept.append(line)
    accepted = datetime.fromtimestamp(mail.accepted_ms // 1000, UTC)
    added = (
        f"Message-ID: <{mail.id}@email.amazonses.com>\r\nDate: {format_datetime(accepted)}\r\n\r\n"
    )
    return b"".join(kept) + added.encode() + raw[end:]
