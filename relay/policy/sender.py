"""Who may be named in From."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from relay.errors import SenderNotVerified
from relay.mail import Draft
from relay.policy.facts import Facts
from relay.vocabulary import DomainStatus

USABLE = frozenset((DomainStatus.VERIFIED, DomainStatus.FAILING))
"""A failing domain stays usable during its grace time (72 h), then it lapses."""


def check_sender(draft: Draft, facts: Facts) -> None:
    """The From address lies in a domain the account may use. Raises `SenderNotVerified`."""
    check_domain(draft.mime.sender.domain, facts.domains)


def check_domain(domain: str, domains: Mapping[str, DomainStatus]) -> None:
    """The name is a verified domain of the account, or lies in one; `domains` are the account's.

    The nearest claim decides: a suspended `shop.example.org` is not rescued by a verified
    `example.org`. Raises `SenderNotVerified`.
    """
    for name in lineage(domain):
        if (found := domains.get(name)) is not None:
            if found in USABLE:
                return
            raise SenderNotVerified(
                f"{name} is one of your sending domains, but it is {found.value}",
                domain=name,
                domain_status=found.value,
            )
    raise SenderNotVerified(f"{domain} is not one of your sending domains", domain=domain)


def lineage(domain: str) -> Iterator[str]:
    """The domain and those above it, nearest first, without the top level: `a.b.c` → `a.b.c`, `b.c`."""
    labels = domain.split(".")
    return (".".join(labels[at:]) for at in range(len(labels) - 1))
