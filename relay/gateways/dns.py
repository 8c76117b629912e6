"""DNS as far as we ask it: who receives mail for a domain (RFC 5321 §5.1, RFC 7505)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import dns.exception
import dns.resolver

from relay.errors import Unavailable

PATIENCE = 5.0
"""Seconds one question may take, repetitions included (our decision)."""


@dataclass(frozen=True, slots=True)
class MailExchangers:
    """The MX records of a domain (preference, host), and how long they may be kept."""

    records: tuple[tuple[int, str], ...] = ()
    ttl: timedelta = timedelta(days=1)


def no_exchangers(_domain: str) -> MailExchangers:
    """Where nothing is looked up, as beside the simulator, whose people live nowhere."""
    return MailExchangers()


class Resolver:
    """Asks the name servers this machine is set up with, or those it is given."""

    def __init__(self, *, nameservers: list[str] | None = None, port: int = 53) -> None:
        self._resolver: dns.resolver.Resolver | None = None
        self._nameservers, self._port = nameservers, port

    def exchangers(self, domain: str) -> MailExchangers:
        """The domain's MX records; none where there are none, or no such domain.

        Raises `Unavailable` when nobody answers.
        """
        try:
            answer = self._made().resolve(f"{domain}.", "MX", lifetime=PATIENCE)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return MailExchangers()
        except dns.exception.DNSException as error:
            raise Unavailable(f"DNS does not answer ({type(error).__name__})") from error
        records = sorted(
            (record.preference, record.exchange.to_text(omit_final_dot=True).lower())
            for record in answer
        )
        ttl = timedelta(seconds=answer.rrset.ttl) if answer.rrset else timedelta(days=1)
        return MailExchangers(tuple(records), ttl)

    def _made(self) -> dns.resolver.Resolver:
        if self._resolver is None:
            self._resolver = dns.resolver.Resolver(configure=self._nameservers is None)
            if self._nameservers is not None:
                self._resolver.nameservers = list(self._nameservers)
                self._resolver.port = self._port
        return self._resolver
