"""Whether a DMARC policy holds for the domain (RFC 9989)."""

from __future__ import annotations

import re

from relay.answers import RecordType
from relay.policy.dmarc_record import DmarcRecord, is_dmarc, parse
from relay.policy.domain_checks.look import Look, failed, few, passed, unknown, wildcard
from relay.policy.domain_checks.values import CheckedRecord
from relay.sayings import Saying, say


def check(record: CheckedRecord, look: Look) -> CheckedRecord:
    """Its own record, or that of the domain above it."""
    found, own = look.dmarc, look.ask(record.name, RecordType.TXT)
    if found.domain in found.several:
        records = tuple(filter(is_dmarc, own.records))
        fix = say(
            "There are %(number)s DMARC records, so receivers use none of them. Keep one and delete "
            "the others.",
            number=len(records),
        )
        return failed(record, "several-records", fix, records)
    if not found.is_known:
        return unknown(record, found.detail)
    if found.record is None:
        return _absent(record, look, own.records)
    if found.record.policy is None:
        return failed(record, "invalid", _mend(found.record), (found.record.text,))
    return passed(record, "ok" if found.is_own else "inherited", (found.record.text,))


def _absent(record: CheckedRecord, look: Look, there: tuple[str, ...]) -> CheckedRecord:
    """Nothing that is DMARC, at the domain and above."""
    add = say(
        "Add a TXT record with the name “%(name)s” and the value “%(value)s” (with an address that "
        "somebody reads).",
        name=look.entry(record.name),
        value=record.value,
    )
    if misplaced := look.misplaced(record.name, RecordType.TXT, is_dmarc, at_the_domain=True):
        return failed(record, *misplaced, there)
    if first := look.obstructed(record.name, RecordType.TXT):
        return failed(record, "cname-in-the-way", first + add, there)
    if look.is_wildcard(record.name, RecordType.TXT, there):
        return failed(record, "wildcard", wildcard(record.name, there) + add, there)
    if there:
        meant = next(filter(None, map(_meant, there)), record.value)
        fix = say(
            "What is there cannot be read as DMARC: %(found)s. Replace it by: %(value)s",
            found=few(there),
            value=meant,
        )
        return failed(record, "unreadable", fix, there)
    return failed(record, "missing", say("There is no DMARC record yet.") + add)


def _mend(record: DmarcRecord) -> Saying:
    """What to change so that receivers take the record, which never weakens what it asks for."""
    if not record.wrong:
        return say(
            "Receivers ignore this record: p= is missing. Add “p=none;” behind “v=DMARC1;” (or "
            "quarantine or reject)."
        )
    names = ", ".join(f"{tag}=" for tag in record.wrong)
    return say(
        "Receivers ignore this record because of %(tags)s. Each tag may stand once, with “;” behind its "
        "value; that of p=, sp= and np= is none, quarantine or reject.",
        tags=names,
    )


def _meant(text: str) -> str:
    """The record that somebody meant, without what a panel made of it; "" where that is not clear."""
    bare = " ".join("".join(c for c in text if c not in '"“”\\' and c.isprintable()).split())
    found = _VERSION.match(bare)
    if found is None:
        return ""
    better = f"v=DMARC1; {bare[found.end() :].strip()}"
    return better if parse("", better).policy is not None else ""


_VERSION = re.compile(r"v ?= ?DMARC1 ?[;,: ] ?", re.IGNORECASE)
"""The version, as people write it."""
