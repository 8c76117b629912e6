"""The facts about this installation, read once from the environment.

`Settings.from_environment` is called in `wsgi.py` and `__main__.py` and nowhere else. It reports
everything that is missing or malformed in one message. A secret may be given as `NAME` or, as
containers like it, as `NAME_FILE`: the path of a file that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from relay.addresses import parse as parse_address
from relay.answers import NameServer, name_servers
from relay.errors import Invalid
from relay.keys import Keyring
from relay.vocabulary import AccountOpening, ReputationPolicy

SIMULATED_AWS_ACCOUNT = "000000000000"
"""AWS account id of the simulator's topics; Amazon hands out no such id."""


DATABASES = ("sqlite:///", "postgresql://", "postgres://")
"""How the address of a database may begin; some hosts write the shorter word."""

STORES = ("memory", "redis", "rediss", "redis+unix", "valkey", "valkeys", "valkey+unix")
"""How the address of a store for the counts of requests may begin; Valkey speaks Redis's protocol."""

MOST_REQUESTS = 10_000_000
"""Requests a minute that a key can be allowed."""

LONGEST_PUBLIC_URL = 300
"""Characters; a link for a person has 540 more and must fit into one line of a mail's head (998)."""


class SettingsError(Exception):
    """The environment does not describe an installation that can run; says all that is wrong."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between one installation and another. Product constants live elsewhere."""

    database_url: str
    secret: str
    public_url: str = "http://127.0.0.1:8025"
    aws_region: str = "us-east-1"
    aws_endpoint_url: str | None = None
    configuration_set: str = "postreeve"
    ses_tenants: bool = False
    reputation_policy: ReputationPolicy = ReputationPolicy.STANDARD
    topic_arns: tuple[str, ...] = ()
    simulator_certificate: Path | None = None
    trial_notes: Path | None = None
    nameservers: tuple[NameServer, ...] = ()
    domain_blocklists: tuple[str, ...] = ()
    notices_from: str = ""
    operator_emails: tuple[str, ...] = ()
    consent_keys: tuple[str, ...] = ()
    trusted_proxies: int = 0
    sign_up: AccountOpening = AccountOpening.APPROVAL
    rate_limit_store: str = "memory://"
    requests_per_minute: int = 3_000
    read_one_in: int = 20
    settle_after: timedelta = timedelta(minutes=5)
    mailer_timeout: timedelta = timedelta(seconds=20)
    sender_threads: int = 16
    log_level: str = "INFO"

    def __post_init__(self) -> None:
        if faults := list(self._faults()):
            raise SettingsError("\n".join(faults))

    def _faults(self) -> list[str]:
        faults = []
        if len(self.secret) < 32:
            faults.append(
                "POSTREEVE_SECRET must have at least 32 characters (try: openssl rand -hex 32)"
            )
        if urlsplit(self.public_url).scheme not in ("http", "https"):
            faults.append(
                "POSTREEVE_PUBLIC_URL must begin with https:// (or http:// on one machine)"
            )
        if len(self.public_url) > LONGEST_PUBLIC_URL:
            faults.append(f"POSTREEVE_PUBLIC_URL must have at most {LONGEST_PUBLIC_URL} characters")
        for arn in self.topic_arns:
            if arn.count(":") != 5 or not arn.startswith("arn:"):
                faults.append(f"POSTREEVE_TOPIC_ARNS: {arn!r} is not the ARN of an SNS topic")
        real = [arn for arn in self.topic_arns if arn.split(":")[4:5] != [SIMULATED_AWS_ACCOUNT]]
        if self.simulator_certificate and real:
            faults.append(
                "POSTREEVE_SIMULATOR_CERTIFICATE makes the relay trust the simulator's signature. "
                f"It cannot be set together with a real topic ({', '.join(real)}): remove one of them"
            )
        for name, addresses in (
            ("POSTREEVE_NOTICES_FROM", [self.notices_from] if self.notices_from else []),
            ("POSTREEVE_OPERATOR_EMAILS", self.operator_emails),
        ):
            for address in addresses:
                try:
                    parse_address(address)
                except Invalid as error:
                    faults.append(f"{name}: {error.detail}")
        try:
            self.keyring  # noqa: B018  (it raises where a key is malformed)
        except ValueError as error:
            faults.append(f"POSTREEVE_CONSENT_KEYS: {error}")
        if not 0 <= self.trusted_proxies <= 10:
            faults.append("POSTREEVE_TRUSTED_PROXIES must be between 0 and 10")
        if urlsplit(self.rate_limit_store).scheme not in STORES:
            faults.append(
                "POSTREEVE_RATE_LIMIT_STORE must be memory://, or the address of a Redis or Valkey: "
                "redis://host:6379/0"
            )
        if not 1 <= self.requests_per_minute <= MOST_REQUESTS:
            faults.append(f"POSTREEVE_REQUESTS_PER_MINUTE must be between 1 and {MOST_REQUESTS:,}")
        if self.read_one_in < 0:
            faults.append("POSTREEVE_READ_ONE_IN must be 0 (no mail is read) or more")
        if self.settle_after <= timedelta(0):
            faults.append("POSTREEVE_SETTLE_SECONDS must be more than 0")
        if self.mailer_timeout <= timedelta(0):
            faults.append("POSTREEVE_MAILER_TIMEOUT_SECONDS must be more than 0")
        if not 1 <= self.sender_threads <= 256:
            faults.append("POSTREEVE_SENDER_THREADS must be between 1 and 256")
        return faults

    @property
    def house_sender(self) -> str:
        """The address from which the relay itself writes to owners.

        Where the relay has no name of its own, as in a trial on one machine, one that reaches nobody.
        """
        if self.notices_from:
            return self.notices_from
        try:
            return str(parse_address(f"postreeve@{urlsplit(self.public_url).hostname}"))
        except Invalid:
            return "postreeve@relay.test"

    @property
    def keyring(self) -> Keyring:
        """The keys of commitments and links. Raises `ValueError` where one is malformed."""
        return Keyring.parse(self.consent_keys, fallback=self.secret)

    @property
    def problem_base(self) -> str:
        """Where the pages about problems live; the start of every problem's `type`."""
        return f"{self.public_url.rstrip('/')}/problems/"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """The installation that `environ` describes. Raises `SettingsError` naming every fault."""
        found: dict[str, Any] = {}
        faults: list[str] = []
        for field, (name, read) in _READERS.items():
            try:
                value = _value(environ, name)
                if value is not None:
                    found[field] = read(value)
            except (ValueError, OverflowError, OSError) as error:
                faults.append(f"{name}: {error}")
        for field, example in _REQUIRED.items():
            if field not in found and not any(f.startswith(_READERS[field][0]) for f in faults):
                faults.append(f"{_READERS[field][0]} is missing ({example})")
        if not faults:
            return cls(**found)
        try:  # what else is wrong, with something valid in place of what is missing
            cls(**({"database_url": "-", "secret": "-" * 32} | found))
        except SettingsError as error:
            faults.append(str(error))
        raise SettingsError("\n".join(faults))


