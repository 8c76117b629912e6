"""Keys with versions: commitments to personal data, and links that only we can have made.

A commitment is an HMAC-SHA-256 under a key of its version; old versions stay, so that rows made under
them can still be checked, and the newest makes new ones. A sealed link is AES-256-GCM: nobody can
read whom it is about, change it, or make one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by version; the highest version is in use, the others still verify."""

    keys: Mapping[int, bytes]

    @classmethod
    def parse(cls, texts: Iterable[str], *, fallback: str) -> Keyring:
        """Keys given as `VERSION:HEX` (32 bytes or more); without any, version 1 comes from `fallback`.

        Raises `ValueError`, saying which is malformed.
        """
        keys: dict[int, bytes] = {}
        for place, text in enumerate(texts, 1):
            version, _, material = text.partition(":")
            try:
                number, key = int(version), bytes.fromhex(material)
            except ValueError:
                number, key = 0, b""
            if not 1 <= number <= 255 or len(key) < 32:
                raise ValueError(
                    f"entry {place} is not VERSION:HEX with a version from 1 to 255 and at least "
                    "64 hexadecimal digits (try: openssl rand -hex 32)"
                )
            if number in keys:
                raise ValueError(f"version {number} is there twice")
            keys[number] = key
        return cls(keys or {1: hashlib.sha256(b"postreeve consent\0" + fallback.encode()).digest()})

    @property
    def current(self) -> int:
        """The version that makes new commitments and links."""
        return max(self.keys)

    def commitment(self, purpose: str, text: str, *, version: int | None = None) -> str:
        """The keyed hash (hex) of `text`, for one purpose. Raises `KeyError` for an unknown version."""
        key = self._derived(purpose, self.current if version is None else version)
        return hmac.digest(key, text.encode(), "sha256").hex()

    def commitments(self, purpose: str, text: str) -> list[str]:
        """The keyed hashes of `text` under all versions, newest first."""
        return [
            self.commitment(purpose, text, version=version)
            for version in sorted(self.keys, reverse=True)
        ]

    def seal(self, purpose: str, text: str) -> str:
        """`text` as an opaque token that is safe in a URL."""
        nonce = os.urandom(_NONCE)
        version = bytes((self.current,))
        box = AESGCM(self._derived(purpose, self.current))
        sealed = version + nonce + box.encrypt(nonce, text.encode(), version)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, purpose: str, token: str) -> str | None:
        """The text in a token; None if it was not made by `seal` for this purpose, whole and unchanged."""
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
            version, nonce, sealed = raw[0], raw[1 : 1 + _NONCE], raw[1 + _NONCE :]
            box = AESGCM(self._derived(purpose, version))
            return box.decrypt(nonce, sealed, raw[:1]).decode()
        except (binascii.Error, UnicodeError, IndexError, KeyError, ValueError, InvalidTag):
            return None

    def _derived(self, purpose: str, version: int) -> bytes:
        return hmac.digest(self.keys[version], purpose.encode(), "sha256")
