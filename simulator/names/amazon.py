"""Amazon's own names, which a verified domain points at: `amazonses.com`."""

import base64
from pathlib import Path

import dns.zone
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator import REGION
from simulator.journal import Journal
from simulator.names.lookup import Zone
from simulator.signing import rsa_key
from simulator.tokens import HOSTED_ZONE, dkim_tokens

ORIGIN = "amazonses.com."

SOURCE = "built in"

BASE = f"""\
$TTL 900
@ SOA ns1 hostmaster 1 7200 900 1209600 60
@ NS ns1
@ TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"
ns1 A 127.0.0.1
feedback-smtp.{REGION} A 192.0.2.25
feedback-smtp.{REGION} AAAA 2001:db8::25
"""
"""What is always there. The addresses are for documentation (RFC 5737, RFC 3849): nobody's."""


class AmazonNames:
    """The zone: what is always there, and a DKIM key for each token of the account's domains."""

    def __init__(self, journal: Journal, folder: Path) -> None:
        """Follow the identities of `journal`; the key is kept in `folder`, made when needed."""
        self._journal = journal
        self._key = folder / "dkim-key.pem"
        self._domains: frozenset[str] | None = None
        self._zone: Zone | None = None

    def zone(self) -> Zone:
        """The zone as it is now; the same object while nothing has changed."""
        identities = self._journal.all("identity")
        domains = frozenset(
            name
            for name, fact in identities.items()
            if "@" not in name and not fact["external_dkim"]
        )
        if self._zone is None or domains != self._domains:
            text = BASE
            if domains:
                value = " ".join(f'"{piece}"' for piece in pieces(self._public_key()))
                text += "".join(
                    f"{token}.{HOSTED_ZONE}. TXT {value}\n"
                    for domain in sorted(domains)
                    for token in dkim_tokens(domain)
                )
            self._zone = Zone.of(dns.zone.from_text(text, ORIGIN, relativize=False), SOURCE)
            self._domains = domains
        return self._zone

    def _public_key(self) -> str:
        """The text of a DKIM key record (RFC 6376 §3.6.1)."""
        key = rsa_key(self._key).public_key()
        coded = base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        return f"p={coded.decode()}"


def pieces(text: str, size: int = 255) -> list[str]:
    """A TXT record's text in strings of at most `size` characters; 255 is the most there can be."""
    return [text[start : start + size] for start in range(0, len(text), size)]
