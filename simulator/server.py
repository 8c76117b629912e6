"""The simulator's HTTP server: one port for the AWS APIs, the mailbox, the JSON and the control."""

import asyncio
import errno
import gc
import logging
import signal

from aiohttp import web

from simulator import aws_routes, control_routes, mail_routes, pages
from simulator.errors import CannotStart
from simulator.world import World

BODY_LIMIT = 64 * 1024 * 1024
"""Bytes of a request: 40 MB of mail in base64, and some."""


def application(world: World) -> web.Application:
    """The application that serves a world."""
    app = web.Application(client_max_size=BODY_LIMIT)
    aws_routes.add(app.router, world)
    mail_routes.add(app.router, world)
    control_routes.add(app.router, world)
    pages.add(app.router, world)
    return app


async def listen(world: World, host: str, port: int) -> web.AppRunner:
    """Serve at host and port. Raises CannotStart if the address cannot be had."""
    runner = web.AppRunner(
        application(world), access_log=None, keepalive_timeout=75, shutdown_timeout=2
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OSError as error:
        await runner.cleanup()
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(
                f"Port {port} is in use. Stop what uses it, or choose another with --port "
                f"(such as --port {port + 10}; --port 0 takes a free one)."
            ) from error
        raise CannotStart(
            f"Cannot listen on {host}, port {port}: {error.strerror or error}. "
            "Choose others with --host and --port."
        ) from error
    return runner


def address(runner: web.AppRunner, host: str) -> str:
    """The URL the server is reached at."""
    port = runner.addresses[0][1]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


async def until_signalled() -> None:
    """Wait for SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()


def spare_the_collector() -> None:
    """Collect garbage less often: a call leaves none in cycles, and what was loaded stays."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def quiet_logs() -> None:
    """Say only what a person needs to know, without addresses or contents."""
    logging.basicConfig(format="simulator: %(message)s", level=logging.WARNING)
    logging.getLogger("aiohttp").setLevel(logging.ERROR)
