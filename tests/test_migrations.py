"""Migrations: up, equal to the models, down to nothing, and up again, on the database of this run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from relay import db
from relay.commands.migrations import upgrade
from relay.db import Base
from tests.databases import Databases

ROOT = Path(__file__).parents[1]
VERSIONS = sorted((ROOT / "relay" / "migrations" / "versions").glob("[0-9]*.py"))


def config() -> Config:
    found = Config(toml_file=str(ROOT / "pyproject.toml"))
    found.set_main_option("script_location", str(ROOT / "relay" / "migrations"))
    return found


@pytest.fixture
def alembic(databases: Databases) -> Callable[..., None]:
    """Run one of Alembic's commands on a database of its own."""
    url = databases.empty()

    def run(name: str, *arguments: str) -> None:
        engine = db.connect(url, pool=1)
        with engine.connect() as connection:
            settings = config()
            settings.attributes["connection"] = connection
            getattr(command, name)(settings, *arguments)
        engine.dispose()

    run.url = url  # type: ignore[attr-defined]
    return run


def tables(url: str) -> set[str]:
    engine = db.connect(url, pool=1)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_up_equal_down_and_up_again(alembic: Callable[..., None]) -> None:
    url = alembic.url  # type: ignore[attr-defined]
    alembic("upgrade", "head")
    alembic("check")  # the models say what the migrations made
    assert tables(url) == {table.name for table in Base.metadata.sorted_tables} | {
        "alembic_version"
    }
    alembic("downgrade", "base")
    assert tables(url) == {"alembic_version"}
    alembic("upgrade", "head")
    alembic("check")


def test_migrating_twice_changes_nothing(databases: Databases) -> None:
    url = databases.empty()
    for _ in range(2):
        upgrade(url)
    engine = db.connect(url, pool=1)
    with engine.connect() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    engine.dispose()
    assert version == VERSIONS[-1].name[:4]


def test_migrations_are_numbered_one_after_the_other() -> None:
    assert [path.name[:4] for path in VERSIONS] == [f"{n:04}" for n in range(1, len(VERSIONS) + 1)]
    scripts = ScriptDirectory.from_config(config())
    assert len(scripts.get_heads()) == 1
    for revision in scripts.walk_revisions():
        number = int(revision.revision)
        assert revision.down_revision == (f"{number - 1:04}" if number > 1 else None)
        assert Path(revision.path).name.startswith(revision.revision)


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_an_old_migration_does_not_depend_on_todays_code(path: Path) -> None:
    assert not re.search(r"^\s*(from|import) relay", path.read_text(), re.MULTILINE)
