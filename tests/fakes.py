"""Stand-ins for the neighbours. They behave: the clock moves only when told, the mailer remembers
what it was given, and Amazon signs for real, with a key of its own."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from relay.answers import Answer, Ask, Existence, RecordType
from relay.errors import Unavailable
from relay.gateways.identities import ProviderIdentity
from relay.gateways.tenants import Finding, TenantStanding
from relay.gateways.throttle import Throttle
from relay.mail import Envelope
from relay.vocabulary import ReputationPolicy, SendingStatus

MORNING = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
"""When every test begins."""

TOPIC = "arn:aws:sns:us-east-1:000000000000:postreeve-simulator"


class FakeClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        """Let time pass: `clock.advance(minutes=5)`."""
        self.now += timedelta(**span)


class FakeMailer:
    """Takes every copy, unless an error waits in `failures`; each error is used once, in order."""

    def __init__(self) -> None:
        self.sent: list[Envelope] = []
        self.failures: list[Exception] = []
        self._lock = threading.Lock()

    def send(self, envelope: Envelope) -> str:
        """The id Amazon SES would give."""
        with self._lock:
            if self.failures:
                raise self.failures.pop(0)
            self.sent.append(envelope)
            return provider_id(envelope)


def provider_id(envelope: Envelope) -> str:
    """The id that `FakeMailer` gives to this copy's attempt."""
    return f"0100{envelope.attempt_id.hex}-000000"


def make_certificate(
    key: rsa.RSAPrivateKey,
    *,
    begins: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    ends: datetime = datetime(2036, 1, 1, tzinfo=UTC),
) -> bytes:
    """A certificate in PEM, signed by the key itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
    )


@dataclass(frozen=True)
class Post:
    """What SNS posts: a body and its headers."""

    fields: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def body(self) -> bytes:
        """The JSON on the wire."""
        return json.dumps(self.fields, indent=2).encode()

    def but(self, **changes: Any) -> Post:
        """The same post with fields changed after it was signed; None takes a field away."""
        changed = {k: v for k, v in (dict(self.fields) | changes).items() if v is not None}
        return replace(self, fields=changed)

    def headed(self, **headers: str) -> Post:
        """The same post with other headers (underscores stand for dashes)."""
        new = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers=dict(self.headers) | new)


@dataclass
class FakeAmazon:
    """Amazon SNS: signs notices as the SNS developer guide says, and hands out its certificate.

    `fetched` lists the certificate URLs that were asked for, `confirmed` the subscriptions that
    were confirmed. While `away` is set, neither is to be had.
    """

    key: rsa.RSAPrivateKey
    pem: bytes
    clock: FakeClock
    topic: str = TOPIC
    away: bool = False
    fetched: list[str] = field(default_factory=list)
    confirmed: list[tuple[str, str]] = field(default_factory=list)

    def notice(self, message: str | Mapping[str, Any], **fields: Any) -> Post:
        """A Notification that carries `message`."""
        text = message if isinstance(message, str) else json.dumps(message)
        return self._post({"Type": "Notification", "Message": text} | fields)

    def confirmation(self, kind: str = "SubscriptionConfirmation", **fields: Any) -> Post:
        """The message that asks to confirm that a subscription begins, or says that it ended."""
        token = "2336412f37" + "ab" * 40
        return self._post(
            {
                "Type": kind,
                "Message": f"You have chosen to subscribe to the topic {self.topic}.",
                "Token": token,
                "SubscribeURL": f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"
                f"&TopicArn={self.topic}&Token={token}",
            }
            | fields
        )

    def signature(self, fields: Mapping[str, Any]) -> str:
        """The signature over these fields, by the rules of their Type and SignatureVersion."""
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        if fields["Type"] != "Notification":
            names = [
                "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
            ]  # fmt: skip
        text = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields)
        digest = SHA256() if fields["SignatureVersion"] == "2" else SHA1()
        return base64.b64encode(self.key.sign(text.encode(), padding.PKCS1v15(), digest)).decode()

    def certificate(self, url: str) -> bytes:
        """What lies at `SigningCertURL`."""
        self.fetched.append(url)
        if self.away:
            raise Unavailable("The signing certificate could not be fetched", retry_after=30)
        return self.pem

    def confirm(self, topic_arn: str, token: str) -> None:
        """ConfirmSubscription."""
        if self.away:
            raise Unavailable("SNS did not confirm the subscription")
        self.confirmed.append((topic_arn, token))

    def _post(self, given: Mapping[str, Any]) -> Post:
        stamp = self.clock.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {
            "MessageId": str(uuid4()),
            "TopicArn": self.topic,
            "Timestamp": stamp,
            "SignatureVersion": "2",
            "SigningCertURL": "https://sns.us-east-1.amazonaws.com/"
            "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        } | dict(given)
        fields["Signature"] = self.signature(fields)
        return Post(
            fields,
            {
                "x-amz-sns-message-type": fields["Type"],
                "x-amz-sns-message-id": fields["MessageId"],
                "x-amz-sns-topic-arn": fields["TopicArn"],
                "content-type": "text/plain; charset=UTF-8",
                "user-agent": "Amazon Simple Notification Service Agent",
            },
        )


@dataclass
class FakeNames:
    """DNS: what `zone` holds is there, what `silent` names gets no answer, the rest does not exist.

    `zone` maps names to records by type; a CNAME is followed, as a resolver does.
    """

    zone: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def publish(self, name: str, type: str, *values: str) -> None:
        """Put records into the zone, in place of those of this name and type."""
        self.zone.setdefault(name, {})[type] = list(values)

    def withdraw(self, name: str) -> None:
        """Take a name out of the zone."""
        del self.zone[name]

    def __call__(self) -> Ask:
        """Somebody to ask."""
        return self.ask

    def ask(self, name: str, type: RecordType) -> Answer:
        """The answer to one question."""
        self.asked.append((name, type.value))
        if any(name == each or name.endswith(f".{each}") for each in self.silent):
            return Answer(Existence.UNKNOWN, name=name, detail="nobody answers")
        there = self.zone.get(name)
        if there is None:
            below = any(each.endswith(f".{name}") for each in self.zone)
            return Answer(Existence.NO_DATA if below else Existence.NO_NAME, name=name)
        if type is not RecordType.CNAME and "CNAME" in there:
            return self.ask(there["CNAME"][0], type)
        found = tuple(there.get(type.value, ()))
        return Answer(Existence.RECORDS if found else Existence.NO_DATA, found, name=name)


@dataclass
class FakeIdentities:
    """Amazon SES's identities. `verified` names those it would send from; while `away`, none is told."""

    verified: set[str] = field(default_factory=set)
    made: dict[str, str] = field(default_factory=dict)
    away: bool = False

    def find(self, name: str) -> ProviderIdentity | None:
        """GetEmailIdentity."""
        self._answer()
        if name not in self.made:
            return None
        return ProviderIdentity(
            dkim_tokens=tuple(f"token{n}of{name.partition('.')[0]}" for n in (1, 2, 3)),
            hosted_zone="dkim.amazonses.com",
            verified=name in self.verified,
            status="SUCCESS" if name in self.verified else "PENDING",
            mail_from=self.made[name],
        )

    def create(self, name: str, *, mail_from: str) -> ProviderIdentity:
        """CreateEmailIdentity and what belongs to it."""
        self._answer()
        self.made[name] = mail_from
        found = self.find(name)
        assert found is not None
        return found

    def delete(self, name: str) -> None:
        """DeleteEmailIdentity."""
        self._answer()
        self.made.pop(name, None)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("Amazon SES does not answer")


