"""Public suffixes: under which names everybody can register (publicsuffix.org, ICANN and private)."""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList

RESERVED = frozenset(("example", "test", "invalid"))
"""Top levels that nobody can register under (RFC 2606 §2); people write examples with them."""


@cache
def _all() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def _icann() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def public_suffix(name: str) -> str:
    """The part of the name under which everybody can register: `shop.co.uk` → `co.uk`.

    A top level that the list does not know is taken for one (its default rule `*`).
    """
    return _all().publicsuffix(name) or name


def registrable(name: str) -> str | None:
    """What somebody has registered: `mail.shop.co.uk` → `shop.co.uk`; None for a suffix itself."""
    return _all().privatesuffix(name)


def is_public_suffix(name: str) -> bool:
    """Whether everybody can register under this very name."""
    return registrable(name) is None


def is_real(name: str) -> bool:
    """Whether the name ends as real domains do and has something before that ending.

    `node.js` is none, `asp.net` is. Reserved names count, for they are meant as domains.
    """
    if name.rpartition(".")[2] in RESERVED:
        return "." in name
    return _icann().privatesuffix(name) is not None


def warm() -> None:
    """Read both lists now (a quarter of a second) rather than when the first mail waits."""
    _all(), _icann()
