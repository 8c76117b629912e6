"""Names that nobody may send from: public suffixes, mailbox providers' domains, look-alikes."""

from __future__ import annotations

from relay.errors import DomainRefused, FreeMailSender, LookAlikeDomain
from relay.policy.names import brands, free_mail, skeletons, suffixes
from relay.policy.names.free_mail import free_mail_domain
from relay.policy.names.look_alikes import brand_in, look_alike, look_alike_below
from relay.policy.names.suffixes import is_public_suffix, public_suffix, registrable
from relay.sayings import say

__all__ = [
    "brand_in",
    "check_claim",
    "check_imitation",
    "free_mail_domain",
    "is_public_suffix",
    "look_alike",
    "look_alike_below",
    "public_suffix",
    "registrable",
    "warm",
]


def check_claim(name: str, *, allowed: bool) -> None:
    """Nobody can claim a public suffix or a mailbox provider's domain, nor alone a look-alike.

    `name` is canonical (lower case, Punycode). `allowed`: an operator has looked at the name and
    lets it in although it looks like a brand; that exempts from nothing else. Raises
    `DomainRefused`, `FreeMailSender` or `LookAlikeDomain`.
    """
    if is_public_suffix(name) and free_mail_domain(name) is None:
        raise DomainRefused(
            say(
                "%(domain)s is a public suffix: everybody can register names under it", domain=name
            ),
            domain=name,
            reason="public-suffix",
        )
    check_imitation(name, allowed=allowed)


def check_imitation(name: str, *, allowed: bool = False) -> None:
    """The name is neither a mailbox provider's nor a look-alike. Raises as `check_claim` does."""
    if (provider := free_mail_domain(name)) is not None:
        raise FreeMailSender(
            say(
                "%(domain)s belongs to a mailbox provider; send from a domain of your own",
                domain=provider,
            ),
            domain=name,
        )
    if not allowed and (brand := look_alike(name)) is not None:
        raise LookAlikeDomain(
            say("%(domain)s looks like %(brand)s", domain=name, brand=brand),
            domain=name,
            brand=brand,
        )


def warm() -> None:
    """Read all data files now, before a mail waits for them."""
    suffixes.warm()
    free_mail.domains()
    brands.book()
    skeletons.confusables()
