"""Hostile mails through the door: each is refused with a reason, or goes to Ada alone and does no harm.

The corpus and what must come of it: tests/data/hostile/README.md. The largest ones are made here.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from relay.context import Relay
from relay.gateways import mime
from relay.mail import Envelope
from relay.services import delivery
from relay.services.accounts import NewKey
from tests.api.requests import BOUNDARY, check_problem, encoded, metadata, parts
from tests.factories import make_message
from tests.fakes import FakeMailer
from tests.steps import deliver_due, rows

FOLDER = Path(__file__).parents[1] / "data" / "hostile"
ROW = re.compile(r"^\| `(.+)\.eml` \| .+ \| `?([a-z0-9-]+)`? \|$", re.MULTILINE)
DESCRIBED: dict[str, str] = dict(ROW.findall((FOLDER / "README.md").read_text()))
ANSWERS = [pytest.param(name, answer, id=name) for name, answer in DESCRIBED.items()]

STATUS = {"message-invalid": 400, "unsafe-header": 400, "sender-not-verified": 422}
ADA = "ada@customer.example"
QUICK = 1.0
"""Seconds of this process's own time that one mail may cost."""

Post = Callable[[bytes], TestResponse]


@pytest.fixture
def bearer(key: NewKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.secret}"}


@pytest.fixture
def post(client: FlaskClient, bearer: dict[str, str]) -> Post:
    """Post a mail to Ada as the plugin does; it must not take long."""

    def send(message: bytes) -> TestResponse:
        body = encoded(parts(message, to=[ADA]))
        began = time.process_time()
        response = client.post(
            "/v1/messages",
            data=body,
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
            headers=bearer,
        )
        assert time.process_time() - began < QUICK
        return response

    return send


def check(
    response: TestResponse, answer: str, message: bytes, relay: Relay, before: dict[str, int],
) -> None:  # fmt: skip
    """That this is the answer, and what follows from it."""
    with relay.reads() as session:
        after = rows(session)
    if answer != "202":
        check_problem(response, STATUS[answer], answer)
        assert after == before
        return
    assert response.status_code == 202, response.json
    assert after["recipients"] == before["recipients"] + 1
    (envelope,) = deliver_due(relay)
    assert (envelope.sender.lower().rpartition("@")[2], envelope.recipient) == ("shop.example", ADA)
    check_bytes(on_the_wire(envelope, relay), message)


def on_the_wire(envelope: Envelope, relay: Relay) -> bytes:
    """The whole mail; the parts of a large one are still in the database."""
    return b"".join(envelope.parts or delivery.StoredParts(relay.reads, envelope.message_id))


def check_bytes(sent: bytes, message: bytes) -> None:
    """That a mail is in CRLF lines, and that another program sees in it what the relay let pass."""
    assert sent.count(b"\r\n") == sent.count(b"\n") == sent.count(b"\r")
    assert max(map(len, sent.split(b"\r\n"))) <= mime.LONGEST_LINE
    kept = [name for name in names(repaired(message)) if not is_removed(name)]
    assert names(sent) == kept
    read = headers(sent)
    (sender,) = read.get_all("From")
    assert parseaddr(str(sender))[1].lower().endswith("@shop.example")


def repaired(message: bytes) -> bytes:
    return re.sub(rb"\r\n|\r|\n", b"\r\n", message)


def headers(message: bytes) -> Any:
    """What another program reads; the beginning holds the header block with room to spare."""
    return BytesHeaderParser(policy=policy.compat32).parsebytes(message[:200_000])


def names(message: bytes) -> list[str]:
    return [name.lower() for name in headers(message)]


def is_removed(name: str) -> bool:
    return name in ("bcc", "return-path", "sender", "dkim-signature") or name.startswith(
        ("x-ses-", "x-postreeve-")
    )


# --- the corpus -----------------------------------------------------------------------------


def test_every_hostile_mail_is_described() -> None:
    assert sorted(DESCRIBED) == sorted(path.stem for path in FOLDER.glob("*.eml"))


@pytest.mark.parametrize(("name", "answer"), ANSWERS)
def test_a_hostile_mail_is_refused_or_goes_to_ada_alone(
    name: str, answer: str, post: Post, relay: Relay, mailer: FakeMailer
) -> None:
    message = (FOLDER / f"{name}.eml").read_bytes()
    with relay.reads() as session:
        before = rows(session)

    response = post(message)

    check(response, answer, message, relay, before)
    for envelope in mailer.sent:  # another program reads the whole of it
        assert list(message_from_bytes(on_the_wire(envelope, relay), policy=policy.default).walk())


def test_they_get_the_same_answers_at_the_other_door(
    client: FlaskClient, bearer: dict[str, str], relay: Relay
) -> None:
    """All at once in a batch; those that are refused spoil nothing for the others."""
    names = list(DESCRIBED)
    mails = [base64.b64encode((FOLDER / f"{name}.eml").read_bytes()).decode() for name in names]
    items = [metadata(to=[ADA]) | {"mime": each, "source": None} for each in mails]

    response = client.post("/v1/messages/batch", json={"messages": items}, headers=bearer)

    told = [
        result["problem"]["type"].rpartition("/")[2] if "problem" in result else "202"
        for result in response.json["results"]
    ]
    assert dict(zip(names, told, strict=True)) == DESCRIBED
    assert {envelope.recipient for envelope in deliver_due(relay)} == {ADA}


