"""The demo account's site: made at the first start, taken again at each later one."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from alembic.util import CommandError
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from relay import db
from relay.commands.migrations import upgrade
from relay.commands.trial import zones
from relay.commands.trial.children import Trouble
from relay.commands.trial.installation import Installation, read, write
from relay.composition import build
from relay.context import Relay
from relay.errors import Unauthenticated
from relay.models import Site
from relay.policy.acceptable_use import VERSION
from relay.services import (
    acceptable_use,
    accounts,
    callers,
    domain_looks,
    domain_views,
    domains,
    first_contacts,
    limits,
)
from relay.vocabulary import DomainStatus, Scope

DOMAIN = "shop.example"
"""The demo account's verified sending domain (RFC 2606 keeps .example for such uses)."""

SENDER = f"hello@{DOMAIN}"

FIRST_CONTACTS = 10_000
"""New people an hour: a trial is no stranger to itself, and may try out a crowd."""

PLAN, DECLARED_DAILY = "business", 100_000
"""What the demo shop may send: whoever tries out a crowd tries out no limits."""

SEEN_WITHIN = 60.0
"""Seconds in which the name server must show what was published; it takes a fraction of one."""


@dataclass(frozen=True, slots=True)
class DemoSite:
    """The site, its key, and how often the trial has been started with it."""

    id: UUID
    key: str
    start: int
    setup_url: str = ""
    """The page with the DNS records of its domain."""

    def address(self, name: str) -> str:
        """An address of the mailbox simulator. Later starts add a +label, for the first start's
        bounce@ is suppressed by then.
        """
        label = "" if self.start == 1 else f"+{self.start}"
        return f"{name}{label}@simulator.amazonses.com"


def prepare(installation: Installation) -> DemoSite:
    """Bring the database up to date, and see that the demo account is there. Raises `Trouble`."""
    settings = installation.settings()
    try:
        upgrade(settings.database_url)
    except (CommandError, DatabaseError) as error:
        raise Trouble(
            f"The database in {installation.folder} does not fit this version ({error}). "
            "Delete the folder to begin anew."
        ) from None
    path = installation.folder / "site.json"
    engine = db.connect(settings.database_url)
    try:
        with db.writing(engine).begin() as session:
            site = _known(session, path, settings.secret) or _new(
                session, url=installation.wordpress_url, secret=settings.secret
            )
    finally:
        engine.dispose()
    write(path, {"key": site.key, "starts": site.start})
    return site


def verify_domain(installation: Installation, site: DemoSite) -> DemoSite:
    """The site, once its domain is verified the way every domain is: by records in DNS.

    The simulator must answer. At the first start the records are published as a customer would do
    it; later the zone file is left alone, for somebody may be trying things. Raises `Trouble`.
    """
    relay = build(replace(installation.settings(), log_level="WARNING"))
    try:
        with relay.reads() as session:
            account_id = session.get_one(Site, site.id).account_id
            claimed = domains.find(session, account_id, DOMAIN)
        site = replace(site, setup_url=domain_looks.share_url(relay.settings.public_url, claimed))
        if site.start > 1:
            return site
        domain_looks.provision(relay, DOMAIN)
        with relay.sessions.begin() as session:
            domains.refresh(session, claimed.id, region=relay.settings.aws_region)
            view = domain_views.view(
                session,
                domains.find(session, account_id, DOMAIN),
                public_url=relay.settings.public_url,
            )
        asked = [(r["name"], r["type"], r["value"]) for r in view.records if r["value"]]
        zones.publish(installation, DOMAIN, asked)
        _wait_until_verified(relay, claimed.id)
        return site
    finally:
        relay.close()


def _wait_until_verified(relay: Relay, domain_id: UUID) -> None:
    deadline = time.monotonic() + SEEN_WITHIN
    while (seen := domain_looks.look(relay, domain_id)).status is not DomainStatus.VERIFIED:
        if time.monotonic() > deadline:
            records = (seen.report or {}).get("records", [])
            missing = ", ".join(r["key"] for r in records if r["result"] != "pass")
            raise Trouble(f"{DOMAIN} was not verified by its records ({missing or 'no records'}).")
        time.sleep(0.2)


def curl(web_url: str, site: DemoSite) -> str:
    """Lines to paste into a shell that send a mail."""
    to = "success@simulator.amazonses.com"
    metadata = f'{{"envelope": {{"from": "{SENDER}", "to": ["{to}"]}}, "stream": "transactional"}}'
    return (
        f"printf '%s\\r\\n' 'From: Demo shop <{SENDER}>' 'To: {to}' \\\n"
        "  'Subject: Hello from curl' '' 'It works.' |\n"
        f"curl -sS {web_url}/v1/messages \\\n"
        f"  -H 'Authorization: Bearer {site.key}' \\\n"
        f"  -F 'metadata={metadata};type=application/json' \\\n"
        "  -F 'message=@-;filename=message.eml;type=message/rfc822'"
    )


def _known(session: Session, path: Path, secret: str) -> DemoSite | None:
    kept = read(path)
    try:
        caller = callers.authenticate(
            session, str(kept.get("key", "")), secret=secret, now=datetime.now(UTC)
        )
    except Unauthenticated:
        return None
    if caller.site_id is None:
        return None
    return DemoSite(caller.site_id, kept["key"], int(kept.get("starts", 1)) + 1)


def _new(session: Session, *, url: str, secret: str) -> DemoSite:
    now = datetime.now(UTC)
    account = accounts.create_account(
        session, name="Demo account", owner_email=f"owner@{DOMAIN}", now=now
    )
    acceptable_use.accept(session, account.id, VERSION, by="the trial", now=now)
    domains.claim(session, account.id, DOMAIN, region="us-east-1", now=now)
    site = accounts.create_site(
        session, account.id, name="Demo shop", url=url, default_from=SENDER, now=now
    )
    first_contacts.set_budget(session, site.id, FIRST_CONTACTS)
    limits.set_plan(session, account.id, PLAN)
    limits.set_for_site(session, site.id, {}, declared_daily=DECLARED_DAILY)
    made = accounts.create_key(
        session, site.id, secret=secret, scopes=tuple(Scope), name="trial", now=now
    )
    return DemoSite(site.id, made.secret, start=1)
