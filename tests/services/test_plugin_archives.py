"""The archives from which WordPress installs the plugin."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path, PurePath

import pytest

from relay.languages import ENGLISH, LANGUAGES
from relay.services import plugin_archives
from relay.services.plugin_archives import FOLDER, LOCALES, Archive, pack

each_language = pytest.mark.parametrize("language", LOCALES)
RELAY = "https://relay.example"


def held(archive: Archive) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(archive.content)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_english_archive_is_the_folder_without_translations() -> None:
    files = held(pack())

    wanted = {
        f"postreeve/{path.relative_to(FOLDER).as_posix()}": path.read_bytes()
        for path in FOLDER.rglob("*")
        if path.is_file() and path.parent.name != "languages"
    }
    assert files == wanted | {"postreeve/languages/": b""}
    kinds = {PurePath(name).suffix or PurePath(name).name for name in wanted}
    assert kinds == {".php", ".txt", ".css", ".js", "LICENSE"}


@each_language
def test_a_language_s_archive_runs_the_same_and_holds_its_own_translation(language: str) -> None:
    english, files = held(pack()), held(pack(language))

    translation = f"postreeve/languages/postreeve-{LOCALES[language]}.mo"
    assert files.pop(translation) == (FOLDER / "languages" / Path(translation).name).read_bytes()
    del english["postreeve/languages/"]
    assert files == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plugin_is_small_and_a_language_adds_little(language: str) -> None:
    url = f"https://{'relay.' * 40}example"
    plugin, spoken = (len(pack(each, relay_url=url).content) for each in (ENGLISH, language))

    assert plugin <= plugin_archives.LARGEST == 150_000
    assert spoken <= plugin + plugin_archives.LARGEST_LANGUAGE


def test_every_language_that_people_are_offered_has_its_archive() -> None:
    assert {ENGLISH, *LOCALES} == set(LANGUAGES)
    found = {path.stem.removeprefix("postreeve-") for path in FOLDER.rglob("*.mo")}
    assert found == set(LOCALES.values())


def test_what_a_relay_hands_out_names_the_relay_and_is_the_same_else() -> None:
    files = held(pack("de", relay_url=f"{RELAY}/"))

    assert json.loads(files.pop("postreeve/relay.json")) == {"relay_url": RELAY}
    assert files == held(pack("de"))


def test_the_same_sources_make_the_same_bytes() -> None:
    once = pack("de", relay_url=RELAY)
    plugin_archives.pack.cache_clear()
    again = pack("de", relay_url=RELAY)

    assert once is not again
    assert once == again
    assert len(once.digest) == 64


def test_an_archive_is_called_by_its_version_and_language() -> None:
    version = plugin_archives.header("Version")

    assert pack().name == f"postreeve-{version}.zip"
    assert pack("zh-Hant").name == f"postreeve-{version}-zh_TW.zip"
    assert plugin_archives.names()[ENGLISH] == "postreeve.zip"
    assert plugin_archives.names()["zh-Hant"] == "postreeve-zh_TW.zip"


def test_all_translations_come_as_packs_for_wordpress_s_own_folder() -> None:
    files = held(plugin_archives.pack_translations())

    assert list(files) == [f"postreeve-{locale}.mo" for locale in sorted(LOCALES.values())]
