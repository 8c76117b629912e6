"""A lean HTTP client: kept connections, requests as ready bytes, so that little of the CPU is ours."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.rig import DOMAIN, Site

BOUNDARY = "postreeve-bench-boundary"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status (0: no answer), the body, and how long it took (seconds)."""

    status: int
    body: bytes
    seconds: float
    key: str = ""


class Connection:
    """One kept connection to 127.0.0.1; opened anew when the server has closed it."""

    def __init__(self, port: int, *, timeout: float = 30.0, uses: int | None = None) -> None:
        """`uses`: exchanges after which it is opened anew; None keeps it."""
        self._port = port
        self._timeout = timeout
        self._uses = uses
        self._used = 0
        self._socket: socket.socket | None = None
        self._rest = b""

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send ready bytes, read one answer. Raises `OSError` when there is none."""
        if self._uses is not None and self._used >= self._uses:
            self.close()
        self._used += 1
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._rest = b""
            self._used = 1
        try:
            self._socket.sendall(request)
            return self._read()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close it; the next exchange opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _read(self) -> tuple[int, bytes]:
        assert self._socket is not None
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        head, body = data[:end].lower(), data[end + 4 :]
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        while len(body) < length:
            body += self._receive()
        self._rest = body[length:]
        if b"connection: close" in head:
            self.close()
        return int(data[9:12]), body[:length]

    def _receive(self) -> bytes:
        assert self._socket is not None
        if not (data := self._socket.recv(65_536)):
            raise ConnectionResetError("the server closed the connection")
        return data


THING = b"xqxqxqxqxqxqxqxqxqxqxqxqxqxqxqxq"
"""Stands in a mail for the thing that one customer has ordered."""

_LETTERS = bytes.maketrans(b"0123456789abcdef", b"ghijklmnopqrstuv")


def ordered(message: bytes, key: str) -> bytes:
    """The mail for one customer: no two order the same, as receipts are.

    Mail that says the same to many is held as a campaign, and would not be measured.
    """
    thing = hashlib.sha256(key.encode()).hexdigest()[: len(THING)].encode().translate(_LETTERS)
    return message.replace(THING, thing[:10] + b" " + thing[11:21] + b" " + thing[22:], 1)


def mime(size: int, *, subject: str = "Your order", to: str = "ada@customer.example") -> bytes:
    """A mail of about `size` bytes, as WordPress would write it."""
    head = (
        f"Date: Sun, 22 Nov 2026 07:00:00 +0000\r\nTo: {to}\r\nFrom: Shop <orders@{DOMAIN}>\r\n"
        f"Subject: {subject}\r\nMessage-ID: <{uuid.uuid4()}@{DOMAIN}>\r\nX-Mailer: bench\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n"
    ).encode()
    line = b"<p>Thank you for your order, which we are packing right now.</p>\r\n"
    head += b"<p>You ordered: " + THING + b"</p>\r\n"
    return head + line * max(1, (size - len(head)) // len(line))


def post(
    site: Site,
    recipients: Sequence[str],
    message: bytes,
    *,
    key: str,
    stream: str = "transactional",
) -> bytes:
    """The ready bytes of `POST /v1/messages`."""
    metadata = json.dumps(
        {"envelope": {"from": f"orders@{DOMAIN}", "to": list(recipients)}, "stream": stream}
    ).encode()
    body = b"".join(
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="metadata"\r\n'
            "Content-Type: application/json\r\n\r\n".encode(),
            metadata,
            f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="message"; '
            'filename="message.eml"\r\nContent-Type: message/rfc822\r\n\r\n'.encode(),
            ordered(message, key),
            f"\r\n--{BOUNDARY}--\r\n".encode(),
        )
    )
    head = (
        "POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {site.key}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    return head + body


def run(
    port: int,
    requests: Sequence[tuple[str, bytes]],
    *,
    concurrency: int,
    again_after: Callable[[int], bool] = lambda status: False,
    patience: float = 60.0,
    uses: int | None = None,
) -> tuple[list[Answer], float]:
    """Send all requests over `concurrency` connections; the answers and the seconds it took.

    A connection stays with the server process that took it, and chance may give one process most
    of them. With `uses`, each is opened anew after so many requests, so that chance evens out.

    Where `again_after(status)` holds (0 is 'no answer'), the same bytes are sent again until
    `patience` seconds have passed: what a client with an idempotency key does.
    """
    answers: list[Answer] = []
    turn = iter(requests)
    lock = threading.Lock()

    def work() -> None:
        connection = Connection(port, uses=uses)
        while True:
            with lock:
                following = next(turn, None)
            if following is None:
                connection.close()
                return
            answer = persist(connection, *following, again_after, patience)
            with lock:
                answers.append(answer)

    began = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers, time.perf_counter() - began


def persist(
    connection: Connection,
    key: str,
    request: bytes,
    again_after: Callable[[int], bool],
    patience: float,
) -> Answer:
    """Exchange, and repeat the same bytes while `again_after(status)` holds."""
    began = time.perf_counter()
    while True:
        try:
            status, body = connection.exchange(request)
        except OSError:
            status, body = 0, b""
        if not again_after(status) or time.perf_counter() - began > patience:
            return Answer(status, body, time.perf_counter() - began, key)
        time.sleep(0.2)


def paced(
    port: int,
    requests: Sequence[tuple[str, bytes]],
    *,
    rate: float,
    concurrency: int,
    uses: int | None = None,
) -> tuple[list[Answer], dict[str, float]]:
    """Send `rate` requests a second, whether or not the server keeps up, over kept connections.

    The answers, and for each key when its request was due (seconds since 1970): who counts from
    there also counts the time a request had to wait for a free connection.
    """
    begins = time.time() + 0.1
    due = {key: begins + n / rate for n, (key, _) in enumerate(requests)}
    answers: list[Answer] = []

    def work(mine: Sequence[tuple[str, bytes]]) -> None:
        connection = Connection(port, uses=uses)
        for key, request in mine:
            time.sleep(max(0.0, due[key] - time.time()))
            answers.append(persist(connection, key, request, lambda status: False, 0.0))
        connection.close()

    shares = [requests[n::concurrency] for n in range(concurrency)]
    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers, due
