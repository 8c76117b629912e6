"""What the benchmarks send: a mail like a shop's, batches of it, and the notices of Amazon SNS."""

from __future__ import annotations

import json
import random
import uuid
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache

from bench.load import BOUNDARY, THING, ordered
from bench.rig import DOMAIN, Site

_VOCABULARY = (
    "order parcel address delivery total shipping tax invoice payment customer thank you for your "
    "the a we will send it when is packed blue red small large wooden cotton table lamp chair cup "
    "book winter garden kitchen voucher account please keep this mail question answer team shop"
)


@lru_cache(maxsize=8)
def letter(size: int) -> bytes:
    """A mail of about `size` bytes as a shop writes it: HTML with a table of words and figures.

    Always the same for a size. It compresses about as well as such mails do, not to nothing.
    """
    chance = random.Random(size)  # the same letter every time
    words = _VOCABULARY.split()
    lines = [
        "Date: Sun, 22 Nov 2026 07:00:00 +0000",
        "To: Ada Lovelace <ada@customer.example>",
        f"From: Shop <orders@{DOMAIN}>",
        "Subject: Your order 10482 is on its way",
        f"Message-ID: <{uuid.UUID(int=chance.getrandbits(128))}@{DOMAIN}>",
        "X-Mailer: WooCommerce",
        "MIME-Version: 1.0",
        "Content-Type: text/html; charset=UTF-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        f"<p>You ordered: {THING.decode()}</p>",
    ]
    length = sum(len(line) + 2 for line in lines)
    while length < size:
        title = " ".join(chance.choices(words, k=chance.randint(3, 8)))
        price = f"{chance.randint(1, 400)}.{chance.randint(0, 99):02}"
        line = (
            f'<tr><td style="padding:{chance.randint(2, 16)}px"><a href="https://{DOMAIN}/p/'
            f'{chance.getrandbits(48):x}">{title}</a></td><td>€ {price}</td></tr>'
        )
        lines.append(line)
        length += len(line.encode()) + 2
    return "\r\n".join((*lines, "")).encode()


def attachment(size: int) -> bytes:
    """A mail of about `size` bytes that is nearly all attachment, in base64 lines."""
    line = b64encode(random.Random(size).randbytes(57)) + b"\r\n"
    head = (
        f"To: ada@customer.example\r\nFrom: Shop <orders@{DOMAIN}>\r\nSubject: The catalogue\r\n"
        "MIME-Version: 1.0\r\nContent-Type: application/pdf\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode()
    return head + line * ((size - len(head)) // len(line))


def _entry(address: str, key: str) -> dict[str, object]:
    return {
        "envelope": {"from": f"orders@{DOMAIN}", "to": [address]},
        "stream": "transactional",
        "idempotency_key": key,
    }


def json_batch(
    site: Site, keys: Sequence[str], message: bytes, *, domain: str = "customer.example"
) -> bytes:
    """The ready bytes of a JSON batch: `message`, in base64, to `key@domain` for each key."""
    entries = [
        {**_entry(f"{key}@{domain}", key), "mime": b64encode(ordered(message, key)).decode()}
        for key in keys
    ]
    return _request(site, "application/json", json.dumps({"messages": entries}).encode())


def multipart_batch(site: Site, keys: Sequence[str], message: bytes) -> bytes:
    """The same as multipart/form-data: the MIME goes as it is, in a part for each message."""
    entries = [
        {**_entry(f"{key}@customer.example", key), "message": f"m{n}"} for n, key in enumerate(keys)
    ]
    parts = [
        b'Content-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n'
        + json.dumps({"messages": entries}).encode(),
        *(
            (
                f'Content-Disposition: form-data; name="m{n}"; filename="m{n}.eml"\r\n'
                "Content-Type: message/rfc822\r\n\r\n"
            ).encode()
            + ordered(message, key)
            for n, key in enumerate(keys)
        ),
    ]
    mark = f"--{BOUNDARY}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return _request(site, f"multipart/form-data; boundary={BOUNDARY}", body)


def _request(site: Site, content_type: str, body: bytes) -> bytes:
    head = (
        "POST /v1/messages/batch HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {site.key}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    return head + body


def plain(path: str, body: bytes) -> bytes:
    """The ready bytes of a POST without any credentials, as to the baseline."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    return head + body


def notice(message: Mapping[str, str]) -> bytes:
    """The ready bytes of a signed notice, posted as SNS posts it."""
    body = json.dumps(dict(message)).encode()
    head = (
        "POST /hooks/ses HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: text/plain; charset=UTF-8\r\n"
        "User-Agent: Amazon Simple Notification Service Agent\r\n"
        f"x-amz-sns-message-type: {message['Type']}\r\n"
        f"x-amz-sns-message-id: {message['MessageId']}\r\n"
        f"x-amz-sns-topic-arn: {message['TopicArn']}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    return head + body
