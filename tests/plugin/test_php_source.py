"""How the plugin's source is written, and that what ships is complete and consistent."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wordpress import packages, phps, suites

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "wp-plugin"
SOURCES = sorted(PLUGIN.rglob("*.php"))
EVERY_PHP = [*SOURCES, *sorted((ROOT / "tests").rglob("*.php"))]

pytestmark = pytest.mark.wordpress


def header(name: str) -> str:
    found = re.search(rf"^ \* {name}:\s+(.+)$", (PLUGIN / "postreeve.php").read_text(), re.M)
    assert found, f"postreeve.php has no header {name}"
    return found[1]


def readme(name: str) -> str:
    found = re.search(rf"^{name}: (.+)$", (PLUGIN / "readme.txt").read_text(), re.M)
    assert found, f"readme.txt has no {name}"
    return found[1]


@pytest.mark.parametrize("version", [phps.oldest, phps.native, phps.newest])
def test_every_file_is_php_of_this_version_and_nothing_in_it_is_deprecated(
    version: Callable[[], phps.Php],
) -> None:
    try:
        php = version()
    except suites.Unavailable as unavailable:
        pytest.skip(str(unavailable))
    strict = ("-d", "error_reporting=-1", "-d", "display_errors=stderr", "-d", "log_errors=0")

    for path in SOURCES:
        done = php.run(*strict, "-l", str(path))
        assert done.returncode == 0, f"PHP {php.version}\n{done.stdout}{done.stderr}"
        assert done.stderr == "", f"PHP {php.version}"


def test_the_style_is_wordpress_s_as_far_as_phpcs_knows_it() -> None:
    phpcs = packages.program("phpcs") or "phpcs"

    done = subprocess.run(
        [phpcs, f"--standard={Path(__file__).parent / 'phpcs.xml'}"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", EVERY_PHP, ids=lambda path: path.name)
def test_no_file_holds_a_path_of_a_machine(path: Path) -> None:
    assert not re.search(r"/(home|root|work|Users)/", path.read_text())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_file_does_anything_when_opened_directly(path: Path) -> None:
    guards = ("defined( 'ABSPATH' ) || exit;", "defined( 'WP_UNINSTALL_PLUGIN' ) || exit;")

    assert any(guard in path.read_text() for guard in guards)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_text_can_be_translated_in_our_own_domain(path: Path) -> None:
    calls = re.findall(
        r"\b(?:__|_e|_n|_x|esc_html__|esc_html_e|esc_attr__|esc_attr_e)\( (.*)", path.read_text()
    )

    assert [call for call in calls if "'postreeve' )" not in call and call.strip() != ""] == []


def test_only_those_functions_of_mbstring_are_called_that_wordpress_has_where_php_has_them_not() -> (
    None
):
    called = {name for path in SOURCES for name in re.findall(r"\bmb_\w+(?=\()", path.read_text())}

    assert called == {"mb_strlen", "mb_substr"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_hooks_are_registered_in_one_place(path: Path) -> None:
    registers = re.search(r"\badd_(action|filter)\(", path.read_text())

    assert bool(registers) == (path.name == "class-plugin.php")


def test_header_and_readme_agree() -> None:
    assert readme("Stable tag") == header("Version")
    assert f"const VERSION = '{header('Version')}';" in (PLUGIN / "postreeve.php").read_text()
    assert readme("License") == header("License") == "GPL-2.0-or-later"
    assert readme("Requires at least") == header("Requires at least") == "6.1"
    assert readme("Requires PHP") == header("Requires PHP") == "7.4"
    assert (PLUGIN / "readme.txt").read_text().startswith(f"=== {header('Plugin Name')} ===")


def test_the_readme_keeps_wordpress_org_s_limits() -> None:
    text = (PLUGIN / "readme.txt").read_text()
    short_description = text.split("\n\n")[1].strip()

    assert len(short_description) <= 150
    assert len(readme("Tags").split(",")) <= 5
    assert "== External services ==" in text
    assert "GNU GENERAL PUBLIC LICENSE" in (PLUGIN / "LICENSE").read_text()
