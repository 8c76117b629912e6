"""SPF is read as receivers read it, without an address (RFC 7208)."""

from __future__ import annotations

import pytest

from relay.policy.spf import COUNTED, Spf, SpfProblem, SpfState, read
from relay.policy.spf_terms import merged
from tests.zones import Zones

USABLE, ABSENT, BROKEN, UNKNOWN = SpfState

OTHERS = {
    "amazonses.com TXT": "v=spf1 ip4:198.51.100.0/24 -all",
    "a.example A": "192.0.2.1",
    "b.example AAAA": "2001:db8::1",
    "many.example MX": [f"10 mx{n}.example" for n in range(11)],
    "ten.example MX": [f"10 mx{n}.example" for n in range(10)],
    "four.example TXT": "v=spf1 a:a.example a:a.example a:a.example a:a.example",
    "open.example TXT": "v=spf1 +all",
    "typo.example TXT": "v=spf1 inlcude:a.example -all",
    "two.example TXT": ["v=spf1 -all", "v=spf1 ~all"],
    "back.example TXT": "v=spf1 include:shop.example -all",
    "empty.example A": "192.0.2.1",
}


def spf(*records: str, silent: tuple[str, ...] = ()) -> Spf:
    own = {"shop.example TXT": list(records)} if records else {"shop.example A": "192.0.2.1"}
    return read("shop.example", Zones({**OTHERS, **own}, silent=silent))


@pytest.mark.parametrize(
    ("text", "lookups"),
    [
        ("v=spf1", 0),
        ("V=SPF1 -ALL", 0),
        ("v=spf1  ip4:192.0.2.1   ip6:2001:db8::/32  -all  ", 0),
        ("v=spf1 ip4:192.0.2.9/24 -all", 0),
        ("v=spf1 a:a.example a:b.example/24//64 a:a.example//64 ~all", 3),
        ("v=spf1 include:amazonses.com ?include:amazonses.com -all", 2),
        ("v=spf1 mx:ten.example exists:a.example ptr ptr:a.example -all", 4),
        ("v=spf1 include:four.example include:four.example -all", 10),
        ("v=spf1 redirect=amazonses.com", 1),
        ("v=spf1 redirect=amazonses.com ip4:192.0.2.1", 1),
        ("v=spf1 -all redirect=nowhere.example", 0),  # never comes to it
        ("v=spf1 all include:nowhere.example", 0),
        ("v=spf1 include:%{ir}.%{v}._spf.%{d2} exists:%{l1r-}.%{d} -all", 2),
        ("v=spf1 include:%{d}.nowhere.example exp=why.%{d} x-mine=%{i}%% -all", 1),
    ],
)
def test_a_record_is_counted_to_its_end(text: str, lookups: int) -> None:
    found = spf(text)
    problem = SpfProblem.TARGET if "%{d}.nowhere" in text else None
    assert (found.lookups, found.problem) == (lookups, problem)


@pytest.mark.parametrize(
    ("text", "problem", "detail"),
    [
        ("v=spf1 ipv4:192.0.2.1 -all", SpfProblem.SYNTAX, "ipv4:192.0.2.1"),
        ("v=spf1 ip4:192.0.2.256 -all", SpfProblem.SYNTAX, "ip4:192.0.2.256"),
        ("v=spf1 ip4:192.0.2.1/33 -all", SpfProblem.SYNTAX, "/33"),
        ("v=spf1 ip4:192.0.2.1/08 -all", SpfProblem.SYNTAX, "/08"),
        ("v=spf1 ip4:2001:db8::1 -all", SpfProblem.SYNTAX, "ip4:2001"),
        ("v=spf1 ip6:192.0.2.1 -all", SpfProblem.SYNTAX, "ip6:192"),
        ("v=spf1 ip6:fe80::1%eth0 -all", SpfProblem.SYNTAX, "ip6:fe80"),
        ("v=spf1 ip4: -all", SpfProblem.SYNTAX, "ip4:"),
        ("v=spf1 a/33 -all", SpfProblem.SYNTAX, "a/33"),
        ("v=spf1 a//129 -all", SpfProblem.SYNTAX, "a//129"),
        ("v=spf1 include: -all", SpfProblem.SYNTAX, "include:"),
        ("v=spf1 include -all", SpfProblem.SYNTAX, "include"),
        ("v=spf1 include:localhost -all", SpfProblem.SYNTAX, "localhost"),
        ("v=spf1 include:%{x}.a.example -all", SpfProblem.SYNTAX, "%{x}"),
        ("v=spf1 all:a.example", SpfProblem.SYNTAX, "all:a.example"),
        ("v=spf1 - all", SpfProblem.SYNTAX, "“-”"),
        ("v=spf1 -all;", SpfProblem.SYNTAX, "-all;"),
        ("v=spf1\t-all", None, ""),  # a tab is no space: this is no SPF record
        ("v=spf1 a\t-all", SpfProblem.SYNTAX, "a"),
        ("v=spf1 redirect=a.example redirect=b.example", SpfProblem.SYNTAX, "redirect="),
        ("v=spf1 ïnclude:a.example -all", SpfProblem.SYNTAX, "ïnclude"),
        (
            "v=spf1 include:typo.example -all",
            SpfProblem.SYNTAX,
            "typo.example: “inlcude:a.example”",
        ),
        ("v=spf1 include:two.example -all", SpfProblem.SEVERAL, "two.example has 2"),
        ("v=spf1 include:empty.example -all", SpfProblem.TARGET, "empty.example has no SPF"),
        ("v=spf1 include:nowhere.example -all", SpfProblem.TARGET, "nowhere.example"),
        ("v=spf1 redirect=nowhere.example", SpfProblem.TARGET, "nowhere.example"),
        ("v=spf1 mx:many.example -all", SpfProblem.EXCHANGERS, "11 MX"),
        ("v=spf1 include:back.example -all", SpfProblem.LOOP, "leads back to shop.example"),
        ("v=spf1 include:shop.example -all", SpfProblem.LOOP, "shop.example"),
        (f"v=spf1 {'a:a.example ' * 11}-all", SpfProblem.LOOKUPS, "more than 10"),
        (
            f"v=spf1 {'include:four.example ' * 2}a:a.example -all",
            SpfProblem.LOOKUPS,
            "a:a.example",
        ),
        (
            f"v=spf1 {' '.join(f'a:no{n}.example' for n in range(3))}",
            SpfProblem.VOIDS,
            "no2.example",
        ),
    ],
)
def test_a_record_that_receivers_reject_says_why(
    text: str, problem: SpfProblem | None, detail: str
) -> None:
    found = spf(text)
    assert (found.state, found.problem) == (BROKEN if problem else ABSENT, problem)
    assert detail in str(found.trouble or found.detail)


