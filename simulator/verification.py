"""What SES finds when it looks for a domain's records, and what follows for the identity.

Only with `verify_identities: dns`. SES looks by itself every now and then; here it looks whenever
somebody asks about the identity or sends from it. The zones are asked directly, not the network.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import dns.name
from dns import rcode, rdatatype
from dns.rdatatype import RdataType

from simulator import REGION
from simulator.account import Account
from simulator.control import Control
from simulator.journal import Fact
from simulator.names.directory import Directory
from simulator.tokens import HOSTED_ZONE, dkim_tokens

FEEDBACK = f"feedback-smtp.{REGION}.amazonses.com"
"""The host a MAIL FROM domain's one MX record names."""

SPF_INCLUDE = "include:amazonses.com"

HOST_NOT_FOUND, TYPE_NOT_FOUND = "HOST_NOT_FOUND", "TYPE_NOT_FOUND"
INVALID_VALUE, DNS_SERVER_ERROR = "INVALID_VALUE", "DNS_SERVER_ERROR"

HOUR = 3600.0

BEGINNING: Fact = {"status": "PENDING"}
"""A MAIL FROM domain that nobody has looked for."""


class NotThere(Exception):
    """A record that is not as it has to be; the text is SES's VerificationError."""


@dataclass(frozen=True, slots=True)
class Look:
    """The last look at a domain's DKIM records. Times are in seconds since 1970."""

    checked_at: float | None = None
    succeeded_at: float | None = None
    error: str | None = None


class Verification:
    """Looks at the zones for the identities of the account."""

    def __init__(self, account: Account, control: Control, directory: Directory) -> None:
        """Verify identities of `account` by the zones of `directory`."""
        self._account = account
        self._control = control
        self._directory = directory
        self._looks: dict[str, Look] = {}

    def look(self, names: Iterable[str], *, at_once: bool = True) -> None:
        """Look for the records of those names that are identities; keep what is found.

        With `at_once`, a zone file that was written just now counts.
        """
        if self._control.settings.verify_identities != "dns":
            return
        self._directory.zones(at_once=at_once)
        for name in names:
            fact = self._account.journal.get("identity", name.lower())
            if fact is not None and "@" not in name:
                self._look_at(name.lower(), fact)

    def _look_at(self, domain: str, fact: Fact) -> None:
        """SES's states: 72 hours to appear, 72 hours to come back, and a failure is final."""
        now = time.time()
        found: Fact = {}
        if fact["status"] != "FAILED":
            error = self._problem(lambda: self._check_dkim(domain, fact))
            before = self._looks.get(domain, Look())
            success = now if error is None else before.succeeded_at
            self._looks[domain] = Look(now, success, error)
            found = self._after(fact, error, now)
        mail_from, state = fact.get("mail_from"), fact.get("mail_from_state") or BEGINNING
        if mail_from and state["status"] != "FAILED":
            error = self._problem(lambda: self._check_mail_from(mail_from["MailFromDomain"]))
            found["mail_from_state"] = self._after(state, error, now)
        if any(fact.get(member) != value for member, value in found.items()):
            self._account.change_identity(domain, **found)

    def _after(self, state: Fact, error: str | None, now: float) -> Fact:
        """What becomes of a status after a look. A failing name server is a temporary failure."""
        if error is None:
            return {"status": "SUCCESS", "missing_since": None, "was_verified": True}
        since, before = state.get("missing_since") or now, state.get("was_verified", False)
        status = "SUCCESS" if before else "PENDING"
        if now - since >= self._control.settings.dns_patience_hours * HOUR:
            status = "FAILED"
        elif error == DNS_SERVER_ERROR and before:
            status = "TEMPORARY_FAILURE"
        return {"status": status, "missing_since": since, "was_verified": before}

    @staticmethod
    def _problem(check: Callable[[], None]) -> str | None:
        try:
            check()
        except NotThere as problem:
            return str(problem)
        return None

    def _check_dkim(self, domain: str, fact: Fact) -> None:
        """Three CNAMEs into Amazon's zone; or with a key of one's own, a key at its selector."""
        if fact["external_dkim"]:
            name = f"{fact.get('selector')}._domainkey.{domain}"
            if not any("p=" in _text(record) for record in self._ask(name, rdatatype.TXT)):
                raise NotThere(INVALID_VALUE)
            return
        for token in dkim_tokens(domain):
            (record, *_) = self._ask(f"{token}._domainkey.{domain}", rdatatype.CNAME)
            if _host(record.target) != f"{token}.{HOSTED_ZONE}":
                raise NotThere(INVALID_VALUE)

    def _check_mail_from(self, domain: str) -> None:
        """Exactly one MX record, to Amazon's host, and SPF that includes Amazon (SES guide)."""
        exchangers = self._ask(domain, rdatatype.MX)
        if [_host(record.exchange) for record in exchangers] != [FEEDBACK]:
            raise NotThere(INVALID_VALUE)
        policies = [_text(record).lower().split() for record in self._ask(domain, rdatatype.TXT)]
        policies = [words for words in policies if words[:1] == ["v=spf1"]]
        if len(policies) != 1 or SPF_INCLUDE not in policies[0]:
            raise NotThere(INVALID_VALUE)

    def _ask(self, name: str, type: RdataType) -> list[Any]:
        """The records at a name; there is at least one. Raises NotThere."""
        asked = dns.name.from_text(name)
        if self._control.troubles.of(asked).keeps_answer_back:
            raise NotThere(DNS_SERVER_ERROR)
        reply = self._directory.ask(asked, type)
        records = [record for one in reply.answer if one.rdtype == type for record in one]
        if not records:
            nowhere = reply.rcode in (rcode.NXDOMAIN, rcode.REFUSED)
            raise NotThere(HOST_NOT_FOUND if nowhere else TYPE_NOT_FOUND)
        return records

    def info(self, domain: str) -> dict[str, Any] | None:
        """GetEmailIdentity's VerificationInfo; None while nobody has looked."""
        look = self._looks.get(domain.lower())
        if look is None:
            return None
        told = {
            "LastCheckedTimestamp": look.checked_at,
            "LastSuccessTimestamp": look.succeeded_at,
            "ErrorType": look.error,
            "SOARecord": self._soa(domain),
        }
        return {member: value for member, value in told.items() if value is not None}

    def _soa(self, domain: str) -> dict[str, Any] | None:
        zone = self._directory.zone_of(domain)
        if zone is None:
            return None
        (record,) = zone.soa
        return {
            "PrimaryNameServer": _host(record.mname),
            "AdminEmail": _host(record.rname),
            "SerialNumber": record.serial,
        }


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _text(record: Any) -> str:
    return b"".join(record.strings).decode("utf-8", "replace")
