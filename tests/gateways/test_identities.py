"""Amazon SES's identities, as botocore's own model checks the calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from relay.errors import Unavailable
from relay.gateways.identities import ProviderIdentity, SesIdentities
from relay.gateways.ses import control_client

TOLD = {
    "IdentityType": "DOMAIN",
    "VerifiedForSendingStatus": True,
    "VerificationStatus": "SUCCESS",
    "DkimAttributes": {
        "SigningEnabled": True,
        "Status": "SUCCESS",
        "Tokens": ["a", "b", "c"],
        "SigningHostedZone": "dkim.eu-south-1.amazonses.com",
    },
    "MailFromAttributes": {
        "MailFromDomain": "bounce.shop.example",
        "MailFromDomainStatus": "PENDING",
        "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
    },
}
FOUND = ProviderIdentity(
    ("a", "b", "c"), "dkim.eu-south-1.amazonses.com", True, "SUCCESS", "bounce.shop.example"
)
NAMED = {"EmailIdentity": "shop.example"}


@pytest.fixture
def ses() -> Any:
    """A client of SES v2 that talks to nobody, and who plays SES."""
    client = boto3.client(
        "sesv2", region_name="eu-south-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def expect_settings(stubber: Stubber) -> None:
    stubber.add_response(
        "put_email_identity_mail_from_attributes",
        {},
        NAMED
        | {"MailFromDomain": "bounce.shop.example", "BehaviorOnMxFailure": "USE_DEFAULT_VALUE"},
    )
    stubber.add_response(
        "put_email_identity_feedback_attributes", {}, NAMED | {"EmailForwardingEnabled": False}
    )
    stubber.add_response("get_email_identity", TOLD, NAMED)


CREATED = NAMED | {"DkimSigningAttributes": {"NextSigningKeyLength": "RSA_2048_BIT"}}


def test_an_identity_is_made_with_easy_dkim_and_a_mail_from_domain(ses: Any) -> None:
    client, stubber = ses
    stubber.add_response("create_email_identity", {}, CREATED)
    expect_settings(stubber)

    made = SesIdentities(lambda: client).create("shop.example", mail_from="bounce.shop.example")

    assert made == FOUND


def test_an_identity_that_is_there_already_is_taken_as_it_is(ses: Any) -> None:
    client, stubber = ses
    stubber.add_client_error("create_email_identity", "AlreadyExistsException")
    expect_settings(stubber)

    made = SesIdentities(lambda: client).create("shop.example", mail_from="bounce.shop.example")

    assert made == FOUND


def test_an_unknown_identity_is_none(ses: Any) -> None:
    client, stubber = ses
    stubber.add_client_error("get_email_identity", "NotFoundException", http_status_code=404)

    assert SesIdentities(lambda: client).find("shop.example") is None


def test_in_older_regions_the_zone_is_the_classic_one(ses: Any) -> None:
    client, stubber = ses
    dkim = {"Tokens": ["a", "b", "c"], "Status": "PENDING", "SigningEnabled": True}
    stubber.add_response("get_email_identity", {"DkimAttributes": dkim}, NAMED)

    found = SesIdentities(lambda: client).find("shop.example")

    assert found == ProviderIdentity(("a", "b", "c"), "dkim.amazonses.com", False, "PENDING", None)


def test_deleting_what_is_gone_is_no_error(ses: Any) -> None:
    client, stubber = ses
    stubber.add_client_error("delete_email_identity", "NotFoundException", http_status_code=404)

    SesIdentities(lambda: client).delete("shop.example")


@pytest.mark.parametrize("code", ["TooManyRequestsException", "AccessDeniedException"])
def test_whatever_else_ses_says_means_later(ses: Any, code: str) -> None:
    client, stubber = ses
    stubber.add_client_error("get_email_identity", code)

    with pytest.raises(Unavailable, match=code):
        SesIdentities(lambda: client).find("shop.example")


def test_no_answer_means_later() -> None:
    class Away:
        class exceptions:
            class NotFoundException(Exception):
                pass

        def get_email_identity(self, **_: str) -> None:
            raise EndpointConnectionError(endpoint_url="https://email.example")

    with pytest.raises(Unavailable, match="does not answer"):
        SesIdentities(Away).find("shop.example")


def test_beside_the_simulator_this_machine_s_own_settings_for_amazon_do_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "config"
    broken.write_text("this is no configuration")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(broken))

    client = control_client("sesv2", region="us-east-1", endpoint_url="http://127.0.0.1:9")

    assert client.meta.endpoint_url == "http://127.0.0.1:9"
