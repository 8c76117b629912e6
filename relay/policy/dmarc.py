"""Which DMARC policy holds for a domain (RFC 9989 §4.10), and who agreed to its reports (RFC 9990 §4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relay.answers import Answer, Ask, Existence, RecordType, plain
from relay.policy.dmarc_record import DmarcPolicy, DmarcRecord, ReportAddress, is_dmarc, parse

QUERIES = 8
"""Names a tree walk asks at most, the domain's own among them (RFC 9989 §4.10)."""


STRANGERS = 5
"""Foreign domains that are asked for their consent; nobody has more, unless to make us ask."""


@dataclass(frozen=True, slots=True)
class Dmarc:
    """DMARC for a From domain.

    `record` is the one that holds, None where there is none. `policy` is what it asks for mail of
    this domain, `testing` (`t=y`) already taken into account; None where no policy holds.
    `organisational` is the domain whose names are aligned with each other under relaxed alignment.
    `several` are the domains with more than one record, which count for none. Where nobody
    answered, `is_known` is false for record and policy, and `organisational` is None.
    """

    domain: str
    record: DmarcRecord | None
    policy: DmarcPolicy | None
    organisational: str | None
    several: tuple[str, ...] = ()
    is_known: bool = True
    detail: str = ""

    @property
    def is_own(self) -> bool:
        """Whether the record is the domain's own, and not one of a domain above."""
        return self.record is not None and self.record.domain == self.domain


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether a foreign domain takes this domain's reports; None where nobody knows."""

    address: ReportAddress
    name: str
    given: bool | None


@dataclass(frozen=True, slots=True)
class _Step:
    """What a walk found at one name."""

    domain: str
    answer: Answer
    records: tuple[str, ...]

    @property
    def record(self) -> DmarcRecord | None:
        return parse(self.domain, self.records[0]) if len(self.records) == 1 else None


def find(domain: str, ask: Ask) -> Dmarc:
    """The policy for a domain: its own record, else that of its organisational domain, else the suffix's."""
    domain = plain(domain)
    steps = tuple(_walk(domain, ask))
    unknown = tuple(step for step in steps if not step.answer.is_known)
    several = tuple(step.domain for step in steps if len(step.records) > 1)
    organisational = None if unknown else _organisational(domain, steps)
    own = steps[0]
    if own.record is not None:
        policy = _milder(own.record, own.record.policy)
        return Dmarc(domain, own.record, policy, organisational, several)
    if unknown:
        detail = f"_dmarc.{unknown[0].domain}: {unknown[0].answer.detail}"
        return Dmarc(domain, None, None, None, several, is_known=False, detail=detail)
    found = {step.domain: step.record for step in steps if step.record is not None}
    record = found.get(organisational or "") or _of_suffix(found)
    if record is None:
        return Dmarc(domain, None, None, organisational, several)
    itself = ask(domain, RecordType.SOA)
    if not itself.is_known and record.for_missing is not record.for_subdomains:
        detail = f"{domain}: {itself.detail}"
        return Dmarc(domain, record, None, organisational, several, is_known=False, detail=detail)
    missing = itself.existence is Existence.NO_NAME
    policy = _milder(record, record.for_missing if missing else record.for_subdomains)
    return Dmarc(domain, record, policy, organisational, several)


def organisational_domain(domain: str, ask: Ask) -> str | None:
    """The domain that speaks for this one (RFC 9989 §4.10.2); None where nobody knows."""
    steps = tuple(_walk(plain(domain), ask))
    if all(step.answer.is_known for step in steps):
        return _organisational(plain(domain), steps)
    return None


def consents(record: DmarcRecord, organisational: str | None, ask: Ask) -> tuple[Consent, ...]:
    """Which of the record's report addresses lie with others, and whether these agreed.

    A host under the record's own organisational domain is no stranger. The domain below a stranger's
    own `psd=n` would be one; nobody has been seen to do that, and it would cost a walk per address.
    """
    home = organisational or record.domain
    strangers = {
        address.host: address
        for address in reversed(record.reports)
        if address.host and address.host != home and not address.host.endswith(f".{home}")
    }
    asked = list(reversed(strangers.values()))[:STRANGERS]
    return tuple(_consent(record.domain, address, ask) for address in asked)


def _consent(domain: str, address: ReportAddress, ask: Ask) -> Consent:
    name = f"{domain}._report._dmarc.{address.host}"
    answer = ask(name, RecordType.TXT)
    given = any(map(is_dmarc, answer.records)) if answer.is_known else None
    return Consent(address, name, given)


def _walk(domain: str, ask: Ask) -> Iterator[_Step]:
    """The names from the domain upwards, until one says what it is (`psd=y`, `psd=n`)."""
    for name in _names(domain):
        answer = ask(f"_dmarc.{name}", RecordType.TXT)
        step = _Step(name, answer, tuple(filter(is_dmarc, answer.records)))
        yield step
        if step.record is not None and step.record.psd in ("y", "n"):
            return


def _names(domain: str) -> Iterator[str]:
    """The domain, then those above it; of a long one, only the last seven labels (§4.10)."""
    labels = domain.split(".")
    yield domain
    start = 1 if len(labels) < QUERIES else len(labels) - QUERIES + 1
    for first in range(start, len(labels)):
        yield ".".join(labels[first:])


def _organisational(domain: str, steps: tuple[_Step, ...]) -> str:
    """Of the records found: `psd=n` says it is here, `psd=y` one label below, else the highest."""
    found = [record for step in steps if (record := step.record) is not None]
    if not found:
        return domain
    last = found[-1]
    if last.psd == "y" and last.domain != domain:
        below = domain.removesuffix(f".{last.domain}").rpartition(".")[2]
        return f"{below}.{last.domain}"
    return last.domain


def _of_suffix(found: dict[str, DmarcRecord]) -> DmarcRecord | None:
    return next((record for record in found.values() if record.psd == "y"), None)


def _milder(record: DmarcRecord, policy: DmarcPolicy | None) -> DmarcPolicy | None:
    return policy.milder if policy is not None and record.testing else policy
