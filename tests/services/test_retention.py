"""What is kept how long."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from relay.context import Relay
from relay.errors import ContentGone
from relay.models import CanaryCopy, Sending, Site
from relay.services import resends, retention
from relay.services.messages import IDEMPOTENCY_KEPT
from relay.vocabulary import Stream
from tests.connecting import Owner
from tests.fakes import FakeClock
from tests.steps import accept, deliver_due, rows, submit


def purge(relay: Relay) -> None:
    with relay.sessions.begin() as session:
        retention.purge(session, now=relay.clock())


def count(relay: Relay, table: str) -> int:
    with relay.sessions.begin() as session:
        return rows(session)[table]


def test_the_bytes_of_a_mail_are_deleted_a_week_after_it_was_worth_sending(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    receipt = accept(relay, site)
    deliver_due(relay)

    clock.advance(days=7)
    purge(relay)
    assert count(relay, "contents") == 1

    clock.advance(days=1, seconds=1)
    purge(relay)
    assert count(relay, "contents") == 0
    with relay.reads() as session, pytest.raises(ContentGone):
        resends.stored_draft(session, site.id, UUID(receipt["id"]))


def test_the_bytes_of_a_copy_that_still_waits_are_kept(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    accept(relay, site)

    clock.advance(days=30)
    purge(relay)

    assert count(relay, "contents") == 1


def test_an_answer_is_remembered_for_72_hours(relay: Relay, site: Site, clock: FakeClock) -> None:
    submit(relay, site, key="once")

    clock.advance(seconds=(IDEMPOTENCY_KEPT - timedelta(seconds=1)).total_seconds())
    purge(relay)
    assert count(relay, "idempotency_keys") == 1

    clock.advance(seconds=1)
    purge(relay)
    assert count(relay, "idempotency_keys") == 0


def test_what_a_canary_was_is_forgotten_and_that_a_list_was_mailed_is_not(
    relay: Relay, site: Site, clock: FakeClock
) -> None:
    accept(relay, site, stream=Stream.MARKETING)
    accept(relay, site, stream=Stream.NOTIFICATION)
    with relay.sessions.begin() as session:
        for sending in session.scalars(select(Sending)):
            session.add(CanaryCopy(recipient_id=sending.id, sending_id=sending.id))
    clock.advance(days=89)
    purge(relay)
    assert (count(relay, "canary_copies"), count(relay, "sendings")) == (2, 2)
    clock.advance(days=1)
    purge(relay)
    assert (count(relay, "canary_copies"), count(relay, "sendings")) == (0, 1)
    with relay.reads() as session:
        assert session.scalars(select(Sending)).one().list_id is not None


def test_who_connected_a_site_is_forgotten_after_a_week(
    relay: Relay, client: FlaskClient, site: Site, clock: FakeClock
) -> None:
    Owner(relay, client).code()
    clock.advance(days=6)
    purge(relay)
    assert count(relay, "site_connections") == 1

    clock.advance(days=1)
    purge(relay)
    assert count(relay, "site_connections") == 0
