"""Amazon SES v2, the hot path: one `SendEmail` call per copy, never repeated by a library.

boto3 costs 0.9 ms of CPU a call; here the request is built once, signed (`signing`) with botocore's
refreshing credentials, and sent over kept connections by urllib3. Tests prove it equal to what boto3
would have sent, and the signature to botocore's. SES has no idempotency token, so nothing here retries:
retries belong to the queue, where each attempt is on record before it goes out
(docs/decisions/0002-one-ses-call-per-recipient.md).
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
)

from relay.errors import MailerBusy, MailerRefused, MailerSilent
from relay.gateways.signing import Signer
from relay.mail import Envelope

PATH = "/v2/email/outbound-emails"

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for a connection; nothing has been sent until there is one."""

IN_MEMORY = 4 << 20
"""Bytes of a request body above which it is laid into a temporary file (our decision)."""

PIECE = 1 << 20
"""Bytes of such a file that are read at a time."""

REFUSALS = frozenset(
    (
        "MessageRejected",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
        "BadRequestException",
        "InvalidParameterValue",
        "ValidationException",
    )
)
"""Errors that no repetition cures (SES API reference, SendEmail)."""

THROTTLES = frozenset(("TooManyRequestsException", "Throttling", "ThrottlingException"))
"""Errors that ask for a slower rate; SES and the generic AWS front end have one each."""

CREDENTIALS = frozenset(
    (
        "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException",
        "IncompleteSignature", "InvalidClientTokenId", "InvalidSignatureException",
        "MissingAuthenticationToken", "NotAuthorized", "OptInRequired", "RequestExpired",
        "SignatureDoesNotMatch", "UnrecognizedClientException",
    )
)  # fmt: skip
"""Errors about our credentials or clock, whatever their status (AWS, 'Common errors')."""

EVERYTHING = frozenset(
    ("LimitExceededException", "SendingPausedException", "AccountSuspendedException")
)
"""Errors that say nothing about this copy: the quota is used up, or SES has stopped us."""


class SesMailer:
    """Hands copies to Amazon SES, or to a simulator that speaks its protocol."""

    def __init__(
        self,
        *,
        region: str,
        configuration_set: str,
        endpoint_url: str | None = None,
        timeout: timedelta = timedelta(seconds=20),
        connections: int = 16,
        credentials: Any = None,
    ) -> None:
        """`credentials` are botocore's; by default those its usual chain finds, refreshed as needed."""
        self._configuration_set = configuration_set
        self._credentials = credentials or _credentials(simulated=endpoint_url is not None)
        base = endpoint_url or _endpoint(region)
        self._path = urlsplit(base).path.rstrip("/") + PATH
        self._signer = Signer(
            service="ses", region=region, host=urlsplit(base).netloc, path=self._path
        )
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=timeout.total_seconds()),
        ).connection_from_url(base)

    def send(self, envelope: Envelope) -> str:
        """The SES message id of the accepted copy.

        Raises `MailerBusy`, `MailerRefused` or `MailerSilent`; see their docstrings.
        """
        with _body(envelope, self._configuration_set) as body:
            status, headers, answer = self._post(body)
        if status == 200:
            message_id = answer.get("MessageId")
            if not message_id:
                raise MailerSilent("SES answered 200 without a message id", code="no-message-id")
            return str(message_id)[:100]
        raise failure(status, headers, answer, tenant=envelope.tenant)

    def _post(self, body: IO[bytes]) -> tuple[int, Mapping[str, str], dict[str, Any]]:
        size = body.seek(0, 2)
        body.seek(0)
        whole = body if size > IN_MEMORY else body.read()
        try:
            headers = self._signed(whole) | {"Content-Length": str(size)}
        except BotoCoreError as error:
            raise MailerBusy(str(error), code="no-credentials", scope="all") from error
        try:
            response = self._pool.urlopen(
                "POST", self._path, body=whole, headers=headers, redirect=False
            )
        except (NewConnectionError, ConnectTimeoutError, NameResolutionError) as error:
            raise MailerBusy("SES could not be reached", code="unreachable", scope="all") from error
        except HTTPError as error:
            raise MailerSilent(f"SES gave no answer ({type(error).__name__})") from error
        return response.status, response.headers, _json(response.data)

    def _signed(self, body: bytes | IO[bytes]) -> dict[str, str]:
        """The headers of a request with this body. Raises botocore's errors about credentials."""
        if self._credentials is None:
            raise NoCredentialsError
        frozen = self._credentials.get_frozen_credentials()
        if isinstance(body, bytes):
            return self._signer.headers(frozen, [body], now=datetime.now(UTC))
        headers = self._signer.headers(
            frozen, iter(lambda: body.read(PIECE), b""), now=datetime.now(UTC)
        )
        body.seek(0)
        return headers


