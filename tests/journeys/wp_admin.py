"""wp-admin as people move in it: where the plugin's screens are, logging in, sending a test mail."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from tests.wordpress.sites import Site

SCREEN = "/wp-admin/options-general.php?page=postreeve"
MAILS = f"{SCREEN}&tab=mails"
SUPPRESSIONS = f"{MAILS}&view=suppressions"
DOMAIN = f"{SCREEN}&tab=domain"
SETTINGS = f"{SCREEN}&tab=settings"
DASHBOARD = "/wp-admin/index.php"
PHONE = (390, 844)
DESKTOP = (1280, 900)


def forget_all(site: Site) -> None:
    """Make the site as if the plugin were new."""
    site.execute(
        "DELETE FROM wp_options WHERE option_name LIKE '%postreeve%';"
        "DELETE FROM wp_postreeve_outbox; DELETE FROM wp_postreeve_chunks"
    )


def log_in(page: Page, site: Site) -> None:
    """Log in as the administrator."""
    page.goto(f"{site.url}/wp-login.php")
    page.get_by_label("Username or Email Address").fill(site.administrator.name)
    page.get_by_label("Password", exact=True).fill(site.administrator.password)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/wp-admin/", wait_until="domcontentloaded")


def send_test_mail(page: Page, to: str | None = None) -> None:
    """Send a test mail from the tab Status."""
    if to:
        page.get_by_label("To", exact=True).fill(to)
    page.get_by_role("button", name="Send test mail").click()


def photograph(page: Page, folder: Path, name: str) -> None:
    """A picture on a desk and one on a phone, where nothing may stick out of the window."""
    for device, (width, height) in (("desktop", DESKTOP), ("phone", PHONE)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=folder / f"wordpress-{name}-{device}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
