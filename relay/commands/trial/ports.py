"""Ports on this machine: the wanted ones, or the next free ones."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from relay.commands.trial.children import Trouble
from relay.commands.trial.client import HOST

STEP = 10
"""How far to the next port that is tried, so that 8025, 8026 and 8027 stay together as 8035 …"""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the processes listen."""

    web: int
    simulator: int
    wordpress: int


def choose(wanted: Ports) -> Ports:
    """The wanted ports, each replaced by the next free one when taken. Raises `Trouble`."""
    web = _next_free(wanted.web, ())
    simulator = _next_free(wanted.simulator, (web,))
    return Ports(web, simulator, _next_free(wanted.wordpress, (web, simulator)))


def any_free() -> Ports:
    """Three ports that nobody uses."""
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for each in (one, two, three):
            each.bind((HOST, 0))
        return Ports(*(each.getsockname()[1] for each in (one, two, three)))


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _next_free(wanted: int, taken: tuple[int, ...]) -> int:
    for port in range(wanted, min(wanted + 100 * STEP, 65536), STEP):
        if port not in taken and is_free(port):
            return port
    raise Trouble(f"No port is free from {wanted} on in steps of {STEP}; choose another one")
