"""Valid things, with whatever a test wants different."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from relay.addresses import EmailAddress, parse
from relay.context import Relay
from relay.db import new_id
from relay.gateways import mime
from relay.gateways.ses_events import read_events
from relay.keys import Keyring
from relay.mail import DeliveryEvent, Draft, Envelope
from relay.models import Account, Domain, MailingList, Site, SiteConnection, Subscription
from relay.policy.connecting import CODE_LASTS
from relay.services import accounts, allowances, connections, ledger, operators
from relay.services.accounts import NewKey
from relay.services.operators import NewOperator
from relay.services.sign_ups import Form, SignUp
from relay.services.visitors import Visitor
from relay.vocabulary import ConsentKind, DomainStatus, Scope, State, Stream, SubscriptionStatus
from tests.fakes import MORNING, provider_id

SECRET = "a secret of at least thirty-two characters"
"""The relay's own, in tests."""

FULL_VOLUME = 1_000_000
"""Promotional copies a day, far beyond any plan: warm since long ago."""


def make_account(
    session: Session,
    *,
    name: str = "Shop Ltd",
    state: State = State.ACTIVE,
    plan: str = "agency",
) -> Account:
    """A customer, on the largest plan: what a test is not about does not stop it."""
    account = accounts.create_account(
        session, name=name, owner_email="owner@shop.example", now=MORNING
    )
    account.state, account.plan = state, plan
    session.flush()
    return account


def make_site(session: Session, account: Account, **given: Any) -> Site:
    """One of the customer's WordPress installs, which may write to as many new people as it likes
    and send its plan's full volume.

    `first_contacts` and `per_day` are what an operator has set; None leaves what a site has to earn.
    `declared_daily` is the volume it is expected to have, `limits` what an operator has set otherwise
    than the plan.
    """
    state = given.pop("state", State.ACTIVE)
    first_contacts = given.pop("first_contacts", 1_000_000)
    per_day = given.pop("per_day", FULL_VOLUME)
    declared = given.pop("declared_daily", 1_000_000)
    limits = given.pop("limits", None)
    values = {"name": "The shop", "url": "https://shop.example", "now": MORNING} | given
    site = accounts.create_site(session, account.id, **values)
    site.state = state
    site.first_contacts_set = first_contacts
    site.declared_daily, site.limits = declared, limits
    session.flush()
    if per_day is not None:
        allowances.seed(session, [allowances.site_ramp(site.id)], per_day)
    return site


def make_domain(
    session: Session,
    account: Account,
    name: str = "shop.example",
    status: DomainStatus = DomainStatus.VERIFIED,
    *,
    per_day: int | None = FULL_VOLUME,
) -> Domain:
    """A sending domain, warm unless `per_day` says otherwise (None: it begins with its first mail)."""
    domain = Domain(
        id=new_id(), account_id=account.id, name=name, status=status, created_at=MORNING
    )
    session.add(domain)
    session.flush()
    if per_day is not None:
        warm = allowances.domain_ramp(allowances.domain_of(name))
        allowances.seed(session, [warm], per_day)
    return domain


def make_key(
    session: Session,
    site: Site,
    *,
    scopes: Sequence[Scope] = (Scope.SEND, Scope.READ),
    **given: Any,
) -> NewKey:
    """An API key of the site; `.secret` is what a client presents."""
    return accounts.create_key(
        session, site.id, secret=SECRET, scopes=scopes, **({"now": MORNING} | given)
    )


def make_account_key(session: Session, account: Account, **given: Any) -> NewKey:
    """A key of the account itself; `.secret` is what a client presents."""
    return accounts.create_account_key(
        session, account.id, secret=SECRET, **({"now": MORNING} | given)
    )


def make_operator(session: Session, name: str = "ada") -> NewOperator:
    """An operator's key; `.secret` is what a client presents."""
    return operators.add(session, name, secret=SECRET, now=MORNING)


def make_shop(relay: Relay) -> tuple[Site, NewKey]:
    """A site that may send from shop.example, and its key, in this relay's database."""
    with relay.sessions.begin() as session:
        account = make_account(session)
        make_domain(session, account)
        site = make_site(session, account)
        return site, make_key(session, site)


