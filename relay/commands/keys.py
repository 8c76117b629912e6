"""`key`: with which secret a site sends, and an account looks after its sites."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import click
from click.core import ParameterSource

from relay.commands.groups import Group
from relay.commands.output import Row, json_option, relay, show, show_one
from relay.commands.parameters import ACCOUNT_ID, SITE_ID
from relay.models import ApiKey
from relay.services import accounts
from relay.services.accounts import NewKey, check_named
from relay.vocabulary import Scope

SHOWN_ONCE = "Copy the key now: only its digest is kept, and it is never shown again."

CONNECTS = "It connects the account's sites: wp postreeve connect --relay=… --token=-"


@click.group(cls=Group)
def key() -> None:
    """API keys of sites, and of accounts."""


@key.command("create")
@click.option("--site", "site_id", type=SITE_ID, help="The site that mails with it.")
@click.option(
    "--account", "account_id", type=ACCOUNT_ID, help="The account that connects its sites with it."
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    default=[Scope.SEND.value, Scope.READ.value],
    show_default=True,
    help="What a site's key may do; may be given more than once.",
)
@click.option("--name", default="", help="To tell keys apart.")
@click.option("--bind", is_flag=True, help="Refuse the key when another site's address uses it.")
@click.pass_context
@json_option
def create_key(
    command: click.Context,
    site_id: UUID | None,
    account_id: UUID | None,
    scopes: Sequence[str],
    name: str,
    bind: bool,
    as_json: bool,
) -> None:
    """Make an API key of a site, or of an account. It is shown once."""
    if (site_id is None) == (account_id is None):
        raise click.UsageError("Whose key is it? Give --site or --account.")
    if account_id is not None:
        scoped = command.get_parameter_source("scopes") is not ParameterSource.DEFAULT
        if scoped or bind:
            raise click.UsageError("--scope and --bind are for a site's key.")
    context = relay()
    secret, now = context.settings.secret, context.clock()
    with context.sessions.begin() as session:
        if account_id is not None:
            made = accounts.create_account_key(
                session, account_id, secret=secret, name=name, now=now
            )
        elif site_id is not None:
            made = accounts.create_key(
                session,
                site_id,
                secret=secret,
                scopes=[Scope(scope) for scope in scopes],
                name=name,
                bind=bind,
                now=now,
            )
    _show_new(made, as_json=as_json, title="API key created")


@key.command("rotate")
@click.argument("prefix")
@json_option
def rotate_key(prefix: str, as_json: bool) -> None:
    """Replace the key PREFIX by a new one; the old one works for 24 hours more."""
    context = relay()
    with context.sessions.begin() as session:
        made = accounts.rotate_key(
            session, prefix, secret=context.settings.secret, now=context.clock()
        )
    _show_new(made, as_json=as_json, title="API key rotated; the old one ends in 24 hours")


@key.command("revoke")
@click.argument("prefix")
@json_option
def revoke_key(prefix: str, as_json: bool) -> None:
    """End the key PREFIX at once."""
    context = relay()
    with context.sessions.begin() as session:
        ended = accounts.revoke_key(session, prefix, now=context.clock())
        row = _key(ended)
    show_one(
        row, as_json=as_json, title="API key revoked; requests with it are refused from now on"
    )


@key.command("list")
@click.option("--site", "site_id", type=SITE_ID, help="Only this site's keys.")
@click.option("--account", "account_id", type=ACCOUNT_ID, help="Only this account's own keys.")
@json_option
def list_keys(site_id: UUID | None, account_id: UUID | None, as_json: bool) -> None:
    """List keys, without their secrets."""
    with relay().reads() as session:
        check_named(session, account_id=account_id, site_id=site_id)
        found = accounts.list_keys(session, site_id, account_id=account_id)
        rows = [_key(each) if as_json else _line(each) for each in found]
    show(rows, as_json=as_json, title="API keys", empty="No keys yet; try: key create --help")


def _key(made: ApiKey) -> Row:
    return {
        "prefix": made.prefix,
        "site": made.site_id,
        "account": made.account_id,
        "name": made.name,
        "scopes": list(made.scopes),
        "last_used_at": made.last_used_at,
        "expires_at": made.expires_at,
        "revoked_at": made.revoked_at,
    }


def _line(made: ApiKey) -> Row:
    """A key in as few columns as leave the prefix whole."""
    of_site = made.site_id is not None
    return {
        "prefix": made.prefix,
        "whose": f"site {made.site_id}" if of_site else f"account {made.account_id}",
        "name": made.name,
        "scopes": list(made.scopes),
        "last_used": made.last_used_at,
        "ends": made.revoked_at or made.expires_at,
    }


def _show_new(made: NewKey, *, as_json: bool, title: str) -> None:
    row = {
        "id": made.key.id,
        "prefix": made.key.prefix,
        "scopes": list(made.key.scopes),
        "key": made.secret,
    }
    hint = SHOWN_ONCE if made.key.site_id is not None else f"{SHOWN_ONCE}\n{CONNECTS}"
    show_one(row, as_json=as_json, title=title, hint=hint)


COMMANDS = (key,)