@dataclass
class FakeTenant:
    """One tenant, as Amazon SES has it."""

    arn: str
    resources: set[str] = field(default_factory=set)
    policy: ReputationPolicy = ReputationPolicy.STANDARD
    ours: SendingStatus = SendingStatus.ENABLED
    theirs: SendingStatus = SendingStatus.ENABLED
    findings: tuple[Finding, ...] = ()


@dataclass
class FakeTenants:
    """Amazon SES's tenants. `calls` names what was asked; after `answers` calls (None: never) it is away.

    `refused` are resources that it does not associate.
    """

    there: dict[str, FakeTenant] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    answers: int | None = None
    refused: set[str] = field(default_factory=set)

    def create(self, name: str) -> str:
        """CreateTenant, or GetTenant."""
        self._answer("create")
        arn = f"arn:aws:ses:us-east-1:000000000000:tenant/{name}/tn-1"
        return self.there.setdefault(name, FakeTenant(arn)).arn

    def delete(self, name: str) -> None:
        """DeleteTenant."""
        self._answer("delete")
        self.there.pop(name, None)

    def associate(self, name: str, resource: str) -> None:
        """CreateTenantResourceAssociation."""
        self._answer("associate")
        if resource.rpartition(":")[2] in self.refused:
            raise Unavailable("Amazon SES refused it", provider_code="NotFoundException")
        self.there[name].resources.add(resource.rpartition(":")[2])

    def dissociate(self, name: str, resource: str) -> None:
        """DeleteTenantResourceAssociation."""
        self._answer("dissociate")
        self.there[name].resources.discard(resource.rpartition(":")[2])

    def set_policy(self, arn: str, policy: ReputationPolicy) -> None:
        """UpdateReputationEntityPolicy."""
        self._answer("set_policy")
        self._of(arn).policy = policy

    def set_status(self, arn: str, status: SendingStatus) -> None:
        """UpdateReputationEntityCustomerManagedStatus."""
        self._answer("set_status")
        self._of(arn).ours = status

    def standing(self, arn: str) -> TenantStanding | None:
        """GetReputationEntity and ListRecommendations."""
        self._answer("standing")
        if arn not in {each.arn for each in self.there.values()}:
            return None
        found = self._of(arn)
        stopped = SendingStatus.DISABLED in (found.ours, found.theirs)
        impacts = {each.impact for each in found.findings}
        return TenantStanding(
            status=SendingStatus.DISABLED if stopped else found.ours,
            ours=found.ours,
            theirs=found.theirs,
            cause="Paused by the policy" if found.theirs is SendingStatus.DISABLED else "",
            impact="HIGH" if "HIGH" in impacts else "LOW" if impacts else None,
            findings=found.findings,
        )

    def _of(self, arn: str) -> FakeTenant:
        (found,) = (each for each in self.there.values() if each.arn == arn)
        return found

    def _answer(self, call: str) -> None:
        if self.answers == 0:
            raise Unavailable("Amazon SES does not answer")
        if self.answers is not None:
            self.answers -= 1
        self.calls.append(call)


class FakeThrottle(Throttle):
    """A throttle that tells everybody to wait so many seconds, or nobody."""

    def __init__(self, wait: int | None = None) -> None:
        self._wait = wait

    def ask(self, what: str, who: str, *, per_minute: int) -> int | None:
        """See `Throttle`."""
        return self._wait
