"""Zone files for the simulator's name server: what a customer would enter at their DNS provider."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from relay.commands.trial.client import HOST
from relay.commands.trial.installation import Installation

Record = tuple[str, str, str]
"""Name (whole, no final dot), type, and value: TXT without quotes, MX "10 host", CNAME the host."""

TTL = 60
"""Seconds an answer may be kept: somebody who tries things edits them."""

ADDRESS = "192.0.2.80"
"""Where the domain's website and mailbox would be; an address of nobody (RFC 5737)."""

PIECE = 255
"""Bytes of one string of a TXT record at most (RFC 1035 §3.3)."""

HOSTS = ("CNAME", "MX", "NS", "PTR")
"""Types whose value ends with the name of a host."""


def publish(installation: Installation, domain: str, records: Iterable[Record]) -> Path:
    """Replace the domain's zone file at once; the simulator serves it within a second.

    A domain has an address and a mailbox of its own besides, unless the records say otherwise.
    Raises `ValueError` when a name is not the domain's, or a value would not stay on its line.
    """
    path = installation.zones / f"{domain}.zone"
    draft = path.with_suffix(".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.write_text(master_file(domain, records, serial=int(time.time())), encoding="utf-8")
    draft.replace(path)
    return path


def master_file(domain: str, records: Iterable[Record], *, serial: int) -> str:
    """The zone as text (RFC 1035 §5). `serial` is to grow with every change."""
    wanted = [(name.lower(), type, value) for name, type, value in records]
    for name, _, _ in wanted:
        if name != domain and not name.endswith(f".{domain}"):
            raise ValueError(f"{name} is not a name of {domain}")
    there = {(name, type) for name, type, _ in wanted}
    aliases = {name for name, type in there if type == "CNAME"}
    usual = [
        (domain, "NS", f"ns.{domain}"),
        (f"ns.{domain}", "A", HOST),
        (domain, "A", ADDRESS),
        (domain, "MX", f"10 mail.{domain}"),
        (f"mail.{domain}", "A", ADDRESS),
    ]
    filled = [one for one in usual if one[:2] not in there and one[0] not in aliases]
    soa = f"ns.{domain}. hostmaster.{domain}. {serial} 7200 900 1209600 {TTL}"
    lines = [f"$TTL {TTL}", f"{domain}. SOA {soa}"]
    lines += [f"{name}. {type} {_value(type, value)}" for name, type, value in filled + wanted]
    return "\n".join(lines) + "\n"


def _value(type: str, value: str) -> str:
    if type == "TXT":
        return _quoted(value)
    if not value.isprintable():
        raise ValueError(f"{value!r} is no value of a record")
    return f"{value.removesuffix('.')}." if type in HOSTS else value


def _quoted(text: str) -> str:
    """The text in strings of at most 255 bytes, each in quotation marks."""
    data = text.encode()
    pieces = [data[start : start + PIECE] for start in range(0, len(data), PIECE)] or [b""]
    return " ".join('"' + "".join(map(_character, piece)) + '"' for piece in pieces)


def _character(byte: int) -> str:
    """A byte as a master file has it (RFC 1035 §5.1)."""
    if byte in b'"\\':
        return f"\\{chr(byte)}"
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03d}"
