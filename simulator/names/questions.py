"""From the bytes of a question to the bytes of its answer, trouble included."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rdataclass
from dns import rcode, rdatatype
from dns.message import Message
from dns.rcode import Rcode

from simulator.names.directory import Directory
from simulator.names.troubles import NONE, Trouble, Troubles

KEPT = 50
"""Questions that are remembered."""

HEADER = 12
"""Bytes of a message's header (RFC 1035 §4.1.1)."""

SMALLEST, LARGEST = 512, 4096
"""Bytes of an answer over UDP: without EDNS (RFC 1035 §4.2.1), and the most we give with it."""

RCODES = {"servfail": rcode.SERVFAIL, "refused": rcode.REFUSED}

NOT_FOR_US = (rdatatype.AXFR, rdatatype.IXFR)


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what was answered. `at` is in seconds since 1970, `over` is udp or tcp."""

    at: float
    name: str
    type: str
    over: str
    answer: str
    records: tuple[str, ...]
    trouble: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: nothing if `wire` is None. `delay` is in seconds."""

    wire: bytes | None
    delay: float = 0.0


class Questions:
    """Answers questions and remembers the last ones."""

    def __init__(self, directory: Directory, troubles: Callable[[], Troubles]) -> None:
        """Answer from `directory`, with the troubles of the moment."""
        self._directory = directory
        self._troubles = troubles
        self._last: deque[Question] = deque(maxlen=KEPT)

    @property
    def last(self) -> list[Question]:
        """The last questions, newest first."""
        return list(reversed(self._last))

    def answer(self, wire: bytes, over: str) -> Answer:
        """The answer to a message that came over `udp` or `tcp`."""
        if len(wire) < HEADER or wire[2] & 0x80:
            return Answer(None)  # too short to be answered, or itself an answer
        try:
            asked = dns.message.from_wire(wire)
            response = dns.message.make_response(asked, our_payload=LARGEST)
        except (dns.exception.DNSException, ValueError):
            return Answer(_malformed(wire))
        problem = _problem(asked)
        if problem is not None:
            response.set_rcode(problem)
            return Answer(response.to_wire())
        return self._answered(asked, response, over)

    def _answered(self, asked: Message, response: Message, over: str) -> Answer:
        question = asked.question[0]
        trouble = self._troubles().of(question.name)
        if trouble.answer in RCODES:
            response.set_rcode(RCODES[trouble.answer])
        elif trouble.answer != "silence":
            reply = self._directory.ask(question.name, question.rdtype)
            response.set_rcode(reply.rcode)
            if reply.authoritative:
                response.flags |= dns.flags.AA
            response.answer = trouble.bent(reply.answer)
            response.authority, response.additional = reply.authority, reply.additional
        wire = _sent(asked, response, over, trouble)
        self._remember(response, wire, over, trouble)
        return Answer(wire, (trouble.delay or 0) / 1000)

    def _remember(self, response: Message, wire: bytes | None, over: str, trouble: Trouble) -> None:
        question = response.question[0]
        answer = "no answer" if wire is None else rcode.to_text(response.rcode())
        if wire is not None and wire[2] & 0x02:
            answer = "truncated"
        records = tuple(
            f"{rdatatype.to_text(one.rdtype)} {record.to_text()}"
            for one in response.answer
            for record in one
        )
        self._last.append(
            Question(
                at=time.time(),
                name=question.name.to_text(omit_final_dot=True),
                type=rdatatype.to_text(question.rdtype),
                over=over,
                answer=answer,
                records=records,
                trouble="" if trouble is NONE else str(trouble),
            )
        )


def _problem(asked: Message) -> Rcode | None:
    """Why a message that can be read is not answered."""
    if asked.opcode() != dns.opcode.QUERY:
        return rcode.NOTIMP
    if asked.edns > 0:
        return rcode.BADVERS
    if len(asked.question) != 1:
        return rcode.FORMERR
    question = asked.question[0]
    if question.rdclass != dns.rdataclass.IN or question.rdtype in NOT_FOR_US:
        return rcode.REFUSED
    return None


def _sent(asked: Message, response: Message, over: str, trouble: Trouble) -> bytes | None:
    """The bytes that go back. What does not fit over UDP is left out, and TC says so."""
    if trouble.answer == "silence":
        return None
    if over == "tcp":
        return response.to_wire(max_size=65_535)
    if trouble.answer == "truncate":
        response.answer, response.authority, response.additional = [], [], []
        response.flags |= dns.flags.TC
    size = SMALLEST if asked.edns < 0 else min(max(asked.payload, SMALLEST), LARGEST)
    return response.to_wire(max_size=size, prefer_truncation=True)


def _malformed(wire: bytes) -> bytes:
    """FORMERR about a message that cannot be read: its id, and nothing else."""
    response = Message(id=int.from_bytes(wire[:2], "big"))
    response.flags = dns.flags.QR
    response.set_rcode(rcode.FORMERR)
    return response.to_wire()
