"""`worker`: the process that sends."""

from __future__ import annotations

import signal
from types import FrameType

import click

from relay import memory
from relay.commands.output import relay
from relay.worker import Worker


@click.command()
def worker() -> None:
    """Send what is queued; SIGTERM or Ctrl-C stops it gracefully."""
    memory.give_back()
    working = Worker(relay(quiet=False))

    def stop(_number: int, _frame: FrameType | None) -> None:
        working.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    working.run()


COMMANDS = (worker,)
