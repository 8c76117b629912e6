"""An owner who connects a site: the plugin's part, the browser's, and the mailbox."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from functools import lru_cache
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from relay.context import Relay
from relay.models import Content, Recipient

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]
OWNER = "owner@shop.example"
HOME = "https://shop.example"
RETURN = "https://shop.example/wp-admin/options-general.php?page=postreeve"


def asking(**given: str) -> dict[str, str]:
    """What the plugin asks, with whatever a test wants different."""
    return {
        "site": HOME,
        "return": RETURN,
        "state": "a-state-of-the-plugin",
        "challenge": CHALLENGE,
        "name": "The shop",
        "from": "news@shop.example",
        "plugin": "0.1.0",
    } | {name.rstrip("_"): value for name, value in given.items()}


def letters_to(relay: Relay, address: str) -> list[str]:
    """The texts of all mail the relay has written to this address, oldest first."""
    with relay.reads() as session:
        mails = session.scalars(
            select(Content.data)
            .join(Recipient, Recipient.message_id == Content.message_id)
            .where(Recipient.address_key == address.lower())
            .order_by(Content.message_id, Content.part)
        ).all()
    return [_text(mail) for mail in mails]


@lru_cache(maxsize=256)  # tests that write many letters look at all of them again and again
def _text(mail: bytes) -> str:
    body = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@dataclass
class Owner:
    """Somebody with a browser and a mailbox."""

    relay: Relay
    client: FlaskClient
    address: str = OWNER
    page: str = field(default="", repr=False)

    def get(self, path: str) -> TestResponse:
        answer = self.client.get(path)
        self.page = answer.text
        return answer

    def fill(self, path: str, **form: Any) -> TestResponse:
        """Send a form of the page that is shown, with its hidden fields."""
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.page)
        mark = {name: value for name, value in hidden if name == "mark"}
        answer = self.client.post(path, data=mark | form)
        self.page = answer.text
        return answer

    def ask(self, **given: str) -> TestResponse:
        return self.get(f"/connect?{urlencode(asking(**given))}")

    def send_address(self, address: str | None = None, **given: str) -> str:
        """Begin: returns the path of the page that waits."""
        self.ask(**given)
        query = urlencode(asking(**given))
        answer = self.fill(f"/connect/sign-in?{query}", email=address or self.address)
        assert answer.status_code == 303, answer.text
        self.get(answer.location)
        return str(answer.location)

    def letter(self) -> str:
        return letters_to(self.relay, self.address)[-1]

    def link(self) -> str:
        (found,) = re.findall(r"https?://[^/]+(/connect/link/\S+)", self.letter())
        return str(found)

    def number(self) -> str:
        (found,) = re.findall(r"\b(\d{4} \d{4})\b", self.letter())
        return str(found)

    def sign_in(self, **given: str) -> str:
        """Begin, read the letter, press its button: returns the path of the page with the choice."""
        path = self.send_address(**given)
        if "number" not in self.page:  # this browser is signed in already
            return path
        link = self.link()
        self.get(link)
        answer = self.fill(link)
        assert answer.location == path
        self.get(path)
        return path

    def choose(self, path: str, **form: Any) -> TestResponse:
        """Press *Connect* with what is selected on the page, unless told otherwise."""
        place = re.search(r'<option value="([^"]+)" selected', self.page)
        domain = re.search(r'name="domain" value="([^"]*)"', self.page)
        filled = {
            "place": place.group(1) if place else "",
            "domain": domain.group(1) if domain else "",
            "agreed": "yes",
        }
        given = {name: text for name, text in (filled | form).items() if text is not None}
        return self.fill(path, **given)

    def code(self, **given: str) -> str:
        """The whole way to a code."""
        answer = self.choose(self.sign_in(**given))
        assert answer.status_code == 303, said(answer)
        return back(answer)["code"]

    def fetch(self, code: str, **given: str) -> TestResponse:
        """What the site's server does then."""
        told = {"code": code, "verifier": VERIFIER, "site": HOME} | given
        return self.client.post("/v1/connect", json=told)


def back(answer: TestResponse) -> dict[str, str]:
    """The parameters with which the browser comes back to WordPress."""
    query = parse_qs(urlsplit(answer.location).query)
    return {name: values[0] for name, values in query.items()}


def said(answer: TestResponse) -> str:
    """The page's text."""
    text = re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(text).split())
