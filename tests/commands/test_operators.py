"""`python -m relay operator`: keys of the people who run the relay."""

from __future__ import annotations

import json

from sqlalchemy import select

from relay.app import create_app
from relay.context import Relay
from relay.models import Operator
from tests.commands.running import run


def asked_with(installation: Relay, key: str) -> int:
    client = create_app(installation).test_client()
    headers = {"Authorization": f"Bearer {key}"}
    return client.get("/v1/operator/accounts", headers=headers).status_code


def test_a_key_is_shown_once_works_and_ends(installation: Relay) -> None:
    made = json.loads(run("operator", "add", "Ada Lovelace", "--json").stdout)
    assert made["key"].startswith("pro_")
    assert asked_with(installation, made["key"]) == 200

    (row,) = json.loads(run("operator", "list", "--json").stdout)
    assert (row["id"], row["name"], row["revoked_at"]) == (made["id"], "Ada Lovelace", None)
    assert row["last_used_at"] is not None
    assert made["key"] not in json.dumps(row)
    assert made["key"].startswith(row["prefix"])

    assert "Revoked" in run("operator", "revoke", made["id"]).stdout
    assert asked_with(installation, made["key"]) == 401
    assert run("operator", "revoke", made["id"]).returncode == 0


def test_the_key_itself_is_not_kept(installation: Relay) -> None:
    key = json.loads(run("operator", "add", "ada", "--json").stdout)["key"]
    with installation.reads() as session:
        (kept,) = session.scalars(select(Operator))
    secret = key.split("_", 2)[2]  # it may hold underscores itself
    assert secret not in {kept.prefix, kept.digest, kept.name}
    assert secret not in kept.digest


def test_two_keys_in_use_do_not_share_a_name(installation: Relay) -> None:
    first = json.loads(run("operator", "add", "ada", "--json").stdout)["id"]
    again = run("operator", "add", " ada ")
    assert (again.returncode, "revoke it first" in again.stderr) == (1, True)
    run("operator", "revoke", first)
    assert "Copy the key now" in run("operator", "add", "ada").stdout
    assert len(json.loads(run("operator", "list", "--json").stdout)) == 2


def test_what_is_no_name_and_no_operator(installation: Relay) -> None:
    for name in ("", " ", "x" * 81, "a\x1b[31m"):
        assert run("operator", "add", name).returncode == 1
    nobody = run("operator", "revoke", "018f0000-0000-7000-8000-000000000001")
    assert (nobody.returncode, "operator list" in nobody.stderr) == (1, True)
    assert "operator add NAME" in run("operator", "list").stdout
