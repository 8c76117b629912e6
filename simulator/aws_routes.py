"""The AWS edge: SES v2 as REST and JSON, SNS as form and XML, with the faults in front of both."""

import asyncio
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from simulator import configuration_sets, identities, sending, suppression, tenant_routes
from simulator.calls import Call, Operation, Operations
from simulator.errors import STATUS, AwsError, ConnectionReset, bad_request
from simulator.sns_api import SnsApi, failure
from simulator.world import World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ABRUPT = struct.pack("ii", 1, 0)
"""SO_LINGER that makes closing a reset."""

NEVER = 3600.0
"""Seconds that stand for "never" in a lost answer; nobody waits longer."""


def add(router: web.UrlDispatcher, world: World) -> None:
    """Add the routes of both APIs."""
    operations: Operations = {
        **suppression.routes(world.account, world.control, world.store),
        **identities.routes(world.account, world.control, world.verification),
        **configuration_sets.routes(world.account),
        **tenant_routes.routes(world.account),
    }
    router.add_post("/v2/email/outbound-emails", _send_email(world))
    for (method, path), operation in operations.items():
        router.add_route(method, path, _rest(world, operation))
    router.add_route("*", "/v2/{rest:.*}", _rest(world, _unknown))
    router.add_post("/", _query(world))


def _send_email(world: World) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            _check_signed(request)
            body = await _body(request)
            await world.faults.before(sending=True)
            mail = await world.sending.accept(body)
        except AwsError as error:
            return _error(error)
        except ConnectionReset:
            return _cut(request)
        if world.faults.loses_answer():
            settings = world.control.settings
            if settings.lost_answer_form == "reset":
                return _cut(request)
            await _silence(request, settings.lost_answer_seconds)
        return _json(200, sending.answer(mail))

    return handle


def _rest(world: World, operation: Operation) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            _check_signed(request)
            body = sending.json_object(await _body(request))
            await world.faults.before(sending=False)
            query = {key: request.query.getall(key) for key in request.query}
            path = {"path": request.path.rpartition("/")[2], **request.match_info}
            answer = operation(Call(path, query, body))
        except AwsError as error:
            return _error(error)
        except ConnectionReset:
            return _cut(request)
        return _json(200, json.dumps(answer).encode())

    return handle


def _query(world: World) -> Handler:
    api = SnsApi(world.subscriptions, world.notices.changed)

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            _check_signed(request)
            form = {key: str(value) for key, value in (await request.post()).items()}
            await world.faults.before(sending=False)
            status, text = api.answer(form)
        except AwsError as error:
            status, text = failure(error)
        except ConnectionReset:
            return _cut(request)
        return web.Response(status=status, text=text, content_type="text/xml")

    return handle


def _unknown(call: Call) -> dict[str, Any]:
    raise AwsError("UnknownOperationException", "This operation is not simulated.")


def _check_signed(request: web.Request) -> None:
    """Raise AwsError if the call has no AWS signature; whose it is does not matter here."""
    if not request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256"):
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise bad_request("The request is too large: a message has at most 40 MB.") from None


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(
        status=status,
        body=body,
        headers={"Content-Type": "application/json", "x-amzn-RequestId": os.urandom(16).hex()},
    )


def _error(error: AwsError) -> web.Response:
    answer = _json(STATUS[error.code], json.dumps({"message": error.message}).encode())
    answer.headers["x-amzn-ErrorType"] = error.code
    return answer


def _cut(request: web.Request) -> web.Response:
    """Reset the connection; what is returned goes nowhere."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
        transport.abort()
    return web.Response()


async def _silence(request: web.Request, seconds: float | None) -> None:
    """Say nothing for so long, or until the caller has gone."""
    loop = asyncio.get_running_loop()
    end = loop.time() + (NEVER if seconds is None else seconds)
    while loop.time() < end and request.transport is not None:
        await asyncio.sleep(min(0.2, max(0.0, end - loop.time())))