def _value(environ: Mapping[str, str], name: str) -> str | None:
    if path := environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return environ.get(name) or None


def _database(text: str) -> str:
    """The address of a database that the relay knows. Raises `ValueError` for any other."""
    if not text.startswith(DATABASES):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    urlsplit(text).port  # noqa: B018  (it raises where the port is no number)
    return text


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _switch(text: str) -> bool:
    """Whether something is switched on. Raises `ValueError` for what is neither."""
    if text.lower() not in _SWITCH:
        raise ValueError(f"{text!r} is neither on nor off")
    return _SWITCH[text.lower()]


def _policy(text: str) -> ReputationPolicy:
    """One of Amazon SES's reputation policies. Raises `ValueError`, naming them."""
    try:
        return ReputationPolicy(text.lower())
    except ValueError:
        raise ValueError(f"{text!r} is none of {', '.join(ReputationPolicy)}") from None


_SWITCH = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


def _opening(text: str) -> AccountOpening:
    try:
        return AccountOpening(text.lower())
    except ValueError:
        raise ValueError(f"must be one of {', '.join(AccountOpening)}") from None


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=float(text))


_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "database_url": ("POSTREEVE_DATABASE_URL", _database),
    "secret": ("POSTREEVE_SECRET", str),
    "public_url": ("POSTREEVE_PUBLIC_URL", str),
    "aws_region": ("POSTREEVE_AWS_REGION", str),
    "aws_endpoint_url": ("POSTREEVE_AWS_ENDPOINT_URL", str),
    "configuration_set": ("POSTREEVE_CONFIGURATION_SET", str),
    "ses_tenants": ("POSTREEVE_SES_TENANTS", _switch),
    "reputation_policy": ("POSTREEVE_SES_REPUTATION_POLICY", _policy),
    "topic_arns": ("POSTREEVE_TOPIC_ARNS", _list),
    "simulator_certificate": ("POSTREEVE_SIMULATOR_CERTIFICATE", Path),
    "trial_notes": ("POSTREEVE_TRIAL_NOTES", Path),
    "nameservers": ("POSTREEVE_NAMESERVERS", name_servers),
    "domain_blocklists": ("POSTREEVE_DOMAIN_BLOCKLISTS", _list),
    "notices_from": ("POSTREEVE_NOTICES_FROM", str),
    "operator_emails": ("POSTREEVE_OPERATOR_EMAILS", _list),
    "consent_keys": ("POSTREEVE_CONSENT_KEYS", _list),
    "trusted_proxies": ("POSTREEVE_TRUSTED_PROXIES", int),
    "sign_up": ("POSTREEVE_SIGN_UP", _opening),
    "rate_limit_store": ("POSTREEVE_RATE_LIMIT_STORE", str),
    "requests_per_minute": ("POSTREEVE_REQUESTS_PER_MINUTE", int),
    "read_one_in": ("POSTREEVE_READ_ONE_IN", int),
    "settle_after": ("POSTREEVE_SETTLE_SECONDS", _seconds),
    "mailer_timeout": ("POSTREEVE_MAILER_TIMEOUT_SECONDS", _seconds),
    "sender_threads": ("POSTREEVE_SENDER_THREADS", int),
    "log_level": ("POSTREEVE_LOG_LEVEL", str.upper),
}

_REQUIRED = {
    "database_url": "for example sqlite:///var/postreeve.db or postgresql://user@host/postreeve",
    "secret": "at least 32 random characters; try: openssl rand -hex 32",
}
