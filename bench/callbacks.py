"""The round about SNS: genuine notices, verified at the door, stored, and applied by the worker."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

from bench import bodies, load
from bench.accepting import costs
from bench.measure import wait_until
from bench.rig import TOPIC, RigError
from bench.rows import Figures
from bench.stage import CONCURRENCY, USES, Stage, check
from simulator import envelopes, mime
from simulator.events import mail_object
from simulator.mails import Mail
from simulator.signing import Signer


def applied(stage: Stage) -> Figures:
    """Post the Send and Delivery of mails just sent, signed beforehand, until all are applied."""
    mark = f"heard-{uuid.uuid4().hex[:8]}"
    stage.load_backlog(stage.sizes.callbacks // 2, to=mark)
    stage.drain()
    requests = _signed(stage.ledger, mark, stage.message)
    before = _states(stage)
    meter = stage.meter()
    answers, _ = load.run(stage.web_port, requests, concurrency=CONCURRENCY, uses=USES)
    answered = meter.elapsed
    if not wait_until(lambda: not _states(stage).get("received"), 120, every=0.02):
        raise RigError(f"notices were not applied: {_states(stage)}")
    seconds, spent = meter.elapsed, meter.spent()
    stage.pause()
    check(answers, 200)
    now = _states(stage)
    count = now.get("applied", 0) - before.get("applied", 0)
    if count != len(requests):
        raise RigError(f"{count} of {len(requests)} notices were applied: {now}")
    return {
        "rate": count / seconds,
        "answers_rate": count / answered,
        **costs(spent, count, "web", "worker", "postgresql"),
    }


def _states(stage: Stage) -> dict[str, int]:
    return dict(stage.ask("SELECT state, count(*) FROM notices GROUP BY state"))


def _signed(ledger: Path, mark: str, message: bytes) -> list[tuple[str, bytes]]:
    """The notices that the simulator would have posted about the mails to `mark+…`."""
    signer = Signer(ledger.parent)
    headers = mime.parse_headers(message[: mime.head_size(message)])
    now = time.time_ns() // 1_000_000
    found = []
    with ledger.open("rb") as lines:
        for line in lines:
            if mark.encode() not in line:
                continue
            mail = Mail.parse(line)
            about = mail_object(mail, headers)
            for step in range(len(mail.plan)):
                for unsigned in envelopes.notifications(
                    mail, about, step, TOPIC, dialect="event", published_ms=now
                ):
                    found.append((unsigned["MessageId"], bodies.notice(signer.sign(unsigned))))
    return found
