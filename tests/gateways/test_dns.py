"""DNS is asked and its answers become values: by a real name server, and by one that misbehaves."""

from __future__ import annotations

import time

import pytest

from relay.answers import Answer, Existence, NameServer, RecordType, name_servers
from relay.errors import Unavailable
from relay.gateways import dns
from relay.gateways.dns import LONGEST_CHAIN, Resolver, not_asked, within
from tests.nameservers import (
    Quirk,
    QuirkyServer,
    answering,
    failing,
    garbage,
    silence,
    wrong_id,
)

A, AAAA, CNAME, MX, NS, SOA, TXT = RecordType
RECORDS, NO_DATA, NO_NAME, UNKNOWN = Existence

PATIENCE = 0.15
"""Seconds that tests wait where nobody says anything."""

TIME_ENOUGH = 1.5
"""Seconds for an answer that does come; a silent server is passed over after a third of them."""


@pytest.fixture(scope="session")
def resolver(nameserver: str) -> Resolver:
    return Resolver(nameservers=[nameserver])


def asking(*servers: QuirkyServer | str, patience: float = 60.0) -> Resolver:
    texts = [each if isinstance(each, str) else each.text for each in servers]
    return Resolver(nameservers=texts, patience=patience)


@pytest.mark.parametrize(
    ("name", "type", "records"),
    [
        ("ns1.shop.example", A, ("127.0.0.1",)),
        ("mx2.shop.example", AAAA, ("2001:db8::25",)),
        ("shop.example", NS, ("ns1.shop.example",)),
        ("shop.example", SOA, ("ns1.shop.example",)),
        ("shop.example", MX, ("10 mx1.shop.example", "20 mx2.shop.example")),
        ("null.shop.example", MX, ("0 .",)),
        ("t1._domainkey.shop.example", CNAME, ("t1.dkim.amazonses.com",)),
        ("SHOP.Example.", SOA, ("ns1.shop.example",)),
        ("pieces.shop.example", TXT, ("v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all",)),
        ("bytes.shop.example", TXT, ("caf\N{REPLACEMENT CHARACTER}é",)),
        ("any.wild.shop.example", TXT, ("answers everything",)),
        ("bücher.shop.example", TXT, ("books",)),
        ("BÜCHER.shop.example", TXT, ("books",)),
    ],
)
def test_records_of_each_type_are_read(
    resolver: Resolver, name: str, type: RecordType, records: tuple[str, ...]
) -> None:
    answer = resolver.look_up(name, type)
    assert (answer.existence, tuple(sorted(answer.records)), answer.ttl) == (RECORDS, records, 300)


@pytest.mark.parametrize(
    ("name", "type", "existence"),
    [
        ("ns1.shop.example", TXT, NO_DATA),
        ("under.shop.example", TXT, NO_DATA),  # only names below it have records
        ("nobody.shop.example", TXT, NO_NAME),
        ("dangling.shop.example", TXT, NO_NAME),  # a CNAME to a name that does not exist
        ("alias.shop.example", MX, NO_DATA),
        ("ns1.shop.example", CNAME, NO_DATA),
        ("nobody.shop.example", CNAME, NO_NAME),
        ("elsewhere.test", TXT, UNKNOWN),  # the server refuses: not one of its zones
    ],
)
def test_nothing_is_told_apart_from_no_answer(
    resolver: Resolver, name: str, type: RecordType, existence: Existence
) -> None:
    answer = resolver.look_up(name, type)
    assert (answer.existence, answer.records) == (existence, ())
    assert bool(answer.detail) == (existence is UNKNOWN)


def test_cnames_are_followed_to_their_end_unless_they_are_what_was_asked_for(
    resolver: Resolver,
) -> None:
    followed = resolver.look_up("alias.shop.example", TXT)
    assert (followed.existence, followed.name) == (RECORDS, "pieces.shop.example")
    assert resolver.look_up("alias.shop.example", CNAME).records == ("deeper.shop.example",)
    across = resolver.look_up("t2._domainkey.shop.example", TXT)
    assert across.name == "t2.dkim.amazonses.com"
    assert across.records[0].startswith("p=MII")


