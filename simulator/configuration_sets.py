"""SES v2's configuration sets and their event destinations, as boto3 calls them."""

import re
from typing import Any

from simulator.account import Account
from simulator.calls import Call, Operations, paged
from simulator.errors import AwsError, bad_request, not_found
from simulator.events import MATCHING_TYPES
from simulator.suppression import reasons
from simulator.tenants import Tenants, arn

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

OPTIONS = {
    "delivery-options": "DeliveryOptions",
    "reputation-options": "ReputationOptions",
    "sending": "SendingOptions",
    "suppression-options": "SuppressionOptions",
    "tracking-options": "TrackingOptions",
    "vdm-options": "VdmOptions",
}
"""Groups of options, by the path that changes them."""


def routes(account: Account) -> Operations:
    """The operations on configuration sets."""
    api = _ConfigurationSets(account)
    every, one = "/v2/email/configuration-sets", "/v2/email/configuration-sets/{name}"
    destinations = one + "/event-destinations"
    return {
        ("POST", every): api.create,
        ("GET", every): api.list,
        ("POST", "/v2/email/list-configuration-sets"): api.list,
        ("GET", one): api.get,
        ("DELETE", one): api.delete,
        **{("PUT", f"{one}/{path}"): api.put_options for path in OPTIONS},
        ("POST", destinations): api.create_destination,
        ("GET", destinations): api.get_destinations,
        ("PUT", destinations + "/{destination}"): api.update_destination,
        ("DELETE", destinations + "/{destination}"): api.delete_destination,
    }


class _ConfigurationSets:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._journal = account.journal

    def create(self, call: Call) -> dict[str, Any]:
        """CreateConfigurationSet."""
        name = call.needed("ConfigurationSetName")
        if not NAME.fullmatch(name):
            raise bad_request(f"Configuration set name <{name}> is invalid.")
        if self._journal.get("configuration-set", name) is not None:
            raise AwsError("AlreadyExistsException", f"Configuration set <{name}> already exists.")
        reasons(call.body.get("SuppressionOptions") or {})
        kept = {key: call.body[key] for key in (*OPTIONS.values(), "Tags") if key in call.body}
        self._journal.put("configuration-set", name, {**kept, "destinations": {}})
        return {}

    def get(self, call: Call) -> dict[str, Any]:
        """GetConfigurationSet."""
        fact = self._account.configuration_set(call.name)
        described = {key: value for key, value in fact.items() if key != "destinations"}
        defaults = {"SendingOptions": {"SendingEnabled": True}}
        return {"ConfigurationSetName": call.name, **defaults, **described}

    def list(self, call: Call) -> dict[str, Any]:
        """ListConfigurationSets."""
        page, token = paged(list(self._journal.all("configuration-set")), call)
        return {"ConfigurationSets": page, **token}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteConfigurationSet."""
        self._account.configuration_set(call.name)
        Tenants(self._account).check_unused(arn("configuration-set", call.name))
        self._journal.forget("configuration-set", call.name)
        return {}

    def put_options(self, call: Call) -> dict[str, Any]:
        """PutConfigurationSet…Options: the last part of the path says which."""
        options = OPTIONS[call.path["path"]]
        if options == "SuppressionOptions":
            reasons(call.body)
        self._account.change_configuration_set(call.name, **{options: call.body})
        return {}

    # Event destinations.

    def _destinations(self, call: Call) -> dict[str, Any]:
        destinations: dict[str, Any] = self._account.configuration_set(call.name)["destinations"]
        return destinations

    def _existing(self, call: Call) -> tuple[dict[str, Any], str]:
        destinations, name = self._destinations(call), call.path["destination"]
        if name not in destinations:
            raise not_found(f"Event destination <{name}> does not exist.")
        return destinations, name

    def _keep(self, call: Call, destinations: dict[str, Any]) -> dict[str, Any]:
        self._account.change_configuration_set(call.name, destinations=destinations)
        return {}

    def create_destination(self, call: Call) -> dict[str, Any]:
        """CreateConfigurationSetEventDestination."""
        destinations, name = self._destinations(call), call.needed("EventDestinationName")
        if name in destinations:
            raise AwsError("AlreadyExistsException", f"Event destination <{name}> already exists.")
        if len(destinations) >= 10:
            raise AwsError("LimitExceededException", "At most 10 event destinations are allowed.")
        given = self._checked(call.needed("EventDestination"))
        return self._keep(call, {**destinations, name: {"Enabled": False, **given}})

    def get_destinations(self, call: Call) -> dict[str, Any]:
        """GetConfigurationSetEventDestinations."""
        listed = [{"Name": name, **fact} for name, fact in self._destinations(call).items()]
        return {"EventDestinations": listed}

    def update_destination(self, call: Call) -> dict[str, Any]:
        """UpdateConfigurationSetEventDestination."""
        destinations, name = self._existing(call)
        given = self._checked({**destinations[name], **call.needed("EventDestination")})
        return self._keep(call, {**destinations, name: given})

    def delete_destination(self, call: Call) -> dict[str, Any]:
        """DeleteConfigurationSetEventDestination."""
        destinations, name = self._existing(call)
        return self._keep(call, {key: fact for key, fact in destinations.items() if key != name})

    def _checked(self, destination: dict[str, Any]) -> dict[str, Any]:
        types = destination.get("MatchingEventTypes") or []
        if not types or any(kind not in MATCHING_TYPES.values() for kind in types):
            raise bad_request("MatchingEventTypes must be of " + ", ".join(MATCHING_TYPES.values()))
        topic = (destination.get("SnsDestination") or {}).get("TopicArn")
        if topic is not None and self._journal.get("topic", topic) is None:
            raise bad_request(f"SNS topic <{topic}> does not exist.")
        return destination
