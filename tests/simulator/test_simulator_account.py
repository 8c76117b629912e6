"""The control planes of SES v2 and SNS, read by boto3's own parsers."""

import datetime
from typing import Any

import pytest
from simulator_rig import MAIL, TOPIC, Simulator, Subscriber


@pytest.fixture
def ses(simulator: Simulator) -> Any:
    return simulator.aws("sesv2")


@pytest.fixture
def sns(simulator: Simulator) -> Any:
    return simulator.aws("sns")


def test_the_account_shows_the_limits_that_are_set(simulator: Simulator, ses: Any) -> None:
    simulator.control(max_send_rate=14, daily_quota=50_000, production_access=False)

    account = ses.get_account()
    before = account["SendQuota"]["SentLast24Hours"]
    simulator.send("a@quota.example", "b@quota.example")

    assert account["SendQuota"]["MaxSendRate"] == 14
    assert account["SendQuota"]["Max24HourSend"] == 50_000
    assert account["ProductionAccessEnabled"] is False
    assert account["SuppressionAttributes"]["SuppressedReasons"] == ["BOUNCE", "COMPLAINT"]
    assert ses.get_account()["SendQuota"]["SentLast24Hours"] == before + 2


def test_a_paused_account_sends_nothing(simulator: Simulator, ses: Any) -> None:
    ses.put_account_sending_attributes(SendingEnabled=False)
    try:
        assert ses.get_account()["SendingEnabled"] is False
        with pytest.raises(ses.exceptions.SendingPausedException):
            simulator.send("ada@company.example")
    finally:
        ses.put_account_sending_attributes(SendingEnabled=True)
    assert simulator.send("ada@company.example")


def test_an_identity_is_verified_at_once_and_has_dkim_tokens(ses: Any) -> None:
    created = ses.create_email_identity(EmailIdentity="auto.example")
    found = ses.get_email_identity(EmailIdentity="auto.example")

    assert created["IdentityType"] == "DOMAIN"
    assert created["VerifiedForSendingStatus"] is True
    assert len(created["DkimAttributes"]["Tokens"]) == 3
    assert created["DkimAttributes"]["SigningHostedZone"] == "dkim.amazonses.com"
    assert found["DkimAttributes"]["Status"] == "SUCCESS"
    assert found["VerificationStatus"] == "SUCCESS"
    assert found["DkimAttributes"]["Tokens"] == created["DkimAttributes"]["Tokens"]
    with pytest.raises(ses.exceptions.AlreadyExistsException):
        ses.create_email_identity(EmailIdentity="Auto.example")


def test_with_manual_verification_the_control_decides(simulator: Simulator, ses: Any) -> None:
    simulator.control(verify_identities="manual")
    assert not ses.create_email_identity(EmailIdentity="slow.example")["VerifiedForSendingStatus"]

    for status, verified in (("FAILED", False), ("SUCCESS", True)):
        simulator.control(identities={"slow.example": status})
        found = ses.get_email_identity(EmailIdentity="slow.example")
        assert found["VerifiedForSendingStatus"] is verified
        assert found["DkimAttributes"]["Status"] == status


def test_an_identity_keeps_what_is_put(ses: Any) -> None:
    ses.create_email_identity(EmailIdentity="put.example")

    ses.put_email_identity_mail_from_attributes(
        EmailIdentity="put.example",
        MailFromDomain="bounce.put.example",
        BehaviorOnMxFailure="REJECT_MESSAGE",
    )
    ses.put_email_identity_feedback_attributes(
        EmailIdentity="put.example", EmailForwardingEnabled=False
    )
    found = ses.get_email_identity(EmailIdentity="put.example")

    assert found["MailFromAttributes"] == {
        "MailFromDomain": "bounce.put.example",
        "MailFromDomainStatus": "SUCCESS",
        "BehaviorOnMxFailure": "REJECT_MESSAGE",
    }
    assert found["FeedbackForwardingStatus"] is False
    with pytest.raises(ses.exceptions.BadRequestException, match="not subdomain"):
        ses.put_email_identity_mail_from_attributes(
            EmailIdentity="put.example", MailFromDomain="elsewhere.example"
        )


def test_identities_are_listed_and_deleted(ses: Any) -> None:
    names = [f"listed-{n}.example" for n in range(3)]
    for name in names:
        ses.create_email_identity(EmailIdentity=name)

    first = ses.list_email_identities(PageSize=2)
    rest = ses.list_email_identities(PageSize=1000, NextToken=first["NextToken"])
    listed = [one["IdentityName"] for one in first["EmailIdentities"] + rest["EmailIdentities"]]
    ses.delete_email_identity(EmailIdentity=names[0])

    assert set(names) <= set(listed)
    assert len(listed) == len(set(listed))
    for gone in (ses.get_email_identity, ses.delete_email_identity):
        with pytest.raises(ses.exceptions.NotFoundException):
            gone(EmailIdentity=names[0])


