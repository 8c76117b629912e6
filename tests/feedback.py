"""Feedback reports as mailbox providers send them."""

from __future__ import annotations


def make_feedback(
    *, type: str | None = "abuse", returned: str = "Message-ID: <x@elsewhere.example>", **given: str
) -> bytes:
    """A report of this type that returns the header block `returned`; `part` is its content type."""
    part = given.get("part", "message/rfc822")
    kind = given.get("kind", "multipart/report; report-type=feedback-report")
    said = f"Feedback-Type: {type}\r\n" if type is not None else ""
    lines = [
        "From: <abuse@provider.example>",
        "To: <abuse@relay.example>",
        "Subject: FW: Your order",
        "MIME-Version: 1.0",
        f'Content-Type: {kind}; boundary="edge"',
        "",
        "--edge",
        "Content-Type: text/plain",
        "",
        "This is an email abuse report.",
        "--edge",
        f"Content-Type: {given.get('told', 'message/feedback-report')}",
        "",
        f"{said}User-Agent: Provider/1.0\r\nVersion: 1",
        "Source-IP: 192.0.2.5",
        "Original-Rcpt-To: <redacted@customer.example>",
        "",
        "--edge",
        f"Content-Type: {part}",
        "",
        returned.replace("\n", "\r\n"),
        "",
        "The body.",
        "--edge--",
        "",
    ]
    return "\r\n".join(lines).encode()
