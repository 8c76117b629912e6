"""The shapes of reports of abuse, for operators."""

from __future__ import annotations

from marshmallow import fields

from relay.api.appeal_schemas import said
from relay.api.operator_schemas import LONGEST_REASON, DeskQuerySchema
from relay.api.schemas import Answer, Closed, worded
from relay.vocabulary import (
    AbuseDecision,
    AbuseOrigin,
    AbuseReason,
    AbuseSeverity,
    FeedbackResult,
    FeedbackType,
)


class ReportsQuerySchema(DeskQuerySchema):
    """Which reports to list."""

    site = fields.UUID(load_default=None, attribute="site_id")
    account = fields.UUID(load_default=None, attribute="account_id")
    open = fields.Boolean(
        load_default=False,
        attribute="undecided",
        metadata={"description": "Only those nobody has decided about."},
    )


class ReportDecisionSchema(Closed):
    """What an operator made of a report."""

    decision = worded(AbuseDecision, required=True)
    reason = said(LONGEST_REASON, required=True)


class ReportSchema(Answer):
    """What somebody reported about a mail; `consent` is what the ledger knew of it then."""

    id = fields.UUID()
    at = fields.AwareDateTime()
    reason = worded(AbuseReason)
    severity = worded(AbuseSeverity)
    origin = worded(AbuseOrigin)
    account_id = fields.UUID()
    site_id = fields.UUID()
    list_id = fields.UUID(allow_none=True)
    message_id = fields.UUID(allow_none=True)
    address = fields.String(attribute="address_key")
    comment = fields.String()
    evidence = fields.Dict()
    consent = fields.Dict(allow_none=True)
    decision = worded(AbuseDecision, allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    decided_by = fields.String(allow_none=True)
    because = fields.String(allow_none=True)


class ReportsSchema(Answer):
    """Reports."""

    reports = fields.List(fields.Nested(ReportSchema))
    next_cursor = fields.String(allow_none=True)


class OneReportSchema(Answer):
    """A report, and the facts of the mail it is about, where that is known."""

    report = fields.Nested(ReportSchema)
    mail = fields.Dict(allow_none=True)


class FeedbackSchema(Closed):
    """A feedback report as it came."""

    message = fields.String(
        required=True,
        metadata={
            "format": "byte",
            "description": "The whole mail (multipart/report; report-type=feedback-report), base64.",
        },
    )


class UnmatchedSchema(Answer):
    """A feedback report of which nobody knows which mail it is about; `told` is what it says."""

    id = fields.UUID()
    at = fields.AwareDateTime()
    type = worded(FeedbackType)
    told = fields.Dict()


class UnmatchedListSchema(Answer):
    """Feedback reports."""

    feedback = fields.List(fields.Nested(UnmatchedSchema))
    next_cursor = fields.String(allow_none=True)


class TakenSchema(Answer):
    """What a feedback report was, and what became of it."""

    result = worded(FeedbackResult)
    type = worded(FeedbackType)
    feedback_id = fields.UUID(allow_none=True)
    site_id = fields.UUID(allow_none=True)
    message_id = fields.UUID(allow_none=True)
    report_id = fields.UUID(allow_none=True)
