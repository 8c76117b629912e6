"""A simulator in a process of its own, and a subscriber that listens to it as the relay would."""

import base64
import contextlib
import functools
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from relay.commands.trial.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "arn:aws:sns:us-east-1:000000000000:postreeve-simulator"
MAIL = (
    b"From: Shop <shop@shop.example>\r\nTo: ada@company.example\r\nSubject: Hello\r\n"
    b"Message-ID: <own@shop.example>\r\nDate: Mon, 2 Mar 2026 09:15:03 +0000\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nGood day.\r\n"
)

Value = TypeVar("Value")


PATIENCE = 60.0
"""Seconds to wait for what takes a fraction of one, on a machine that has other things to do."""


def eventually(
    question: Callable[[], Value], seconds: float = PATIENCE, *, pause: float = 0.02
) -> Value:
    """The first truthy answer to `question`; fails if none comes in time."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > end:
            assert answer, f"not within {seconds} s"
            return answer
        time.sleep(pause)


class Simulator:
    """`python -m simulator` on a free port; it can be killed and started again."""

    def __init__(self, state: Path, *options: str, subscriber: "Subscriber | None" = None) -> None:
        self.state = state
        self.options = options
        if subscriber is not None:
            self.options += ("--subscribe", subscriber.url)
            subscriber.simulator = self
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "simulator", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--state", str(self.state), *self.options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            eventually(self.answers)
        except BaseException:
            self.process.kill()
            raise

    def answers(self) -> bool:
        assert self.process.poll() is None, self.process.communicate()[0]
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{self.url}/healthz", timeout=PATIENCE).close()
            return True
        return False

    def stop(self, number: int = signal.SIGTERM) -> str:
        """End the process with a signal, and give what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.communicate(timeout=PATIENCE)[0]

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    @functools.cache  # noqa: B019, making a client takes long
    def aws(self, service: str, **config: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def open(
        self, path: str, method: str = "GET", body: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        request = urllib.request.Request(self.url + path, data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def json(self, path: str) -> Any:
        return json.loads(self.open(path)[2])

    def control(self, **values: Any) -> Any:
        status, _, body = self.open("/_control", "PUT", json.dumps(values).encode())
        assert status == 200, body
        return json.loads(body)

    def send(self, *to: str, raw: bytes = MAIL, **more: Any) -> str:
        """Send a mail with boto3, and give its MessageId."""
        answer = self.aws("sesv2").send_email(
            **{
                "FromEmailAddress": "shop@shop.example",
                "Destination": {"ToAddresses": list(to)},
                "Content": {"Raw": {"Data": raw}},
                "ConfigurationSetName": "postreeve",
                "EmailTags": [{"Name": "attempt", "Value": "a-1"}],
            }
            | more
        )
        return str(answer["MessageId"])


@dataclass
class Notice:
    """One request that a subscriber got."""

    at: float
    headers: dict[str, str]
    envelope: dict[str, str]

    @functools.cached_property
    def message(self) -> dict[str, Any]:
        return dict(json.loads(self.envelope["Message"]))

    @property
    def kind(self) -> str:
        message = self.message
        return str(message.get("eventType") or message.get("notificationType"))


@dataclass
class Subscriber:
    """An endpoint that confirms its subscription and keeps what it gets, answering `statuses`."""

    url: str = ""
    simulator: Simulator | None = None
    asked: list[Notice] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    gone: bool = False

    def take(self, notice: Notice) -> int:
        if notice.envelope["Type"] == "SubscriptionConfirmation":
            self.asked.append(notice)
            if self.simulator is not None:
                self.confirm()
            return 200
        self.notices.append(notice)
        return self.statuses.pop(0) if self.statuses else 200

    def confirm(self) -> str:
        assert self.simulator is not None
        envelope = self.asked[-1].envelope
        answer = self.simulator.aws("sns").confirm_subscription(
            TopicArn=envelope["TopicArn"],
            Token=envelope["Token"],
            AuthenticateOnUnsubscribe="true",
        )
        return str(answer["SubscriptionArn"])

    def about(self, message_id: str) -> list[Notice]:
        """The notices about one mail, in the order they came."""
        return [one for one in list(self.notices) if one.message["mail"]["messageId"] == message_id]

    def find(self, message_id: str, kind: str) -> Notice:
        """The first notice of that kind about a mail."""
        return next(one for one in self.about(message_id) if one.kind == kind)

    def kinds(self, message_id: str) -> list[str]:
        return [one.kind for one in self.about(message_id)]

    def wait_for(self, message_id: str, *kinds: str) -> list[Notice]:
        """The notices about a mail, once there are as many as `kinds`; they must be these."""
        self.wait_for_count(message_id, len(kinds))
        assert sorted(self.kinds(message_id)) == sorted(kinds)
        return self.about(message_id)

    def wait_for_count(self, message_id: str, count: int) -> list[Notice]:
        """The notices about a mail, once there are so many."""
        eventually(lambda: len(self.about(message_id)) >= count)
        return self.about(message_id)


@contextlib.contextmanager
def listening(port: int | None = None) -> Iterator[Subscriber]:
    """A subscriber that listens."""
    subscriber = Subscriber()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if subscriber.gone:
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = subscriber.take(Notice(time.time(), headers, json.loads(body)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A simulator that was killed resets its connections; that is no news."""

    server = Server(("127.0.0.1", port or free_port()), Handler)
    subscriber.url = f"http://127.0.0.1:{server.server_address[1]}/hooks/ses"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield subscriber
    finally:
        subscriber.gone = True
        server.shutdown()
        thread.join()
        server.server_close()


def check_signature(envelope: dict[str, str], pem: bytes) -> None:
    """Raise InvalidSignature unless the envelope was signed by the key of the certificate."""
    names = {
        "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        "SubscriptionConfirmation": (
            ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        ),
    }[envelope["Type"]]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    assert envelope["SignatureVersion"] == "2"
    key: Any = x509.load_pem_x509_certificate(pem).public_key()
    key.verify(
        base64.b64decode(envelope["Signature"]), text.encode(), padding.PKCS1v15(), hashes.SHA256()
    )
