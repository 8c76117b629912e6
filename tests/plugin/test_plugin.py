"""The plugin inside real WordPress, oldest and newest: runs the PHPUnit cases in `cases/`."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.plugin.conftest import TESTED_IN
from tests.plugin.relays import ACCOUNT_KEY, KEY, FakeRelay
from tests.wordpress import databases, packages, sites, sqlite, suites, trees

HERE = Path(__file__).parent

pytestmark = pytest.mark.wordpress


def test_the_phpunit_cases_pass(site: sites.Site, relay: FakeRelay) -> None:
    run_cases(site, relay)


def test_the_phpunit_cases_pass_on_sqlite(
    relay: FakeRelay, record_property: Callable[[str, object], None]
) -> None:
    try:
        files = sqlite.files()
    except suites.Unavailable as unavailable:
        pytest.skip(str(unavailable))
    live = {"WP_ENVIRONMENT_TYPE": "production"}

    with sites.site(trees.newest(), files, php=files.php(), constants=live) as site:
        assert "sqlite" in site.versions().database
        record_property(TESTED_IN, str(site.versions()))
        run_cases(site, relay)


def run_cases(site: sites.Site, relay: FakeRelay) -> None:
    """Run PHPUnit inside the site."""
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

    versions = str(site.versions())
    assert done.returncode == 0, f"{versions}\n{done.stdout}\n{done.stderr}"
    assert site.complaints == [], versions


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
        before, after = json.loads(network.run(HERE / "scripts" / "uninstall.php", relay.url, KEY))

    assert set(before) == {"1", "2", "network"}
    assert before["network"] == ["postreeve"]
    for each in ("1", "2"):
        for trace in ("postreeve", "postreeve_outbox_key", "table outbox", "table chunks", "cron"):
            assert trace in before[each], each
    assert after == {"1": [], "2": [], "network": []}


def test_what_a_network_sets_holds_for_all_its_sites_and_new_sites_are_not_live(
    database: databases.Server, relay: FakeRelay
) -> None:
    with sites.site(trees.newest(), database, network=True) as network:
        told = json.loads(network.run(HERE / "scripts" / "network.php", relay.url, KEY))

    assert told["sites"] == {
        "1": [relay.url, "network", False],
        "2": [relay.url, "network", False],
        "3": [relay.url, "network", False],
    }
    assert told["unknown"] is False
    assert "Set for all sites of this network." in told["page"]
    assert "postreeve[relay_url]" not in told["page"]
    assert KEY not in told["page"]


def test_mails_of_another_site_of_the_network_leave_after_the_response_too(
    database: databases.Server, relay: FakeRelay
) -> None:
    with sites.site(trees.newest(), database, network=True) as network:
        told = json.loads(network.run(HERE / "scripts" / "away.php", relay.url, KEY))

    assert told == {"kept": {"1": 0, "2": 3}, "left": {"1": 0, "2": 0}, "here": 1, "tables": []}
    assert sorted(each["subject"] for each in relay.messages.values()) == [
        *("Site 2, mail 1", "Site 2, mail 2", "Site 2, mail 3", "Site 2, mail 4", "Site 2, mail 5")
    ]


@pytest.mark.parametrize(("megabytes", "sent"), [(25, True), (60, False)])
def test_a_large_attachment_goes_out_or_fails_with_a_reason_and_never_ends_the_page(
    site: sites.Site, relay: FakeRelay, megabytes: int, sent: bool
) -> None:
    site.run(HERE.parent / "wordpress" / "php" / "connect.php", relay.url, KEY)

    done = site.php.run(
        *("-d", "memory_limit=128M", str(HERE / "scripts" / "large.php")),
        *(str(site.path), str(megabytes)),
        environment=site.environment,
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    told = json.loads(done.stdout)
    assert told["sent"] is sent
    assert set(told["rows"].values()) == {0}
    mails = [each for each in relay.requests if each["method"] == "POST"]
    if sent:
        (mail,) = mails
        assert told["sha256"] in [part["sha256"] for part in mail["mail"]["parts"]]
        assert told["peak"] < 120
    else:
        assert mails == []
        assert "do not fit into the memory" in told["failures"][0]


@pytest.mark.parametrize("how", ["", "--fields"])
@pytest.mark.parametrize("carrier", ["postreeve", "smtp"])
def test_anybody_can_run_the_contract(
    site: sites.Site, contract: Path, carrier: str, how: str
) -> None:
    told = site.run(contract / "run.php", str(contract / f"{carrier}.php"), how)

    assert "DIFFERENT" not in told
    assert re.search(r"^0 of 4\d calls differ from core\.$", told, re.M)


@pytest.mark.parametrize("how", ["", "--fields"])
def test_the_contract_finds_a_careless_mailer_out(
    site: sites.Site, contract: Path, how: str
) -> None:
    carrier = shutil.copy(HERE / "scripts" / "careless-mailer.php", contract.parent)

    done = site.php.run(str(contract / "run.php"), str(site.path), str(carrier), how)

    assert done.returncode == 2
    assert re.findall(r"^(.+?) +DIFFERENT: (.+)$", done.stdout, re.M) == [
        ("Cc and Reply-To", "mails"),
        ("Cc and Bcc in several lines", "mails"),
    ]
    told = done.stdout.lower()
    assert "    - reply-to: r <r@shop.example>\n" in told
    assert "    + bcc: b1@x.example, b2@x.example\n" in told


@pytest.mark.parametrize("missing", ["WordPress", "carrier"])
def test_the_contract_says_what_it_misses(
    site: sites.Site, contract: Path, missing: str, tmp_path: Path
) -> None:
    wordpress = tmp_path if missing == "WordPress" else site.path

    done = site.php.run(str(contract / "run.php"), str(wordpress), str(tmp_path / "none.php"))

    assert done.returncode == 255
    assert f"There is no {missing}: " in done.stderr


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """The contract as somebody has it who has nothing else of ours."""
    return Path(shutil.copytree(HERE / "contract", tmp_path / "contract"))


def test_the_commands_work_without_wp_admin(site: sites.Site, relay: FakeRelay) -> None:
    commands = [
        ["connect", [], {"relay": relay.url, "token": "short"}],
        ["connect", [], {"relay": relay.url, "token": KEY}],
        ["live", [], {}],
        ["test", ["ada@x.example"], {}],
        ["status", [], {"format": "json"}],
        ["outbox", ["list"], {"format": "json"}],
        ["disconnect", [], {}],
    ]

    told = json.loads(site.run(HERE / "scripts" / "cli.php", json.dumps(commands)))

    assert [each["code"] for each in told] == [1, 0, 0, 0, 0, 0, 0]
    assert "That is not an API key." in told[0]["said"][0][1]
    assert told[4]["shown"][0][1][0]["state"] == "ready"
    assert [each["subject"] for each in relay.messages.values()] == ["Test mail from Shop"]


def test_mails_of_a_command_leave_before_it_ends_without_wp_cron(
    site: sites.Site, relay: FakeRelay
) -> None:
    site.run(HERE.parent / "wordpress" / "php" / "connect.php", relay.url, KEY)

    site.run(HERE / "scripts" / "terminal.php", "5")

    assert len(relay.messages) == 5
    assert [each["path"] for each in relay.requests].count("/v1/messages/batch") == 1


@pytest.mark.parametrize(("option", "key"), [("token", ACCOUNT_KEY), ("token", KEY), ("key", KEY)])
def test_a_key_comes_from_standard_input(
    option: str, key: str, site: sites.Site, relay: FakeRelay
) -> None:
    commands = [["disconnect", [], {}], ["connect", [], {"relay": relay.url, option: "-"}]]

    told = json.loads(
        site.run(HERE / "scripts" / "cli.php", json.dumps(commands), given=f"{key}\n")
    )

    assert [each["code"] for each in told] == [0, 0], told
    assert f"Bearer {key}" in [each["headers"]["authorization"] for each in relay.requests]


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        (f"const POSTREEVE_API_KEY = '{KEY}';", "The key of this site is set in wp-config.php"),
        ("const POSTREEVE_RELAY_URL = 'https://relay.example';", "The relay of this site is set"),
    ],
)
def test_what_wp_config_has_set_is_not_got_round_with_a_key_of_the_account(
    constants: str, words: str, site: sites.Site, relay: FakeRelay
) -> None:
    fixed = site.path / "wp-content" / "mu-plugins" / "fixed.php"
    fixed.write_text(f"<?php {constants}\n")
    commands = [["connect", [], {"relay": relay.url, "token": ACCOUNT_KEY}]]

    (told,) = json.loads(site.run(HERE / "scripts" / "cli.php", json.dumps(commands)))

    fixed.unlink()
    assert told["code"] == 1
    assert words in told["said"][0][1]
    assert relay.requests == []


def test_processes_that_work_at_once_never_hand_a_mail_over_twice(
    site: sites.Site, relay: FakeRelay
) -> None:
    site.run(HERE.parent / "wordpress" / "php" / "connect.php", relay.url, KEY)
    site.run(HERE / "scripts" / "wait.php", "160")

    with ThreadPoolExecutor(4) as processes:
        list(processes.map(lambda _: site.run(HERE / "scripts" / "outbox.php"), range(4)))

    batches = [each["batch"] for each in relay.requests if "batch" in each]
    keys = [mail["headers"]["idempotency-key"] for batch in batches for mail in batch]
    assert len(keys) == len(set(keys)) == len(relay.messages) == 160
