"""A person at wp-admin without JavaScript: follows links, fills in forms, keeps cookies."""

from __future__ import annotations

import http.client
import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser


@dataclass(frozen=True)
class Page:
    """What came back."""

    url: str
    status: int
    html: str

    @property
    def text(self) -> str:
        """Its words, as a reader sees them, in one line."""
        body = re.sub(r"(?s)<(script|style)\b.*?</\1>|<[^>]+>", " ", self.html)
        return " ".join(unescape(body).split())

    def link(self, label: str) -> str:
        """Where the link with these words leads."""
        found = re.search(rf'<a\b[^>]*\bhref="([^"]*)"[^>]*>{re.escape(label)}</a>', self.html)
        assert found, f"there is no link {label!r}"
        return unescape(found[1])

    @property
    def address_bar(self) -> str:
        """What a browser shows as its address once WordPress has taken out what it takes for messages."""
        found = re.search(r'<link id="wp-admin-canonical"[^>]*\bhref="([^"]*)"', self.html)
        assert found, "WordPress says no canonical address"
        return unescape(found[1])

    def form(self, action: str) -> dict[str, str]:
        """The fields of the form whose address ends with `action`, filled as they came."""
        forms = _Forms()
        forms.feed(self.html)
        return next(fields for address, fields in forms.found if address.endswith(action))

    def form_with(self, name: str, value: str) -> dict[str, str]:
        """The fields of the form that has this field, filled as they came."""
        forms = _Forms()
        forms.feed(self.html)
        return next(fields for _, fields in forms.found if fields.get(name) == value)


class Visitor:
    """Somebody with a browser, for whom every host is `at` this machine if one is named."""

    def __init__(self, site_url: str, *, at: str = "") -> None:
        self.site_url = site_url
        handlers: list[urllib.request.BaseHandler] = [
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        ]
        self._opener = urllib.request.build_opener(*handlers, *([_Elsewhere(at)] if at else []))

    def get(self, path: str) -> Page:
        """Open a page of the site."""
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.site_url, path)))

    def post(self, path: str, fields: dict[str, str]) -> Page:
        """Send a form."""
        address = urllib.parse.urljoin(self.site_url, path)
        return self._open(urllib.request.Request(address, urllib.parse.urlencode(fields).encode()))

    def log_in(self, name: str, password: str) -> Page:
        """Log in to wp-admin."""
        self.get("/wp-login.php")
        return self.post("/wp-login.php", {"log": name, "pwd": password, "testcookie": "1"})

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=180) as answer:
                return Page(answer.url, answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            return Page(error.url or "", error.code, error.read().decode())


class _Elsewhere(urllib.request.HTTPHandler):
    """Finds every host at one machine, as if its name were in the hosts file."""

    def __init__(self, machine: str) -> None:
        super().__init__()
        self._machine = machine

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Connect there, and ask for the host by its name."""
        return self.do_open(self._connection, req)

    def _connection(self, host: str, timeout: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(
            self._machine, int(host.rpartition(":")[2]), timeout=timeout
        )


PRESSED = ("submit", "checkbox", "radio")
"""Kinds of fields that are sent only when somebody touches them."""


class _Forms(HTMLParser):
    """Collects each form's address and fields."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((attributes.get("action", ""), {}))
        elif tag == "input" and self.found and attributes.get("type") not in PRESSED:
            self.found[-1][1][attributes.get("name", "")] = attributes.get("value", "")
