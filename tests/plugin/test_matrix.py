"""Which WordPress, PHP and database the tests of the plugin really run on."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.plugin.conftest import TESTED_IN
from tests.wordpress import phps, sites, suites, trees

pytestmark = pytest.mark.wordpress

PROMISED = {
    "oldest": ("bookworm", "6.1.", phps.OLDEST),
    "newest": ("sid", "7.", phps.NEWEST),
}


def test_the_oldest_and_the_newest_site_run_on_what_is_promised(
    site: sites.Site,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    suite, wordpress, php = PROMISED[request.node.callspec.params["site"]]
    versions = site.versions()
    record_property(TESTED_IN, str(versions))
    try:
        phps.unpacked(php)
    except suites.Unavailable as unavailable:
        pytest.skip(f"PHP {php.version} cannot be had, {versions.php} ran instead. {unavailable}")
    if site.tree.suite != suite:
        pytest.skip(f"Debian {suite} gave no WordPress, {versions.wordpress} ran instead.")

    assert versions.wordpress.startswith(wordpress)
    assert versions.php.startswith(f"{php.version}.")
    assert "MariaDB" in versions.database


def test_the_readme_claims_no_wordpress_newer_than_the_one_that_runs() -> None:
    readme = (sites.PLUGIN / "readme.txt").read_text()
    claimed = re.search(r"^Tested up to: (\d+)\.(\d+)$", readme, re.M)
    newest = trees.newest()
    if newest.suite != "sid":
        pytest.skip(f"Debian sid gave no WordPress, {newest.version} is from {newest.suite}.")

    assert claimed
    assert [int(part) for part in claimed.groups()] <= [int(n) for n in newest.version.split(".")]
