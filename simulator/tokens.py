"""The DKIM tokens of a domain, which never change: a domain that is created anew has them again."""

import hashlib

HOSTED_ZONE = "dkim.amazonses.com"

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def dkim_tokens(domain: str) -> list[str]:
    """Three Easy-DKIM tokens of a domain, the same at every call."""
    digests = [hashlib.sha256(f"{domain}:{n}".encode()).digest() for n in range(3)]
    return ["".join(ALPHABET[byte % 32] for byte in digest) for digest in digests]
