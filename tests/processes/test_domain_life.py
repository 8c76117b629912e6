"""A domain's whole way on the command line, by nothing but edits of its zone file.

The simulator in Amazon's place and its name server are real processes; Amazon's part looks at the
same zone by itself.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relay import db
from relay.commands.trial.ports import free_port
from tests import factories
from tests.commands import running
from tests.databases import Databases
from tests.simulator.simulator_rig import Simulator, eventually

pytestmark = pytest.mark.processes

DOMAIN = "new-shop.example"

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    """The domain's zone file; it is not there yet."""
    folder = tmp_path / "zones"
    folder.mkdir()
    return folder / f"{DOMAIN}.zone"


@pytest.fixture
def run(databases: Databases, tmp_path: Path, zone: Path) -> Iterator[Run]:
    """`python -m relay …` for an installation whose DNS and SES are the simulator's."""
    port = free_port()
    simulator = Simulator(
        tmp_path / "simulator",
        *("--dns-port", str(port), "--zones", str(zone.parent), "--verify-identities", "dns"),
    )
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("POSTREEVE_", "AWS_"))}
    environment |= {
        "POSTREEVE_DATABASE_URL": databases.fresh(),
        "POSTREEVE_SECRET": factories.SECRET,
        "POSTREEVE_AWS_ENDPOINT_URL": simulator.url,
        "POSTREEVE_NAMESERVERS": f"127.0.0.1:{port}",
    }
    without = dict.fromkeys(os.environ.keys() - environment.keys())

    def relay(*arguments: str, codes: tuple[int, ...] = (0,)) -> dict[str, Any]:
        done = running.run(*arguments, "--json", environment={**without, **environment})
        assert done.returncode in codes, done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    yield relay
    simulator.stop()
    db.connect(environment["POSTREEVE_DATABASE_URL"]).dispose()


def master_file(records: list[dict[str, Any]]) -> str:
    """A zone that holds these records."""
    lines = [
        "$TTL 1",
        f"{DOMAIN}. SOA ns.{DOMAIN}. hostmaster.{DOMAIN}. 1 60 60 60 1",
        f"{DOMAIN}. NS ns.{DOMAIN}.",
        f"{DOMAIN}. MX 10 mail.{DOMAIN}.",
        f"mail.{DOMAIN}. A 192.0.2.1",
        f"ns.{DOMAIN}. A 127.0.0.1",
    ]
    for record in records:
        if record["value"]:
            value = record["value"]
            shown = f'"{value}"' if record["type"] == "TXT" else f"{value}."
            lines.append(f"{record['name']}. {record['type']} {shown}")
    return "\n".join(lines) + "\n"


def test_zone_edits_alone_lead_from_pending_to_verified_to_failing_and_back(
    run: Run, zone: Path
) -> None:
    account = run("account", "create", "Shop", "--owner", f"owner@{DOMAIN}")["id"]
    mine = ("--account", account)

    added = run("domain", "add", DOMAIN, *mine)
    assert (added["status"], len(added["records"])) == ("pending", 9)

    def check() -> dict[str, Any]:
        return run("domain", "check", DOMAIN, *mine, codes=(0, 3))

    def becomes(status: str) -> dict[str, Any]:
        """Look again until it is so: a look by hand comes at most every 10 seconds."""
        found: dict[str, Any] = {}

        def is_so() -> bool:
            found.update(check())
            return bool(found["status"] == status)

        eventually(is_so, 180, pause=0.5)
        return found

    zone.write_text(master_file(added["records"]))
    verified = becomes("verified")
    assert {r["key"]: r["result"] for r in verified["records"]} == {
        r["key"]: "pass" for r in added["records"]
    }

    zone.write_text(re.sub(r"^_postreeve\S* TXT .*\n", "", zone.read_text(), flags=re.M))
    failing = becomes("failing")
    (wrong,) = (r for r in failing["records"] if r["required"] and r["result"] != "pass")
    assert (wrong["key"], wrong["result"]) == ("ownership", "fail")
    assert "_postreeve" in wrong["fix"]

    zone.write_text(master_file(added["records"]))
    assert becomes("verified")["summary"].startswith("All required records are in place")