CODE = "vQ3nUu1mDkYV0h7m2yqk2b8m1Ck0T3m5i7w9y1A3C5E"
"""A code that fetches a key, as the API's document has it."""

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""Of the verifier in RFC 7636's appendix B."""


def make_connection(session: Session, keyring: Keyring, site: Site, **given: Any) -> SiteConnection:
    """A connection of the site that its owner has agreed to: `CODE` fetches its key."""
    values = {
        "at": MORNING,
        "site_url": site.url,
        "site_name": site.name,
        "return_url": f"{site.url}/wp-admin/",
        "state": "a-state-of-the-plugin",
        "challenge": CHALLENGE,
        "plugin": "0.1.0",
        "language": "en",
        "address": "owner@shop.example",
        "sent": True,
        "account_id": site.account_id,
        "site_id": site.id,
        "code_digest": keyring.commitment(connections.CODE, CODE),
        "code_ends_at": MORNING + CODE_LASTS,
        **{name: new_id().hex for name in ("browser", "mailbox", "token_digest", "number_digest")},
    }
    made = SiteConnection(id=new_id(), **(values | given))
    session.add(made)
    session.flush()
    return made


def make_message(body: str = "Hello Ada.\r\n", **headers: str | None) -> bytes:
    """MIME as WordPress makes it. Underscores in names stand for dashes; None leaves a header out."""
    fields: dict[str, str | None] = {
        "From": "The shop <news@shop.example>",
        "To": "ada@customer.example",
        "Subject": "Your order",
        "Message-ID": "<4711@shop.example>",
        "Date": "Sun, 22 Nov 2026 09:00:00 +0000",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}\r\n" for name, value in fields.items() if value is not None]
    return ("".join(lines) + "\r\n" + body).encode()


def ordered(number: int) -> str:
    """The body of a receipt like no other: as many of them as one likes are no campaign."""
    return f"You ordered one {''.join(chr(ord('a') + int(digit)) for digit in str(number))}.\r\n"


def make_draft(
    *, to: Sequence[str] = ("ada@customer.example",), message: bytes | None = None, **given: Any
) -> Draft:
    """A message as asked for; further arguments are `Draft`'s own, or headers of its message."""
    own = {name: given.pop(name) for name in list(given) if name in Draft.__slots__}
    read = mime.read(io.BytesIO(message if message is not None else make_message(**given)))
    return Draft(
        **{
            "recipients": tuple(dict.fromkeys(map(parse, to))),
            "mime": read,
            "stream": Stream.TRANSACTIONAL,
        }
        | own
    )


def make_envelope(**given: Any) -> Envelope:
    """A copy that is ready to go out."""
    return Envelope(
        **{
            "attempt_id": UUID("018f0000-0000-7000-8000-00000000000a"),
            "recipient_id": UUID("018f0000-0000-7000-8000-00000000000b"),
            "message_id": UUID("018f0000-0000-7000-8000-00000000000c"),
            "sender": "news@shop.example",
            "recipient": "ada@customer.example",
            "parts": (make_message(),),
        }
        | given
    )


TOLD: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "Send": ("send", {}),
    "Delivery": ("delivery", {"processingTimeMillis": 1860, "smtpResponse": "250 2.0.0 OK"}),
    "Bounce": (
        "bounce",
        {
            "feedbackId": "0100-bounce",
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        },
    ),
    "Complaint": (
        "complaint",
        {"feedbackId": "0100-complaint", "complaintFeedbackType": "abuse"},
    ),
    "DeliveryDelay": ("deliveryDelay", {"delayType": "MailboxFull"}),
    "Reject": ("reject", {"reason": "Bad content"}),
    "Rendering Failure": ("failure", {"templateName": "t", "errorMessage": "no such variable"}),
    "Open": ("open", {"ipAddress": "192.0.2.1", "userAgent": "Mail/1.0"}),
    "Click": ("click", {"link": "https://shop.example/", "userAgent": "Browser/1.0"}),
    "Subscription": ("subscription", {"contactList": "news", "source": "UnsubscribeHeader"}),
}
"""What each type of SES event usually says beside whom it is about."""


