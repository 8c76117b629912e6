"""Ports on this machine: the wanted ones, or the next free ones."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, fields

from relay.commands.trial.children import Trouble
from relay.commands.trial.client import HOST

STEP = 10
"""How far to the next port that is tried, so that 8025 to 8028 stay together as 8035 …"""

OURS = range(10_000, 32_768)
"""Where `free_port` looks: above are the ports that Linux gives away by itself (ip(7)).

Whoever asks whether a server is there yet could be given the very port of that server; and while one is
down, any connection could, even one to that port, which then speaks to itself.
"""

Kinds = tuple[socket.SocketKind, ...]

WEB_SERVER: Kinds = (socket.SOCK_STREAM,)

NAME_SERVER: Kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
"""A name server listens with TCP and UDP on one port (RFC 7766)."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the processes listen."""

    web: int
    simulator: int
    wordpress: int
    names: int


def choose(wanted: Ports) -> Ports:
    """The wanted ports, each replaced by the next free one when taken. Raises `Trouble`."""
    web = _next_free(wanted.web, ())
    simulator = _next_free(wanted.simulator, (web,))
    wordpress = _next_free(wanted.wordpress, (web, simulator))
    names = _next_free(wanted.names, (web, simulator, wordpress), NAME_SERVER)
    return Ports(web, simulator, wordpress, names)


def any_free() -> Ports:
    """Ports that nobody uses, neither with TCP nor with UDP."""
    numbers: set[int] = set()
    while len(numbers) < len(fields(Ports)):
        numbers.add(free_port())
    return Ports(*numbers)


def free_port() -> int:
    """A port that nobody uses, neither with TCP nor with UDP.

    By chance, so that processes that ask at one time get different ones; and not from `random`, which
    may begin with the same seed in all of them.
    """
    while not is_free(port := secrets.choice(OURS), NAME_SERVER):
        pass
    return port


def is_free(port: int, kinds: Kinds = WEB_SERVER) -> bool:
    """Whether a server could listen on this port now, with sockets of all these kinds."""
    for kind in kinds:
        with socket.socket(type=kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True


def _next_free(wanted: int, taken: tuple[int, ...], kinds: Kinds = WEB_SERVER) -> int:
    for port in range(wanted, min(wanted + 100 * STEP, 65536), STEP):
        if port not in taken and is_free(port, kinds):
            return port
    raise Trouble(f"No port is free from {wanted} on in steps of {STEP}; choose another one")
