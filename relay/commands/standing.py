"""`account approve|warn|limit|suspend|reinstate|terminate`, the same for `site`, and `audit`."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import click

from relay.commands.output import Row, json_option, relay, show, show_one
from relay.commands.parameters import ACCOUNT_ID, SITE_ID, limit_option
from relay.models import Action
from relay.policy.standing import STEPS
from relay.services import actions, decisions, operators
from relay.services.accounts import check_named
from relay.services.actions import OF_STREAMS, Order, Subject
from relay.services.decisions import Waivers
from relay.vocabulary import Cause, Stream, Verb

HELP = {
    Verb.APPROVE: "Let {it} send, which was waiting for it.",
    Verb.WARN: "Tell the owner that something goes wrong; everything still leaves.",
    Verb.LIMIT: "Hold newsletters and notifications; receipts and security mail still leave.",
    Verb.SUSPEND: "Stop {it}, but for security mail; not even that for phishing, malware, stolen-key.",
    Verb.REINSTATE: "Let {it} send again; what is held leaves by `held release`.",
    Verb.TERMINATE: "End {it} for good; what waits ends, explained.",
}

NEXT = {
    Verb.LIMIT: "What is held: python -m relay held list",
    Verb.SUSPEND: "What is held: python -m relay held list",
    Verb.REINSTATE: "What was held leaves group by group: python -m relay held list, then held release",
}


def log_in() -> str:
    """The name under which this person works on this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


BY = click.option(
    "--by", "operator", default=log_in, metavar="NAME", help="Who decides; else your log-in."
)
"""The option that says who decides."""


WAIVERS: dict[tuple[str, Verb], tuple[str, str]] = {
    ("account", Verb.APPROVE): (
        "without_policy",
        "Although the acceptable use policy was not accepted; kept as evidence.",
    ),
    ("account", Verb.TERMINATE): (
        "keep_domains",
        "Do not ban its verified domains; phishing, malware and spam do otherwise.",
    ),
}
"""Verbs that can be done otherwise than usual: the option, and what it means."""


def add_to(group: click.Group, word: str) -> None:
    """Add the verbs to the commands about accounts, or about sites."""
    for verb in STEPS:
        group.command(verb.value, help=HELP[verb].format(it=f"the {word}"))(_command(word, verb))


def _command(word: str, verb: Verb) -> Callable[..., Any]:
    @click.argument("id", type=ACCOUNT_ID if word == "account" else SITE_ID)
    @click.option(
        "--reason", required=True, metavar="TEXT", help="Why; kept, and told to the owner."
    )
    @click.option(
        "--cause",
        type=click.Choice([cause.value for cause in Cause]),
        required=verb in actions.NEEDS_CAUSE,
        help="What it is about.",
    )
    @BY
    @json_option
    def command(
        id: UUID,
        reason: str,
        cause: str | None,
        operator: str,
        as_json: bool,
        stream: str | None = None,
        **expressly: bool,
    ) -> None:
        context = relay()
        only = Stream(stream) if stream else None
        subject = Subject(site_id=id, stream=only) if word == "site" else Subject(account_id=id)
        order = Order(verb, operators.actor(operator), reason, Cause(cause) if cause else None)
        with context.sessions.begin() as session:
            done = decisions.decide(
                session,
                subject,
                order,
                Waivers(**expressly),
                sender=context.settings.house_sender,
                public_url=context.settings.public_url,
                now=context.clock(),
            )
            row = _row(done)
        show_one(
            row,
            as_json=as_json,
            title=f"Done; the owner of the {word} is told",
            hint=NEXT.get(verb, "") or _domains(done),
        )

    if word == "site" and verb in OF_STREAMS:
        command = click.option(
            "--stream",
            type=click.Choice([stream.value for stream in Stream]),
            help="Only this stream of it.",
        )(command)
    if (waiver := WAIVERS.get((word, verb))) is not None:
        name, means = waiver
        command = click.option(f"--{name.replace('_', '-')}", name, is_flag=True, help=means)(
            command
        )
    return command


def _domains(done: Action) -> str:
    """What became of the domains of an account that has ended."""
    found = done.evidence.get("domains", {})
    said = {
        "banned": "Banned for everybody (undo: domain unban NAME): {}",
        "spared": "Not banned, for another account in good standing sends from it "
        "(if it must be: domain ban NAME): {}",
        "kept": "Not banned, as you wished: {}",
    }
    return "\n".join(
        line.format(", ".join(found[name])) for name, line in said.items() if found.get(name)
    )


@click.command()
@click.option("--account", "account_id", type=ACCOUNT_ID, help="Only this account and its sites.")
@click.option("--site", "site_id", type=SITE_ID, help="Only this site and its account.")
@limit_option()
@json_option
def audit(account_id: UUID | None, site_id: UUID | None, limit: int, as_json: bool) -> None:
    """Show what was done to accounts and sites, by whom and why. Nobody can change this log."""
    with relay().reads() as session:
        check_named(session, account_id=account_id, site_id=site_id)
        found = actions.history(session, account_id=account_id, site_id=site_id, limit=limit)
        rows = [
            _row(each) if as_json else _line(each, actions.name_of(session, each)) for each in found
        ]
    show(rows, as_json=as_json, title="Audit log", empty="Nothing was done yet.")


def _row(done: Action) -> Row:
    return {
        "id": done.id,
        "at": done.at,
        "by": done.actor,
        "verb": done.verb.value,
        "account": done.account_id,
        "site": done.site_id,
        "stream": done.stream.value if done.stream else None,
        "from": _short(done.before),
        "to": _short(done.after),
        "cause": done.cause.value if done.cause else None,
        "reason": done.reason,
        "evidence": done.evidence,
    }


def _short(side: Mapping[str, Any]) -> str:
    """One side of an action in a word: the state, or what else was changed."""
    return str(side.get("state") or side.get("held_until") or side.get("slowed_until") or "–")


def _line(done: Action, whose: str) -> Row:
    """The same for people: names, the long number last."""
    return {
        "at": done.at,
        "by": done.actor.removeprefix("operator:"),
        "verb": done.verb.value,
        "whose": whose,
        "from": _short(done.before),
        "to": _short(done.after),
        "cause": done.cause.value if done.cause else None,
        "reason": done.reason,
        "id": done.id,
    }


COMMANDS = (audit,)
