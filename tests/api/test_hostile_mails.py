"""A corpus of hostile mails: each is taken whole or refused clearly, and nothing in between."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from relay.context import Relay
from relay.models import Content, Recipient, Site
from tests.api.requests import BOUNDARY, encoded, parts
from tests.steps import rows

CORPUS = sorted((Path(__file__).parents[1] / "data" / "hostile").glob("*.eml"))
DOCS = Path(__file__).parents[2] / "docs" / "problems.md"
PAGES = set(re.findall(r"^## `?([a-z-]+)`?$", DOCS.read_text(), re.MULTILINE))

HEAD = b"From: news@shop.example\r\nTo: ada@customer.example\r\nSubject: x\r\n"


def nested(depth: int) -> bytes:
    """A multipart in a multipart, and so on."""
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(depth)
    )
    return HEAD + b"MIME-Version: 1.0\r\n" + opened + b"\r\nend\r\n--b0--\r\n"


MADE: dict[str, Callable[[], bytes]] = {
    "multipart nested a thousand deep": lambda: nested(1_000),
    "a hundred thousand people in To": lambda: (
        b"From: news@shop.example\r\nTo: "
        + b",\r\n ".join([b"a@x.example"] * 100_000)
        + b"\r\n\r\nx"
    ),
    "a header block of a megabyte": lambda: HEAD + b"X-Long: " + b"y\r\n " * 300_000 + b"\r\n\r\nx",
    "a line of a megabyte": lambda: HEAD + b"\r\n" + b"y" * 1_000_000,
    "ten thousand headers": lambda: HEAD + b"X-A: b\r\n" * 10_000 + b"\r\nx",
    "nothing but line ends": lambda: b"\r\n" * 100_000,
    "nothing but NUL": lambda: b"\x00" * 100_000,
    "a body of 2 MB in lines of one letter": lambda: HEAD + b"\r\n" + b"y\r\n" * 700_000,
}


@pytest.fixture
def post(client: FlaskClient, bearer: dict[str, str]) -> Callable[[bytes], Any]:
    """Post a mail as the plugin does."""

    def post(message: bytes) -> Any:
        return client.post(
            "/v1/messages",
            data=encoded(parts(message)),
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
            headers=bearer,
        )

    return post


def check(message: bytes, post: Callable[[bytes], Any], relay: Relay) -> None:
    with relay.sessions.begin() as session:
        before = rows(session)
    began = time.process_time()

    answer = post(message)

    assert time.process_time() - began < 5.0
    if answer.status_code == 202:
        _check_taken(answer.json["id"], relay)
        return
    assert 400 <= answer.status_code < 500
    assert answer.json["type"].rpartition("/")[2] in PAGES
    with relay.sessions.begin() as session:
        assert rows(session) == before


def _check_taken(message_id: str, relay: Relay) -> None:
    """Whoever was asked for gets it, and nobody else; no command to SES survived."""
    with relay.reads() as session:
        stored = b"".join(session.scalars(select(Content.data).order_by(Content.part)))
        people = session.scalars(select(Recipient.address)).all()
    assert people == ["ada@customer.example"]
    read = BytesHeaderParser().parsebytes(stored)  # the whole parser gives up on deep nesting
    assert [name for name in read if name.lower().startswith("x-ses-")] == []
    assert read["Bcc"] is None
    assert len(read.get_all("From")) == 1


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_hostile_mail_is_taken_whole_or_refused_clearly(
    path: Path, post: Callable[[bytes], Any], relay: Relay, site: Site
) -> None:
    check(path.read_bytes(), post, relay)


@pytest.mark.parametrize("name", MADE)
def test_a_mail_that_is_too_much_is_taken_whole_or_refused_clearly(
    name: str, post: Callable[[bytes], Any], relay: Relay, site: Site
) -> None:
    check(MADE[name](), post, relay)
