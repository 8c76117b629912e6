"""`python -m relay site reputation`: how a site's mail is doing."""

from __future__ import annotations

import json
from datetime import timedelta

from relay.context import Relay
from relay.services import tallies
from relay.services.tallies import Told
from relay.vocabulary import Stream
from tests import factories
from tests.commands.running import run

INVALID = {"sent": 1, "ended": 1, "invalid": 1, "permanent": 1}
ARRIVED = {"sent": 1, "ended": 1, "delivered": 1}


def test_rates_with_their_lines_and_where_it_went(installation: Relay) -> None:
    site, _ = factories.make_shop(installation)
    sent_at = installation.clock() - timedelta(hours=3)
    told = Told(site.id, Stream.MARKETING, sent_at, "shop.example", "news", "gmail", None, ARRIVED)
    refused = Told(
        site.id, Stream.MARKETING, sent_at, "shop.example", "news", "proofpoint", None, INVALID
    )
    with installation.sessions.begin() as session:
        tallies.add(session, [told] * 95 + [refused] * 5, now=installation.clock())

    said = run("site", "reputation", str(site.id)).stdout
    assert "5 of 100" in said
    assert "limit at 4.0 %" in said

    (stream,) = json.loads(run("site", "reputation", str(site.id), "--json").stdout)["streams"]
    rates = {(rate["rule"], rate["window_hours"]): rate for rate in stream["rates"]}
    assert rates["invalid-addresses", 24]["lines"] == {"warn": 0.02, "limit": 0.04, "suspend": 0.08}
    assert rates["invalid-addresses", 24]["at_least"] < 0.04
    assert (stream["recent"], stream["recent_invalid"]) == (100, 5)

    by = json.loads(run("site", "reputation", str(site.id), "--by", "provider", "--json").stdout)
    assert {row["provider"]: (row["mailed"], row["invalid"]) for row in by} == {
        "gmail": (95, 0),
        "proofpoint": (5, 5),
    }


def test_an_unknown_site_and_one_without_mail(installation: Relay) -> None:
    site, _ = factories.make_shop(installation)
    assert "Nothing was reported" in run("site", "reputation", str(site.id)).stdout
    failed = run("site", "reputation", str(site.account_id))
    assert failed.returncode == 1
    assert "site list" in failed.stderr
