"""`queue`: what waits, by lane, site and receiving gateway, and when it will be gone."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from relay.commands.output import console, new_table, relay
from relay.commands.parameters import MOST_ROWS
from relay.context import Relay
from relay.policy.budget import UNLIMITED
from relay.services import queue_view
from relay.services.queue_view import Overview, Waiting
from relay.vocabulary import Stage

NOTHING = "Nothing waits: the queue is empty."

SHOWN = tuple(stage for stage in Stage if stage is not Stage.DONE)

HELD = {
    "daily-quota": "the day's quota at Amazon SES is used up",
    "provider-stopped": "sending is stopped at Amazon SES",
    "unreachable": "Amazon SES cannot be reached",
    "credentials-refused": "Amazon SES refuses the relay's credentials",
    "no-credentials": "there are no credentials for Amazon SES",
}


@click.command("queue")
@click.option(
    "--watch", type=click.FloatRange(0.5, 3_600), metavar="SECONDS", is_flag=False, flag_value=2.0,
    help="Look again every so many seconds (2), until Ctrl-C.",
)  # fmt: skip
@click.option(
    "--top", default=queue_view.TOP, show_default=True, type=click.IntRange(1, MOST_ROWS),
    help="Sites and gateways shown.",
)  # fmt: skip
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON; with --watch, one object a line."
)
def queue(watch: float | None, top: int, as_json: bool) -> None:
    """Show what waits to be sent: by lane, site and receiving gateway, how old, and until when."""
    context = relay()
    with contextlib.suppress(KeyboardInterrupt):
        if as_json:
            for found in _looks(context, watch, top):
                click.echo(json.dumps(_as_json(found)))
        elif watch is None:
            console().print(*_tables(_look(context, top)), sep="\n")
        else:
            _watch(context, console(), watch, top)


def _watch(context: Relay, screen: Console, every: float, top: int) -> None:
    with Live(console=screen, auto_refresh=False) as live:
        for found in _looks(context, every, top):
            live.update(Group(*_tables(found)), refresh=True)


def _looks(context: Relay, every: float | None, top: int) -> Iterator[Overview]:
    yield _look(context, top)
    while every is not None:
        time.sleep(every)
        yield _look(context, top)


def _look(context: Relay, top: int) -> Overview:
    with context.reads() as session:
        return queue_view.overview(session, context.clock(), top=top)


def _tables(found: Overview) -> list[RenderableType]:
    made: list[RenderableType] = [Text(_supply(found))]
    if found.is_empty:
        return [*made, Text(NOTHING)]
    stages = [s.value for s in SHOWN if any(lane.stages.get(s.value) for lane in found.lanes)]
    made.append(_table("Lanes", "lane", [w for w in found.lanes if w.stages], stages))
    queued = [Stage.QUEUED.value]
    if found.sites:
        made.append(_table("Sites", "site", found.sites, queued))
    if found.gateways:
        made.append(_table("Receiving gateways", "gateway", found.gateways, queued, ends=False))
    if found.paces:
        table = new_table("Slowed down, because they refused for rate")
        for name in ("gateway", "site", "mails a minute"):
            table.add_column(name, overflow="fold")
        for each in found.paces:
            table.add_row(each["gateway"], str(each["site_id"]), f"{each['per_minute']:g}")
        made.append(table)
    return made


def _table(
    title: str, kind: str, rows: Sequence[Waiting], stages: Sequence[str], *, ends: bool = True
) -> Table:
    table = new_table(title)
    table.add_column(kind, overflow="fold")
    for stage in stages:
        table.add_column(stage, justify="right")
    table.add_column("oldest", justify="right")
    if ends:
        table.add_column("gone in", justify="right")
    for row in rows:
        name = f"{row.label}\n{row.name}" if row.label else row.name
        counts = [f"{row.stages.get(stage, 0):,}" for stage in stages]
        gone = [_span(row.gone_in)] if ends else []
        table.add_row(name, *counts, _span(row.oldest), *gone)
    return table


def _supply(found: Overview) -> str:
    """What may leave, in a sentence."""
    supply = found.supply
    told = (
        "No rate is known: no worker has asked Amazon SES yet, or it sets none"
        if supply.rate is None
        else f"{supply.rate:,.1f} mails a second"
    )
    if supply.left is not None:
        told += f", {supply.left:,} of {supply.per_day:,} left of the last 24 hours"
    elif supply.per_day == UNLIMITED:
        told += ", no day quota"
    if supply.held:
        why = HELD.get(found.held_code or "", "Amazon SES asked for it")
        told += f". Nothing leaves for {_span(timedelta(seconds=supply.held))}: {why}"
    return f"{told}."


def _span(span: timedelta | None) -> str:
    """A length of time as people say it: 4 s, 12 min, 3 h 20 min, 2 d 4 h."""
    if span is None:
        return "–"
    seconds = round(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def _as_json(found: Overview) -> dict[str, Any]:
    supply = found.supply
    return {
        "supply": {
            "rate": supply.rate,
            "per_day": supply.per_day,
            "left_today": supply.left,
            "held_seconds": supply.held,
            "held_code": found.held_code,
        },
        "lanes": [_row(each, "lane") for each in found.lanes],
        "sites": [_row(each, "id") for each in found.sites],
        "gateways": [_row(each, "gateway") for each in found.gateways],
        "paces": [
            {**each, "site_id": str(each["site_id"]), "refused_at": each["refused_at"].isoformat()}
            for each in found.paces
        ],
    }


def _row(row: Waiting, kind: str) -> dict[str, Any]:
    named = {kind: row.name} | ({"name": row.label} if row.label else {})
    return {
        **named,
        "stages": dict(row.stages),
        "oldest_seconds": row.oldest.total_seconds() if row.oldest is not None else None,
        "gone_in_seconds": row.gone_in.total_seconds() if row.gone_in is not None else None,
    }


COMMANDS = (queue,)
