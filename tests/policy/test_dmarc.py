"""Which DMARC policy holds for a domain (RFC 9989), and who agreed to its reports (RFC 9990)."""

from __future__ import annotations

import pytest

from relay.policy.dmarc import QUERIES, STRANGERS, consents, find, organisational_domain
from relay.policy.dmarc_record import DmarcPolicy, is_dmarc, parse
from tests.zones import Zones

NONE, QUARANTINE, REJECT = DmarcPolicy


def zones(**given: str | list[str]) -> Zones:
    """`_dmarc` records by domain ("_" for a dot), and addresses for all these names."""
    records: dict[str, str | list[str]] = {"a.b.shop.example A": "192.0.2.1"}
    for name, text in given.items():
        domain = name.replace("_", ".")
        records |= {f"{domain} A": "192.0.2.1", f"_dmarc.{domain} TXT": text}
    return Zones(records)


@pytest.mark.parametrize(
    ("domain", "given", "holder", "policy", "organisational"),
    [
        ("shop.example", {}, None, None, "shop.example"),
        (
            "shop.example",
            {"shop_example": "v=DMARC1; p=reject"},
            "shop.example",
            REJECT,
            "shop.example",
        ),
        (
            "b.shop.example",
            {"shop_example": "v=DMARC1; p=reject"},
            "shop.example",
            REJECT,
            "shop.example",
        ),
        (
            "b.shop.example",
            {"shop_example": "v=DMARC1; p=reject; sp=none; np=quarantine"},
            *("shop.example", NONE, "shop.example"),
        ),
        (
            "gone.shop.example",
            {"shop_example": "v=DMARC1; p=reject; sp=none; np=quarantine"},
            *("shop.example", QUARANTINE, "shop.example"),
        ),
        (
            "gone.shop.example",
            {"shop_example": "v=DMARC1; p=reject; sp=quarantine"},
            *("shop.example", QUARANTINE, "shop.example"),
        ),
        (  # What lies between the domain and its organisational domain does not count.
            "a.b.shop.example",
            {"b_shop_example": "v=DMARC1; p=reject", "shop_example": "v=DMARC1; p=none"},
            *("shop.example", NONE, "shop.example"),
        ),
        (  # … unless it says that it is one.
            "a.b.shop.example",
            {"b_shop_example": "v=DMARC1; p=reject; psd=n", "shop_example": "v=DMARC1; p=none"},
            *("b.shop.example", REJECT, "b.shop.example"),
        ),
        (
            "a.b.shop.example",
            {"example": "v=DMARC1; p=reject; psd=y"},
            *("example", REJECT, "shop.example"),
        ),
        (
            "a.b.shop.example",
            {"example": "v=DMARC1; p=reject; psd=y", "shop_example": "v=DMARC1; p=quarantine"},
            *("shop.example", QUARANTINE, "shop.example"),
        ),
        ("example", {"example": "v=DMARC1; p=reject; psd=y"}, "example", REJECT, "example"),
        (
            "shop.example",
            {"shop_example": ["v=DMARC1; p=reject", "v=DMARC1; p=none"]},
            *(None, None, "shop.example"),
        ),
        (
            "b.shop.example",
            {"b_shop_example": ["v=DMARC1; p=reject"] * 2, "shop_example": "v=DMARC1; p=none"},
            *("shop.example", NONE, "shop.example"),
        ),
        (
            "shop.example",
            {"shop_example": ["v=spf1 -all", "v=DMARC1; p=none"]},
            *("shop.example", NONE, "shop.example"),
        ),
        (
            "shop.example",
            {"shop_example": "v=DMARC1; p=reject; t=y"},
            *("shop.example", QUARANTINE, "shop.example"),
        ),
        (
            "shop.example",
            {"shop_example": "v=DMARC1; p=quarantine; t=y"},
            *("shop.example", NONE, "shop.example"),
        ),
        (
            "shop.example",
            {"shop_example": "v=DMARC1; p=wrong"},
            "shop.example",
            None,
            "shop.example",
        ),
    ],
)
def test_the_policy_that_holds(
    domain: str,
    given: dict[str, str | list[str]],
    holder: str | None,
    policy: DmarcPolicy | None,
    organisational: str,
) -> None:
    found = find(domain, zones(**given))
    assert (found.record.domain if found.record else None) == holder
    assert (found.policy, found.organisational, found.is_known) == (policy, organisational, True)


def test_a_walk_asks_eight_names_at_most_and_never_the_middle_of_a_long_one() -> None:
    ask = zones()
    assert find(".".join("abcdefghijklmnop"), ask).record is None
    names = [name.removeprefix("_dmarc.") for name, _ in ask.asked]
    assert names == [
        ".".join("abcdefghijklmnop"),
        *(".".join("abcdefghijklmnop"[-n:]) for n in range(7, 0, -1)),
    ]
    assert len(names) == QUERIES


