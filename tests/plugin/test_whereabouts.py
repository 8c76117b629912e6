"""Which site is a copy, and which is the site itself: the table of docs/plugin.md, in real WordPress."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.relays import KEY, FakeRelay
from tests.wordpress import databases, sites, trees

PLACE = Path(__file__).parent / "scripts" / "place.php"

pytestmark = pytest.mark.wordpress


@dataclass(frozen=True)
class Place:
    """How a site runs: its wp-config.php, its database, and the host it is asked for under."""

    home: str | None = "'https://shop.example'"
    """`WP_HOME` as PHP; None where wp-config.php has none."""
    stored: str = "https://shop.example"
    """The option `home`."""
    host: str = "shop.example"
    """'' at a terminal."""
    environment: str = "production"


BY_REQUEST = "'https://' . ( $_SERVER['HTTP_HOST'] ?? '' )"

FIXED = Place()
PLAIN = Place(home=None)
MADE = Place(home=BY_REQUEST)
AT_TERMINAL = replace(MADE, host="")


@pytest.fixture(scope="module")
def movable(database: databases.Server) -> Iterator[sites.Site]:
    """A site whose configuration a test may write anew."""
    with sites.site(trees.newest(), database) as made:
        yield made


@pytest.fixture
def original(movable: sites.Site) -> sites.Site:
    """The site as if the plugin were new."""
    movable.execute(
        "DELETE FROM wp_options WHERE option_name LIKE '%postreeve%';"
        "DELETE FROM wp_postreeve_outbox; DELETE FROM wp_postreeve_chunks"
    )
    return movable


def run(site: sites.Site, place: Place, *steps: list[Any]) -> list[Any]:
    """Do this where and as the place says."""
    configuration = site.path / "wp-config.php"
    text = re.sub(
        r"define\( 'WP_(HOME|SITEURL|ENVIRONMENT_TYPE)'.*\n", "", configuration.read_text()
    )
    lines = [f"define( 'WP_ENVIRONMENT_TYPE', '{place.environment}' );"]
    if place.home is not None:
        lines += [f"define( 'WP_HOME', {place.home} );", f"define( 'WP_SITEURL', {place.home} );"]
    configuration.write_text(text.replace("<?php\n", "<?php\n" + "\n".join(lines) + "\n", 1))
    site.execute(
        f"UPDATE wp_options SET option_value = '{place.stored}'"
        " WHERE option_name IN ('home', 'siteurl')"
    )
    told: list[Any] = json.loads(site.run(PLACE, place.host, json.dumps(steps)))
    return told


@pytest.mark.parametrize(
    ("connected", "runs", "sends"),
    [
        pytest.param(FIXED, FIXED, True, id="the site itself"),
        pytest.param(
            PLAIN,
            replace(PLAIN, stored="https://staging.example", host="staging.example"),
            False,
            id="a clone by search and replace, on this server or another",
        ),
        pytest.param(
            FIXED,
            replace(FIXED, home="'https://staging.example'", host="staging.example"),
            False,
            id="a clone of the whole server with another WP_HOME",
        ),
        pytest.param(
            PLAIN,
            replace(PLAIN, stored="https://new.example", host="new.example"),
            False,
            id="a site that has moved, until its owner says so",
        ),
        pytest.param(
            PLAIN,
            replace(PLAIN, stored="http://shop.example"),
            True,
            id="http instead of https",
        ),
        pytest.param(
            FIXED,
            replace(FIXED, home="'https://www.shop.example/'", host="www.shop.example"),
            True,
            id="with www",
        ),
        pytest.param(MADE, MADE, True, id="WP_HOME from the request, the same host"),
        pytest.param(
            MADE,
            replace(MADE, host="shop.test"),
            False,
            id="WP_HOME from the request, another host, until its owner says so",
        ),
        pytest.param(
            MADE, replace(MADE, host="www.shop.example"), True, id="WP_HOME from the request, www"
        ),
        pytest.param(MADE, AT_TERMINAL, True, id="WP_HOME from the request, at a terminal"),
        pytest.param(
            MADE,
            replace(AT_TERMINAL, stored="https://staging.example"),
            False,
            id="WP_HOME from the request, at a terminal of a clone by search and replace",
        ),
        pytest.param(FIXED, replace(FIXED, host=""), True, id="a terminal"),
        pytest.param(
            FIXED,
            replace(FIXED, environment="staging"),
            False,
            id="another WP_ENVIRONMENT_TYPE",
        ),
        pytest.param(
            replace(FIXED, host="10.0.0.4"),
            replace(FIXED, host="10.0.0.5"),
            True,
            id="hosts behind a load balancer, WP_HOME fixed",
        ),
        pytest.param(
            Place(home="'http://localhost:8080'", host="localhost:8080"),
            Place(home="'http://localhost:8080'", host="localhost:8080"),
            True,
            id="a container that was started again",
        ),
    ],
)
def test_a_copy_keeps_its_mail_and_the_site_itself_sends(
    original: sites.Site, relay: FakeRelay, connected: Place, runs: Place, sends: bool
) -> None:
    run(original, connected, ["connect", relay.url, KEY])

    assert run(original, runs, ["mail"]) == [True]

    assert len(relay.messages) == int(sends)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("shop.example", "staging.example"),
        ("//shop.example", "//staging.example"),
        ("https://shop.example", "https://staging.example"),
        ("shop.example", "staging.shop.example"),
    ],
)
def test_a_tool_that_puts_the_clone_s_name_everywhere_does_not_make_the_clone_the_original(
    original: sites.Site, relay: FakeRelay, old: str, new: str
) -> None:
    staging = new.rpartition("/")[2]
    clone = replace(PLAIN, stored=f"https://{staging}", host=staging)
    run(original, PLAIN, ["connect", relay.url, KEY])

    assert run(original, PLAIN, ["replace", old, new]) == [True]
    assert run(original, clone, ["mail"]) == [True]

    assert relay.messages == {}


def test_one_more_host_of_the_same_site_sends_once_its_owner_has_said_so_and_under_one_address(
    original: sites.Site, relay: FakeRelay
) -> None:
    elsewhere = replace(MADE, host="shop.test")
    run(original, MADE, ["connect", relay.url, KEY])

    assert run(original, elsewhere, ["same"], ["mail"]) == [True, True]
    run(original, MADE, ["mail"])
    run(original, AT_TERMINAL, ["mail"])
    run(original, replace(MADE, host="another.test"), ["mail"])

    told = [each["headers"]["x-postreeve-site"] for each in relay.requests if each["size"]]
    assert told == ["https://shop.example"] * 3


def test_the_key_s_own_spelling_of_the_address_stays_whatever_host_the_site_is_asked_for_under(
    original: sites.Site, relay: FakeRelay
) -> None:
    run(original, replace(MADE, host="www.shop.example"), ["connect", relay.url, KEY])

    run(original, MADE, ["mail"])

    (mail,) = (each for each in relay.requests if each["size"])
    assert mail["headers"]["x-postreeve-site"] == "https://www.shop.example"


def test_a_copy_whose_owner_has_said_so_is_one_at_the_terminal_too(
    original: sites.Site, relay: FakeRelay
) -> None:
    run(original, MADE, ["connect", relay.url, KEY])
    run(original, replace(MADE, host="staging.example"), ["copy"])

    run(original, AT_TERMINAL, ["mail"])

    assert relay.messages == {}


def test_a_site_has_ten_further_addresses_and_no_eleventh(
    original: sites.Site, relay: FakeRelay
) -> None:
    run(original, MADE, ["connect", relay.url, KEY])

    said = [run(original, replace(MADE, host=f"shop{n}.test"), ["same"])[0] for n in range(11)]

    assert said == [True] * 10 + [False]


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:80", "shop.localhost"])
def test_a_name_that_every_machine_has_is_no_further_address(
    original: sites.Site, relay: FakeRelay, host: str
) -> None:
    run(original, MADE, ["connect", relay.url, KEY])

    assert run(original, replace(MADE, host=host), ["same"]) == [False]


def test_each_site_of_a_network_is_known_by_the_address_in_its_own_database(
    database: databases.Server, relay: FakeRelay
) -> None:
    with sites.site(trees.newest(), database, network=True) as network:
        steps: list[list[Any]] = [
            ["blog", 2],
            ["option", "home", "https://mapped.example"],
            ["connect", relay.url, KEY],
            ["filter", "pre_option_home", "https://de.mapped.example"],
            ["mail"],
            ["option", "home", "https://staging.example"],
            ["mail"],
        ]
        network.run(PLACE, network.url.removeprefix("http://"), json.dumps(steps))

    assert len(relay.messages) == 1
