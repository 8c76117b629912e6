"""/healthz and /readyz, as a load balancer asks them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker

from relay import db
from relay.context import Relay
from relay.db import Sessions
from tests.api.requests import check_problem
from tests.databases import Databases

MakeRelay = Callable[[Sessions, Sessions], Relay]


def test_a_process_that_answers_is_healthy(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}


def test_a_relay_with_its_database_is_ready(client: FlaskClient) -> None:
    told = client.get("/readyz").json
    assert told["status"] == "ready"
    assert told["schema"]


def test_without_its_database_a_relay_is_healthy_but_not_ready(
    client: FlaskClient, app: Flask, make_relay: MakeRelay
) -> None:
    gone = sessionmaker(create_engine("sqlite:////nowhere/at/all.db"))
    app.extensions["relay"] = make_relay(gone, gone)
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    check_problem(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_without_its_tables_a_relay_is_not_ready(
    client: FlaskClient, app: Flask, make_relay: MakeRelay, databases: Databases
) -> None:
    engine = db.connect(databases.empty())
    app.extensions["relay"] = make_relay(db.writing(engine), db.reading(engine))
    response = client.get("/readyz")
    engine.dispose()
    check_problem(response, 503, "unavailable")


@pytest.mark.parametrize(("schema", "status"), [("0001", 503), ("9999", 200)])
def test_the_tables_of_an_earlier_release_are_not_enough(
    schema: str,
    status: int,
    client: FlaskClient,
    app: Flask,
    make_relay: MakeRelay,
    databases: Databases,
) -> None:
    engine = db.connect(databases.fresh())
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :now"), {"now": schema})
    app.extensions["relay"] = make_relay(db.writing(engine), db.reading(engine))

    response = client.get("/readyz")
    engine.dispose()

    assert response.status_code == status
    assert ("earlier release" in response.text) == (status == 503)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_may_ask_for_the_head_only(path: str, client: FlaskClient) -> None:
    response = client.head(path)
    assert (response.status_code, response.data) == (200, b"")
