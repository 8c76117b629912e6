"""Tenants, as boto3 sees them: what belongs to one, what SES finds, who may send."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from simulator_rig import Simulator

HERE = "arn:aws:ses:us-east-1:000000000000:"
POLICY = "arn:aws:ses:us-east-1:aws:reputation-policy/"


@pytest.fixture
def ses(simulator: Simulator) -> Any:
    return simulator.aws("sesv2")


def identity(ses: Any, name: str) -> str:
    ses.create_email_identity(EmailIdentity=name)
    return f"{HERE}identity/{name}"


def tenant(ses: Any, name: str, *resources: str) -> str:
    """A new tenant with these resources; its ARN."""
    made = ses.create_tenant(TenantName=name)
    for resource in resources:
        ses.create_tenant_resource_association(TenantName=name, ResourceArn=resource)
    return str(made["TenantArn"])


def entity(ses: Any, arn: str) -> dict[str, Any]:
    found = ses.get_reputation_entity(
        ReputationEntityType="RESOURCE", ReputationEntityReference=arn
    )
    return dict(found["ReputationEntity"])


def set_status(ses: Any, arn: str, status: str) -> None:
    ses.update_reputation_entity_customer_managed_status(
        ReputationEntityType="RESOURCE", ReputationEntityReference=arn, SendingStatus=status
    )


def set_policy(ses: Any, arn: str, policy: str) -> None:
    ses.update_reputation_entity_policy(
        ReputationEntityType="RESOURCE",
        ReputationEntityReference=arn,
        ReputationEntityPolicy=POLICY + policy,
    )


def send(simulator: Simulator, name: str, domain: str) -> str:
    raw = f"From: a@{domain}\r\nTo: ada@company.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"
    return simulator.send(
        "ada@company.example", raw=raw.encode(), FromEmailAddress=f"a@{domain}", TenantName=name
    )


CONFIGURATION_SET = f"{HERE}configuration-set/postreeve"


def test_a_tenant_is_made_found_listed_and_deleted(ses: Any) -> None:
    made = ses.create_tenant(TenantName="made", Tags=[{"Key": "a", "Value": "b"}])
    found = ses.get_tenant(TenantName="made")["Tenant"]
    listed = ses.list_tenants(Filter={"TENANT_NAME_CONTAINS": "mad"})["Tenants"]

    assert made["TenantArn"] == f"{HERE}tenant/made/{made['TenantId']}"
    assert made["TenantId"].startswith("tn-")
    assert (found["SendingStatus"], found["Tags"]) == ("ENABLED", [{"Key": "a", "Value": "b"}])
    assert [each["TenantId"] for each in listed] == [made["TenantId"]]
    with pytest.raises(ses.exceptions.AlreadyExistsException):
        ses.create_tenant(TenantName="made")
    with pytest.raises(ses.exceptions.BadRequestException):
        ses.create_tenant(TenantName="two words")
    ses.delete_tenant(TenantName="made")
    for gone in (ses.get_tenant, ses.delete_tenant, ses.list_tenant_resources):
        with pytest.raises(ses.exceptions.NotFoundException):
            gone(TenantName="made")


def test_resources_are_associated_once_and_not_deleted_meanwhile(ses: Any) -> None:
    mine = identity(ses, "belongs.example")
    tenant(ses, "owner", mine, CONFIGURATION_SET)
    both = {"TenantName": "owner", "ResourceArn": mine}

    listed = ses.list_tenant_resources(TenantName="owner")["TenantResources"]
    tenants = ses.list_resource_tenants(ResourceArn=mine)["ResourceTenants"]
    assert {each["ResourceArn"]: each["ResourceType"] for each in listed} == {
        mine: "EMAIL_IDENTITY",
        CONFIGURATION_SET: "CONFIGURATION_SET",
    }
    assert [each["TenantName"] for each in tenants] == ["owner"]
    with pytest.raises(ses.exceptions.AlreadyExistsException):
        ses.create_tenant_resource_association(**both)
    for nowhere in (f"{HERE}identity/nowhere.example", f"{HERE}template/t"):
        with pytest.raises(ses.exceptions.NotFoundException):
            ses.create_tenant_resource_association(TenantName="owner", ResourceArn=nowhere)
    with pytest.raises(ses.exceptions.BadRequestException, match="associated with the tenant"):
        ses.delete_email_identity(EmailIdentity="belongs.example")
    with pytest.raises(ses.exceptions.BadRequestException, match="associated with the tenant"):
        ses.delete_configuration_set(ConfigurationSetName="postreeve")
    ses.delete_tenant_resource_association(**both)
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.delete_tenant_resource_association(**both)
    ses.delete_email_identity(EmailIdentity="belongs.example")


def test_mail_of_a_tenant_leaves_by_its_own_resources_only(simulator: Simulator, ses: Any) -> None:
    mine, other = identity(ses, "mine.example"), identity(ses, "other.example")
    tenant(ses, "sender", mine)

    with pytest.raises(ses.exceptions.BadRequestException, match="configuration-set/postreeve"):
        send(simulator, "sender", "mine.example")
    ses.create_tenant_resource_association(TenantName="sender", ResourceArn=CONFIGURATION_SET)
    message_id = send(simulator, "sender", "mine.example")
    with pytest.raises(ses.exceptions.BadRequestException, match=other):
        send(simulator, "sender", "other.example")
    with pytest.raises(ses.exceptions.NotFoundException):
        send(simulator, "nobody", "mine.example")

    line = simulator.open("/mails/ledger")[2].splitlines()[-1]
    assert (json.loads(line)["id"], json.loads(line)["tenant"]) == (message_id, "sender")


def test_a_disabled_tenant_sends_nothing_and_the_others_do(simulator: Simulator, ses: Any) -> None:
    mine = identity(ses, "switch.example")
    arn = tenant(ses, "switched", mine, CONFIGURATION_SET)
    tenant(ses, "beside", mine, CONFIGURATION_SET)

    set_status(ses, arn, "DISABLED")
    assert ses.get_tenant(TenantName="switched")["Tenant"]["SendingStatus"] == "DISABLED"
    with pytest.raises(ses.exceptions.SendingPausedException):
        send(simulator, "switched", "switch.example")
    assert send(simulator, "beside", "switch.example")
    set_status(ses, arn, "REINSTATED")
    assert entity(ses, arn)["SendingStatusAggregate"] == "REINSTATED"
    assert send(simulator, "switched", "switch.example")
    with pytest.raises(ses.exceptions.BadRequestException):
        set_status(ses, arn, "MAYBE")


@pytest.mark.parametrize(
    ("policy", "impact", "status"),
    [
        ("standard", "LOW", "ENABLED"),
        ("standard", "HIGH", "DISABLED"),
        ("strict", "LOW", "DISABLED"),
        ("none", "HIGH", "ENABLED"),
    ],
)
def test_findings_pause_a_tenant_as_its_policy_has_it(
    policy: str, impact: str, status: str, simulator: Simulator, ses: Any
) -> None:
    name = f"found-{policy}-{impact}"
    arn = tenant(ses, name)
    set_policy(ses, arn, policy)
    simulator.control(tenants={name: {"BOUNCE": impact}})

    found = entity(ses, arn)
    (finding,) = ses.list_recommendations(Filter={"RESOURCE_ARN": arn})["Recommendations"]
    assert found["ReputationManagementPolicy"] == POLICY + policy
    assert found["ReputationImpact"] == impact
    assert found["AwsSesManagedStatus"]["Status"] == status
    assert found["SendingStatusAggregate"] == status
    assert (finding["Type"], finding["Impact"], finding["Status"]) == ("BOUNCE", impact, "OPEN")

    simulator.control(tenants={name: {"BOUNCE": None}})
    (finding,) = ses.list_recommendations(Filter={"RESOURCE_ARN": arn})["Recommendations"]
    assert finding["Status"] == "FIXED"
    assert entity(ses, arn)["SendingStatusAggregate"] == "ENABLED"
    assert "ReputationImpact" not in entity(ses, arn)


def test_who_is_reinstated_is_paused_for_new_findings_only(simulator: Simulator, ses: Any) -> None:
    arn = tenant(ses, "again")
    set_policy(ses, arn, "none")
    simulator.control(tenants={"again": {"BOUNCE": "HIGH"}})
    set_status(ses, arn, "REINSTATED")
    set_policy(ses, arn, "standard")

    assert entity(ses, arn)["SendingStatusAggregate"] == "REINSTATED"
    simulator.control(tenants={"again": {"COMPLAINT": "HIGH"}})
    assert entity(ses, arn)["SendingStatusAggregate"] == "DISABLED"
    assert "COMPLAINT" in entity(ses, arn)["AwsSesManagedStatus"]["Cause"]


def test_what_nobody_knows_is_said(simulator: Simulator, ses: Any) -> None:
    arn = tenant(ses, "known")
    with pytest.raises(ses.exceptions.NotFoundException):
        entity(ses, arn + "x")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.list_recommendations(Filter={"RESOURCE_ARN": arn + "x"})
    with pytest.raises(ses.exceptions.BadRequestException):
        set_policy(ses, arn, "lenient")
    entities = ses.list_reputation_entities(
        Filter={"ENTITY_REFERENCE_PREFIX": arn, "SENDING_STATUS": "ENABLED"}
    )["ReputationEntities"]
    assert [each["ReputationEntityReference"] for each in entities] == [arn]
    for wrong in ({"none": {}}, {"known": {"SPF": "LOW"}}, {"known": {"BOUNCE": "AWFUL"}}):
        status, _, body = simulator.open(
            "/_control", "PUT", json.dumps({"tenants": wrong}).encode()
        )
        assert (status, b"tenants[" in body) == (400, True)


def test_tenants_survive_a_restart(started: Callable[..., Simulator]) -> None:
    simulator = started()
    arn = tenant(simulator.aws("sesv2"), "kept")
    simulator.control(tenants={"kept": {"BOUNCE": "HIGH"}})
    simulator.kill()
    simulator.start()
    assert entity(simulator.aws("sesv2"), arn)["SendingStatusAggregate"] == "DISABLED"
    assert simulator.json("/_control")["tenants"] == {"kept": {"BOUNCE": "HIGH"}}
