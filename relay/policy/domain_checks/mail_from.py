"""The MAIL FROM domain: where bounces go, and who may send for it (SES developer guide; RFC 7208)."""

from __future__ import annotations

from relay.answers import RecordType, plain
from relay.policy import spf
from relay.policy.domain_checks.look import Look, failed, passed, quoted, unknown
from relay.policy.domain_checks.spf_repair import proposal, repair
from relay.policy.domain_checks.values import CheckedRecord
from relay.policy.domain_checks.wanted import PROVIDER, exchanger


def check_exchanger(record: CheckedRecord, look: Look) -> CheckedRecord:
    """Exactly one MX, the provider's; its preference does not matter where there is no other."""
    answer = look.ask(record.name, RecordType.MX)
    if not answer.is_known:
        return unknown(record, answer.detail)
    hosts, right = [each.partition(" ")[2] for each in answer.records], exchanger(look.plan)
    found, entry = answer.records, look.entry(record.name)
    add = f"Add an MX record with the name “{entry}”, the priority 10 and the value “{right}”."
    if hosts == [right]:
        return passed(record, "ok" if found == (record.value,) else "other-preference", found)
    if first := look.obstructed(record.name, RecordType.MX):
        return failed(record, "cname-in-the-way", f"{first}{add}", found)
    if not hosts:
        misplaced = look.misplaced(
            record.name, RecordType.MX, lambda each: each.endswith(f" {right}")
        )
        if misplaced:
            return failed(record, *misplaced)
        return failed(record, "missing", f"There is no MX record at {record.name} yet. {add}")
    if right in hosts:
        fix = (
            f"There are {len(hosts)} MX records; Amazon SES accepts the domain only with its own alone. "
            f"Delete the others at {record.name} (not those at {look.plan.domain})."
        )
        return failed(record, "several", fix, found)
    if len(hosts) == 1 and hosts[0].startswith(f"{right}."):
        fix = f"The DNS panel appended the domain to the value. Enter it with a dot at its end: {right}."
        return failed(record, "domain-appended-to-value", fix, found)
    if any(host.startswith("feedback-smtp.") and host.endswith(f".{PROVIDER}") for host in hosts):
        fix = f"The record is for another region of Amazon SES ({quoted(found)}). The value is {right}."
        return failed(record, "other-region", fix, found)
    if look.is_wildcard(record.name, RecordType.MX, found):
        fix = f"A wildcard record (*) answers for {record.name} with {quoted(found)}. {add}"
        return failed(record, "wildcard", fix, found)
    fix = (
        f"Mail for {record.name} goes to {quoted(found)}. Replace that by one MX record: 10 {right}"
    )
    return failed(record, "different", fix, found)


def check_spf(record: CheckedRecord, look: Look) -> CheckedRecord:
    """One SPF record, within its limits, that includes the provider."""
    found = spf.read(record.name, look.ask)
    is_right = found.state is spf.SpfState.USABLE and found.includes(PROVIDER)
    if not is_right and (first := look.obstructed(record.name, RecordType.TXT)):
        return failed(record, "cname-in-the-way", f"{first}{_add(record, look)}", found.records)
    if found.state is spf.SpfState.UNKNOWN and not found.includes(PROVIDER):
        return unknown(record, found.detail)
    if found.state is spf.SpfState.BROKEN:
        code, fix = repair(found, look, include=PROVIDER)
        if not found.includes(PROVIDER) and len(found.records) == 1:
            fix = f"{fix} Amazon SES needs: {record.value}"
        return failed(record, code, fix, found.records)
    if found.includes(PROVIDER):
        if found.state is spf.SpfState.UNKNOWN and not found.detail.startswith(f"{PROVIDER}:"):
            return unknown(record, found.detail)
        return passed(record, "ok", found.records)
    if found.state is spf.SpfState.ABSENT:
        return _absent(record, look)
    if look.is_wildcard(record.name, RecordType.TXT, look.ask(record.name, RecordType.TXT).records):
        fix = f"A wildcard record (*) answers for {record.name}. {_add(record, look)}"
        return failed(record, "wildcard", fix, found.records)
    better = proposal(found.records, include=PROVIDER)
    how = f"Change it to: {better}" if better else f"Add “include:{PROVIDER}” to it, before “all”."
    fix = f"The record does not let Amazon SES send. {how}"
    return failed(record, "without-provider", fix, found.records)


def _absent(record: CheckedRecord, look: Look) -> CheckedRecord:
    answer = look.ask(record.name, RecordType.TXT)
    wanted = plain(record.value)
    for text in answer.records:
        if plain(text.strip("\"' ")) == wanted or "v=spf1" in text.lower():
            fix = f"This cannot be read as SPF: {quoted((text,))}. Enter exactly: {record.value}"
            return failed(record, "unreadable", fix, answer.records)
    misplaced = look.misplaced(record.name, RecordType.TXT, lambda each: plain(each) == wanted)
    if misplaced:
        return failed(record, *misplaced, answer.records)
    fix = f"There is no SPF record at {record.name} yet. {_add(record, look)}"
    return failed(record, "missing", fix, answer.records)


def _add(record: CheckedRecord, look: Look) -> str:
    entry = look.entry(record.name)
    return f"Add a TXT record with the name “{entry}” and the value “{record.value}”."
