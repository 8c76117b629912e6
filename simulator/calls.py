"""One call of the AWS API, as the operations read it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from simulator.errors import bad_request

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Call:
    """Names in the path, the query and the JSON body."""

    path: dict[str, str]
    query: dict[str, list[str]]
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """The name in the path of what the call is about."""
        return self.path["name"]

    def needed(self, member: str) -> Any:
        """A required member of the body. Raises BadRequestException."""
        value = self.body.get(member)
        if value in (None, ""):
            raise bad_request(f"1 validation error detected: {member} must not be null")
        return value

    def first(self, parameter: str) -> str | None:
        """The first value of a query parameter, or None."""
        values = self.query.get(parameter)
        return values[0] if values else None


Operation = Callable[[Call], dict[str, Any]]
Operations = dict[tuple[str, str], Operation]
"""Operations by method and path."""


def paged(items: list[Item], call: Call) -> tuple[list[Item], dict[str, str]]:
    """One page of `items`, and its NextToken if there is more. Raises BadRequestException."""
    try:
        size = int(call.body.get("PageSize") or call.first("PageSize") or 1000)
        token = call.body.get("NextToken") or call.first("NextToken") or ""
        start = int(base64.b64decode(token)) if token else 0
    except ValueError:
        raise bad_request("Invalid PageSize or NextToken.") from None
    if start + size >= len(items):
        return items[start : start + size], {}
    return items[start : start + size], {
        "NextToken": base64.b64encode(str(start + size).encode()).decode()
    }
