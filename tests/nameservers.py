"""A name server that misbehaves as it is told: what no well-kept server would ever answer."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from relay.commands.trial.ports import free_port

Quirk = Callable[[dns.message.Message], dns.message.Message | bytes | None]
"""What becomes of a question; None is silence, bytes go out as they are."""

PATIENCE = 60.0
"""Seconds to wait for the rest of a question that has begun."""


class QuirkyServer:
    """Answers each name with the quirk that is set for its first label, over UDP and TCP."""

    def __init__(self) -> None:
        self.quirks: dict[str, Quirk] = {}
        self.asked: list[tuple[str, str]] = []
        """(UDP or TCP, name), in the order in which it was asked."""
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = free_port()  # one that is free for TCP as well
        self._udp.bind(("127.0.0.1", self.port))
        self._tcp = socket.create_server(("127.0.0.1", self.port))

    @property
    def text(self) -> str:
        """Its address, as a setting would name it."""
        return f"127.0.0.1:{self.port}"

    def serve(self, stop: socket.socket) -> None:
        """Answer until something is heard from `stop`."""
        with selectors.DefaultSelector() as waiting:
            for each in (self._udp, self._tcp, stop):
                waiting.register(each, selectors.EVENT_READ)
            while True:
                for key, _ in waiting.select():
                    if key.fileobj is stop:
                        return
                    if key.fileobj is self._udp:
                        data, client = self._udp.recvfrom(4096)
                        if (answer := self._answer(data, "UDP")) is not None:
                            self._udp.sendto(answer, client)
                    else:
                        self._by_tcp()

    def close(self) -> None:
        """Free the port."""
        self._udp.close()
        self._tcp.close()

    def _by_tcp(self) -> None:
        connection, _ = self._tcp.accept()
        with connection:
            connection.settimeout(PATIENCE)
            if not (head := connection.recv(2)):
                return  # whoever asked has given up
            (length,) = struct.unpack("!H", head)
            if (answer := self._answer(connection.recv(length), "TCP")) is not None:
                connection.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, data: bytes, way: str) -> bytes | None:
        query = dns.message.from_wire(data)
        name = query.question[0].name
        self.asked.append((way, name.to_text(omit_final_dot=True)))
        quirk = self.quirks.get(name.labels[0].decode(), refuse)
        answer = quirk(query)
        if isinstance(answer, dns.message.Message):
            limit = 512 if way == "UDP" else 65_535
            try:
                return answer.to_wire(max_size=limit)
            except dns.exception.TooBig:
                short = dns.message.make_response(query)
                short.flags |= dns.flags.TC
                return short.to_wire()
        return answer


@contextmanager
def quirky() -> Iterator[QuirkyServer]:
    """A server in a thread of its own."""
    server = QuirkyServer()
    stop, stopped = socket.socketpair()
    thread = threading.Thread(target=server.serve, args=(stopped,))
    thread.start()
    try:
        yield server
    finally:
        stop.send(b"x")
        thread.join()
        server.close()
        stop.close()
        stopped.close()


def refuse(query: dns.message.Message) -> dns.message.Message:
    """As a server does that knows nothing of the zone."""
    return failing("REFUSED")(query)


def failing(code: str) -> Quirk:
    """Answers with an error code, such as SERVFAIL."""

    def quirk(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.set_rcode(dns.rcode.from_text(code))
        return answer

    return quirk


def answering(*records: str, code: str = "NOERROR", authority: tuple[str, ...] = ()) -> Quirk:
    """Answers with records in the notation of zone files ("@" is the name asked for)."""

    def quirk(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.set_rcode(dns.rcode.from_text(code))
        asked = query.question[0].name.to_text()
        for section, lines in ((answer.answer, records), (answer.authority, authority)):
            for line in lines:
                name, ttl, kind, value = line.replace("@", asked, 1).split(" ", 3)
                section.append(dns.rrset.from_text(name, int(ttl), "IN", kind, value))
        return answer

    return quirk


def silence(_query: dns.message.Message) -> None:
    """Never answers."""


def garbage(_query: dns.message.Message) -> bytes:
    """Answers with what is no DNS."""
    return b"\x00\x01garbage"


def wrong_id(query: dns.message.Message) -> bytes:
    """Answers as a forger does who has to guess."""
    answer = dns.message.make_response(query)
    answer.id = (query.id + 1) % 65_536
    answer.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "TXT", '"forged"'))
    return answer.to_wire()
