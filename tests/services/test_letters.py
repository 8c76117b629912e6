"""What the relay writes to owners: every letter, in every language, as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any

import pytest

from relay import languages
from relay.models import Expiry
from relay.policy import tenants
from relay.policy.domain_checks import CheckedRecord
from relay.policy.reasons import CAUSES, DONE, LANES, MAIL, PROMOTIONAL, happened, numbers_of
from relay.sayings import say
from relay.services.domain_looks import TITLES
from relay.services.expiries import lost
from relay.services.letter_texts import TEMPLATES, Letter, render
from relay.vocabulary import Cause, CheckResult, Lane, Rule, Stream, Verb
from tests.catalogs import Said
from tests.fakes import MORNING
from tools import translations as tool

SITE = "Ada & Söhne <Shop>"
NUMBER = "0197d3a2-0000-7000-8000-000000000001"
SETUP = "https://relay.example/setup/a-token"
DATA = {
    SITE, NUMBER, "shop.example", "https://shop.example", "1234 5678", "Winter sale", "News",
    "paypa1.example", "www.paypal.com", "paypal.com", "192.0.2.0/24", "POST /v1/account/appeals",
    "manage", "TXT", "_postreeve.shop.example", "postreeve-account=1", "postreeve-account=2", "cf7/contact",
    "gmail", "Bounces", "We know them", "Shop Ltd", "Sonntag", "November", "UTC",
}  # fmt: skip
"""What stands in letters and is nobody's to translate."""

LINK = re.compile(r"https://relay\.example[^\s\"<]*")


@dataclass(frozen=True)
class Case:
    """A letter with what it is about, and the addresses to which it leads."""

    template: str
    values: Mapping[str, Any]
    links: frozenset[str] = field(default_factory=frozenset)


def record(**given: Any) -> CheckedRecord:
    made = CheckedRecord(
        key="ownership",
        name="_postreeve.shop.example",
        type="TXT",
        value="postreeve-account=1",
        purpose=say("Proves that this domain is yours, and nobody else's here."),
        required=True,
        result=CheckResult.FAIL,
        code="differs",
        found=("postreeve-account=2",),
        fix=say("Something else is there: %(found)s.", found=("postreeve-account=2",)),
    )
    return replace(made, **given)


EVIDENCE = {
    "rule": Rule.INVALID_ADDRESSES.value, "stream": "marketing", "cases": 80, "of": 1_000, "rate": 0.08,
    "at_least": 0.065, "line": 0.04, "window_hours": 24, "providers": ["gmail"], "sources": ["cf7/contact"],
}  # fmt: skip

SES = {
    "theirs": "disabled",
    "findings": [{"type": "X", "impact": "HIGH", "description": "Bounces"}],
}


def standing(verb: Verb, **given: Any) -> Case:
    cause = given.pop("cause", None)
    stream = given.pop("stream", None)
    links = frozenset(filter(None, [given.get("next_page")]))
    values = {
        "name": SITE,
        "verb": verb.value,
        "stream": stream.value if stream else None,
        "mail": MAIL[stream] if stream else PROMOTIONAL if verb is Verb.LIMIT else None,
        "until": MORNING,
        "next_page": "",
        "on_appeal": False,
        "shuts_everything": False,
        "cause": cause.value if cause else None,
        "cause_words": CAUSES[cause] if cause else None,
        "reason": "We know them",
        "numbers": (),
        "number": NUMBER,
        "working_days": 2,
    }
    return Case("standing", values | given, links)


def appeal(word: str, **given: Any) -> Case:
    values = {
        "name": SITE,
        "word": word,
        "answer_by": MORNING,
        "answer": None,
        "number": NUMBER,
        "done": DONE[Verb.SUSPEND],
        "done_at": MORNING,
        "cause": CAUSES[Cause.SPAM],
        "reason": happened(EVIDENCE, Cause.SPAM),
    }
    return Case("appeal", values | given)


def held(kind: str, **evidence: Any) -> Case:
    values = {"kind": kind, "site": SITE, "mail_subject": "Winter sale", "people": 1_200}
    return Case("held", values | {"evidence": evidence or None})


def domain(template: str, code: str, **given: Any) -> Case:
    values = {
        "name": "shop.example",
        "code": code,
        "title": TITLES[code],
        "ends": MORNING,
        "wrong": [],
        "advised": [],
        "share_url": SETUP,
    }
    return Case(template, values | given, frozenset((SETUP,)))


