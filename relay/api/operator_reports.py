"""`/v1/operator/`: reports of abuse, and what mailbox providers send back."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint

from relay.api.auth import for_operators, officer, relay
from relay.api.desk_lists import page
from relay.api.drafts import from_base64
from relay.api.openapi import (
    DONE_BY_OPERATORS,
    LISTED_FOR_OPERATORS,
    ONE_FOR_OPERATORS,
    OPERATORS_ONLY,
    PROBLEM,
)
from relay.api.operator_report_schemas import (
    FeedbackSchema,
    OneReportSchema,
    ReportDecisionSchema,
    ReportsQuerySchema,
    ReportsSchema,
    TakenSchema,
    UnmatchedListSchema,
)
from relay.api.operator_schemas import DeskQuerySchema
from relay.services import abuse_reports, arf
from relay.vocabulary import AbuseDecision

blueprint = Blueprint(
    "operator reports", __name__, description="For operators: what people report."
)


EXAMPLE = b64encode(
    b"Content-Type: multipart/report; report-type=feedback-report; boundary=edge\r\n"
    b"MIME-Version: 1.0\r\n\r\n"
    b"--edge\r\nContent-Type: text/plain\r\n\r\nSomebody reported this mail.\r\n"
    b"--edge\r\nContent-Type: message/feedback-report\r\n\r\n"
    b"Feedback-Type: abuse\r\nUser-Agent: Provider/1.0\r\nVersion: 1\r\n\r\n"
    b"--edge\r\nContent-Type: text/rfc822-headers\r\n\r\n"
    b"Message-ID: <0100018b@email.amazonses.com>\r\n\r\n--edge--\r\n"
).decode()
"""The smallest report that says something (RFC 5965 §2)."""


@blueprint.route("/abuse-reports")
class Reports(MethodView):
    """Reports of people who got a mail that should not have come."""

    @for_operators
    @blueprint.arguments(ReportsQuerySchema, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, ReportsSchema)
    @blueprint.doc(operationId="listAbuseReports", **LISTED_FOR_OPERATORS)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List what people reported, newest first; the open ones, the gravest first."""
        return page("reports", abuse_reports.reports, abuse_reports.place, **query)


@blueprint.route("/abuse-reports/<uuid:report_id>")
class Report(MethodView):
    """One report."""

    @for_operators
    @blueprint.response(200, OneReportSchema)
    @blueprint.doc(operationId="getAbuseReport", **ONE_FOR_OPERATORS)
    def get(self, report_id: UUID) -> dict[str, Any]:
        """Show a report: what it says, about which mail, and what is known of the consent."""
        with relay().reads() as session:
            found = abuse_reports.find(session, report_id)
            return {"report": found, "mail": abuse_reports.mail_of(session, found)}


@blueprint.route("/abuse-reports/<uuid:report_id>/decision")
class ReportDecision(MethodView):
    """Closing a report."""

    @for_operators
    @blueprint.arguments(
        ReportDecisionSchema,
        error_status_code=400,
        example={"decision": "acted", "reason": "the site is limited"},
    )
    @blueprint.response(200, OneReportSchema)
    @blueprint.doc(operationId="decideAbuseReport", **DONE_BY_OPERATORS)
    def post(self, asked: dict[str, Any], report_id: UUID) -> dict[str, Any]:
        """Close a report: something was done about it, or nothing needs to be. Sites are acted on apart."""
        context = relay()
        with context.sessions.begin() as session:
            found = abuse_reports.close(
                session,
                report_id,
                AbuseDecision(asked["decision"]),
                because=asked["reason"],
                by=officer().actor,
                now=context.clock(),
            )
            return {"report": found, "mail": abuse_reports.mail_of(session, found)}


@blueprint.route("/arf")
class FeedbackReports(MethodView):
    """Feedback reports of mailbox providers (RFC 5965)."""

    @for_operators
    @blueprint.arguments(DeskQuerySchema, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, UnmatchedListSchema)
    @blueprint.doc(operationId="listUnmatchedFeedback", responses=PROBLEM, **OPERATORS_ONLY)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List feedback reports that fit no mail, newest first; they are kept for 90 days."""
        return page("feedback", arf.unmatched, arf.place, **query)

    @for_operators
    @blueprint.arguments(FeedbackSchema, error_status_code=400, example={"message": EXAMPLE})
    @blueprint.response(200, TakenSchema)
    @blueprint.doc(operationId="takeFeedbackReport", responses=PROBLEM, **OPERATORS_ONLY)
    def post(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Take in a feedback report as it came; twice changes nothing. What fits no mail is kept, too."""
        context = relay()
        raw = from_base64(asked["message"], "#/message")
        with context.sessions.begin() as session:
            taken = arf.take(session, raw, keyring=context.settings.keyring, now=context.clock())
        return taken.as_row()
