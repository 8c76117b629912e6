"""SNS messages: their envelopes and their signatures, made with the simulator's own key."""

import base64
import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from simulator import REGION

SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
"""The members that are signed, in order, by type of message."""

VERSION = "2"
"""The SignatureVersion: SHA-256. SHA-1, which is version 1, is not simulated."""


def string_to_sign(message: Mapping[str, str]) -> bytes:
    """The canonical text of an SNS message: names and values, each followed by a line feed."""
    return "".join(
        f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]] if name in message
    ).encode()


class Signer:
    """The key and certificate of the state folder."""

    def __init__(self, folder: Path) -> None:
        """Read `sns-key.pem` and `sns-certificate.pem` from `folder`, or make them."""
        self._key = rsa_key(folder / "sns-key.pem")
        self.certificate = _certificate(folder / "sns-certificate.pem", self._key)
        fingerprint = hashlib.sha256(self.certificate).hexdigest()[:32]
        self.path = f"/SimpleNotificationService-{fingerprint}.pem"
        self.url = f"https://sns.{REGION}.amazonaws.com{self.path}"

    def sign(self, message: dict[str, str]) -> dict[str, str]:
        """The message with its three members about the signature. Threads may call this."""
        signature = self._key.sign(string_to_sign(message), padding.PKCS1v15(), hashes.SHA256())
        return {
            **message,
            "SignatureVersion": VERSION,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": self.url,
        }


def rsa_key(path: Path) -> rsa.RSAPrivateKey:
    """The key at `path`, made if it is not there: 2048 bits, read by its owner only."""
    if path.exists():
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        if isinstance(key, rsa.RSAPrivateKey):
            return key
    key = rsa.generate_private_key(65537, 2048)
    _write(
        path,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    return key


def _certificate(path: Path, key: rsa.RSAPrivateKey) -> bytes:
    """The PEM at `path` if it belongs to `key`, else a new one, valid for ten years."""
    if path.exists():
        pem = path.read_bytes()
        if x509.load_pem_x509_certificate(pem).public_key() == key.public_key():
            return pem
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("sns.amazonaws.com")]), False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    _write(path, pem, 0o644)
    return pem


def _write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put the file there at once, so that a kill leaves no half of it."""
    new = path.with_suffix(".new")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(file, "wb") as stream:
        stream.write(data)
    new.replace(path)
