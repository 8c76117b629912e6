"""The road from a site to its relay: closed unless a test opens it, and as slow as the test says."""

from __future__ import annotations

import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from relay.commands.trial.ports import free_port

NOT_CARRIED = {"host", "connection", "expect", "content-length", "transfer-encoding"}
"""Header fields that belong to one connection: each side writes its own."""


@dataclass(frozen=True)
class Road:
    """An address that leads to the relay while the road is open; nobody listens there else."""

    relay_url: str
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """What the site takes for the relay's address."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def open(self, *, late: float = 0.0) -> Iterator[None]:
        """Inside the block the relay is reached; each of its answers comes `late` seconds later."""

        class Carrier(_Carrier):
            relay_url = self.relay_url
            seconds = late

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Carrier)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    @contextmanager
    def jammed(self) -> Iterator[None]:
        """Inside the block connections are made, and nothing ever answers."""
        with socket.create_server(("127.0.0.1", self.port), backlog=100):
            yield


class _Carrier(BaseHTTPRequestHandler):
    """Carries one request to the relay and its answer back."""

    protocol_version = "HTTP/1.1"
    relay_url: str
    seconds: float

    def do_GET(self) -> None:
        self._carry()

    def do_POST(self) -> None:
        self._carry()

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent."""

    def _carry(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {n: v for n, v in self.headers.items() if n.lower() not in NOT_CARRIED}
        request = urllib.request.Request(
            self.relay_url + self.path, body or None, headers, method=self.command
        )
        try:
            answer = urllib.request.urlopen(request, timeout=180)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            content = answer.read()
        time.sleep(self.seconds)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in NOT_CARRIED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
