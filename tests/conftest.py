"""The world a test lives in: a database that forgets, a clock that obeys, neighbours that are fakes.

`TEST_DATABASE=postgresql` runs everything on a private PostgreSQL; otherwise it is SQLite.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine

from relay import db, languages
from relay.app import create_app
from relay.context import Relay
from relay.db import Sessions
from relay.models import Account, MailingList, Site
from relay.services.accounts import NewKey
from relay.settings import Settings
from tests import factories
from tests.catalogs import Said, write_catalog
from tests.databases import ON_POSTGRESQL, Databases, SqliteFiles, postgresql
from tests.fakes import (
    TOPIC,
    FakeAmazon,
    FakeClock,
    FakeIdentities,
    FakeMailer,
    FakeNames,
    make_certificate,
)

OUTSIDE = ("plugin", "wordpress", "journeys", "processes", "simulator", "test_trial.py")
"""Tests that work with whole neighbours and may talk to more than this process's own sockets."""

# The same examples in each run, so that red is red for everybody; HYPOTHESIS_PROFILE=deep digs.
# How long one takes says more about the machine than about us.
hypothesis.settings.register_profile(
    "same",
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    database=None,
)
hypothesis.settings.register_profile(
    "deep", hypothesis.settings.get_profile("same"), derandomize=False, max_examples=3_000
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

_watched = {"this test": False}


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to let a unit test talk to another machine."""
    if _watched["this test"] and event in ("socket.connect", "socket.getaddrinfo"):
        host = arguments[1][0] if event == "socket.connect" else arguments[0]
        if isinstance(host, bytes):
            host = host.decode()
        if isinstance(host, str) and not host.startswith(("127.", "/", "localhost", "::1")):
            raise RuntimeError(f"A unit test wants to talk to {host!r}; hand it a fake")


sys.addaudithook(_watch)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests that need real locks wait for PostgreSQL; the others stay on this machine."""
    folder = Path(item.fspath).relative_to(item.config.rootpath).parts[1]
    _watched["this test"] = folder not in OUTSIDE
    if item.get_closest_marker("postgresql") and not ON_POSTGRESQL:
        pytest.skip("needs a real PostgreSQL: locks, SKIP LOCKED (TEST_DATABASE=postgresql)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only those with a database run: the others have run already, just so."""
    if not ON_POSTGRESQL:
        return
    with_database = [item for item in items if "databases" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(with_database)])
    items[:] = with_database


def pytest_report_header() -> str:
    """Which database, at the top of each run."""
    return f"database: {'PostgreSQL' if ON_POSTGRESQL else 'SQLite'}"


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Where databases come from."""
    if ON_POSTGRESQL:
        with postgresql(tmp_path_factory.mktemp("postgresql")) as server:
            yield server
    else:
        yield SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def engine(databases: Databases) -> Iterator[Engine]:
    """The migrated database that most tests share."""
    engine = databases.engine()
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """One connection in one transaction, of which nothing stays."""
    with engine.connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


@pytest.fixture
def sessions(connection: Connection) -> Sessions:
    """Sessions whose commits are real, inside the transaction that is rolled back in the end."""
    made = db.writing(connection.engine)
    made.configure(bind=connection, join_transaction_mode="create_savepoint")
    return made


@pytest.fixture
def translated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, Said], None]]:
    """Translates messages into a language, in which then nothing else is translated."""

    def translate(tag: str, said: Said) -> None:
        for language in languages.LANGUAGES:
            write_catalog(tmp_path, language, said if language == tag else {})
        monkeypatch.setattr(languages, "FOLDER", tmp_path)
        languages.translations.cache_clear()

    yield translate
    languages.translations.cache_clear()


@pytest.fixture
def clock() -> FakeClock:
    """It is Sunday, 22 November 2026, 09:00 UTC, until a test says otherwise."""
    return FakeClock()


@pytest.fixture
def mailer() -> FakeMailer:
    """Amazon SES."""
    return FakeMailer()


@pytest.fixture
def names() -> FakeNames:
    """DNS: empty until a test publishes something."""
    return FakeNames()


@pytest.fixture
def identities() -> FakeIdentities:
    """Amazon SES's identities."""
    return FakeIdentities()


@pytest.fixture(scope="session")
def signing_key() -> rsa.RSAPrivateKey:
    """The fake Amazon's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def certificate(signing_key: rsa.RSAPrivateKey) -> bytes:
    """The fake Amazon's certificate."""
    return make_certificate(signing_key)


@pytest.fixture
def amazon(signing_key: rsa.RSAPrivateKey, certificate: bytes, clock: FakeClock) -> FakeAmazon:
    """Amazon SNS."""
    return FakeAmazon(signing_key, certificate, clock)


@pytest.fixture(scope="session")
def settings() -> Settings:
    """An installation with one topic."""
    return Settings(
        database_url="sqlite:///:memory:",
        secret=factories.SECRET,
        public_url="https://relay.example",
        topic_arns=(TOPIC,),
        sender_threads=4,
        read_one_in=0,  # what a test is not about does not wait for a look
    )


@pytest.fixture
def make_relay(
    settings: Settings,
    mailer: FakeMailer,
    clock: FakeClock,
    amazon: FakeAmazon,
    names: FakeNames,
    identities: FakeIdentities,
) -> Callable[[Sessions, Sessions], Relay]:
    """A relay on other sessions than the usual ones."""

    def make(sessions: Sessions, reads: Sessions) -> Relay:
        return Relay(
            settings=settings,
            sessions=sessions,
            reads=reads,
            mailer=mailer,
            clock=clock,
            certificate=amazon.certificate,
            confirm_subscription=amazon.confirm,
            names=names,
            identities=identities,
        )

    return make


@pytest.fixture
def relay(make_relay: Callable[[Sessions, Sessions], Relay], sessions: Sessions) -> Relay:
    """A running relay whose neighbours are fakes."""
    return make_relay(sessions, sessions)


@pytest.fixture
def shared(
    make_relay: Callable[[Sessions, Sessions], Relay], databases: Databases
) -> Iterator[Relay]:
    """A relay with a database of its own, for many threads at once: commits are commits there."""
    engine = db.connect(databases.fresh())
    yield make_relay(db.writing(engine), db.reading(engine))
    engine.dispose()


@pytest.fixture
def account(sessions: Sessions) -> Account:
    """A customer in good standing whose domain shop.example is verified."""
    with sessions.begin() as session:
        account = factories.make_account(session)
        factories.make_domain(session, account)
    return account


@pytest.fixture
def site(sessions: Sessions, account: Account) -> Site:
    """The customer's WordPress, https://shop.example."""
    with sessions.begin() as session:
        return factories.make_site(session, account, default_from="news@shop.example")


@pytest.fixture
def newcomer(sessions: Sessions) -> Site:
    """Another customer's site, which has sent nothing yet, nor has its domain."""
    with sessions.begin() as session:
        account = factories.make_account(session)
        factories.make_domain(session, account, per_day=None)
        return factories.make_site(session, account, per_day=None)


@pytest.fixture
def news(sessions: Sessions, site: Site) -> MailingList:
    """A list of the site."""
    with sessions.begin() as session:
        return factories.make_list(session, site)


@pytest.fixture
def key(sessions: Sessions, site: Site) -> NewKey:
    """A key of the site that may send and read."""
    with sessions.begin() as session:
        return factories.make_key(session, site)


@pytest.fixture(scope="session")
def app(settings: Settings) -> Flask:
    """The web application, made once; `client` puts the test's own relay into it."""
    return create_app(Relay(settings, *[None] * 6))  # type: ignore[arg-type]


@pytest.fixture
def client(app: Flask, relay: Relay) -> FlaskClient:
    """A client of the relay's web application."""
    app.extensions["relay"] = relay
    return app.test_client()
