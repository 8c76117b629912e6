"""A relay as its users run it: simulator, database, web and worker, each a process of its own."""

from __future__ import annotations

import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from relay.commands.trial.ports import free_port
from tests.commands.running import run
from tests.wordpress import processes

ROOT = Path(__file__).parents[2]
TOPIC = "arn:aws:sns:us-east-1:000000000000:postreeve-simulator"
DOMAIN = "shop.example"


@dataclass(frozen=True)
class Installation:
    """A running relay with one account, one site and a key of the site."""

    relay_url: str
    simulator_url: str
    key: str
    site_id: str
    environment: Mapping[str, str]

    def operate(self, *arguments: str) -> Any:
        """What the operator's command line says, as JSON."""
        return _command(self.environment, *arguments, "--json")

    def mails(self, recipient: str) -> list[dict[str, Any]]:
        """The latest 1,000 mails that the simulator got for somebody, newest first."""
        listing = _json(f"{self.simulator_url}/mails?limit=1000&recipient={recipient}")
        mails: list[dict[str, Any]] = listing["mails"]
        return mails

    def text_of(self, mail: Mapping[str, Any]) -> str:
        """The plain text of a mail the simulator got."""
        raw = f"{self.simulator_url}/mails/{mail['id']}/raw"
        with urllib.request.urlopen(raw, timeout=processes.PATIENCE) as answer:
            read = message_from_bytes(answer.read(), policy=policy.default)
        body = read.get_body(("plain",))
        return str(body.get_content()) if body else ""

    def messages(self) -> list[dict[str, Any]]:
        """What the relay has of the site, newest first."""
        listing = _json(f"{self.relay_url}/v1/messages", Authorization=f"Bearer {self.key}")
        messages: list[dict[str, Any]] = listing["messages"]
        return messages

    def queue(self) -> list[dict[str, Any]]:
        """What waits at the relay of the site's mail, by lane."""
        account = _json(f"{self.relay_url}/v1/account", Authorization=f"Bearer {self.key}")
        queue: list[dict[str, Any]] = account["queue"]
        return queue


@contextmanager
def installation(folder: Path, site_url: str) -> Iterator[Installation]:
    """Everything runs inside the block; it is the site at `site_url` that has the key."""
    relay_port, simulator_port = free_port(), free_port()
    relay_url = f"http://127.0.0.1:{relay_port}"
    simulator_url = f"http://127.0.0.1:{simulator_port}"
    environment = _environment(folder, relay_url, simulator_url)
    hook = f"{relay_url}/hooks/ses"
    with ExitStack() as running:

        def start(name: str, ready_url: str, *arguments: str) -> None:
            log = folder / f"{name}.log"
            command = [sys.executable, "-m", *arguments]
            running.enter_context(
                processes.running(
                    command,
                    ready=lambda: _answers(ready_url),
                    log=log,
                    environment=environment,
                    folder=ROOT,
                )
            )

        start(
            "simulator",
            f"{simulator_url}/mails",
            *("simulator", "--port", str(simulator_port)),
            *("--state", str(folder / "simulator"), "--subscribe", hook),
        )
        site_id, key = _prepare(environment, site_url)
        start("web", f"{relay_url}/readyz", "relay", "web", "--port", str(relay_port))
        start("worker", f"{relay_url}/readyz", "relay", "worker")
        processes.wait_until(lambda: _is_subscribed(simulator_url, hook), "the subscription")
        yield Installation(relay_url, simulator_url, key, site_id, environment)


def _environment(folder: Path, relay_url: str, simulator_url: str) -> dict[str, str]:
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("POSTREEVE_", "AWS_"))}
    return clean | {
        "PYTHONUNBUFFERED": "1",
        "POSTREEVE_DATABASE_URL": f"sqlite:///{folder / 'postreeve.db'}",
        "POSTREEVE_SECRET": secrets.token_hex(32),
        "POSTREEVE_PUBLIC_URL": relay_url,
        "POSTREEVE_AWS_ENDPOINT_URL": simulator_url,
        "POSTREEVE_TOPIC_ARNS": TOPIC,
        "POSTREEVE_SIMULATOR_CERTIFICATE": str(folder / "simulator" / "sns-certificate.pem"),
    }


def _command(environment: Mapping[str, str], *arguments: str) -> Any:
    """Run a command of the relay; gives what it says if that is JSON."""
    without = dict.fromkeys(os.environ.keys() - environment.keys())
    done = run(*arguments, environment={**without, **environment})
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout) if "--json" in arguments else None


def _prepare(environment: Mapping[str, str], site_url: str) -> tuple[str, str]:
    """Database, account, domain and site, by the command line; gives the site's id and key."""

    def relay(*arguments: str) -> Any:
        return _command(environment, *arguments)

    relay("migrate")
    owner = f"owner@{DOMAIN}"
    account = relay("account", "create", "Example Ltd", "--owner", owner, "--json")["id"]
    relay("domain", "add", DOMAIN, "--account", account, "--verified", "--json")
    create_site = ("site", "create", "Shop", "--account", account, "--url", site_url, "--json")
    site = relay(*create_site)["id"]
    relay("site", "budget", site, "--first-contacts", "10000", "--json")
    relay("site", "limits", site, "--declared-daily", "10000", "--json")
    scopes = [part for scope in ("send", "read", "manage") for part in ("--scope", scope)]
    key: str = relay("key", "create", "--site", site, *scopes, "--json")["key"]
    return site, key


def _is_subscribed(simulator_url: str, hook: str) -> bool:
    subscriptions = _json(f"{simulator_url}/notices")["subscriptions"]
    return any(one["endpoint"] == hook and one["confirmed"] for one in subscriptions)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=processes.PATIENCE) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _json(url: str, **headers: str) -> Any:
    with urllib.request.urlopen(
        urllib.request.Request(url, headers=headers), timeout=processes.PATIENCE
    ) as answer:
        return json.load(answer)
