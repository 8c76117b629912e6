"""What all pages for people have in common: headers, languages, directions, no cookie, no script."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from relay import languages
from relay.context import Relay
from relay.pages.visitors import visitor
from relay.vocabulary import SubscriptionStatus
from tests.pages.people import Person

PAGES = ["unsubscribe", "preferences", "report-abuse"]
LANGUAGES = list(languages.LANGUAGES)


VOID = {"meta", "link", "input", "br", "img", "path"}
"""Tags that hold nothing."""


class Outline(HTMLParser):
    """The tags of a page, and complaints about their nesting."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_is_kept_by_nobody_and_lets_nothing_in(
    page: str, method: str, client: FlaskClient, ada: Person
) -> None:
    answer = client.open(ada.path(page, ada.subscribe()), method=method)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_made_of_our_own_parts_and_has_no_script(
    page: str, client: FlaskClient, ada: Person
) -> None:
    outline = Outline(client.get(ada.path(page, ada.subscribe())).text)

    assert outline.named("script") == []
    for tag, attributes in outline.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        assert (attributes.get("src") or "/").startswith("/")
        if tag == "link":
            assert (attributes["href"] or "").startswith("/static/")
    assert len(outline.named("main")) == 1
    assert len(outline.named("h1")) == 1
    assert len(outline.named("title")) == 1


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_speaks_each_language_and_offers_the_others(
    page: str, language: str, client: FlaskClient, ada: Person
) -> None:
    answer = client.get(f"{ada.path(page, ada.subscribe())}?lang={language}")

    outline = Outline(answer.text)
    (html,) = outline.named("html")
    assert (html["lang"], html["dir"]) == (language, "rtl" if language == "ar" else "ltr")
    assert answer.headers["Content-Language"] == language
    others = {each["hreflang"]: each for each in outline.named("a") if "hreflang" in each}
    assert set(others) == set(LANGUAGES) - {language}
    for tag, link in others.items():
        assert (link["lang"], link["href"]) == (tag, f"?lang={tag}")


def language_of(client: FlaskClient, path: str, accept: str | None = None) -> str:
    headers = {"Accept-Language": accept} if accept else {}
    found = re.search(r'<html lang="([^"]+)"', client.get(path, headers=headers).text)
    assert found is not None
    return found[1]


def test_the_language_of_the_sign_up_goes_before_the_browser_s(
    client: FlaskClient, ada: Person
) -> None:
    path = ada.path("unsubscribe", ada.subscribe(language="de-AT"))

    assert language_of(client, path, "es") == "de"
    assert language_of(client, f"{path}?lang=ar", "es") == "ar"
    assert language_of(client, f"{path}?lang=tlh", "es") == "de"


def test_the_language_of_this_list_s_sign_up_goes_before_another_s(
    client: FlaskClient, ada: Person
) -> None:
    german = ada.subscribe("Neues", language="de")
    ada.subscribe("Noticias", SubscriptionStatus.UNSUBSCRIBED, language="es")

    assert language_of(client, ada.path("unsubscribe", german)) == "de"


def test_without_a_sign_up_the_browser_is_asked(client: FlaskClient, ada: Person) -> None:
    path = ada.path("unsubscribe", "marketing")

    assert language_of(client, path, "fr;q=0.9, id;q=0.8, en;q=0.1") == "id"
    assert language_of(client, path) == "en"


def test_links_and_forms_keep_the_language_that_was_chosen(
    client: FlaskClient, ada: Person
) -> None:
    path = ada.path("unsubscribe", ada.subscribe()) + "?lang=de"
    page = client.get(path).text

    assert re.search(r'href="/preferences/[^"?]+\?lang=de"', page)
    assert "action=" not in page  # a form goes where its page came from, language and all
    assert 'lang="de"' in client.post(path).text.partition("\n")[2]


@pytest.mark.parametrize("page", PAGES)
def test_when_the_database_is_away_a_person_reads_what_to_do(
    page: str, client: FlaskClient, ada: Person, relay: Relay
) -> None:
    path = ada.path(page, ada.subscribe())

    class Away:
        def begin(self) -> None:
            raise OperationalError("", {}, Exception("away"))

        def __call__(self) -> None:
            self.begin()

    client.application.extensions["relay"] = replace(relay, sessions=Away(), reads=Away())  # type: ignore[arg-type]

    for answer in (client.get(path), client.post(path, data={"reason": "other"})):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "300"
        assert "Something is wrong on our side" in answer.text


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (5, "203.0.113.9", "203.0.113.9"),
        (1, "nonsense", None),
        (1, "", "192.0.2.1"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_proxies_are_believed_only_as_far_as_the_installation_says(
    proxies: int, forwarded: str, seen: str | None, client: FlaskClient, relay: Relay
) -> None:
    client.application.extensions["relay"] = replace(
        relay, settings=replace(relay.settings, trusted_proxies=proxies)
    )
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with client.application.test_request_context(
        headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.1"}
    ):
        assert visitor().ip == seen
