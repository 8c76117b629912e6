"""`/v1/operator/`: looking at accounts, acting on them, and deciding what waits."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from relay.addresses import parse
from relay.context import Relay
from relay.db import new_id
from relay.models import Account, Attempt, Message, Review, Site
from relay.services import (
    abuse_reports,
    acceptable_use,
    actions,
    appeals,
    domain_rules,
    freezing,
    reviews,
)
from relay.services.actions import Order, Subject
from relay.services.person_links import PersonLink
from relay.vocabulary import AbuseReason, Cause, ReviewKind, State, Stream, Verb
from tests import factories
from tests.api.requests import check_problem
from tests.fakes import FakeClock
from tests.feedback import make_feedback
from tests.steps import accept, deliver_due, status

Ask = Callable[..., TestResponse]

SPAM = {"verb": "suspend", "cause": "spam", "reason": "mail in Russian from a bakery in Bonn"}


@pytest.fixture
def ask(client: FlaskClient, relay: Relay) -> Ask:
    """A request of the operator Ada; the path is what follows /v1/operator/."""
    with relay.sessions.begin() as session:
        secret = factories.make_operator(session).secret

    def send(path: str, json: Any = None, **query: Any) -> TestResponse:
        return client.open(
            f"/v1/operator/{path}",
            method="GET" if json is None else "POST",
            json=json,
            query_string=query,
            headers={"Authorization": f"Bearer {secret}"},
        )

    return send


def names(response: TestResponse) -> list[str]:
    return [each["name"] for each in response.json["accounts"]]


# --- finding --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Wood & 100% Co", "Shop Ltd"]),
        ({"search": "shop LTD"}, ["Shop Ltd"]),
        ({"search": "owner@"}, ["Shop Ltd"]),
        ({"search": "SHOP.example"}, ["Shop Ltd"]),
        ({"search": "wood.example"}, ["Wood & 100% Co"]),
        ({"search": "100%"}, ["Wood & 100% Co"]),
        ({"search": "%"}, ["Wood & 100% Co"]),
        ({"search": "nobody"}, []),
        ({"state": "suspended"}, ["Wood & 100% Co"]),
        ({"state": "suspended", "search": "shop"}, []),
    ],
)
def test_accounts_are_found_by_what_one_remembers_of_them(
    query: dict[str, str], found: list[str], ask: Ask, relay: Relay, site: Site
) -> None:
    with relay.sessions.begin() as session:
        other = factories.make_account(session, name="Wood & 100% Co", state=State.SUSPENDED)
        other.owner_email = "w@wood.example"
        factories.make_site(session, other, url="https://www.wood.example")
        letters_to(relay, session, site)  # which makes the relay's own account
    assert names(ask("accounts", **query)) == found


def letters_to(relay: Relay, session: Any, site: Site) -> None:
    actions.act(
        session,
        Subject(site_id=site.id),
        Order(Verb.WARN, "operator:ada", "x", Cause.OTHER),
        sender="relay@relay.example",
        now=relay.clock(),
    )


def test_a_long_list_is_read_page_by_page(ask: Ask, relay: Relay, account: Account) -> None:
    with relay.sessions.begin() as session:
        for name in ("Two", "Three"):
            factories.make_account(session, name=name)
    first = ask("accounts", limit=2)
    assert names(first) == ["Three", "Two"]
    last = ask("accounts", limit=2, cursor=first.json["next_cursor"])
    assert (names(last), last.json["next_cursor"]) == (["Shop Ltd"], None)


@pytest.mark.parametrize(
    "query", [{"state": "odd"}, {"limit": 0}, {"cursor": "x"}, {"colour": 1}, {"search": "a\0"}]
)
def test_a_question_that_is_none_is_refused(query: dict[str, Any], ask: Ask) -> None:
    check_problem(ask("accounts", **query), 400, "request-invalid")


def test_an_account_is_shown_with_all_one_has_to_know(
    ask: Ask, relay: Relay, account: Account, site: Site
) -> None:
    with relay.sessions.begin() as session:
        twin = factories.make_account(session, name="Twin", state=State.TERMINATED)
        factories.make_site(session, twin)
    accept(relay, site)
    done = ask(f"sites/{site.id}/actions", SPAM).json
    with relay.sessions.begin() as session:
        freezing.freeze(session, now=relay.clock())
        appeals.appeal(
            session, account.id, site.id, "It was a plugin", sender="r@relay.example",
            now=relay.clock(),
        )  # fmt: skip
    told = ask(f"accounts/{account.id}").json
    assert (told["name"], told["owner"], told["language"], told["state"]) == (
        "Shop Ltd", "owner@shop.example", "en", "active",
    )  # fmt: skip
    (shown,) = told["sites"]
    assert (shown["state"], shown["standing"]["cause"]) == ("suspended", "spam")
    assert shown["standing"]["held"] == {"sending-suspended": 1}
    assert told["domains"] == [{"name": "shop.example", "status": "verified", "review": None}]
    assert [(each["kind"], each["held"]) for each in told["reviews"]] == [("sending-suspended", 1)]
    assert [each["text"] for each in told["appeals"]] == ["It was a plugin"]
    assert told["actions"] == [done]
    assert [(each["name"], each["state"]) for each in told["related"]] == [("Twin", "terminated")]
    assert {tie["kind"] for tie in told["related"][0]["because"]} == {"owner-address", "site-host"}


def test_the_relay_s_own_account_is_not_shown(ask: Ask, relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        letters_to(relay, session, site)
    for id in (actions.HOUSE_ACCOUNT, new_id()):
        check_problem(ask(f"accounts/{id}"), 404, "not-found")


# --- acting ---------------------------------------------------------------------------------


def test_an_action_is_done_and_answered_as_the_audit_log_has_it(
    ask: Ask, relay: Relay, site: Site
) -> None:
    told = ask(f"sites/{site.id}/actions", SPAM)
    assert told.status_code == 201
    assert {name: told.json[name] for name in ("by", "verb", "cause", "before", "after")} == {
        "by": "operator:ada",
        "verb": "suspend",
        "cause": "spam",
        "before": {"state": "active", "cause": None},
        "after": {"state": "suspended", "cause": "spam"},
    }
    account = ask(
        f"accounts/{site.account_id}/actions", {"verb": "warn", "cause": "other", "reason": "x"}
    ).json
    assert (account["account_id"], account["site_id"]) == (str(site.account_id), None)
    for query in ({}, {"site": site.id}, {"account": site.account_id}):
        assert ask("actions", **query).json == {
            "actions": [account, told.json], "next_cursor": None,
        }  # fmt: skip
    first = ask("actions", limit=1).json
    assert first["actions"] == [account]
    assert ask("actions", limit=1, cursor=first["next_cursor"]).json["actions"] == [told.json]


def test_a_stream_of_a_site_is_limited_alone(ask: Ask, relay: Relay, site: Site) -> None:
    order = {"verb": "limit", "cause": "complaints", "reason": "x", "stream": "marketing"}
    told = ask(f"sites/{site.id}/actions", order).json
    assert (told["stream"], told["after"]["state"]) == ("marketing", "limited")
    (shown,) = ask(f"accounts/{site.account_id}").json["sites"]
    assert (shown["state"], shown["standing"]["lanes"]["marketing"]) == ("active", "held")
    response = ask(f"accounts/{site.account_id}/actions", order)
    check_problem(response, 400, "request-invalid")


@pytest.mark.parametrize(
    ("asked", "code", "slug"),
    [
        ({"verb": "reinstate", "reason": "x"}, 409, "conflict"),
        ({"verb": "warn", "reason": "x"}, 400, "request-invalid"),  # no cause
        ({"verb": "warn", "cause": "spam"}, 400, "request-invalid"),
        ({"verb": "warn", "cause": "spam", "reason": " "}, 400, "request-invalid"),
        ({"verb": "warn", "cause": "spam", "reason": "\0"}, 400, "request-invalid"),
        ({"verb": "warn", "cause": "spam", "reason": "\ud800"}, 400, "request-invalid"),
        ({"verb": "slow", "cause": "spam", "reason": "x"}, 400, "request-invalid"),  # the relay's
        ({**SPAM, "stream": "marketing"}, 400, "request-invalid"),  # a stream is limited at most
        ({"verb": "hang", "cause": "spam", "reason": "x"}, 400, "request-invalid"),
        ({**SPAM, "actor": "operator:bob"}, 400, "request-invalid"),
        ({**SPAM, "keep_domains": True}, 400, "request-invalid"),  # a site has none
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    asked: dict[str, Any], code: int, slug: str, ask: Ask, relay: Relay, site: Site
) -> None:
    check_problem(ask(f"sites/{site.id}/actions", asked), code, slug)
    with relay.reads() as session:
        assert actions.history(session) == []


def test_whom_nobody_knows_nothing_is_done_to(ask: Ask) -> None:
    for path in ("accounts", "sites"):
        check_problem(ask(f"{path}/{new_id()}/actions", SPAM), 404, "not-found")


def test_approval_asks_for_the_policy_unless_it_is_waived(ask: Ask, relay: Relay) -> None:
    with relay.sessions.begin() as session:
        one, two = (factories.make_account(session, state=State.PENDING) for _ in range(2))
        acceptable_use.accept(session, two.id, acceptable_use.VERSION, by="Nora", now=relay.clock())
    approve = {"verb": "approve", "reason": "known"}
    check_problem(ask(f"accounts/{one.id}/actions", approve), 409, "conflict")
    waived = ask(f"accounts/{one.id}/actions", approve | {"without_policy": True}).json
    assert waived["evidence"]["policy"]["accepted"] is None
    assert ask(f"accounts/{two.id}/actions", approve).status_code == 201


@pytest.mark.parametrize(("keep", "banned"), [(False, ["shop.example"]), (True, [])])
def test_ending_an_account_bans_its_domains_unless_they_are_kept(
    keep: bool, banned: list[str], ask: Ask, relay: Relay, account: Account
) -> None:
    end = SPAM | {"verb": "terminate", "keep_domains": keep}
    told = ask(f"accounts/{account.id}/actions", end).json
    assert told["evidence"]["domains"].get("banned", []) == banned
    with relay.reads() as session:
        assert [rule.name for rule in domain_rules.list_rules(session)] == banned


# --- deciding -------------------------------------------------------------------------------


def held(relay: Relay, site: Site) -> tuple[str, Any]:
    """A receipt that waits, and its review."""
    page = '<p>Hello <b>Ada</b>: <a href="https://bank.example/x">shop</a></p>'
    receipt = accept(relay, site, body=page, Content_Type="text/html; charset=UTF-8")
    with relay.sessions.begin() as session:
        message = session.get_one(Message, UUID(receipt["id"]))
        kind = ReviewKind.CAMPAIGN_IN_DISGUISE
        review = reviews.open_review(session, message, kind, people=1, now=relay.clock())
        reviews.hold(session, review, [UUID(receipt["recipients"][0]["id"])])
    return str(review.id), receipt


def test_held_mail_is_shown_without_its_tricks_and_released(
    ask: Ask, relay: Relay, site: Site
) -> None:
    review, receipt = held(relay, site)
    (listed,) = ask("reviews").json["reviews"]
    assert (listed["id"], listed["account"], listed["held"]) == (review, "Shop Ltd", 1)
    other, _ = factories.make_shop(relay)
    assert ask("reviews", site=other.id).json == {"reviews": [], "next_cursor": None}
    shown = ask(f"reviews/{review}").json
    assert "Hello Ada: shop" in shown["text"]
    assert "<" not in shown["text"]
    assert shown["links"] == ["https://bank.example/x"]

    told = ask(f"reviews/{review}/decision", {"decision": "released", "reason": "a concert"}).json
    assert (told["decision"], told["decided_by"], told["reason"]) == (
        "released", "operator:ada", "a concert",
    )  # fmt: skip
    with relay.sessions.begin() as session:
        reviews.carry_out(session, now=relay.clock())
    assert status(relay, site, receipt) == "queued"
    assert ask("reviews").json["reviews"] == []
    assert [each["id"] for each in ask("reviews", decided=True).json["reviews"]] == [review]
    again = ask(f"reviews/{review}/decision", {"decision": "rejected", "reason": "or not"})
    check_problem(again, 409, "conflict")


@pytest.mark.parametrize(
    "asked",
    [
        {"decision": "released"},
        {"decision": "maybe", "reason": "x"},
        {"decision": "released", "reason": "x", "per_minute": 0},
    ],
)
def test_a_decision_is_one_with_a_reason(
    asked: dict[str, Any], ask: Ask, relay: Relay, site: Site
) -> None:
    review, _ = held(relay, site)
    check_problem(ask(f"reviews/{review}/decision", asked), 400, "request-invalid")
    with relay.reads() as session:
        assert session.scalars(select(Review)).one().decision is None


def test_reports_of_abuse_are_listed_and_shown(ask: Ask, relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        link = PersonLink(site.id, parse("ada@customer.example"), "marketing", None)
        abuse_reports.report(
            session, link, reason=AbuseReason.FRAUD, comment="a fake bank",
            evidence={"page": "report-abuse"}, now=relay.clock(),
        )  # fmt: skip
    (listed,) = ask("abuse-reports", open="true").json["reports"]
    assert (listed["reason"], listed["comment"], listed["severity"]) == (
        "fraud", "a fake bank", "fraud",
    )  # fmt: skip
    assert ask(f"abuse-reports/{listed['id']}").json == {"report": listed, "mail": None}
    other, _ = factories.make_shop(relay)
    assert ask("abuse-reports", site=other.id).json == {"reports": [], "next_cursor": None}


def test_a_report_is_closed_once(ask: Ask, relay: Relay, site: Site) -> None:
    with relay.sessions.begin() as session:
        link = PersonLink(site.id, parse("ada@customer.example"), "marketing", None)
        id = abuse_reports.report(
            session, link, reason=AbuseReason.FRAUD, evidence={}, now=relay.clock()
        )
    decided = {"decision": "acted", "reason": "the site is limited"}
    closed = ask(f"abuse-reports/{id}/decision", decided).json["report"]
    assert (closed["decision"], closed["decided_by"]) == ("acted", "operator:ada")
    assert ask("abuse-reports", open="true").json == {"reports": [], "next_cursor": None}
    check_problem(ask(f"abuse-reports/{id}/decision", decided), 409, "conflict")


def test_a_feedback_report_is_taken_in(ask: Ask, relay: Relay, site: Site) -> None:
    accept(relay, site)
    deliver_due(relay)
    with relay.reads() as session:
        (provider_id,) = session.scalars(select(Attempt.provider_id))
    raw = make_feedback(returned=f"Message-ID: <{provider_id}@email.amazonses.com>")
    sent = {"message": b64encode(raw).decode()}
    taken = ask("arf", sent).json
    assert (taken["result"], taken["type"]) == ("complaint", "abuse")
    (report,) = ask("abuse-reports", open="true").json["reports"]
    assert (report["id"], report["origin"]) == (taken["report_id"], "arf")
    assert ask("arf", sent).json["result"] == "known"
    check_problem(ask("arf", {"message": "%"}), 400, "request-invalid")
    assert ask("arf").json == {"feedback": [], "next_cursor": None}


def test_feedback_that_fits_no_mail_is_read_page_by_page(ask: Ask) -> None:
    for number in range(3):
        raw = make_feedback(returned=f"Message-ID: <{number}@elsewhere.example>")
        ask("arf", {"message": b64encode(raw).decode()})

    first = ask("arf", limit=2).json
    rest = ask("arf", limit=2, cursor=first["next_cursor"]).json

    assert [each["told"]["message-id"] for each in first["feedback"] + rest["feedback"]] == [
        f"<{number}@elsewhere.example>" for number in (2, 1, 0)
    ]
    assert rest["next_cursor"] is None


def test_an_appeal_is_answered_with_the_mail_that_may_leave(
    ask: Ask, relay: Relay, site: Site
) -> None:
    accept(relay, site)
    news = accept(relay, site, to=["n@customer.example"], stream=Stream.MARKETING)
    ask(f"sites/{site.id}/actions", SPAM)
    with relay.sessions.begin() as session:
        freezing.freeze(session, now=relay.clock())
        made = appeals.appeal(
            session, site.account_id, site.id, "It was a plugin", sender="r@relay.example",
            now=relay.clock(),
        )  # fmt: skip
    (listed,) = ask("appeals").json["appeals"]
    assert (listed["id"], listed["answer_by"]) == (str(made.id), "2026-11-24T09:00:00+00:00")
    other, _ = factories.make_shop(relay)
    assert ask("appeals", account=other.account_id).json == {"appeals": [], "next_cursor": None}
    shown = ask(f"appeals/{made.id}").json
    assert shown["action"]["verb"] == "suspend"
    lanes = {each["lane"]: each["id"] for each in shown["frozen"]}
    assert set(lanes) == {"transactional", "marketing"}

    answer = {"decision": "accepted", "reason": "it is gone", "release": [lanes["transactional"]]}
    told = ask(f"appeals/{made.id}/decision", answer).json
    assert (told["decision"], told["decided_by"], told["answer"]) == (
        "accepted", "operator:ada", "it is gone",
    )  # fmt: skip
    assert [each["lane"] for each in told["frozen"]] == ["marketing"]
    assert status(relay, site, news) == "held"
    assert ask("appeals").json["appeals"] == []
    assert len(ask("appeals", decided=True).json["appeals"]) == 1
    check_problem(ask(f"appeals/{made.id}/decision", answer), 409, "conflict")


# --- long lists -----------------------------------------------------------------------------


def read_on(ask: Ask, path: str, **query: Any) -> list[str]:
    """The ids of a list, read page by page, one on each."""
    what, ids, cursor = path.partition("-")[2] or path, [], {}
    while True:
        page = ask(path, limit=1, **query, **cursor).json
        ids += [each["id"] for each in page[what]]
        if page["next_cursor"] is None:
            return ids
        cursor = {"cursor": page["next_cursor"]}


def at_once(ask: Ask, path: str, **query: Any) -> list[str]:
    """The ids of a list, all on one page."""
    return [each["id"] for each in ask(path, **query).json[path.partition("-")[2] or path]]


def report(relay: Relay, site: Site, who: str, reason: AbuseReason) -> str:
    """Somebody reports the newsletters of a site."""
    with relay.sessions.begin() as session:
        link = PersonLink(site.id, parse(f"{who}@customer.example"), "marketing", None)
        made = abuse_reports.report(session, link, reason=reason, evidence={}, now=relay.clock())
    return str(made)


@pytest.fixture
def desk(ask: Ask, relay: Relay, clock: FakeClock, site: Site) -> None:
    """Of everything six, made by twos at one time, of which three are decided in another order."""
    ids: dict[str, list[str]] = {"reviews": [], "appeals": [], "abuse-reports": []}
    for number in range(6):
        with relay.sessions.begin() as session:
            account = session.get_one(Account, site.account_id)
            each = factories.make_site(session, account, url=f"https://{number}.shop.example")
        ids["reviews"].append(held(relay, each)[0])
        assert ask(f"sites/{each.id}/actions", SPAM).status_code == 201
        with relay.sessions.begin() as session:
            appeal = appeals.appeal(
                session, account.id, each.id, "x", sender="r@relay.example", now=clock()
            )
        ids["appeals"].append(str(appeal.id))
        reason = (AbuseReason.KEEPS_COMING, AbuseReason.FRAUD, AbuseReason.OTHER)[number % 3]
        ids["abuse-reports"].append(report(relay, each, "ada", reason))
        clock.advance(minutes=number % 2)
    for number in (4, 0, 2):
        for path, word in (
            ("reviews", "rejected"), ("appeals", "declined"), ("abuse-reports", "acted")
        ):  # fmt: skip
            decision = {"decision": word, "reason": "x"}
            assert ask(f"{path}/{ids[path][number]}/decision", decision).status_code == 200
        clock.advance(minutes=1)


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    ("path", "query", "many"),
    [
        ("reviews", {}, 3),
        ("reviews", {"decided": True}, 3),
        ("appeals", {}, 3),
        ("appeals", {"decided": True}, 3),
        ("abuse-reports", {}, 6),
        ("abuse-reports", {"open": True}, 3),
    ],
)
def test_what_waits_is_read_page_by_page_in_its_order(
    path: str, query: dict[str, Any], many: int, ask: Ask
) -> None:
    assert read_on(ask, path, **query) == at_once(ask, path, **query)
    assert len(set(read_on(ask, path, **query))) == many


def test_who_reads_on_misses_nothing_of_what_was_decided_meanwhile(
    ask: Ask, relay: Relay, site: Site
) -> None:
    reviews = [held(relay, site)[0] for _ in range(3)]
    first = ask("reviews", limit=1).json
    ask(f"reviews/{reviews[0]}/decision", {"decision": "released", "reason": "x"})

    rest = ask("reviews", cursor=first["next_cursor"]).json
    assert [each["id"] for each in rest["reviews"]] == reviews[1:]


def test_who_reads_on_misses_no_report_because_one_has_become_less_grave(
    ask: Ask, relay: Relay, site: Site
) -> None:
    grave, next_one = (report(relay, site, who, AbuseReason.FRAUD) for who in ("ada", "bob"))
    first = ask("abuse-reports", open=True, limit=1).json
    assert [each["id"] for each in first["reports"]] == [grave]
    report(relay, site, "ada", AbuseReason.OTHER)

    rest = ask("abuse-reports", open=True, cursor=first["next_cursor"]).json
    assert [each["id"] for each in rest["reports"]] == [next_one, grave]


@pytest.mark.parametrize("path", ["reviews", "appeals", "abuse-reports", "arf"])
@pytest.mark.parametrize("cursor", ["x", "0" * 48, "0" + "f" * 48, "0" * 50, new_id()])
def test_a_cursor_of_another_list_is_refused(path: str, cursor: Any, ask: Ask) -> None:
    problem = ask(path, cursor=cursor)
    check_problem(problem, 400, "request-invalid")
    assert "Not a cursor of this list." in problem.text


@pytest.mark.parametrize(
    ("path", "whose"),
    [
        ("actions", "account"), ("actions", "site"), ("appeals", "account"), ("reviews", "site"),
        ("abuse-reports", "account"), ("abuse-reports", "site"),
    ],
)  # fmt: skip
def test_a_list_of_what_concerns_nobody_known_is_not_empty_but_refused(
    path: str, whose: str, ask: Ask
) -> None:
    problem = ask(path, **{whose: new_id()})

    check_problem(problem, 404, "not-found")
    assert f"There is no {whose} with this id" in problem.json["detail"]


def test_what_nobody_knows_is_not_found(ask: Ask) -> None:
    for path in ("reviews", "abuse-reports", "appeals"):
        check_problem(ask(f"{path}/{new_id()}"), 404, "not-found")
    decide = {"decision": "released", "reason": "x"}
    check_problem(ask(f"reviews/{new_id()}/decision", decide), 404, "not-found")
    decide = {"decision": "accepted", "reason": "x"}
    check_problem(ask(f"appeals/{new_id()}/decision", decide), 404, "not-found")
