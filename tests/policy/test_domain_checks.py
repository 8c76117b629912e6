"""What a domain's DNS says about the records it should publish, and what its owner is told."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay.policy.domain_checks import CheckedRecord, Plan, Report, check, wanted
from relay.vocabulary import CheckResult
from tests.zones import Zones

PASS, FAIL, UNKNOWN = CheckResult

TOKEN = "postreeve=4f2a9c"
PLAN = Plan(
    domain="shop.example",
    token=TOKEN,
    dkim=("t1", "t2", "t3"),
    hosted_zone="dkim.amazonses.com",
    mail_from="bounce.shop.example",
    region="eu-central-1",
)
FEEDBACK = "feedback-smtp.eu-central-1.amazonses.com"


@cache
def key(bits: int = 2048, number: int = 0) -> str:
    """What a provider publishes: a real key of this size."""
    public = rsa.generate_private_key(65537, bits).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"p={base64.b64encode(der).decode()}"


GOOD: Mapping[str, str | list[str]] = {
    "shop.example SOA": "ns1.shop.example",
    "shop.example A": "192.0.2.1",
    "shop.example MX": "10 mx.shop.example",
    "mx.shop.example A": "192.0.2.2",
    "shop.example TXT": "v=spf1 mx -all",
    "_postreeve.shop.example TXT": TOKEN,
    **{f"t{n}._domainkey.shop.example CNAME": f"t{n}.dkim.amazonses.com" for n in (1, 2, 3)},
    **{f"t{n}.dkim.amazonses.com TXT": key() for n in (1, 2, 3)},
    "bounce.shop.example MX": f"10 {FEEDBACK}",
    "bounce.shop.example TXT": "v=spf1 include:amazonses.com ~all",
    "amazonses.com TXT": "v=spf1 ip4:198.51.100.0/24 -all",
    "_dmarc.shop.example TXT": "v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.example",
}

OWNERSHIP, DKIM, MX, SPF, OWN, DMARC = (
    *("_postreeve.shop.example TXT", "t2._domainkey.shop.example CNAME"),
    *("bounce.shop.example MX", "bounce.shop.example TXT"),
    *("shop.example TXT", "_dmarc.shop.example TXT"),
)
"""The records as `Zones` names them."""

Change = Mapping[str, str | list[str] | None]
"""What differs from the good zone; None is a record that is missing."""


def look(change: Change | None = None, *silent: str, plan: Plan = PLAN) -> Report:
    records = {**GOOD, **(change or {})}
    kept = {name: value for name, value in records.items() if value is not None}
    return check(plan, Zones(kept, silent=silent))


def record(report: Report, key: str) -> CheckedRecord:
    (found,) = (each for each in report.records if each.key == key)
    return found


def advice(report: Report) -> set[str]:
    return {each.code for each in report.advice}


def test_a_domain_that_did_everything_right() -> None:
    report = look()
    assert [each.key for each in report.records] == [
        *("ownership", "dkim-1", "dkim-2", "dkim-3", "mail-from-mx", "mail-from-spf"),
        *("spf", "dmarc", "mx"),
    ]
    assert {(each.result, each.code) for each in report.records} == {(PASS, "ok")}
    assert not any(each.fix for each in report.records)
    assert (report.required, report.advice) == (PASS, ())
    alignment = report.alignment
    assert (alignment.dkim, alignment.spf, alignment.dmarc) == (True, True, True)


def test_each_question_is_asked_once() -> None:
    for zone in (GOOD, {"shop.example SOA": "ns1.shop.example"}):
        ask = Zones(zone)
        check(PLAN, ask)
        assert set(ask.asked.values()) == {1}
        assert ask.asked.total() < 60


def test_the_records_can_be_shown_before_anybody_looks() -> None:
    records = {each.key: each for each in wanted(PLAN)}
    assert {(each.result, each.code) for each in records.values()} == {(UNKNOWN, "not-looked-at")}
    assert [key for key, each in records.items() if each.required] == [
        *("ownership", "dkim-1", "dkim-2", "dkim-3"),
    ]
    assert {(each.name, each.type, each.value) for each in records.values() if each.value} == {
        ("_postreeve.shop.example", "TXT", TOKEN),
        ("t1._domainkey.shop.example", "CNAME", "t1.dkim.amazonses.com"),
        ("t2._domainkey.shop.example", "CNAME", "t2.dkim.amazonses.com"),
        ("t3._domainkey.shop.example", "CNAME", "t3.dkim.amazonses.com"),
        ("bounce.shop.example", "MX", f"10 {FEEDBACK}"),
        ("bounce.shop.example", "TXT", "v=spf1 include:amazonses.com ~all"),
        ("_dmarc.shop.example", "TXT", "v=DMARC1; p=none; rua=mailto:dmarc@shop.example"),
    }


def test_a_provider_that_has_told_nothing_yet_is_waited_for() -> None:
    report = look(plan=Plan("shop.example", TOKEN, (), None, "bounce.shop.example", "eu-central-1"))
    dkim = record(report, "dkim")
    assert (dkim.result, dkim.code, dkim.required) == (UNKNOWN, "provider-pending", True)
    assert (report.required, report.alignment.dkim) == (UNKNOWN, None)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({OWNERSHIP: None}, "missing", f"name “_postreeve” and the value “{TOKEN}”"),
        ({OWNERSHIP: "something"}, "different", "“something”"),
        ({OWNERSHIP: "postreeve=ffffff"}, "other-account", "another account"),
        ({OWNERSHIP: f'"{TOKEN}"'}, "quoted", "quotes"),
        ({OWNERSHIP: f" {TOKEN} "}, "quoted", "spaces"),
        ({OWNERSHIP: TOKEN.upper()}, "changed-case", TOKEN),
        ({OWNERSHIP: TOKEN[:-2]}, "cut-off", TOKEN),
        (
            {OWNERSHIP: None, "_postreeve.shop.example.shop.example TXT": TOKEN},
            *("domain-appended", "Enter only “_postreeve”"),
        ),
        ({OWNERSHIP: None, "postreeve.shop.example TXT": TOKEN}, "underscore-lost", "“_postreeve”"),
        ({OWNERSHIP: None, OWN: [TOKEN, "v=spf1 -all"]}, "at-the-domain", "Move it"),
        ({OWNERSHIP: f"{TOKEN}."}, "too-much", f"Enter only: {TOKEN}"),
        ({OWNERSHIP: f"_postreeve TXT {TOKEN}"}, "too-much", f"Enter only: {TOKEN}"),
        ({OWNERSHIP: TOKEN.partition("=")[2]}, "cut-off", f"It is: {TOKEN}"),
        ({OWNERSHIP: f"\u200b{TOKEN}"}, "quoted", "Enter it without"),
        (
            {OWNERSHIP: None, "_postreeve.shop.example CNAME": "gone.agency.example"},
            *("cname-in-the-way", "Delete it first. Add a TXT record with the name “_postreeve”"),
        ),
        ({OWNERSHIP: None, "*.shop.example TXT": "parked"}, "wildcard", "wildcard record"),
        ({OWNERSHIP: None, "*.shop.example CNAME": "shop.example"}, "wildcard", "wildcard record"),
    ],
)
def test_ownership_that_is_not_proven_says_why(change: Change, code: str, words: str) -> None:
    found = record(look(change), "ownership")
    assert (found.result, found.code) == (FAIL, code)
    assert words in str(found.fix)
    assert look(change).required is FAIL


@pytest.mark.parametrize("others", [["something"], ["postreeve=ffffff", "v=spf1 -all"]])
def test_other_texts_beside_the_owners_do_no_harm(others: list[str]) -> None:
    found = record(look({OWNERSHIP: [*others, TOKEN]}), "ownership")
    assert (found.result, found.found) == (PASS, (*others, TOKEN))


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({DKIM: None}, "missing", "name “t2._domainkey” and the value “t2.dkim.amazonses.com”"),
        ({DKIM: "old.mailer.example"}, "other-target", "Change its value to t2.dkim.amazonses.com"),
        ({DKIM: "t1.dkim.amazonses.com"}, "mixed-up", "another of the three"),
        (
            {DKIM: "t2.dkim.amazonses.com.shop.example"},
            "domain-appended-to-value",
            "dot at its end",
        ),
        (
            {DKIM: None, "t2._domainkey.shop.example TXT": "t2.dkim.amazonses.com."},
            *("cname-as-txt", "in a TXT record"),
        ),
        ({DKIM: None, "t2._domainkey.shop.example A": "192.0.2.7"}, "proxied", "proxy"),
        ({DKIM: None, "t2._domainkey.shop.example TXT": "hello"}, "different", "“hello”"),
        (
            {DKIM: None, "t2._domainkey.shop.example TXT": "v=DKIM1; p=AAAA"},
            *("other-key", "Another key"),
        ),
        (
            {DKIM: None, "t2._domainkey.shop.example.shop.example CNAME": "t2.dkim.amazonses.com"},
            *("domain-appended", "Enter only “t2._domainkey”"),
        ),
        (
            {DKIM: None, "t2.domainkey.shop.example CNAME": "t2.dkim.amazonses.com"},
            *("underscore-lost", "“t2._domainkey”"),
        ),
        (
            {DKIM: None, "*._domainkey.shop.example CNAME": "old.mailer.example"},
            *("wildcard", "A wildcard record (*) answers"),
        ),
        ({DKIM: None, "*._domainkey.shop.example TXT": "hello"}, "wildcard", "wildcard"),
        (
            {DKIM: None, "*._domainkey.shop.example A": "192.0.2.7"},
            "missing",
            "Nothing is published",
        ),
        ({f"t{n}.dkim.amazonses.com TXT": "p=" for n in (1, 2, 3)}, "revoked", "revoked"),
        ({"t2.dkim.amazonses.com TXT": key(1024)}, "short-key", ""),
        (
            {DKIM: None, "t2._domainkey.shop.example TXT": "p=", "t2.dkim.amazonses.com TXT": None}
            | {f"t{n}.dkim.amazonses.com TXT": None for n in (1, 3)},
            *("revoked", "revoked"),
        ),
    ],
)
def test_a_dkim_record_that_is_not_right_says_why(change: Change, code: str, words: str) -> None:
    found = record(look(change), "dkim-2")
    assert (found.result, found.code) == (PASS if code == "short-key" else FAIL, code)
    assert words in str(found.fix)


@pytest.mark.parametrize(
    ("change", "silent", "code"),
    [
        ({}, (), "ok"),
        ({}, ("t2.dkim.amazonses.com",), "ok"),  # silence about the key does not hurt
        ({"t2.dkim.amazonses.com TXT": None}, (), "key-not-seen"),
        ({DKIM: None, "t2._domainkey.shop.example TXT": key()}, (), "flattened"),
        (
            {DKIM: None, "t2._domainkey.shop.example TXT": key()},
            *(("t2.dkim.amazonses.com",), "flattened"),
        ),
        ({"t2.dkim.amazonses.com TXT": "v=DKIM1; p="}, (), "key-at-rest"),
        ({DKIM: "via.example", "via.example CNAME": "t2.dkim.amazonses.com"}, (), "chained"),
        (
            {
                "t2.dkim.amazonses.com TXT": "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
            },
            (),
            "ok",
        ),
    ],
)
def test_a_dkim_record_that_works(change: Change, silent: tuple[str, ...], code: str) -> None:
    found = record(look(change, *silent), "dkim-2")
    assert (found.result, found.code) == (PASS, code)


def test_a_key_that_a_panel_has_cut_off_fails() -> None:
    cut = {DKIM: None, "t2._domainkey.shop.example TXT": key()[:255]}
    found = record(look(cut, "t2.dkim.amazonses.com"), "dkim-2")
    assert (found.result, found.code) == (FAIL, "key-unreadable")


def test_a_key_that_receivers_find_too_short_fails() -> None:
    short = (  # a number of 768 bits in the place of a key; no library makes such keys any more
        "p=MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAMkxV0ECqXfWGqhKJuZ6GqxoFhbD6IkyEwDUVsqDsjLHVDg0MZ7bZ5Vd"
        "tnHhWEkUHRYyRHZ9Pp0VtGAqVTs4oGyVbs9QhWEjzz3RYxY0nAnrlJ0O5eS4Ai6CCMp8xVJbpQIDAQAB"
    )
    found = record(look({"t2.dkim.amazonses.com TXT": short}), "dkim-2")
    assert (found.result, found.code) == (FAIL, "key-too-short")
    assert "768" in str(found.fix)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({MX: None}, "missing", f"name “bounce”, the priority 10 and the value “{FEEDBACK}”"),
        ({MX: None, SPF: None}, "missing", FEEDBACK),
        ({MX: [f"10 {FEEDBACK}", "20 mx.shop.example"]}, "several", "Delete the others"),
        ({MX: "10 mx.shop.example"}, "different", "mx.shop.example"),
        ({MX: "10 feedback-smtp.us-east-1.amazonses.com"}, "other-region", FEEDBACK),
        ({MX: f"10 {FEEDBACK}.shop.example"}, "domain-appended-to-value", "dot at its end"),
        (
            {MX: None, "bounce.shop.example.shop.example MX": f"10 {FEEDBACK}"},
            *("domain-appended", "Enter only “bounce”"),
        ),
        ({MX: None, SPF: None, "*.shop.example MX": "10 mx.shop.example"}, "wildcard", "wildcard"),
    ],
)
def test_the_mail_from_mx(change: Change, code: str, words: str) -> None:
    report = look(change)
    found = record(report, "mail-from-mx")
    assert (found.result, found.code) == (FAIL, code)
    assert words in str(found.fix)
    assert report.required is PASS  # it is advised, no more
    assert report.alignment.spf is False


def test_another_preference_is_as_good() -> None:
    found = record(look({MX: f"0 {FEEDBACK}"}), "mail-from-mx")
    assert (found.result, found.code) == (PASS, "other-preference")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({SPF: None}, "missing", "name “bounce”"),
        ({SPF: "v=spf1 mx -all"}, "without-provider", "v=spf1 mx include:amazonses.com -all"),
        (
            {
                SPF: f"v=spf1 {'ip4:192.0.2.1 ' * 9}{' '.join(f'ip4:192.0.2.{n}' for n in range(60))} -all"
            },
            "without-provider",
            "Add “include:amazonses.com” to it",
        ),
        ({SPF: '"v=spf1 include:amazonses.com ~all"'}, "unreadable", "Enter exactly"),
        (
            {SPF: ["v=spf1 mx -all", "v=spf1 include:amazonses.com ~all"]},
            *("several-records", "v=spf1 mx include:amazonses.com ~all"),
        ),
        (
            {SPF: ["v=spf1 mx -all", "v=spf1 a -all"]},
            "several-records",
            "include:amazonses.com -all",
        ),
        (
            {SPF: "v=spf1 include:amazonses.com inlcude:x.example ~all"},
            "syntax",
            "inlcude:x.example",
        ),
        (
            {
                SPF: None,
                "bounce.shop.example.shop.example TXT": "v=spf1 include:amazonses.com ~all",
            },
            *("domain-appended", "Enter only “bounce”"),
        ),
        (
            {SPF: "v=spf1 -include:amazonses.com ~all"},
            "without-provider",
            "v=spf1 include:amazonses",
        ),
        (
            {SPF: "v=spf1 include:gone.example -all"},
            "include-without-record",
            "Amazon SES needs: v=",
        ),
        (
            {SPF: None, MX: None, "bounce.shop.example CNAME": "mail.agency.example"},
            *("cname-in-the-way", "Delete it first. Add a TXT record with the name “bounce”"),
        ),
        ({SPF: None, MX: None, "*.shop.example TXT": "v=spf1 -all"}, "wildcard", "wildcard"),
    ],
)
def test_the_mail_from_spf(change: Change, code: str, words: str) -> None:
    found = record(look(change), "mail-from-spf")
    assert (found.result, found.code) == (FAIL, code)
    assert words in str(found.fix)


@pytest.mark.parametrize(
    ("text", "result", "code", "words"),
    [
        (None, PASS, "spf-absent", ""),
        ("site-verification=1", PASS, "spf-absent", ""),
        ("v=spf1 a -all", PASS, "ok", ""),
        (["v=spf1 a -all", "v=spf1 mx ~all"], FAIL, "several-records", "“@”: v=spf1 a mx ~all"),
        ("v=spf1 ip:192.0.2.1 -all", FAIL, "syntax", "“ip:192.0.2.1”"),
        (f"v=spf1 {'a ' * 12}-all", FAIL, "too-many-lookups", "needs 12"),
        (f"v=spf1 {'a ' * 40}-all", FAIL, "too-many-lookups", "at least 20"),
        ("v=spf1 include:nowhere.example -all", FAIL, "include-without-record", "nowhere.example"),
        ("v=spf1; mx -all", FAIL, "unreadable", "meant as SPF"),
        ('"v=spf1 mx -all"', FAIL, "unreadable", "without quotes"),
        ("v=spf1\tmx -all", FAIL, "unreadable", "and a space"),
        ("v=spf1 include:silent.example -all", UNKNOWN, "no-answer", "again by itself"),
    ],
)
def test_spf_at_the_from_domain(
    text: str | list[str] | None, result: CheckResult, code: str, words: str
) -> None:
    found = record(look({OWN: text}, "silent.example"), "spf")
    assert (found.result, found.code) == (result, code)
    assert words in str(found.fix)


@pytest.mark.parametrize(
    ("change", "result", "code", "words"),
    [
        ({DMARC: None}, FAIL, "missing", "name “_dmarc” and the value “v=DMARC1; p=none; rua="),
        ({DMARC: "v=DMARC1; p=none"}, PASS, "ok", ""),
        ({DMARC: ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, FAIL, "several-records", "2 DMARC"),
        ({DMARC: "v=DMARC1; p=everything"}, FAIL, "invalid", "p="),
        ({DMARC: "v=DMARC1"}, FAIL, "invalid", "p= is missing"),
        ({DMARC: "v=DMARC1, p=none"}, FAIL, "unreadable", "cannot be read"),
        ({DMARC: '"v=DMARC1; p=reject"'}, FAIL, "unreadable", "by: v=DMARC1; p=reject"),
        ({DMARC: "v=dmarc1; p=reject"}, FAIL, "unreadable", "by: v=DMARC1; p=reject"),
        ({DMARC: r"v=DMARC1\; p=reject"}, FAIL, "unreadable", "by: v=DMARC1; p=reject"),
        ({DMARC: "v=DMARC1; p=reject; sp=all"}, FAIL, "invalid", "because of sp="),
        (
            {DMARC: None, "_dmarc.shop.example CNAME": "gone.example"},
            *(FAIL, "cname-in-the-way", "Delete it first. Add a TXT record with the name “_dmarc”"),
        ),
        (
            {
                DMARC: None,
                "_dmarc.shop.example CNAME": "shop.reports.example",
                "shop.reports.example TXT": "v=DMARC1;p=reject;rua=mailto:a@shop.example",
            },
            *(PASS, "ok", ""),
        ),
        ({DMARC: None, "_dmarc.example TXT": "v=DMARC1; p=reject; psd=y"}, PASS, "inherited", ""),
        (
            {DMARC: None, "_dmarc.shop.example.shop.example TXT": "v=DMARC1; p=none"},
            *(FAIL, "domain-appended", "Enter only “_dmarc”"),
        ),
        (
            {DMARC: None, "dmarc.shop.example TXT": "v=DMARC1; p=none"},
            FAIL,
            "underscore-lost",
            "“_dmarc”",
        ),
        ({DMARC: None, OWN: "v=DMARC1; p=none"}, FAIL, "at-the-domain", "Move it"),
        ({DMARC: None, "*.shop.example TXT": "v=spf1 -all"}, FAIL, "wildcard", "wildcard"),
    ],
)
def test_dmarc(change: Change, result: CheckResult, code: str, words: str) -> None:
    found = record(look(change), "dmarc")
    assert (found.result, found.code) == (result, code)
    assert words in str(found.fix)


@pytest.mark.parametrize(
    ("change", "result", "code"),
    [
        ({"shop.example MX": None}, PASS, "address-only"),
        ({"shop.example MX": None, "shop.example A": None}, FAIL, "no-mx"),
        ({"shop.example MX": "0 ."}, FAIL, "null-mx"),
        (dict.fromkeys(GOOD), FAIL, "no-such-domain"),
    ],
)
def test_replies_reach_somebody(change: Change, result: CheckResult, code: str) -> None:
    found = record(look(change), "mx")
    assert (found.result, found.code, bool(found.fix)) == (result, code, result is FAIL)


@pytest.mark.parametrize(
    ("silent", "unknown"),
    [
        ("_postreeve.shop.example", {"ownership"}),
        ("_domainkey.shop.example", {"dkim-1", "dkim-2", "dkim-3"}),
        ("bounce.shop.example", {"mail-from-mx", "mail-from-spf"}),
        ("_dmarc.shop.example", {"dmarc"}),
        ("amazonses.com", set()),
        ("example", {each.key for each in wanted(PLAN)}),
    ],
)
def test_silence_is_unknown_and_never_a_failure(silent: str, unknown: set[str]) -> None:
    report = look({}, silent)
    assert {each.key for each in report.records if each.result is UNKNOWN} == unknown
    assert not [each.key for each in report.records if each.result is FAIL]
    assert all(each.fix for each in report.records if each.result is UNKNOWN)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({DMARC: "v=DMARC1; p=none"}, "dmarc-without-reports"),
        ({DMARC: "v=DMARC1; p=reject; adkim=s"}, "dmarc-strict-dkim"),
        ({DMARC: "v=DMARC1; p=reject; aspf=s"}, "dmarc-strict-spf"),
        ({DMARC: "v=DMARC1; p=reject; t=y"}, "dmarc-testing"),
        ({DMARC: "v=DMARC1; p=reject; pct=20"}, "dmarc-removed-tags"),
        ({DMARC: "v=DMARC1; p=reject; adkim=strict"}, "dmarc-wrong-tags"),
        ({DMARC: "v=DMARC1; p=none; rua=mailto:a@reports.example"}, "dmarc-reports-not-agreed"),
        ({OWN: "v=spf1 +all"}, "spf-lets-anybody"),
        ({OWN: "v=spf1 ptr -all"}, "spf-ptr"),
        ({OWN: "v=spf1 mx"}, "spf-without-end"),
        ({OWN: f"v=spf1 {'mx ' * 8}-all"}, "spf-near-limit"),
        ({"t1.dkim.amazonses.com TXT": key(1024)}, "dkim-short-key"),
        ({"t1.dkim.amazonses.com TXT": None}, "dkim-key-not-seen"),
        ({"*.shop.example TXT": "parked"}, "wildcard"),
    ],
)
def test_advice(change: Change, code: str) -> None:
    assert advice(look(change)) == {code}


def test_silence_about_a_consent_is_no_advice() -> None:
    report = look({DMARC: "v=DMARC1; p=none; rua=mailto:a@reports.example"}, "reports.example")
    assert advice(report) == set()


@pytest.mark.parametrize(
    ("change", "silent", "alignment"),
    [
        ({}, (), (True, True, True)),
        ({MX: None}, (), (True, False, True)),
        ({DKIM: None}, (), (False, True, True)),
        ({DKIM: None, MX: None}, (), (False, False, False)),
        ({DMARC: "v=DMARC1; p=none; rua=mailto:a@shop.example; aspf=s"}, (), (True, False, True)),
        ({DMARC: "v=DMARC1; p=none; rua=mailto:a@shop.example; adkim=s"}, (), (True, True, True)),
        ({"_dmarc.bounce.shop.example TXT": "v=DMARC1; p=none; psd=n"}, (), (True, False, True)),
        ({DMARC: None}, (), (True, True, True)),
        ({}, ("_domainkey.shop.example",), (None, True, True)),
        ({MX: None}, ("_domainkey.shop.example",), (None, False, None)),
        ({}, ("_dmarc.shop.example",), (True, None, True)),
        ({}, ("shop.example",), (None, None, None)),
    ],
)
def test_alignment_is_predicted(
    change: Change, silent: tuple[str, ...], alignment: tuple[bool | None, ...]
) -> None:
    found = look(change, *silent).alignment
    assert (found.dkim, found.spf, found.dmarc) == alignment
    assert found.detail


@pytest.mark.parametrize(
    ("silent", "words"),
    [
        ("_domainkey.shop.example", "whether by DKIM too, nobody has answered"),
        ("bounce.shop.example", "whether by SPF too, nobody has answered"),
    ],
)
def test_what_nobody_has_answered_is_not_called_missing(silent: str, words: str) -> None:
    assert words in str(look({}, silent).alignment.detail)


def test_a_domain_inside_a_zone_is_entered_as_the_zones_panel_wants_it() -> None:
    plan = Plan(
        "news.shop.example", TOKEN, ("t1",), "dkim.amazonses.com", "b.news.shop.example", "eu"
    )
    report = check(plan, Zones({"shop.example SOA": "ns1.shop.example"}))
    assert "“_postreeve.news”" in str(record(report, "ownership").fix)
    assert "“t1._domainkey.news”" in str(record(report, "dkim-1").fix)
    doubled = {"_postreeve.news.shop.example.shop.example TXT": TOKEN}
    report = check(plan, Zones({"shop.example SOA": "ns1.shop.example", **doubled}))
    assert record(report, "ownership").code == "domain-appended"


def test_what_others_publish_is_shown_shortened_and_without_control_characters() -> None:
    nasty = ["\x1b[2J\n" + "x" * 9_000] * 50
    found = record(look({OWNERSHIP: nasty}), "ownership")
    assert len(found.found) == 10
    assert all(each.isprintable() and len(each) < 400 for each in found.found)
    assert str(found.fix).isprintable()
    assert len(str(found.fix)) < 1_500
