"""A scenario from its file (docs/scenarios.md describes the format)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from relay.errors import Invalid
from relay.policy.gateways import Gateway
from relay.policy.plans import plans
from relay.replay.nodes import Entry, root
from relay.replay.scenario import (
    KINDS,
    MIXES,
    Curve,
    Elsewhere,
    Expectation,
    Mail,
    Place,
    Rates,
    Scenario,
)
from relay.replay.story import MILDER
from relay.vocabulary import Limit, ReviewKind, Rule, State, Stream

LONGEST = 400
"""Days a scenario may take."""

MOST_SITES = 500
MOST_A_DAY = 200_000
"""Of one kind of mail; more would take minutes."""

FOLDER = Path(__file__).parent / "scenarios"
"""The scenarios that come with the relay."""

RULES = (*Rule, *ReviewKind, Limit.FIRST_CONTACTS, Limit.SOURCE, "no-consent")
"""By what mail may be stopped; words of the relay."""

NEVER = tuple(MILDER)


def built_in() -> dict[str, Path]:
    """The scenarios that come with the relay, by the name of their file."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yml"))}


def read_file(path: Path) -> Scenario:
    """The scenario in this file. Raises `Invalid` with all that is wrong in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read as text: {error}") from error
    return read(text, path.name)


def read(text: str, file: str = "scenario") -> Scenario:
    """The scenario in this text. Raises `Invalid` with all that is wrong in it."""
    top = root(text, file)
    found = top.fields(
        ("name", "about", "good", "days", "seed", "sites", "elsewhere", "expect"),
        ("name", "days", "sites"),
    )
    days = found.read("days", lambda each: each.whole(1, LONGEST), 1)
    places: list[Place] = []
    for each in found.read("sites", Entry.items, list[Entry]()):
        places.append(_place(each, days))
    wanted = not any(mail.unwanted for place in places for mail in place.mail)
    scenario = Scenario(
        name=found.read("name", Entry.text, ""),
        about=found.read("about", Entry.text, ""),
        good=found.read("good", Entry.flag, wanted),
        days=days,
        seed=found.read("seed", lambda each: each.whole(0, 2**32), 1),
        places=places,
        expectations=found.read("expect", partial(_expectations, places), []),
        elsewhere=found.read("elsewhere", _elsewhere, Elsewhere()),
    )
    _check_names(top, places)
    top.faults.check()
    return scenario


def _check_names(top: Entry, places: list[Place]) -> None:
    names = [place.name for place in places]
    for name in sorted({each for each in names if names.count(each) > 1}):
        top.wrong(f"two sites are called {name!r}; give each a name of its own, or use `times`")
    if sum(place.times for place in places) > MOST_SITES:
        top.wrong(f"there are more than {MOST_SITES} sites; lower `times`")


def _place(entry: Entry, days: int) -> Place:
    found = entry.fields(
        ("name", "account", "plan", "age", "delivered", "declared_daily", "promotional_daily",
         "first_contacts", "times", "mail"),
        ("name", "mail"),
    )  # fmt: skip
    name = found.read("name", Entry.text, "")
    kinds = [_mail(each, days) for each in found.read("mail", Entry.items, list[Entry]())]
    known = [mail.name for mail in kinds]
    for twice in sorted({each for each in known if known.count(each) > 1}):
        entry.wrong(f"two kinds of mail are called {twice!r}; give each a name of its own")
    return Place(
        name=name,
        mail=kinds,
        **{"account": name}
        | found.given(
            account=Entry.text,
            plan=lambda each: each.choice(list(plans()), "standard"),
            age=lambda each: each.whole(0, 10_000),
            delivered=lambda each: each.whole(0, 1_000_000_000),
            declared_daily=lambda each: each.whole(0, 1_000_000),
            promotional_daily=lambda each: each.whole(1, 1_000_000),
            first_contacts=lambda each: each.whole(0, 1_000_000),
            times=lambda each: each.whole(1, MOST_SITES),
        ),
    )


def _mail(entry: Entry, days: int) -> Mail:
    found = entry.fields(
        ("name", "stream", "source", "per_day", "days", "hours", "send", "on", "every", "new_list",
         "opted_in", "security", "new_people", "same_words", "new_network", "unwanted", "to",
         "exactly", *KINDS),
        ("name", "stream"),
    )  # fmt: skip
    stream = found.read(
        "stream", lambda each: each.word(Stream, Stream.TRANSACTIONAL), Stream.TRANSACTIONAL
    )
    first, last = found.read("days", lambda each: _range(each, 1, days), (1, days))
    if ("per_day" in found.found) == ("send" in found.found):
        entry.wrong("say either `per_day`, or `send` with `on` or `every`")
    if "send" in found.found and not {"on", "every"} & found.found.keys():
        entry.wrong("say with `on: [3, 17]` on which days it is sent, or with `every: 7` how often")
    if "per_day" in found.found and (said := {"on", "every", "exactly"} & found.found.keys()):
        entry.wrong(f"`{min(said)}` belongs to `send`; with `per_day` use `days: 10-20` and rates")
    for name in ("new_list", "opted_in"):
        if name in found.found and stream is Stream.TRANSACTIONAL:
            found.found[name].wrong("only newsletters and notifications have lists; leave it out")
    for name in ("security", "new_people", "same_words"):
        if name in found.found and stream is not Stream.TRANSACTIONAL:
            found.found[name].wrong("belongs to `stream: transactional` only; leave it out")
    if "reports" in found.found and stream is not Stream.MARKETING:
        found.found["reports"].wrong("belongs to `stream: marketing` only; leave it out")
    every = found.read("every", lambda each: each.whole(1, LONGEST), 0)
    nothing: frozenset[int] = frozenset()
    on = frozenset(range(first, last + 1, every)) if every else nothing
    return Mail(
        stream=stream,
        first_day=first,
        last_day=last,
        on=on | found.read("on", lambda each: _days(each, days), nothing),
        rates=Rates(**found.given(**{name: partial(_curve, of=Entry.share) for name in KINDS})),
        **{"name": ""}
        | found.given(
            name=Entry.text,
            source=Entry.text,
            per_day=partial(_curve, of=lambda each: each.number(MOST_A_DAY)),
            hours=_hours,
            send=lambda each: each.whole(1, MOST_A_DAY),
            new_list=Entry.flag,
            opted_in=Entry.flag,
            security=Entry.flag,
            new_people=Entry.share,
            same_words=Entry.flag,
            new_network=Entry.flag,
            unwanted=Entry.flag,
            to=_mix,
            exactly=_exactly,
        ),
    )


def _curve(entry: Entry, of: object) -> Curve:
    """One number, or numbers by day."""
    assert callable(of)
    if not entry.is_mapping:
        return Curve(((1, of(entry)),))
    points = [(key.whole(1, LONGEST), of(value)) for key, value in entry.pairs()]
    if not points:
        entry.wrong("say from which day on it has which value, such as {1: 0.5%, 60: 6%}")
        return Curve()
    if [day for day, _ in points] != sorted({day for day, _ in points}):
        entry.wrong("the days should follow one another, each once: {1: 0.5%, 60: 6%}")
    return Curve(tuple(points))


def _range(entry: Entry, least: int, most: int) -> tuple[int, int]:
    """`8-22`, or a single number."""
    written = entry.text().replace(" ", "")
    first, dash, last = written.partition("-")
    if first.isdigit() and (last.isdigit() if dash else not last):
        low, high = int(first), int(last or first)
        if least <= low <= high <= most:
            return low, high
    entry.wrong(f"`{written}` should be a number, or a range such as {least}-{most}")
    return least, most


def _hours(entry: Entry) -> tuple[int, int]:
    low, high = _range(entry, 0, 24)
    if low == high:
        high = min(low + 1, 24)
        low = high - 1
    return low, high


def _days(entry: Entry, most: int) -> frozenset[int]:
    return frozenset(each.whole(1, most) for each in entry.items())


def _mix(entry: Entry) -> Mapping[Gateway, float]:
    if not entry.is_mapping:
        return MIXES[entry.choice(list(MIXES), "people")]
    names = [each.value for each in Gateway]
    found = entry.fields(names)
    mix = {Gateway(name): value.share() for name, value in found.found.items()}
    if sum(mix.values()) > 1.000001:
        entry.wrong("the shares come to more than 100%; what lacks to 100% is at other providers")
    return mix


def _exactly(entry: Entry) -> Mapping[str, int]:
    found = entry.fields(KINDS).found
    return {name: value.whole(0, MOST_A_DAY) for name, value in found.items()}


def _elsewhere(entry: Entry) -> Elsewhere:
    found = entry.fields(("per_day", "bounces", "complaints"))
    return Elsewhere(
        **found.given(
            per_day=lambda each: each.whole(0, 100_000_000),
            bounces=Entry.share,
            complaints=Entry.share,
        )
    )


def _expectations(places: list[Place], entry: Entry) -> list[Expectation]:
    return [_expectation(each, places) for each in entry.items()]


def _expectation(entry: Entry, places: list[Place]) -> Expectation:
    found = entry.fields(
        ("site", "stopped_within", "by_day", "rule", "state", "streams", "never", "flows"),
        ("site",),
    )
    places_named = [place.name for place in places]
    site = found.read("site", lambda each: each.choice(places_named, ""), "")
    kinds = [mail.name for place in places if place.name == site for mail in place.mail]
    names = [stream.value for stream in Stream]
    told = found.read("streams", lambda each: each.fields(names).found, dict[str, Entry]())
    streams = {Stream(name): each.word(State, State.ACTIVE) for name, each in told.items()}
    given = found.given(
        stopped_within=lambda each: each.whole(0, 1_000_000_000),
        by_day=lambda each: each.whole(1, LONGEST),
        rule=lambda each: tuple(e.choice(RULES, RULES[0]) for e in each.items()),
        state=lambda each: each.word(State, State.ACTIVE),
        never=lambda each: each.choice(NEVER, NEVER[0]),
        flows=lambda each: tuple(e.choice(kinds, "") for e in each.items()),
    )
    if "rule" in given:
        given["rules"] = given.pop("rule")
    return Expectation(site=site, streams=streams, **given)
