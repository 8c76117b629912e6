"""Whether a DMARC policy holds for the domain (RFC 9989)."""

from __future__ import annotations

from relay.answers import RecordType
from relay.policy.dmarc_record import is_dmarc
from relay.policy.domain_checks.look import Look, failed, passed, quoted, unknown
from relay.policy.domain_checks.values import CheckedRecord


def check(record: CheckedRecord, look: Look) -> CheckedRecord:
    """Its own record, or that of the domain above it."""
    found, own = look.dmarc, look.ask(record.name, RecordType.TXT)
    if found.domain in found.several:
        records = tuple(filter(is_dmarc, own.records))
        fix = (
            f"There are {len(records)} DMARC records, so receivers use none of them. Keep one and delete "
            "the others."
        )
        return failed(record, "several-records", fix, records)
    if not found.is_known:
        return unknown(record, found.detail)
    if found.record is None:
        return _absent(record, look, own.records)
    if found.record.policy is None:
        wrong = ", ".join(f"{tag}=" for tag in found.record.wrong) or "p= is missing"
        fix = f"Receivers ignore this record ({wrong}). Change it to: {record.value}"
        return failed(record, "invalid", fix, (found.record.text,))
    return passed(record, "ok" if found.is_own else "inherited", (found.record.text,))


def _absent(record: CheckedRecord, look: Look, there: tuple[str, ...]) -> CheckedRecord:
    """Nothing that is DMARC, at the domain and above."""
    add = (
        f"Add a TXT record with the name “{look.entry(record.name)}” and the value “{record.value}” "
        "(with an address that somebody reads)."
    )
    if misplaced := look.misplaced(record.name, RecordType.TXT, is_dmarc, at_the_domain=True):
        return failed(record, *misplaced, there)
    if look.is_wildcard(record.name, RecordType.TXT, there):
        fix = f"A wildcard record (*) answers for {record.name} with {quoted(there)}. {add}"
        return failed(record, "wildcard", fix, there)
    if there:
        fix = (
            f"What is there cannot be read as DMARC: {quoted(there)}. Replace it by: {record.value}"
        )
        return failed(record, "unreadable", fix, there)
    return failed(record, "missing", f"There is no DMARC record yet. {add}")
