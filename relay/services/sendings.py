"""Sendings that were held: an operator lets them go."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from relay.models import Recipient, Sending, Site
from relay.vocabulary import CanaryState, Stage, WaitReason


def release_held(session: Session, review_id: UUID, *, now: datetime) -> int:
    """Let the rest of the sending that this review is about wait for its allowance again; how many.

    Under the site's lock, as everything that changes a sending. Nothing for a review of other mail.
    """
    sending = session.scalar(select(Sending).where(Sending.review_id == review_id))
    if sending is None:
        return 0
    session.execute(
        select(Site.id).where(Site.id == sending.site_id).with_for_update(key_share=True)
    )
    session.refresh(sending)
    freed = session.scalars(
        update(Recipient)
        .where(Recipient.review_id == review_id, Recipient.stage == Stage.HELD)
        .values(stage=Stage.WAITING, reason=None)
        .returning(Recipient.id)
        .execution_options(synchronize_session=False)
    ).all()
    sending.canary, sending.canary_at = CanaryState.CLEAN, now
    sending.due_at, sending.waits = now, WaitReason.NEXT_WINDOW
    session.flush()
    return len(freed)
