"""Which addresses are one mailbox: dots and tags folded where the provider folds them.

Only for counting how often a mailbox is written to. Mail goes to the address as it was given, and
a person's consent is to the address they gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relay.addresses import EmailAddress


@dataclass(frozen=True, slots=True)
class Folding:
    """How a provider reads local parts: `tag` begins what it ignores, `dots` are ignored where true.

    `domain`, if given, is the one under which all of the provider's names are the same mailbox.
    """

    tag: str = "+"
    dots: bool = False
    domain: str | None = None


_PLUS = Folding()
_GMAIL = Folding(dots=True, domain="gmail.com")
_YAHOO = Folding(tag="-")
_PROTON = Folding(dots=True, domain="proton.me")
_ICLOUD = Folding(domain="icloud.com")
_YANDEX = Folding(domain="yandex.ru")

FOLDINGS: Mapping[str, Folding] = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), _GMAIL),
    **dict.fromkeys(
        ("outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "outlook.es",
         "outlook.co.id", "hotmail.co.uk", "hotmail.de", "hotmail.es", "hotmail.fr", "live.de"),
        _PLUS,
    ),
    **dict.fromkeys(("fastmail.com", "fastmail.fm", "messagingengine.com", "sent.com"), _PLUS),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), _ICLOUD),
    **dict.fromkeys(("proton.me", "protonmail.com", "protonmail.ch", "pm.me"), _PROTON),
    **dict.fromkeys(
        ("yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "ya.ru"), _YANDEX
    ),
    **dict.fromkeys(
        ("yahoo.com", "yahoo.co.id", "yahoo.co.uk", "yahoo.de", "yahoo.es", "yahoo.fr",
         "yahoo.com.tw", "ymail.com", "rocketmail.com", "myyahoo.com"),
        _YAHOO,
    ),
    "aol.com": _YAHOO,
    "mailbox.org": _PLUS,
    "posteo.de": _PLUS,
    "zoho.com": _PLUS,
}  # fmt: skip
"""What the providers say themselves: Gmail ignores dots and what follows +; Outlook, Fastmail, iCloud,
Proton and Yandex what follows +; Yahoo's disposable addresses are base-keyword. Proton ignores dots
when names are registered, so no two people differ by them.
"""


def mailbox(address: EmailAddress) -> str:
    """The mailbox an address leads to, as a text that is equal for all its spellings."""
    local, _, domain = address.key.rpartition("@")
    folding = FOLDINGS.get(domain)
    if folding is None:
        return address.key
    base = local.partition(folding.tag)[0] or local
    if folding.dots:
        base = base.replace(".", "") or base
    return f"{base}@{folding.domain or domain}"
