"""What a sending domain has to publish, and what DNS says about it (SES developer guide; RFC 7208, 9989).

Each record has a module that looks at it; all get the record as it should be and give it back with
what was found. A look asks at most some sixty questions, each of them once, and most of them only
where something is wrong and the usual mistakes are tried. Whoever hands over `ask` bounds the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from relay.answers import Ask
from relay.policy.domain_checks import dkim, mail_from, own_domain, ownership, policy
from relay.policy.domain_checks.advice import advise
from relay.policy.domain_checks.alignment import predict
from relay.policy.domain_checks.look import Look
from relay.policy.domain_checks.values import Advice, Alignment, CheckedRecord, Plan, Report
from relay.policy.domain_checks.wanted import wanted

__all__ = ["Advice", "Alignment", "CheckedRecord", "Plan", "Report", "check", "wanted"]

_CHECKS: Mapping[str, Callable[[CheckedRecord, Look], CheckedRecord]] = {
    "ownership": ownership.check,
    "dkim": dkim.check,
    "mail-from-mx": mail_from.check_exchanger,
    "mail-from-spf": mail_from.check_spf,
    "spf": own_domain.check_spf,
    "dmarc": policy.check,
    "mx": own_domain.check_exchangers,
}
"""By key, without the number that tells equal ones apart."""


def check(plan: Plan, ask: Ask) -> Report:
    """Look at everything the plan asks for. Never raises; what nobody answers is unknown."""
    look = Look(plan, ask)
    records = tuple(_CHECKS[_kind(record.key)](record, look) for record in wanted(plan))
    return Report(records, advise(records, look), predict(records, look))


def _kind(key: str) -> str:
    return "dkim" if key.startswith("dkim") else key
