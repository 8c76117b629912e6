"""`account`, `site`: who may send."""

from __future__ import annotations

from uuid import UUID

import click
from sqlalchemy import select

from relay.commands import standing, tenants
from relay.commands.groups import Group
from relay.commands.output import Row, json_option, relay, show, show_one
from relay.commands.parameters import ACCOUNT_ID, SITE_ID, Name
from relay.commands.ramps import ramp
from relay.commands.reputation import site_reputation
from relay.errors import AlreadyExists
from relay.languages import ENGLISH, LANGUAGES
from relay.models import Account, AccountRequest, Site
from relay.policy.acceptable_use import VERSION
from relay.policy.site_urls import check_site as check_website
from relay.services import acceptable_use, accounts, first_contacts, relations
from relay.services.letters import HOUSE_ACCOUNT
from relay.services.relations import Related
from relay.services.sites import site_at
from relay.vocabulary import State

EARNED = "earned"
MOST_FIRST_CONTACTS = 10_000_000


@click.group(cls=Group)
def account() -> None:
    """Customers of this relay."""


IN_LANGUAGE = click.Choice(list(LANGUAGES))


@account.command("create")
@click.argument("name", type=Name())
@click.option("--owner", required=True, metavar="EMAIL", help="Where notices to the owner go.")
@click.option(
    "--language",
    type=IN_LANGUAGE,
    default=ENGLISH,
    show_default=True,
    help="The language of letters to the owner.",
)
@click.option("--pending", is_flag=True, help="It sends to nobody but its owner until approved.")
@click.option(
    "--policy-accepted-by",
    "accepted_by",
    metavar="NAME",
    help="Who has accepted the acceptable use policy for it (/policy).",
)
@json_option
def create_account(
    name: str, owner: str, language: str, pending: bool, accepted_by: str | None, as_json: bool
) -> None:
    """Create an account called NAME; it is active at once, or waits for `account approve`."""
    context = relay()
    with context.sessions.begin() as session:
        made = accounts.create_account(
            session,
            name=name,
            owner_email=owner,
            language=language,
            state=State.PENDING if pending else State.ACTIVE,
            now=context.clock(),
        )
        if accepted_by is not None:
            acceptable_use.accept(session, made.id, VERSION, by=accepted_by, now=context.clock())
    show_one(
        _account(made),
        as_json=as_json,
        title="Account created",
        hint=f'Next: python -m relay site create --account {made.id} "My site" --url https://…',
    )


@account.command("show")
@click.argument("account_id", type=ACCOUNT_ID)
@json_option
def show_account(account_id: UUID, as_json: bool) -> None:
    """Show an account: its standing and what that is about, its sites, what was done to it."""
    with relay().reads() as session:
        found = accounts.find_account(session, account_id)
        asked = session.get(AccountRequest, account_id)
        row = _account(found) | {
            "asked_for": _asked(asked) if asked else None,
            "cause": found.cause.value if found.cause else None,
            "since": found.state_since,
            "reinstated_at": found.reinstated_at,
            "sites": [f"{each.id} {each.name} ({each.state.value})" for each in found.sites],
            **tenants.of_account(session, account_id, as_json=as_json),
            "policy_version": found.policy_version,
            "policy_accepted_at": found.policy_accepted_at,
            "policy_accepted_by": found.policy_accepted_by,
            "related": [
                _relative(each, as_json) for each in relations.of_account(session, account_id)
            ],
        }
    show_one(
        row,
        as_json=as_json,
        title="Account",
        hint=f"What was done: python -m relay audit --account {account_id}",
    )


@account.command("list")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only these.")
@json_option
def list_accounts(state: str | None, as_json: bool) -> None:
    """List all accounts."""
    query = select(Account).where(Account.id != HOUSE_ACCOUNT).order_by(Account.id)
    if state is not None:
        query = query.where(Account.state == State(state))
    with relay().reads() as session:
        rows = [_account(each) for each in session.scalars(query)]
    show(
        rows, as_json=as_json, title="Accounts", empty="No accounts yet; try: account create --help"
    )


@click.group(cls=Group)
def site() -> None:
    """WordPress installs of an account."""


@site.command("create")
@click.argument("name", type=Name())
@click.option("--account", "account_id", required=True, type=ACCOUNT_ID, help="Whose site it is.")
@click.option("--url", required=True, help="The site's address, as in https://shop.example.")
@click.option("--from", "default_from", metavar="EMAIL", help="The site's usual sender address.")
@json_option
def create_site(
    name: str, account_id: UUID, url: str, default_from: str | None, as_json: bool
) -> None:
    """Create a site called NAME."""
    check_website(url)
    context = relay()
    with context.sessions.begin() as session:
        if known := site_at(session, account_id, url):
            raise AlreadyExists(f"This account has a site at this address: {known.id} {known.name}")
        made = accounts.create_site(
            session, account_id, name=name, url=url, default_from=default_from, now=context.clock()
        )
    show_one(
        _site(made),
        as_json=as_json,
        title="Site created",
        hint=f"Next: python -m relay key create --site {made.id}",
    )


