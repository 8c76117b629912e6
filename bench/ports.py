"""Ports for the servers that the harness and the tests start.

Never one of those the kernel itself gives away (Linux: /proc/sys/net/ipv4/ip_local_port_range,
from 32768 on): while a server that was killed is down, any outgoing connection may be given its
port, even one to that very port, which then speaks to itself; the server cannot come back.
"""

from __future__ import annotations

import secrets
import socket

BELOW = 32_768
"""Where Linux begins to give ports away unless somebody has set it otherwise."""

FROM = 10_000
"""Above what programs have for their own."""

KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now, neither for TCP nor for UDP.

    By chance, so that processes that ask at one time get different ones; and not from `random`,
    which Hypothesis sets to the same seed everywhere.
    """
    while True:
        port = FROM + secrets.randbelow(BELOW - FROM)
        if all(_is_free(port, kind) for kind in KINDS):
            return port


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(type=kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
