"""`python -m bench.confirming`: how many people a second can confirm, all on one list, on PostgreSQL.

Eight threads of one process press buttons while the ledger is being sealed beside them: first the
use case alone, then the whole page through the web application.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from bench.rig import PostgreSQL
from relay import bulk
from relay.app import create_app
from relay.commands.migrations import upgrade
from relay.composition import build
from relay.context import Relay
from relay.db import new_id
from relay.models import MailingList, Subscription, SubscriptionRequest
from relay.services import accounts, lists, seals, subscriptions
from relay.services.subscriptions import PURPOSE
from relay.services.visitors import Visitor
from relay.settings import Settings
from relay.vocabulary import RequestOutcome, SubscriptionStatus

THREADS = 8

WANTED = 200.0
"""Confirmations a second that the use case has to reach; the web runs as many processes as it needs."""


@click.command()
@click.option("--count", default=2_000, show_default=True, help="Confirmations of each kind.")
def main(count: int) -> None:
    """Measure confirmations; exit code 1 below 200 a second."""
    with tempfile.TemporaryDirectory(prefix="postreeve-bench-") as folder:
        Path(folder).chmod(0o755)
        database = PostgreSQL(Path(folder) / "postgresql")
        try:
            upgrade(database.url)
            relay = build(
                Settings(database_url=database.url, secret=secrets.token_hex(32), log_level="ERROR")
            )
            rate = _service(relay, count)
            _page(relay, count)
            relay.close()
        finally:
            database.stop()
    sys.exit(0 if rate >= WANTED else 1)


def _service(relay: Relay, count: int) -> float:
    visitor = Visitor("203.0.113.7", "Mail reader/2.0")

    def press(token: str) -> None:
        with relay.sessions.begin() as session:
            subscriptions.confirm(
                session, relay.settings.keyring, token, visitor, now=relay.clock()
            )

    return _measure(relay, "the use case alone", press, count)


def _page(relay: Relay, count: int) -> float:
    app = create_app(relay)

    def press(token: str) -> None:
        answer = app.test_client().post(f"/confirm/{token}")
        if answer.status_code != 200:
            raise RuntimeError(f"the page answered {answer.status_code}")

    return _measure(relay, "the whole page", press, count)


def _measure(relay: Relay, name: str, press: Callable[[str], None], count: int) -> float:
    tokens = _open_links(relay, count)
    spent: list[float] = []
    over = threading.Event()

    def one(token: str) -> None:
        began = time.perf_counter()
        press(token)
        spent.append(time.perf_counter() - began)

    def seal() -> None:
        while not over.wait(0.5):
            with relay.sessions.begin() as session:
                seals.seal(session, now=relay.clock())

    sealing = threading.Thread(target=seal)
    sealing.start()
    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, tokens))
    rate = count / (time.perf_counter() - began)
    each = (time.process_time() - cpu) * 1_000 / count
    over.set()
    sealing.join()
    spent.sort()
    half, most = (spent[int(len(spent) * share)] * 1_000 for share in (0.5, 0.99))
    click.echo(
        f"{name}: {rate:.0f} a second, {THREADS} threads; {each:.1f} ms of Python's CPU each; "
        f"p50 {half:.0f} ms, p99 {most:.0f} ms"
    )
    return rate


def _open_links(relay: Relay, count: int) -> list[str]:
    """So many people of one list whose confirmation mail has arrived."""
    now, keyring = datetime.now(UTC), relay.settings.keyring
    mailing_list = _list(relay, now)
    tokens = [secrets.token_urlsafe(32) for _ in range(count)]
    ids = [new_id() for _ in tokens]
    with relay.sessions.begin() as session:
        for n, id in enumerate(ids):
            session.add(
                Subscription(
                    id=id, site_id=mailing_list.site_id, list_id=mailing_list.id,
                    address=f"p{n}@customer.example", address_key=f"p{n}@customer.example",
                    status=SubscriptionStatus.UNCONFIRMED, language="en", source={},
                    requested_at=now,
                )
            )  # fmt: skip
        session.flush()
        bulk.insert_rows(
            session,
            SubscriptionRequest,
            [
                {
                    "id": new_id(), "site_id": mailing_list.site_id, "list_id": mailing_list.id,
                    "subscription_id": id, "mailbox": token, "form": "form", "at": now,
                    "outcome": RequestOutcome.SENT, "language": "en",
                    "source": {"form": "footer", "consent_text": "Yes, send me the news."},
                    "sent_at": now, "token_digest": keyring.commitment(PURPOSE, token),
                    "token_expires_at": now + timedelta(days=7), "challenge_tries": 0,
                }
                for id, token in zip(ids, tokens, strict=True)
            ],
        )  # fmt: skip
    return tokens


def _list(relay: Relay, now: datetime) -> MailingList:
    with relay.sessions.begin() as session:
        account = accounts.create_account(
            session, name="Shop Ltd", owner_email="owner@shop.example", now=now
        )
        site = accounts.create_site(
            session, account.id, name="The shop", url="https://shop.example", now=now
        )
        made = MailingList(
            id=new_id(), site_id=site.id, key="news", name="News", controller="Shop Ltd",
            postal_address="1 Market Street", privacy_url="https://shop.example/privacy",
            language="en", sender="news@shop.example", created_at=now,
        )  # fmt: skip
        session.add(made)
        session.flush()
        return lists.find(session, site.id, "news")


if __name__ == "__main__":
    main()
