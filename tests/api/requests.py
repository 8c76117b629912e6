"""Requests as the plugin makes them."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

from werkzeug.test import TestResponse

from tests.factories import make_message


def metadata(*, to: Sequence[str] = ("ada@customer.example",), **given: Any) -> dict[str, Any]:
    """The JSON beside the mail."""
    return {
        "envelope": {"from": "news@shop.example", "to": list(to)},
        "stream": "transactional",
        "source": {"plugin": "woocommerce", "form": None},
    } | given


def parts(message: bytes | None = None, **given: Any) -> dict[str, Any]:
    """The multipart body of POST /v1/messages; further arguments are `metadata`'s."""
    return raw_parts(json.dumps(metadata(**given)), message)


def raw_parts(text: str | bytes, message: bytes | None = None) -> dict[str, Any]:
    """The same with metadata of any text."""
    body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return {
        "metadata": (io.BytesIO(body), None, "application/json"),
        "message": (
            io.BytesIO(make_message() if message is None else message),
            "message.eml",
            "message/rfc822",
        ),
    }


BOUNDARY = "------------------------d74496d66958873e"


def encoded(parts: dict[str, Any]) -> bytes:
    """The parts as the bytes of a request, which needs no temporary file however large it is."""
    lines: list[bytes] = []
    for name, (stream, filename, content_type) in parts.items():
        called = f'; filename="{filename}"' if filename else ""
        lines += [
            f"--{BOUNDARY}".encode(),
            f'Content-Disposition: form-data; name="{name}"{called}'.encode(),
            f"Content-Type: {content_type}".encode(),
            b"",
            stream.read(),
        ]
    return b"\r\n".join([*lines, f"--{BOUNDARY}--".encode(), b""])


def check_problem(
    response: TestResponse, status: int, slug: str, *, pointer: str | None = None
) -> dict[str, Any]:
    """That the answer is this problem (RFC 9457), and that its first error points there."""
    told = response.get_json()
    assert response.status_code == status, told
    assert response.content_type == "application/problem+json"
    assert told["type"] == (f"https://relay.example/problems/{slug}" if slug else "about:blank")
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    if pointer is not None:
        assert told["errors"][0]["pointer"] == pointer
        assert all(error["detail"] for error in told["errors"])
    found: dict[str, Any] = told
    return found
