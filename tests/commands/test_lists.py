"""`python -m relay list`: operators make and see a site's lists."""

from __future__ import annotations

import json

import pytest

from relay import db
from tests import factories
from tests.commands.running import run
from tests.databases import Databases


def test_a_list_is_made_listed_and_shown(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = databases.fresh()
    monkeypatch.setenv("POSTREEVE_DATABASE_URL", url)
    monkeypatch.setenv("POSTREEVE_SECRET", factories.SECRET)
    engine = db.connect(url, pool=2)
    with db.writing(engine).begin() as session:
        account = factories.make_account(session)
        factories.make_domain(session, account)
        site = str(factories.make_site(session, account).id)
    engine.dispose()
    given = (
        "create", "news", "--site", site, "--name", "Shop news", "--controller", "Shop Ltd",
        "--postal-address", "1 Market Street", "--privacy-url", "https://shop.example/privacy",
    )  # fmt: skip

    refused = run("list", *given, "--sender", "ceo@bank.example")
    made = run("list", *given, "--sender", "news@shop.example", "--json")
    listed = run("list", "list", "--site", site, "--json")
    shown = run("list", "show", "news", "--site", site, "--json")

    assert (refused.returncode, "bank.example is not one of" in refused.stderr) == (1, True)
    assert [each["key"] for each in json.loads(listed.stdout)] == ["news"]
    assert json.loads(shown.stdout) == json.loads(made.stdout)
    assert json.loads(shown.stdout)["controller"] == "Shop Ltd"
