"""What is worth knowing beyond single records."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from relay.answers import RecordType
from relay.policy.dmarc import consents
from relay.policy.dmarc_record import DmarcPolicy, DmarcRecord
from relay.policy.domain_checks.look import NOBODY, Look, few, readable
from relay.policy.domain_checks.values import Advice, CheckedRecord
from relay.policy.spf import LOOKUPS, SpfState
from relay.sayings import Saying, say

NEAR = 8
"""Look-ups from which on the next service may be one too many (our decision)."""


def advise(records: tuple[CheckedRecord, ...], look: Look) -> tuple[Advice, ...]:
    """All advice, the most harmful first."""
    return (*_on_spf(look), *_on_dmarc(look), *_on_dkim(records), *_on_wildcards(look))


def _on_spf(look: Look) -> Iterator[Advice]:
    spf = look.spf
    if spf.lets_anybody:
        yield Advice(
            "spf-lets-anybody",
            say("Anybody may send as this domain"),
            say(
                "The SPF record ends in “+all”, here or in what it includes. End it in “~all” or "
                "“-all”."
            ),
        )
    if spf.state is SpfState.USABLE and spf.lookups >= NEAR:
        yield Advice(
            "spf-near-limit",
            say("The SPF record is nearly full"),
            say(
                "It needs %(lookups)s of %(most)s look-ups; with one too many, receivers reject "
                "it. Remove services you no longer use before you add another.",
                lookups=spf.lookups,
                most=LOOKUPS,
            ),
        )
    if spf.uses_ptr:
        yield Advice(
            "spf-ptr",
            say("The SPF record uses “ptr”"),
            say(
                "It is slow and some receivers do not ask for it (RFC 7208 §5.5). Use “ip4” or "
                "“include”."
            ),
        )
    if spf.state is SpfState.USABLE and not spf.all:
        yield Advice(
            "spf-without-end",
            say("The SPF record says nothing about others"),
            say("Without “~all” or “-all” at its end, it does not tell whom not to believe."),
        )


def _on_dmarc(look: Look) -> Iterator[Advice]:
    record = look.dmarc.record
    if record is None:
        return
    for applies, code, title, detail in _ON_RECORD:
        if applies(record):
            yield Advice(code, title, detail)
    if record.removed:
        names = ", ".join(f"{tag}=" for tag in record.removed)
        yield Advice(
            "dmarc-removed-tags",
            say("The DMARC record has tags that no longer exist"),
            say(
                "Newer receivers ignore %(tags)s (RFC 9989), older ones honour it. Remove it, so "
                "that all do the same.",
                tags=names,
            ),
        )
    if record.wrong and record.policy is not None:
        names = ", ".join(f"{tag}=" for tag in record.wrong)
        yield Advice(
            "dmarc-wrong-tags",
            say("Parts of the DMARC record cannot be read"),
            say(
                "Receivers ignore or misread %(tags)s in %(found)s.",
                tags=names,
                found=few((record.text,)),
            ),
        )
    for consent in consents(record, look.dmarc.organisational, look.ask):
        if consent.given is False:
            yield Advice(
                "dmarc-reports-not-agreed",
                say("Reports go to somebody who has not agreed"),
                say(
                    "Receivers send no DMARC reports to %(address)s until there is a TXT record "
                    "“v=DMARC1” at %(place)s. Ask whoever takes the reports.",
                    address=readable(consent.address.uri),
                    place=readable(consent.name),
                ),
            )


_ON_RECORD: tuple[tuple[Callable[[DmarcRecord], bool], str, Saying, Saying], ...] = (
    (
        lambda record: record.policy is DmarcPolicy.NONE and not record.reports,
        "dmarc-without-reports",
        say("The DMARC record neither protects nor reports"),
        say(
            "With p=none and no rua=, nothing happens and nobody learns anything. Add rua=mailto: "
            "and an address that somebody reads."
        ),
    ),
    (
        lambda record: record.strict_dkim,
        "dmarc-strict-dkim",
        say("DKIM is strict (adkim=s)"),
        say(
            "Mail from this very domain stays aligned. Mail from a domain under it is not, because "
            "the signature names this one; such a domain has to be added here by itself."
        ),
    ),
    (
        lambda record: record.strict_spf,
        "dmarc-strict-spf",
        say("SPF is strict (aspf=s)"),
        say(
            "Bounces go to a domain under yours, so SPF is never aligned and everything depends on "
            "DKIM. Remove aspf=s, unless you need it."
        ),
    ),
    (
        lambda record: record.testing,
        "dmarc-testing",
        say("DMARC is in test mode (t=y)"),
        say(
            "Receivers do one step less than the policy asks for. Remove t=y once the reports look "
            "right."
        ),
    ),
)


def _on_dkim(records: tuple[CheckedRecord, ...]) -> Iterator[Advice]:
    codes = {each.code for each in records if each.key.startswith("dkim")}
    if "short-key" in codes:
        yield Advice(
            "dkim-short-key",
            say("The DKIM key has 1024 bits"),
            say(
                "It is accepted, 2048 are advised (RFC 8301). The operator of the relay can "
                "change it."
            ),
        )
    if "key-not-seen" in codes:
        yield Advice(
            "dkim-key-not-seen",
            say("The DKIM key cannot be seen yet"),
            say(
                "The records point to the right place, but Amazon SES shows no key there. That "
                "is usual on the first day."
            ),
        )


def _on_wildcards(look: Look) -> Iterator[Advice]:
    domain = look.plan.domain
    answer = look.ask(f"{NOBODY}.{domain}", RecordType.TXT)
    if answer.records:
        yield Advice(
            "wildcard",
            say("A wildcard answers for every name"),
            say(
                "*.%(domain)s has TXT records (%(found)s). It also answers where a record is "
                "missing, which makes mistakes hard to see.",
                domain=domain,
                found=few(answer.records),
            ),
        )
