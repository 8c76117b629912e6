"""The records a domain should publish, before anybody has looked."""

from __future__ import annotations

from relay.policy.domain_checks.values import CheckedRecord, Plan
from relay.sayings import NOTHING, Saying, say
from relay.vocabulary import CheckResult

PROVIDER = "amazonses.com"
"""The domain whose SPF names the provider's servers."""


def wanted(plan: Plan) -> tuple[CheckedRecord, ...]:
    """All records of a plan, in the order in which to publish them; none has been looked at."""
    domain, mail_from = plan.domain, plan.mail_from
    return (
        _record(
            "ownership",
            f"_postreeve.{domain}",
            "TXT",
            plan.token,
            say("Proves that this domain is yours, and nobody else's here."),
            required=True,
        ),
        *_dkim(plan),
        _record(
            "mail-from-mx",
            mail_from,
            "MX",
            f"10 {exchanger(plan)}",
            say("Brings bounces back, so that dead addresses are no longer mailed."),
        ),
        _record(
            "mail-from-spf",
            mail_from,
            "TXT",
            f"v=spf1 include:{PROVIDER} ~all",
            say("Says that Amazon SES may send for your domain (SPF)."),
        ),
        _record(
            "spf",
            domain,
            "TXT",
            "",
            say("Other senders of your domain (SPF): must not be broken."),
        ),
        _record(
            "dmarc",
            f"_dmarc.{domain}",
            "TXT",
            f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}",
            say(
                "Tells receivers what to do with mail that pretends to be yours. Gmail, Yahoo and "
                "Outlook ask for it."
            ),
        ),
        _record("mx", domain, "MX", "", say("Replies need a mailbox to go to.")),
    )


def exchanger(plan: Plan) -> str:
    """Where the MX of the MAIL FROM domain points."""
    return f"feedback-smtp.{plan.region}.amazonses.com"


def _dkim(plan: Plan) -> tuple[CheckedRecord, ...]:
    purpose = say("Signs your mail, so that receivers know it is yours (DKIM).")
    if not plan.dkim or not plan.hosted_zone:
        pending = _record("dkim", f"_domainkey.{plan.domain}", "CNAME", "", purpose, required=True)
        return (pending,)
    return tuple(
        _record(
            f"dkim-{number}",
            f"{token}._domainkey.{plan.domain}",
            "CNAME",
            f"{token}.{plan.hosted_zone}",
            purpose,
            required=True,
        )
        for number, token in enumerate(plan.dkim, 1)
    )


def _record(
    key: str, name: str, type: str, value: str, purpose: Saying, *, required: bool = False
) -> CheckedRecord:
    code = "provider-pending" if key == "dkim" else "not-looked-at"
    return CheckedRecord(
        key,
        name,
        type,
        value,
        purpose,
        required,
        CheckResult.UNKNOWN,
        code,
        fix=_FIX.get(code, NOTHING),
    )


_FIX = {
    "provider-pending": say(
        "Amazon SES has not told the DKIM records yet. They appear here within some minutes; you "
        "need not do anything."
    ),
}
