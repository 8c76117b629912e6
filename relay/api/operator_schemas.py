"""The shapes of `/v1/operator/`: accounts, actions, held mail, reports and appeals as operators see them."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate

from relay.api.account_schemas import StandingSchema
from relay.api.appeal_schemas import PageSchema, said
from relay.api.schemas import MOST_LISTED, Answer, Closed, worded
from relay.policy.appeals import LONGEST
from relay.policy.standing import STEPS
from relay.services.paging import Place
from relay.services.reviews import DRIP
from relay.vocabulary import (
    AppealDecision,
    Cause,
    Decision,
    Lane,
    Relation,
    ReviewKind,
    State,
    Stream,
    Verb,
)

LONGEST_REASON = 5_000
"""Characters (our decision: as many as an appeal has)."""

FASTEST_DRIP = 100_000
"""Copies a minute, beyond what any relay sends."""


class FoundAccountsQuerySchema(PageSchema):
    """Which accounts to list."""

    search = said(
        200,
        least=0,
        load_default="",
        metadata={"description": "Part of a name, an owner's address, or a site's address."},
    )
    state = worded(State, load_default=None)


class PlaceField(fields.String):
    """The cursor of a list that is not sorted by id alone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        try:
            return Place.read(super()._deserialize(value, attr, data, **options))
        except ValueError:
            raise ValidationError("Not a cursor of this list.") from None


class DeskQuerySchema(Closed):
    """Which part of a list of what waits, or has waited, for a person."""

    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=MOST_LISTED))
    cursor = PlaceField(load_default=None, attribute="after")


class WaitingQuerySchema(DeskQuerySchema):
    """What waits for a decision, or was decided."""

    site = fields.UUID(load_default=None, attribute="site_id")
    decided = fields.Boolean(
        load_default=False, metadata={"description": "List what was decided, newest first."}
    )


class WaitingAppealsQuerySchema(DeskQuerySchema):
    """Which appeals to list."""

    account = fields.UUID(load_default=None, attribute="account_id")
    decided = fields.Boolean(
        load_default=False, metadata={"description": "List those that were answered."}
    )


class ActionsQuerySchema(PageSchema):
    """Which part of the audit log."""

    account = fields.UUID(load_default=None)
    site = fields.UUID(load_default=None)


class OrderSchema(Closed):
    """What to do, and why. The reason is kept, and the owner reads it."""

    verb = worded(STEPS, required=True)
    cause = worded(Cause, load_default=None, allow_none=True)
    reason = said(LONGEST_REASON, required=True)


class SiteOrderSchema(OrderSchema):
    """What to do to a site, or to one stream of it."""

    stream = worded(Stream, load_default=None, allow_none=True)


class AccountOrderSchema(OrderSchema):
    """What to do to an account, and what otherwise than usual."""

    without_policy = fields.Boolean(
        load_default=False,
        metadata={"description": "Approve although the policy was not accepted."},
    )
    keep_domains = fields.Boolean(
        load_default=False,
        metadata={"description": "Do not ban the domains of an account that ends."},
    )


class DecisionSchema(Closed):
    """What becomes of held mail, and why."""

    decision = worded(Decision, required=True)
    reason = said(LONGEST_REASON, required=True)
    per_minute = fields.Integer(
        load_default=DRIP,
        validate=validate.Range(min=1, max=FASTEST_DRIP),
        metadata={"description": "How fast mail leaves that was frozen with its site."},
    )


class AppealAnswerSchema(Closed):
    """What is answered to an owner, and why."""

    decision = worded(AppealDecision, required=True)
    reason = said(LONGEST_REASON, required=True)
    release = fields.List(
        fields.UUID(),
        load_default=list,
        validate=validate.Length(max=MOST_LISTED),
        metadata={"description": "Reviews whose frozen mail leaves, if the appeal is accepted."},
    )
    per_minute = fields.Integer(load_default=DRIP, validate=validate.Range(min=1, max=FASTEST_DRIP))


class ActionSchema(Answer):
    """A row of the audit log."""

    id = fields.UUID()
    at = fields.AwareDateTime()
    by = fields.String(attribute="actor", metadata={"example": "operator:ada"})
    verb = worded(Verb)
    account_id = fields.UUID()
    site_id = fields.UUID(allow_none=True)
    stream = worded(Stream, allow_none=True)
    cause = worded(Cause, allow_none=True)
    reason = fields.String()
    before = fields.Dict()
    after = fields.Dict()
    evidence = fields.Dict()


class ActionsSchema(Answer):
    """A part of the audit log, newest first."""

    actions = fields.List(fields.Nested(ActionSchema))
    next_cursor = fields.String(allow_none=True)


