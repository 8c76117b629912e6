"""`consent` at the command line: what it prints, and how it exits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, update

from relay import db
from relay.__main__ import cli
from relay.context import Relay
from relay.db import table_of
from relay.models import ConsentPerson, ConsentRecord, ConsentSeal, Site
from relay.settings import Settings
from tests import factories
from tests.databases import Databases
from tests.factories import make_record
from tests.services.test_ledger import seal
from tests.services.test_verification import disarm

KEYS = "1:" + "11" * 32
TWO_KEYS = KEYS + ",2:" + "22" * 32


@pytest.fixture
def installation(
    databases: Databases, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Relay, Site]]:
    """A relay with a sealed ledger of three rows under key 1, known to commands; and its site."""
    url = databases.fresh()
    monkeypatch.setenv("POSTREEVE_DATABASE_URL", url)
    monkeypatch.setenv("POSTREEVE_SECRET", factories.SECRET)
    monkeypatch.setenv("POSTREEVE_CONSENT_KEYS", KEYS)
    engine = db.connect(url, pool=2)
    own = replace(
        relay, sessions=db.writing(engine), reads=db.reading(engine),
        settings=Settings(url, factories.SECRET, consent_keys=(KEYS,)),
    )  # fmt: skip
    site, _ = factories.make_shop(own)
    for who in ("ada", "bob", "cy"):
        make_record(own, site, f"{who}@customer.example")
    seal(own)
    yield own, site
    engine.dispose()


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["consent", *words], catch_exceptions=False)


def test_a_whole_ledger_is_proven_and_its_head_can_be_noted(
    installation: tuple[Relay, Site],
) -> None:
    relay, site = installation

    said = run("verify")

    assert said.exit_code == 0
    assert f"Site {site.id}: whole" in said.stdout
    (head,) = re.findall(r"head (3:[0-9a-f]{64})$", said.stdout, re.MULTILINE)

    with relay.sessions.begin() as session:  # the last row goes, and all that tells of it
        disarm(session)
        last = session.query(ConsentSeal).filter_by(number=3).one().record_id
        for table, column in (
            (ConsentRecord, "id"), (ConsentSeal, "record_id"), (ConsentPerson, "record_id"),
        ):  # fmt: skip
            session.execute(delete(table_of(table)).where(table_of(table).c[column] == last))
    said = run("verify", "--site", str(site.id), "--head", head)
    assert said.exit_code == 1
    assert "BROKEN" in said.stdout
    assert "tail-removed: number 3" in said.stdout


def test_a_broken_ledger_is_told_and_exits_with_1(installation: tuple[Relay, Site]) -> None:
    relay, _ = installation
    with relay.sessions.begin() as session:
        disarm(session)
        session.execute(
            update(ConsentRecord).where(ConsentRecord.facts.is_not(None)).values(facts={})
        )

    told = run("verify", "--json")

    assert told.exit_code == 1
    (found,) = json.loads(told.stdout)["sites"]
    assert [(each["fault"], each["number"]) for each in found["findings"]] == [
        ("changed-row", 1), ("changed-row", 2), ("changed-row", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("--head", "3:" + "0" * 64),
        ("--head", "three", "--site", "018f0000-0000-7000-8000-00000000000a"),
        ("--head", "3:" + "x" * 64, "--site", "018f0000-0000-7000-8000-00000000000a"),
        ("--site", "shop"),
    ],
)
def test_wrong_use_exits_with_2(arguments: tuple[str, ...]) -> None:
    assert run("verify", *arguments).exit_code == 2


def test_keys_are_listed_with_what_needs_them(
    installation: tuple[Relay, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTREEVE_CONSENT_KEYS", TWO_KEYS)

    old, new = json.loads(run("keys", "--json").stdout)

    assert (old["version"], old["key"], old["rows"], old["with_personal_fields"]) == (
        1, "there", 3, 3,
    )  # fmt: skip
    assert (old["may_be_removed"], new["key"], new["rows"]) == ("no", "current", 0)


def test_a_proof_is_written_as_a_page(installation: tuple[Relay, Site], tmp_path: Path) -> None:
    _, site = installation
    page = tmp_path / "proof.html"

    done = run("proof", "ada@customer.example", "--site", str(site.id), "--html", str(page))

    assert done.exit_code == 0, done.stderr
    assert "Proof of consent: ada@customer.example" in page.read_text()
