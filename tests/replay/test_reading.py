"""A scenario is read strictly: what is wrong is said with its line, its field and how to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.errors import Invalid
from relay.policy.gateways import Gateway
from relay.replay.reading import built_in, read, read_file
from relay.replay.scenario import Curve
from relay.vocabulary import State, Stream

LEAST = """\
name: Shop
days: 10
sites:
  - name: Shop
    mail:
      - name: receipts
        stream: transactional
        per_day: 10
"""


def faults(text: str) -> str:
    with pytest.raises(Invalid) as caught:
        read(text, "mine.yml")
    return caught.value.detail


def mail(line: str, *, stream: str = "transactional", volume: str = "per_day: 10") -> str:
    """A scenario whose mail has this line, the ninth of the file."""
    return (
        "name: Shop\ndays: 30\nsites:\n  - name: Shop\n    mail:\n      - name: receipts\n"
        f"        stream: {stream}\n        {volume}\n        {line}\n"
    )


def test_three_fields_and_one_kind_of_mail_are_a_scenario() -> None:
    found = read(LEAST)
    assert (found.name, found.days, found.good, found.seed) == ("Shop", 10, True, 1)
    (site,) = found.places
    assert (site.account, site.plan, site.age) == ("Shop", "standard", 400)
    assert site.mail[0].per_day.on(7) == 10


def test_a_scenario_with_unwanted_mail_is_a_bad_one() -> None:
    assert read(mail("unwanted: true")).good is False


def test_shares_are_written_as_people_do() -> None:
    for written in ("2%", "2 %", "0.02", ".02"):
        (site,) = read(mail(f"invalid: {written}")).places
        assert site.mail[0].rates.invalid.on(1) == pytest.approx(0.02)


def test_a_rate_changes_in_a_straight_line_between_two_days() -> None:
    (site,) = read(mail("invalid: {1: 1%, 11: 3%}")).places
    rates = [site.mail[0].rates.invalid.on(day) for day in (1, 6, 11, 30)]
    assert rates == pytest.approx([0.01, 0.02, 0.03, 0.03])
    assert Curve(((5, 1.0),)).on(1) == 1.0


def test_a_sending_comes_on_the_days_that_are_said() -> None:
    (site,) = read(mail("every: 7", stream="marketing", volume="send: 100")).places
    assert sorted(site.mail[0].on) == [1, 8, 15, 22, 29]
    (site,) = read(mail("on: [3, 9]", stream="marketing", volume="send: 100")).places
    assert site.mail[0].runs_on(3)
    assert not site.mail[0].runs_on(4)


def test_receivers_are_named_as_the_relay_knows_them() -> None:
    (site,) = read(mail("to: {gmail: 60%, web.de: 30%}")).places
    assert site.mail[0].to == {Gateway.GMAIL: 0.6, Gateway.WEBDE: 0.3}


def test_expectations_speak_of_sites_states_and_kinds_of_mail() -> None:
    found = read(
        LEAST
        + "expect:\n  - {site: Shop, stopped_within: 5, by_day: 3, rule: [burst, complaints],\n"
        "     state: limited, streams: {marketing: warned}, never: warned, flows: receipts}\n"
    )
    (wanted,) = found.expectations
    assert wanted.rules == ("burst", "complaints")
    assert (wanted.state, wanted.streams) == (State.LIMITED, {Stream.MARKETING: State.WARNED})
    assert wanted.flows == ("receipts",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "mine.yml is empty"),
        ("name: [", "line 1: this is no YAML"),
        ("name: a\n  days: 3\n", "line 2: this is no YAML"),
        ("- a list", "should have fields below it"),
        ("name: Shop\ndays: 10\n", "the field `sites` is missing; add `sites: …`"),
        (LEAST.replace("10\nsites", "ten\nsites"), "line 2, days: `ten` should be a whole number"),
        (LEAST + "colour: red\n", "line 9: there is no field `colour` here"),
        (LEAST + "name: Again\n", "line 9: `name` is said twice; keep one"),
        (LEAST + "expext: []\n", "do you mean `expect`?"),
        (mail("invalid: 120%"), "line 9, sites[1].mail[1].invalid: `120%` should be a share"),
        (mail("invalid: -1%"), "should be a share of all mails: 2% or 0.02"),
        (mail("complaint: 1%"), "do you mean `complaints`?"),
        (mail("hours: 22-7"), "`22-7` should be a number, or a range such as 0-24"),
        (mail("days: 20-40"), "should be a number, or a range such as 1-30"),
        (mail("invalid: {5: 1%, 2: 2%}"), "the days should follow one another"),
        (mail("invalid: {}"), "such as {1: 0.5%, 60: 6%}"),
        (mail("to: {gmial: 10%}"), "do you mean `gmail`?"),
        (mail("to: {gmail: 60%, yahoo: 50%}"), "the shares come to more than 100%"),
        (mail("security: perhaps"), "should be true or false"),
        (mail("opted_in: false"), "only newsletters and notifications have lists"),
        (mail("reports: 1%"), "belongs to `stream: marketing` only"),
        (mail("same_words: true", stream="marketing"), "belongs to `stream: transactional` only"),
        (mail("send: 5"), "say either `per_day`, or `send`"),
        (mail("every: 2"), "`every` belongs to `send`"),
        (mail("source: x", volume="send: 5"), "say with `on: [3, 17]` on which days"),
        (mail("on: 31", stream="marketing", volume="send: 5"), "whole number from 1 to 30"),
        (mail("source: x", stream="advertising"), "`advertising` is none of"),
        (LEAST + "expect: [{site: Shoop}]\n", "do you mean `Shop`?"),
        (LEAST + "expect: [{site: Shop, flows: letters}]\n", "`letters` is none of"),
        (LEAST + "expect: [{site: Shop, rule: bursts}]\n", "do you mean `burst`?"),
        (LEAST.replace("    mail", "    plan: gold\n    mail"), "`gold` is none of"),
        (LEAST.replace("    mail", "    times: 900\n    mail"), "whole number from 1 to 500"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_how_to_mend_it(text: str, said: str) -> None:
    assert said in faults(text)


def test_all_that_is_wrong_is_said_at_once() -> None:
    told = faults(mail("invalid: 120%") + "colour: red\n")
    assert ("line 9" in told, "line 10" in told) == (True, True)


def test_two_sites_have_two_names() -> None:
    twice = LEAST + LEAST.partition("sites:\n")[2]
    assert "two sites are called 'Shop'" in faults(twice)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid):
        read_file(broken)


def test_nine_scenarios_come_with_the_relay() -> None:
    found = {name: read_file(path) for name, path in built_in().items()}
    assert len(found) == 9
    assert sum(each.good for each in found.values()) == 3
    assert all(each.about and each.expectations for each in found.values())
