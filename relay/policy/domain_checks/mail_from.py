"""The MAIL FROM domain: where bounces go, and who may send for it (SES developer guide; RFC 7208)."""

from __future__ import annotations

from relay.answers import RecordType, plain
from relay.policy import spf
from relay.policy.domain_checks.look import Look, failed, few, passed, unknown, wildcard
from relay.policy.domain_checks.spf_repair import proposal, repair
from relay.policy.domain_checks.values import CheckedRecord
from relay.policy.domain_checks.wanted import PROVIDER, exchanger
from relay.sayings import Saying, say


def check_exchanger(record: CheckedRecord, look: Look) -> CheckedRecord:
    """Exactly one MX, the provider's; its preference does not matter where there is no other."""
    answer = look.ask(record.name, RecordType.MX)
    if not answer.is_known:
        return unknown(record, answer.detail)
    hosts, right = [each.partition(" ")[2] for each in answer.records], exchanger(look.plan)
    found, entry = answer.records, look.entry(record.name)
    add = say(
        "Add an MX record with the name “%(name)s”, the priority 10 and the value “%(value)s”.",
        name=entry,
        value=right,
    )
    if hosts == [right]:
        return passed(record, "ok" if found == (record.value,) else "other-preference", found)
    if first := look.obstructed(record.name, RecordType.MX):
        return failed(record, "cname-in-the-way", first + add, found)
    if not hosts:
        misplaced = look.misplaced(
            record.name, RecordType.MX, lambda each: each.endswith(f" {right}")
        )
        if misplaced:
            return failed(record, *misplaced)
        fix = say("There is no MX record at %(place)s yet.", place=record.name) + add
        return failed(record, "missing", fix)
    if right in hosts:
        fix = say(
            "There are %(number)s MX records; Amazon SES accepts the domain only with its own alone. "
            "Delete the others at %(place)s (not those at %(domain)s).",
            number=len(hosts),
            place=record.name,
            domain=look.plan.domain,
        )
        return failed(record, "several", fix, found)
    if len(hosts) == 1 and hosts[0].startswith(f"{right}."):
        fix = say(
            "The DNS panel appended the domain to the value. Enter it with a dot at its end: %(value)s.",
            value=right,
        )
        return failed(record, "domain-appended-to-value", fix, found)
    if any(host.startswith("feedback-smtp.") and host.endswith(f".{PROVIDER}") for host in hosts):
        fix = say(
            "The record is for another region of Amazon SES (%(found)s). The value is %(value)s.",
            found=few(found),
            value=right,
        )
        return failed(record, "other-region", fix, found)
    if look.is_wildcard(record.name, RecordType.MX, found):
        return failed(record, "wildcard", wildcard(record.name, found) + add, found)
    fix = say(
        "Mail for %(place)s goes to %(found)s. Replace that by one MX record: 10 %(value)s",
        place=record.name,
        found=few(found),
        value=right,
    )
    return failed(record, "different", fix, found)


def check_spf(record: CheckedRecord, look: Look) -> CheckedRecord:
    """One SPF record, within its limits, that includes the provider."""
    found = spf.read(record.name, look.ask)
    is_right = found.state is spf.SpfState.USABLE and found.includes(PROVIDER)
    if not is_right and (first := look.obstructed(record.name, RecordType.TXT)):
        return failed(record, "cname-in-the-way", first + _add(record, look), found.records)
    if found.state is spf.SpfState.UNKNOWN and not found.includes(PROVIDER):
        return unknown(record, found.detail)
    if found.state is spf.SpfState.BROKEN:
        code, fix = repair(found, look, include=PROVIDER)
        if not found.includes(PROVIDER) and len(found.records) == 1:
            fix += say("Amazon SES needs: %(value)s", value=record.value)
        return failed(record, code, fix, found.records)
    if found.includes(PROVIDER):
        if found.state is spf.SpfState.UNKNOWN and not found.detail.startswith(f"{PROVIDER}:"):
            return unknown(record, found.detail)
        return passed(record, "ok", found.records)
    if found.state is spf.SpfState.ABSENT:
        return _absent(record, look)
    if look.is_wildcard(record.name, RecordType.TXT, look.ask(record.name, RecordType.TXT).records):
        fix = say("A wildcard record (*) answers for %(place)s.", place=record.name)
        fix += _add(record, look)
        return failed(record, "wildcard", fix, found.records)
    better = proposal(found.records, include=PROVIDER)
    fix = say("The record does not let Amazon SES send.")
    if better:
        fix += say("Change it to: %(value)s", value=better)
    else:
        fix += say("Add “%(term)s” to it, before “all”.", term=f"include:{PROVIDER}")
    return failed(record, "without-provider", fix, found.records)


def _absent(record: CheckedRecord, look: Look) -> CheckedRecord:
    answer = look.ask(record.name, RecordType.TXT)
    wanted = plain(record.value)
    for text in answer.records:
        if plain(text.strip("\"' ")) == wanted or "v=spf1" in text.lower():
            fix = say(
                "This cannot be read as SPF: %(found)s. Enter exactly: %(value)s",
                found=few((text,)),
                value=record.value,
            )
            return failed(record, "unreadable", fix, answer.records)
    misplaced = look.misplaced(record.name, RecordType.TXT, lambda each: plain(each) == wanted)
    if misplaced:
        return failed(record, *misplaced, answer.records)
    fix = say("There is no SPF record at %(place)s yet.", place=record.name)
    return failed(record, "missing", fix + _add(record, look), answer.records)


def _add(record: CheckedRecord, look: Look) -> Saying:
    return say(
        "Add a TXT record with the name “%(name)s” and the value “%(value)s”.",
        name=look.entry(record.name),
        value=record.value,
    )
