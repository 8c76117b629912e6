"""`bounces`: what a reply of a mail server means, for programs and for people. Needs no settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from relay.commands.groups import Group
from relay.policy.bounce_advice import words_for
from relay.policy.bounces import BounceClass, Fault, diagnose_event, explain, prediction, rules
from relay.policy.gateways import NAMES, Gateway


@click.group(cls=Group)
def bounces() -> None:
    """What bounces mean: whose fault it was, and what follows."""


@bounces.command()
def diagnose() -> None:
    """Diagnose SES events: lines {id, event} in, lines {id, class, suppress, fault, rule} out.

    One line out for each line in, in order. A line that cannot be read is told on stderr with its
    number, and the exit code is 1 in the end; the others are diagnosed all the same.
    """
    failed = False
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        try:
            told = _prediction(json.loads(line))
        except (ValueError, RecursionError) as error:
            click.echo(f"line {number}: {error}", err=True)
            failed = True
            continue
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
    if failed:
        sys.exit(1)


def _prediction(row: Any) -> dict[str, Any]:
    """What is told of one line. Raises `ValueError` for one that is not as it should be."""
    if not isinstance(row, dict) or "id" not in row:
        raise ValueError("an object with `id` and `event` is expected")
    event = row.get("event")
    if not isinstance(event, Mapping):
        raise ValueError("`event` must be an SES event, a JSON object")
    found = diagnose_event(event)
    if not found:
        nothing = {"class": BounceClass.UNDETERMINED, "suppress": False, "fault": Fault.UNKNOWN}
        return {"id": row["id"], **nothing, "rule": "no-bounce"}
    return {"id": row["id"], **prediction(found[0])}


@bounces.command("explain")
@click.argument("reply")
@click.option("--recipient", default="", metavar="EMAIL", help="Whom the mail was for.")
@click.option(
    "--gateway", type=click.Choice([each.value for each in Gateway]), metavar="NAME",
    help="Who receives mail there, if you know: microsoft-365, mimecast …",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain_reply(reply: str, recipient: str, gateway: str | None, as_json: bool) -> None:
    """Say what REPLY means, as in: bounces explain "550 5.4.1 Recipient address rejected"."""
    if not reply.strip():
        raise click.BadParameter("nothing stands in it", param_hint="REPLY")
    found = explain(reply, recipient=recipient, gateway=Gateway(gateway) if gateway else None)
    words, rule = words_for(found), rules().rules.get(found.rule)
    source = rule.source if rule else ""
    if as_json:
        told = {
            **prediction(found),
            "confidence": found.confidence,
            "ambiguous": found.ambiguous,
            "advice": found.advice,
            "parameters": found.parameters,
            "vendor": found.vendor,
            "source": source,
            "happened": words.happened,
            "why": words.why,
            "follows": words.follows,
            "do": words.do,
        }
        click.echo(json.dumps(told))
        return
    rows = {
        "What happened": words.happened,
        "Why": words.why,
        "What follows": words.follows,
        "What to do": words.do,
        "": "",
        "Its own words": reply.strip(),
        "Class": f"{found.bounce_class} (fault: {found.fault}, confidence: {found.confidence})",
        "Gateway": NAMES[found.vendor] if found.vendor else "not known",
        "Rule": f"{found.rule}, after: {source}" if source else found.rule,
    }
    for name, text in rows.items():
        click.echo(f"{name:<14} {text}".rstrip())


COMMANDS = (bounces,)