UNDO = "https://relay.example/connect/undo/a-token"
PLUGIN = "https://relay.example/plugin"
FIGURES = {"sent": 100, "reported": 90, "invalid": 5, "complained": 1, "spam": 0}
CONNECTED = {
    "site": SITE, "site_url": "https://shop.example", "account": "Shop Ltd", "at": MORNING,
    "pending": False, "domain": "", "share_url": "", "undo": UNDO,
}  # fmt: skip

CASES = {
    "approved": standing(Verb.APPROVE),
    "approved account": standing(Verb.APPROVE, next_page=PLUGIN),
    "warned": standing(Verb.WARN, cause=Cause.OTHER),
    "warned stream": standing(
        Verb.WARN,
        cause=Cause.INVALID_ADDRESSES,
        stream=Stream.MARKETING,
        reason=happened(EVIDENCE, Cause.INVALID_ADDRESSES),
        numbers=numbers_of(EVIDENCE),
    ),
    "warned by Amazon SES": standing(Verb.WARN, cause=Cause.COMPLAINTS, reason=tenants.reason(SES)),
    "slowed": standing(Verb.SLOW, cause=Cause.COMPLAINTS),
    "source held": standing(Verb.HOLD_SOURCE, cause=Cause.INVALID_ADDRESSES),
    "limited": standing(Verb.LIMIT, cause=Cause.SPAM),
    "limited receipts": standing(Verb.LIMIT, cause=Cause.SPAM, stream=Stream.TRANSACTIONAL),
    "limited stream": standing(Verb.LIMIT, cause=Cause.SPAM, stream=Stream.NOTIFICATION),
    "suspended": standing(Verb.SUSPEND, cause=Cause.SPAM),
    "shut": standing(Verb.SUSPEND, cause=Cause.PHISHING, shuts_everything=True),
    "reinstated": standing(Verb.REINSTATE),
    "reinstated stream": standing(Verb.REINSTATE, stream=Stream.MARKETING, on_appeal=True),
    "terminated": standing(Verb.TERMINATE, cause=Cause.STOLEN_KEY),
    "appeal received": appeal("received"),
    "appeal accepted": appeal("accepted", answer="We know them"),
    "appeal declined": appeal("declined", answer="We know them", cause=None),
    "campaign": held("campaign-in-disguise"),
    "new network": held(
        "new-network", network="192.0.2.0/24", people_this_hour=1_200, usual_busiest_hour=3
    ),
    "look-alike link": held(
        "look-alike-link", shown=None, host="paypa1.example", brand="paypal.com"
    ),
    "link elsewhere": held("look-alike-link", shown="www.paypal.com", host="paypa1.example"),
    "shared link": held("shared-link", host="paypa1.example"),
    "newsletter stopped": Case(
        "canary", {"list_name": "News", "site": SITE, "failed": True, "figures": FIGURES}
    ),
    "notifications on hold": Case(
        "canary", {"list_name": None, "site": SITE, "failed": False, "figures": FIGURES}
    ),
    "expired": Case(
        "expired",
        {
            "total": 1_200,
            "site": SITE,
            "url": "https://shop.example",
            "lost": [
                (LANES[Lane.MARKETING], lost(Expiry(copies=1_199, cause="gateway-pace"))),
                (LANES[Lane.PROTECTED], lost(Expiry(copies=1, cause="Throttling"))),
            ],
            "slow_gateway": True,
        },
    ),
    "domain verified": domain(
        "domain-verified", "proven", advised=[record(required=False, value="", found=())]
    ),
    "domain recovered": domain("domain-verified", "recovered"),
    "domain failing": domain("domain-failing", "proof-gone", wrong=[record()]),
    "provider gone": domain("domain-failing", "provider-gone"),
    "domain lapsed": domain("domain-lapsed", "grace-over", wrong=[record(found=())]),
    "claim over": domain("domain-lapsed", "claim-over"),
    "connected": Case("connected", CONNECTED, frozenset((UNDO,))),
    "connected, pending": Case(
        "connected",
        CONNECTED | {"pending": True, "domain": "shop.example", "share_url": SETUP},
        frozenset((UNDO, SETUP)),
    ),
    "sign-in": Case(
        "sign-in",
        {"site": SITE, "site_url": "https://shop.example", "number": "1234 5678", "link": SETUP,
         "minutes": 15},
        frozenset((SETUP,)),
    ),
}  # fmt: skip

each_letter = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
each_language = pytest.mark.parametrize("language", languages.LANGUAGES)


