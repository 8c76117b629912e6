"""The pages for people: the mailbox and the names. They work without JavaScript."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from simulator import mail_routes, reading, stories
from simulator.mails import Mail
from simulator.names.amazon import SOURCE
from simulator.names.description import describe
from simulator.world import World

HERE = Path(__file__).parent

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; script-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

TONES = {
    "delivered": ("good", "check"),
    "opened": ("good", "check"),
    "clicked": ("good", "check"),
    "accepted": ("waiting", "clock"),
    "on its way": ("waiting", "clock"),
    "delayed": ("waiting", "clock"),
    "soft bounce": ("waiting", "back"),
    "out of office": ("past", "back"),
    "unsubscribed": ("past", "back"),
    "bounced": ("bad", "back"),
    "complaint": ("bad", "flag"),
    "rejected": ("bad", "ban"),
    "rendering failed": ("bad", "ban"),
}
"""Colour and icon of an outcome; the word always stands beside them."""


def add(router: web.UrlDispatcher, world: World) -> None:
    """Add the pages and their static files."""
    edge = _Pages(world)
    router.add_get("/", edge.mailbox)
    router.add_get("/read/{id}", edge.mail)
    router.add_get("/names", edge.names)
    router.add_get("/mails/{id}/parts/{number:\\d+}", edge.part)
    router.add_static("/static", HERE / "static")


def ago(moment: float, now: float | None = None) -> str:
    """How long ago a time (seconds since 1970) was, in words."""
    age = max(0, int((time.time() if now is None else now) - moment))
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if age >= length:
            many = age // length
            return f"{many} {unit}{'s' if many > 1 else ''} ago"
    return "just now" if age < 5 else f"{age} seconds ago"


def clock(moment: float) -> str:
    """A time in UTC for people."""
    return f"{datetime.fromtimestamp(moment, UTC):%-d %b %Y, %H:%M:%S} UTC"


def size(count: int) -> str:
    """A number of bytes for people."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:,.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"


class _Pages:
    def __init__(self, world: World) -> None:
        self._world = world
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"ago": ago, "clock": clock, "size": size}
        self._templates.globals["tones"] = TONES
        self._templates.policies["json.dumps_kwargs"] = {"sort_keys": False}

    def _render(self, template: str, **values: Any) -> web.Response:
        text = self._templates.get_template(template).render(**values)
        return web.Response(text=text, content_type="text/html", headers=HEADERS)

    async def mailbox(self, request: web.Request) -> web.Response:
        """The list of mails."""
        mails, more = mail_routes.page(self._world, request)
        recipient = request.query.get("recipient", "")
        older = urlencode({"recipient": recipient, "cursor": more}) if more else None
        return self._render(
            "mailbox.html",
            rows=[(mail, stories.outline(self._world, mail)) for mail in mails],
            count=self._world.store.count,
            recipient=recipient,
            cursor=request.query.get("cursor", ""),
            older=older,
            endpoint=str(request.url.origin()),
        )

    async def mail(self, request: web.Request) -> web.Response:
        """One mail."""
        mail = mail_routes.found(self._world, request)
        raw = self._world.store.raw(mail)
        return self._render(
            "mail.html",
            mail=mail,
            about=stories.whole(self._world, mail),
            reading=await asyncio.to_thread(reading.read, raw),
            to_come=_to_come(mail),
        )

    async def names(self, request: web.Request) -> web.Response:
        """The zones and the last questions; as JSON for who does not ask for HTML."""
        described = describe(self._world)
        if "text/html" not in request.headers.get("Accept", ""):
            return web.json_response(described)
        zones = sorted(described["zones"], key=lambda zone: bool(zone["source"] == SOURCE))
        return self._render("names.html", **{**described, "zones": zones, "built_in": SOURCE})

    async def part(self, request: web.Request) -> web.Response:
        """An attachment, to be saved and not shown."""
        mail = mail_routes.found(self._world, request)
        number = int(request.match_info["number"])
        part = await asyncio.to_thread(reading.attachment, self._world.store.raw(mail), number)
        if part is None:
            raise web.HTTPNotFound(text="This mail has no such attachment.\n")
        headers = HEADERS | {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(part.name)}",
        }
        return web.Response(body=part.data, headers=headers)


def _to_come(mail: Mail) -> list[str]:
    """The names of the events that are still to happen."""
    past = len(stories.happened(mail))
    return [str(step["event"]) for step in mail.plan[past:]]
