"""SES v2's account and its suppression list, as boto3 calls them."""

from typing import Any

from simulator.account import Account
from simulator.addresses import bare
from simulator.calls import Call, Operations, paged
from simulator.control import Control
from simulator.errors import bad_request, not_found
from simulator.store import Store

REASONS = ("BOUNCE", "COMPLAINT")
UNLIMITED_RATE = 100_000.0
"""MaxSendRate as reported when there is no limit."""


def routes(account: Account, control: Control, store: Store) -> Operations:
    """The operations on the account; limits come from `control`, the sent count from `store`."""
    api = _Suppression(account, control, store)
    every = "/v2/email/suppression/addresses"
    return {
        ("GET", "/v2/email/account"): api.get_account,
        ("PUT", "/v2/email/account/sending"): api.put_account_sending,
        ("PUT", "/v2/email/account/suppression"): api.put_account_suppression,
        ("GET", every): api.list,
        ("PUT", every): api.put,
        ("GET", every + "/{name}"): api.get,
        ("DELETE", every + "/{name}"): api.delete,
    }


def reasons(body: dict[str, Any]) -> list[str]:
    """SuppressedReasons of a body. Raises BadRequestException."""
    listed = body.get("SuppressedReasons") or []
    if any(reason not in REASONS for reason in listed):
        raise bad_request(f"SuppressedReasons must be of {', '.join(REASONS)}.")
    return list(listed)


class _Suppression:
    def __init__(self, account: Account, control: Control, store: Store) -> None:
        self._account = account
        self._journal = account.journal
        self._control = control
        self._store = store

    def get_account(self, call: Call) -> dict[str, Any]:
        """GetAccount."""
        settings = self._control.settings
        attributes = self._account.attributes()
        return {
            "DedicatedIpAutoWarmupEnabled": True,
            "EnforcementStatus": settings.enforcement_status,
            "ProductionAccessEnabled": settings.production_access,
            "SendQuota": {
                "Max24HourSend": float(settings.daily_quota),
                "MaxSendRate": settings.max_send_rate or UNLIMITED_RATE,
                "SentLast24Hours": float(self._store.recipients_in_24_hours()),
            },
            "SendingEnabled": attributes["sending_enabled"],
            "SuppressionAttributes": {"SuppressedReasons": attributes["suppressed_reasons"]},
        }

    def put_account_sending(self, call: Call) -> dict[str, Any]:
        """PutAccountSendingAttributes."""
        self._account.change_attributes(sending_enabled=bool(call.body.get("SendingEnabled")))
        return {}

    def put_account_suppression(self, call: Call) -> dict[str, Any]:
        """PutAccountSuppressionAttributes."""
        self._account.change_attributes(suppressed_reasons=reasons(call.body))
        return {}

    def put(self, call: Call) -> dict[str, Any]:
        """PutSuppressedDestination."""
        address, reason = bare(call.needed("EmailAddress")), call.needed("Reason")
        if reason not in REASONS:
            raise bad_request(f"Reason must be one of {', '.join(REASONS)}.")
        self._account.suppress(address, reason)
        return {}

    def get(self, call: Call) -> dict[str, Any]:
        """GetSuppressedDestination."""
        return {"SuppressedDestination": self._entry(call.name)}

    def delete(self, call: Call) -> dict[str, Any]:
        """DeleteSuppressedDestination."""
        self._entry(call.name)
        self._journal.forget("suppressed", call.name.lower())
        return {}

    def _entry(self, address: str) -> dict[str, Any]:
        fact = self._journal.get("suppressed", address.lower())
        if fact is None:
            raise not_found(f"Email address {address} does not exist on your suppression list.")
        return fact

    def list(self, call: Call) -> dict[str, Any]:
        """ListSuppressedDestinations."""
        wanted = call.query.get("Reason") or REASONS
        facts = [f for f in self._journal.all("suppressed").values() if f["Reason"] in wanted]
        page, token = paged(facts, call)
        members = ("EmailAddress", "Reason", "LastUpdateTime")
        summaries = [{member: fact[member] for member in members} for fact in page]
        return {"SuppressedDestinationSummaries": summaries, **token}
