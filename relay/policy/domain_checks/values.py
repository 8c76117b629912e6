"""A plan of what a sending domain publishes, and a report of what DNS says about it, as values."""

from __future__ import annotations

from dataclasses import dataclass

from relay.sayings import NOTHING, Saying
from relay.vocabulary import CheckResult


@dataclass(frozen=True, slots=True)
class Plan:
    """What should be published for a domain.

    `token` is the text of the account's ownership record, whole. `dkim` are the provider's tokens
    (empty: it has not told them yet) and `hosted_zone` the zone they point into. `mail_from` is the
    MAIL FROM domain, e.g. `bounce.shop.example`; `region` is the provider's.
    """

    domain: str
    token: str
    dkim: tuple[str, ...]
    hosted_zone: str | None
    mail_from: str
    region: str


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """One record: what should be there, what is, and what to do about the difference.

    `key` tells records apart (`ownership`, `dkim-1` … `dkim-3`, `mail-from-mx`, `mail-from-spf`,
    `spf`, `dmarc`, `mx`). `required`: without it the domain is not verified. `value` is what to
    publish ("" where there is nothing to publish). `code` is a stable word for programs, `fix` is
    said to people (nothing where nothing is to be done).
    """

    key: str
    name: str
    type: str
    value: str
    purpose: Saying
    required: bool
    result: CheckResult
    code: str
    found: tuple[str, ...] = ()
    fix: Saying = NOTHING


@dataclass(frozen=True, slots=True)
class Advice:
    """Something worth knowing that no single record of ours shows."""

    code: str
    title: Saying
    detail: Saying


@dataclass(frozen=True, slots=True)
class Alignment:
    """Whether a mail From this domain will be aligned (RFC 9989 §4.4); None where nobody knows yet."""

    dkim: bool | None
    spf: bool | None
    dmarc: bool | None
    detail: Saying


@dataclass(frozen=True, slots=True)
class Report:
    """One look at a domain's DNS."""

    records: tuple[CheckedRecord, ...]
    advice: tuple[Advice, ...]
    alignment: Alignment

    @property
    def required(self) -> CheckResult:
        """Pass when every required record passes; fail when one fails; else unknown."""
        results = {record.result for record in self.records if record.required}
        for result in (CheckResult.FAIL, CheckResult.UNKNOWN):
            if result in results:
                return result
        return CheckResult.PASS
