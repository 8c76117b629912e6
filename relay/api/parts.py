"""The parts of a multipart/form-data request (RFC 7578).

Werkzeug reads whatever clients make, and compiles two regular expressions for each boundary it has not
seen: with a new one in each request that costs more than all else about reading a mail. So a small body in
the plain shape that clients nearly always make is cut along its boundary here. All else is Werkzeug's: what
is large, what is unusual, and what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from flask import Request

SMALL = 2 * 1024 * 1024
"""Bytes of a body that is cut in memory (our decision: a hundred mails of a shop)."""

MOST = 600
"""Parts of a request; a batch has 500 and its metadata."""

_HEAD = re.compile(
    rb'\r\nContent-Disposition: form-data; name="([ !#$&-\[\]-~]+)"'
    rb'(; filename="[ !#$&-\[\]-~]+")?(?:\r\nContent-Type: [!-:<-~]+)?',
    re.IGNORECASE,
)
"""The header block of a plain part: no quoting, no other charset."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts by name, of several with one name the first: `files` have a filename, `fields` are text."""

    files: Mapping[str, IO[bytes]]
    fields: Mapping[str, str]


def read(request: Request) -> Parts:
    """The parts of a request. Raises what Werkzeug does, and finds nothing where it does."""
    length, boundary = request.content_length, request.mimetype_params.get("boundary", "")
    if length is not None and length <= SMALL and boundary and boundary.isascii():
        found = cut(request.get_data(), boundary.encode())
        if found is not None:
            return found
    return Parts({name: part.stream for name, part in request.files.items()}, request.form)


def cut(body: bytes, boundary: bytes) -> Parts | None:
    """The parts of a plain body, exactly as Werkzeug has them; None for any other."""
    mark = b"--" + boundary
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    before, *parts, after = pieces if len(pieces) > 1 else (b"?", b"?")
    if before or after not in (b"--", b"--\r\n") or len(parts) > MOST:
        return None
    if body.count(mark) != len(parts) + 1:  # somewhere it is no boundary, or one that we do not see
        return None
    files: dict[str, IO[bytes]] = {}
    fields: dict[str, str] = {}
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        told = _HEAD.fullmatch(head)
        if told is None:
            return None
        name = told[1].decode()
        if told[2] is not None:
            files.setdefault(name, BytesIO(content))
        else:
            fields.setdefault(name, content.decode(errors="replace"))
    return Parts(files, fields)
