"""What the name server does, for people and programs."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.world import World


def describe(world: "World") -> dict[str, Any]:
    """Zones with their records, errors by file, troubles, and the last questions, newest first."""
    zones = world.directory.zones(at_once=True)
    return {
        "address": world.name_server.address,
        "folder": str(world.directory.folder.path),
        "zones": [
            {
                "name": zone.origin.to_text(omit_final_dot=True),
                "source": zone.source,
                "serial": zone.soa[0].serial,
                "records": [
                    {"name": name, "ttl": ttl, "type": type, "value": value}
                    for name, ttl, type, value in zone.lines()
                ],
            }
            for zone in sorted(zones.values(), key=lambda one: one.origin)
        ],
        "errors": world.directory.errors,
        "troubles": world.control.troubles.rules,
        "questions": [asdict(one) for one in world.questions.last],
    }
