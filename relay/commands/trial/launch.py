"""Starting everything a trial consists of, in an order in which each finds what it needs."""

from __future__ import annotations

import sys

from relay.commands import ROOT
from relay.commands.trial import client, site
from relay.commands.trial.children import Child, Children
from relay.commands.trial.installation import Installation
from relay.commands.trial.site import DemoSite
from relay.commands.trial.steps import Steps

READY_WITHIN = 180.0
"""Seconds a process may take to get ready: about one on an idle machine, fifty on a crowded small one."""

HOOK = "/hooks/ses"


def launch(
    installation: Installation, children: Children, steps: Steps, *, web_workers: int
) -> DemoSite:
    """Start simulator, web and worker; return when mail can travel. Raises `Trouble`.

    They get ready side by side; the steps only say in which order we look.
    """
    web, simulator = installation.ports.web, installation.ports.simulator
    _start(
        installation, children, "simulator",
        "simulator", "--port", str(simulator), "--state", str(installation.simulator_folder),
        "--subscribe", f"{installation.web_url}{HOOK}",
        "--dns-port", str(installation.ports.names), "--zones", str(installation.zones),
    )  # fmt: skip
    with steps.doing("Database and demo account"):
        demo_site = site.prepare(installation)
    _start(
        installation, children, "web server",
        "relay", "web", "--port", str(web), "--workers", str(web_workers),
    )  # fmt: skip
    worker = _start(installation, children, "worker", "relay", "worker")
    with steps.doing(f"Simulator of Amazon SES on port {simulator}"):
        children.wait_until(
            lambda: client.answers(simulator, "/healthz"),
            what="The simulator",
            within=READY_WITHIN,
        )
    with steps.doing(f"Domain {site.DOMAIN}, verified by its DNS records"):
        demo_site = site.verify_domain(installation, demo_site)
    with steps.doing(f"Web server on port {web}"):
        children.wait_until(
            lambda: client.answers(web, "/readyz"), what="The web server", within=READY_WITHIN
        )
    with steps.doing("Worker"):
        children.wait_until(
            lambda: b"worker started" in worker.log.read_bytes(),
            what="The worker",
            within=READY_WITHIN,
        )
    with steps.doing("Subscription to the delivery notices"):
        children.wait_until(
            lambda: _subscribed(installation), what="The subscription", within=READY_WITHIN
        )
    return demo_site


def _start(installation: Installation, children: Children, name: str, *arguments: str) -> Child:
    return children.start(
        name,
        [sys.executable, "-m", *arguments],
        environment=installation.environment(),
        folder=ROOT,
        log=installation.log(name.replace(" ", "-")),
    )


def _subscribed(installation: Installation) -> bool:
    """Whether the simulator knows that our hook wants its notices."""
    try:
        found = client.request("GET", installation.ports.simulator, "/notices").body
    except OSError:
        return False
    return any(
        one["confirmed"] and one["endpoint"] == f"{installation.web_url}{HOOK}"
        for one in found.get("subscriptions", ())
    )