def test_two_void_look_ups_are_forgiven() -> None:
    found = spf("v=spf1 a:no1.example exists:no2.example -all")
    assert (found.state, found.voids) == (USABLE, 2)


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ((), ABSENT),
        (("something", "v=spf10 -all", "v=spf1-all", " v=spf1 -all"), ABSENT),
        (("something", "v=spf1 -all"), USABLE),
        (("v=spf1 -all", "V=SPF1"), BROKEN),
    ],
)
def test_exactly_one_record_counts(records: tuple[str, ...], state: SpfState) -> None:
    assert spf(*records).state is state


@pytest.mark.parametrize(
    ("text", "silent", "state"),
    [
        ("v=spf1 -all", ("shop.example",), UNKNOWN),
        ("v=spf1 include:amazonses.com -all", ("amazonses.com",), UNKNOWN),
        ("v=spf1 a:a.example -all", ("a.example",), UNKNOWN),
        ("v=spf1 include:amazonses.com ipv4:1 -all", ("amazonses.com",), BROKEN),  # whatever comes
        ("v=spf1 -all include:amazonses.com", ("amazonses.com",), USABLE),
    ],
)
def test_silence_is_unknown_unless_it_does_not_matter(
    text: str, silent: tuple[str, ...], state: SpfState
) -> None:
    assert spf(text, silent=silent).state is state


@pytest.mark.parametrize(
    ("text", "includes"),
    [
        ("v=spf1 include:amazonses.com ~all", True),
        ("v=spf1 +INCLUDE:AmazonSES.com ~all", True),
        ("v=spf1 redirect=amazonses.com", True),
        ("v=spf1 include:amazonses.com.evil.example -all", False),
        ("v=spf1 -include:amazonses.com ~all", False),
        ("v=spf1 ?include:amazonses.com ~all", False),
        ("v=spf1 -all include:amazonses.com", False),
        ("v=spf1 a:amazonses.com ~all", False),
    ],
)
def test_who_may_send_is_whom_it_includes_with_a_pass(text: str, includes: bool) -> None:
    assert spf(text).includes("amazonses.com") is includes


def test_an_include_of_an_include_counts() -> None:
    records = {**OTHERS, "mid.example TXT": "v=spf1 include:amazonses.com -all"}
    ask = Zones({**records, "shop.example TXT": "v=spf1 include:mid.example -all"})
    assert read("shop.example", ask).includes("amazonses.com")
    ask = Zones({**records, "shop.example TXT": "v=spf1 -include:mid.example -all"})
    assert not read("shop.example", ask).includes("amazonses.com")


@pytest.mark.parametrize(
    ("text", "all", "anybody"),
    [
        ("v=spf1 -all", "-", False),
        ("v=spf1 ip4:192.0.2.1 all", "+", True),
        ("v=spf1 include:open.example -all", "-", True),
        ("v=spf1 -include:open.example -all", "-", False),
        ("v=spf1 redirect=open.example", "+", True),
        ("v=spf1 redirect=amazonses.com", "-", False),
        ("v=spf1 include:amazonses.com", "", False),
    ],
)
def test_how_it_ends(text: str, all: str, anybody: bool) -> None:
    found = spf(text)
    assert (found.all, found.lets_anybody) == (all, anybody)


def test_records_that_include_each_other_a_thousandfold_are_not_followed_for_ever() -> None:
    names = [f"n{n}.example" for n in range(30)]
    everything = "v=spf1 " + " ".join(f"include:{name}" for name in names)
    ask = Zones({"shop.example TXT": everything} | {f"{name} TXT": everything for name in names})
    assert read("shop.example", ask).lookups == COUNTED
    assert ask.asked.total() < 3 * COUNTED


@pytest.mark.parametrize(
    ("records", "include", "together"),
    [
        (("v=spf1 a -all", "v=spf1 mx a -all"), "", "v=spf1 a mx -all"),
        (("v=spf1 a -all", "v=spf1 mx ~all"), "", "v=spf1 a mx ~all"),
        (("v=spf1 a ?all",), "amazonses.com", "v=spf1 a include:amazonses.com ?all"),
        (("v=spf1 redirect=b.example",), "", "v=spf1 include:b.example ~all"),
        (("v=spf1 a", "v=spf1 mystery"), "", ""),
    ],
)
def test_several_records_become_one(records: tuple[str, ...], include: str, together: str) -> None:
    assert merged(records, include=include) == together
