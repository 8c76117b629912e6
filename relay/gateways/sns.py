"""Amazon SNS at our door: is this notice genuine, and for a topic of ours?

The order matters and every step fails closed: envelope → exact topic from our own list → host
derived from that topic → certificate path → SignatureVersion 2 → signature → time window. A topic
check before the signature check defeats the attacker's own topic, whose signature is genuine; the
host comes from the topic we trust, because patterns that allow any `sns.*.amazonaws.com` also
allow an S3 bucket called `sns` (SNS developer guide, 'Verifying the signatures of messages').
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import urllib3
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from relay.errors import Forged, Unavailable

LARGEST_NOTICE = 512 * 1024
"""Bytes of the largest request body; SNS payloads have 256 KB, and JSON escapes may double them."""

LARGEST_CERTIFICATE = 16 * 1024

WINDOW = timedelta(hours=1, minutes=15)
"""How old a genuine notice may be: SNS retries for an hour at most, and clocks differ a little."""

FUTURE = timedelta(minutes=15)

OLDEST = timedelta(days=14)
"""No queue of Amazon keeps a notice longer; what is older is a replay."""

CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{32}\.pem")

_ONE_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")

SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
    "UnsubscribeConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
"""The fields the signature covers, in their order; Subject only where there is one."""

DNS_SUFFIX = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn",
              "aws-eusc": "amazonaws.eu"}  # fmt: skip

Certificates = Callable[[str], bytes]
"""PEM bytes of the certificate at a URL that was checked before. Raises `Unavailable`."""


class SubscriptionConfirmer(Protocol):
    """Confirms an SNS subscription by the API, never by fetching the URL in the notice."""

    def __call__(self, topic_arn: str, token: str) -> None:
        """Raises `Unavailable` when SNS does not confirm; SNS then posts the token again."""
        ...


@dataclass(frozen=True, slots=True)
class SignedNotice:
    """A notice whose signature and topic were found good. `late`: outside the time window."""

    type: str
    id: str
    topic_arn: str
    message: str
    token: str | None
    sent_at: datetime
    late: bool


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    topics: tuple[str, ...],
    certificate: Certificates,
    now: datetime,
) -> SignedNotice:
    """The notice in `body`, if SNS signed it for one of `topics`.

    Raises `Forged` (403: SNS will not repeat it) for anything that is not genuine, and
    `Unavailable` (503: SNS will) when the certificate could not be had. A genuine notice outside
    the time window comes back with `late` set: storing it harms nobody, a wrong clock might.
    """
    fields = _envelope(body, headers)
    topic = fields["TopicArn"]
    if topic not in topics:
        raise Forged("The notice is not for a topic of this relay")
    if fields.get("SignatureVersion") != "2":
        raise Forged("Only SignatureVersion 2 is accepted; set it on the topic")
    _check_certificate_url(fields.get("SigningCertURL", ""), topic)
    key = _public_key(certificate(fields["SigningCertURL"]), now)
    try:
        signature = base64.b64decode(fields.get("Signature", ""), validate=True)
        key.verify(signature, string_to_sign(fields), padding.PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        raise Forged("The signature does not fit the notice") from None
    sent_at = _instant(fields["Timestamp"])
    if sent_at < now - OLDEST:
        raise Forged("The notice is older than Amazon keeps any")
    return SignedNotice(
        type=fields["Type"],
        id=fields["MessageId"],
        topic_arn=topic,
        message=fields["Message"],
        token=fields.get("Token"),
        sent_at=sent_at,
        late=not now - WINDOW <= sent_at <= now + FUTURE,
    )


def string_to_sign(fields: Mapping[str, str]) -> bytes:
    """What SNS signs: `name\\nvalue\\n` for each covered field that is present."""
    names = [name for name in SIGNED[fields["Type"]] if name in fields]
    return "".join(f"{name}\n{fields[name]}\n" for name in names).encode()


def _envelope(body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    if len(body) > LARGEST_NOTICE:
        raise Forged("The notice is larger than SNS sends")
    if headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        raise Forged(
            "Raw message delivery carries no signature; switch it off for the subscription"
        )
    try:
        fields: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise Forged("The body is not the JSON of an SNS notice") from None
    if not isinstance(fields, dict) or str(fields.get("Type")) not in SIGNED:
        raise Forged("The body is not an SNS notice")
    names = (*SIGNED[fields["Type"]], "SignatureVersion", "Signature", "SigningCertURL")
    for name in names:
        if name == "Subject" and name not in fields:
            continue
        if not isinstance(fields.get(name), str):
            raise Forged(f"The notice has no {name}")
    for header, name in (("x-amz-sns-message-type", "Type"), ("x-amz-sns-message-id", "MessageId")):
        if headers.get(header) not in (None, fields[name]):
            raise Forged(f"Header and body disagree about {name}")
    return {name: fields[name] for name in names if name in fields}


def _check_certificate_url(url: str, topic_arn: str) -> None:
    _, partition, _, region, _, _ = topic_arn.split(":")
    host = f"sns.{region}.{DNS_SUFFIX.get(partition, 'amazonaws.com')}"
    # The whole text is matched: URL parsers quietly drop spaces, tabs and newlines.
    if not re.fullmatch(rf"https://{re.escape(host)}(:443)?{CERTIFICATE_PATH.pattern}", url):
        raise Forged("The signing certificate is not at the address of SNS")


@lru_cache(maxsize=8)
def _certificate(pem: bytes) -> x509.Certificate:
    whole = pem.strip()
    if not _ONE_PEM.fullmatch(whole):
        raise Forged("The signing certificate cannot be read")
    try:
        return x509.load_pem_x509_certificate(whole)
    except ValueError:
        raise Forged("The signing certificate cannot be read") from None


def _public_key(pem: bytes, now: datetime) -> rsa.RSAPublicKey:
    certificate = _certificate(pem)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Forged("The signing certificate is not valid today")
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise Forged("The signing certificate has no RSA key of 2048 bits or more")
    return key


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Forged("The notice's Timestamp is not a time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class FetchedCertificates:
    """Amazon's certificates, fetched over HTTPS and kept; a new URL is a new certificate.

    One fetch at a time; a failure is remembered for `PENALTY` seconds so that a flood of notices
    does not become a flood of fetches.
    """

    PENALTY = 30.0
    MOST = 32

    def __init__(self) -> None:
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(5.0))
        self._lock = threading.Lock()
        self._kept: dict[str, bytes] = {}
        self._failed: dict[str, float] = {}

    def __call__(self, url: str) -> bytes:
        """The certificate's PEM. Raises `Unavailable`."""
        if url in self._kept:
            return self._kept[url]
        with self._lock:
            if url not in self._kept:
                if time.monotonic() - self._failed.get(url, float("-inf")) < self.PENALTY:
                    raise Unavailable(
                        "The signing certificate could not be fetched", retry_after=30
                    )
                if len(self._failed) > self.MOST:
                    self._failed.clear()
                try:
                    pem = self._fetch(url)
                except Unavailable:
                    self._failed[url] = time.monotonic()
                    raise
                if len(self._kept) >= self.MOST:
                    self._kept.clear()
                self._kept[url] = pem
            return self._kept[url]

    def _fetch(self, url: str) -> bytes:
        try:
            response = self._http.request("GET", url, redirect=False, preload_content=False)
            try:
                pem = response.read(LARGEST_CERTIFICATE + 1)
            finally:
                response.release_conn()
        except urllib3.exceptions.HTTPError:
            raise Unavailable(
                "The signing certificate could not be fetched", retry_after=30
            ) from None
        whole = _ONE_PEM.fullmatch(pem.strip())  # else a login page of the network might be kept
        if response.status != 200 or len(pem) > LARGEST_CERTIFICATE or not whole:
            raise Unavailable("The signing certificate could not be fetched", retry_after=30)
        return bytes(pem)


def simulator_certificate(path: Path) -> Certificates:
    """The one certificate of the simulator, read anew until it is there (it may start later)."""
    kept: list[bytes] = []

    def certificate(_url: str) -> bytes:
        if not kept:
            try:
                kept.append(path.read_bytes())
            except OSError:
                raise Unavailable(
                    f"The simulator's certificate {path} cannot be read yet"
                ) from None
        return kept[0]

    return certificate


def api_confirmer(client: Callable[[], Any]) -> SubscriptionConfirmer:
    """Confirms through SNS's ConfirmSubscription; `client` makes the boto3 client when needed."""

    def confirm(topic_arn: str, token: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client().confirm_subscription(
                TopicArn=topic_arn, Token=token, AuthenticateOnUnsubscribe="true"
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(
                f"SNS did not confirm the subscription ({type(error).__name__})"
            ) from error

    return confirm
