"""The plugin inside real WordPress, oldest and newest: runs the PHPUnit cases in `cases/`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugin.relays import KEY, FakeRelay
from tests.wordpress import databases, packages, sites, trees

HERE = Path(__file__).parent

pytestmark = pytest.mark.wordpress


def test_the_phpunit_cases_pass(site: sites.Site, relay: FakeRelay) -> None:
    packages.check(packages.TESTING)
    phpunit = packages.program("phpunit") or "phpunit"

    done = site.php.run(
        *(phpunit, "--configuration", str(HERE / "phpunit.xml")),
        environment={
            **site.environment,
            "POSTREEVE_TEST_SITE": str(site.path),
            "POSTREEVE_TEST_RELAY": relay.url,
        },
    )

    versions = f"WordPress {site.tree.version}, PHP {site.php.version}"
    assert done.returncode == 0, f"{versions}\n{done.stdout}\n{done.stderr}"


def test_a_mail_sent_while_plugins_are_still_loading_goes_to_the_relay(
    site: sites.Site, relay: FakeRelay
) -> None:
    site.run(HERE.parent / "wordpress" / "php" / "connect.php", relay.url, KEY)
    early = site.path / "wp-content" / "mu-plugins" / "early.php"
    early.write_text(
        "<?php add_action( 'plugin_loaded', function () {\n"
        "\trequire_once ABSPATH . WPINC . '/pluggable.php';\n"
        "\twp_mail( 'ada@x.example', did_action( 'plugins_loaded' ) ? 'Late' : 'Early', 'Text' );\n"
        "} );\n"
    )

    site.run(HERE / "scripts" / "early.php")

    early.unlink()
    (mail,) = (each for each in relay.requests if each["method"] == "POST")
    assert mail["faults"] == []
    assert mail["mail"]["subject"] == "Early"


def test_deleting_the_plugin_clears_every_site_of_a_network(
    database: databases.Server, relay: FakeRelay
) -> None:
    with sites.site(trees.newest(), database, network=True) as network:
        left = json.loads(network.run(HERE / "scripts" / "uninstall.php", relay.url, KEY))

    assert left == {
        "before on 1": True,
        "before on 2": True,
        "after on 1": False,
        "after on 2": False,
    }
