"""DNS as far as we ask it: who receives mail for a domain, and what a sending domain publishes.

RFC 1035, RFC 2308 (what an empty answer means), RFC 5321 §5.1 and RFC 7505 (mail exchangers).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
import dns.rrset
import idna
from dns.rdtypes.ANY.TXT import TXT

from relay.answers import Answer, Ask, Existence, NameServer, RecordType
from relay.errors import Unavailable

PATIENCE = 5.0
"""Seconds one question may take, repetitions included (our decision)."""

REPORT_PATIENCE = 15.0
"""Seconds all questions of one report may take; what is asked later is unknown (our decision)."""

TRIES = 3
"""How often a silent server is asked, or how many silent ones are passed over, per question."""

LONGEST_CHAIN = 8
"""CNAMEs followed after one another; public resolvers give up at about as many (our decision)."""


@dataclass(frozen=True, slots=True)
class MailExchangers:
    """The MX records of a domain (preference, host), and how long they may be kept."""

    records: tuple[tuple[int, str], ...] = ()
    ttl: timedelta = timedelta(days=1)


def no_exchangers(_domain: str) -> MailExchangers:
    """Where nothing is looked up, as beside the simulator, whose people live nowhere."""
    return MailExchangers()


def not_asked(_name: str, _type: RecordType) -> Answer:
    """Where nothing is looked up: nobody knows."""
    return _unknown("DNS is not asked here")


class Resolver:
    """Asks the name servers this machine is set up with, or those it is given.

    `nameservers` are addresses, each with a port of its own if it says so (see `NameServer.read`),
    else with `port`. A server that fails is passed over for the next. Names are taken as they are:
    the machine's search domains do not count.
    """

    def __init__(
        self,
        *,
        nameservers: Sequence[str | NameServer] | None = None,
        port: int = 53,
        patience: float = PATIENCE,
    ) -> None:
        self._resolver: dns.resolver.Resolver | None = None
        self._patience = patience
        self._nameservers = (
            None if nameservers is None else [_server(each, port) for each in nameservers]
        )

    def exchangers(self, domain: str) -> MailExchangers:
        """The domain's MX records; none where there are none, or no such domain.

        Raises `Unavailable` when nobody answers.
        """
        try:
            answer = self._made().resolve(f"{domain}.", "MX", lifetime=self._patience)
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

    def look_up(self, name: str, type: RecordType, *, patience: float | None = None) -> Answer:
        """The answer to one question, within `patience` seconds. Never raises.

        CNAMEs are followed, except where they are what was asked for; a chain that ends at a name
        that does not exist is "no such name" (RFC 2308 §2.1), one that leads in circles is unknown.
        A name that DNS cannot hold (too long, an empty label) is "no such name" too: nothing can
        ever be published there, and waiting for it would be waiting for ever.
        """
        try:
            asked = to_dns(name)
        except ValueError as error:
            return Answer(Existence.NO_NAME, name=name.lower(), detail=str(error))
        deadline = time.monotonic() + (self._patience if patience is None else patience)
        seen = {asked}
        while True:
            answer, end = self._ask(asked, type, deadline)
            if answer is not None:
                return answer
            if end in seen:
                return _unknown("CNAMEs lead in circles")
            if len(seen) >= LONGEST_CHAIN:
                return _unknown("Too many CNAMEs after one another")
            seen.add(end)
            asked = end

    def for_report(
        self, seconds: float = REPORT_PATIENCE, *, clock: Callable[[], float] = time.monotonic
    ) -> Ask:
        """A way to ask that is good for one report: after so many seconds, answers are unknown."""
        return within(self.look_up, seconds, clock=clock)

    def _ask(
        self, name: dns.name.Name, type: RecordType, deadline: float
    ) -> tuple[Answer | None, dns.name.Name]:
        """The answer, or None and the name at the end of the CNAMEs, which has to be asked for."""
        left = deadline - time.monotonic()
        if left <= 0:
            return _unknown("No time was left to ask"), name
        try:
            found = self._made().resolve(
                name, type.value, lifetime=left, search=False, raise_on_no_answer=False
            )
            chain = found.response.resolve_chaining()
        except dns.resolver.NXDOMAIN as error:
            return _no_name(error, name), name
        except (dns.exception.DNSException, OSError, ValueError) as error:
            return _unknown(_reason(error)), name
        end, ttl = chain.canonical_name, chain.minimum_ttl
        if found.rrset is not None:
            return Answer(Existence.RECORDS, _texts(found.rrset, type), _text(end), ttl), end
        if end != name:
            # A resolver has looked at the end of the chain, a server that only knows its own zones
            # has not, and both answer the same: asking again is what tells them apart.
            return None, end
        if found.response.answer:
            return _unknown("The answer is about another name"), end
        authority = {records.rdtype for records in found.response.authority}
        if dns.rdatatype.NS in authority and dns.rdatatype.SOA not in authority:
            return _unknown("The name server only refers to others"), end
        return Answer(Existence.NO_DATA, name=_text(end), ttl=ttl), end

    def _made(self) -> dns.resolver.Resolver:
        if self._resolver is None:
            resolver = dns.resolver.Resolver(configure=self._nameservers is None)
            if self._nameservers is not None:
                resolver.nameservers = list(self._nameservers)
            resolver.timeout = self._patience / TRIES
            self._resolver = resolver
        return self._resolver


def within(
    look_up: Callable[..., Answer], seconds: float, *, clock: Callable[[], float] = time.monotonic
) -> Ask:
    """Ask by `look_up` for so many seconds altogether; what is asked later is unknown."""
    deadline = clock() + seconds

    def ask(name: str, type: RecordType) -> Answer:
        left = deadline - clock()
        if left <= 0:
            return _unknown("The time for this report was over before this was asked")
        return look_up(name, type, patience=min(PATIENCE, left))

    return ask


def to_dns(name: str) -> dns.name.Name:
    """A name as DNS knows it, international labels as their A-labels (RFC 5890).

    Raises ValueError where DNS cannot hold it (RFC 1035 §2.3.4). Labels are taken literally: a
    backslash is no escape.
    """
    labels = name.strip().removesuffix(".").split(".") if name.strip() != "." else []
    try:
        return dns.name.Name([*(_label(label) for label in labels), b""])
    except (dns.exception.DNSException, idna.IDNAError, UnicodeError) as error:
        raise ValueError(f"This name cannot exist in DNS ({error})") from error


def _label(label: str) -> bytes:
    if not label:
        raise dns.name.EmptyLabel
    return label.encode() if label.isascii() else idna.encode(label, uts46=True)


def _server(given: str | NameServer, port: int) -> dns.nameserver.Nameserver:
    server = NameServer.read(given, port=port) if isinstance(given, str) else given
    return dns.nameserver.Do53Nameserver(server.address, server.port)


def _unknown(detail: str) -> Answer:
    return Answer(Existence.UNKNOWN, ttl=0, detail=detail)


def _no_name(error: dns.resolver.NXDOMAIN, asked: dns.name.Name) -> Answer:
    try:
        response = error.response(asked)  # type: ignore[no-untyped-call]
        chain = response.resolve_chaining()
    except (dns.exception.DNSException, KeyError):
        return Answer(Existence.NO_NAME, name=_text(asked))
    return Answer(Existence.NO_NAME, name=_text(chain.canonical_name), ttl=chain.minimum_ttl)


def _reason(error: Exception) -> str:
    """Why nobody knows, for the operator: the kind of failure, and what each server said last."""
    if isinstance(error, dns.resolver.LifetimeTimeout):
        return "The name servers did not answer in time"
    if isinstance(error, dns.resolver.NoNameservers):
        said = (what for _, _, _, what, _ in error.kwargs["errors"])
        words = {what if isinstance(what, str) else type(what).__name__ for what in said}
        return f"The name servers failed ({', '.join(sorted(words)) or 'there are none'})"
    return f"DNS could not be asked ({type(error).__name__})"


def _texts(records: dns.rrset.RRset, type: RecordType) -> tuple[str, ...]:
    return tuple(_WRITTEN[type](record) for record in records)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _txt(record: TXT) -> str:
    return b"".join(record.strings).decode("utf-8", "replace")


_WRITTEN: dict[RecordType, Callable[..., str]] = {
    RecordType.A: lambda record: str(record.address),
    RecordType.AAAA: lambda record: str(record.address),
    RecordType.CNAME: lambda record: _text(record.target),
    RecordType.MX: lambda record: f"{record.preference} {_text(record.exchange)}",
    RecordType.NS: lambda record: _text(record.target),
    RecordType.SOA: lambda record: _text(record.mname),
    RecordType.TXT: _txt,
}
