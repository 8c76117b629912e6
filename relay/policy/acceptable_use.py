"""The policy that every account accepts: which version is in force, and what follows without it."""

from __future__ import annotations

VERSION = "2026-11"
"""Of docs/acceptable-use.md. A new one is accepted anew; who has accepted an older one goes on sending."""


def notice(accepted: str | None, url: str) -> str | None:
    """What to tell an account that has not accepted the policy in force; None where it has."""
    if accepted == VERSION:
        return None
    what = "has changed" if accepted else "was never accepted for this account"
    return f"The acceptable use policy {what}; read and accept version {VERSION}: {url}"