class LazyMailer:
    """A mailer made at its first use: a web process, which sends nothing, never pays for one."""

    def __init__(self, make: Callable[[], SesMailer]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: SesMailer | None = None

    def send(self, envelope: Envelope) -> str:
        """See `SesMailer.send`."""
        return self._mailer().send(envelope)

    def _mailer(self) -> SesMailer:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


@dataclass(frozen=True, slots=True)
class SendingAccount:
    """What SES allows this installation. None: no limit, or SES did not say.

    `max_rate` is in recipients a second, `max_24_hours` (-1: no quota) and `sent_24_hours` in
    recipients.
    """

    max_rate: float | None = None
    max_24_hours: float | None = None
    sent_24_hours: float = 0.0
    may_send: bool = True


def sending_account(client: Any) -> SendingAccount:
    """Ask SES (`GetAccount`). Raises botocore's errors."""
    told = client.get_account()
    quota = told.get("SendQuota", {})
    return SendingAccount(
        max_rate=_limit(quota.get("MaxSendRate")),
        max_24_hours=_quota(quota.get("Max24HourSend")),
        sent_24_hours=float(quota.get("SentLast24Hours", 0.0)),
        may_send=bool(told.get("SendingEnabled", True)),
    )


def forget_suppressed(client: Any, address: str) -> None:
    """Take an address off the account's own suppression list, if it is there.

    Raises botocore's errors; that SES does not have it (`NotFoundException`) is none.
    """
    with contextlib.suppress(client.exceptions.NotFoundException):
        client.delete_suppressed_destination(EmailAddress=address)


def _limit(value: Any) -> float | None:
    return float(value) if value is not None and float(value) > 0 else None


def _quota(value: Any) -> float | None:
    return max(-1.0, float(value)) if value is not None else None


def failure(
    status: int, headers: Mapping[str, str], answer: Mapping[str, Any], *, tenant: str | None = None
) -> Exception:
    """The error in our families that an answer of SES amounts to (facts: SES API reference).

    Of a pause SES does not say whose it is. For mail of a tenant it is taken for the tenant's: were it
    the whole account's, `GetAccount` says so within a minute. What SES refuses about a tenant is our own
    book-keeping and never final for the mail.
    """
    code = _code(headers, answer) or f"http-{status}"
    detail = str(answer.get("message") or answer.get("Message") or "")[:500]
    said = f"{code}: {detail}" if detail else code
    if code in THROTTLES or status == 429:
        daily = "daily" in detail.lower()
        return MailerBusy(
            said, code="daily-quota" if daily else "rate", throttled=True, scope="all"
        )
    if code == "LimitExceededException":
        daily = "sending rate" not in detail.lower()
        return MailerBusy(
            said, code="daily-quota" if daily else "rate", throttled=True, scope="all"
        )
    is_paused = code == "SendingPausedException" or (
        code == "MessageRejected" and "paused" in detail.lower()
    )
    if tenant and is_paused:
        return MailerBusy(said, code="tenant-paused", scope="tenant")
    if tenant and code in REFUSALS and "tenant" in detail.lower():
        return MailerBusy(said, code="tenant-refused", scope="tenant")
    if is_paused or code in EVERYTHING:
        return MailerBusy(said, code="provider-stopped", scope="all")
    if code in REFUSALS:
        return MailerRefused(said, code=code)
    if code in CREDENTIALS or status in (401, 403):
        return MailerBusy(said, code="credentials-refused", scope="all")
    if status == 504:
        return MailerSilent(said, code="gateway-timeout")
    if status >= 500:
        return MailerBusy(said, code="provider-error")
    if code.startswith("http-"):  # no word of SES's own: something on the way answered instead
        return MailerBusy(said, code=code, scope="all")
    return MailerRefused(said, code=code)


def _code(headers: Mapping[str, str], answer: Mapping[str, Any]) -> str:
    raw = headers.get("x-amzn-ErrorType") or answer.get("__type") or answer.get("code") or ""
    return str(raw).split(":")[0].rsplit("#")[-1]


def _json(data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _body(envelope: Envelope, configuration_set: str) -> IO[bytes]:
    """The JSON of the call, written as boto3 would write it, in memory or in a temporary file."""
    before = json.dumps(
        {"FromEmailAddress": envelope.sender, "Destination": {"ToAddresses": [envelope.recipient]}}
    )
    after = json.dumps(
        {
            "EmailTags": [{"Name": name, "Value": value} for name, value in envelope.tags.items()],
            "ConfigurationSetName": configuration_set,
            **({"TenantName": envelope.tenant} if envelope.tenant else {}),
        }
    )
    body: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (the caller closes it)
    body.write(f'{before[:-1]}, "Content": {{"Raw": {{"Data": "'.encode())
    rest = b""
    for part in envelope.parts:
        data = rest + part if rest else part
        whole = len(data) - len(data) % 3
        body.write(b64encode(data[:whole] if whole != len(data) else data))
        rest = data[whole:]
    body.write(b64encode(rest) + f'"}}}}, {after[1:]}'.encode())
    body.seek(0)
    return body


def _endpoint(region: str) -> str:
    """The regional endpoint of SES v2 as botocore resolves it."""
    client = boto3.client("sesv2", region_name=region)
    return str(client.meta.endpoint_url)


def _credentials(*, simulated: bool) -> Any:
    """botocore's credentials; made-up ones for the simulator, which must never see real ones."""
    if simulated:
        from botocore.credentials import Credentials

        return Credentials("simulator", "simulator")
    return botocore.session.get_session().get_credentials()


def control_client(service: str, *, region: str, endpoint_url: str | None) -> Any:
    """A boto3 client for everything but the hot path; its retries are off (`total_max_attempts` 1).

    With an endpoint of its own, as beside the simulator, it knows made-up credentials only, and reads
    nothing of what this machine has set up for the real Amazon (profiles, configuration files, proxies).
    Threads may ask for clients at once; the sessions they come from are not made for that.
    """
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=5,
        read_timeout=20,
        proxies={} if endpoint_url else None,
    )
    with _MAKING:
        return (_sheltered() if endpoint_url else boto3).client(
            service, region_name=region, endpoint_url=endpoint_url, config=config
        )


_MAKING = threading.Lock()


@cache
def _sheltered() -> boto3.Session:
    """A session without this machine's AWS settings; it keeps what it reads about Amazon's APIs (8 MB)."""
    nothing = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.Session(
        aws_access_key_id="simulator",
        aws_secret_access_key="simulator",  # noqa: S106  (it is none)
        botocore_session=botocore.session.Session(session_vars=nothing),
    )
