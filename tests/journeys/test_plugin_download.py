"""An owner gets the plugin from the relay, in their language, and uploads it in wp-admin.

Pictures are kept in var/screenshots.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from playwright.sync_api import Browser, Page, expect

from relay.services import plugin_archives
from tests.journeys.installations import Installation, installation
from tests.journeys.wp_admin import SCREEN, SETTINGS, log_in, photograph
from tests.wordpress import databases, packages, sites
from tests.wordpress.pairs import PAIRS, pair
from tools.plugin_translations import as_mo

pytestmark = [pytest.mark.journey, pytest.mark.wordpress]

FIRST_STEP = "Connect this site with a relay"
IN_GERMAN = "Diese Website mit einem Relay verbinden"
OF_A_PACK = "So heißt es im Sprachpaket"


@pytest.fixture(scope="module")
def database() -> Iterator[databases.Server]:
    packages.check({**packages.SERVING, **packages.TESTING})
    with databases.server() as server:
        yield server


@pytest.fixture(scope="module", params=PAIRS)
def bare(request: pytest.FixtureRequest, database: databases.Server) -> Iterator[sites.Site]:
    """A WordPress on which nobody has ever installed the plugin."""
    tree, php = pair(request.param)
    with sites.site(tree, database, php=php) as made:
        made.execute(
            "UPDATE wp_options SET option_value = 'a:0:{}' WHERE option_name = 'active_plugins';"
            "DELETE FROM wp_options WHERE option_name LIKE '%postreeve%';"
            "DROP TABLE wp_postreeve_outbox, wp_postreeve_chunks"
        )
        (made.path / "wp-content" / "plugins" / "postreeve").unlink()
        with made.served():
            yield made


@pytest.fixture(scope="module")
def house(bare: sites.Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A relay, as its operator runs it."""
    with installation(tmp_path_factory.mktemp("relay"), bare.url) as made:
        yield made


@pytest.fixture(scope="module")
def archive(
    house: Installation, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What the button of the relay's page gives somebody in Austria."""
    context = chromium.new_context(locale="de-AT")
    page = context.new_page()
    page.goto(f"{house.relay_url}/plugin")
    assert page.locator("html").get_attribute("lang") == "de"
    with page.expect_download() as download:
        page.locator("a.button").click()
    path = tmp_path_factory.mktemp("download") / download.value.suggested_filename
    download.value.save_as(path)
    context.close()
    return path


@pytest.fixture(scope="module")
def owner(bare: sites.Site, archive: Path, chromium: Browser) -> Iterator[Page]:
    """The owner, who has uploaded the archive in wp-admin as it is, and activated it."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    log_in(page, bare)
    page.goto(f"{bare.url}/wp-admin/plugin-install.php?tab=upload")
    page.locator("#pluginzip").set_input_files(archive)
    page.locator("#install-plugin-submit").click()
    page.get_by_role("link", name="Activate Plugin").click()
    expect(page.locator("tr[data-slug=postreeve].active")).to_be_visible()
    yield page
    context.close()


@pytest.fixture
def german_site(bare: sites.Site) -> Iterator[None]:
    """The site's language is German."""
    bare.execute("REPLACE INTO wp_options (option_name, option_value) VALUES ('WPLANG', 'de_DE')")
    yield
    bare.execute("DELETE FROM wp_options WHERE option_name = 'WPLANG'")


@pytest.fixture
def german_owner(bare: sites.Site) -> Iterator[None]:
    """The site's language is English; the owner has chosen German in their profile."""
    bare.execute("UPDATE wp_usermeta SET meta_value = 'de_DE' WHERE meta_key = 'locale'")
    yield
    bare.execute("UPDATE wp_usermeta SET meta_value = '' WHERE meta_key = 'locale'")


@pytest.fixture
def pack(bare: sites.Site) -> Iterator[None]:
    """WordPress has fetched a language pack, as it does for what comes from its directory."""
    catalog = Catalog(locale="de_DE", domain="postreeve", charset="utf-8", fuzzy=False)
    catalog.add(FIRST_STEP, OF_A_PACK)
    path = bare.path / "wp-content" / "languages" / "plugins" / "postreeve-de_DE.mo"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_mo(catalog))
    yield
    path.unlink()


def first_step(owner: Page, site: sites.Site) -> str:
    """What Status says is to be done now."""
    owner.goto(site.url + SCREEN)
    return owner.locator("[data-step=now]").inner_text()


def test_what_is_downloaded_is_what_the_packer_makes(archive: Path, house: Installation) -> None:
    made = plugin_archives.pack("de", relay_url=house.relay_url)

    assert archive.name == made.name
    assert archive.read_bytes() == made.content


def test_the_plugin_speaks_the_language_of_the_site(
    owner: Page, bare: sites.Site, german_site: None, screenshots: Path
) -> None:
    assert IN_GERMAN in first_step(owner, bare)
    photograph(owner, screenshots, f"german-{bare.tree.version}")


def test_the_plugin_speaks_the_language_of_the_owner(
    owner: Page, bare: sites.Site, german_owner: None
) -> None:
    assert IN_GERMAN in first_step(owner, bare)


def test_the_plugin_speaks_english_else(owner: Page, bare: sites.Site) -> None:
    assert FIRST_STEP in first_step(owner, bare)


def test_a_language_pack_goes_before_the_archive_s_own_words(
    owner: Page, bare: sites.Site, german_site: None, pack: None
) -> None:
    assert OF_A_PACK in first_step(owner, bare)


def test_the_relay_s_address_stands_in_the_form_but_only_the_owner_connects(
    owner: Page, bare: sites.Site, house: Installation, screenshots: Path
) -> None:
    owner.goto(bare.url + SETTINGS)
    expect(owner.get_by_label("Address of your relay")).to_have_value(house.relay_url)
    expect(owner.get_by_label("Relay address")).to_have_value(house.relay_url)
    photograph(owner, screenshots, f"download-settings-{bare.tree.version}")
    assert FIRST_STEP in first_step(owner, bare)

    owner.goto(bare.url + SETTINGS)
    owner.get_by_role("button", name="Connect in the browser").click()

    owner.wait_for_url(f"{house.relay_url}/connect?**")
    expect(owner.get_by_role("heading", name="Connect this website?")).to_be_visible()


def test_wordpress_had_nothing_to_complain_about(owner: Page, bare: sites.Site) -> None:
    lines = bare.log.read_text().splitlines() if bare.log.exists() else []

    ours = ("plugins/postreeve/", "<code>postreeve</code>")
    assert [line for line in lines if any(words in line for words in ours)] == []
