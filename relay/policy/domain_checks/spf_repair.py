"""How to mend an SPF record, in a sentence."""

from __future__ import annotations

from relay.policy import spf
from relay.policy.domain_checks.look import Look, readable
from relay.policy.spf import Spf, SpfProblem
from relay.policy.spf_terms import merged
from relay.sayings import Saying, phrase, say

LONGEST = 450
"""Characters of a record that still fits into a small DNS answer (RFC 7208 §3.4)."""


def repair(found: Spf, look: Look, *, include: str = "") -> tuple[str, Saying]:
    """(code, what to do) for a broken record; `include` is a domain the record has to include."""
    problem = found.problem or SpfProblem.SYNTAX
    if problem is SpfProblem.SEVERAL and len(found.records) > 1:
        return problem.value, _merge(found, look, include)
    detail = found.trouble.with_texts(readable)
    if problem is SpfProblem.LOOKUPS:
        return problem.value, say(
            _SENTENCES[problem], detail=detail, lookups=_counted(found.lookups)
        )
    return problem.value, say(_SENTENCES[problem], detail=detail)


def _counted(lookups: int) -> Saying | int:
    if lookups < spf.COUNTED:
        return lookups
    return say("at least %(lookups)s", lookups=lookups)


def proposal(records: tuple[str, ...], *, include: str = "") -> str:
    """One record to publish instead; "" where it would be too long to be copied from a sentence."""
    together = merged(records, include=include)
    return together if len(together) <= LONGEST else ""


def _merge(found: Spf, look: Look, include: str) -> Saying:
    """Several records, of which receivers accept none (RFC 7208 §4.5)."""
    together = proposal(found.records, include=include)
    name = look.entry(found.domain)
    count = say(
        "There are %(number)s SPF records, so receivers accept none of them.",
        number=len(found.records),
    )
    if not together:
        return count + say("Merge them into one TXT record with the name “%(name)s”.", name=name)
    return count + say(
        "Merge them into one TXT record with the name “%(name)s”: %(value)s",
        name=name,
        value=together,
    )


_SENTENCES = {
    SpfProblem.SEVERAL: phrase(
        "An included domain has several SPF records, so receivers reject yours as well "
        "(%(detail)s). Remove that include, or tell its owner."
    ),
    SpfProblem.SYNTAX: phrase(
        "The SPF record cannot be read (%(detail)s). Correct or remove that part."
    ),
    SpfProblem.LOOKUPS: phrase(
        "Receivers stop after 10 look-ups, and this record needs %(lookups)s (%(detail)s). "
        "Remove the includes of services you no longer use."
    ),
    SpfProblem.VOIDS: phrase(
        "Receivers stop after two look-ups that find nothing (%(detail)s). Remove the names "
        "that no longer exist."
    ),
    SpfProblem.EXCHANGERS: phrase(
        "An “mx” may lead to ten names at most (%(detail)s). Use “include” or addresses instead."
    ),
    SpfProblem.LOOP: phrase("The record includes itself (%(detail)s). Remove that include."),
    SpfProblem.TARGET: phrase(
        "The record includes a domain that has no SPF record (%(detail)s), so receivers "
        "reject it whole. Remove or correct that include."
    ),
}
