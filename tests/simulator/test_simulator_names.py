"""The name server: its answers, its trouble, and domains that are verified by their records."""

import base64
import itertools
import json
import os
import re
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from dns.message import Message
from simulator_rig import PATIENCE, Simulator, eventually

from simulator.__main__ import main
from simulator.names.lookup import look_up
from simulator.names.troubles import Trouble, Troubles

HEAD = "$TTL 300\n@ SOA ns1 hostmaster 7 7200 900 1209600 60\n@ NS ns1\nns1 A 127.0.0.1\n"

SHOP = f"""{HEAD}
@ A 192.0.2.1
@ AAAA 2001:db8::1
@ MX 10 mail
@ MX 20 mail.other.example.
@ TXT "v=spf1 " "-all"
@ CAA 0 issue "ca.example"
7 PTR mail
long TXT {" ".join(f'"{letter * 250}"' for letter in "abcdef")}
middling TXT "{"m" * 250}" "{"n" * 250}" "{"o" * 250}"
www CNAME far.other.example.
nowhere CNAME missing
outside CNAME host.elsewhere.example.
round CNAME about
about CNAME round
deep.empty A 192.0.2.2
*.wild TXT "wild"
*.wild MX 10 mail
one.wild A 192.0.2.3
*.alias CNAME www
sub NS ns.sub
ns.sub A 192.0.2.4
below.sub A 192.0.2.5
"""

OTHER = f"{HEAD}far A 192.0.2.9\nmail A 192.0.2.10\n"


class Names:
    """A simulator with a name server, its folder of zones, and somebody who asks."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.zones = simulator.state / "zones"
        self.port = int(simulator.json("/names.json")["address"].rpartition(":")[2])

    @property
    def resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.port
        return resolver

    def ask(self, name: str, type: str, **options: Any) -> Message:
        """The server's answer over UDP, as it came."""
        return dns.query.udp(
            dns.message.make_query(name, type, **options), "127.0.0.1", PATIENCE, self.port
        )

    def texts(self, name: str, type: str) -> list[str]:
        """The records that a resolver finds."""
        return sorted(record.to_text() for record in self.resolver.resolve(f"{name}.", type))

    def write(self, name: str, text: str) -> None:
        path = self.zones / f"{name}.zone"
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").replace(path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Names]:
    state = tmp_path_factory.mktemp("names")
    (state / "zones").mkdir()
    (state / "zones" / "shop.example.zone").write_text(SHOP)
    (state / "zones" / "other.example.zone").write_text(OTHER)
    simulator = Simulator(state, "--dns-port", "0", "--verify-identities", "dns")
    yield Names(simulator)
    simulator.stop()


@pytest.fixture
def names(served: Names) -> Iterator[Names]:
    yield served
    served.simulator.open("/_control", "DELETE")


def records(message: Message) -> list[str]:
    return [
        f"{rrset.name.to_text(omit_final_dot=True)} {dns.rdatatype.to_text(rrset.rdtype)} {record}"
        for rrset in message.answer
        for record in rrset
    ]


FOUND = {
    "a name server": ("shop.example", "NS", ["ns1.shop.example."]),
    "an address": ("shop.example", "A", ["192.0.2.1"]),
    "an IPv6 address": ("shop.example", "AAAA", ["2001:db8::1"]),
    "mail servers": ("shop.example", "MX", ["10 mail.shop.example.", "20 mail.other.example."]),
    "strings as they are written": ("shop.example", "TXT", ['"v=spf1 " "-all"']),
    "who may certify": ("shop.example", "CAA", ['0 issue "ca.example"']),
    "a pointer": ("7.shop.example", "PTR", ["mail.shop.example."]),
    "in whatever case": ("SHOP.Example", "A", ["192.0.2.1"]),
    "a CNAME into another zone": ("www.shop.example", "A", ["192.0.2.9"]),
    "a wildcard": ("any.wild.shop.example", "TXT", ['"wild"']),
    "a wildcard, two labels deep": ("a.b.wild.shop.example", "TXT", ['"wild"']),
    "a wildcard that is a CNAME": ("x.alias.shop.example", "A", ["192.0.2.9"]),
    "Amazon's SPF": (
        *("amazonses.com", "TXT"),
        ['"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"'],
    ),
    "Amazon's feedback host": ("feedback-smtp.us-east-1.amazonses.com", "A", ["192.0.2.25"]),
}


