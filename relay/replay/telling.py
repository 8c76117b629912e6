"""How a story is told: as a table of days, as ticks and crosses, and as the table of docs/scenarios.md."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from relay.replay.story import FLOWS_FROM, Story

MOST = 40
"""Lines of a story that are shown; `--json` has all."""


def tell(console: Console, story: Story) -> None:
    """What happened on which day, what became of the mail, and whether that was expected."""
    scenario = story.scenario
    console.print(f"[bold]{scenario.name}[/bold]  {scenario.about}", highlight=False)
    if story.entries:
        console.print(_days(story))
    else:
        console.print("  Nothing had to be done.", highlight=False)
    console.print(_mail(story))
    for verdict in story.verdicts:
        mark = "[green]✓[/green]" if verdict.passed else "[red]✗[/red]"
        console.print(
            f"  {mark} {verdict.site}: {verdict.expected} ({verdict.found})", highlight=False
        )
    console.print()


def _days(story: Story) -> Table:
    table = Table(header_style="bold", box=None, padding=(0, 1))
    for name in ("day", "UTC", "site", "what", "rule", "why"):
        table.add_column(name, overflow="fold")
    table.add_column("bad mails left", justify="right")
    for entry in story.entries[:MOST]:
        table.add_row(
            str(entry.day),
            entry.at.strftime("%H:%M"),
            entry.site,
            entry.what,
            entry.rule,
            entry.why,
            f"{entry.bad:,}",
        )
    if len(story.entries) > MOST:
        table.add_row("", "", "", f"… and {len(story.entries) - MOST} more", "", "", "")
    return table


def _mail(story: Story) -> Table:
    table = Table(header_style="bold", box=None, padding=(0, 1))
    table.add_column("site")
    table.add_column("mail")
    for name in ("handed in", "left", "bad", "held or refused", "waits", "out of date"):
        table.add_column(name, justify="right")
    for place in story.scenario.places:
        lives = story.of(place.name)
        name = f"{place.name} (each of {place.times}, together)" if place.times > 1 else place.name
        for number, mail in enumerate(place.mail):
            flows = [life.flows[number] for life in lives]
            numbers = [
                sum(flow.handed for flow in flows),
                sum(flow.left for flow in flows),
                sum(flow.bad for flow in flows),
                sum(sum(flow.stopped.values()) for flow in flows),
                sum(flow.waiting.people for flow in flows),
                sum(flow.expired for flow in flows),
            ]
            table.add_row(name, mail.name, *(f"{n:,}" if n else "–" for n in numbers))
    return table


def markdown(stories: Iterable[Story]) -> str:
    """The table of docs/scenarios.md: which scenario was stopped by what, when, and what flowed on."""
    lines = [
        "| scenario | what it is | good or bad | stopped by | on day | after so many bad mails "
        "| what went on flowing |",
        "|---|---|---|---|---:|---:|---|",
    ]
    for story in stories:
        scenario = story.scenario
        site = next(
            (e.site for e in scenario.expectations if e.stopped_within is not None),
            scenario.places[0].name,
        )
        stop = story.stop(site)
        flowing = [
            name
            for name, (handed, left) in story.flows(site).items()
            if handed and left >= handed * FLOWS_FROM
        ]
        others = [place.name for place in scenario.places if place.name != site]
        flowing += [f"all mail of the other {sum(len(story.of(o)) for o in others)} sites"] * bool(
            others and not any(e.stops for o in others for e in story.entries_of(o))
        )
        cells = [
            scenario.name,
            scenario.about,
            "good" if scenario.good else "bad",
            f"`{stop.rule}`: {stop.what}" if stop else "nothing",
            str(stop.day) if stop else "–",
            f"{stop.bad:,} (in the end {story.bad(site):,})" if stop else "–",
            ", ".join(flowing) or "–",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
