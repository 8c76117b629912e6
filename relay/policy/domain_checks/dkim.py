"""Whether a DKIM record leads to the provider's key (RFC 6376; SES developer guide, Easy DKIM)."""

from __future__ import annotations

from relay.answers import RecordType, plain
from relay.policy.dkim_key import ADVISED, SHORTEST, DkimKey, first
from relay.policy.domain_checks.look import Look, failed, passed, quoted, readable, unknown
from relay.policy.domain_checks.values import CheckedRecord


def check(record: CheckedRecord, look: Look) -> CheckedRecord:
    """The CNAME points to the provider's key, or holds that key where the panel has flattened it."""
    if not record.value:
        return record  # The provider has not told its tokens yet.
    answer = look.ask(record.name, RecordType.CNAME)
    if not answer.is_known:
        return unknown(record, answer.detail)
    target = plain(record.value)
    if target in answer.records:
        published = look.ask(target, RecordType.TXT)
        code = "key-not-seen" if published.is_known and not published.records else "ok"
        return _judge(record, look, code, answer.records, first(published.records))
    if answer.records:
        return _elsewhere(record, look, answer.records)
    return _without_cname(record, look)


def _judge(
    record: CheckedRecord, look: Look, code: str, found: tuple[str, ...], key: DkimKey | None
) -> CheckedRecord:
    """The record is right; is the key it leads to? One that cannot be seen is not held against it.

    The provider changes its keys by itself and may have emptied one of the three that it does not
    sign with; that is a fault only where no living key is left.
    """
    if key is None:
        return passed(record, code, found)
    if key.is_revoked and _any_lives(look):
        return passed(record, "key-at-rest", found)
    if key.is_revoked:
        fix = (
            "The key was revoked (its p= is empty). Ask for new DKIM records here and publish them."
        )
        return failed(record, "revoked", fix, found)
    if not key.is_readable:
        fix = f"The key cannot be read; panels often cut it off. {_add(record, look)}"
        return failed(record, "key-unreadable", fix, found)
    if key.bits is not None and key.bits < SHORTEST:
        fix = f"The key has {key.bits} bits; receivers want {SHORTEST} at least. Ask for new DKIM records."
        return failed(record, "key-too-short", fix, found)
    if key.bits is not None and key.bits < ADVISED:
        return passed(record, "short-key", found)
    return passed(record, code, found)


def _elsewhere(record: CheckedRecord, look: Look, found: tuple[str, ...]) -> CheckedRecord:
    target, entered = plain(record.value), found[0]
    if entered in (f"{target}.{look.zone}", f"{target}.{look.plan.domain}"):
        fix = (
            f"The DNS panel appended the domain to the value ({readable(entered)}). Enter the value "
            f"with a dot at its end: {target}."
        )
        return failed(record, "domain-appended-to-value", fix, found)
    if look.is_wildcard(record.name, RecordType.CNAME, found):
        fix = f"A wildcard record (*) answers for this name with {quoted(found)}. {_add(record, look)}"
        return failed(record, "wildcard", fix, found)
    if entered in _targets(look):
        fix = f"This is the value of another of the three records. The value that belongs here is {target}."
        return failed(record, "mixed-up", fix, found)
    text = look.ask(record.name, RecordType.TXT)
    if text.name == target and first(text.records):
        return _judge(record, look, "chained", found, first(text.records))
    fix = f"The record points to {quoted(found)}. Change its value to {target}."
    return failed(record, "other-target", fix, found)


def _without_cname(record: CheckedRecord, look: Look) -> CheckedRecord:
    """No CNAME: a flattened one is as good, and the usual mistakes can be named."""
    text = look.ask(record.name, RecordType.TXT)
    if not text.is_known:
        return unknown(record, text.detail)
    target, key = plain(record.value), first(text.records)
    if key is not None:
        right = first(look.ask(target, RecordType.TXT).records)
        if right is not None and right.text != key.text:
            fix = f"Another key is published there as a TXT record. Delete it. {_add(record, look)}"
            return failed(record, "other-key", fix, text.records)
        return _judge(record, look, "flattened", text.records, key)
    if any(plain(each.strip('"')) == target for each in text.records):
        fix = f"The value is there, but in a TXT record. Delete that one. {_add(record, look)}"
        return failed(record, "cname-as-txt", fix, text.records)
    if look.is_wildcard(record.name, RecordType.TXT, text.records):
        fix = f"A wildcard record (*) answers for this name with {quoted(text.records)}. {_add(record, look)}"
        return failed(record, "wildcard", fix, text.records)
    if text.records:
        there = quoted(text.records)
        fix = f"A TXT record is there instead: {there}. Delete it. {_add(record, look)}"
        return failed(record, "different", fix, text.records)
    addresses = look.ask(record.name, RecordType.A).records
    if addresses and not look.is_wildcard(record.name, RecordType.A, addresses):
        fix = (
            f"The name leads to web servers ({', '.join(addresses[:3])}): the DNS provider's proxy is "
            "on for this record. Switch the proxy off (“DNS only”)."
        )
        return failed(record, "proxied", fix, addresses)
    if misplaced := look.misplaced(record.name, RecordType.CNAME, lambda each: each == target):
        return failed(record, *misplaced)
    return failed(record, "missing", f"Nothing is published there yet. {_add(record, look)}")


def _any_lives(look: Look) -> bool:
    keys = (first(look.ask(target, RecordType.TXT).records) for target in _targets(look))
    return any(key is not None and not key.is_revoked for key in keys)


def _add(record: CheckedRecord, look: Look) -> str:
    entry = look.entry(record.name)
    return f"Add a CNAME record with the name “{entry}” and the value “{record.value}”."


def _targets(look: Look) -> frozenset[str]:
    return frozenset(
        f"{plain(each)}.{plain(look.plan.hosted_zone or '')}" for each in look.plan.dkim
    )
