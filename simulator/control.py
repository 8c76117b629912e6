"""What the simulator is told to do: settings and scripted addresses, as they are now."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from simulator.account import Account
from simulator.answers import Scripts
from simulator.errors import InvalidControl
from simulator.gateways import Gateways
from simulator.names.troubles import Troubles
from simulator.settings import Settings
from simulator.tenants import Tenants

OBJECTS = ("recipients", "identities", "names", "gateways", "tenants")
"""Fields that are objects of one's own making; the others are those of Settings."""


class Control:
    """The current settings, scripts and troubles; they start from the command line at every start."""

    def __init__(self, account: Account, settings: Settings, troubles: Troubles) -> None:
        """Begin with `settings` and `troubles`, to which `reset` returns."""
        self._account = account
        self._tenants = Tenants(account)
        self._initial = settings, troubles
        self.settings = settings
        self.troubles = troubles
        self.scripts = Scripts({})
        self.gateways = Gateways()

    def change(self, values: object) -> None:
        """Apply a PUT of the control API, all of it or nothing.

        Raises InvalidControl, naming the field, if one is unknown or cannot take its value.
        """
        if not isinstance(values, Mapping):
            raise InvalidControl("the control is a JSON object of field and value")
        fields = {key: value for key, value in values.items() if key not in OBJECTS}
        settings = self.settings.changed(fields)
        scripts = self.scripts.changed(values.get("recipients", {}))
        troubles = self.troubles.changed(values.get("names", {}))
        gateways = self.gateways.changed(values.get("gateways", {}))
        found = self._tenants.checked(values.get("tenants", {}))
        self._account.set_verification(values.get("identities", {}))
        self.settings, self.scripts, self.troubles = settings, scripts, troubles
        self.gateways = gateways
        for name, findings in found.items():
            self._tenants.find(name, findings)

    def reset(self) -> None:
        """Go back to the settings of the command line, without scripts.

        Identities stay, and what was found about tenants.
        """
        (self.settings, self.troubles), self.scripts = self._initial, Scripts({})
        self.gateways = Gateways()

    def described(self) -> dict[str, Any]:
        """Settings, scripts, the verification of identities and findings, as GET answers them."""
        identities = self._account.journal.all("identity")
        return {
            **asdict(self.settings),
            "recipients": dict(self.scripts.rules),
            "names": self.troubles.rules,
            "gateways": self.gateways.described(),
            "identities": {name: fact["status"] for name, fact in identities.items()},
            "tenants": self._tenants.described(),
        }

    def use_up(self, field: str, error: str | None = None) -> bool:
        """Count one off `errors_next[error]` or `lost_answers_next`; False if none are left."""
        current = getattr(self.settings, field)
        left: int = current.get(error, 0) if error else current
        if left <= 0:
            return False
        value: Any = {**current, error: left - 1} if error else left - 1
        self.settings = self.settings.changed({field: value})
        return True
