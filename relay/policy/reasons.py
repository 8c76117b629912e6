"""Why the relay acted, in words and numbers: for the owner's letter, the audit log, the plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from relay.sayings import Saying, phrase, say
from relay.vocabulary import Cause, Lane, Rule, Stream, Verb

MAIL: Final = {
    Stream.TRANSACTIONAL: phrase("receipts and form mail"),
    Stream.NOTIFICATION: phrase("notifications"),
    Stream.MARKETING: phrase("newsletters"),
}
"""What a stream's mail is called."""

PROMOTIONAL: Final = phrase("newsletters and notifications")

LANES: Final = {
    Lane.PROTECTED: phrase("security mail"),
    **{Lane(stream.value): mail for stream, mail in MAIL.items()},
}
"""What a lane's mail is called."""

CAUSES: Final = {
    Cause.PHISHING: phrase("mail that tries to steal passwords"),
    Cause.MALWARE: phrase("mail with malicious software"),
    Cause.STOLEN_KEY: phrase("a stolen API key"),
    Cause.INVALID_ADDRESSES: phrase("too many addresses that do not exist"),
    Cause.COMPLAINTS: phrase("too many complaints of readers"),
    Cause.SPAM: phrase("unwanted mail"),
    Cause.OTHER: phrase("something else"),
}
"""What an action is about, as the plugin calls it, too."""

DONE: Final = {
    Verb.WARN: phrase("a warning"),
    Verb.LIMIT: phrase("mail is held"),
    Verb.SUSPEND: phrase("sending is suspended"),
    Verb.TERMINATE: phrase("sending has ended for good"),
}
"""What was done, where an owner can appeal against it."""

HAPPENED: Final = {
    Rule.INVALID_ADDRESSES: phrase(
        "%(cases)s of %(of)s mails went to addresses that do not exist (%(window)s)"
    ),
    Rule.COMPLAINTS: phrase(
        "%(cases)s of %(of)s people whose provider tells us marked the mail as spam (%(window)s)"
    ),
    Rule.SPAM_REFUSALS: phrase(
        "%(cases)s of %(of)s mails were refused or delayed as spam by mailbox providers (%(window)s)"
    ),
    Rule.PEOPLE_LEAVE: phrase(
        "%(cases)s of %(of)s people who got the mail wanted no more of it (%(window)s)"
    ),
    Rule.ABUSE_REPORTS: phrase(
        "%(cases)s of %(of)s people who got the mail reported it as abuse (%(window)s)"
    ),
    Rule.BURST: phrase("%(cases)s of the last %(of)s mails went to addresses that do not exist"),
    Rule.YOUNG_SITE: phrase(
        "The site is new, and %(cases)s of %(of)s mails met %(what)s (%(window)s); somebody looks at it "
        "before more leaves"
    ),
    Rule.PLATFORM: phrase(
        "All mail of this relay together is close to what Amazon SES tolerates, and of its %(what)s, "
        "%(cases)s of %(all_cases)s come from this site (which sent %(of)s of %(all_of)s mails)"
    ),
    Rule.RECOVERED: phrase("For a week nothing was wrong any more"),
}
"""What happened, by the rule that saw it."""

WHAT: Final = {
    (Rule.YOUNG_SITE, "invalid-addresses"): phrase("an address that does not exist"),
    (Rule.YOUNG_SITE, "complaints"): phrase("a complaint"),
    (Rule.PLATFORM, "complaints"): phrase("complaints"),
    (Rule.PLATFORM, "permanent"): phrase("bounces"),
}

WINDOWS: Final = {
    24: phrase("in 24 hours"),
    168: phrase("in 7 days"),
    720: phrase("in 30 days"),
}


def happened(evidence: Mapping[str, Any], cause: str | None) -> Saying:
    """What happened, with its numbers: one sentence without a full stop.

    The evidence is that of a `policy.reputation.Verdict` or of the platform guard.
    """
    rule = Rule(evidence["rule"])
    counted = {name: evidence.get(name, 0) for name in ("cases", "of", "all_cases", "all_of")}
    window = WINDOWS.get(evidence.get("window_hours", 0), phrase("lately"))
    what = WHAT.get((rule, evidence.get("what", cause)), phrase("bounces"))
    return say(HAPPENED[rule], **counted, window=Saying.read(window), what=Saying.read(what))


def sentence(evidence: Mapping[str, Any], cause: str) -> str:
    """What happened, in English, as the audit log has it."""
    return str(happened(evidence, cause))


def numbers_of(evidence: Mapping[str, Any]) -> Sequence[tuple[str, Saying | float | str]]:
    """The numbers an action rests on, for a letter: what each is called, and the figure.

    A float is a share. There are none of an operator's action.
    """
    if "rule" not in evidence or "cases" not in evidence:
        return ()
    counted = say("%(cases)s of %(of)s", cases=evidence["cases"], of=evidence["of"])
    rows: list[tuple[str, Saying | float | str]] = [(phrase("Counted"), counted)]
    if "rate" in evidence:
        rows.append((phrase("As a share"), float(evidence["rate"])))
    if "at_least" in evidence and evidence["of"] <= 2_000:
        rows.append((phrase("With so few, surely at least"), float(evidence["at_least"])))
    if isinstance(evidence.get("line"), float):
        rows.append((phrase("The relay acts from"), evidence["line"]))
    for name, words in (
        ("providers", phrase("Most of it at")),
        ("sources", phrase("Most of it from")),
    ):
        if evidence.get(name):
            rows.append((words, ", ".join(evidence[name])))
    return rows