def test_cnames_in_a_ring_are_unknown(resolver: Resolver) -> None:
    assert resolver.look_up("ring.shop.example", TXT).existence is UNKNOWN


def test_a_large_answer_comes_by_tcp_whole(resolver: Resolver) -> None:
    answer = resolver.look_up("large.shop.example", TXT)
    assert (len(answer.records), {len(each) for each in answer.records}) == (8, {250})


@pytest.mark.parametrize(
    "name",
    [
        "a" * 64 + ".example",
        "a..example",
        ".example",
        "",
        ".".join(["abcdefgh"] * 40),
        "ü" * 60 + ".x",
    ],
)
def test_a_name_that_dns_cannot_hold_does_not_exist(resolver: Resolver, name: str) -> None:
    answer = resolver.look_up(name, TXT)
    assert (answer.existence, answer.records) == (NO_NAME, ())
    assert "cannot exist" in answer.detail


@pytest.mark.parametrize("name", ["a\\.b.shop.example", "sp ace.shop.example", "\x00.shop.example"])
def test_odd_letters_are_taken_literally(resolver: Resolver, name: str) -> None:
    assert resolver.look_up(name, TXT).existence is NO_NAME


def test_exchangers_are_read_as_before(resolver: Resolver) -> None:
    assert resolver.exchangers("shop.example").records == (
        (10, "mx1.shop.example"),
        (20, "mx2.shop.example"),
    )
    assert resolver.exchangers("nobody.shop.example").records == ()
    with pytest.raises(Unavailable):
        resolver.exchangers("elsewhere.test")


@pytest.mark.parametrize("code", ["SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"])
def test_a_server_that_fails_leaves_it_unknown_and_says_how(odd: QuirkyServer, code: str) -> None:
    odd.quirks["shop"] = failing(code)
    answer = asking(odd).look_up("shop.example", TXT)
    assert answer.existence is UNKNOWN
    assert code in answer.detail


@pytest.mark.parametrize("quirk", [silence, garbage, wrong_id])
def test_silence_and_forgeries_leave_it_unknown_in_time(odd: QuirkyServer, quirk: Quirk) -> None:
    odd.quirks["shop"] = quirk
    began = time.monotonic()
    answer = asking(odd, patience=PATIENCE).look_up("shop.example", TXT)
    assert (answer.existence, answer.records) == (UNKNOWN, ())
    assert time.monotonic() - began < dns.PATIENCE


@pytest.mark.parametrize("quirk", [failing("SERVFAIL"), failing("REFUSED"), silence, garbage])
def test_the_next_server_is_asked_when_one_is_bad(
    odd: QuirkyServer, nameserver: str, quirk: Quirk
) -> None:
    odd.quirks["ns1"] = quirk
    answer = asking(odd, nameserver, patience=TIME_ENOUGH).look_up("ns1.shop.example", A)
    assert answer.records == ("127.0.0.1",)
    assert odd.asked


def test_a_port_where_nobody_listens_is_a_bad_server(odd: QuirkyServer, nameserver: str) -> None:
    here, nowhere = "ns1.shop.example", "127.0.0.1:1"
    answer = asking(nowhere, nameserver, patience=TIME_ENOUGH).look_up(here, A)
    assert answer.records == ("127.0.0.1",)
    assert asking(nowhere, patience=PATIENCE).look_up(here, A).existence is UNKNOWN


def test_a_truncated_answer_is_asked_for_again_by_tcp(odd: QuirkyServer) -> None:
    odd.quirks["big"] = answering(*(f'@ 60 TXT "{n}{"x" * 200}"' for n in range(5)))
    assert len(asking(odd).look_up("big.example", TXT).records) == 5
    assert [way for way, _ in odd.asked] == ["UDP", "TCP"]


