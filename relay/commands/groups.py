"""How commands are listed. Imports nothing that takes its time."""

from __future__ import annotations

import click

SENTENCE = 300
"""Letters of a command's first sentence in a list of commands; none is as long."""


class Group(click.Group):
    """Commands, each with the whole sentence that it begins with: click cuts it at the end of a line."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands into a `--help`."""
        known = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, each.get_short_help_str(SENTENCE)) for name, each in known if each]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
