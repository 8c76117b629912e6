"""The From domain itself: its own SPF, and whether replies reach anybody (RFC 7208, 5321, 7505)."""

from __future__ import annotations

import re

from relay.answers import Existence, RecordType
from relay.policy.domain_checks.look import Look, failed, few, passed, unknown
from relay.policy.domain_checks.spf_repair import repair
from relay.policy.domain_checks.values import CheckedRecord
from relay.policy.spf import SpfState
from relay.sayings import say

_MEANT = re.compile(r"[\s\"'“”\\]*v\s*=\s*spf", re.IGNORECASE)
"""How a record begins that somebody took for SPF."""

NULL_EXCHANGER = "."
"""The host of a null MX: the domain accepts no mail at all (RFC 7505)."""


def check_spf(record: CheckedRecord, look: Look) -> CheckedRecord:
    """None is needed, for Amazon SES uses the MAIL FROM domain; but a broken one does harm."""
    found = look.spf
    if found.state is SpfState.UNKNOWN:
        return unknown(record, found.detail)
    if found.state is SpfState.ABSENT:
        meant = [t for t in look.ask(record.name, RecordType.TXT).records if _MEANT.match(t)]
        if meant:
            fix = say(
                "This was meant as SPF, but receivers do not see it as such: %(found)s. It begins "
                "with “v=spf1” and a space, without quotes.",
                found=few((meant[0],)),
            )
            return failed(record, "unreadable", fix, tuple(meant))
        return passed(record, "spf-absent", ())
    if found.state is SpfState.BROKEN:
        code, fix = repair(found, look)
        return failed(record, code, fix, found.records)
    return passed(record, "ok", found.records)


def check_exchangers(record: CheckedRecord, look: Look) -> CheckedRecord:
    """The domain exists and takes mail: by an MX, or by an address where there is none."""
    answer = look.ask(record.name, RecordType.MX)
    if not answer.is_known:
        return unknown(record, answer.detail)
    if answer.existence is Existence.NO_NAME:
        fix = say(
            "%(domain)s does not exist in DNS. Check its spelling, and whether it is still "
            "registered; receivers refuse mail from a domain that does not exist.",
            domain=record.name,
        )
        if look.zone != record.name:
            fix = say(
                "%(domain)s does not exist in DNS yet, and receivers refuse mail from a domain that "
                "does not exist. With the required records it will.",
                domain=record.name,
            )
        return failed(record, "no-such-domain", fix)
    if hosts := [each.partition(" ")[2] for each in answer.records]:
        if NULL_EXCHANGER in hosts:
            fix = say(
                "The MX record says that this domain takes no mail at all (a null MX). Receivers refuse "
                "mail nobody can reply to. Add the MX records of your mailbox provider instead."
            )
            return failed(record, "null-mx", fix, answer.records)
        return passed(record, "ok", answer.records)
    addresses = [look.ask(record.name, type) for type in (RecordType.A, RecordType.AAAA)]
    if found := [each for address in addresses for each in address.records]:
        return passed(record, "address-only", tuple(found))
    for address in addresses:
        if not address.is_known:
            return unknown(record, address.detail)
    fix = say(
        "Nothing takes mail for this domain, so replies come back and some receivers are wary. Add the MX "
        "records of your mailbox provider, or set a Reply-To address that works."
    )
    return failed(record, "no-mx", fix)
