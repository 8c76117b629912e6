"""The shapes of what was done to an account or site, of appeals, and of the policy."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate

from relay.api.schemas import MOST_LISTED, Answer, Closed, worded
from relay.policy.appeals import LONGEST
from relay.vocabulary import AppealDecision


def said(most: int, *, least: int = 1, **options: Any) -> fields.String:
    """What somebody says in their own words: no NUL and no lone surrogates, which no database keeps."""
    checks: list[Any] = [validate.Length(min=least, max=most), _storable]
    return fields.String(validate=checks + [_not_blank] * bool(least), **options)


def _storable(text: str) -> None:
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValidationError("Not a text that can be stored (no NUL).")


def _not_blank(text: str) -> None:
    if not text.strip():
        raise ValidationError("Say something.")


class PageSchema(Closed):
    """Which part of a long list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=MOST_LISTED))
    cursor = fields.UUID(load_default=None)


class OwnerEventSchema(Answer):
    """Something that was done, as a webhook would bring it (Standard Webhooks)."""

    type = fields.String(metadata={"example": "site.limited"})
    timestamp = fields.String(metadata={"format": "date-time"})
    id = fields.String(metadata={"description": "The action's number."})
    data = fields.Dict(
        metadata={
            "description": (
                "account_id, site_id, stream, before and after (state, cause), cause, reason, evidence, by "
                "(operator or relay), appeal (url, how, answer_within_working_days)."
            )
        }
    )


class OwnerEventsSchema(Answer):
    """What was done, newest first."""

    events = fields.List(fields.Nested(OwnerEventSchema))
    next_cursor = fields.String(allow_none=True)


class NewAppealSchema(Closed):
    """What the owner says, and against what; without `action_id` what restricts the site most."""

    text = said(LONGEST, required=True)
    action_id = fields.UUID(load_default=None, allow_none=True)


class AppealSchema(Answer):
    """An appeal and its answer."""

    id = fields.UUID()
    at = fields.AwareDateTime()
    answer_by = fields.AwareDateTime()
    action_id = fields.UUID()
    site_id = fields.UUID(
        allow_none=True, metadata={"description": "Null where the whole account is meant."}
    )
    text = fields.String()
    decision = worded(AppealDecision, allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    answer = fields.String(allow_none=True)


class AppealsSchema(Answer):
    """Appeals, newest first."""

    appeals = fields.List(fields.Nested(AppealSchema))
    next_cursor = fields.String(allow_none=True)


class AcceptanceSchema(Closed):
    """Which version of the policy is accepted, and by whom."""

    version = said(32, required=True)
    by = said(
        100,
        load_default="",
        least=0,
        metadata={"description": "Who accepts it, such as the log-in of the person at the site."},
    )
