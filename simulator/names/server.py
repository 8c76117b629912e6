"""The name server's sockets: UDP and TCP on one port of this machine."""

import asyncio
import errno
from typing import Any, cast

from simulator.errors import CannotStart
from simulator.names.questions import Answer, Questions

HOST = "127.0.0.1"
"""Others must not reach it: an open name server is a tool for attacks."""

IDLE = 10.0
"""Seconds a TCP connection may stay without a question (RFC 7766 §6.2.3)."""

TRIES = 20
"""How often a free port is looked for that is free for both UDP and TCP."""


class NameServer:
    """Answers questions at `port`, once it listens."""

    def __init__(self, questions: Questions) -> None:
        """Answer what `questions` answers."""
        self._questions = questions
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._connections: set[asyncio.Task[Any]] = set()

    @property
    def address(self) -> str | None:
        """Where it listens, such as 127.0.0.1:8028; None if it does not."""
        return f"{HOST}:{self._udp.get_extra_info('sockname')[1]}" if self._udp else None

    async def listen(self, port: int) -> None:
        """Listen at `port`; 0 takes a free one. Raises CannotStart."""
        for left in reversed(range(TRIES if port == 0 else 1)):
            try:
                await self._bind(port)
            except OSError as error:
                await self.close()
                if left and error.errno == errno.EADDRINUSE:
                    continue
                raise CannotStart(
                    f"The name server cannot listen on port {port} of {HOST} (UDP and TCP): "
                    f"{error.strerror or error}. Choose another with --dns-port (0 takes a free one)."
                ) from error
            return

    async def _bind(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._questions), local_addr=(HOST, port)
        )
        self._tcp = await asyncio.start_server(
            self._converse, HOST, self._udp.get_extra_info("sockname")[1]
        )

    async def close(self) -> None:
        """Stop listening and cut what is open."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        self._udp = self._tcp = None
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the questions of one connection, in order."""
        task = cast(asyncio.Task[Any], asyncio.current_task())
        self._connections.add(task)
        try:
            while True:
                async with asyncio.timeout(IDLE):
                    size = int.from_bytes(await reader.readexactly(2), "big")
                    wire = await reader.readexactly(size)
                answer = self._questions.answer(wire, "tcp")
                await asyncio.sleep(answer.delay)
                if answer.wire is not None:
                    writer.write(len(answer.wire).to_bytes(2, "big") + answer.wire)
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    """One datagram is one question."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a question, at once or later."""
        answer = self._questions.answer(data, "udp")
        if answer.delay:
            asyncio.get_running_loop().call_later(answer.delay, self._send, answer, addr)
        else:
            self._send(answer, addr)

    def _send(self, answer: Answer, addr: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing() and answer.wire:
            self._transport.sendto(answer.wire, addr)
