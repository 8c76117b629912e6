"""What is known about one accepted mail, and its one line in the ledger."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Step = dict[str, Any]
"""One thing that becomes of a mail: `event` (its SES name), `after` (seconds from acceptance),
`to` (recipients; absent for all of them) and the fields of the event's body."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One accepted mail. `number` counts from 0; `offset` and `size` find its bytes."""

    number: int
    id: str
    accepted_ms: int
    source: str
    destination: list[str]
    tags: dict[str, str]
    configuration_set: str | None
    tenant: str | None
    offset: int
    size: int
    plan: list[Step]

    @property
    def accepted_at(self) -> str:
        """When it was accepted, ISO 8601 in UTC."""
        return timestamp(self.accepted_ms)

    @property
    def accepted_seconds(self) -> float:
        """When it was accepted, in seconds since 1970."""
        return self.accepted_ms / 1000

    def line(self) -> bytes:
        """The mail as a line of the ledger."""
        return (
            json.dumps(
                {
                    "id": self.id,
                    "recipients": len(self.destination),
                    "accepted_at": self.accepted_at,
                    "from": self.source,
                    "destination": self.destination,
                    "tags": self.tags,
                    "configuration_set": self.configuration_set,
                    "tenant": self.tenant,
                    "offset": self.offset,
                    "size": self.size,
                    "plan": self.plan,
                },
                separators=(",", ":"),
            ).encode()
            + b"\n"
        )

    @classmethod
    def parse(cls, line: bytes) -> "Mail":
        """The mail of a ledger line."""
        data = json.loads(line)
        return cls(
            number=number_of(data["id"]),
            id=data["id"],
            accepted_ms=accepted_ms_of(data["id"]),
            source=data["from"],
            destination=data["destination"],
            tags=data["tags"],
            configuration_set=data["configuration_set"],
            tenant=data.get("tenant"),
            offset=data["offset"],
            size=data["size"],
            plan=data["plan"],
        )


def new_id(number: int, accepted_ms: int) -> str:
    """A message id in SES's shape. It holds the mail's time and number: no index is needed."""
    chance = os.urandom(10).hex()
    return (
        f"0100{accepted_ms:012x}-{chance[:8]}-{chance[8:12]}-4{chance[12:15]}-8{chance[15:18]}"
        f"-{number:012x}-000000"
    )


def number_of(message_id: str) -> int:
    """The number in a message id. Raises ValueError if it is not one of ours."""
    parts = message_id.split("-")
    if len(parts) != 7 or len(parts[5]) != 12 or not parts[5].isalnum():
        raise ValueError("not a message id")
    return int(parts[5], 16)


def accepted_ms_of(message_id: str) -> int:
    """The time of acceptance in a message id, in ms since 1970."""
    return int(message_id[4:16], 16)


def timestamp(milliseconds: int) -> str:
    """A time as SES and SNS write it: `2026-11-22T06:53:17.042Z`."""
    whole, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
