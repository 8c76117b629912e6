"""Whatever somebody puts into DNS, a look at it ends, and with a report."""

from __future__ import annotations

import json
import time
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import languages
from relay.answers import Answer, Existence, RecordType
from relay.policy import dmarc, spf
from relay.policy.blocklists import look_up
from relay.policy.dkim_key import read
from relay.policy.dmarc_record import parse
from relay.policy.domain_checks import Plan, Report, check
from relay.policy.spf_terms import merged
from relay.sayings import Saying
from relay.vocabulary import CheckResult
from tools import translations

PLAN = Plan(
    "shop.example", "postreeve=1", ("t1", "t2"), "dkim.amazonses.com", "b.shop.example", "eu"
)

FRAGMENTS = st.sampled_from(
    [
        *(
            "v=spf1",
            " ",
            "include:",
            "redirect=",
            "exp=",
            "a",
            "mx",
            "ptr",
            "ip4:",
            "ip6:",
            "all",
            "/33",
        ),
        *(
            "exists:",
            "%{",
            "%{d}",
            "%%",
            "}",
            "-",
            "+",
            "?",
            "~",
            ":",
            "/",
            "//",
            "=",
            "shop.example",
        ),
        *(
            "v=DMARC1",
            ";",
            "p=",
            "sp=",
            "rua=",
            "mailto:",
            "@",
            "!",
            "psd=y",
            "t=y",
            "pct=1",
            "reject",
        ),
        *(
            "v=DKIM1",
            "k=rsa",
            "p",
            "MIIBIjANBgkqhkiG",
            "postreeve=",
            "1",
            '"',
            "'",
            "\\",
            "\x00",
            "ü",
            "٣",
        ),
        *(
            "192.0.2.1",
            "2001:db8::1",
            "10 ",
            "0 .",
            ".",
            "amazonses.com",
            "_",
            "*",
            "\N{PILE OF POO}",
        ),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(FRAGMENTS, max_size=14).map("".join),
    st.lists(FRAGMENTS, max_size=14).map(lambda parts: "v=spf1 " + " ".join(parts)),
    st.lists(FRAGMENTS, max_size=14).map(lambda parts: "v=DMARC1;" + ";".join(parts)),
)
ANSWERS = st.builds(
    Answer,
    st.sampled_from(Existence),
    st.lists(TEXTS, max_size=4).map(tuple),
    st.sampled_from(["", "shop.example", "dkim.amazonses.com"]),
).map(
    lambda answer: (
        answer
        if answer.existence is Existence.RECORDS
        else Answer(answer.existence, detail="nothing")
    )
)


OF_TRANSLATORS = dict.fromkeys(map(ord, "\u200e\u200f\u2066\u2069"))
"""Marks that keep Latin words in order within Arabic; what DNS answers brings none, as English shows."""


@pytest.mark.exploring
@given(st.data())
def test_no_answer_makes_a_look_fail(data: st.DataObject) -> None:
    asked = []

    def ask(name: str, type: RecordType) -> Answer:
        asked.append(name)
        return data.draw(ANSWERS, label=f"{name} {type}")

    report = check(PLAN, ask)
    assert len(asked) < 250
    for record in report.records:
        assert bool(record.fix) == (record.result is not CheckResult.PASS)
    for told in everything_said(report):
        assert messages(told) <= collected()
        assert Saying.read(json.loads(json.dumps(told.stored()))) == told
        assert told.spoken(languages.ENGLISH).isprintable()
        for language in languages.LANGUAGES:
            assert told.spoken(language).translate(OF_TRANSLATORS).isprintable()


def messages(told: Saying) -> set[str]:
    """The messages in it, down to the innermost."""
    within = (value for each in told.sentences for value in each.values.values())
    return {each.text for each in told.sentences}.union(
        *(messages(value) for value in within if isinstance(value, Saying))
    )


@cache
def collected() -> set[str]:
    """What translators get to see."""
    return {str(message.id) for message in translations.collected()}


def everything_said(report: Report) -> list[Saying]:
    return [
        *(said for record in report.records for said in (record.purpose, record.fix)),
        *(said for advice in report.advice for said in (advice.title, advice.detail)),
        report.alignment.detail,
    ]


@pytest.mark.exploring
@given(TEXTS)
def test_no_record_makes_reading_fail(text: str) -> None:
    read_as_everything(text)


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 " + "(" * 500,
        "v=spf1 a:" + "a." * 20_000,
        "v=spf1 a:" + "a" * 60_000,
        "v=spf1 ip4:٣.٣.٣.٣/٣ -all",
        "v=spf1 include:" + "%{d}" * 5_000 + " include:" + "%{d}." * 5_000 + "x",
        "v=spf1 redirect=%{d}.%{d}.example",
        "v=DMARC1" + ";" * 50_000,
        "v=DMARC1" + "".join(f";t{n % 9_000}=1" for n in range(10_000)),
        "v=DMARC1; p=none; rua=" + "".join(f"mailto:a@b{n}," for n in range(5_000)),
        "v=DMARC1; p" + " " * 20_000 + "x",
        "v=DMARC1; p=" + " " * 5_000 + "x" + " " * 5_000 + "x",
        "v=DKIM1; p=" + "A" * 60_000,
        "v=DKIM1; p=" + " " * 5_000 + "x",
    ],
    ids=lambda text: text[:20],
)
def test_a_record_that_was_made_to_hurt_is_read_in_no_time(text: str) -> None:
    began = time.process_time()
    read_as_everything(text)
    assert time.process_time() - began < 3.0  # read in squares, these take minutes


def read_as_everything(text: str) -> None:
    def ask(_name: str, _type: RecordType) -> Answer:
        return Answer(Existence.RECORDS, (text,))

    found = spf.read("shop.example", ask)
    assert found.lookups <= spf.COUNTED
    merged((text, text), include="amazonses.com")
    dmarc.find("a.b.shop.example", ask)
    record = parse("shop.example", text)
    dmarc.consents(record, None, ask)
    read(text)
    assert look_up("shop.example", "dbl.spamhaus.org", ask).listed is not False
