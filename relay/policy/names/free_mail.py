"""Domains of mailbox providers: only they may send from them, and their DMARC records say so."""

from __future__ import annotations

from functools import cache

from relay.policy.names import data


@cache
def domains() -> frozenset[str]:
    """The kept list (`free_mail.txt`)."""
    return frozenset(data.lines("free_mail.txt"))


def free_mail_domain(name: str) -> str | None:
    """The provider's domain that the name is or lies under, or None."""
    known = domains()
    while name:
        if name in known:
            return name
        name = name.partition(".")[2]
    return None
