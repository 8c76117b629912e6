"""`held list`, `appeals list`, `abuse list`: what waits for operators, a part at a time."""

from __future__ import annotations

import json

import pytest

from relay.addresses import parse
from relay.context import Relay
from relay.models import Account
from relay.services import abuse_reports, appeals, freezing
from relay.services.person_links import PersonLink
from relay.vocabulary import AbuseReason
from tests import factories
from tests.commands.running import run
from tests.steps import accept

LISTS = ("held", "appeals", "abuse")


@pytest.fixture(autouse=True)
def desk(installation: Relay) -> None:
    """Of two suspended sites mail is held, the owner appeals, and somebody reports mail."""
    first, _ = factories.make_shop(installation)
    with installation.sessions.begin() as session:
        account = session.get_one(Account, first.account_id)
        second = factories.make_site(session, account, url="https://two.shop.example")
    now = installation.clock()
    for site in (first, second):
        accept(installation, site)
        run("site", "suspend", str(site.id), "--cause", "spam", "--reason", "9 complaints")
        with installation.sessions.begin() as session:
            freezing.freeze(session, now=now)
            appeals.appeal(session, site.account_id, site.id, "x", sender="r@r.example", now=now)
            link = PersonLink(site.id, parse("ada@customer.example"), "marketing")
            abuse_reports.report(session, link, reason=AbuseReason.FRAUD, evidence={}, now=now)


@pytest.mark.parametrize("what", LISTS)
def test_a_long_list_says_how_to_go_on(what: str) -> None:
    (first,), (second,) = _pages(what)
    assert [first, second] == json.loads(run(what, "list", "--json").stdout)


@pytest.mark.parametrize("what", LISTS)
@pytest.mark.parametrize("wrong", [("--cursor", "x"), ("--limit", "0")])
def test_what_is_no_part_of_a_list_is_refused(what: str, wrong: tuple[str, str]) -> None:
    assert run(what, "list", *wrong).returncode == 2


def _pages(what: str) -> list[list[object]]:
    """The rows of each page; where the next one begins is said beside them."""
    pages, cursor = [], []
    while True:
        done = run(what, "list", "--json", "--limit", "1", *cursor)
        pages.append(json.loads(done.stdout))
        if not done.stderr:
            return pages
        cursor = done.stderr.split()[-2:]