class FoundAccountSchema(Answer):
    """An account in a list."""

    id = fields.UUID()
    name = fields.String()
    owner = fields.String(attribute="owner_email")
    language = fields.String(
        metadata={"description": "Tag of the language of letters to the owner."}
    )
    state = worded(State)
    cause = worded(Cause, allow_none=True)
    since = fields.AwareDateTime(attribute="state_since", allow_none=True)
    reinstated_at = fields.AwareDateTime(allow_none=True)
    plan = fields.String()
    policy_version = fields.String(allow_none=True)
    policy_accepted_at = fields.AwareDateTime(allow_none=True)
    policy_accepted_by = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()


class FoundAccountsSchema(Answer):
    """A page of accounts, newest first."""

    accounts = fields.List(fields.Nested(FoundAccountSchema))
    next_cursor = fields.String(allow_none=True)


class WatchedSiteSchema(Answer):
    """A site of an account, and where it stands."""

    id = fields.UUID()
    name = fields.String()
    url = fields.String()
    state = worded(State)
    standing = fields.Nested(StandingSchema)


class WatchedDomainSchema(Answer):
    """A claim of an account; `review` says why an operator has to look at it."""

    name = fields.String()
    status = fields.String()
    review = fields.Dict(allow_none=True)


class HeldSchema(Answer):
    """Mail that is held, and what was decided about it."""

    id = fields.UUID(attribute="review.id")
    kind = worded(ReviewKind, attribute="review.kind")
    lane = worded(Lane, attribute="review.lane", allow_none=True)
    account_id = fields.UUID(attribute="review.account_id")
    account = fields.String()
    site_id = fields.UUID(attribute="review.site_id")
    site = fields.String()
    subject = fields.String(attribute="review.subject")
    people = fields.Integer(attribute="review.people")
    held = fields.Integer(metadata={"description": "Copies that still wait."})
    opened_at = fields.AwareDateTime(attribute="review.opened_at")
    decision = worded(Decision, attribute="review.decision", allow_none=True)
    decided_at = fields.AwareDateTime(attribute="review.decided_at", allow_none=True)
    decided_by = fields.String(attribute="review.decided_by", allow_none=True)
    reason = fields.String(attribute="review.because", allow_none=True)


class HeldListSchema(Answer):
    """Reviews: what waits, oldest first, or what was decided, newest first."""

    reviews = fields.List(fields.Nested(HeldSchema))
    next_cursor = fields.String(allow_none=True)


class HeldMailSchema(HeldSchema):
    """A review with what its first mail says. The text has no HTML, and nothing in it was loaded."""

    message_id = fields.UUID(attribute="review.message_id")
    text = fields.String()
    links = fields.List(fields.String())
    evidence = fields.Dict(
        attribute="review.evidence",
        allow_none=True,
        metadata={"description": "What was found, where the relay held it by itself."},
    )


class AppealCaseSchema(Answer):
    """An appeal with the action it is about."""

    id = fields.UUID(attribute="appeal.id")
    at = fields.AwareDateTime(attribute="appeal.at")
    answer_by = fields.AwareDateTime(attribute="appeal.answer_by")
    account_id = fields.UUID(attribute="appeal.account_id")
    account = fields.String()
    site_id = fields.UUID(attribute="appeal.site_id", allow_none=True)
    site = fields.String(allow_none=True)
    text = fields.String(
        attribute="appeal.text", metadata={"description": f"Up to {LONGEST:,} characters."}
    )
    decision = worded(AppealDecision, attribute="appeal.decision", allow_none=True)
    decided_at = fields.AwareDateTime(attribute="appeal.decided_at", allow_none=True)
    decided_by = fields.String(attribute="appeal.decided_by", allow_none=True)
    answer = fields.String(attribute="appeal.answer", allow_none=True)
    action = fields.Nested(ActionSchema)


class AppealCasesSchema(Answer):
    """Appeals: the open ones, oldest first, or those that were answered, newest first."""

    appeals = fields.List(fields.Nested(AppealCaseSchema))
    next_cursor = fields.String(allow_none=True)


class AppealWithMailSchema(AppealCaseSchema):
    """An appeal, and the frozen mail that may be released with it."""

    frozen = fields.List(fields.Nested(HeldSchema))


class TieSchema(Answer):
    """One thing that two accounts have in common."""

    kind = worded(Relation)
    what = fields.String()


class RelatedSchema(Answer):
    """An account that may be the same people's."""

    id = fields.UUID(attribute="account.id")
    name = fields.String(attribute="account.name")
    state = worded(State, attribute="account.state")
    cause = worded(Cause, attribute="account.cause", allow_none=True)
    because = fields.List(fields.Nested(TieSchema))


class WatchedAccountSchema(FoundAccountSchema):
    """An account with all that an operator has to know before acting on it."""

    sites = fields.List(fields.Nested(WatchedSiteSchema))
    domains = fields.List(fields.Nested(WatchedDomainSchema))
    reviews = fields.List(fields.Nested(HeldSchema))
    appeals = fields.List(fields.Nested(AppealCaseSchema))
    actions = fields.List(fields.Nested(ActionSchema), metadata={"description": "The latest 20."})
    related = fields.List(fields.Nested(RelatedSchema))