@pytest.mark.parametrize(
    ("silent", "is_known", "policy", "organisational"),
    [
        ("_dmarc.b.shop.example", False, None, None),
        ("_dmarc.shop.example", True, REJECT, None),  # its own record holds, whoever is above
        ("_dmarc.example", True, REJECT, None),
    ],
)
def test_silence_is_unknown(
    silent: str, is_known: bool, policy: DmarcPolicy | None, organisational: str | None
) -> None:
    ask = zones(b_shop_example="v=DMARC1; p=reject")
    ask.silent = (silent,)
    found = find("b.shop.example", ask)
    assert (found.is_known, found.policy, found.organisational) == (
        is_known,
        policy,
        organisational,
    )
    assert organisational_domain("b.shop.example", ask) is None


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("v=DMARC1", True),
        ("v=DMARC1;p=none", True),
        ("V = DMARC1 ; p = none", True),
        ("v=dmarc1; p=none", False),
        ("v=DMARC12; p=none", False),
        (" v=DMARC1; p=none", False),
        ("p=none; v=DMARC1", False),
        ('"v=DMARC1; p=none"', False),
    ],
)
def test_the_version_comes_first(text: str, is_one: bool) -> None:
    assert is_dmarc(text) is is_one


@pytest.mark.parametrize(
    ("tags", "policy", "wrong"),
    [
        ("p=REJECT", REJECT, ()),
        ("p = reject ; sp=none;", REJECT, ()),
        ("x=1; p=reject; y", REJECT, ()),
        ("", None, ()),
        ("p=", None, ("p",)),
        ("p=block", None, ("p",)),
        ("p=block; rua=mailto:a@b.example", NONE, ("p",)),
        ("rua=mailto:a@b.example", NONE, ()),
        ("p=reject; sp=block", None, ("sp",)),
        ("p=reject; np=block; rua=mailto:a@b.example", NONE, ("np",)),
        ("p=block; rua=a@b.example", None, ("p", "rua")),
        ("p=reject; p=none", None, ("p",)),
        ("p=reject; adkim=x; aspf=rs; psd=maybe; t=1", REJECT, ("adkim", "aspf", "psd", "t")),
    ],
)
def test_a_record_without_a_valid_policy(
    tags: str, policy: DmarcPolicy | None, wrong: tuple[str, ...]
) -> None:
    record = parse("shop.example", f"v=DMARC1; {tags}")
    assert (record.policy, record.wrong) == (policy, wrong)


def test_all_tags_are_read() -> None:
    record = parse(
        "shop.example",
        "v=DMARC1; p=none; sp=quarantine; np=reject; adkim=s; aspf=S; t=Y; psd=u; fo=1; pct=50; ri=1; "
        "rua=mailto:a@b.example!10m, mailto:C%40x@D.example ,https://reports.example/x,nonsense;",
    )
    assert (record.policy, record.for_subdomains, record.for_missing) == (NONE, QUARANTINE, REJECT)
    assert (record.strict_dkim, record.strict_spf, record.testing, record.psd) == (
        True,
        True,
        True,
        "u",
    )
    assert record.removed == ("pct", "ri")
    assert [each.uri for each in record.reports] == [
        "mailto:a@b.example",
        "mailto:C%40x@D.example",
        "https://reports.example/x",
    ]
    assert [each.host for each in record.reports] == ["b.example", "d.example", ""]


def test_a_crowd_of_strangers_is_not_asked() -> None:
    crowd = ",".join(f"mailto:a@s{n}.example,mailto:b@s{n}.example" for n in range(100))
    ask = Zones({})
    found = consents(parse("shop.example", f"v=DMARC1; p=none; rua={crowd}"), "shop.example", ask)
    assert [each.address.host for each in found] == [f"s{n}.example" for n in range(STRANGERS)]
    assert ask.asked.total() == STRANGERS


@pytest.mark.parametrize(
    ("address", "given"),
    [
        ("dmarc@shop.example", []),
        ("dmarc@mail.shop.example", []),
        ("dmarc@agreed.example", [True]),
        ("dmarc@all.example", [True]),
        ("dmarc@not.example", [False]),
        ("dmarc@other.example", [False]),
        ("dmarc@silent.example", [None]),
        ("dmarc@notshop.example", [False]),
    ],
)
def test_reports_to_others_need_their_consent(address: str, given: list[bool | None]) -> None:
    ask = Zones(
        {
            "shop.example._report._dmarc.agreed.example TXT": ["else", "v=DMARC1;"],
            "*._report._dmarc.all.example TXT": "v=DMARC1",
            "not.example A": "192.0.2.1",
            "shop.example._report._dmarc.other.example TXT": "v=spf1 -all",
        },
        silent=("silent.example",),
    )
    record = parse("shop.example", f"v=DMARC1; p=none; rua=mailto:{address}")
    assert [each.given for each in consents(record, "shop.example", ask)] == given
