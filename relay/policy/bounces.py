"""What a bounce means: why a mail was refused, whose fault it is, and whether the address is to
be suppressed.

SES's own "Permanent" is no proof that an address is bad, so nothing is suppressed before it is
diagnosed. The order: what SES did not even attempt; then the words of the innermost reply, then
of the whole; then the enhanced code, the reply code, and SES's type last. The rules are data
(`bounce_rules.toml`); this module only applies them. Pure: the same bounce always gets the same
diagnosis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from relay.policy import bounce_rules
from relay.policy.bounce_classes import SUPPRESS, BounceClass, Confidence, Fault, Suppress
from relay.policy.bounce_reports import Bounce, Verdict, bounces_of, by_type, not_attempted
from relay.policy.bounce_rules import Facts, Rule, RuleBook, forms
from relay.policy.gateways import Gateway, gateway_of_domain, gateway_of_host
from relay.policy.replies import Reply, unwrap

__all__ = [
    "Bounce",
    "BounceClass",
    "Confidence",
    "Diagnosis",
    "Fault",
    "Suppress",
    "diagnose",
    "diagnose_event",
    "explain",
    "prediction",
    "rules",
]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a bounce means and on what ground."""

    recipient: str
    bounce_class: BounceClass
    suppress: Suppress
    fault: Fault
    confidence: Confidence
    rule: str
    ambiguous: bool
    """Whether the words leave open that the person exists: a known reader is then disputed."""
    advice: str
    vendor: Gateway | None
    code: str
    enhanced: str
    evidence: str
    """What the server wrote, at most 2 KB, on one line. It is a stranger's text: escape it."""
    clause: int = -1
    """Which of the rule's phrases it was, counted over all rules; -1 where no rule decided."""

    @property
    def parameters(self) -> dict[str, str]:
        """What the advice's sentences are filled with."""
        return {
            "recipient": self.recipient,
            "domain": self.recipient.rpartition("@")[2],
            "vendor": self.vendor or "",
            "code": " ".join(filter(None, (self.code, self.enhanced))),
        }


def prediction(found: Diagnosis) -> dict[str, str | bool]:
    """A diagnosis as `bounces diagnose` prints it; an address on hold is not mailed either."""
    return {
        "class": found.bounce_class,
        "suppress": found.suppress is not Suppress.NO,
        "fault": found.fault,
        "rule": found.rule,
    }


# Words in a reply that give away whose server wrote it, where no host does.
MARKS: Final[Mapping[str, Gateway]] = {
    "gsmtp": Gateway.GMAIL,
    "gcdp": Gateway.GOOGLE_WORKSPACE,
    "resolver": Gateway.MICROSOFT_365,
    "storedrv": Gateway.MICROSOFT_365,
    "mimecast": Gateway.MIMECAST,
    "proofpoint": Gateway.PROOFPOINT,
    "barracuda": Gateway.BARRACUDA,
    "cuda": Gateway.BARRACUDA,
    "fortiguard": Gateway.FORTINET,
    "hornetsecurity": Gateway.HORNETSECURITY,
    "nemesis": Gateway.GMX,
    "ofr": Gateway.ORANGE,
    "lpn": Gateway.LAPOSTE,
    "comcast": Gateway.COMCAST,
}


@cache
def rules() -> RuleBook:
    """The rules, read and compiled once in a process."""
    return bounce_rules.load()


def diagnose(bounce: Bounce, *, without: frozenset[int] = frozenset()) -> Diagnosis:
    """What one bounce means.

    `without` leaves clauses of rules out, to measure what they are worth.
    """
    replies = unwrap(bounce.text)
    vendor = _vendor(bounce, replies[-1])
    if verdict := not_attempted(bounce):
        return _diagnosis(
            bounce, replies, vendor, _facts(bounce, replies[0], replies, vendor), verdict
        )
    guess = None
    for reply in replies:
        facts = _facts(bounce, reply, replies, vendor)
        if found := rules().match(reply, facts, without):
            clause, rule = found
            diagnosis = _diagnosis(bounce, replies, vendor, facts, rule, clause)
            if rule.confidence is not Confidence.GUESS:
                return diagnosis
            guess = guess or diagnosis
    return guess or _diagnosis(bounce, replies, vendor, facts, by_type(bounce))


def explain(text: str, *, recipient: str = "", gateway: Gateway | None = None) -> Diagnosis:
    """What a reply means that somebody has before them, such as `550 5.4.1 Recipient …`."""
    return diagnose(Bounce(text=text, recipient=recipient, gateway=gateway))


def diagnose_event(event: Mapping[str, Any], *, gateway: Gateway | None = None) -> list[Diagnosis]:
    """One diagnosis per recipient of an SES Bounce or DeliveryDelay event, in either dialect."""
    return [diagnose(bounce) for bounce in bounces_of(event, gateway=gateway)]


@dataclass(frozen=True, slots=True)
class _Codes(Facts):
    enhanced: str


def _facts(
    bounce: Bounce, reply: Reply, replies: Sequence[Reply], vendor: Gateway | None
) -> _Codes:
    """The codes beside the words: the innermost enhanced code that says more than x.0.0."""
    whole = replies[-1]
    code = reply.code or whole.code
    told = [each for each in (reply.enhanced, whole.enhanced, bounce.status) if each]
    enhanced = next((each for each in told if not each.endswith(".0.0")), told[0] if told else "")
    if not enhanced and code:
        enhanced = f"{code[0]}.0.0"
    return _Codes(statuses=forms(enhanced), code=code, vendor=vendor or "", enhanced=enhanced)


def _vendor(bounce: Bounce, reply: Reply) -> Gateway | None:
    """Whose server answered: as the MX says, as the reply gives away, or as everybody knows."""
    if bounce.gateway:
        return bounce.gateway
    for host in reply.hosts:
        if found := gateway_of_host(host):
            return found
    for word in reply.words.split():
        if found := MARKS.get(word):
            return found
    _, _, domain = bounce.recipient.rpartition("@")
    return gateway_of_domain(domain) or gateway_of_host(bounce.remote_host)


def _diagnosis(
    bounce: Bounce,
    replies: Sequence[Reply],
    vendor: Gateway | None,
    facts: _Codes,
    ground: Rule | Verdict,
    clause: int = -1,
) -> Diagnosis:
    ambiguous = (
        ground.ambiguous if isinstance(ground, Rule) else ground.confidence is Confidence.GUESS
    )
    return Diagnosis(
        recipient=bounce.recipient,
        bounce_class=ground.bounce_class,
        suppress=SUPPRESS[ground.bounce_class],
        fault=ground.fault,
        confidence=ground.confidence,
        rule=ground.id if isinstance(ground, Rule) else ground.name,
        ambiguous=ambiguous,
        advice=ground.advice,
        vendor=vendor,
        code=facts.code,
        enhanced=facts.enhanced,
        evidence=replies[-1].text,
        clause=clause,
    )
