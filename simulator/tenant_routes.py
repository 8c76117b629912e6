"""SES v2's operations on tenants, reputation entities and recommendations, as boto3 calls them."""

import re
import time
from typing import Any

from simulator.account import Account
from simulator.calls import Call, Operations, paged
from simulator.errors import AwsError, bad_request, not_found
from simulator.journal import Fact
from simulator.tenants import PAUSES, POLICY, STATUSES, Tenants, open_findings

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

TYPES = {
    "identity": "EMAIL_IDENTITY",
    "configuration-set": "CONFIGURATION_SET",
}
"""Types of resources, by the word in their ARN."""


def routes(account: Account) -> Operations:
    """The operations on tenants."""
    api = _Tenants(Tenants(account))
    tenants, entities = "/v2/email/tenants", "/v2/email/reputation/entities"
    entity = entities + "/{type}/{name}"
    return {
        ("POST", tenants): api.create,
        ("POST", tenants + "/get"): api.get,
        ("POST", tenants + "/list"): api.list,
        ("POST", tenants + "/delete"): api.delete,
        ("POST", tenants + "/resources"): api.associate,
        ("POST", tenants + "/resources/delete"): api.dissociate,
        ("POST", tenants + "/resources/list"): api.list_resources,
        ("POST", "/v2/email/resources/tenants/list"): api.list_of_resource,
        ("POST", entities): api.list_entities,
        ("GET", entity): api.get_entity,
        ("PUT", entity + "/policy"): api.put_policy,
        ("PUT", entity + "/customer-managed-status"): api.put_status,
        ("POST", "/v2/email/vdm/recommendations"): api.list_recommendations,
    }


