"""The page where an owner gets the plugin, and the files it leads to."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from relay.context import Relay
from relay.languages import LANGUAGES, translations
from relay.pages.plugin import DOWNLOADS
from relay.services import plugin_archives
from relay.vocabulary import AccountOpening
from tests.pages.test_frame import Outline

ROOT = Path(__file__).parents[2]
RELAY = "https://relay.example"
LOCALES = plugin_archives.LOCALES

each_language = pytest.mark.parametrize("language", LANGUAGES)


def links(page: str) -> list[str]:
    found = (each["href"] or "" for each in Outline(page).named("a"))
    return [href for href in found if href.startswith("/")]


@each_language
def test_the_button_gives_the_archive_in_the_visitor_s_language(
    language: str, client: FlaskClient
) -> None:
    page = client.get("/plugin", headers={"Accept-Language": language})

    assert page.status_code == 200
    assert page.headers["Content-Language"] == language
    (button,) = (a for a in Outline(page.text).named("a") if a.get("class") == "button")
    archive = client.get(button["href"] or "")
    assert archive.data == plugin_archives.pack(language, relay_url=RELAY).content
    assert plugin_archives.pack(language, relay_url=RELAY).digest in page.text
    told = translations(language).gettext("Version %(version)s, %(size)s KB")
    size = f"{len(archive.data) / 1000:.0f}"
    assert told % {"version": plugin_archives.header("Version"), "size": size} in page.text


def test_every_other_language_is_offered_and_every_link_leads_somewhere(
    client: FlaskClient,
) -> None:
    page = client.get("/plugin?lang=en").text

    assert {f"/plugin/postreeve-{locale}.zip" for locale in LOCALES.values()} < set(links(page))
    for href in links(page):
        assert client.get(href).status_code == 200, href


def test_the_page_says_what_is_needed_and_has_the_relay_s_address_to_copy(
    client: FlaskClient,
) -> None:
    page = client.get("/plugin").text

    assert "WordPress 6.1 and PHP 7.4, or newer" in page
    assert f"Version {plugin_archives.header('Version')}" in page
    assert re.search(rf'<code class="ready"[^>]*>{RELAY}</code>', page)
    assert "you ask for one while you connect" in page
    assert Outline(page).named("script") == []


def test_a_relay_that_opens_no_accounts_says_whom_to_ask(client: FlaskClient, relay: Relay) -> None:
    client.application.extensions["relay"] = replace(
        relay, settings=replace(relay.settings, sign_up=AccountOpening.CLOSED)
    )

    assert "from whoever runs it" in client.get("/plugin").text


def test_an_archive_is_saved_under_its_version_and_names_the_relay(client: FlaskClient) -> None:
    answer = client.get("/plugin/postreeve-de_DE.zip")

    version = plugin_archives.header("Version")
    assert answer.mimetype == "application/zip"
    assert (
        answer.headers["Content-Disposition"]
        == f"attachment; filename=postreeve-{version}-de_DE.zip"
    )
    with zipfile.ZipFile(BytesIO(answer.data)) as opened:
        assert json.loads(opened.read("postreeve/relay.json")) == {"relay_url": RELAY}


def test_an_archive_that_is_still_the_same_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/plugin/postreeve.zip")

    again = client.get("/plugin/postreeve.zip", headers={"If-None-Match": first.headers["ETag"]})
    other = client.get("/plugin/postreeve-ar.zip", headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304
    assert again.data == b""
    assert other.status_code == 200
    for answer in (first, again, other):
        assert answer.headers["Cache-Control"] == "public, no-cache"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_looking_at_the_head_gives_no_archive(client: FlaskClient) -> None:
    answer = client.head("/plugin/postreeve.zip")

    size = len(plugin_archives.pack(relay_url=RELAY).content)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(size)


@pytest.mark.parametrize(
    "name",
    ["postreeve-fr_FR.zip", "postreeve-0.1.0.zip", "readme.txt", "..%2fpostreeve.php", "x" * 3000],
)
def test_there_is_nothing_else(name: str, client: FlaskClient) -> None:
    answer = client.get(f"/plugin/{name}")

    assert answer.status_code == 404


def test_a_wrong_name_leads_to_the_page(client: FlaskClient) -> None:
    answer = client.get("/plugin/postreeve-fr_FR.zip")

    assert "There is no such file" in answer.text
    assert "/plugin" in links(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"


def test_nobody_fetches_without_end(client: FlaskClient) -> None:
    for _ in range(DOWNLOADS):
        assert client.head("/plugin/postreeve.zip").status_code == 200

    answer = client.get("/plugin/postreeve.zip")

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many at once" in answer.text
    assert client.get("/plugin").status_code == 200


WITHOUT = """
import sys
from relay.app import create_app
from relay.composition import build
from relay.settings import Settings
settings = Settings(database_url="sqlite://", secret="x" * 32)
client = create_app(build(settings)).test_client()
for path in ("/plugin", "/plugin/postreeve.zip"):
    answer = client.get(path)
    assert answer.status_code == 404, (path, answer.status_code)
    assert "It was installed without the folder wp-plugin/" in answer.text, answer.text
assert "/plugin" not in client.get("/").text
"""


def test_a_relay_without_the_plugin_beside_it_says_so(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "relay", tmp_path / "relay")

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
