"""`/v1/operator/`: what waits for a person: held mail, and appeals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from relay.api.auth import for_operators, officer, relay
from relay.api.desk_lists import page
from relay.api.openapi import (
    DONE_BY_OPERATORS,
    LISTED_FOR_OPERATORS,
    ONE_FOR_OPERATORS,
)
from relay.api.operator_schemas import (
    AppealAnswerSchema,
    AppealCasesSchema,
    AppealWithMailSchema,
    DecisionSchema,
    HeldListSchema,
    HeldMailSchema,
    WaitingAppealsQuerySchema,
    WaitingQuerySchema,
)
from relay.services import appeal_answers, appeals, reviews
from relay.services.appeal_answers import Answer
from relay.vocabulary import AppealDecision, Decision

blueprint = Blueprint(
    "operator desk", __name__, description="For operators: what waits for a person."
)


@blueprint.route("/reviews")
class Reviews(MethodView):
    """Held mail."""

    @for_operators
    @blueprint.arguments(WaitingQuerySchema, location="query", unknown=None, error_status_code=400)
    @blueprint.response(200, HeldListSchema)
    @blueprint.doc(operationId="listReviews", **LISTED_FOR_OPERATORS)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List mail that waits for a decision, oldest first; or what was decided, newest first."""
        return page("reviews", reviews.waiting, reviews.place, **query)


@blueprint.route("/reviews/<uuid:review_id>")
class Review(MethodView):
    """One review."""

    @for_operators
    @blueprint.response(200, HeldMailSchema)
    @blueprint.doc(operationId="getReview", **ONE_FOR_OPERATORS)
    def get(self, review_id: UUID) -> dict[str, Any]:
        """Show held mail: the text of the first one without its HTML, and where its links lead."""
        with relay().reads() as session:
            return _mail(session, review_id)


@blueprint.route("/reviews/<uuid:review_id>/decision")
class ReviewDecision(MethodView):
    """Deciding about held mail."""

    @for_operators
    @blueprint.arguments(
        DecisionSchema,
        error_status_code=400,
        example={"decision": "released", "reason": "a cancelled concert"},
    )
    @blueprint.response(200, HeldMailSchema)
    @blueprint.doc(operationId="decideReview", **DONE_BY_OPERATORS)
    def post(self, asked: dict[str, Any], review_id: UUID) -> dict[str, Any]:
        """Release or reject held mail; the worker moves its copies within seconds."""
        context = relay()
        with context.sessions.begin() as session:
            reviews.decide(
                session,
                review_id,
                Decision(asked["decision"]),
                because=asked["reason"],
                drip=asked["per_minute"],
                by=officer().actor,
                now=context.clock(),
            )
            return _mail(session, review_id)


@blueprint.route("/appeals")
class Appeals(MethodView):
    """What owners say against what was done to them."""

    @for_operators
    @blueprint.arguments(
        WaitingAppealsQuerySchema, location="query", unknown=None, error_status_code=400
    )
    @blueprint.response(200, AppealCasesSchema)
    @blueprint.doc(operationId="listAppealCases", **LISTED_FOR_OPERATORS)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List open appeals, the most urgent first; or those that were answered, newest first."""
        return page("appeals", appeals.cases, appeals.place, **query)


@blueprint.route("/appeals/<uuid:appeal_id>")
class Appeal(MethodView):
    """One appeal."""

    @for_operators
    @blueprint.response(200, AppealWithMailSchema)
    @blueprint.doc(operationId="getAppealCase", **ONE_FOR_OPERATORS)
    def get(self, appeal_id: UUID) -> dict[str, Any]:
        """Show an appeal, the action it is about, and the frozen mail that may go with it."""
        with relay().reads() as session:
            return _appeal(session, appeal_id)


@blueprint.route("/appeals/<uuid:appeal_id>/decision")
class AppealAnswer(MethodView):
    """Answering an appeal."""

    @for_operators
    @blueprint.arguments(
        AppealAnswerSchema,
        error_status_code=400,
        example={"decision": "accepted", "reason": "the form is closed now", "release": []},
    )
    @blueprint.response(200, AppealWithMailSchema)
    @blueprint.doc(operationId="decideAppeal", **DONE_BY_OPERATORS)
    def post(self, asked: dict[str, Any], appeal_id: UUID) -> dict[str, Any]:
        """Accept an appeal, which lets the account or site send again, or decline it; the owner is told."""
        context = relay()
        answer = Answer(
            AppealDecision(asked["decision"]),
            officer().actor,
            asked["reason"],
            asked["release"],
            asked["per_minute"],
        )
        with context.sessions.begin() as session:
            appeal_answers.decide(
                session,
                appeal_id,
                answer,
                sender=context.settings.house_sender,
                now=context.clock(),
            )
            return _appeal(session, appeal_id)


def _mail(session: Session, review_id: UUID) -> dict[str, Any]:
    found = reviews.find(session, review_id)
    return {
        **_fields(found),
        "text": reviews.text_of(session, found.review),
        "links": reviews.links_of(session, found.review),
    }


def _appeal(session: Session, appeal_id: UUID) -> dict[str, Any]:
    found = appeals.find(session, appeal_id)
    return {**_fields(found), "frozen": appeals.frozen(session, found.appeal)}


def _fields(found: Any) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__slots__}