@pytest.mark.parametrize(("name", "type", "expected"), FOUND.values(), ids=FOUND)
def test_what_the_zones_say_is_answered(
    names: Names, name: str, type: str, expected: list[str]
) -> None:
    answer = names.ask(name, type)

    assert answer.flags & dns.flags.AA
    assert names.texts(name, type) == expected


NOTHING = {
    "another type": ("7.shop.example", "A", "NOERROR"),
    "a name between others": ("empty.shop.example", "A", "NOERROR"),
    "a wildcard of another type": ("any.wild.shop.example", "A", "NOERROR"),
    "the parent of a wildcard": ("wild.shop.example", "TXT", "NOERROR"),
    "no such name": ("no.shop.example", "A", "NXDOMAIN"),
    "beside a wildcard, below a real name": ("x.one.wild.shop.example", "TXT", "NXDOMAIN"),
    "at the end of a CNAME": ("nowhere.shop.example", "A", "NXDOMAIN"),
    "no such token": ("none.dkim.amazonses.com", "TXT", "NXDOMAIN"),
}


@pytest.mark.parametrize(("name", "type", "rcode"), NOTHING.values(), ids=NOTHING)
def test_nothing_is_answered_with_the_reason_and_how_long_it_holds(
    names: Names, name: str, type: str, rcode: str
) -> None:
    answer = names.ask(name, type)

    assert dns.rcode.to_text(answer.rcode()) == rcode
    assert answer.flags & dns.flags.AA
    (soa,) = answer.authority
    assert soa.rdtype == dns.rdatatype.SOA
    assert soa.ttl == 60
    assert not [line for line in records(answer) if " CNAME " not in line]


def test_names_of_others_are_refused(names: Names) -> None:
    answer = names.ask("elsewhere.example", "A")

    assert answer.rcode() == dns.rcode.REFUSED
    assert not answer.flags & dns.flags.AA


@pytest.mark.parametrize("type", ["AXFR", "IXFR"])
def test_zones_are_not_transferred(names: Names, type: str) -> None:
    query = dns.message.make_query("shop.example", type)

    answer = dns.query.tcp(query, "127.0.0.1", PATIENCE, names.port)

    assert answer.rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("outside.shop.example", ["outside.shop.example CNAME host.elsewhere.example."]),
        (
            "round.shop.example",
            [
                "round.shop.example CNAME about.shop.example.",
                "about.shop.example CNAME round.shop.example.",
            ],
        ),
    ],
)
def test_a_chain_of_cnames_goes_as_far_as_the_zones(
    names: Names, name: str, chain: list[str]
) -> None:
    answer = names.ask(name, "A")

    assert answer.rcode() == dns.rcode.NOERROR
    assert records(answer) == chain


@pytest.mark.parametrize("name", ["sub", "below.sub", "ns.sub", "x.y.sub"])
def test_a_delegated_name_is_referred_to_its_servers(names: Names, name: str) -> None:
    answer = names.ask(f"{name}.shop.example", "A")

    assert not answer.flags & dns.flags.AA
    assert not answer.answer
    assert [one.to_text() for one in answer.authority] == [
        "sub.shop.example. 300 IN NS ns.sub.shop.example."
    ]
    assert [one.to_text() for one in answer.additional] == [
        "ns.sub.shop.example. 300 IN A 192.0.2.4"
    ]


