"""An agency connects a site at a terminal, with a key of its account, and the site's mail arrives.

The relay is the real one. WP-CLI itself is not there: `cli.php` calls the commands as it does.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.installations import Installation
from tests.journeys.wp_admin import forget_all
from tests.wordpress import processes
from tests.wordpress.sites import Site

pytestmark = [pytest.mark.journey, pytest.mark.wordpress]

SCRIPTS = Path(__file__).parents[1] / "plugin" / "scripts"

SENDER = "hello@agency.example"

FROM = f"<?php add_filter( 'wp_mail_from', function () {{ return '{SENDER}'; }} );\n"
"""A must-use plugin: the site mails from its agency's domain."""


@pytest.fixture
def agency(relay: Installation) -> str:
    """The account of an agency that has proven its domain; gives its id."""
    created = relay.operate("account", "create", "Agency", "--owner", "owner@agency.example")
    account: str = created["id"]
    relay.operate("domain", "add", "agency.example", "--account", account, "--verified")
    return account


@pytest.fixture
def new_site(site: Site) -> Iterator[Site]:
    """A site that nobody has connected, and that mails from the agency's domain."""
    forget_all(site)
    plugin = site.path / "wp-content" / "mu-plugins" / "from.php"
    plugin.write_text(FROM)
    site.execute(
        f"UPDATE wp_options SET option_value = '{SENDER}' WHERE option_name = 'admin_email'"
    )
    yield site
    plugin.unlink()
    site.execute(
        f"UPDATE wp_options SET option_value = '{site.administrator.email}'"
        " WHERE option_name = 'admin_email'"
    )
    forget_all(site)


def test_an_agency_connects_a_site_with_one_command_and_its_mail_arrives(
    new_site: Site, relay: Installation, agency: str
) -> None:
    key = relay.operate("key", "create", "--account", agency, "--name", "laptop")["key"]

    # The account that had this address before is another one, and nothing of it is touched.
    (connected,) = say(new_site, ["connect", {"relay": relay.relay_url, "token": "-"}], given=key)

    assert connected["code"] == 0, connected
    assert [text for _, text in connected["said"]] == [
        f"{new_site.url} is new in the account Agency. It has a key of its own.",
        "The sending domain agency.example is verified.",
        "Connected and ready. The site mails as before until: wp postreeve live",
    ]
    (own,) = [each for each in relay.operate("site", "list") if each["account"] == agency]
    assert own["url"] == new_site.url
    assert wrote_to(relay, "owner@agency.example") == ["Shop is connected"]

    (live,) = say(new_site, ["live", {}])
    assert live["code"] == 0, live
    assert json.loads(new_site.run(SCRIPTS / "mail.php", "ada@customer.example", "Your order"))
    processes.wait_until(lambda: bool(relay.mails("ada@customer.example")), "the mail")
    (mail,) = relay.mails("ada@customer.example")
    assert mail["subject"] == "Your order"
    assert read(relay, "/v1/sites", key)["sites"][0]["last_used_at"] is not None

    # Said again, it finds the site; the new key works, and the one before it has ended.
    (again,) = say(new_site, ["connect", {"token": key}])
    assert again["code"] == 0, again
    assert (
        again["said"][0][1] == f"{new_site.url} is known in the account Agency. It has a new key."
    )
    assert again["said"][1][1] == "The key this site had before has ended."
    assert again["said"][-1][1] == "Connected and ready."
    keys = read(relay, f"/v1/sites/{own['id']}/keys", key)["keys"]
    assert [each["revoked_at"] is not None for each in keys] == [True, False]
    (status,) = say(new_site, ["status", {"format": "json"}])
    assert status["code"] == 0, status

    # Without the account's key nothing more is made, and the site goes on mailing.
    relay.operate("key", "revoke", key)
    (refused,) = say(new_site, ["connect", {"token": key}])
    assert refused["code"] == 1
    assert "revoked or replaced" in refused["said"][0][1]
    assert json.loads(new_site.run(SCRIPTS / "mail.php", "bob@customer.example", "Your order"))
    processes.wait_until(lambda: bool(relay.mails("bob@customer.example")), "the mail")


def say(site: Site, *commands: list[Any], given: str | None = None) -> list[dict[str, Any]]:
    """What `wp postreeve …` says to each command, and what it exits with."""
    whole = json.dumps([[name, [], options] for name, options in commands])
    told: list[dict[str, Any]] = json.loads(site.run(SCRIPTS / "cli.php", whole, given=given))
    return told


def wrote_to(relay: Installation, address: str) -> list[str]:
    """The subjects of the mails that somebody got, as soon as there is one."""
    processes.wait_until(lambda: bool(relay.mails(address)), f"mail to {address}")
    return [mail["subject"] for mail in relay.mails(address)]


def read(relay: Installation, path: str, key: str) -> Any:
    """What the relay answers to whoever presents this key."""
    request = urllib.request.Request(
        relay.relay_url + path, headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=processes.PATIENCE) as answer:
        return json.load(answer)
