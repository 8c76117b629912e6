"""The command line knows every command without loading it, and loads the one that is called."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

from relay import commands
from relay.__main__ import MODULES, cli
from tests.commands.running import run


def test_every_command_is_found_in_the_module_that_has_it() -> None:
    modules = (each.name for each in pkgutil.iter_modules(commands.__path__))
    found = {
        command.name: name
        for name in modules
        for command in getattr(import_module(f"relay.commands.{name}"), "COMMANDS", ())
    }

    assert found == MODULES


def test_help_lists_the_commands_by_the_alphabet() -> None:
    assert list(cli.commands) == []  # nothing is loaded ahead
    listed = run("--help").stdout.partition("Commands:\n")[2]

    assert re.findall(r"^  (\S+)", listed, re.MULTILINE) == sorted(MODULES)


def test_a_command_that_does_not_exist_is_a_wrong_use() -> None:
    done = run("acount")

    assert done.returncode == 2
    assert "No such command 'acount'" in done.stderr
