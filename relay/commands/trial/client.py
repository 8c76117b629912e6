"""The trial's own client: the relay over HTTP, as every other client sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import uuid4

HOST = "127.0.0.1"

TIMEOUT = 15.0
"""Seconds to wait for an answer."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that travels with a mail."""

    name: str
    type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as its author thinks of it."""

    sender: str
    subject: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    text: str = "Hello,\r\n\r\nthis mail was written by Postreeve's trial installation.\r\n"
    attachments: tuple[Attachment, ...] = ()

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody it goes to."""
        return self.to + self.cc + self.bcc

    def mime(self) -> bytes:
        """The finished message, in which nobody sees whom Bcc names."""
        message = EmailMessage(policy=SMTP)
        message["From"] = f"Demo shop <{self.sender}>"
        message["To"] = ", ".join(self.to)
        if self.cc:
            message["Cc"] = ", ".join(self.cc)
        message["Subject"] = self.subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = make_msgid(domain=self.sender.partition("@")[2])
        message.set_content(self.text)
        for file in self.attachments:
            kind, _, subtype = file.type.partition("/")
            message.add_attachment(file.data, maintype=kind, subtype=subtype, filename=file.name)
        return message.as_bytes()


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON of an answer."""

    status: int
    body: dict[str, Any]


class Api:
    """The API of a relay on this machine, with the key of a site."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key

    def send(self, mail: Mail) -> Answer:
        """`POST /v1/messages`: 202 and a receipt, or a problem."""
        type, body = multipart(mail)
        return request(
            "POST",
            self._port,
            "/v1/messages",
            body=body,
            headers={
                "Authorization": f"Bearer {self._key}",
                "Content-Type": type,
                "Idempotency-Key": str(uuid4()),
            },
        )

    def message(self, message_id: str) -> dict[str, Any]:
        """`GET /v1/messages/{id}`: each recipient with status, attempts and events."""
        answer = request(
            "GET",
            self._port,
            f"/v1/messages/{message_id}",
            headers={"Authorization": f"Bearer {self._key}"},
        )
        return answer.body


def request(
    method: str,
    port: int,
    path: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request to a server on this machine; no proxy is asked. Raises `OSError`."""
    status, raw = exchange(method, port, path, body=body, headers=headers)
    try:
        found = json.loads(raw)
    except ValueError:
        found = {}
    return Answer(status, found if isinstance(found, dict) else {"list": found})


def exchange(
    method: str,
    port: int,
    path: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Status and bytes of an answer. Raises `OSError`."""
    connection = HTTPConnection(HOST, port, timeout=TIMEOUT)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()
    except HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def answers(port: int, path: str) -> bool:
    """Whether a server answers 200 there."""
    try:
        return exchange("GET", port, path)[0] == 200
    except OSError:
        return False


def multipart(mail: Mail) -> tuple[str, bytes]:
    """Content-Type and body of the form that `POST /v1/messages` takes."""
    metadata = {
        "envelope": {"from": mail.sender, "to": list(mail.recipients)},
        "stream": "transactional",
        "source": {"plugin": "trial"},
    }
    boundary = uuid4().hex
    lines = (
        f"--{boundary}".encode(),
        b'Content-Disposition: form-data; name="metadata"',
        b"Content-Type: application/json",
        b"",
        json.dumps(metadata).encode(),
        f"--{boundary}".encode(),
        b'Content-Disposition: form-data; name="message"; filename="message.eml"',
        b"Content-Type: message/rfc822",
        b"",
        mail.mime(),
        f"--{boundary}--".encode(),
        b"",
    )
    return f"multipart/form-data; boundary={boundary}", b"\r\n".join(lines)
