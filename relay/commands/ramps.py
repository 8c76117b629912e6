"""`site ramp`: how a site's warm-up goes, and an operator's say in it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import click

from relay.commands.output import Row, json_option, relay, show_one
from relay.commands.parameters import SITE_ID
from relay.services import progress, ramps
from relay.services.progress import Climb, Progress

MOST = 10_000_000


@click.command("ramp")
@click.argument("site_id", type=SITE_ID)
@click.option(
    "--per-day",
    type=click.IntRange(1, MOST),
    help="Newsletters and notifications a day from now on; clean days let it grow from there.",
)
@click.option("--restart", is_flag=True, help="Begin anew, as a site without history does.")
@json_option
def ramp(site_id: UUID, per_day: int | None, restart: bool, as_json: bool) -> None:
    """Show how far the site SITE_ID may go with newsletters and notifications, or set it."""
    if per_day is not None and restart:
        raise click.UsageError("Either --per-day or --restart")
    context = relay()
    with context.sessions.begin() as session:
        if per_day is not None:
            ramps.set_ramp(session, site_id, per_day)
        if restart:
            ramps.restart(session, site_id)
    with context.reads() as session:
        found = progress.of_site(session, site_id, now=context.clock())
    lists = {"domains": _domains(found), "waiting": _waiting(found)}
    if as_json:
        show_one(_row(site_id, found) | lists, as_json=True, title="")
        return
    show_one(_row(site_id, found), as_json=False, title="Warm-up", hint="\n".join(_lines(found)))


def _row(site_id: UUID, found: Progress) -> Row:
    return {
        "id": site_id,
        "state": found.state.value,
        **_climb(found.site),
        "plan_per_hour": found.plan.per_hour,
        "plan_per_day": found.plan.per_day,
        "young_sites_left": found.shared,
    }


def _domains(found: Progress) -> list[dict[str, Any]]:
    return [{"name": domain.name} | _climb(domain) for domain in found.domains]


def _waiting(found: Progress) -> list[dict[str, Any]]:
    return [
        {
            "list": each.list,
            "copies": each.copies,
            "code": each.reason.value,
            "until": each.until.isoformat(),
            "canary": each.canary.value if each.canary else None,
        }
        for each in found.waiting
    ]


def _climb(climb: Climb) -> dict[str, Any]:
    return {
        "per_hour": climb.allowed.per_hour,
        "used_hour": climb.used_hour,
        "per_day": climb.allowed.per_day,
        "used_day": climb.used_day,
        "clean_days": climb.clean_days,
        "full_volume_on": climb.full_volume_on.isoformat() if climb.full_volume_on else None,
    }


def _lines(found: Progress) -> list[str]:
    """The domains and what waits, a sentence each."""
    lines = [
        f"{domain.name}: {domain.used_day} of {domain.allowed.per_day} today, "
        f"{domain.used_hour} of {domain.allowed.per_hour} this hour; {_promise(domain)}"
        for domain in found.domains
    ]
    return [f"The site: {_promise(found.site)}", *lines] + [
        f"{each.copies} copies wait ({each.list or 'notifications'}): {each.title}; "
        f"looked at next at {each.until:%Y-%m-%d %H:%M} UTC"
        for each in found.waiting
    ]


def _promise(climb: Climb) -> str:
    if climb.full_volume_on is None:
        return "full volume"
    return f"full volume on {climb.full_volume_on}, if all days are clean"
