"""Who receives for a domain: looked up by an errand, from a real name server, kept for its TTL."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from sqlalchemy import select

from relay.context import Relay
from relay.errors import Unavailable
from relay.gateways.dns import MailExchangers, Resolver
from relay.models import ReceivingDomain, Site
from relay.policy.gateways import Gateway
from relay.services import receivers
from tests.fakes import FakeClock
from tests.steps import accept, copy_of, deliver_due, tell

ZONES = {
    "customer.example.": (86_400, ["20 backup.customer.example.", "10 eu-smtp-in-1.mimecast.com."]),
    "small.example.": (60, ["10 mx.tinyfilter.example."]),
}


@pytest.fixture
def nameserver() -> Iterator[int]:
    """An authoritative name server on the loopback; its port."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                data, client = server.recvfrom(4096)
            except OSError:
                return
            if data == b"stop":
                return
            query = dns.message.from_wire(data)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.AA
            name = query.question[0].name
            if name.to_text() in ZONES:
                ttl, records = ZONES[name.to_text()]
                answer.answer.append(dns.rrset.from_text(name, ttl, "IN", "MX", *records))
            else:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            server.sendto(answer.to_wire(), client)

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    server.sendto(b"stop", server.getsockname())
    thread.join()
    server.close()


@pytest.fixture
def resolving(relay: Relay, nameserver: int) -> Relay:
    return replace(
        relay, exchangers=Resolver(nameservers=["127.0.0.1"], port=nameserver).exchangers
    )


def known(relay: Relay) -> dict[str, str | None]:
    with relay.reads() as session:
        rows = session.scalars(select(ReceivingDomain)).all()
        return {row.domain: row.gateway for row in rows}


def test_the_domains_that_are_mailed_are_looked_up_once_until_the_ttl_is_over(
    resolving: Relay, site: Site, clock: FakeClock
) -> None:
    accept(resolving, site, to=["a@customer.example", "b@customer.example", "c@gone.example"])
    assert receivers.look_up(resolving) == 2
    assert known(resolving) == {"customer.example": "mimecast", "gone.example": None}
    assert receivers.look_up(resolving) == 0
    clock.advance(hours=24)
    assert receivers.look_up(resolving) == 2


def test_unknown_vendors_are_counted(resolving: Relay, site: Site) -> None:
    accept(resolving, site, to=["a@small.example", "b@customer.example"])
    receivers.look_up(resolving)
    with resolving.reads() as session:
        assert receivers.unknown_zones(session) == [("tinyfilter.example", 1)]


def test_a_name_server_that_does_not_answer_is_asked_again_in_an_hour(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    def away(_domain: str) -> MailExchangers:
        raise Unavailable("nobody answers")

    silent = replace(relay, exchangers=away)
    accept(silent, site)
    assert (receivers.look_up(silent), receivers.look_up(silent)) == (1, 0)
    clock.advance(hours=1)
    assert receivers.look_up(silent) == 1


def test_a_bounce_is_diagnosed_with_the_gateway_that_dns_names(
    resolving: Relay, site: Site
) -> None:
    receipt = accept(resolving, site)
    (envelope,) = deliver_due(resolving)
    receivers.look_up(resolving)
    tell(resolving, "Bounce", envelope, status="5.7.1", diagnosticCode="smtp; 550 5.7.1 refused")
    (event,) = copy_of(resolving, site, receipt).events
    assert event.data["diagnosis"]["vendor"] == Gateway.MIMECAST.value
