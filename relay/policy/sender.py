"""Who may be named in From, and under which name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from relay.errors import LookAlikeDomain, SenderNotVerified
from relay.mail import Draft, Mime
from relay.policy.display_names import clean_name, mentioned
from relay.policy.facts import Facts
from relay.policy.names import (
    brand_in,
    check_imitation,
    free_mail_domain,
    look_alike,
    look_alike_below,
)
from relay.sayings import Saying, phrase, say
from relay.vocabulary import DomainStatus

USABLE = frozenset((DomainStatus.VERIFIED, DomainStatus.FAILING))
"""A failing domain stays usable during its grace time (72 h), then it lapses."""

DECIDING = USABLE | {DomainStatus.SUSPENDED}
"""Claims that decide about the names under them; others are only hopes."""

Remark = dict[str, Any]
"""What was changed in a message, or noticed about it: `code`, `title`, and details."""

TITLES = {
    "sender-name-cleaned": phrase("What could mislead was taken out of the sender's name"),
    "sender-rewritten-by-site": phrase(
        "The site replaced a From address that it may not use with its own"
    ),
    "reply-to-unreadable": phrase("Reply-To holds something that is no address"),
    "reply-to-free-mail": phrase("Answers go to a free-mail box, not to the sender's domain"),
    "reply-to-look-alike": phrase("Answers go to a domain that looks like a well-known brand"),
    "stream-corrected": phrase("The message itself shows another purpose than the site declared"),
    "not-protected": phrase(
        "The mail is marked as security mail but is not like one, so it goes the usual way"
    ),
    "brand-in-name": phrase("The sender's name is that of a brand that is often imitated"),
}
"""What a remark means, for people; the code is for programs."""


def check_sender(draft: Draft, facts: Facts) -> None:
    """The From address lies in a domain the account may use. Raises `SenderNotVerified`."""
    check_domain(draft.mime.sender.domain, facts.domains)


def check_domain(domain: str, domains: Mapping[str, DomainStatus]) -> None:
    """The name is a verified domain of the account, or lies in one; `domains` are the account's.

    Labels below a claim may not spell a brand (`paypal.com.shop.example`). Raises `LookAlikeDomain`,
    `FreeMailSender` or `SenderNotVerified`, the nearest explanation first.
    """
    claim = claim_that_counts(domain, domains)
    if claim is None:
        check_imitation(domain)
        raise SenderNotVerified(
            say("%(domain)s is not one of your sending domains", domain=domain), domain=domain
        )
    name, status = claim
    if status not in USABLE:
        raise SenderNotVerified(
            say(
                "%(domain)s is one of your sending domains, but it is %(status)s",
                domain=name,
                status=Saying.read(status.value),
            ),
            domain=name,
            domain_status=status.value,
        )
    if domain != name and (brand := look_alike_below(domain, name)) is not None:
        raise LookAlikeDomain(
            say(
                "%(domain)s looks like %(brand)s; send from %(name)s itself, or another name under it",
                domain=domain,
                brand=brand,
                name=name,
            ),
            domain=domain,
            brand=brand,
        )


def claim_that_counts(
    domain: str, claims: Mapping[str, DomainStatus]
) -> tuple[str, DomainStatus] | None:
    """The claim that decides about a name: the nearest that is usable or was closed by an operator.

    A suspended `shop.example.org` is not rescued by a verified `example.org`; a mere claim of
    `news.example.org`, pending or lapsed, takes nothing from it. Where none decides, the nearest.
    """
    found = [(name, claims[name]) for name in lineage(domain) if name in claims]
    decided = (each for each in found if each[1] in DECIDING)
    return next(decided, found[0] if found else None)


def is_own(domain: str, facts: Facts) -> bool:
    """Whether the domain is, or lies under, a usable domain of the account or the site's own host."""
    host = facts.site_host
    if host and (domain == host or domain.endswith(f".{host}")):
        return True
    claim = claim_that_counts(domain, facts.domains)
    return claim is not None and claim[1] in USABLE


def names_to_know(message: Mime) -> list[str]:
    """The domains whose standing decides about a message: of From and of what its name mentions."""
    mail_domains = (message.sender.domain, *mentioned(message.sender_name))
    return list(dict.fromkeys(name for each in mail_domains for name in lineage(each)))


def shown_name(draft: Draft, facts: Facts) -> str:
    """The display name as it may go out; the very same when nothing in it misleads."""
    return clean_name(draft.mime.sender_name, lambda domain: is_own(domain, facts))


def remarks(draft: Draft, facts: Facts, name: str) -> list[Remark]:
    """What people should know about the sender of an accepted message; `name` is the name it got.

    These are signals for whoever looks at the account, never reasons to refuse.
    """
    message = draft.mime
    found: list[Remark] = []
    if name != message.sender_name:
        found.append(remark("sender-name-cleaned", was=message.sender_name, now=name))
    if message.rewritten:
        found.append(remark("sender-rewritten-by-site"))
    brand = brand_in(message.sender_name)
    if brand is not None and not any(is_own(each, facts) for each in brand.domains):
        found.append(remark("brand-in-name", name=name, brand=brand.domain))
    if message.reply_to is None:
        return [*found, remark("reply-to-unreadable")]
    for address in message.reply_to:
        if address == message.sender or is_own(address.domain, facts):
            continue
        if free_mail_domain(address.domain) is not None:
            found.append(remark("reply-to-free-mail", address=str(address)))
        elif (imitated := look_alike(address.domain)) is not None:
            found.append(remark("reply-to-look-alike", address=str(address), brand=imitated))
    return found


def remark(code: str, **details: Any) -> Remark:
    """A remark of this code."""
    return {"code": code, "title": TITLES[code], **details}


def lineage(domain: str) -> Iterator[str]:
    """The domain and those above it, nearest first, without the top level: `a.b.c` → `a.b.c`, `b.c`."""
    labels = domain.split(".")
    return (".".join(labels[at:]) for at in range(len(labels) - 1))
