"""How to mend an SPF record, in a sentence."""

from __future__ import annotations

from relay.policy import spf
from relay.policy.domain_checks.look import Look, readable
from relay.policy.spf import Spf, SpfProblem
from relay.policy.spf_terms import merged

LONGEST = 450
"""Characters of a record that still fits into a small DNS answer (RFC 7208 §3.4)."""


def repair(found: Spf, look: Look, *, include: str = "") -> tuple[str, str]:
    """(code, sentence) for a broken record; `include` is a domain the record has to include."""
    problem = found.problem or SpfProblem.SYNTAX
    if problem is SpfProblem.SEVERAL and len(found.records) > 1:
        return problem.value, _merge(found, look, include)
    return problem.value, _SENTENCES[problem].format(
        detail=readable(found.detail),
        lookups=f"at least {found.lookups}" if found.lookups >= spf.COUNTED else found.lookups,
    )


def proposal(records: tuple[str, ...], *, include: str = "") -> str:
    """One record to publish instead; "" where it would be too long to be copied from a sentence."""
    together = merged(records, include=include)
    return together if len(together) <= LONGEST else ""


def _merge(found: Spf, look: Look, include: str) -> str:
    """Several records, of which receivers accept none (RFC 7208 §4.5)."""
    together = proposal(found.records, include=include)
    name = look.entry(found.domain)
    count = f"There are {len(found.records)} SPF records, so receivers accept none of them."
    if not together:
        return f"{count} Merge them into one TXT record with the name “{name}”."
    return f"{count} Merge them into one TXT record with the name “{name}”: {together}"


_SENTENCES = {
    SpfProblem.SEVERAL: "An included domain has several SPF records, so receivers reject yours as well "
    "({detail}). Remove that include, or tell its owner.",
    SpfProblem.SYNTAX: "The SPF record cannot be read ({detail}). Correct or remove that part.",
    SpfProblem.LOOKUPS: "Receivers stop after 10 look-ups, and this record needs {lookups} ({detail}). "
    "Remove the includes of services you no longer use.",
    SpfProblem.VOIDS: "Receivers stop after two look-ups that find nothing ({detail}). Remove the names "
    "that no longer exist.",
    SpfProblem.EXCHANGERS: "An “mx” may lead to ten names at most ({detail}). Use “include” or addresses "
    "instead.",
    SpfProblem.LOOP: "The record includes itself ({detail}). Remove that include.",
    SpfProblem.TARGET: "The record includes a domain that has no SPF record ({detail}), so receivers "
    "reject it whole. Remove or correct that include.",
}
