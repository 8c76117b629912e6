"""Whether the account's own text is published: the provider's records alone prove nobody's claim."""

from __future__ import annotations

from relay.answers import RecordType
from relay.policy.domain_checks.look import Look, failed, passed, quoted, unknown
from relay.policy.domain_checks.values import CheckedRecord


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
    add = f"Add a TXT record with the name “{look.entry(record.name)}” and the value “{record.value}”."
    if first := look.obstructed(record.name, RecordType.TXT):
        return failed(record, "cname-in-the-way", f"{first}{add}", found)
    if not found:
        return failed(record, "missing", f"Nothing is published at {record.name} yet. {add}")
    if look.is_wildcard(record.name, RecordType.TXT, found):
        why = f"A wildcard record (*) answers for {record.name} with {quoted(found)}."
        return failed(record, "wildcard", f"{why} {add} It goes before the wildcard.", found)
    return failed(record, "different", f"Something else is there: {quoted(found)}. {add}", found)


def _slip(text: str, value: str) -> tuple[str, str] | None:
    """What went wrong with the value, where that can be seen."""
    name, is_pair, secret = value.partition("=")
    bare = "".join(letter for letter in text if letter not in "\"'“”\\" and letter.isprintable())
    bare = "".join(bare.split())
    if bare == value:
        return (
            "quoted",
            f"The value has quotes or spaces in it ({quoted((text,))}). Enter it without: {value}",
        )
    if bare.casefold() == value.casefold():
        return "changed-case", f"Capital and small letters matter. The value is: {value}"
    if value in bare:
        return (
            "too-much",
            f"There is more in the value than belongs there ({quoted((text,))}). Enter only: {value}",
        )
    if bare == secret or (len(bare) > len(name) + 1 and value.startswith(bare)):
        return "cut-off", f"The value is not whole ({quoted((text,))}). It is: {value}"
    if is_pair and bare.startswith(f"{name}="):
        return (
            "other-account",
            f"The value belongs to another account ({quoted((text,))}). Add this one as a further "
            f"TXT record of the same name: {value}",
        )
    return None
