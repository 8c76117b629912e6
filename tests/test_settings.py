"""What an installation is told: read once, all faults at once, secrets from files."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta
from pathlib import Path

import pytest

from relay.settings import Settings, SettingsError
from relay.vocabulary import AccountOpening, ReputationPolicy

SECRET = "0123456789abcdef0123456789abcdef"
GOOD = {"POSTREEVE_DATABASE_URL": "sqlite:///var/p.db", "POSTREEVE_SECRET": SECRET}
SIMULATED = "arn:aws:sns:us-east-1:000000000000:postreeve-simulator"
REAL = "arn:aws:sns:eu-west-1:111122223333:ses-events"


def read(**given: str) -> Settings:
    return Settings.from_environment(GOOD | {f"POSTREEVE_{k}": v for k, v in given.items()})


def faults(**given: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read(**given)
    return str(refused.value).splitlines()


def test_two_variables_are_enough() -> None:
    settings = read()
    assert settings.database_url == "sqlite:///var/p.db"
    assert settings.aws_region == "us-east-1"
    assert settings.configuration_set == "postreeve"
    assert settings.topic_arns == ()
    assert settings.settle_after == timedelta(minutes=5)
    assert settings.problem_base == "http://127.0.0.1:8025/problems/"


def test_every_variable_is_read() -> None:
    settings = read(
        PUBLIC_URL="https://relay.example/",
        AWS_REGION="eu-west-1",
        AWS_ENDPOINT_URL="http://127.0.0.1:8026",
        CONFIGURATION_SET="mail",
        SES_TENANTS="On",
        SES_REPUTATION_POLICY="strict",
        TOPIC_ARNS=f" {SIMULATED} ,{SIMULATED}2,",
        SIMULATOR_CERTIFICATE="var/sim/sns-certificate.pem",
        SETTLE_SECONDS="2.5",
        MAILER_TIMEOUT_SECONDS="7",
        SENDER_THREADS="3",
        LOG_LEVEL="debug",
    )
    assert settings.problem_base == "https://relay.example/problems/"
    assert settings.topic_arns == (SIMULATED, f"{SIMULATED}2")
    assert settings.simulator_certificate == Path("var/sim/sns-certificate.pem")
    assert (settings.settle_after, settings.mailer_timeout) == (
        timedelta(seconds=2.5),
        timedelta(seconds=7),
    )
    assert (settings.aws_endpoint_url, settings.sender_threads) == ("http://127.0.0.1:8026", 3)
    assert (settings.aws_region, settings.configuration_set) == ("eu-west-1", "mail")
    assert (settings.ses_tenants, settings.reputation_policy) == (True, ReputationPolicy.STRICT)
    assert settings.log_level == "DEBUG"


def test_an_empty_variable_is_none_at_all() -> None:
    assert read(AWS_ENDPOINT_URL="", SETTLE_SECONDS="").aws_endpoint_url is None


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"  {SECRET[::-1]}\n")
    assert read(SECRET_FILE=str(file)).secret == SECRET[::-1]  # and wins over the variable
    url = tmp_path / "url"
    url.write_text("postgresql://relay@db/postreeve\n")
    settings = Settings.from_environment(
        {"POSTREEVE_DATABASE_URL_FILE": str(url), "POSTREEVE_SECRET": SECRET}
    )
    assert settings.database_url == "postgresql://relay@db/postreeve"


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (told,) = faults(SECRET_FILE=str(tmp_path / "missing"))
    assert told.startswith("POSTREEVE_SECRET: ")
    assert "missing" in told
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    assert faults(SECRET_FILE=str(binary))[0].startswith("POSTREEVE_SECRET: ")


def test_what_is_missing_is_named_with_an_example() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({})
    assert str(refused.value).splitlines() == [
        "POSTREEVE_DATABASE_URL is missing "
        "(for example sqlite:///var/postreeve.db or postgresql://user@host/postreeve)",
        "POSTREEVE_SECRET is missing (at least 32 random characters; try: openssl rand -hex 32)",
    ]


def test_everything_wrong_is_said_at_once() -> None:
    told = faults(
        SECRET="short",
        PUBLIC_URL="relay.example",
        TOPIC_ARNS=f"nonsense,{REAL}",
        SIMULATOR_CERTIFICATE="x.pem",
        SETTLE_SECONDS="soon",
        MAILER_TIMEOUT_SECONDS="0",
        SENDER_THREADS="many",
        DATABASE_URL="",
    )
    for name in (
        "SECRET", "PUBLIC_URL", "TOPIC_ARNS", "SIMULATOR_CERTIFICATE", "SETTLE_SECONDS",
        "MAILER_TIMEOUT_SECONDS", "SENDER_THREADS", "DATABASE_URL",
    ):  # fmt: skip
        assert sum(fault.startswith(f"POSTREEVE_{name}") for fault in told) == 1, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET", "x" * 31),
        ("PUBLIC_URL", "ftp://relay.example"),
        ("PUBLIC_URL", "relay.example"),
        ("TOPIC_ARNS", "arn:aws:sns"),
        ("TOPIC_ARNS", f"{REAL}:subscription"),
        ("RATE_LIMIT_STORE", "memcached://127.0.0.1"),
        ("RATE_LIMIT_STORE", "redis.internal:6379"),
        ("REQUESTS_PER_MINUTE", "0"),
        ("REQUESTS_PER_MINUTE", "many"),
        ("SES_TENANTS", "perhaps"),
        ("NOTICES_FROM", "relay.example"),
        ("OPERATOR_EMAILS", "ada@relay.example, bob"),
        ("SES_REPUTATION_POLICY", "lenient"),
        ("SIGN_UP", "everybody"),
        ("SETTLE_SECONDS", "0"),
        ("SETTLE_SECONDS", "-5"),
        ("SETTLE_SECONDS", "nan"),
        ("SETTLE_SECONDS", "inf"),
        ("SETTLE_SECONDS", "five"),
        ("MAILER_TIMEOUT_SECONDS", "0"),
        ("MAILER_TIMEOUT_SECONDS", "-1"),
        ("SENDER_THREADS", "0"),
        ("SENDER_THREADS", "257"),
        ("SENDER_THREADS", "1.5"),
    ],
)
def test_a_malformed_value_is_named(name: str, value: str) -> None:
    (told,) = faults(**{name: value})
    assert told.startswith(f"POSTREEVE_{name}")


@pytest.mark.parametrize("topics", [REAL, f"{SIMULATED},{REAL}", REAL.replace("aws", "aws-cn", 1)])
def test_the_simulators_signature_is_never_trusted_beside_a_real_topic(topics: str) -> None:
    (told,) = faults(SIMULATOR_CERTIFICATE="x.pem", TOPIC_ARNS=topics)
    assert "cannot be set together with a real topic" in told
    assert "111122223333" in told


def test_the_simulators_signature_is_trusted_for_its_own_topics() -> None:
    assert read(SIMULATOR_CERTIFICATE="x.pem", TOPIC_ARNS=SIMULATED).simulator_certificate
    assert read(SIMULATOR_CERTIFICATE="x.pem").topic_arns == ()
    assert read(TOPIC_ARNS=REAL).simulator_certificate is None


def test_an_installation_does_not_change_while_it_runs() -> None:
    with pytest.raises(FrozenInstanceError):
        read().secret = "x" * 32  # type: ignore[misc]


def test_no_secret_is_told_in_a_fault() -> None:
    with pytest.raises(SettingsError) as refused:
        read(SECRET="hunter2", SETTLE_SECONDS="soon")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("public_url", "notices_from", "sender"),
    [
        ("https://relay.shop.example", "", "postreeve@relay.shop.example"),
        ("https://relay.shop.example", "desk@mail.example", "desk@mail.example"),
        ("http://127.0.0.1:8025", "", "postreeve@relay.test"),
        ("http://[::1]:8025", "", "postreeve@relay.test"),
        ("http://localhost:8025", "", "postreeve@relay.test"),
    ],
)
def test_the_relay_writes_from_its_own_host_or_as_it_is_told(
    public_url: str, notices_from: str, sender: str
) -> None:
    made = Settings("sqlite://", "x" * 32, public_url=public_url, notices_from=notices_from)

    assert made.house_sender == sender


def test_who_may_open_an_account_is_approved_unless_said_otherwise() -> None:
    assert read().sign_up is AccountOpening.APPROVAL
    assert read(SIGN_UP="Open").sign_up is AccountOpening.OPEN
