"""A public key for DKIM as it is published (RFC 6376 §3.6.1, RFC 8301 §3.2, RFC 8463)."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

SHORTEST = 1_024
"""Bits an RSA key must have: receivers do not accept shorter ones (RFC 8301 §3.2)."""

ADVISED = 2_048
"""Bits an RSA key should have (RFC 8301 §3.2)."""


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A key. `text` is its base64 without spaces, "" once it was revoked; `bits` None if it is not RSA."""

    text: str
    bits: int | None
    is_readable: bool = True

    @property
    def is_revoked(self) -> bool:
        """An empty key says that there is none any more."""
        return not self.text


def read(record: str) -> DkimKey | None:
    """The key of a TXT record, None where the record is none for DKIM."""
    pairs = (part.partition("=") for part in record.split(";"))
    tags = {tag.strip(): value.strip() for tag, equals, value in pairs if equals}
    if "p" not in tags or tags.get("v", "DKIM1") != "DKIM1":
        return None
    text = "".join(tags["p"].split())
    if not text or tags.get("k", "rsa") != "rsa":
        return DkimKey(text, None)
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return DkimKey(text, None, is_readable=False)
    if not isinstance(key, RSAPublicKey):
        return DkimKey(text, None, is_readable=False)
    return DkimKey(text, key.key_size)


def first(records: tuple[str, ...]) -> DkimKey | None:
    """The first key among TXT records."""
    return next((key for text in records if (key := read(text)) is not None), None)
