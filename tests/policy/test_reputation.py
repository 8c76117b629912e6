"""When a stream is warned about, limited or suspended, and when noise is left alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.policy.reputation import (
    BURST_OF,
    DAY,
    MONTH,
    PLAIN_ABOVE,
    WEEK,
    Figures,
    Recent,
    Record,
    Verdict,
    is_young,
    judge,
    lower_bound,
    origin,
)
from relay.vocabulary import Stream, Verb
from tests.fakes import MORNING

OLD = {"is_young": False}


def record(
    stream: Stream = Stream.MARKETING,
    window: timedelta = WEEK,
    *,
    settled: Figures | None = None,
    **numbers: int,
) -> Record:
    figures = Figures(**numbers)
    return Record(
        stream,
        {each: figures for each in (DAY, WEEK, MONTH) if each >= window},
        {WEEK: settled, MONTH: settled} if settled is not None else {},
    )


def step(verdict: Verdict | None) -> tuple[str, str] | None:
    return (verdict.verb.value, verdict.rule.value) if verdict else None


# --- invalid addresses ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("invalid", "people", "expected"),
    [
        (0, 0, None),
        (1, 5, None),  # one in five is no twenty per cent
        (4, 40, None),  # fewer than five prove nothing
        (5, 1_000, None),
        (20, 1_000, None),  # 2 %, but it may well be 1.3 %
        (30, 1_000, ("warn", "invalid-addresses")),
        (55, 1_000, ("limit", "invalid-addresses")),
        (60, 3_000, ("warn", "invalid-addresses")),  # above 2,000 the plain rate counts
        (59, 3_000, None),
        (120, 3_000, ("limit", "invalid-addresses")),
        (9, 60, ("limit", "invalid-addresses")),
    ],
)
def test_newsletters_are_warned_from_2_and_held_from_4_per_cent(
    invalid: int, people: int, expected: Any
) -> None:
    assert step(judge(record(people=people, invalid=invalid))) == expected


@pytest.mark.parametrize(
    ("invalid", "people", "expected", "whole_site"),
    [
        (30, 1_000, "warn", False),
        (55, 1_000, "limit", True),
        (110, 1_000, "suspend", True),
        (15, 90, "limit", True),  # bad enough, but fewer than 100 people
    ],
)
def test_receipts_limit_or_suspend_the_site(
    invalid: int, people: int, expected: str, whole_site: bool
) -> None:
    found = judge(record(Stream.TRANSACTIONAL, people=people, invalid=invalid))
    assert found is not None
    assert (found.verb.value, found.whole_site) == (expected, whole_site)


@pytest.mark.parametrize("stream", [Stream.MARKETING, Stream.NOTIFICATION])
def test_newsletters_never_suspend_a_site(stream: Stream) -> None:
    found = judge(record(stream, people=1_000, invalid=500, heard=1_000, complaints=100))
    assert found is not None
    assert (found.verb, found.whole_site) == (Verb.LIMIT, False)


def test_one_bad_day_warns_nobody_but_a_very_bad_one_holds() -> None:
    a_day = Record(Stream.MARKETING, {DAY: Figures(people=100, invalid=6)})
    assert judge(a_day) is None
    worse = Record(Stream.MARKETING, {DAY: Figures(people=100, invalid=9)})
    assert step(judge(worse)) == ("limit", "invalid-addresses")


# --- complaints -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("complaints", "heard", "expected"),
    [
        (1, 40, None),  # a club of forty
        (2, 10_000, None),
        (5, 10_000, ("warn", "complaints")),
        (10, 10_000, ("limit", "complaints")),
        (9, 10_000, ("warn", "complaints")),
        (3, 2_000, ("warn", "complaints")),
        (5, 1_000, ("limit", "complaints")),
    ],
)
def test_complaints_count_against_mail_to_those_who_would_tell(
    complaints: int, heard: int, expected: Any
) -> None:
    verdict = judge(record(people=50_000, delivered=50_000, heard=heard, complaints=complaints))
    assert step(verdict) == expected


def test_old_mail_is_judged_by_itself_too_for_new_mail_thins_its_complaints() -> None:
    old = Figures(people=4_000, delivered=4_000, heard=4_000, complaints=5)
    new = Figures(people=40_000, delivered=40_000, heard=40_000)
    both = Record(Stream.MARKETING, {WEEK: old + new}, {WEEK: old})
    assert step(judge(both)) == ("limit", "complaints")
    assert judge(Record(Stream.MARKETING, {WEEK: old + new})) is None


def test_complaints_from_providers_we_did_not_know_to_tell_still_count() -> None:
    found = judge(record(people=200, delivered=200, heard=0, complaints=4))
    assert found is not None
    assert found.evidence["of"] == 4


# --- where nobody tells of complaints -------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"delivered": 3_000, "left": 29}, None),
        ({"delivered": 3_000, "left": 30}, ("warn", "people-leave")),
        ({"delivered": 3_000, "left": 60}, ("limit", "people-leave")),
        ({"delivered": 30, "left": 3}, None),
        ({"delivered": 5_000, "reports": 5}, ("limit", "abuse-reports")),
        ({"unheard": 3_000, "spam": 60}, ("warn", "spam-refusals")),
        ({"unheard": 3_000, "spam": 150}, ("limit", "spam-refusals")),
    ],
)
def test_people_who_leave_or_report_and_refusals_as_spam_speak(
    numbers: dict[str, int], expected: Any
) -> None:
    assert step(judge(record(people=5_000, **numbers))) == expected


def test_nobody_leaves_receipts() -> None:
    assert judge(record(Stream.TRANSACTIONAL, people=3_000, delivered=3_000, left=600)) is None


def test_what_a_companys_gateway_refuses_by_policy_judges_nobody() -> None:
    b2b = record(people=5_000, delivered=4_450, permanent=550)
    assert judge(b2b) is None


# --- the burst brake ------------------------------------------------------------------------


def ends(*parts: tuple[str, bool, int]) -> Recent:
    return Recent().followed_by(
        [(source, bad) for source, bad, times in parts for _ in range(times)]
    )


def test_ten_invalid_among_the_last_hundred_hold_the_stream() -> None:
    nine = Record(Stream.MARKETING, recent=ends(("a", False, 60), ("a", True, 9)))
    ten = Record(Stream.MARKETING, recent=ends(("a", False, 60), ("a", True, 10)))
    assert judge(nine) is None
    assert step(judge(ten)) == ("limit", "burst")


def test_what_is_more_than_a_hundred_attempts_ago_is_forgotten() -> None:
    long_ago = ends(("a", True, 10), ("a", False, BURST_OF))
    assert (long_ago.invalid, len(long_ago.ends)) == (0, BURST_OF)


def of_source(people: int, invalid: int) -> Record:
    figures = Figures(people=people, invalid=invalid)
    return Record(Stream.TRANSACTIONAL, dict.fromkeys((DAY, WEEK, MONTH), figures))


def test_a_spammed_form_is_to_blame_and_the_shop_is_not() -> None:
    whole = Record(
        Stream.TRANSACTIONAL,
        dict.fromkeys((DAY, WEEK, MONTH), Figures(people=160, invalid=21)),
        recent=ends(("woocommerce", False, 50), ("cf7/contact", True, 10)),
    )
    parts = {"woocommerce": of_source(100, 1), "cf7/contact": of_source(60, 20)}
    assert judge(whole) is not None
    assert origin(whole, parts) == "cf7/contact"


@pytest.mark.parametrize(
    "parts",
    [
        {"cf7/contact": of_source(160, 21)},  # nobody else sends
        {"a": of_source(80, 10), "b": of_source(80, 11)},  # it comes from several
        {"": of_source(60, 20), "a": of_source(100, 1)},  # the site does not say who
    ],
)
def test_where_no_one_source_is_to_blame_it_is_the_site(parts: dict[str, Record]) -> None:
    whole = Record(
        Stream.TRANSACTIONAL,
        dict.fromkeys((DAY, WEEK, MONTH), Figures(people=160, invalid=21)),
    )
    assert origin(whole, parts) is None


# --- young sites ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"people": 60, "invalid": 4}, None),
        ({"people": 100, "invalid": 5}, ("limit", "young-site")),
        ({"people": 400, "invalid": 5}, None),  # 1.25 % is nobody's bad list
        ({"people": 4_000, "heard": 4_000, "complaints": 3}, ("limit", "young-site")),
        ({"people": 4_000, "heard": 4_000, "complaints": 2}, None),
    ],
)
def test_a_young_site_is_looked_at_early(numbers: dict[str, int], expected: Any) -> None:
    windows = {DAY: Figures(**numbers)}
    assert step(judge(Record(Stream.MARKETING, windows, is_young=True))) == expected


@pytest.mark.parametrize(
    ("days", "delivered", "expected"),
    [(29, 50_000, True), (31, 4_999, True), (31, 5_000, False)],
)
def test_a_site_is_young_for_30_days_and_5000_delivered(
    days: int, delivered: int, expected: bool
) -> None:
    now: datetime = MORNING + timedelta(days=days)
    assert is_young(MORNING, delivered, now) is expected


# --- of any numbers -------------------------------------------------------------------------


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_a_bound_is_a_share_and_never_above_the_plain_rate(cases: int, of: int) -> None:
    bound = lower_bound(min(cases, of), of)
    assert 0 <= bound <= (min(cases, of) / of if of else 0) + 1e-12


@given(st.integers(1, PLAIN_ABOVE), st.integers(1, PLAIN_ABOVE))
def test_one_case_more_never_lowers_the_bound(cases: int, of: int) -> None:
    cases = min(cases, of)
    assert lower_bound(cases, of) >= lower_bound(cases - 1, of)


@given(
    st.sampled_from(Stream),
    st.builds(Figures, *[st.integers(0, 10_000)] * 10),
)
def test_every_verdict_can_be_explained(stream: Stream, figures: Figures) -> None:
    from relay.policy.reasons import numbers_of, sentence

    verdict = judge(Record(stream, {DAY: figures, WEEK: figures, MONTH: figures}, is_young=True))
    if verdict is not None:
        assert sentence(verdict.evidence, verdict.cause)
        assert numbers_of(verdict.evidence)
