"""`/hooks/ses`: where Amazon SNS posts what became of our mail.

403 only for what SNS did not sign for us (SNS does not repeat it), 503 for our own trouble (SNS
repeats it), never a 4xx for 'not matched yet'.
"""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, request

from relay.api.auth import relay
from relay.context import Relay
from relay.errors import Unavailable
from relay.gateways import sns
from relay.gateways.sns import SignedNotice
from relay.services import notices

blueprint = Blueprint("hooks", __name__)

log = structlog.get_logger(__name__)


@blueprint.post("/hooks/ses")
def ses() -> Response:
    """Take in a notice: verify and keep it."""
    context = relay()
    now = context.clock()
    request.max_content_length = sns.LARGEST_NOTICE
    notice = sns.verify(
        request.get_data(cache=False),
        {name.lower(): value for name, value in request.headers.items()},
        topics=context.settings.topic_arns,
        certificate=context.certificate,
        now=now,
    )
    match notice.type:
        case "SubscriptionConfirmation":
            context.confirm_subscription(notice.topic_arn, notice.token or "")
            log.info("subscription confirmed", topic=notice.topic_arn)
        case "UnsubscribeConfirmation":
            log.error("SNS says that our subscription ended; check it", topic=notice.topic_arn)
        case _:
            _take(context, notice)
    return Response(status=200)


def _take(context: Relay, notice: SignedNotice) -> None:
    """Store the notice; a duty of the worker applies it a moment later."""
    with context.sessions.begin() as session:
        notices.keep(session, notice, now=context.clock())
    if notice.late:
        raise Unavailable("The notice is outside the time window; it is kept all the same")