def ses_event(
    kind: str,
    envelope: Envelope,
    *,
    at: datetime = MORNING,
    dialect: str = "eventType",
    **told: Any,
) -> dict[str, Any]:
    """What SES publishes about this copy.

    `dialect` is `eventType` (a configuration set's, with our tags) or `notificationType` (an
    identity's, without).
    """
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name, usual = TOLD[kind]
    body = {"timestamp": stamp} | dict(usual) | told
    person = {"emailAddress": envelope.recipient}
    match kind:
        case "Delivery":
            body.setdefault("recipients", [envelope.recipient])
        case "Bounce" | "DeliveryDelay":
            said = {n: body.pop(n) for n in ("status", "diagnosticCode", "action") if n in body}
            people = "bouncedRecipients" if kind == "Bounce" else "delayedRecipients"
            body.setdefault(people, [person | said])
        case "Complaint":
            body.setdefault("complainedRecipients", [person])
    mail: dict[str, Any] = {
        "timestamp": MORNING.isoformat().replace("+00:00", "Z"),
        "messageId": provider_id(envelope),
        "source": envelope.sender,
        "destination": [envelope.recipient],
    }
    if dialect == "eventType":
        mail["tags"] = {name: [value] for name, value in envelope.tags.items()}
    return {dialect: kind, "mail": mail, name: body}


def make_event(kind: str, envelope: Envelope, **given: Any) -> DeliveryEvent:
    """The same, read into our own words."""
    (event,) = read_events(json.dumps(ses_event(kind, envelope, **given)))
    return event


# --- consent --------------------------------------------------------------------------------


def make_list(session: Session, site: Site, **given: Any) -> MailingList:
    """A list of the site."""
    values = {
        "key": "news",
        "name": "News from the shop",
        "controller": "Shop Ltd",
        "postal_address": "1 Market Street, Exampleton",
        "privacy_url": "https://shop.example/privacy",
        "language": "en",
        "sender": "news@shop.example",
        "created_at": MORNING,
    }
    made = MailingList(id=new_id(), site_id=site.id, **(values | given))
    session.add(made)
    session.flush()
    return made


def make_subscription(session: Session, of: MailingList, who: str, **given: Any) -> Subscription:
    """A person's confirmed subscription to a list."""
    made = new_subscription(of, parse(who), **given)
    session.add(made)
    session.flush()
    return made


def new_subscription(of: MailingList, address: EmailAddress, **given: Any) -> Subscription:
    """The same, not written yet."""
    values = {
        "status": SubscriptionStatus.CONFIRMED,
        "language": "en",
        "source": {"form": "footer", "page": "https://shop.example/"},
        "requested_at": MORNING,
        "confirmed_at": MORNING,
    }
    return Subscription(
        id=new_id(), site_id=of.site_id, list_id=of.id, address=str(address),
        address_key=address.key, **(values | given),
    )  # fmt: skip


def make_record(relay: Relay, site: Site, who: str = "Ada@customer.example", **given: Any) -> UUID:
    """A row of the site's consent ledger."""
    values: dict[str, Any] = {
        "kind": ConsentKind.REQUESTED,
        "personal": {"ip": "192.0.2.7", "user_agent": "Browser/1.0"},
        "facts": {"form": "footer", "consent_text": "Yes, send me news."},
        "now": relay.clock(),
    }
    with relay.sessions.begin() as session:
        return ledger.append(
            session,
            given.pop("keyring", relay.settings.keyring),
            site_id=site.id,
            address=parse(who),
            **(values | given),
        )


def make_sign_up(email: str = "ada@customer.example", **given: Any) -> SignUp:
    """A sign-up at the form in the site's footer; `form`, `ip` and `agent` are for short."""
    form = Form(
        given.pop("form", "footer"),
        given.pop("page", "https://shop.example/news"),
        given.pop("consent_text", "Yes, send me the shop's news."),
        given.pop("consent_version", "3"),
    )
    visitor = Visitor(given.pop("ip", None), given.pop("agent", "Browser/1.0"))
    return SignUp(parse(email), given.pop("list", "news"), visitor, form, **given)
