"""A relay that records what arrives, speaking the contract the plugin was written against.

It checks the request's shape as strictly as the real one and answers with 202, unless a test has
told it to answer something else. Tests in PHP talk to it below `/_fake/`.
"""

from __future__ import annotations

import base64
import email.policy
import hashlib
import json
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from relay.policy.lifecycle import STATUSES
from relay.services.searches import MOST_LOOKED_AT, Wanted

KEY = "prk_0123456789abcdef_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
ACCOUNT_KEY = "pra_0123456789abcdef_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
OLD_PREFIX = "fedcba9876543210"
"""Of the key that a site had before it got KEY."""

Json = dict[str, Any]


@dataclass
class Answer:
    """What the relay says next instead of what it would say by itself."""

    status: int
    body: str
    content_type: str = "application/problem+json"
    delay: float = 0.0
    location: str = ""


@dataclass
class FakeRelay:
    """What arrived, and what will be answered."""

    url: str = ""
    requests: list[Json] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)
    messages: dict[str, Json] = field(default_factory=dict)
    account: Json = field(default_factory=dict)
    keys: dict[str, tuple[str, Json]] = field(default_factory=dict)
    people: dict[str, Json] = field(default_factory=dict)
    domains: list[Json] = field(default_factory=list)
    suppressions: list[Json] = field(default_factory=list)
    appeals: list[Json] | None = None
    reputation: Json | None = None
    looks_at: int = MOST_LOOKED_AT

    def reset(self) -> None:
        """Forget everything."""
        self.requests.clear()
        self.answers.clear()
        self.messages.clear()
        self.keys.clear()
        self.people.clear()
        self.domains.clear()
        self.suppressions.clear()
        self.appeals = self.reputation = None
        self.looks_at = MOST_LOOKED_AT
        self.account = {
            "account": {"id": "a1", "name": "Example Ltd", "state": "active"},
            "site": {"id": "s1", "name": "Shop", "url": "https://shop.example", "state": "active"},
            "ready": True,
            "default_from": "shop@shop.example",
            "domains": [{"name": "shop.example", "status": "verified"}],
            "usage": {},
        }

    def problem(self, code: str, status: int, title: str, detail: str = "", **more: Any) -> None:
        """Answer the next request with this problem."""
        body = {
            "type": f"{self.url}/problems/{code}",
            "title": title,
            "status": status,
            "detail": detail,
            **more,
        }
        self.answers.append(Answer(status, json.dumps(body)))

    def events(self) -> list[Json]:
        """What happened to every message."""
        return [
            {"message_id": message["id"], "recipient": recipient["address"], **event}
            for message in self.messages.values()
            for recipient in message["recipients"]
            for event in recipient["events"]
        ]

    def settle(self, status: str, reason: Json | None = None, summary: str = "") -> None:
        """Give every copy of every message this status."""
        for message in self.messages.values():
            for recipient in message["recipients"]:
                recipient.update(status=status, reason=reason)
                recipient["events"].append(
                    {"type": status, "occurred_at": _now(), "summary": summary, "data": {}}
                )

    def page(self, wanted: Wanted, asked: dict[str, str]) -> Json:
        """A page of the messages that fit, as the relay tells it."""
        newest = list(self.messages.values())[::-1]
        cursor = asked.get("cursor")
        known = [message["id"] for message in newest]
        begin = known.index(cursor) + 1 if cursor in known else 0
        bounded = not wanted.is_looked_up and len(newest) - begin >= self.looks_at
        looked_at = newest[begin : begin + self.looks_at] if bounded else newest[begin:]
        found = [message for message in looked_at if _fits(message, wanted)]
        shown = found[: int(asked.get("limit", 50))]
        answer: Json = {"messages": shown, "next_cursor": None, "looked_back_to": None}
        if len(found) > len(shown):
            answer["next_cursor"] = shown[-1]["id"]
        elif bounded:
            answer["next_cursor"] = looked_at[-1]["id"]
            answer["looked_back_to"] = looked_at[-1]["accepted_at"]
        return answer

    def accept(self, request: Json) -> Json | None:
        """Take a message in, once for each key, and give the receipt; None if the key is another's."""
        fingerprint = json.dumps([request["metadata"], request["mime"]], sort_keys=True)
        known, receipt = self.keys.setdefault(
            request["headers"]["idempotency-key"], (fingerprint, {})
        )
        if known != fingerprint:
            return None
        if not receipt:
            receipt.update(self._take(request))
        return receipt

    def take(self, sender: str, to: str, subject: str) -> None:
        """Have a message as if it had been sent."""
        envelope = {"from": sender, "to": [to]}
        metadata = {"envelope": envelope, "stream": "transactional"}
        self._take({"metadata": metadata, "mail": {"subject": subject}, "size": 1_000})

    def _take(self, request: Json) -> Json:
        metadata = request["metadata"]
        identifier = str(uuid.uuid4())
        recipients = [
            {"id": str(uuid.uuid4()), "address": address} for address in metadata["envelope"]["to"]
        ]
        self.messages[identifier] = {
            "id": identifier,
            "stream": metadata["stream"],
            "kind": metadata.get("kind"),
            "from": metadata["envelope"]["from"],
            "subject": request["mail"]["subject"],
            "size": request["size"],
            "source": metadata.get("source"),
            "accepted_at": _now(),
            "expires_at": None,
            "resendable": True,
            "recipients": [
                {
                    **recipient,
                    "status": "queued",
                    "stage": "queued",
                    "outcome": "none",
                    "reason": None,
                    "attempts": [],
                    "events": [],
                }
                for recipient in recipients
            ],
        }
        return {
            "id": identifier,
            "stream": metadata["stream"],
            "accepted_at": _now(),
            "recipients": [{**r, "disposition": "queued", "reason": None} for r in recipients],
        }


