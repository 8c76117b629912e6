"""`list`: what people can subscribe to at a site."""

from __future__ import annotations

from uuid import UUID

import click

from relay.commands.finding import shown_by
from relay.commands.groups import Group
from relay.commands.output import Row, json_option, relay, show, show_one
from relay.commands.parameters import SITE_ID
from relay.languages import ENGLISH, LANGUAGES
from relay.models import MailingList
from relay.services import lists
from relay.services.accounts import find_site


@click.group("list", cls=Group)
def mailing_list() -> None:
    """Lists that people subscribe to."""


@mailing_list.command("create")
@click.argument("key")
@click.option("--site", "site_id", required=True, type=SITE_ID, help="Whose list it is.")
@click.option("--name", required=True, help="As people read it.")
@click.option("--controller", required=True, help="Who answers for it: a person or company.")
@click.option("--postal-address", required=True, help="Where a letter reaches the controller.")
@click.option("--privacy-url", required=True, help="Its privacy policy, https://…")
@click.option("--sender", required=True, metavar="EMAIL", help="In a verified domain.")
@click.option(
    "--language", default=ENGLISH, show_default=True, type=click.Choice([*LANGUAGES]),
    help="Of its mails and pages, unless the person's is known.",
)  # fmt: skip
@json_option
def create_list(key: str, site_id: UUID, as_json: bool, **given: str) -> None:
    """Create a list that the site calls KEY."""
    context = relay()
    with context.sessions.begin() as session:
        find_site(session, site_id)
        made = lists.create(session, site_id, key, given, now=context.clock())
    show_one(_row(made), as_json=as_json, title="List created")


@mailing_list.command("list")
@click.option("--site", "site_id", required=True, type=SITE_ID, help="Whose lists.")
@click.option("--archived", is_flag=True, help="Archived ones as well.")
@json_option
def list_lists(site_id: UUID, archived: bool, as_json: bool) -> None:
    """List the site's lists."""
    with relay().reads() as session:
        find_site(session, site_id)
        rows = [_short(each) for each in lists.of_site(session, site_id, archived=archived)]
    show(rows, as_json=as_json, title="Lists", empty="No lists yet; try: list create --help")


@mailing_list.command("show")
@click.argument("key")
@click.option("--site", "site_id", required=True, type=SITE_ID, help="Whose list it is.")
@json_option
def show_list(key: str, site_id: UUID, as_json: bool) -> None:
    """Show the list that the site calls KEY."""
    with relay().reads() as session, shown_by(f"list list --site {site_id}"):
        find_site(session, site_id)
        row = _row(lists.find(session, site_id, key))
    show_one(row, as_json=as_json, title="List")


def _short(found: MailingList) -> Row:
    return {
        "key": found.key,
        "name": found.name,
        "language": found.language,
        "sender": found.sender,
        "archived_at": found.archived_at,
    }


def _row(found: MailingList) -> Row:
    return {
        "id": found.id,
        **_short(found),
        "controller": found.controller,
        "postal_address": found.postal_address,
        "privacy_url": found.privacy_url,
        "created_at": found.created_at,
    }


COMMANDS = (mailing_list,)
