"""`python -m relay sender check`: a From line is judged before a mail is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from relay import db
from relay.db import Sessions
from relay.models import Message
from tests import factories
from tests.commands import running
from tests.commands.running import Done
from tests.databases import Databases


@pytest.fixture(scope="module")
def installation(databases: Databases) -> Iterator[tuple[Sessions, str, dict[str, str]]]:
    """A shop, whose domain is shop.example: sessions, the site's id, the environment."""
    url = databases.fresh()
    engine = db.connect(url, pool=2)
    sessions = db.writing(engine)
    with sessions.begin() as session:
        account = factories.make_account(session)
        factories.make_domain(session, account)
        site = factories.make_site(session, account)
    yield (
        sessions,
        str(site.id),
        os.environ
        | {
            "POSTREEVE_DATABASE_URL": url,
            "POSTREEVE_SECRET": factories.SECRET,
            "POSTREEVE_AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        },
    )
    engine.dispose()


def check(environment: dict[str, str], site: str, sender: str, *options: str) -> Done:
    return running.run("sender", "check", "--site", site, sender, *options, environment=environment)


def test_a_sender_that_would_be_taken(
    installation: tuple[Sessions, str, dict[str, str]],
) -> None:
    sessions, site, environment = installation

    done = check(environment, site, "Shop bank.com <news@shop.example>", "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["verdict"], told["code"], told["page"]) == ("taken", None, None)
    assert (told["name"], told["shown_name"]) == ("Shop bank.com", "Shop")
    assert [remark["code"] for remark in told["remarks"]] == ["sender-name-cleaned"]
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_a_sender_that_would_be_refused(
    installation: tuple[Sessions, str, dict[str, str]],
) -> None:
    _, site, environment = installation

    done = check(environment, site, "Shop <shop@gmail.com>")

    assert done.returncode == 1
    assert "Such a mail would be refused" in done.stdout
    assert "free-mail-sender" in done.stdout
    assert "/problems/free-mail-sender" in done.stdout


def test_a_from_line_that_is_none(installation: tuple[Sessions, str, dict[str, str]]) -> None:
    _, site, environment = installation

    done = check(environment, site, "nobody")

    assert done.returncode == 1
    assert "The From header must name exactly one address" in done.stderr
