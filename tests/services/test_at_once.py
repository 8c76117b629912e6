"""What is judged before the site's lock and written under it is what the patient way makes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from relay import ready
from relay.context import Relay
from relay.db import Base, new_id
from relay.errors import NotFound
from relay.mail import Source
from relay.models import (
    ApiKey,
    Content,
    IdempotencyKey,
    Message,
    Recipient,
    Site,
    SiteCount,
    SourceCount,
    Usage,
    Wording,
)
from relay.policy.wordings import MOST_ALIKE
from relay.services import (
    campaigns,
    circumstances,
    counts,
    first_contacts,
    intake,
    messages,
    reviews,
)
from relay.services.intake import Outrun
from relay.vocabulary import ReviewKind, Stage, State
from tests import factories
from tests.api.requests import BOUNDARY, encoded, parts
from tests.fakes import MORNING
from tests.steps import meanwhile, submit

pytestmark = pytest.mark.postgresql

WRITTEN = (
    Message, Content, Recipient, IdempotencyKey, Usage, SiteCount, SourceCount, Wording,
)  # fmt: skip
OWN = {"id", "site_id", "account_id", "message_id", "answer", "list_id"}
"""What no two messages have in common."""


@pytest.fixture
def site(shared: Relay) -> Site:
    """A site whose commits are commits."""
    return factories.make_shop(shared)[0]


@pytest.fixture
def sent(shared: Relay, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was sent without SQLAlchemy's constructs, in order; a semicolon where an answer was waited for."""
    told: list[str] = []
    ask, end = ready.ask, ready.end

    def noted_ask(connection: Any, statement: Any, given: Any) -> Any:
        told.append(f"{statement.text.split(None, 1)[0]};")
        return ask(connection, statement, given)

    def noted_end(connection: Any, *whole: Any) -> None:
        told.append(f"{' '.join(each.text.split(None, 1)[0] for each, _ in whole)};")
        end(connection, *whole)

    monkeypatch.setattr(circumstances, "ask", noted_ask)
    monkeypatch.setattr(intake, "end", noted_end)
    return told


def rows(relay: Relay, model: type[Base], site: Site) -> list[dict[str, Any]]:
    """What is kept for the site, without what is each message's own."""
    table = model.__table__
    query = select(table)
    if "site_id" in table.c:
        query = query.where(table.c.site_id == site.id)
    else:
        ours = select(Message.id).where(Message.site_id == site.id)
        query = query.where(table.c.message_id.in_(ours))
    with relay.reads() as session:
        found = [dict(row._mapping) for row in session.execute(query)]
    kept = [{name: v for name, v in row.items() if name not in OWN} for row in found]
    return sorted(kept, key=repr)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"key": "k1"},
        {"source": Source("shop", "checkout"), "key": "k1"},
        {"read_one_in": 1},
    ],
    ids=["plain", "with a key", "of a form", "read before it leaves"],
)
def test_the_hurried_way_writes_and_tells_what_the_patient_way_does(
    shared: Relay, site: Site, sent: list[str], given: dict[str, Any]
) -> None:
    with shared.sessions.begin() as session:
        other = factories.make_site(session, session.get_one(Site, site.id).account, name="Other")
    message = factories.make_message()

    hurried = submit(shared, site, message=message, **given)
    assert sent == ["SELECT;", "SELECT WITH;"]
    patient = submit(shared, other, message=message, hurried=False, **given)
    assert len(sent) == 2

    for model in WRITTEN:
        assert rows(shared, model, site) == rows(shared, model, other), model
    assert hurried.receipt["recipients"][0]["disposition"] == "queued"
    assert [*hurried.receipt] == [*patient.receipt]
    assert [meter.used for meter in hurried.meters[:3]] == [1, 1, 1]


def test_a_repetition_gets_the_first_answer(shared: Relay, site: Site, sent: list[str]) -> None:
    first = submit(shared, site, key="k1")
    again = submit(shared, site, key="k1")

    assert again.replayed
    assert again.receipt == first.receipt
    assert len(rows(shared, Message, site)) == 1
    with pytest.raises(messages.IdempotencyKeyReused):
        submit(shared, site, key="k1", to=["bob@customer.example"])