def letter(case: Case, language: str = "en") -> Letter:
    return render(case.template, case.values, language=language)


def words_of_text(text: str) -> list[str]:
    """The words of a plain text, without its bullets and addresses."""
    bare = LINK.sub("", re.sub(r"(?m)^- ", "", text))
    return [word.rstrip(":") for word in bare.split()]


def words_of_html(html: str) -> list[str]:
    """The words that a browser shows in the body, in the order of the page."""
    body = html[html.index("<main>") :]
    spaced = re.sub(r"</?(?:bdi|code|strong|a)\b[^>]*>", "", body)
    return [word.rstrip(":") for word in unescape(re.sub(r"<[^>]+>", " ", spaced)).split()]


def test_every_letter_is_here() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.letter")} == {
        case.template for case in CASES.values()
    }


@each_language
@each_letter
def test_a_letter_is_whole_in_every_language(case: Case, language: str) -> None:
    made = letter(case, language)

    assert 0 < len(made.subject) <= 200
    assert "\n" not in made.subject
    assert made.text.startswith(made.subject)
    for told in (made.subject, made.text, made.html):
        assert not re.search(r"%\(|\{\{|\{%|None|&lt;bdi|&amp;lt;", told)
    assert f'<html lang="{language}" dir="{languages.direction(language)}">' in made.html
    assert SITE not in made.html  # it holds characters that have to be escaped
    assert set(LINK.findall(made.text)) == set(LINK.findall(made.html)) == case.links


@each_language
@each_letter
def test_text_and_html_say_the_same(case: Case, language: str) -> None:
    made = letter(case, language)

    assert words_of_text(made.text) == words_of_html(made.html)


@pytest.fixture(scope="module")
def bracketed() -> Said:
    """Every message in brackets, but for what is filled in: what stands outside was never looked up."""

    def marked(text: str) -> str:
        return "⟦" + re.sub(r"%\(\w+\)s", lambda found: f"⟧{found.group()}⟦", text) + "⟧"

    return {
        message.id: tuple(map(marked, message.id))
        if isinstance(message.id, tuple)
        else marked(message.id)
        for message in tool.collected()
        if message.id
    }


@each_letter
def test_nothing_of_a_letter_stays_english_once_it_is_translated(
    case: Case, bracketed: Said, translated: Callable[[str, Said], None]
) -> None:
    translated("de", bracketed)

    made = letter(case, "de")

    for told in (made.subject, made.text):
        rest = outside_brackets(LINK.sub("", told))
        for data in sorted(DATA, key=len, reverse=True):
            rest = rest.replace(data, "")
        assert not re.search(r"[A-Za-z]", rest), rest


def outside_brackets(text: str) -> str:
    """What stands in no bracket."""
    depth, kept = 0, ""
    for char in text:
        depth += {"⟦": 1, "⟧": -1}.get(char, 0)
        kept += char if not depth else ""
    return kept


@pytest.mark.parametrize("kind", ["txt", "html"])
def test_both_forms_have_the_same_parts(kind: str) -> None:
    parts = re.findall(r"\{% macro (\w+\(.*?\))", (TEMPLATES / f"parts.{kind}").read_text())

    assert parts == [
        "paragraph()", "small()", "items(texts)", "rows(pairs)", "button(words, url)",
        "link(sentence, words, url)", "records(all)",
    ]  # fmt: skip


def test_times_and_numbers_are_written_as_the_language_writes_them() -> None:
    slowed = CASES["slowed"]

    assert "Sunday, 22 November 2026, 09:00 UTC" in letter(slowed).text
    assert "Sonntag, 22. November 2026, 09:00 UTC" in letter(slowed, "de").text
    assert "1,000" in letter(CASES["warned stream"]).text
    assert "8.0 %" in letter(CASES["warned stream"]).text
    assert "1.000" in letter(CASES["warned stream"], "de").text
    assert "8,0 %" in letter(CASES["warned stream"], "de").text


def test_an_operators_words_stay_as_they_are(translated: Callable[[str, Said], None]) -> None:
    translated("de", {"Why": "Warum", "Privacy": "Datenschutz"})

    made = letter(standing(Verb.APPROVE, reason="Privacy"), "de")

    assert "Warum: Privacy" in made.text


def test_a_long_name_does_not_make_a_long_subject() -> None:
    made = letter(standing(Verb.APPROVE, name="x\ny" * 150))

    assert len(made.subject) == 200
    assert "\n" not in made.subject
