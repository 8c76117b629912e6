"""Why the relay acted, in words and numbers: for the owner's letter, the audit log, the plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from relay.vocabulary import Rule, Stream

MAIL: Final = {
    Stream.TRANSACTIONAL: "receipts and form mail",
    Stream.NOTIFICATION: "notifications",
    Stream.MARKETING: "newsletters",
}
"""What a stream's mail is called."""

HAPPENED: Final = {
    Rule.INVALID_ADDRESSES: "{cases} of {of} {mail} in {window} went to addresses that do not exist",
    Rule.COMPLAINTS: "{cases} people of {of} whose provider tells us marked your {mail} of {window} as spam",
    Rule.SPAM_REFUSALS: "{cases} of {of} {mail} in {window} were refused or delayed as spam by mailbox "
    "providers",
    Rule.PEOPLE_LEAVE: "{cases} of {of} people who got your {mail} in {window} wanted no more of them",
    Rule.ABUSE_REPORTS: "{cases} of {of} people who got your {mail} in {window} reported them as abuse",
    Rule.BURST: "{cases} of the last {of} {mail} went to addresses that do not exist",
    Rule.YOUNG_SITE: "the site is new, and in {window} {cases} of {of} {mail} met {what}; somebody looks "
    "at it before more leaves",
    Rule.PLATFORM: "all mail of this relay together is close to what Amazon SES tolerates, and {cases} of "
    "{all_cases} {what} come from this site ({of} of {all_of} mails)",
    Rule.RECOVERED: "for a week nothing was wrong any more",
}
"""What happened, by the rule that saw it."""

WHAT: Final = {
    "invalid-addresses": "an address that does not exist",
    "complaints": "a complaint",
    "permanent": "bounces",
}

WINDOWS: Final = {24: "24 hours", 168: "7 days", 720: "30 days"}


def sentence(evidence: Mapping[str, Any], cause: str) -> str:
    """What happened, with its numbers: one sentence without a full stop.

    The evidence is that of a `policy.reputation.Verdict` or of the platform guard.
    """
    rule = Rule(evidence["rule"])
    stream = evidence.get("stream")
    told = HAPPENED[rule].format(
        cases=f"{evidence.get('cases', 0):,}",
        of=f"{evidence.get('of', 0):,}",
        all_cases=f"{evidence.get('all_cases', 0):,}",
        all_of=f"{evidence.get('all_of', 0):,}",
        mail=MAIL[Stream(stream)] if stream else "mails",
        window=WINDOWS.get(evidence.get("window_hours", 0), "this time"),
        what=WHAT.get(evidence.get("what", cause), "bounces"),
    )
    return told[0].upper() + told[1:]


def numbers_of(evidence: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """The numbers an action rests on, as pairs of words and figure, for a letter; none for an operator's."""
    if "rule" not in evidence or "cases" not in evidence:
        return ()
    rows = [("Counted", f"{evidence['cases']:,} of {evidence['of']:,}")]
    if "rate" in evidence:
        rows.append(("That is", percent(evidence["rate"])))
    if "at_least" in evidence and evidence["of"] <= 2_000:
        rows.append(("With so few, surely no less than", percent(evidence["at_least"])))
    if isinstance(evidence.get("line"), float):
        rows.append(("We act from", percent(evidence["line"])))
    for name, words in (("providers", "Most of it at"), ("sources", "Most of it from")):
        if evidence.get(name):
            rows.append((words, ", ".join(evidence[name])))
    return rows


def percent(share: float) -> str:
    """A share for people: as many digits as it needs to be told from the next line."""
    return f"{share * 100:.2f} %" if share < 0.01 else f"{share * 100:.1f} %"
