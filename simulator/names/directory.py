"""All names that are served: the zones of the folder and Amazon's."""

from collections.abc import Mapping

import dns.name
from dns.name import Name
from dns.rdatatype import RdataType

from simulator.names.amazon import AmazonNames
from simulator.names.folder import ZoneFolder
from simulator.names.lookup import Reply, Zone, look_up, zone_of


class Directory:
    """The zones as they are at the moment of asking."""

    def __init__(self, folder: ZoneFolder, amazon: AmazonNames) -> None:
        """Serve what both have."""
        self.folder = folder
        self._amazon = amazon
        self._zones: dict[Name, Zone] = {}
        self._doubles: dict[str, str] = {}
        self._shown: Zone | None = None

    def zones(self, *, at_once: bool = False) -> Mapping[Name, Zone]:
        """The zones by name. Files are looked at now with `at_once`, else if it is time again."""
        amazon = self._amazon.zone()
        if self.folder.look(at_once=at_once) or amazon is not self._shown:
            self._shown = amazon
            self._zones, self._doubles = {}, {}
            for zone in (amazon, *self.folder.zones):
                first = self._zones.setdefault(zone.origin, zone)
                if first is not zone:
                    name = zone.origin.to_text(omit_final_dot=True)
                    self._doubles[zone.source] = (
                        f"it is not served: {name} is there already ({first.source})"
                    )
        return self._zones

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by file name, as of the last look."""
        return self._doubles | self.folder.errors

    def ask(self, name: Name, type: RdataType) -> Reply:
        """The answer to a question."""
        return look_up(self.zones(), name, type)

    def zone_of(self, name: str) -> Zone | None:
        """The nearest zone that a name belongs to."""
        return zone_of(self.zones(), dns.name.from_text(name))
