"""Amazon SES's tenants: what is asked, in botocore's own words, and how slowly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from relay.errors import Unavailable
from relay.gateways.tenants import Finding, SesTenants, TenantStanding
from relay.vocabulary import ReputationPolicy, SendingStatus

ARN = "arn:aws:ses:eu-west-1:123456789012:tenant/shop/tn-1"
IDENTITY = "arn:aws:ses:eu-west-1:123456789012:identity/shop.example"
ENTITY = {"ReputationEntityType": "RESOURCE", "ReputationEntityReference": ARN}


@pytest.fixture
def client() -> Any:
    return boto3.client(
        "sesv2", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )


@pytest.fixture
def ses(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def tenants(client: Any, ses: Stubber) -> SesTenants:
    return SesTenants(lambda: client, between=0.0)


def test_a_tenant_is_made(tenants: SesTenants, ses: Stubber) -> None:
    ses.add_response("create_tenant", {"TenantArn": ARN}, {"TenantName": "shop"})
    assert tenants.create("shop") == ARN


def test_one_that_is_there_is_taken_as_it_is(tenants: SesTenants, ses: Stubber) -> None:
    ses.add_client_error("create_tenant", "AlreadyExistsException")
    ses.add_response("get_tenant", {"Tenant": {"TenantArn": ARN}}, {"TenantName": "shop"})
    assert tenants.create("shop") == ARN


def test_resources_come_and_go_and_may_be_there_or_gone_already(
    tenants: SesTenants, ses: Stubber
) -> None:
    asked = {"TenantName": "shop", "ResourceArn": IDENTITY}
    ses.add_response("create_tenant_resource_association", {}, asked)
    ses.add_client_error("create_tenant_resource_association", "AlreadyExistsException")
    ses.add_response("delete_tenant_resource_association", {}, asked)
    ses.add_client_error("delete_tenant_resource_association", "NotFoundException")
    for _ in range(2):
        tenants.associate("shop", IDENTITY)
    for _ in range(2):
        tenants.dissociate("shop", IDENTITY)


def test_a_tenant_is_deleted_once(tenants: SesTenants, ses: Stubber) -> None:
    ses.add_response("delete_tenant", {}, {"TenantName": "shop"})
    ses.add_client_error("delete_tenant", "NotFoundException")
    for _ in range(2):
        tenants.delete("shop")


def test_policy_and_status_are_said_in_SES_s_words(tenants: SesTenants, ses: Stubber) -> None:
    policy = "arn:aws:ses:eu-west-1:aws:reputation-policy/strict"
    ses.add_response(
        "update_reputation_entity_policy", {}, {**ENTITY, "ReputationEntityPolicy": policy}
    )
    ses.add_response(
        "update_reputation_entity_customer_managed_status",
        {},
        {**ENTITY, "SendingStatus": "REINSTATED"},
    )
    tenants.set_policy(ARN, ReputationPolicy.STRICT)
    tenants.set_status(ARN, SendingStatus.REINSTATED)


def test_what_SES_says_is_read_to_the_last_page(tenants: SesTenants, ses: Stubber) -> None:
    ses.add_response(
        "get_reputation_entity",
        {
            "ReputationEntity": {
                "CustomerManagedStatus": {"Status": "ENABLED"},
                "AwsSesManagedStatus": {"Status": "DISABLED", "Cause": "high bounce rate"},
                "SendingStatusAggregate": "DISABLED",
                "ReputationImpact": "HIGH",
            }
        },
        ENTITY,
    )
    asked = {"Filter": {"RESOURCE_ARN": ARN, "STATUS": "OPEN"}}
    first = {"Type": "BOUNCE", "Impact": "HIGH", "Description": "15 %"}
    ses.add_response(
        "list_recommendations", {"Recommendations": [first], "NextToken": "more"}, asked
    )
    second = {"Type": "COMPLAINT", "Impact": "LOW"}
    ses.add_response(
        "list_recommendations", {"Recommendations": [second]}, {**asked, "NextToken": "more"}
    )
    assert tenants.standing(ARN) == TenantStanding(
        status=SendingStatus.DISABLED,
        ours=SendingStatus.ENABLED,
        theirs=SendingStatus.DISABLED,
        cause="high bounce rate",
        impact="HIGH",
        findings=(Finding("BOUNCE", "HIGH", "15 %"), Finding("COMPLAINT", "LOW", "")),
    )


def test_a_tenant_that_is_gone_is_none_and_an_unknown_word_stops_nobody(
    tenants: SesTenants, ses: Stubber
) -> None:
    ses.add_client_error("get_reputation_entity", "NotFoundException")
    ses.add_response(
        "get_reputation_entity", {"ReputationEntity": {"SendingStatusAggregate": "RESTING"}}
    )
    ses.add_response("list_recommendations", {})
    assert tenants.standing(ARN) is None
    found = tenants.standing(ARN)
    assert found is not None
    assert (found.status, found.findings) == (SendingStatus.ENABLED, ())


def test_what_SES_refuses_is_told(tenants: SesTenants, ses: Stubber) -> None:
    ses.add_client_error("create_tenant", "LimitExceededException")
    with pytest.raises(Unavailable, match=r"CreateTenant \(LimitExceededException\)"):
        tenants.create("shop")


def test_calls_are_a_second_apart(client: Any, ses: Stubber) -> None:
    slept: list[float] = []
    tenants = SesTenants(lambda: client, sleep=slept.append)
    for _ in range(3):
        ses.add_response("create_tenant", {"TenantArn": ARN})
        tenants.create("shop")
    assert [round(each) for each in slept] == [1, 2]  # nobody really slept meanwhile