LATER = MORNING + timedelta(days=1)


def use(session: Any) -> None:
    """Somebody else's request gets the key `k1`."""
    session.execute(
        IdempotencyKey.__table__.insert().values(
            [
                {
                    "site_id": id,
                    "key": "k1",
                    "fingerprint": "f",
                    "answer": "{}",
                    "expires_at": LATER,
                }
                for id in session.scalars(select(Site.id))
            ]
        )
    )


def test_a_key_that_was_used_meanwhile_is_done_again(shared: Relay, site: Site) -> None:
    with pytest.raises(IntegrityError):
        meanwhile(shared, lambda: submit(shared, site, key="k1"), use)

    assert rows(shared, Message, site) == rows(shared, SiteCount, site) == []


@pytest.fixture
def post(app: Flask, shared: Relay) -> Callable[[], int]:
    """POST /v1/messages of a shop, with the key `k1`; gives the status."""
    _, key = factories.make_shop(shared)
    app.extensions["relay"] = shared

    def send() -> int:
        answer = app.test_client().post(
            "/v1/messages",
            data=encoded(parts()),
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
            headers={"Authorization": f"Bearer {key.secret}", "Idempotency-Key": "k1"},
        )
        return answer.status_code

    return send


def test_who_was_outrun_and_then_waits_for_a_request_with_the_same_key_finds_its_answer(
    shared: Relay, post: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def outrun(*_: Any, **__: Any) -> None:
        raise Outrun

    monkeypatch.setattr(messages, "accept_at_once", outrun)

    assert meanwhile(shared, post, use) == 409


def test_who_waits_for_the_site_s_lock_holds_no_key(shared: Relay, post: Callable[[], int]) -> None:
    def end_all_keys(session: Any) -> None:
        session.execute(text("SET LOCAL lock_timeout = '2s'"))
        session.execute(update(ApiKey).values(revoked_at=shared.clock()))

    assert meanwhile(shared, post, end_all_keys) == 202


MANY = 2_000_000_000
"""More than any limit."""


def suspend(session: Any) -> None:
    session.execute(update(Site).values(state=State.SUSPENDED))


def use_up_the_day(session: Any) -> None:
    session.execute(update(SiteCount).values(day_used=MANY))


def use_up_first_contacts(session: Any) -> None:
    session.execute(update(Usage).where(Usage.window == "first").values(recipients=MANY))


def open_the_breaker(session: Any) -> None:
    session.execute(update(SourceCount).values(hour_used=MANY))


@pytest.mark.parametrize(
    "change",
    [suspend, use_up_the_day, use_up_first_contacts, open_the_breaker],
)
def test_what_changes_while_the_lock_is_waited_for_has_the_last_word(
    shared: Relay, site: Site, change: Callable[[Any], None]
) -> None:
    given = {"source": Source("shop", None)}
    submit(shared, site, to=["first@customer.example"], **given)
    before = {model: rows(shared, model, site) for model in (Message, Content, Recipient)}

    with pytest.raises(Outrun):
        meanwhile(shared, lambda: submit(shared, site, key="k1", **given), change)

    assert {model: rows(shared, model, site) for model in before} == before
    assert rows(shared, IdempotencyKey, site) == []


def test_what_the_database_does_not_know_does_not_hold(
    shared: Relay, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_at_once = intake.end_at_once

    def of_no_version(*given: Any, **named: Any) -> None:
        end_at_once(*given, **{**named, "version": None})

    monkeypatch.setattr(intake, "end_at_once", of_no_version)
    with pytest.raises(Outrun):
        submit(shared, site)

    assert rows(shared, Message, site) == []


def test_a_site_that_is_not_there_takes_nothing(shared: Relay) -> None:
    with pytest.raises(NotFound):
        submit(shared, Site(id=new_id()))


@pytest.fixture
def known_to_be_busy(shared: Relay, site: Site) -> Site:
    """A site whose receipts are compared, in a process that knows it."""
    with shared.sessions.begin() as session:
        first_contacts.set_budget(session, site.id, 10_000)
        session.add(
            Usage(
                site_id=site.id, window="hour", messages=0, octets=0, recipients=MOST_ALIKE + 1,
                began_at=shared.clock().replace(minute=0, second=0, microsecond=0),
            )
        )  # fmt: skip
    campaigns.note_busy(site.id)
    return site


def test_a_busy_sites_receipt_is_compared_without_a_further_round_trip(
    shared: Relay, known_to_be_busy: Site, sent: list[str]
) -> None:
    submit(shared, known_to_be_busy)

    assert sent == ["SELECT;", "SELECT WITH;"]
    (copy,) = rows(shared, Recipient, known_to_be_busy)
    assert copy["stage"] is Stage.QUEUED
    assert len(rows(shared, Wording, known_to_be_busy)) == 1


def test_the_same_words_leave_at_once_for_a_hundred_people(
    shared: Relay, known_to_be_busy: Site
) -> None:
    for n in range(MOST_ALIKE + 1):
        submit(shared, known_to_be_busy, to=[f"p{n}@customer.example"])

    copies = rows(shared, Recipient, known_to_be_busy)
    assert [copy["stage"] for copy in copies].count(Stage.QUEUED) == MOST_ALIKE
    assert [copy["stage"] for copy in copies].count(Stage.CHECKING) == 1


def test_a_review_that_is_opened_meanwhile_has_the_last_word(
    shared: Relay, known_to_be_busy: Site
) -> None:
    submit(shared, known_to_be_busy)
    (said,) = rows(shared, Wording, known_to_be_busy)

    def open_review(session: Any) -> None:
        reviews.open_review(
            session,
            session.scalars(select(Message)).one(),
            ReviewKind.CAMPAIGN_IN_DISGUISE,
            people=1,
            wording=said["wording"],
            now=shared.clock(),
        )

    with pytest.raises(Outrun):
        meanwhile(shared, lambda: submit(shared, known_to_be_busy), open_review)

    assert len(rows(shared, Message, known_to_be_busy)) == 1


def test_near_the_accounts_limit_it_is_counted_under_the_accounts_lock(
    shared: Relay, site: Site, sent: list[str]
) -> None:
    with shared.sessions.begin() as session:
        account = session.get_one(Site, site.id).account
        account.limits = {"day": counts.HEADROOM}
        factories.make_site(session, account, name="Other")

    submit(shared, site)

    assert sent == ["SELECT;"]  # it was read, and then done patiently
    assert len(rows(shared, Message, site)) == 1


def test_a_connection_that_breaks_is_no_acceptance(
    shared: Relay, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = circumstances.facts_unlocked

    def then_break(connection: Any, *given: Any, **named: Any) -> Any:
        found = read(connection, *given, **named)
        with shared.reads() as killer:
            own = connection.connection.driver_connection.info.backend_pid
            killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        return found

    monkeypatch.setattr(circumstances, "facts_unlocked", then_break)
    with pytest.raises(OperationalError) as broken:
        submit(shared, site)
    assert broken.value.connection_invalidated
    monkeypatch.undo()

    assert rows(shared, Message, site) == []
    submit(shared, site)  # the next one gets another connection
    assert len(rows(shared, Message, site)) == 1


@pytest.mark.parametrize("hurried", [True, False])
def test_a_commit_that_fails_is_no_acceptance(shared: Relay, site: Site, hurried: bool) -> None:
    with shared.sessions.begin() as session:
        session.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE disk_full; END $$"
            )
        )
        session.execute(
            text(
                "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON messages "
                "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION full_disk()"
            )
        )

    with pytest.raises(OperationalError, match="disk_full"):
        submit(shared, site, key="k1", hurried=hurried)

    assert rows(shared, Message, site) == rows(shared, IdempotencyKey, site) == []
    with shared.sessions.begin() as session:
        session.execute(text("DROP TRIGGER at_commit ON messages"))
    assert not submit(shared, site, key="k1").replayed
