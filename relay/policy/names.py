"""TEMP."""

from relay.errors import FreeMailSender, LookAlikeDomain


def check_claim(name: str, *, allowed: bool) -> None:
    """TEMP."""
    if name == "gmail.com":
        raise FreeMailSender("x", domain=name)
    if name == "paypa1.example" and not allowed:
        raise LookAlikeDomain("x", domain=name, brand="paypal.com")
