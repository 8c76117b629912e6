"""The AWS account the simulator plays: identities, configuration sets, suppressed addresses."""

import time
from typing import Any

from simulator import CONFIGURATION_SET, TOPIC
from simulator.addresses import domain_of
from simulator.errors import InvalidControl, not_found
from simulator.events import MATCHING_TYPES
from simulator.journal import Fact, Journal
from simulator.mails import Step
from simulator.settings import Settings

VERIFICATION = ("PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED")

SUPPRESSING = {("Permanent", "General"), ("Permanent", "NoEmail")}
"""Bounces after which SES itself suppresses the address."""


def is_verified(identity: Fact) -> bool:
    """Whether mail from it is taken: also while DNS fails that was right before."""
    return identity["status"] == "SUCCESS" or (
        identity["status"] == "TEMPORARY_FAILURE" and bool(identity.get("was_verified"))
    )


def identities_of(address: str) -> list[str]:
    """The identities that may vouch for a bare address: it, its domain, and the domains above."""
    domain = domain_of(address)
    names = [address.lower(), domain]
    while "." in domain:
        domain = domain.partition(".")[2]
        names.append(domain)
    return names


class Account:
    """Questions about, and changes of, what the account has; all of it is in the journal."""

    def __init__(self, journal: Journal) -> None:
        """Take what the journal has, and see that the configuration set `postreeve` is there."""
        self.journal = journal
        if journal.get("configuration-set", CONFIGURATION_SET) is None:
            journal.put(
                "configuration-set",
                CONFIGURATION_SET,
                {
                    "destinations": {
                        "simulator": {
                            "Enabled": True,
                            "MatchingEventTypes": list(MATCHING_TYPES.values()),
                            "SnsDestination": {"TopicArn": TOPIC},
                        }
                    }
                },
            )

    # Identities.

    def identity(self, name: str) -> Fact:
        """An identity. Raises NotFoundException."""
        fact = self.journal.get("identity", name.lower())
        if fact is None:
            raise not_found(f"Email identity {name} does not exist.")
        return fact

    def change_identity(self, name: str, **values: Any) -> None:
        """Change members of an identity. Raises NotFoundException."""
        self.journal.put("identity", name.lower(), {**self.identity(name), **values})

    def set_verification(self, statuses: object) -> None:
        """Set the verification of identities: name and status. Raises InvalidControl."""
        if not isinstance(statuses, dict):
            raise InvalidControl("identities must be an object of identity and status")
        for name, status in statuses.items():
            if self.journal.get("identity", name.lower()) is None:
                raise InvalidControl(f"identities[{name!r}] does not exist; create it first")
            if status not in VERIFICATION:
                raise InvalidControl(
                    f"identities[{name!r}] must be one of " + ", ".join(VERIFICATION)
                )
        for name, status in statuses.items():
            forgotten = {"was_verified": False, "missing_since": None}
            self.change_identity(name, status=status, **forgotten)

    def may_send(self, address: str, settings: Settings) -> bool:
        """Whether mail From this bare address is taken."""
        identities = self.journal.all("identity")
        known = [identities[name] for name in identities_of(address) if name in identities]
        if settings.verify_identities == "auto" and settings.unknown_senders == "accept":
            return not known or any(map(is_verified, known))
        return any(map(is_verified, known))

    # Configuration sets.

    def configuration_set(self, name: str) -> Fact:
        """A configuration set. Raises NotFoundException."""
        fact = self.journal.get("configuration-set", name)
        if fact is None:
            raise not_found(f"Configuration set <{name}> does not exist.")
        return fact

    def change_configuration_set(self, name: str, **values: Any) -> None:
        """Change members of a configuration set. Raises NotFoundException."""
        self.journal.put("configuration-set", name, {**self.configuration_set(name), **values})

    def topics_for(self, configuration_set: str | None, event: str) -> list[str]:
        """The topics that events of this type are published to."""
        fact = self.journal.get("configuration-set", configuration_set or "") or {}
        return [
            destination["SnsDestination"]["TopicArn"]
            for destination in fact.get("destinations", {}).values()
            if destination.get("Enabled")
            and "SnsDestination" in destination
            and MATCHING_TYPES[event] in destination["MatchingEventTypes"]
        ]

    # The account itself.

    def attributes(self) -> Fact:
        """Account-wide attributes that the API can change."""
        defaults = {"sending_enabled": True, "suppressed_reasons": ["BOUNCE", "COMPLAINT"]}
        return defaults | (self.journal.get("account", "attributes") or {})

    def change_attributes(self, **values: Any) -> None:
        """Change account-wide attributes."""
        self.journal.put("account", "attributes", {**self.attributes(), **values})

    # Suppression.

    def suppressed_reasons(self, configuration_set: str | None) -> list[str]:
        """The reasons that suppress: the configuration set's own, else the account's."""
        fact = self.journal.get("configuration-set", configuration_set or "") or {}
        own = (fact.get("SuppressionOptions") or {}).get("SuppressedReasons")
        reasons: list[str] = self.attributes()["suppressed_reasons"] if own is None else own
        return reasons

    def is_suppressed(self, address: str, configuration_set: str | None) -> bool:
        """Whether SES would not even try this address."""
        fact = self.journal.get("suppressed", address.lower())
        return fact is not None and fact["Reason"] in self.suppressed_reasons(configuration_set)

    def suppress(self, address: str, reason: str, attributes: dict[str, str] | None = None) -> None:
        """Put an address on the account's suppression list."""
        fact = {"EmailAddress": address, "Reason": reason, "LastUpdateTime": time.time()}
        if attributes:
            fact["Attributes"] = attributes
        self.journal.put("suppressed", address.lower(), fact)

    def learn(
        self, step: Step, addresses: list[str], configuration_set: str | None, message_id: str
    ) -> None:
        """Suppress the addresses if SES would do so after this event."""
        if step["event"] == "Complaint" and step.get("complaintFeedbackType") != "not-spam":
            reason = "COMPLAINT"
        elif (step.get("bounceType"), step.get("bounceSubType")) in SUPPRESSING:
            reason = "BOUNCE"
        else:
            return
        if reason in self.suppressed_reasons(configuration_set):
            for address in addresses:
                self.suppress(address, reason, {"MessageId": message_id})