def test_the_suppression_list_is_put_got_listed_and_deleted(ses: Any) -> None:
    ses.put_suppressed_destination(EmailAddress="Gone@company.example", Reason="BOUNCE")
    ses.put_suppressed_destination(EmailAddress="angry@company.example", Reason="COMPLAINT")

    found = ses.get_suppressed_destination(EmailAddress="gone@company.example")
    angry = ses.list_suppressed_destinations(Reasons=["COMPLAINT"])
    ses.delete_suppressed_destination(EmailAddress="gone@company.example")

    assert found["SuppressedDestination"]["Reason"] == "BOUNCE"
    assert isinstance(found["SuppressedDestination"]["LastUpdateTime"], datetime.datetime)
    addresses = [one["EmailAddress"] for one in angry["SuppressedDestinationSummaries"]]
    assert "angry@company.example" in addresses
    assert "Gone@company.example" not in addresses
    for gone in (ses.get_suppressed_destination, ses.delete_suppressed_destination):
        with pytest.raises(ses.exceptions.NotFoundException):
            gone(EmailAddress="gone@company.example")


def test_a_configuration_set_may_suppress_for_other_reasons_than_the_account(
    simulator: Simulator, subscriber: Subscriber, ses: Any
) -> None:
    ses.put_suppressed_destination(EmailAddress="full@company.example", Reason="BOUNCE")

    subscriber.wait_for(simulator.send("full@company.example"), "Send", "Bounce")
    ses.put_configuration_set_suppression_options(
        ConfigurationSetName="postreeve", SuppressedReasons=["COMPLAINT"]
    )
    subscriber.wait_for(simulator.send("full@company.example"), "Send", "Delivery")
    ses.put_configuration_set_suppression_options(
        ConfigurationSetName="postreeve", SuppressedReasons=["BOUNCE", "COMPLAINT"]
    )
    ses.put_account_suppression_attributes(SuppressedReasons=["COMPLAINT"])

    account = ses.get_account()
    ses.put_account_suppression_attributes(SuppressedReasons=["BOUNCE", "COMPLAINT"])
    assert account["SuppressionAttributes"]["SuppressedReasons"] == ["COMPLAINT"]


def test_the_first_configuration_set_publishes_everything(ses: Any) -> None:
    found = ses.get_configuration_set(ConfigurationSetName="postreeve")
    (destination,) = ses.get_configuration_set_event_destinations(ConfigurationSetName="postreeve")[
        "EventDestinations"
    ]

    assert found["SendingOptions"]["SendingEnabled"] is True
    assert destination["Enabled"] is True
    assert destination["SnsDestination"]["TopicArn"] == TOPIC
    assert "RENDERING_FAILURE" in destination["MatchingEventTypes"]


def test_a_configuration_set_publishes_what_its_destinations_ask_for(
    simulator: Simulator, subscriber: Subscriber, ses: Any
) -> None:
    target = {"ConfigurationSetName": "bounces-only", "EventDestinationName": "relay"}
    ses.create_configuration_set(ConfigurationSetName="bounces-only")
    ses.create_configuration_set_event_destination(
        **target,
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["BOUNCE"],
            "SnsDestination": {"TopicArn": TOPIC},
        },
    )

    message_id = simulator.send(
        "bounce@simulator.amazonses.com", ConfigurationSetName="bounces-only"
    )
    subscriber.wait_for(message_id, "Bounce")
    with pytest.raises(ses.exceptions.AlreadyExistsException):
        ses.create_configuration_set(ConfigurationSetName="bounces-only")
    with pytest.raises(ses.exceptions.BadRequestException):
        ses.update_configuration_set_event_destination(
            **target,
            EventDestination={
                "MatchingEventTypes": ["BOUNCE"],
                "SnsDestination": {"TopicArn": TOPIC + "-nowhere"},
            },
        )
    ses.delete_configuration_set_event_destination(**target)
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.delete_configuration_set_event_destination(**target)
    assert "bounces-only" in ses.list_configuration_sets()["ConfigurationSets"]
    ses.delete_configuration_set(ConfigurationSetName="bounces-only")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_configuration_set(ConfigurationSetName="bounces-only")


def test_a_paused_configuration_set_sends_nothing(simulator: Simulator, ses: Any) -> None:
    ses.create_configuration_set(
        ConfigurationSetName="paused", SendingOptions={"SendingEnabled": False}
    )

    with pytest.raises(ses.exceptions.SendingPausedException):
        simulator.send("ada@company.example", raw=MAIL, ConfigurationSetName="paused")


def test_topics_and_subscriptions_are_made_and_asked_about(sns: Any) -> None:
    topic = sns.create_topic(Name="other")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    endpoint = "http://127.0.0.1:9/hooks/ses"
    pending = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
    arn = sns.subscribe(
        TopicArn=topic, Protocol="http", Endpoint=endpoint, ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=arn)

    assert pending["SubscriptionArn"] == "pending confirmation"
    assert attributes["PendingConfirmation"] == "true"
    assert attributes["TopicArn"] == topic
    assert listed[0]["SubscriptionArn"] == "PendingConfirmation"
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SignatureVersion"] == "2"
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_subscription_attributes(SubscriptionArn=arn)


def test_a_wrong_token_confirms_nothing(sns: Any) -> None:
    with pytest.raises(sns.exceptions.InvalidParameterException):
        sns.confirm_subscription(TopicArn=TOPIC, Token="0" * 128)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.confirm_subscription(TopicArn=TOPIC + "-nowhere", Token="0" * 128)
