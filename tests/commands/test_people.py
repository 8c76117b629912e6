"""`people` at the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from relay import db
from relay.__main__ import cli
from relay.context import Relay
from relay.errors import NotFound
from relay.models import Site
from tests import factories
from tests.commands import running as commands
from tests.databases import Databases
from tests.factories import make_record


@pytest.fixture
def site(databases: Databases, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site of which commands know, and whose ledger knows Ada."""
    url = databases.fresh()
    monkeypatch.setenv("POSTREEVE_DATABASE_URL", url)
    monkeypatch.setenv("POSTREEVE_SECRET", factories.SECRET)
    engine = db.connect(url, pool=2)
    own = replace(relay, sessions=db.writing(engine), reads=db.reading(engine))
    found, _ = factories.make_shop(own)
    make_record(own, found, "ada@customer.example")
    yield found
    engine.dispose()


def run(*words: str, **given: Any) -> Result:
    return CliRunner().invoke(cli, ["people", *words], catch_exceptions=False, **given)


def test_an_operator_exports_and_erases(site: Site) -> None:
    of = ("--site", str(site.id))
    erased = run("erase", "ADA@customer.example", *of, "--yes", "--json")
    assert erased.exit_code == 0, erased.stderr
    assert json.loads(erased.stdout)["ledger_people"] == 1

    exported = json.loads(run("export", "ada@customer.example", *of).stdout)
    assert [row["kind"] for row in exported["ledger"]] == ["requested", "erased"]
    assert exported["erased_at"]


def test_nobody_is_erased_without_a_yes(site: Site) -> None:
    done = run("erase", "ada@customer.example", "--site", str(site.id), input="n")

    assert done.exit_code == 1
    assert "Erase ada@customer.example" in done.output


@pytest.mark.parametrize("words", [("export",), ("erase", "--yes")], ids=" ".join)
def test_a_site_that_is_not_there_has_no_people(words: tuple[str, ...], site: Site) -> None:
    nowhere = "018f0000-0000-7000-8000-00000000000a"

    with pytest.raises(NotFound, match="python -m relay site list"):
        run(*words, "ada@customer.example", "--site", nowhere)

    ledger = commands.run("consent", "verify", "--json")
    assert nowhere not in ledger.stdout
