"""What we read in DNS, checkdmarc reads as well, from the same name server."""

from __future__ import annotations

from typing import Any

import dns.resolver
import pytest

from relay.answers import NameServer
from relay.gateways.dns import Resolver
from relay.policy import dmarc, spf
from relay.policy.domain_checks import Plan, check
from relay.policy.spf import SpfProblem, SpfState
from relay.vocabulary import CheckResult

PLAN = Plan(
    domain="shop.example",
    token="postreeve=shop-token",
    dkim=("t1", "t2", "t3"),
    hosted_zone="dkim.amazonses.com",
    mail_from="bounce.shop.example",
    region="eu-central-1",
)


@pytest.fixture(scope="module")
def theirs(nameserver: str) -> dns.resolver.Resolver:
    server = NameServer.read(nameserver)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [server.address], server.port
    return resolver


@pytest.fixture(scope="module")
def ours(nameserver: str) -> Resolver:
    return Resolver(nameservers=[nameserver])


def test_a_domain_that_did_everything_right_is_seen_so_from_here(ours: Resolver) -> None:
    report = check(PLAN, ours.for_report())
    assert {record.result for record in report.records} == {CheckResult.PASS}
    alignment = report.alignment
    assert (alignment.dkim, alignment.spf, alignment.dmarc) == (True, True, True)
    assert report.advice == ()


@pytest.mark.exploring  # checkdmarc takes more than a second to be imported
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("simple", None),
        ("hosts", None),
        ("ten", None),
        ("voids2", None),
        ("eleven", SpfProblem.LOOKUPS),
        ("voids3", SpfProblem.VOIDS),
        ("typo", SpfProblem.SYNTAX),
        ("network", SpfProblem.SYNTAX),
        ("several", SpfProblem.SEVERAL),
        ("loop", SpfProblem.LOOP),
        ("nowhere", SpfProblem.TARGET),
    ],
)
def test_spf_as_checkdmarc_reads_it(
    ours: Resolver, theirs: dns.resolver.Resolver, name: str, problem: SpfProblem | None
) -> None:
    found = spf.read(f"{name}.spf.example", ours.look_up)
    oracle = _spf(name, theirs)
    assert (found.problem, found.state is SpfState.USABLE) == (problem, oracle["valid"])
    if oracle["valid"]:
        assert (found.lookups, found.voids) == (oracle["dns_lookups"], oracle["void_dns_lookups"])


@pytest.mark.exploring
@pytest.mark.parametrize("name", ["version", "none"])
def test_no_spf_as_checkdmarc_reads_it(
    ours: Resolver, theirs: dns.resolver.Resolver, name: str
) -> None:
    assert spf.read(f"{name}.spf.example", ours.look_up).state is SpfState.ABSENT
    assert _spf(name, theirs)["record"] is None


@pytest.mark.exploring
@pytest.mark.parametrize("name", ["capitals", "nested", "redirected"])
def test_spf_where_checkdmarc_deviates(
    ours: Resolver, theirs: dns.resolver.Resolver, name: str
) -> None:
    """`V=SPF1` is a version like another (RFC 5234 §2.3: literals have no case), but not to checkdmarc."""
    assert spf.read(f"{name}.spf.example", ours.look_up).state is SpfState.USABLE
    assert "Expected version_tag" in _spf(name, theirs)["error"]


@pytest.mark.exploring
@pytest.mark.parametrize(
    ("domain", "organisational"),
    [
        ("dmarc.example", "dmarc.example"),
        ("sub.dmarc.example", "dmarc.example"),
        ("own.dmarc.example", "dmarc.example"),
        ("below.own.dmarc.example", "dmarc.example"),
        ("apart.dmarc.example", "apart.dmarc.example"),
        ("shop.apart.dmarc.example", "apart.dmarc.example"),
        ("a.b.c.d.e.f.g.h.dmarc.example", "dmarc.example"),
        ("gone.dmarc.example", "dmarc.example"),
        ("savings.bank", "savings.bank"),
        ("branch.savings.bank", "savings.bank"),
        ("loans.bank", "loans.bank"),
        ("shop.example", "shop.example"),
    ],
)
def test_dmarc_as_checkdmarc_reads_it(
    ours: Resolver, theirs: dns.resolver.Resolver, domain: str, organisational: str
) -> None:
    """checkdmarc finds record and place; it does not tell the organisational domain, so a table does."""
    found = dmarc.find(domain, ours.look_up)
    oracle = _dmarc(domain, theirs)
    if domain == "gone.dmarc.example":
        # It wants the domain to exist; RFC 9989 §4.10 walks all the same, and `np` speaks of it.
        assert "does not exist" in oracle["error"]
        assert found.policy == "reject"
    else:
        assert found.record is not None
        assert (found.record.text, found.record.domain) == (oracle["record"], oracle["location"])
        tags = oracle["tags"]
        wanted = tags["p" if found.is_own else "sp"]["value"]
        assert found.policy == wanted
    assert found.organisational == organisational


@pytest.mark.exploring
def test_dmarc_where_checkdmarc_deviates(ours: Resolver, theirs: dns.resolver.Resolver) -> None:
    """Several records at one name count for none, and the walk goes on (RFC 9989 §4.10, step 2)."""
    found = dmarc.find("two.dmarc.example", ours.look_up)
    assert found.record is not None
    assert (found.record.domain, found.several) == ("dmarc.example", ("two.dmarc.example",))
    assert "Multiple DMARC" in _dmarc("two.dmarc.example", theirs)["error"]


def _spf(name: str, resolver: dns.resolver.Resolver) -> dict[str, Any]:
    from checkdmarc.spf import check_spf

    return dict(check_spf(f"{name}.spf.example", resolver=resolver))


def _dmarc(domain: str, resolver: dns.resolver.Resolver) -> dict[str, Any]:
    from checkdmarc.dmarc import check_dmarc

    return dict(check_dmarc(domain, resolver=resolver))
