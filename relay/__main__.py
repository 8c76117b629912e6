"""The command line: `python -m relay --help`."""

from __future__ import annotations

import os
import sys
from errno import ENOSPC
from importlib import import_module

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from relay import __version__
from relay.commands.groups import Group
from relay.errors import PostreeveError
from relay.settings import SettingsError

MODULES = {
    "abuse": "abuse",
    "account": "limits",
    "appeals": "appeals",
    "audit": "standing",
    "bounces": "bounces",
    "consent": "consent",
    "database": "database",
    "demo": "trial",
    "domain": "domains",
    "gateway": "gateways",
    "held": "held",
    "key": "keys",
    "list": "lists",
    "migrate": "migrations",
    "notice": "notices",
    "openapi": "openapi",
    "operator": "operators",
    "people": "people",
    "queue": "queue",
    "run": "trial",
    "sender": "senders",
    "simulate": "simulate",
    "site": "limits",
    "suppression": "suppressions",
    "tenants": "tenants",
    "web": "web",
    "worker": "worker",
}
"""Which module of relay.commands has which command among its `COMMANDS`."""


class Commands(Group):
    """All commands, each imported when it is called: a worker loads no web, `web` next to nothing."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Their names, in the order of the alphabet."""
        return list(MODULES)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command of that name, if there is one."""
        if name not in MODULES:
            return None
        commands: tuple[click.Command, ...]
        commands = import_module(f"relay.commands.{MODULES[name]}").COMMANDS
        return next(command for command in commands if command.name == name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="Postreeve")
@click.pass_context
def cli(context: click.Context) -> None:
    """Postreeve, the sending relay for WordPress.

    Settings come from POSTREEVE_… environment variables (docs/operations.md lists them).
    Exit codes: 0 done, 1 refused or failed, 2 wrong use.
    """
    if os.environ.get("NO_COLOR"):  # https://no-color.org: rich heeds it by itself, click does not
        context.color = False


def main() -> None:
    """Run the command; everything that is not a bug ends in a sentence, not in a traceback."""
    try:
        cli(prog_name="python -m relay")
    except SettingsError as error:
        click.echo(f"The settings are not complete:\n{error}", err=True)
        sys.exit(1)
    except PostreeveError as error:
        click.echo(f"{error.title}: {error.detail}", err=True)
        for each in error.members.get("errors", ()):
            click.echo(f"  {each['pointer'].removeprefix('#/')}: {each['detail']}", err=True)
        sys.exit(1)
    except (OperationalError, ProgrammingError) as error:
        click.echo(
            "The database does not answer, or its tables are not those of this version: "
            f"{str(error.orig).strip()}\n"
            "Check POSTREEVE_DATABASE_URL, then run: python -m relay migrate",
            err=True,
        )
        sys.exit(1)
    except OSError as error:
        if error.filename is None and error.errno != ENOSPC:  # a bug, or a neighbour's silence
            raise
        click.echo(f"{error.strerror}: {error.filename or 'the output'}", err=True)
        if error.filename is None:  # what is left over cannot be written at the end either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
