"""A person's link as a page sees it: whom it is about, what that is called, where else it leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from relay.keys import Keyring
from relay.pages import frame
from relay.services import leaving, opt_outs, person_links
from relay.services.leaving import About
from relay.services.person_links import PersonLink

STUCK = "./,;:!?'\")>]} "
"""What mail programs leave stuck to the end of a link that stands in plain text."""

PLUGINS = {
    "bbpress": "bbPress",
    "buddypress": "BuddyPress",
    "learndash": "LearnDash",
    "lifterlms": "LifterLMS",
    "sensei-lms": "Sensei",
    "woocommerce": "WooCommerce",
    "wordpress": "WordPress",
    "wpforo": "wpForo",
}
"""How plugins that notify people write their own names; others are called by their slug."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link, and what it is about."""

    token: str
    link: PersonLink
    about: About

    @property
    def kind(self) -> str:
        """What the topic is: `list`, `plugin`, `notification` or `marketing`."""
        if opt_outs.list_of(self.link.topic):
            return "list"
        return "plugin" if opt_outs.plugin_of(self.link.topic) else self.link.topic

    @property
    def name(self) -> str:
        """What the topic is called; empty where it has no name of its own."""
        if plugin := opt_outs.plugin_of(self.link.topic):
            return plugin_name(plugin)
        return self.about.list_name

    def way(self, page: str) -> str:
        """The path of another page for the same person, in the language chosen here."""
        return url_for(f"people.{page}", token=self.token, lang=request.args.get("lang"))


def open_link(session: Session, keyring: Keyring, token: str) -> Opened:
    """What a link is about. Raises `NotFound` where it is not whole, not ours, or its site is gone."""
    token = token.rstrip(STUCK)
    link = person_links.open_link(keyring, token)
    return Opened(token, link, leaving.about(session, link))


def show(template: str, opened: Opened, *, status: int = 200, **values: Any) -> Response:
    """A page about this link."""
    return frame.show(
        template,
        status=status,
        site=opened.about.site_name,
        hint=opened.about.language,
        about=opened.about,
        kind=opened.kind,
        named=opened.name,
        address=leaving.address_for_show(opened.link.address),
        way=opened.way,
        **values,
    )


def plugin_name(slug: str) -> str:
    """What a plugin calls itself; empty for notifications whose plugin nobody named."""
    return "" if slug == opt_outs.OTHER else PLUGINS.get(slug, slug)