class _Tenants:
    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    def create(self, call: Call) -> dict[str, Any]:
        """CreateTenant."""
        name = call.needed("TenantName")
        if not NAME.fullmatch(name):
            raise bad_request(f"Tenant name <{name}> is invalid.")
        fact = self._tenants.create(name, call.body.get("Tags") or [])
        return _described(name, fact) | {"Tags": fact["tags"]}

    def get(self, call: Call) -> dict[str, Any]:
        """GetTenant."""
        name = call.needed("TenantName")
        fact = self._tenants.get(name)
        return {"Tenant": _described(name, fact) | {"Tags": fact["tags"]}}

    def list(self, call: Call) -> dict[str, Any]:
        """ListTenants."""
        asked = call.body.get("Filter") or {}
        page, token = paged(
            [
                described
                for name, fact in self._tenants.all().items()
                if asked.get("TENANT_NAME_CONTAINS", "") in name
                for described in [_described(name, fact)]
                if asked.get("SENDING_STATUS") in (None, described["SendingStatus"])
            ],
            call,
        )
        return {"Tenants": page, **token}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteTenant."""
        self._tenants.delete(call.needed("TenantName"))
        return {}

    # What belongs to a tenant.

    def associate(self, call: Call) -> dict[str, Any]:
        """CreateTenantResourceAssociation."""
        name, resource = call.needed("TenantName"), call.needed("ResourceArn")
        resources = self._tenants.get(name)["resources"]
        self._tenants.check_resource(resource)
        if resource in resources:
            raise AwsError(
                "AlreadyExistsException", f"<{resource}> is already associated with tenant {name}."
            )
        self._tenants.change(name, resources={**resources, resource: time.time()})
        return {}

    def dissociate(self, call: Call) -> dict[str, Any]:
        """DeleteTenantResourceAssociation."""
        name, resource = call.needed("TenantName"), call.needed("ResourceArn")
        resources = self._tenants.get(name)["resources"]
        if resource not in resources:
            raise not_found(f"<{resource}> is not associated with tenant {name}.")
        left = {arn: since for arn, since in resources.items() if arn != resource}
        self._tenants.change(name, resources=left)
        return {}

    def list_resources(self, call: Call) -> dict[str, Any]:
        """ListTenantResources."""
        resources = self._tenants.get(call.needed("TenantName"))["resources"]
        wanted = (call.body.get("Filter") or {}).get("RESOURCE_TYPE")
        listed = [{"ResourceType": _type(arn), "ResourceArn": arn} for arn in resources]
        page, token = paged(
            [each for each in listed if wanted in (None, each["ResourceType"])], call
        )
        return {"TenantResources": page, **token}

    def list_of_resource(self, call: Call) -> dict[str, Any]:
        """ListResourceTenants."""
        resource = call.needed("ResourceArn")
        self._tenants.check_resource(resource)
        page, token = paged(
            [
                {
                    "TenantName": name,
                    "TenantId": fact["id"],
                    "ResourceArn": resource,
                    "AssociatedTimestamp": fact["resources"][resource],
                }
                for name, fact in self._tenants.of_resource(resource).items()
            ],
            call,
        )
        return {"ResourceTenants": page, **token}

    # Reputation.

    def get_entity(self, call: Call) -> dict[str, Any]:
        """GetReputationEntity."""
        return {"ReputationEntity": _entity(self._tenants.get(self._named(call)))}

    def list_entities(self, call: Call) -> dict[str, Any]:
        """ListReputationEntities."""
        asked = call.body.get("Filter") or {}
        members = {
            "ENTITY_TYPE": "ReputationEntityType",
            "REPUTATION_IMPACT": "ReputationImpact",
            "SENDING_STATUS": "SendingStatusAggregate",
        }
        page, token = paged(
            [
                entity
                for entity in map(_entity, self._tenants.all().values())
                if all(entity.get(members[key]) == asked[key] for key in members if key in asked)
                and entity["ReputationEntityReference"].startswith(
                    asked.get("ENTITY_REFERENCE_PREFIX", "")
                )
            ],
            call,
        )
        return {"ReputationEntities": page, **token}

    def put_policy(self, call: Call) -> dict[str, Any]:
        """UpdateReputationEntityPolicy."""
        given = str(call.needed("ReputationEntityPolicy"))
        policy = given.removeprefix(POLICY)
        if policy not in PAUSES or not given.startswith(POLICY):
            raise bad_request(f"Reputation policy <{given}> does not exist.")
        name = self._named(call)
        self._tenants.change(name, policy=policy)
        self._tenants.judge(name)
        return {}

    def put_status(self, call: Call) -> dict[str, Any]:
        """UpdateReputationEntityCustomerManagedStatus."""
        status = call.needed("SendingStatus")
        if status not in STATUSES:
            raise bad_request("SendingStatus must be one of " + ", ".join(STATUSES))
        name = self._named(call)
        customer = {"Status": status, "LastUpdatedTimestamp": time.time()}
        self._tenants.change(name, customer=customer)
        self._tenants.judge(name)
        return {}

    def list_recommendations(self, call: Call) -> dict[str, Any]:
        """ListRecommendations: the findings about tenants."""
        asked = call.body.get("Filter") or {}
        if "RESOURCE_ARN" in asked:
            self._tenants.named(asked["RESOURCE_ARN"])
        members = {
            "RESOURCE_ARN": "ResourceArn", "TYPE": "Type", "IMPACT": "Impact", "STATUS": "Status",
        }  # fmt: skip
        page, token = paged(
            [
                finding
                for fact in self._tenants.all().values()
                for finding in _findings(fact)
                if all(finding[members[key]] == asked[key] for key in members if key in asked)
            ],
            call,
        )
        return {"Recommendations": page, **token}

    def _named(self, call: Call) -> str:
        """The tenant that the path means by its ARN."""
        if call.path["type"] != "RESOURCE":
            raise bad_request("ReputationEntityType must be RESOURCE")
        return self._tenants.named(call.name)


def _described(name: str, fact: Fact) -> dict[str, Any]:
    return {
        "TenantName": name,
        "TenantId": fact["id"],
        "TenantArn": fact["arn"],
        "CreatedTimestamp": fact["created_at"],
        "SendingStatus": Tenants.aggregate(fact),
    }


def _entity(fact: Fact) -> dict[str, Any]:
    entity = {
        "ReputationEntityReference": fact["arn"],
        "ReputationEntityType": "RESOURCE",
        "ReputationManagementPolicy": POLICY + fact["policy"],
        "CustomerManagedStatus": fact["customer"],
        "AwsSesManagedStatus": fact["ses"],
        "SendingStatusAggregate": Tenants.aggregate(fact),
    }
    impacts = {each["impact"] for each in open_findings(fact).values()}
    if impacts:
        entity["ReputationImpact"] = "HIGH" if "HIGH" in impacts else "LOW"
    return entity


def _findings(fact: Fact) -> list[dict[str, Any]]:
    return [
        {
            "ResourceArn": fact["arn"],
            "Type": kind,
            "Description": f"The {kind.lower()} rate of this tenant is too high.",
            "Status": each["status"],
            "CreatedTimestamp": each["created_at"],
            "LastUpdatedTimestamp": each["updated_at"],
            "Impact": each["impact"],
        }
        for kind, each in fact["findings"].items()
    ]


def _type(resource_arn: str) -> str:
    return TYPES[resource_arn.split(":", 5)[5].partition("/")[0]]