@contextmanager
def fake_relay() -> Iterator[FakeRelay]:
    """A recording relay on a free port of 127.0.0.1."""
    relay = FakeRelay()
    relay.reset()

    class Handler(_Handler):
        fake = relay

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    relay.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """HTTP around a FakeRelay."""

    protocol_version = "HTTP/1.1"
    fake: FakeRelay

    def do_GET(self) -> None:
        if self.path == "/_fake/requests":
            self._say(200, json.dumps(self.fake.requests))
            return
        self._answer(b"")

    def do_DELETE(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_fake/reset":
            self.fake.reset()
            self._say(200, "{}")
        elif self.path == "/_fake/answer":
            self.fake.answers.append(Answer(**json.loads(body)))
            self._say(200, "{}")
        elif self.path == "/_fake/change":
            changes = json.loads(body)
            self.fake.account |= changes.get("account", {})
            self.fake.people |= changes.get("people", {})
            self._say(200, "{}")
        else:
            self._answer(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Stay silent."""

    def _answer(self, body: bytes) -> None:
        request = _read(self.command, self.path, dict(self.headers.items()), body)
        if self.command == "POST" and body.startswith(b"{"):
            request["json"] = json.loads(body)
        self.fake.requests.append(request)
        if self.fake.answers:
            answer = self.fake.answers.popleft()
            time.sleep(answer.delay)
            self._say(answer.status, answer.body, answer.content_type, answer.location)
        elif self.path.startswith("/v1/sites"):
            self._answer_to_account(request)
        elif self.command == "POST" and self.path == "/v1/connect":
            self._say(200, json.dumps({"key": KEY, "site": {}, "account": {}}))
        elif self.headers.get("Authorization") != f"Bearer {KEY}":
            self._problem(401, "key-invalid", "The key is not valid")
        else:
            self._answer_by_path(request)

    def _answer_to_account(self, request: Json) -> None:
        if self.headers.get("Authorization") != f"Bearer {ACCOUNT_KEY}":
            self._problem(401, "key-invalid", "The key is not valid")
        elif self.command == "POST":
            asked = request["json"]
            domain = {"name": "shop.example", "status": "pending"} if asked["domain"] else None
            site = {"id": "s1", "name": asked["name"], "url": asked["url"], "state": "active"}
            answer = {
                "created": True, "key": KEY, "key_id": "k2", "scopes": [], "site": site,
                "account": self.fake.account["account"], "domain": domain, "default_from": None,
            }  # fmt: skip
            self._say(201, json.dumps(answer))
        elif self.command == "DELETE":
            self._say(200, json.dumps({"id": self.path.rpartition("/")[2], "revoked_at": _now()}))
        else:
            keys = [
                {"id": "k1", "prefix": OLD_PREFIX, "bound_url": "https://shop.example"},
                {"id": "k2", "prefix": KEY.split("_")[1], "bound_url": "https://shop.example"},
            ]
            self._say(200, json.dumps({"keys": [{**key, "revoked_at": None} for key in keys]}))

    def _answer_by_path(self, request: Json) -> None:
        path = self.path.split("?")[0]
        if self.command == "POST" and path == "/v1/messages":
            if request["faults"]:
                self._problem(400, "request-invalid", "; ".join(request["faults"]))
            elif receipt := self.fake.accept(request):
                self._say(202, json.dumps(receipt))
            else:
                self._problem(409, "idempotency-key-reused", "The key was used for another request")
        elif self.command == "POST" and path == "/v1/messages/batch":
            self._say(200, json.dumps({"results": [self._result(m) for m in request["batch"]]}))
        elif path.startswith("/v1/people/"):
            self._answer_about(unquote(path.rpartition("/")[2]))
        elif path == "/v1/events":
            self._say(200, json.dumps({"events": self.fake.events(), "next_cursor": 7}))
        elif path == "/v1/domains" and self.command == "POST":
            self.fake.domains.append(a_domain(request["json"]["name"]))
            self._say(201, json.dumps(self.fake.domains[-1]))
        elif path == "/v1/domains":
            self._say(200, json.dumps({"domains": self.fake.domains}))
        elif path.startswith("/v1/suppressions"):
            self._answer_about_suppressions(path)
        elif path == "/v1/account/appeals" and self.fake.appeals is not None:
            self._answer_about_appeals(request)
        elif path == "/v1/account/reputation" and self.fake.reputation is not None:
            self._say(200, json.dumps(self.fake.reputation))
        elif path.endswith("/resend"):
            self._send_again(path.split("/")[3])
        elif path.startswith("/v1/domains/"):
            self._say(200, json.dumps({"name": path.split("/")[3], "status": "verified"}))
        elif path == "/v1/key" and self.command == "DELETE":
            self._say(200, json.dumps({"id": "k2", "revoked_at": _now()}))
        elif path == "/v1/account/policy":
            policy = self.fake.account["policy"]
            policy["accepted_version"] = request["json"]["version"]
            self._say(200, json.dumps(policy))
        elif path == "/v1/account":
            self._say(200, json.dumps(self.fake.account))
        elif path == "/v1/messages":
            self._list_messages(parse_qs(urlsplit(self.path).query, keep_blank_values=True))
        elif path.rpartition("/")[2] in self.fake.messages:
            self._say(200, json.dumps(self.fake.messages[path.rpartition("/")[2]]))
        else:
            self._problem(404, "not-found", "There is no such thing")

    def _list_messages(self, query: dict[str, list[str]]) -> None:
        asked = {name: values[-1] for name, values in query.items()}
        statuses = [word for word in asked.get("status", "").split(",") if word]
        unknown = asked.keys() - {"limit", "cursor", "recipient", "status", "q"}
        if unknown or set(statuses) - set(STATUSES) or not 2 <= len(asked.get("q", "??")) <= 100:
            self._problem(400, "request-invalid", "The request is not valid")
        else:
            wanted = Wanted(
                frozenset(statuses), asked.get("q", ""), asked.get("recipient", "").lower() or None
            )
            self._say(200, json.dumps(self.fake.page(wanted, asked)))

    def _send_again(self, identifier: str) -> None:
        if self.fake.messages[identifier]["resendable"]:
            self._say(202, json.dumps({"id": identifier, "recipients": []}))
        else:
            self._problem(409, "content-gone", "The content of the message is no longer kept")

    def _answer_about(self, address: str) -> None:
        if self.command == "DELETE":
            self._say(200, json.dumps({"erased": self.fake.people.pop(address, None) is not None}))
        else:
            self._say(200, json.dumps(self.fake.people.get(address, {"address": address})))

    def _answer_about_suppressions(self, path: str) -> None:
        if self.command == "GET":
            self._say(200, json.dumps({"suppressions": self.fake.suppressions}))
            return
        (found,) = (each for each in self.fake.suppressions if each["id"] == path.split("/")[3])
        ending = "contested" if self.command == "POST" else "lifted"
        found.update(ended_at=_now(), ending=ending, liftable=False)
        found["probe_at"] = _now(timedelta(days=3)) if ending == "contested" else None
        found["timeline"].append({"at": _now(), "code": ending, "title": ending})
        self._say(200, json.dumps(found))

    def _answer_about_appeals(self, request: Json) -> None:
        appeals = self.fake.appeals or []
        if self.command == "POST":
            appeal = {
                "id": "p1",
                "at": _now(),
                "answer_by": _now(),
                "decision": None,
                "answer": None,
            }
            self.fake.appeals = [*appeals, appeal | request["json"]]
            self._say(201, json.dumps(self.fake.appeals[-1]))
        else:
            self._say(200, json.dumps({"appeals": appeals, "next_cursor": None}))

    def _result(self, message: Json) -> Json:
        """What became of one message of a batch; a subject "refuse:code:status" is refused."""
        subject = message["mail"]["subject"] if not message["faults"] else ""
        if found := re.fullmatch(r"refuse:([a-z-]+):(\d+)", subject):
            return {
                "status": int(found[2]),
                "problem": self._body(int(found[2]), found[1], "Refused") | {"retry_after": 600},
            }
        if message["faults"]:
            problem = self._body(400, "request-invalid", "; ".join(message["faults"]))
            return {"status": 400, "problem": problem}
        if receipt := self.fake.accept(message):
            return {"status": 202, "replayed": False, "receipt": receipt}
        return {"status": 409, "problem": self._body(409, "idempotency-key-reused", "Reused")}

    def _body(self, status: int, code: str, title: str) -> Json:
        return {"type": f"{self.fake.url}/problems/{code}", "title": title, "status": status}

    def _problem(self, status: int, code: str, title: str) -> None:
        body = self._body(status, code, title)
        self._say(status, json.dumps(body), "application/problem+json")

    def _say(
        self, status: int, body: str, content_type: str = "application/json", location: str = ""
    ) -> None:
        content = body.encode()
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            self.wfile.write(content)
        except BrokenPipeError:
            self.close_connection = True


def _read(method: str, path: str, headers: dict[str, str], body: bytes) -> Json:
    """The request as tests want to see it; `faults` names what the contract forbids."""
    request: Json = {
        "method": method,
        "path": path,
        "headers": {name.lower(): value for name, value in headers.items()},
        "size": len(body),
        "faults": [],
    }
    if method == "POST" and path == "/v1/messages":
        parts = _form_parts(request["headers"].get("content-type", ""), body, request["faults"])
        request["parts"] = {
            name: {"headers": part_headers, "size": len(content)}
            for name, (part_headers, content) in parts.items()
        }
        if not request["faults"]:
            _check_parts(parts, request)
        if "idempotency-key" not in request["headers"]:
            request["faults"].append("Idempotency-Key is missing")
    if method == "POST" and path == "/v1/messages/batch":
        parts = _form_parts(request["headers"].get("content-type", ""), body, request["faults"])
        request["batch"] = _read_batch(parts) if not request["faults"] else []
    return request


def _read_batch(parts: dict[str, tuple[dict[str, str], bytes]]) -> list[Json]:
    """The messages of a batch, each as if it had come alone."""
    found: list[Json] = []
    for entry in json.loads(parts["metadata"][1])["messages"]:
        key, name = entry.pop("idempotency_key"), entry.pop("message")
        alone: Json = {"headers": {"idempotency-key": key}, "faults": [], "via": "batch"}
        fields = {"content-type": "application/json"}
        together = {"metadata": (fields, json.dumps(entry).encode()), "message": parts[name]}
        alone["size"] = len(parts[name][1])
        _check_parts(together, alone)
        found.append(alone)
    return found


def _form_parts(
    content_type: str, body: bytes, faults: list[str]
) -> dict[str, tuple[dict[str, str], bytes]]:
    """The parts of multipart/form-data, byte for byte: name → (header fields, content)."""
    found = re.fullmatch(r'multipart/form-data; boundary="?([\w-]{1,70})"?', content_type)
    if not found:
        faults.append(f"not multipart/form-data: {content_type!r}")
        return {}
    line = b"--" + found[1].encode()
    if not body.startswith(line + b"\r\n") or not body.endswith(b"\r\n" + line + b"--\r\n"):
        faults.append("the form's first or last boundary is wrong")
        return {}
    parts = {}
    inside = body[len(line) + 2 : -(len(line) + 6)]
    for part in inside.split(b"\r\n" + line + b"\r\n"):
        head, _, content = part.partition(b"\r\n\r\n")
        fields = {
            name.lower(): value.strip()
            for name, _, value in (row.partition(":") for row in head.decode().split("\r\n"))
        }
        name = re.search(r'\bname="([^"]*)"', fields.get("content-disposition", ""))
        parts[name[1] if name else ""] = (fields, content)
    return parts


def _check_parts(parts: dict[str, tuple[dict[str, str], bytes]], request: Json) -> None:
    faults: list[str] = request["faults"]
    if set(parts) != {"metadata", "message"}:
        faults.append(f"parts are {sorted(parts)}")
        return
    fields, content = parts["metadata"]
    if fields.get("content-type") != "application/json" or "filename" in str(fields):
        faults.append("metadata must be application/json without a filename")
    request["metadata"] = json.loads(content)
    fields, mime = parts["message"]
    if fields.get("content-type") != "message/rfc822" or 'filename="message.eml"' not in str(
        fields.get("content-disposition")
    ):
        faults.append("message must be message/rfc822 with filename message.eml")
    if re.search(rb"(?<!\r)\n|\r(?!\n)", mime):
        faults.append("the mail has line ends that are not CRLF")
    envelope = request["metadata"].get("envelope", {})
    if not 1 <= len(envelope.get("to", [])) <= 50:
        faults.append("envelope.to must hold 1 to 50 addresses")
    request["mime"] = base64.b64encode(mime).decode()
    request["mail"] = _read_mail(mime)


def _read_mail(mime: bytes) -> Json:
    """The mail as a mail program would show it."""
    mail = email.message_from_bytes(mime, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return {
        "raw_headers": mime.partition(b"\r\n\r\n")[0].decode("latin-1"),
        "headers": {name.lower(): str(value) for name, value in mail.items()},
        "subject": str(mail.get("Subject", "")),
        "defects": [repr(defect) for part in mail.walk() for defect in part.defects],
        "parts": [_read_part(part) for part in mail.walk() if not part.is_multipart()],
    }


def _read_part(part: EmailMessage) -> Json:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return {
        "type": part.get_content_type(),
        "charset": part.get_content_charset(),
        "disposition": part.get_content_disposition(),
        "filename": part.get_filename(),
        "cid": part.get("Content-ID"),
        "sha256": hashlib.sha256(content).hexdigest(),
        "text": content.decode("utf-8", "replace") if part.get_content_maintype() == "text" else "",
    }


def a_domain(name: str, **given: Any) -> Json:
    """A domain somebody has just added: one record is not there yet."""
    return {
        "name": name,
        "status": "pending",
        "usable": False,
        "summary": "Waits for its DNS records.",
        "created_at": _now(),
        "checked_at": _now(),
        "next_check_at": None,
        "share_url": "https://relay.example/setup/abc",
        "records": [
            {
                "key": "ownership",
                "name": f"_postreeve.{name}",
                "type": "TXT",
                "value": "postreeve-account=abc",
                "purpose": "Proves that the domain is yours",
                "required": True,
                "result": "fail",
                "code": "missing",
                "found": [],
                "fix": "Nothing is published there yet.",
            }
        ],
        **given,
    }


def a_suppression(address: str, **given: Any) -> Json:
    """An address that is not mailed because a mail came back."""
    return {
        "id": "0123",
        "address": address,
        "reason": "invalid-address",
        "scope": "all",
        "title": "Mail to this address came back",
        "evidence": {},
        "began_at": _now(),
        "ended_at": None,
        "ending": None,
        "liftable": True,
        "probe_at": None,
        "timeline": [{"at": _now(), "code": "suppressed", "title": "It came back"}],
        **given,
    }


def _fits(message: Json, wanted: Wanted) -> bool:
    """Whether one of the copies is all that is wanted."""
    return any(
        (not wanted.statuses or copy["status"] in wanted.statuses)
        and wanted.address_key in (None, copy["address"].lower())
        and wanted.word.casefold() in f"{message['subject']}\n{copy['address']}".casefold()
        for copy in message["recipients"]
    )


def _now(later: timedelta = timedelta(0)) -> str:
    return (datetime.now(UTC) + later).isoformat(timespec="seconds").replace("+00:00", "Z")
