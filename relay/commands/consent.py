"""`consent`: prove the ledger, look after its keys, for operators."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from relay.addresses import parse
from relay.commands.groups import Group
from relay.commands.output import json_option, relay, show
from relay.commands.parameters import SITE_ID
from relay.services import key_versions, proof_pages, proofs, verification
from relay.services.accounts import check_named, find_site
from relay.services.seals import Head, parse_head
from relay.services.verification import Verdict

BROKEN = 1
"""Exit code where something is not as it was sealed."""


def _head(_context: click.Context, _option: click.Parameter, text: str | None) -> Head | None:
    try:
        return parse_head(text) if text is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group(cls=Group)
def consent() -> None:
    """The consent ledger."""


@consent.command("verify")
@click.option("--site", "site_id", type=SITE_ID, help="Only this site; without it, all.")
@click.option(
    "--head",
    "noted",
    callback=_head,
    metavar="NUMBER:HASH",
    help="A head printed earlier: proves that nothing up to it was removed. Needs --site.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def verify(site_id: UUID | None, noted: Head | None, as_json: bool) -> None:
    """Prove every hash of every chain, and every commitment whose personal fields are still there.

    Exit codes: 0 all is whole, 1 something is broken (or the check could not run), 2 wrong use.
    Note the heads that it prints somewhere else: only with one can a removed end be seen.
    """
    if noted and site_id is None:
        raise click.UsageError("--head belongs to one chain: say which with --site.")
    context = relay()
    keyring, now = context.settings.keyring, context.clock()
    with context.reads() as session:
        check_named(session, site_id=site_id)
        ids = [site_id] if site_id else list(verification.sites(session))
        with _progress(verification.count(session, ids)) as advance:
            verdicts = [
                verification.verify(session, keyring, each, noted=noted, now=now, progress=advance)
                for each in ids
            ]
    whole = all(verdict.whole for verdict in verdicts)
    if as_json:
        told = {"whole": whole, "sites": [_as_json(verdict) for verdict in verdicts]}
        click.echo(json.dumps(told, indent=2))
    else:
        _tell(verdicts)
    sys.exit(0 if whole else BROKEN)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, where that is a terminal."""
    with Progress(
        TextColumn("Verifying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("verify", total=total)
        yield lambda done: bar.advance(task, done)


def _tell(verdicts: list[Verdict]) -> None:
    if not verdicts:
        click.echo("The ledger is empty: no consent was asked for yet.")
    for verdict in verdicts:
        word = (
            click.style("whole", fg="green") if verdict.whole else click.style("BROKEN", fg="red")
        )
        click.echo(f"Site {verdict.site_id}: {word}")
        click.echo(
            f"  {verdict.head.number} rows sealed, {verdict.waiting} waiting, "
            f"personal fields of {verdict.personal} proven or tried"
        )
        click.echo(f"  head {verdict.head}")
        for finding in verdict.findings:
            where = f"number {finding.number}" if finding.number else "unsealed"
            row = f", row {finding.record_id}" if finding.record_id else ""
            click.echo(f"  ✗ {finding.fault}: {where}{row}: {finding.sentence}")
        if verdict.faults > len(verdict.findings):
            click.echo(f"  … and {verdict.faults - len(verdict.findings)} more faults")


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "site_id": str(verdict.site_id),
        "whole": verdict.whole,
        "head": str(verdict.head),
        "rows": verdict.head.number,
        "waiting": verdict.waiting,
        "personal": verdict.personal,
        "faults": verdict.faults,
        "findings": [
            {
                "fault": finding.fault.value,
                "number": finding.number,
                "record_id": str(finding.record_id) if finding.record_id else None,
                "detail": finding.sentence,
            }
            for finding in verdict.findings
        ],
    }


@consent.command("keys")
@json_option
def keys(as_json: bool) -> None:
    """Show which versions of POSTREEVE_CONSENT_KEYS are in use, and which may be removed."""
    context = relay()
    with context.reads() as session:
        rows = [
            {
                "version": each.version,
                "key": "current" if each.current else "there" if each.known else "MISSING",
                "rows": each.rows,
                "with_personal_fields": each.personal,
                "erasures": each.erasures,
                "last_used_at": each.last_used_at,
                "may_be_removed": "yes" if each.removable else "no",
            }
            for each in key_versions.versions(session, context.settings.keyring)
        ]
    show(rows, as_json=as_json, title="Consent keys", empty="There is no key.")
    if not as_json:
        click.echo(
            "Links in mail are sealed with these keys as well: keep a version for as long as links "
            "made under it are to work."
        )


@consent.command("proof")
@click.argument("email")
@click.option("--site", "site_id", required=True, type=SITE_ID, help="At which site.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to this file, as a page to read and print.",
)
def proof(email: str, site_id: UUID, html: Path | None) -> None:
    """Print what proves the consent of EMAIL at a site, as JSON."""
    address, context = parse(email), relay()
    with context.reads() as session:
        find_site(session, site_id)
        made = proofs.proof(
            session,
            context.settings.keyring,
            site_id=site_id,
            address=address,
            now=context.clock(),
        )
    if html is None:
        click.echo(json.dumps(made, indent=2, ensure_ascii=False))
    else:
        html.write_text(proof_pages.render(made), encoding="utf-8")
        click.echo(f"Written to {html}.", err=True)


COMMANDS = (consent,)
