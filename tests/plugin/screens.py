"""The plugin's screens: where they are, and what people do there, over HTTP."""

from __future__ import annotations

from tests.plugin.visitors import Page, Visitor
from tests.wordpress import sites

SCREEN = "/wp-admin/options-general.php?page=postreeve"
MAILS = f"{SCREEN}&tab=mails"
DOMAIN = f"{SCREEN}&tab=domain"
SETTINGS = f"{SCREEN}&tab=settings"
SUPPRESSIONS = f"{MAILS}&view=suppressions"


def fresh(screen: str) -> str:
    """The screen as its button *Refresh* opens it: nothing that was remembered."""
    return f"{screen}&fresh=1"


def log_in(visitor: Visitor, site: sites.Site) -> Page:
    """Log in as the administrator."""
    page = visitor.log_in(site.administrator.name, site.administrator.password)
    assert page.url.endswith("/wp-admin/")
    return page


def connect(visitor: Visitor, relay_url: str, key: str) -> Page:
    """Connect with an address and a key."""
    fields = visitor.get(SETTINGS).form("options.php")
    fields |= {"postreeve[relay_url]": relay_url, "postreeve[new_key]": key}
    return visitor.post("/wp-admin/options.php", fields)


def press(visitor: Visitor, button: str, screen: str = SCREEN, **typed: str) -> Page:
    """Press one of the buttons that decide something, with what was typed beside it."""
    page = visitor.get(screen)
    return visitor.post("/wp-admin/admin-post.php", page.form_with("what", button) | typed)


def send_test_mail(visitor: Visitor, to: str | None = None) -> Page:
    """Send a test mail."""
    fields = visitor.get(SCREEN).form_with("action", "postreeve_test")
    return visitor.post("/wp-admin/admin-post.php", fields | ({"to": to} if to else {}))
