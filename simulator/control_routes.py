"""The control API, the certificate, the state of the notices and that of the names."""

import json
from typing import Any

from aiohttp import web

from simulator.errors import InvalidControl
from simulator.names.description import describe
from simulator.world import World


def add(router: web.UrlDispatcher, world: World) -> None:
    """Add the routes."""
    edge = _Edge(world)
    router.add_get("/_control", edge.get)
    router.add_put("/_control", edge.put)
    router.add_delete("/_control", edge.delete)
    router.add_get("/notices", edge.notices)
    router.add_get("/names.json", edge.names)
    router.add_get("/healthz", edge.health)
    router.add_get(world.signer.path, edge.certificate)


class _Edge:
    def __init__(self, world: World) -> None:
        self._world = world

    def _described(self) -> web.Response:
        return web.json_response(self._world.control.described())

    async def get(self, request: web.Request) -> web.Response:
        """What is set now."""
        return self._described()

    async def put(self, request: web.Request) -> web.Response:
        """Change what the body names, and leave the rest."""
        try:
            self._world.control.change(_parsed(await request.read()))
        except InvalidControl as error:
            return web.json_response({"message": str(error)}, status=400)
        self._world.notices.changed()
        return self._described()

    async def delete(self, request: web.Request) -> web.Response:
        """Back to the settings of the command line."""
        self._world.control.reset()
        self._world.notices.changed()
        return self._described()

    async def notices(self, request: web.Request) -> web.Response:
        """How many mails wait, how notices ended, who is subscribed."""
        subscriptions = [
            {
                "endpoint": one.endpoint,
                "topic": one.topic,
                "arn": one.arn,
                "confirmed": one.confirmed,
            }
            for one in self._world.subscriptions.all()
        ]
        return web.json_response({**self._world.notices.counts(), "subscriptions": subscriptions})

    async def names(self, request: web.Request) -> web.Response:
        """The zones that are served, what is wrong with files, the last questions."""
        return web.json_response(describe(self._world))

    async def health(self, request: web.Request) -> web.Response:
        """Whether the simulator answers."""
        return web.json_response({"ok": True})

    async def certificate(self, request: web.Request) -> web.Response:
        """The certificate that SigningCertURL names."""
        return web.Response(
            body=self._world.signer.certificate, content_type="application/x-pem-file"
        )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise InvalidControl(f"the body is not JSON: {error}") from None
