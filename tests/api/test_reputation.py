"""`GET /v1/account/reputation`: the rates by which a site is judged."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient

from relay.context import Relay
from relay.models import Site
from relay.services import tallies
from relay.services.tallies import Told
from relay.vocabulary import Stream


def test_an_owner_sees_what_the_rules_see(
    client: FlaskClient, bearer: dict[str, str], relay: Relay, site: Site
) -> None:
    assert client.get("/v1/account/reputation", headers=bearer).json == {"streams": []}
    numbers = {"sent": 1, "ended": 1, "delivered": 1, "heard": 1, "complaints": 1}
    told = Told(
        site.id,
        Stream.NOTIFICATION,
        relay.clock() - timedelta(hours=1),
        "shop.example",
        "",
        "yahoo",
        None,
        numbers,
    )
    with relay.sessions.begin() as session:
        tallies.add(session, [told], now=relay.clock())
    (stream,) = client.get("/v1/account/reputation", headers=bearer).json["streams"]
    complaints = next(r for r in stream["rates"] if r["rule"] == "complaints")
    assert (stream["stream"], stream["young"]) == ("notification", True)
    assert (complaints["cases"], complaints["of"], complaints["rate"]) == (1, 1, 1.0)
    assert complaints["lines"] == {"warn": 0.0005, "limit": 0.001, "suspend": 0.003}


def test_it_needs_a_key_that_may_read(client: FlaskClient) -> None:
    assert client.get("/v1/account/reputation").status_code == 401
