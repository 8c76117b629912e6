"""SES's tenants: what belongs to one, what SES found about it, and whether it may send."""

import os
import time
from collections.abc import Iterable
from typing import Any

from simulator import ACCOUNT, REGION
from simulator.account import Account, identities_of
from simulator.errors import AwsError, InvalidControl, bad_request, not_found
from simulator.journal import Fact

ENABLED, DISABLED, REINSTATED = STATUSES = ("ENABLED", "DISABLED", "REINSTATED")

FINDINGS = ("BOUNCE", "COMPLAINT", "FEEDBACK_3P", "IP_LISTING")
"""What SES finds about tenants (SES developer guide, 'Tenants')."""

IMPACTS = ("LOW", "HIGH")

POLICY = f"arn:aws:ses:{REGION}:aws:reputation-policy/"

PAUSES: dict[str, frozenset[str]] = {
    "standard": frozenset(("HIGH",)),
    "strict": frozenset(IMPACTS),
    "none": frozenset(),
}
"""At findings of which impact SES pauses a tenant, by its reputation policy."""


def arn(kind: str, name: str) -> str:
    """The ARN of an identity, a configuration set or a tenant of the account."""
    return f"arn:aws:ses:{REGION}:{ACCOUNT}:{kind}/{name}"


class Tenants:
    """Questions about, and changes of, the account's tenants; all of it is in the journal."""

    def __init__(self, account: Account) -> None:
        """The tenants of this account."""
        self._account = account
        self._journal = account.journal

    def all(self) -> dict[str, Fact]:
        """Every tenant by name."""
        return self._journal.all("tenant")

    def get(self, name: str) -> Fact:
        """A tenant. Raises NotFoundException."""
        fact = self._journal.get("tenant", name)
        if fact is None:
            raise not_found(f"Tenant {name} does not exist.")
        return fact

    def create(self, name: str, tags: list[Any]) -> Fact:
        """Make a tenant; SES gives it the policy `standard`. Raises AlreadyExistsException."""
        if self._journal.get("tenant", name) is not None:
            raise AwsError("AlreadyExistsException", f"Tenant {name} already exists.")
        tenant_id, now = f"tn-{os.urandom(14).hex()}", time.time()
        status = {"Status": ENABLED, "LastUpdatedTimestamp": now}
        fact = {
            "id": tenant_id,
            "arn": arn("tenant", f"{name}/{tenant_id}"),
            "created_at": now,
            "tags": tags,
            "resources": {},
            "policy": "standard",
            "customer": status,
            "ses": status,
            "findings": {},
        }
        self._journal.put("tenant", name, fact)
        return fact

    def change(self, name: str, **values: Any) -> None:
        """Change members of a tenant. Raises NotFoundException."""
        self._journal.put("tenant", name, {**self.get(name), **values})

    def delete(self, name: str) -> None:
        """Delete a tenant and its associations, not the resources. Raises NotFoundException."""
        self.get(name)
        self._journal.forget("tenant", name)

    def named(self, tenant_arn: str) -> str:
        """The name of the tenant that has this ARN. Raises NotFoundException."""
        for name, fact in self.all().items():
            if fact["arn"] == tenant_arn:
                return name
        raise not_found(f"Reputation entity <{tenant_arn}> does not exist.")

    def check_resource(self, resource_arn: str) -> None:
        """Whether the account has such a thing. Raises BadRequestException or NotFoundException."""
        kind, _, name = resource_arn.removeprefix(arn("", "")[:-1]).partition("/")
        if arn(kind, name) != resource_arn:
            raise bad_request(f"<{resource_arn}> is not the ARN of a resource of this account.")
        if kind == "identity":
            self._account.identity(name)
        elif kind == "configuration-set":
            self._account.configuration_set(name)
        else:
            raise not_found(f"Resource <{resource_arn}> does not exist.")

    def of_resource(self, resource_arn: str) -> dict[str, Fact]:
        """The tenants that a resource is associated with."""
        return {
            name: fact for name, fact in self.all().items() if resource_arn in fact["resources"]
        }

    def check_unused(self, resource_arn: str) -> None:
        """Raise BadRequestException while a tenant has the resource: it cannot be deleted then."""
        if used := self.of_resource(resource_arn):
            raise bad_request(
                f"Resource <{resource_arn}> is associated with the tenant(s) {', '.join(used)}."
            )

    # Sending.

    @staticmethod
    def aggregate(fact: Fact) -> str:
        """Whether it may send at all: both the customer and SES have to let it."""
        both = (fact["customer"]["Status"], fact["ses"]["Status"])
        return DISABLED if DISABLED in both else str(fact["customer"]["Status"])

    def check_sending(self, name: str, address: str, configuration_set: str | None) -> None:
        """Raise AwsError unless the tenant may send From this bare address."""
        fact = self.get(name)
        known = self._journal.all("identity")
        nearest = next((each for each in identities_of(address) if each in known), address)
        needed = [arn("identity", nearest)]
        if configuration_set:
            needed.append(arn("configuration-set", configuration_set))
        for resource in needed:
            if resource not in fact["resources"]:
                raise bad_request(f"Resource <{resource}> is not associated with tenant <{name}>.")
        if self.aggregate(fact) == DISABLED:
            raise AwsError("SendingPausedException", f"Sending is paused for tenant <{name}>.")

    # What SES finds, and does about it.

    def checked(self, values: object) -> dict[str, dict[str, str | None]]:
        """What SES is to find, or to find put right: tenant, type, impact or null.

        Raises InvalidControl.
        """
        if not isinstance(values, dict):
            raise InvalidControl("tenants must be an object of name and findings")
        for name, findings in values.items():
            if name not in self.all():
                raise InvalidControl(f"tenants[{name!r}] does not exist; create it first")
            if not isinstance(findings, dict):
                raise InvalidControl(f"tenants[{name!r}] must be an object of type and impact")
            for kind, impact in findings.items():
                if kind not in FINDINGS:
                    raise InvalidControl(f"tenants[{name!r}] knows " + ", ".join(FINDINGS))
                if impact not in (*IMPACTS, None):
                    raise InvalidControl(f"tenants[{name!r}][{kind!r}] must be LOW, HIGH or null")
        return values

    def find(self, name: str, changes: dict[str, str | None]) -> None:
        """Let SES find these about a tenant, or (None) find them put right."""
        fact, now = self.get(name), time.time()
        findings = dict(fact["findings"])
        for kind, impact in changes.items():
            before = findings.get(kind) or {"created_at": now, "impact": impact}
            if impact is None and kind not in findings:
                continue
            findings[kind] = {
                **before,
                "impact": impact or before["impact"],
                "status": "OPEN" if impact else "FIXED",
                "updated_at": now,
            }
        self.change(name, findings=findings)
        self.judge(name, raised={kind for kind, impact in changes.items() if impact})

    def judge(self, name: str, raised: Iterable[str] = ()) -> None:
        """Pause the tenant, or let it go, as its policy has it.

        A customer that has reinstated it is not paused for what was found before (SES API
        reference, UpdateReputationEntityCustomerManagedStatus).
        """
        fact = self.get(name)
        grave = [
            kind for kind, each in open_findings(fact).items()
            if each["impact"] in PAUSES[fact["policy"]]
        ]  # fmt: skip
        is_paused = fact["ses"]["Status"] == DISABLED
        if fact["customer"]["Status"] == REINSTATED and not is_paused:
            grave = [kind for kind in grave if kind in set(raised)]
        if bool(grave) is is_paused:
            return
        status: dict[str, Any] = {"Status": ENABLED, "LastUpdatedTimestamp": time.time()}
        if grave:
            cause = f"Paused by the reputation policy {fact['policy']}: {', '.join(sorted(grave))}"
            status |= {"Status": DISABLED, "Cause": cause}
        self.change(name, ses=status)

    def described(self) -> dict[str, dict[str, str]]:
        """The open findings of each tenant, as the control shows them."""
        return {
            name: {kind: each["impact"] for kind, each in open_findings(fact).items()}
            for name, fact in self.all().items()
        }


def open_findings(fact: Fact) -> dict[str, Fact]:
    """What SES has found about a tenant and what is not put right, by type."""
    return {kind: each for kind, each in fact["findings"].items() if each["status"] == "OPEN"}