@pytest.mark.parametrize(
    ("quirk", "existence"),
    [
        (answering(), NO_DATA),
        (answering(authority=("example. 60 SOA a. b. 1 1 1 1 30",)), NO_DATA),
        (answering(authority=("example. 60 NS ns.other.example.",)), UNKNOWN),  # only a referral
        (answering('other.example. 60 TXT "not asked for"'), UNKNOWN),
        (answering(code="NXDOMAIN"), NO_NAME),
        (answering("@ 60 CNAME gone.example.", code="NXDOMAIN"), NO_NAME),
        (answering('@ 60 TXT "yes and no"', code="NXDOMAIN"), UNKNOWN),
    ],
)
def test_empty_and_contradictory_answers(
    odd: QuirkyServer, quirk: Quirk, existence: Existence
) -> None:
    odd.quirks["shop"] = quirk
    answer = asking(odd).look_up("shop.example", TXT)
    assert (answer.existence, answer.records) == (existence, ())


def test_a_chain_that_the_server_does_not_follow_is_followed(odd: QuirkyServer) -> None:
    odd.quirks["start"] = answering("@ 60 CNAME middle.example.")
    odd.quirks["middle"] = answering("@ 60 CNAME end.example.")
    odd.quirks["end"] = answering('@ 60 TXT "here"')
    answer = asking(odd).look_up("start.example", TXT)
    assert (answer.records, answer.name) == (("here",), "end.example")


def test_a_chain_ends_somewhere(odd: QuirkyServer) -> None:
    for n in range(50):
        odd.quirks[f"c{n}"] = answering(f"@ 60 CNAME c{n + 1}.example.")
    assert asking(odd).look_up("c0.example", TXT).existence is UNKNOWN
    assert len(odd.asked) == LONGEST_CHAIN


def test_what_is_asked_after_the_reports_time_is_unknown() -> None:
    now = [0.0]
    patiences = []

    def slow(_name: str, _type: RecordType, *, patience: float) -> Answer:
        patiences.append(patience)
        now[0] += 4.0
        return Answer(RECORDS, ("something",))

    ask = within(slow, 10.0, clock=lambda: now[0])
    answers = [ask("shop.example", TXT).existence for _ in range(5)]
    assert answers == [RECORDS, RECORDS, RECORDS, UNKNOWN, UNKNOWN]
    assert patiences == [5.0, 5.0, 2.0]


def test_a_whole_report_is_bounded(odd: QuirkyServer) -> None:
    odd.quirks["shop"] = silence
    began = time.monotonic()
    ask = asking(odd).for_report(PATIENCE)
    assert {ask("shop.example", type).existence for type in RecordType} == {UNKNOWN}
    assert time.monotonic() - began < dns.PATIENCE


def test_where_nobody_asks_nobody_knows() -> None:
    answer = not_asked("shop.example", TXT)
    assert (answer.is_known, answer.detail) == (False, "DNS is not asked here")


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("192.0.2.53", [NameServer("192.0.2.53")]),
        ("192.0.2.53:5353", [NameServer("192.0.2.53", 5353)]),
        ("2001:db8::53", [NameServer("2001:db8::53")]),
        ("[::1]:53", [NameServer("::1")]),
        ("[2001:db8::53]:5353", [NameServer("2001:db8::53", 5353)]),
        ("192.0.2.1, [::1]:54  192.0.2.2:55", [("192.0.2.1", 53), ("::1", 54), ("192.0.2.2", 55)]),
        ("", []),
    ],
)
def test_name_servers_are_read(text: str, servers: list[NameServer | tuple[str, int]]) -> None:
    expected = [each if isinstance(each, NameServer) else NameServer(*each) for each in servers]
    assert list(name_servers(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["dns.example", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:99999", "192.0.2", "[::1", ":53"],
)
def test_what_is_no_name_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="name server"):
        name_servers(f"192.0.2.1,{text}")
