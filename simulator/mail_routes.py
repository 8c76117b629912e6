"""The mails as JSON, for programs: list, count, ledger, one mail, its bytes."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from aiohttp import web

from simulator import mime, stories
from simulator.mails import Mail
from simulator.world import World

PAGE = 50
MOST = 1000
CHUNK = 1 << 18


def add(router: web.UrlDispatcher, world: World) -> None:
    """Add the routes."""
    edge = _Edge(world)
    router.add_get("/mails", edge.list)
    router.add_get("/mails/count", edge.count)
    router.add_get("/mails/ledger", edge.ledger)
    router.add_get("/mails/{id}", edge.get)
    router.add_get("/mails/{id}/raw", edge.raw)


def found(world: World, request: web.Request) -> Mail:
    """The mail that the path names. Raises HTTPNotFound."""
    mail = world.store.find(request.match_info["id"])
    if mail is None:
        raise web.HTTPNotFound(text="There is no mail with this id.\n")
    return mail


def page(world: World, request: web.Request, size: int = PAGE) -> tuple[list[Mail], str | None]:
    """The mails the query asks for (`limit`, `cursor`, `recipient`, `tag`), and the next cursor.

    Raises HTTPBadRequest if the query makes no sense.
    """
    query = request.query
    try:
        limit = max(1, min(MOST, int(query.get("limit", size))))
        before = int(query["cursor"]) if query.get("cursor") else None
    except ValueError:
        raise web.HTTPBadRequest(text="limit and cursor are numbers.\n") from None
    needle, matches = _filter(query.get("recipient", ""), query.get("tag", ""))
    mails = world.store.newest_first(before, needle=needle, matches=matches)
    listed = list(islice(mails, limit + 1))
    more = str(listed[limit - 1].number) if len(listed) > limit else None
    return listed[:limit], more


def _filter(recipient: str, tag: str) -> tuple[bytes, Callable[[Mail], bool]]:
    """What must be in a ledger line for it to be looked at, and whether the mail really matches."""
    recipient, (name, _, value) = recipient.strip().lower(), tag.partition(":")

    def matches(mail: Mail) -> bool:
        to = not recipient or any(recipient in address.lower() for address in mail.destination)
        return to and (not tag or (name in mail.tags and value in ("", mail.tags[name])))

    return (recipient or (value or name).lower()).encode(), matches


class _Edge:
    def __init__(self, world: World) -> None:
        self._world = world

    async def list(self, request: web.Request) -> web.Response:
        """Mails, newest first."""
        mails, more = page(self._world, request)
        listed = [stories.outline(self._world, mail) for mail in mails]
        return web.json_response({"mails": listed, "next_cursor": more})

    async def count(self, request: web.Request) -> web.Response:
        """How many mails were accepted."""
        return web.json_response({"count": self._world.store.count})

    async def ledger(self, request: web.Request) -> web.StreamResponse:
        """One JSON line per accepted mail, oldest first, as it stands at the time of asking."""
        store = self._world.store
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        response.content_length = store.ledger_size
        await response.prepare(request)
        for chunk in _chunks(store.ledger.open("rb"), store.ledger_size):
            await response.write(chunk)
        return response

    async def get(self, request: web.Request) -> web.Response:
        """One mail: its facts, headers, events and notices."""
        mail = found(self._world, request)
        return web.json_response(stories.whole(self._world, mail))

    async def raw(self, request: web.Request) -> web.Response:
        """The mail as its recipient gets it; with `?form=submitted`, as SendEmail was given it."""
        mail = found(self._world, request)
        raw = self._world.store.raw(mail)
        if request.query.get("form") != "submitted":
            raw = mime.as_delivered(mail, raw)
        return web.Response(body=raw, content_type="message/rfc822")


def _chunks(file: Any, size: int) -> Iterator[bytes]:
    with file:
        while size > 0:
            chunk = file.read(min(CHUNK, size))
            if not chunk:
                return
            size -= len(chunk)
            yield chunk