@pytest.mark.parametrize(
    ("name", "payload", "is_cut"),
    [
        ("middling", None, True),
        ("middling", 1232, False),
        ("long", 1232, True),
        ("long", 4096, False),
        ("long", 1, True),
    ],
)
def test_what_does_not_fit_is_cut_over_udp_and_whole_over_tcp(
    names: Names, name: str, payload: int | None, is_cut: bool
) -> None:
    name = f"{name}.shop.example"
    options = {} if payload is None else {"use_edns": 0, "payload": payload}

    answer = names.ask(name, "TXT", **options)

    assert bool(answer.flags & dns.flags.TC) is is_cut
    assert bool(answer.answer) is not is_cut
    (record,) = names.resolver.resolve(name, "TXT")
    assert sum(map(len, record.strings)) in (750, 1500)


MALFORMED = {
    "rubbish": (b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xff", "FORMERR"),
    "no question": (b"\x12\x34\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "FORMERR"),
    "another operation": (b"\x12\x34\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00", "NOTIMP"),
    "a later EDNS": (
        b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01"
        b"\x00\x00\x01\x00\x01\x00\x00\x29\x04\xd0\x00\x01\x00\x00\x00\x00",
        "BADVERS",
    ),
    "another class": (
        b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x03",
        "REFUSED",
    ),
}


@pytest.mark.parametrize(("wire", "rcode"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_question_is_told_so(names: Names, wire: bytes, rcode: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.settimeout(PATIENCE)
        sender.sendto(b"\x00", ("127.0.0.1", names.port))
        sender.sendto(b"\x12\x34\x80\x00" + bytes(8), ("127.0.0.1", names.port))
        sender.sendto(wire, ("127.0.0.1", names.port))
        answer = dns.message.from_wire(sender.recv(4096))

    assert answer.id == 0x1234
    assert dns.rcode.to_text(answer.rcode()) == rcode


def test_many_questions_share_a_tcp_connection(names: Names) -> None:
    with socket.create_connection(("127.0.0.1", names.port), PATIENCE) as connection:
        for name in ("shop.example", "far.other.example"):
            query = dns.message.make_query(name, "A")
            dns.query.send_tcp(connection, query)
            answer, _ = dns.query.receive_tcp(connection)
            assert answer.id == query.id
            assert answer.answer


# Zone files.


def test_a_zone_is_read_again_when_it_comes_changes_and_goes(names: Names) -> None:
    def address() -> str:
        answer = names.ask("new.example", "A")
        return records(answer)[0] if answer.answer else dns.rcode.to_text(answer.rcode())

    assert address() == "REFUSED"
    names.write("new.example", f"{HEAD}@ A 192.0.2.20\n")
    assert eventually(lambda: address() == "new.example A 192.0.2.20")

    names.write("new.example", f"{HEAD}@ A 192.0.2.21\n")
    assert eventually(lambda: address() == "new.example A 192.0.2.21")

    (names.zones / "new.example.zone").unlink()
    assert eventually(lambda: address() == "REFUSED")


BROKEN = {
    "no rest": (f"{HEAD}@ MX mail\n", "near line 6: expecting an integer"),
    "no such type": (f"{HEAD}@ NONSENSE x\n", "near line 5"),
    "CNAME and more": (
        f"{HEAD}www CNAME x\nwww A 192.0.2.1\n",
        "a name has a CNAME and other records",
    ),
    "no SOA": ("$TTL 60\n@ NS ns1\n", "there is no SOA record at broken.example."),
    "no NS": (
        "$TTL 60\n@ SOA a b 1 2 3 4 5\nx A 192.0.2.1\n",
        "there is no NS record at broken.example.",
    ),
    "no text": (b"\xff\xfe", "this is not UTF-8 text"),
}


@pytest.mark.parametrize(("content", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_told_and_its_last_good_content_kept(
    names: Names, content: str | bytes, words: str
) -> None:
    path = names.zones / "broken.example.zone"
    path.write_text(f"{HEAD}@ A 192.0.2.30\n")
    assert "broken.example.zone" not in names.simulator.json("/names.json")["errors"]

    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    try:
        assert words in names.simulator.json("/names.json")["errors"]["broken.example.zone"]
        assert names.texts("broken.example", "A") == ["192.0.2.30"]
    finally:
        path.unlink()


def test_a_broken_file_is_told_on_stderr(started: Callable[..., Simulator], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "shop.example.zone").write_text("$TTL 60\n")

    said = started("--dns-port", "0", "--zones", str(tmp_path / "mine")).stop()

    assert "shop.example.zone: there is no SOA record at shop.example.; it is not served" in said
    assert "Name server    127.0.0.1:" in said


def test_the_origin_may_be_given_and_a_zone_is_served_once(names: Names) -> None:
    names.write("any-name", f"; a comment\n$ORIGIN given.example.\n{HEAD}@ A 192.0.2.40\n")
    names.write("the-same", f"$ORIGIN shop.example.\n{HEAD}")
    try:
        told = names.simulator.json("/names.json")
        assert names.texts("given.example", "A") == ["192.0.2.40"]
        assert "shop.example is there already" in told["errors"]["the-same.zone"]
    finally:
        (names.zones / "any-name.zone").unlink()
        (names.zones / "the-same.zone").unlink()


def test_the_questions_are_remembered(names: Names) -> None:
    names.simulator.control(names={"no.shop.example": "servfail"})
    names.ask("www.shop.example", "A")
    names.ask("no.shop.example", "TXT")

    last, before, *_ = names.simulator.json("/names.json")["questions"]

    assert (last["name"], last["type"], last["over"]) == ("no.shop.example", "TXT", "udp")
    assert (last["answer"], last["trouble"]) == ("SERVFAIL", "servfail")
    assert (before["answer"], before["trouble"]) == ("NOERROR", "")
    assert before["records"] == ["CNAME far.other.example.", "A 192.0.2.9"]
    assert time.time() - last["at"] < 60


def test_people_see_the_zones_and_programs_get_json(names: Names) -> None:
    names.simulator.control(names={".shop.example": "delay:1"})
    names.ask("<b>.shop.example", "TXT")
    request = dict(names.simulator.json("/names"))
    page = read_page(names, "/names")

    assert {"zones", "errors", "questions"} <= set(request)
    assert re.search(r"<h1>\d+ zones of yours are served", page)
    for text in ("far.other.example.", "delay:1", "&lt;b&gt;.shop.example", "NXDOMAIN"):
        assert text in page
    assert "<b>." not in page
    assert 'href="/names"' in read_page(names, "/")


def read_page(names: Names, path: str) -> str:
    request = urllib.request.Request(names.simulator.url + path, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return str(answer.read().decode())


# Trouble.


@pytest.mark.parametrize("over", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("trouble", "rcode"), [("servfail", dns.rcode.SERVFAIL), ("refused", dns.rcode.REFUSED)]
)
def test_a_name_can_be_failed_or_refused(
    names: Names, over: str, trouble: str, rcode: dns.rcode.Rcode
) -> None:
    names.simulator.control(names={"shop.example": trouble})
    ask = {"udp": dns.query.udp, "tcp": dns.query.tcp}[over]

    answer = ask(dns.message.make_query("shop.example", "A"), "127.0.0.1", PATIENCE, names.port)

    assert answer.rcode() == rcode
    assert not answer.answer
    assert names.texts("far.other.example", "A") == ["192.0.2.9"]


@pytest.mark.parametrize("ask", [dns.query.udp, dns.query.tcp])
def test_silence_is_no_answer_at_all(names: Names, ask: Callable[..., Message]) -> None:
    names.simulator.control(names={".shop.example": "silence"})

    with pytest.raises(dns.exception.Timeout):
        ask(dns.message.make_query("www.shop.example", "A"), "127.0.0.1", 0.3, names.port)

    eventually(lambda: names.simulator.json("/names.json")["questions"][0]["answer"] == "no answer")


@pytest.mark.parametrize("ask", [dns.query.udp, dns.query.tcp])
def test_an_answer_can_be_late_while_others_are_not(
    names: Names, ask: Callable[..., Message]
) -> None:
    names.simulator.control(names={"www.shop.example": "delay:1000"})
    start = time.monotonic()

    assert names.texts("far.other.example", "A")
    quick = time.monotonic() - start
    assert ask(
        dns.message.make_query("www.shop.example", "A"), "127.0.0.1", PATIENCE, names.port
    ).answer

    assert quick < 1.0 <= time.monotonic() - start


def test_every_answer_over_udp_can_be_truncated(names: Names) -> None:
    names.simulator.control(names={"shop.example": "truncate"})

    answer = names.ask("shop.example", "A", use_edns=0, payload=4096)

    assert answer.flags & dns.flags.TC
    assert not answer.answer
    assert names.texts("shop.example", "A") == ["192.0.2.1"]


def test_text_can_be_split_into_short_strings(names: Names) -> None:
    names.simulator.control(names={"shop.example": "split:4"})

    assert names.texts("shop.example", "TXT") == ['"v=sp" "f1 -" "all"']
    assert names.texts("shop.example", "A") == ["192.0.2.1"]


def test_the_nearest_rule_counts_and_null_removes_it(names: Names) -> None:
    rules = {".": "servfail", ".shop.example": "refused", "Shop.Example.": "split:9,delay:1"}

    set_now = names.simulator.control(names=rules)["names"]

    codes = [names.ask(name, "A").rcode() for name in ("other.example", "www.shop.example")]
    assert codes == [dns.rcode.SERVFAIL, dns.rcode.REFUSED]
    assert names.texts("shop.example", "TXT") == ['"v=spf1 -a" "ll"']
    assert set_now == {
        ".": "servfail",
        ".shop.example": "refused",
        "shop.example": "delay:1,split:9",
    }
    assert list(names.simulator.control(names={".": None, "shop.example": None})["names"]) == [
        ".shop.example"
    ]
    assert json.loads(names.simulator.open("/_control", "DELETE")[2])["names"] == {}


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"shop.example": "servfall"}, "did you mean 'servfail'?"),
        ({"shop.example": "delay"}, "delay needs a whole number from 1 to 600000"),
        ({"shop.example": "split:256"}, "split needs a whole number from 1 to 255"),
        ({"shop.example": 5}, "must be made of servfail"),
        ({"a..b": "servfail"}, "is no name"),
        ([], "must be an object"),
    ],
)
def test_trouble_that_cannot_be_is_explained(names: Names, rules: Any, words: str) -> None:
    body = json.dumps({"names": rules}).encode()

    status, _, answer = names.simulator.open("/_control", "PUT", body)

    assert status == 400
    assert words in json.loads(answer)["message"]


def test_trouble_can_be_given_at_the_start(started: Callable[..., Simulator]) -> None:
    simulator = started(
        *("--dns-port", "0", "--name-trouble", ".amazonses.com=servfail"),
        *("--name-trouble", "a.example=truncate"),
    )

    assert Names(simulator).ask("amazonses.com", "TXT").rcode() == dns.rcode.SERVFAIL
    assert simulator.json("/_control")["names"] == {
        ".amazonses.com": "servfail",
        "a.example": "truncate",
    }


@pytest.mark.parametrize("value", ["shop.example", "shop.example=slow"])
def test_trouble_that_cannot_be_is_explained_at_the_start(value: str) -> None:
    answer = CliRunner().invoke(main, ["--name-trouble", value])

    assert answer.exit_code == 2
    assert "--name-trouble" in answer.output


def test_a_port_in_use_is_explained_whoever_has_it(tmp_path: Path) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = str(other.getsockname()[1])

        answer = CliRunner().invoke(
            main, ["--port", "0", "--state", str(tmp_path), "--dns-port", port]
        )

    assert answer.exit_code == 1
    assert f"cannot listen on port {port} of 127.0.0.1" in answer.output
    assert "--dns-port" in answer.output


# Domains that are verified by their records.

numbers = itertools.count()


class Domain:
    """An identity of its own, its records, and its zone file."""

    def __init__(self, names: Names) -> None:
        self.names, self.name = names, f"domain-{next(numbers)}.example"
        self.ses = names.simulator.aws("sesv2")
        created = self.ses.create_email_identity(EmailIdentity=self.name)
        self.tokens: list[str] = created["DkimAttributes"]["Tokens"]
        self.lines = [f"{one}._domainkey CNAME {one}.dkim.amazonses.com." for one in self.tokens]

    def publish(self, *lines: str) -> None:
        self.names.write(self.name, HEAD + "\n".join(lines) + "\n")

    def withdraw(self) -> None:
        (self.names.zones / f"{self.name}.zone").unlink()

    @property
    def found(self) -> dict[str, Any]:
        return dict(self.ses.get_email_identity(EmailIdentity=self.name))

    @property
    def status(self) -> tuple[str, bool]:
        found = self.found
        assert found["DkimAttributes"]["Status"] == found["VerificationStatus"]
        return found["VerificationStatus"], found["VerifiedForSendingStatus"]

    @property
    def mail_from(self) -> str:
        return str(self.found["MailFromAttributes"]["MailFromDomainStatus"])

    def send(self) -> str:
        return self.names.simulator.send(
            "ada@company.example",
            raw=f"From: a@{self.name}\r\nTo: ada@company.example\r\n\r\nHi\r\n".encode(),
            FromEmailAddress=f"a@{self.name}",
        )


@pytest.fixture
def domain(names: Names) -> Domain:
    return Domain(names)


def test_a_domain_is_verified_by_its_three_records(domain: Domain) -> None:
    assert domain.status == ("PENDING", False)
    with pytest.raises(domain.ses.exceptions.MessageRejected, match="not verified"):
        domain.send()

    domain.publish(*domain.lines[:2])
    assert domain.status == ("PENDING", False)
    domain.publish(*domain.lines)

    assert domain.status == ("SUCCESS", True)
    assert domain.send()
    info = domain.found["VerificationInfo"]
    assert info["LastCheckedTimestamp"] == info["LastSuccessTimestamp"]
    assert "ErrorType" not in info
    assert info["SOARecord"] == {
        "PrimaryNameServer": f"ns1.{domain.name}",
        "AdminEmail": f"hostmaster.{domain.name}",
        "SerialNumber": 7,
    }


WHY = {
    "no zone": (None, "HOST_NOT_FOUND"),
    "no name": ("", "HOST_NOT_FOUND"),
    "a TXT instead": ('{0}._domainkey TXT "p=x"', "TYPE_NOT_FOUND"),
    "another token": ("{0}._domainkey CNAME {1}.dkim.amazonses.com.", "INVALID_VALUE"),
    "no final dot": ("{0}._domainkey CNAME {0}.dkim.amazonses.com", "INVALID_VALUE"),
}


@pytest.mark.parametrize(("line", "why"), WHY.values(), ids=WHY)
def test_ses_says_what_it_has_found(domain: Domain, line: str | None, why: str) -> None:
    if line is not None:
        domain.publish(line.format(*domain.tokens))

    info = domain.found["VerificationInfo"]

    assert info["ErrorType"] == why
    assert "LastSuccessTimestamp" not in info


def test_each_token_leads_to_a_key_that_verifies(domain: Domain) -> None:
    domain.publish(*domain.lines)
    domain.names.simulator.json("/names.json")

    keys = set()
    for token in domain.tokens:
        answer = domain.names.resolver.resolve(f"{token}._domainkey.{domain.name}", "TXT")
        (record,) = answer
        text = b"".join(record.strings).decode()
        assert text.startswith("p=")
        assert answer.canonical_name.to_text() == f"{token}.dkim.amazonses.com."
        keys.add(text.removeprefix("p="))

    key = load_der_public_key(base64.b64decode(keys.pop()))
    assert not keys
    assert isinstance(key, RSAPublicKey)
    assert key.key_size == 2048


def test_the_key_survives_a_restart(started: Callable[..., Simulator]) -> None:
    def key(simulator: Simulator, token: str) -> list[str]:
        return Names(simulator).texts(f"{token}.dkim.amazonses.com", "TXT")

    simulator = started("--dns-port", "0")
    tokens = simulator.aws("sesv2").create_email_identity(EmailIdentity="shop.example")[
        "DkimAttributes"
    ]["Tokens"]
    before = key(simulator, tokens[0])
    simulator.stop()
    simulator.start()

    assert key(simulator, tokens[0]) == before
    assert os.stat(simulator.state / "dkim-key.pem").st_mode & 0o777 == 0o600


def test_a_domain_that_is_created_anew_has_its_tokens_again(domain: Domain) -> None:
    domain.publish(*domain.lines)
    assert domain.status == ("SUCCESS", True)
    with pytest.raises(domain.ses.exceptions.AlreadyExistsException):
        domain.ses.create_email_identity(EmailIdentity=domain.name)

    domain.ses.delete_email_identity(EmailIdentity=domain.name)
    gone = domain.names.ask(f"{domain.tokens[0]}.dkim.amazonses.com", "TXT")
    created = domain.ses.create_email_identity(EmailIdentity=domain.name)

    assert gone.rcode() == dns.rcode.NXDOMAIN
    assert created["DkimAttributes"]["Tokens"] == domain.tokens
    assert created["VerifiedForSendingStatus"] is True


def test_records_that_vanish_are_missed_for_72_hours_and_then_it_fails(domain: Domain) -> None:
    simulator = domain.names.simulator
    domain.publish(*domain.lines)
    assert domain.status == ("SUCCESS", True)

    domain.withdraw()
    assert domain.status == ("SUCCESS", True)
    assert domain.found["VerificationInfo"]["ErrorType"] == "HOST_NOT_FOUND"
    assert simulator.json("/_control")["dns_patience_hours"] == 72

    simulator.control(dns_patience_hours=0.05 / 3600)
    time.sleep(0.06)
    assert domain.status == ("FAILED", False)

    domain.publish(*domain.lines)
    assert domain.status == ("FAILED", False)  # it has to be created anew


def test_records_that_come_back_in_time_are_forgiven(domain: Domain) -> None:
    domain.publish(*domain.lines)
    assert domain.status == ("SUCCESS", True)
    domain.withdraw()
    assert domain.status == ("SUCCESS", True)

    domain.publish(*domain.lines)
    assert "ErrorType" not in domain.found["VerificationInfo"]
    domain.names.simulator.control(dns_patience_hours=0)

    assert domain.status == ("SUCCESS", True)


def test_records_that_never_come_fail(domain: Domain) -> None:
    domain.names.simulator.control(dns_patience_hours=0)

    assert domain.status == ("FAILED", False)


@pytest.mark.parametrize("trouble", ["servfail", "refused", "silence"])
def test_a_failing_name_server_is_a_temporary_failure(domain: Domain, trouble: str) -> None:
    domain.names.simulator.control(names={f".{domain.name}": trouble})
    domain.publish(*domain.lines)
    assert domain.status == ("PENDING", False)
    domain.names.simulator.control(names={f".{domain.name}": None})
    assert domain.status == ("SUCCESS", True)

    domain.names.simulator.control(names={f".{domain.name}": trouble})

    assert domain.status == ("TEMPORARY_FAILURE", True)
    assert domain.found["VerificationInfo"]["ErrorType"] == "DNS_SERVER_ERROR"
    assert domain.send()
    listed = domain.ses.list_email_identities()["EmailIdentities"]
    (one,) = (one for one in listed if one["IdentityName"] == domain.name)
    assert (one["VerificationStatus"], one["SendingEnabled"]) == ("TEMPORARY_FAILURE", True)


def test_with_a_key_of_ones_own_the_selector_is_looked_at(names: Names) -> None:
    ses = names.simulator.aws("sesv2")
    ses.create_email_identity(
        EmailIdentity="own-key.example",
        DkimSigningAttributes={"DomainSigningSelector": "s1", "DomainSigningPrivateKey": "eA=="},
    )
    before = ses.get_email_identity(EmailIdentity="own-key.example")["VerificationStatus"]

    names.write("own-key.example", f'{HEAD}s1._domainkey TXT "v=DKIM1; p=abc"\n')

    assert before == "PENDING"
    assert ses.get_email_identity(EmailIdentity="own-key.example")["VerifiedForSendingStatus"]


MX = "bounce MX 10 feedback-smtp.us-east-1.amazonses.com."
SPF = 'bounce TXT "v=spf1 include:amazonses.com ~all"'

MAIL_FROM = {
    "both records": ((MX, SPF), "SUCCESS"),
    "no SPF": ((MX,), "PENDING"),
    "no MX": ((SPF,), "PENDING"),
    "two MX": ((MX, SPF, "bounce MX 20 mail"), "PENDING"),
    "another region": ((MX.replace("us-east-1", "eu-west-1"), SPF), "PENDING"),
    "SPF without Amazon": ((MX, 'bounce TXT "v=spf1 -all"'), "PENDING"),
    "two SPF records": ((MX, SPF, 'bounce TXT "v=spf1 -all"'), "PENDING"),
    "other text beside it": ((MX, SPF, 'bounce TXT "hello"'), "SUCCESS"),
}


@pytest.mark.parametrize(("lines", "status"), MAIL_FROM.values(), ids=MAIL_FROM)
def test_a_mail_from_domain_has_one_mx_and_spf(
    domain: Domain, lines: tuple[str, ...], status: str
) -> None:
    domain.publish(*domain.lines, *lines)

    domain.ses.put_email_identity_mail_from_attributes(
        EmailIdentity=domain.name, MailFromDomain=f"bounce.{domain.name}"
    )

    assert domain.mail_from == status
    assert domain.status == ("SUCCESS", True)


def test_a_mail_from_domain_that_failed_is_to_be_set_again(domain: Domain) -> None:
    def set_it() -> None:
        domain.ses.put_email_identity_mail_from_attributes(
            EmailIdentity=domain.name, MailFromDomain=f"bounce.{domain.name}"
        )

    set_it()
    domain.publish(*domain.lines, MX, SPF)
    assert domain.mail_from == "SUCCESS"
    domain.names.simulator.control(names={f"bounce.{domain.name}": "servfail"})
    assert domain.mail_from == "TEMPORARY_FAILURE"
    domain.names.simulator.control(names={f"bounce.{domain.name}": None}, dns_patience_hours=0)
    domain.publish(*domain.lines, MX)
    assert domain.mail_from == "FAILED"
    domain.publish(*domain.lines, MX, SPF)
    assert domain.mail_from == "FAILED"

    set_it()

    assert domain.mail_from == "SUCCESS"


def test_the_control_s_word_holds_until_the_next_look(domain: Domain) -> None:
    simulator = domain.names.simulator
    simulator.control(verify_identities="manual", identities={domain.name: "TEMPORARY_FAILURE"})
    assert domain.status == ("TEMPORARY_FAILURE", False)

    domain.publish(*domain.lines)
    simulator.control(verify_identities="dns")

    assert domain.status == ("SUCCESS", True)


# Rules, without a server.


def test_the_root_has_no_zone_unless_it_is_given() -> None:
    reply = look_up({}, dns.name.root, dns.rdatatype.NS)

    assert reply.rcode == dns.rcode.REFUSED


@pytest.mark.parametrize("text", ["servfail", "truncate,delay:5", "delay:5,split:9", "silence"])
def test_trouble_is_written_as_it_is_read(text: str) -> None:
    assert str(Trouble.parse(text)) == text


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("shop.example.", "refused"),
        ("a.b.shop.example.", "silence"),
        ("workshop.example.", ""),
        ("example.", ""),
    ],
)
def test_a_dot_before_a_name_means_all_below_it(name: str, trouble: str) -> None:
    troubles = Troubles({}).changed({"shop.example": "refused", ".shop.example": "silence"})

    assert str(troubles.of(dns.name.from_text(name))) == trouble