@site.command("list")
@json_option
def list_sites(as_json: bool) -> None:
    """List all sites."""
    with relay().reads() as session:
        query = select(Site).where(Site.account_id != HOUSE_ACCOUNT).order_by(Site.id)
        rows = [_site(each) for each in session.scalars(query)]
    show(rows, as_json=as_json, title="Sites", empty="No sites yet; try: site create --help")


def _people(context: click.Context, parameter: click.Parameter, value: str) -> int | None:
    """A number of people, or None for what the site has earned."""
    if value == EARNED:
        return None
    if not value.isdecimal() or int(value) > MOST_FIRST_CONTACTS:
        raise click.BadParameter(f"a number up to {MOST_FIRST_CONTACTS}, or {EARNED!r}")
    return int(value)


@site.command("budget")
@click.argument("site_id", type=SITE_ID)
@click.option(
    "--first-contacts",
    "people",
    required=True,
    callback=_people,
    metavar="N|earned",
    help="People it never mailed to whom it may write in an hour; `earned`: what clean days earn.",
)
@json_option
def set_budget(site_id: UUID, people: int | None, as_json: bool) -> None:
    """Set what the site SITE_ID may send beyond what it has earned."""
    context = relay()
    with context.sessions.begin() as session:
        row = _budget(first_contacts.set_budget(session, site_id, people))
    show_one(row, as_json=as_json, title="First contacts an hour")


def _account(made: Account) -> Row:
    return {
        "id": made.id,
        "name": made.name,
        "owner": made.owner_email,
        "language": made.language,
        "state": made.state.value,
        "created_at": made.created_at,
    }


def _relative(found: Related, as_json: bool) -> Row | str:
    """A related account: a row for programs, a line for people."""
    ties = [f"{tie.kind.value} {tie.what}" for tie in found.because]
    if not as_json:
        state = found.account.state.value
        return f"{found.account.id} {found.account.name} ({state}: {'; '.join(ties)})"
    return {
        "id": str(found.account.id),
        "name": found.account.name,
        "state": found.account.state.value,
        "because": ties,
    }


def _asked(request: AccountRequest) -> str:
    """What somebody said who asked for the account by connecting a site."""
    return (
        f"{request.purpose} – about {request.expected_daily:,} mails a day from {request.site_url} "
        f"(asked {request.at:%Y-%m-%d %H:%M} UTC)"
    )


def _site(made: Site) -> Row:
    return {
        "id": made.id,
        "account": made.account_id,
        "name": made.name,
        "url": made.url,
        "state": made.state.value,
    }


def _budget(made: Site) -> Row:
    return {
        "id": made.id,
        "name": made.name,
        "first_contacts_set": made.first_contacts_set,
        "first_contacts_earned": made.first_contacts_earned,
    }


@account.command("accept-policy")
@click.argument("account_id", type=ACCOUNT_ID)
@click.option("--by", "accepted_by", required=True, metavar="NAME", help="Who of them accepted it.")
@json_option
def accept_policy(account_id: UUID, accepted_by: str, as_json: bool) -> None:
    """Note that the owner of ACCOUNT_ID has told you that they accept the policy in force (/policy)."""
    context = relay()
    with context.sessions.begin() as session:
        made = acceptable_use.accept(
            session, account_id, VERSION, by=accepted_by, now=context.clock()
        )
    row = {
        "id": made.id,
        "policy_version": made.policy_version,
        "policy_accepted_at": made.policy_accepted_at,
        "policy_accepted_by": made.policy_accepted_by,
    }
    show_one(row, as_json=as_json, title="Accepted")


@account.command("language")
@click.argument("account_id", type=ACCOUNT_ID)
@click.argument("language", type=IN_LANGUAGE)
@json_option
def set_language(account_id: UUID, language: str, as_json: bool) -> None:
    """Write to the owner of ACCOUNT_ID in LANGUAGE from now on."""
    with relay().sessions.begin() as session:
        row = _account(accounts.set_language(session, account_id, language))
    show_one(row, as_json=as_json, title="Language of letters to the owner")


standing.add_to(account, "account")
standing.add_to(site, "site")
site.add_command(ramp)
site.add_command(site_reputation)
