"""Whether the account's own text is published: the provider's records alone prove nobody's claim."""

from __future__ import annotations

from relay.answers import RecordType
from relay.policy.domain_checks.look import Look, failed, few, passed, unknown, wildcard
from relay.policy.domain_checks.values import CheckedRecord
from relay.sayings import Saying, say


def check(record: CheckedRecord, look: Look) -> CheckedRecord:
    """One of the TXT records at the name is the account's text; others beside it do no harm."""
    answer = look.ask(record.name, RecordType.TXT)
    if not answer.is_known:
        return unknown(record, answer.detail)
    found = answer.records
    if record.value in found:
        return passed(record, "ok", found)
    for text in found:
        if slip := _slip(text, record.value):
            code, fix = slip
            return failed(record, code, fix, found)
    misplaced = look.misplaced(
        record.name, RecordType.TXT, lambda text: text == record.value, at_the_domain=True
    )
    if misplaced:
        return failed(record, *misplaced, found)
    add = say(
        "Add a TXT record with the name “%(name)s” and the value “%(value)s”.",
        name=look.entry(record.name),
        value=record.value,
    )
    if first := look.obstructed(record.name, RecordType.TXT):
        return failed(record, "cname-in-the-way", first + add, found)
    if not found:
        return failed(
            record,
            "missing",
            say("Nothing is published at %(place)s yet.", place=record.name) + add,
        )
    if look.is_wildcard(record.name, RecordType.TXT, found):
        fix = wildcard(record.name, found) + add + say("It goes before the wildcard.")
        return failed(record, "wildcard", fix, found)
    fix = say("Something else is there: %(found)s.", found=few(found)) + add
    return failed(record, "different", fix, found)


def _slip(text: str, value: str) -> tuple[str, Saying] | None:
    """What went wrong with the value, where that can be seen."""
    name, is_pair, secret = value.partition("=")
    bare = "".join(letter for letter in text if letter not in "\"'“”\\" and letter.isprintable())
    bare = "".join(bare.split())
    there = few((text,))
    if bare == value:
        return "quoted", say(
            "The value has quotes or spaces in it (%(found)s). Enter it without: %(value)s",
            found=there,
            value=value,
        )
    if bare.casefold() == value.casefold():
        return "changed-case", say(
            "Capital and small letters matter. The value is: %(value)s", value=value
        )
    if value in bare:
        return "too-much", say(
            "There is more in the value than belongs there (%(found)s). Enter only: %(value)s",
            found=there,
            value=value,
        )
    if bare == secret or (len(bare) > len(name) + 1 and value.startswith(bare)):
        return "cut-off", say(
            "The value is not whole (%(found)s). It is: %(value)s", found=there, value=value
        )
    if is_pair and bare.startswith(f"{name}="):
        return "other-account", say(
            "The value belongs to another account (%(found)s). Add this one as a further "
            "TXT record of the same name: %(value)s",
            found=there,
            value=value,
        )
    return None
