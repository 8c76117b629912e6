"""A real WordPress beside the trial, connected through the plugin, where its parts are there."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass

from relay.commands import ROOT
from relay.commands.trial import client
from relay.commands.trial.children import Child, Children, Trouble
from relay.commands.trial.installation import Installation
from relay.commands.trial.steps import Steps

READY_WITHIN = 300.0
"""Seconds until it answers; the first time WordPress is fetched from Debian."""

ADMINISTRATOR = "admin"


@dataclass(frozen=True, slots=True)
class WordPress:
    """Where it is and how to get in."""

    url: str
    login: str


def start(
    installation: Installation, children: Children, steps: Steps, *, key: str
) -> WordPress | None:
    """Start WordPress and wait for it; None, and a word on stderr, when it cannot be had."""
    password = secrets.token_hex(6)
    port = installation.ports.wordpress
    child = children.start(
        "WordPress",
        [
            sys.executable, "-m", "tests.wordpress", "serve",
            "--port", str(port), "--relay", installation.web_url,
            "--admin-user", ADMINISTRATOR, "--admin-password", password,
        ],
        environment={**installation.environment(), "POSTREEVE_SITE_KEY": key},
        folder=ROOT,
        log=installation.log("wordpress"),
    )  # fmt: skip
    try:
        with steps.doing(f"WordPress on port {port} (the first time: fetched)"):
            children.wait_until(
                lambda: client.answers(port, "/wp-login.php"),
                what="WordPress",
                within=READY_WITHIN,
            )
    except Trouble:
        if not child.has_ended:
            raise
        children.drop(child)
        steps.warn(f"There is no WordPress:\n{_last_words(child)}\nThe rest runs without it.")
        return None
    return WordPress(
        f"{installation.wordpress_url}/wp-admin/", f"User {ADMINISTRATOR}, password {password}"
    )


def _last_words(child: Child) -> str:
    """What it said before it gave up, without the word that click puts before it."""
    text = child.log.read_text(errors="replace").strip()
    words = text.rpartition("Error: ")[2] or "it gave no reason"
    return f"{words}\nor with: make packages" if "apt-get install" in words else words