# --- the large ones -------------------------------------------------------------------------


def multipart(body: str, boundary: str = "b") -> bytes:
    return make_message(body, Content_Type=f"multipart/mixed; boundary={boundary}")


def nested(depth: int) -> bytes:
    """Multipart in multipart."""
    begin = "".join(
        f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n" for n in range(depth)
    )
    end = "".join(f"--b{n}--\r\n" for n in reversed(range(depth)))
    return multipart(f"{begin}--b{depth}\r\n\r\nHello\r\n--b{depth}--\r\n{end}", "b0")


def matryoshka(depth: int) -> bytes:
    """Mail in mail."""
    return make_message(
        "Content-Type: message/rfc822\r\n\r\n" * depth + "Subject: x\r\n\r\nHello\r\n",
        Content_Type="message/rfc822",
    )


def people(count: int) -> str:
    return ",\r\n ".join(f"person{n}@customer.example" for n in range(count))


LARGE: dict[str, tuple[Callable[[], bytes], str]] = {
    "multipart in multipart, 1,000 deep": (lambda: nested(1_000), "202"),
    "mail in mail, 1,000 deep": (lambda: matryoshka(1_000), "202"),
    "30,000 parts": (lambda: multipart("--b\r\n\r\n\r\n" * 30_000 + "--b--\r\n"), "202"),
    "1,000 people in To": (lambda: make_message(To=people(1_000)), "202"),
    "100,000 people in To": (lambda: make_message(To=people(100_000)), "message-invalid"),
    "100,000 people in Bcc": (lambda: make_message(Bcc=people(100_000)), "message-invalid"),
    "100,000 people in one line": (
        lambda: make_message(To=people(100_000).replace("\r\n", "")),
        "message-invalid",
    ),
    "1,000 people in a group": (lambda: make_message(To=f"all: {people(1_000)};"), "202"),
    "10,000 headers": (lambda: b"X-A: b\r\n" * 10_000 + make_message(), "202"),
    "100,000 headers": (lambda: b"X-A: b\r\n" * 100_000 + make_message(), "message-invalid"),
    "headers without an end": (lambda: b"X-A: b\r\n" * 1_000_000, "message-invalid"),
    "a folded header of 100 kB": (
        lambda: make_message(X_A="\r\n ".join(["a" * 98] * 1_000)),
        "202",
    ),
    "a header of 60,000 empty folds": (
        lambda: make_message(X_A="a" + "\r\n " * 60_000),
        "message-invalid",
    ),
    "a subject of 100 kB in encoded words": (
        lambda: make_message(Subject="\r\n ".join(["=?utf-8?q?=C3=A4=C3=B6?="] * 4_000)),
        "202",
    ),
    "a subject of 100 kB of question marks": (
        lambda: make_message(Subject="\r\n ".join(["=?" * 400] * 120)),
        "202",
    ),
    "a sender of 100 kB": (
        lambda: make_message(From="\r\n ".join(["a"] * 30_000) + " <news@shop.example>"),
        "message-invalid",
    ),
    "a sender of brackets": (lambda: make_message(From="(" * 900), "message-invalid"),
    "a sender of backslashes": (lambda: make_message(From='"' + "\\" * 900), "message-invalid"),
    "a sender of blanks": (lambda: make_message(From="a" + " " * 900 + "b"), "message-invalid"),
    "a sender of pairs of brackets": (lambda: make_message(From="()" * 450), "message-invalid"),
    "a sender of at signs": (lambda: make_message(From="a@" * 450), "message-invalid"),
    "a content type of semicolons": (
        lambda: make_message(Content_Type="multipart/mixed" + "\r\n ;" * 30_000),
        "message-invalid",
    ),
    "a content type of blanks": (
        lambda: make_message(Content_Type="multipart/mixed;" + ("\r\n " + " " * 900) * 130),
        "message-invalid",
    ),
    "a content type of boundaries": (
        lambda: make_message(Content_Type="multipart/mixed" + ";\r\n boundary" * 9_000),
        "message-invalid",
    ),
    "one long line": (lambda: make_message("x" * 2_000_000), "message-invalid"),
    "a heap of LF": (lambda: make_message("\n" * 600_000), "202"),
    "a heap of CR": (lambda: make_message("\r" * 600_000), "202"),
    "a heap of NUL": (lambda: make_message("\x00" * 2_000_000), "message-invalid"),
    "a heap of dots": (lambda: make_message(".\r\n" * 400_000), "202"),
    "a heap of boundaries": (lambda: multipart("--b\r\n" * 400_000), "202"),
    "a boundary, almost": (lambda: multipart("--a\r\n" * 400_000), "message-invalid"),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_mail_that_is_large_in_an_odd_way_takes_little_time(
    name: str, post: Post, relay: Relay
) -> None:
    make, answer = LARGE[name]
    message = make()
    with relay.reads() as session:
        before = rows(session)

    response = post(message)

    check(response, answer, message, relay, before)
