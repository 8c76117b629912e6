"""`/v1/people/{email}`: exporting and erasing a person."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from relay.context import Relay
from relay.models import ConsentPerson, Site
from relay.vocabulary import Scope
from tests import factories
from tests.api.requests import check_problem
from tests.factories import make_record
from tests.steps import accept


@pytest.fixture
def manager(relay: Relay, site: Site) -> dict[str, str]:
    """The headers of a request with a key that may manage."""
    with relay.sessions.begin() as session:
        key = factories.make_key(session, site, scopes=[Scope.MANAGE])
    return {"Authorization": f"Bearer {key.secret}"}


def test_a_person_is_exported_and_erased(
    client: FlaskClient, relay: Relay, site: Site, manager: dict[str, str]
) -> None:
    accept(relay, site, to=["ada@customer.example"])
    make_record(relay, site, "ada@customer.example")

    found = client.get("/v1/people/Ada%40customer.example", headers=manager)
    assert found.status_code == 200
    assert found.json["messages"][0]["subject"] == "Your order"
    assert found.json["ledger"][0]["personal"]["ip"] == "192.0.2.7"

    erased = client.delete("/v1/people/ada@customer.example", headers=manager)
    assert erased.status_code == 200
    assert erased.json["stops"] == "promotional"
    assert erased.json["rows"]["copies"] == 1

    found = client.get("/v1/people/ada@customer.example", headers=manager)
    assert found.json["erased_at"]
    assert found.json["messages"] == []
    with relay.reads() as session:
        assert session.scalar(select(func.count()).select_from(ConsentPerson)) == 0


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_no_address_is_refused(
    method: str, client: FlaskClient, manager: dict[str, str]
) -> None:
    told = check_problem(
        client.open("/v1/people/nobody", method=method, headers=manager), 400, "request-invalid"
    )
    assert told["errors"][0]["pointer"] == "#/path/email"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_key_that_sends_does_not_read_people(
    method: str, client: FlaskClient, bearer: dict[str, str]
) -> None:
    response = client.open("/v1/people/ada@customer.example", method=method, headers=bearer)

    check_problem(response, 403, "scope-missing")
