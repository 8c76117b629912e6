"""`python -m relay demo`: the whole way, six mails, every outcome checked, nothing left behind."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import quote

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from relay.commands.trial import client, ports
from relay.commands.trial.children import Children, Trouble, interruptible
from relay.commands.trial.client import Api, Attachment, Mail
from relay.commands.trial.installation import Installation
from relay.commands.trial.launch import launch
from relay.commands.trial.outcomes import Expectation, Found, follow, refused
from relay.commands.trial.site import SENDER
from relay.commands.trial.steps import Steps, page

HOST = "@simulator.amazonses.com"

PICTURE = Attachment("every-byte.bin", "application/octet-stream", bytes(range(256)) * 40)
"""An attachment in which every byte occurs."""

TO, CC, BCC = (f"success+{part}{HOST}" for part in ("to", "cc", "bcc"))

BOUNCES = f"bounce{HOST}"

MAILS = (
    Expectation("An ordinary mail", Mail(SENDER, "Your receipt", (f"success{HOST}",)), "delivered"),
    Expectation("No such mailbox", Mail(SENDER, "Your order", (BOUNCES,)), "bounced"),
    Expectation("Marked as spam", Mail(SENDER, "Welcome", (f"complaint{HOST}",)), "complained"),
    Expectation(
        "Out of office",
        Mail(SENDER, "Your booking", (f"ooto{HOST}",)),
        "delivered",
        also=("soft_bounced", "replied"),
    ),
    Expectation(
        "With Cc, Bcc, file",
        Mail(SENDER, "The contract", (TO,), cc=(CC,), bcc=(BCC,), attachments=(PICTURE,)),
        "delivered",
    ),
)


@click.command()
def demo() -> None:
    """Send one mail of each kind and check every outcome.

    Runs on free ports with a database of its own, which is removed afterwards; some 10 seconds.
    Exit codes: 0 all as it should be, 1 something is not, 130 interrupted.
    """
    steps = Steps()
    folder = Path(tempfile.mkdtemp(prefix="postreeve-demo-"))
    began = time.monotonic()
    try:
        with interruptible(), Children() as children:
            found = _travel(Installation(folder, ports.any_free()), children, steps)
    except Trouble as trouble:
        steps.fail(f"\n{trouble}\nEverything is stopped; the logs are kept in {folder}.")
        sys.exit(1)
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        steps.say("\nStopped before the end.")
        sys.exit(130)
    _show(found)
    wrong = sum(not row.is_right for row in found)
    if wrong:
        steps.fail(f"{wrong} of {len(found)} are wrong; the logs are kept in {folder}.")
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)
    steps.say(f"All {len(found)} are right ({time.monotonic() - began:.0f} s). Next: make run")


def _travel(installation: Installation, children: Children, steps: Steps) -> list[Found]:
    site = launch(installation, children, steps, web_workers=1)
    api = Api(installation.ports.web, site.key)
    with steps.doing("Five mails to seven people") as tell:
        found = follow(api, MAILS, children, tell)
    with steps.doing("The copies in the simulator's mailbox"):
        found.append(_copy_of_bcc(installation.ports.simulator))
    with steps.doing("Another mail to the address that bounced"):
        again = Mail(SENDER, "Your invoice", (BOUNCES,))
        found.append(refused(api, "The next to bounce", again, code="suppressed"))
    return found


def _copy_of_bcc(port: int) -> Found:
    """What the person in Bcc got: the attachment byte for byte, and no header that names them."""
    listed = client.request("GET", port, f"/mails?recipient={quote(BCC)}").body.get("mails", [])
    found = "no mail"
    if listed:
        raw = client.exchange("GET", port, f"/mails/{listed[0]['id']}/raw")[1]
        message = message_from_bytes(raw, policy=policy.default)
        files = [part.get_payload(decode=True) for part in message.iter_attachments()]
        unseen = BCC.encode() not in raw
        found = f"{'intact' if files == [PICTURE.data] else 'changed'}, {'unseen' if unseen else 'seen'}"
    return Found("Its file, its Bcc", "", BCC, expected="intact, unseen", found=found)


def _show(found: Sequence[Found]) -> None:
    table = Table(
        title=f"What became of them (addresses: …{HOST})",
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in ("Mail", "To", "Expected", "Found", ""):
        table.add_column(name, overflow="fold")
    for row in found:
        mark = "[green]✓[/green]" if row.is_right else "[red]✗[/red]"
        table.add_row(row.what, row.address.removesuffix(HOST), row.expected, row.found, mark)
    click.echo()
    page().print(table)
