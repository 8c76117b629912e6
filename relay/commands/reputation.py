"""`site reputation`: how a site's mail is doing, as the rules see it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import click

from relay import languages
from relay.commands.output import Row, json_option, relay, show, show_one
from relay.commands.parameters import SITE_ID
from relay.policy.reputation import MONTH
from relay.services import reputation
from relay.services.reputation import Rate, StreamReputation
from relay.vocabulary import Dimension

PLACES = (Dimension.PROVIDER, Dimension.SOURCE, Dimension.DOMAIN, Dimension.IP)


@click.command("reputation")
@click.argument("site_id", type=SITE_ID)
@click.option(
    "--by",
    "dimension",
    type=click.Choice([each.value for each in PLACES]),
    help="Instead: where it went, or came from, in the last 30 days.",
)
@json_option
def site_reputation(site_id: UUID, dimension: str | None, as_json: bool) -> None:
    """Show how the mail of a site is doing: its rates, and from where on something follows."""
    context = relay()
    now = context.clock()
    with context.reads() as session:
        if dimension is not None:
            found = reputation.places(session, site_id, Dimension(dimension), since=now - MONTH)
            rows: list[Row] = [
                {
                    dimension: each.value,
                    "mailed": each.people,
                    "delivered": each.delivered,
                    "invalid": each.invalid,
                    "bounced": each.permanent,
                    "complaints": each.complaints,
                }
                for each in found
            ]
            title, empty = f"The last 30 days by {dimension}", "Nothing was reported in 30 days."
        else:
            streams = reputation.of_site(session, site_id, now=now)
            if as_json:
                show_one(
                    {"streams": [reputation.as_json(each) for each in streams]},
                    as_json=True,
                    title="",
                )
                return
            rows = [row for each in streams for row in _rows(each)]
            title, empty = "Reputation", "Nothing was reported of its mail yet."
    show(rows, as_json=as_json, title=title, empty=empty)


def _rows(found: StreamReputation) -> list[Row]:
    """A line for each rate of which anything was heard."""
    rows = [
        {
            "stream": found.stream.value,
            "what": rate.rule.value,
            "in": str(timedelta(hours=rate.window_hours)).removesuffix(", 0:00:00"),
            "counted": f"{rate.cases:,} of {rate.of:,}",
            "rate": languages.share(rate.rate),
            "surely": languages.share(rate.at_least),
            "next": _next(rate),
        }
        for rate in found.rates
        if rate.of
    ]
    return rows


def _next(rate: Rate) -> str:
    """The next line above the rate, and what it leads to."""
    above = [(line.rate, verb) for verb, line in rate.lines.items() if line.rate > rate.at_least]
    if not above:
        return "–"
    share, verb = min(above)
    return f"{verb.value} at {languages.share(share)}"
