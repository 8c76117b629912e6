"""Tenants at Amazon SES: a reputation, and a switch, for each account (SES v2 API)."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from relay.gateways.identities import telling
from relay.vocabulary import ReputationPolicy, SendingStatus

BETWEEN_CALLS = 1.0
"""Seconds from one call to the next: SES takes about one a second of its control plane (SES
developer guide, quotas)."""

POLICIES = "arn:aws:ses:{region}:aws:reputation-policy/"

KIND = "RESOURCE"
"""What a tenant is among the entities that have a reputation."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What SES has found about a tenant's mail and what is not put right: its words for type and impact."""

    type: str
    impact: str
    description: str


@dataclass(frozen=True, slots=True)
class TenantStanding:
    """What SES says of a tenant.

    `status` is what counts: disabled if either `ours` (what we have told) or `theirs` is. `cause` is
    why SES has paused it, `impact` the highest of its open findings.
    """

    status: SendingStatus
    ours: SendingStatus
    theirs: SendingStatus
    cause: str = ""
    impact: str | None = None
    findings: tuple[Finding, ...] = ()


class SesTenants:
    """The tenants of one SES account and region. Everything may raise `Unavailable`."""

    def __init__(
        self,
        client: Callable[[], Any],
        *,
        between: float = BETWEEN_CALLS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`client` makes the boto3 client at the first call; calls are `between` seconds apart."""
        self._make = client
        self._between, self._sleep = between, sleep
        self._lock = threading.Lock()
        self._next_at = 0.0

    @cached_property
    def _client(self) -> Any:
        return self._make()

    def create(self, name: str) -> str:
        """See that the tenant is there; its ARN."""
        with self._calling("CreateTenant"):
            try:
                return str(self._client.create_tenant(TenantName=name)["TenantArn"])
            except self._client.exceptions.AlreadyExistsException:
                pass
        with self._calling("GetTenant"):
            return str(self._client.get_tenant(TenantName=name)["Tenant"]["TenantArn"])

    def delete(self, name: str) -> None:
        """See that there is no such tenant; its resources stay."""
        with (
            self._calling("DeleteTenant"),
            contextlib.suppress(self._client.exceptions.NotFoundException),
        ):
            self._client.delete_tenant(TenantName=name)

    def associate(self, name: str, resource: str) -> None:
        """See that the tenant may use a resource, given by its ARN."""
        with (
            self._calling("CreateTenantResourceAssociation"),
            contextlib.suppress(self._client.exceptions.AlreadyExistsException),
        ):
            self._client.create_tenant_resource_association(TenantName=name, ResourceArn=resource)

    def dissociate(self, name: str, resource: str) -> None:
        """See that the tenant has the resource no more."""
        with (
            self._calling("DeleteTenantResourceAssociation"),
            contextlib.suppress(self._client.exceptions.NotFoundException),
        ):
            self._client.delete_tenant_resource_association(TenantName=name, ResourceArn=resource)

    def set_policy(self, arn: str, policy: ReputationPolicy) -> None:
        """Say at which findings SES pauses the tenant."""
        region = arn.split(":")[3]
        with self._calling("UpdateReputationEntityPolicy"):
            self._client.update_reputation_entity_policy(
                ReputationEntityType=KIND,
                ReputationEntityReference=arn,
                ReputationEntityPolicy=POLICIES.format(region=region) + policy.value,
            )

    def set_status(self, arn: str, status: SendingStatus) -> None:
        """Say whether the tenant may send."""
        with self._calling("UpdateReputationEntityCustomerManagedStatus"):
            self._client.update_reputation_entity_customer_managed_status(
                ReputationEntityType=KIND,
                ReputationEntityReference=arn,
                SendingStatus=status.value.upper(),
            )

    def standing(self, arn: str) -> TenantStanding | None:
        """What SES says of it; None if there is no such tenant."""
        with self._calling("GetReputationEntity"):
            try:
                told = self._client.get_reputation_entity(
                    ReputationEntityType=KIND, ReputationEntityReference=arn
                )["ReputationEntity"]
            except self._client.exceptions.NotFoundException:
                return None
        findings = tuple(self._findings(arn))
        theirs = told.get("AwsSesManagedStatus", {})
        return TenantStanding(
            status=_status(told.get("SendingStatusAggregate")),
            ours=_status(told.get("CustomerManagedStatus", {}).get("Status")),
            theirs=_status(theirs.get("Status")),
            cause=str(theirs.get("Cause") or ""),
            impact=told.get("ReputationImpact"),
            findings=findings,
        )

    def _findings(self, arn: str) -> Iterator[Finding]:
        asked: dict[str, Any] = {"Filter": {"RESOURCE_ARN": arn, "STATUS": "OPEN"}}
        while True:
            with self._calling("ListRecommendations"):
                told = self._client.list_recommendations(**asked)
            for each in told.get("Recommendations", ()):
                yield Finding(
                    str(each.get("Type", "")),
                    str(each.get("Impact", "")),
                    str(each.get("Description", ""))[:500],
                )
            if not told.get("NextToken"):
                return
            asked["NextToken"] = told["NextToken"]

    @contextlib.contextmanager
    def _calling(self, operation: str) -> Iterator[None]:
        """One call, in its turn."""
        with self._lock:
            now = time.monotonic()
            wait = max(0.0, self._next_at - now)
            self._next_at = now + wait + self._between
        if wait:
            self._sleep(wait)
        with telling(operation):
            yield


def _status(told: str | None) -> SendingStatus:
    """SES's word in ours; what it does not say, or we do not know, stops nobody."""
    try:
        return SendingStatus(str(told).lower())
    except ValueError:
        return SendingStatus.ENABLED
