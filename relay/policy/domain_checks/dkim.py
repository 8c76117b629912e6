"""Whether a DKIM record leads to the provider's key (RFC 6376; SES developer guide, Easy DKIM)."""

from __future__ import annotations

from relay.answers import RecordType, plain
from relay.policy.dkim_key import ADVISED, SHORTEST, DkimKey, first
from relay.policy.domain_checks.look import Look, failed, few, passed, readable, unknown
from relay.policy.domain_checks.values import CheckedRecord
from relay.sayings import Saying, say


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
        fix = say(
            "The key was revoked (its p= is empty). Ask for new DKIM records here and publish them."
        )
        return failed(record, "revoked", fix, found)
    if not key.is_readable:
        fix = say("The key cannot be read; panels often cut it off.") + _add(record, look)
        return failed(record, "key-unreadable", fix, found)
    if key.bits is not None and key.bits < SHORTEST:
        fix = say(
            "The key has %(bits)s bits; receivers want %(least)s at least. Ask for new DKIM records.",
            bits=key.bits,
            least=SHORTEST,
        )
        return failed(record, "key-too-short", fix, found)
    if key.bits is not None and key.bits < ADVISED:
        return passed(record, "short-key", found)
    return passed(record, code, found)


def _elsewhere(record: CheckedRecord, look: Look, found: tuple[str, ...]) -> CheckedRecord:
    target, entered = plain(record.value), found[0]
    if entered in (f"{target}.{look.zone}", f"{target}.{look.plan.domain}"):
        fix = say(
            "The DNS panel appended the domain to the value (%(found)s). Enter the value with a dot "
            "at its end: %(value)s.",
            found=readable(entered),
            value=target,
        )
        return failed(record, "domain-appended-to-value", fix, found)
    if look.is_wildcard(record.name, RecordType.CNAME, found):
        fix = _wildcard(found) + _add(record, look)
        return failed(record, "wildcard", fix, found)
    if entered in _targets(look):
        fix = say(
            "This is the value of another of the three records. The value that belongs here is "
            "%(value)s.",
            value=target,
        )
        return failed(record, "mixed-up", fix, found)
    text = look.ask(record.name, RecordType.TXT)
    if text.name == target and first(text.records):
        return _judge(record, look, "chained", found, first(text.records))
    fix = say(
        "The record points to %(found)s. Change its value to %(value)s.",
        found=few(found),
        value=target,
    )
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
            fix = say("Another key is published there as a TXT record. Delete it.")
            return failed(record, "other-key", fix + _add(record, look), text.records)
        return _judge(record, look, "flattened", text.records, key)
    if any(plain(each.strip('"')) == target for each in text.records):
        fix = say("The value is there, but in a TXT record. Delete that one.")
        return failed(record, "cname-as-txt", fix + _add(record, look), text.records)
    if look.is_wildcard(record.name, RecordType.TXT, text.records):
        fix = _wildcard(text.records) + _add(record, look)
        return failed(record, "wildcard", fix, text.records)
    if text.records:
        fix = say("A TXT record is there instead: %(found)s. Delete it.", found=few(text.records))
        return failed(record, "different", fix + _add(record, look), text.records)
    addresses = look.ask(record.name, RecordType.A).records
    if addresses and not look.is_wildcard(record.name, RecordType.A, addresses):
        fix = say(
            "The name leads to web servers (%(addresses)s): the DNS provider's proxy is on for this "
            "record. Switch the proxy off (“DNS only”).",
            addresses=", ".join(few(addresses)),
        )
        return failed(record, "proxied", fix, addresses)
    if misplaced := look.misplaced(record.name, RecordType.CNAME, lambda each: each == target):
        return failed(record, *misplaced)
    return failed(record, "missing", say("Nothing is published there yet.") + _add(record, look))


def _any_lives(look: Look) -> bool:
    keys = (first(look.ask(target, RecordType.TXT).records) for target in _targets(look))
    return any(key is not None and not key.is_revoked for key in keys)


def _add(record: CheckedRecord, look: Look) -> Saying:
    return say(
        "Add a CNAME record with the name “%(name)s” and the value “%(value)s”.",
        name=look.entry(record.name),
        value=record.value,
    )


def _wildcard(found: tuple[str, ...]) -> Saying:
    return say(
        "A wildcard record (*) answers for this name with %(found)s.",
        found=few(found),
    )


def _targets(look: Look) -> frozenset[str]:
    return frozenset(
        f"{plain(each)}.{plain(look.plan.hosted_zone or '')}" for each in look.plan.dkim
    )
