"""The shapes of `/v1/account`: who the site is, what it may send and what it has sent."""

from __future__ import annotations

from marshmallow import fields

from relay.api.schemas import Answer, worded
from relay.api.speech import Words
from relay.api.warm_up_schemas import WarmUpSchema
from relay.vocabulary import Cause, Fate, Lane, Limit, State, Stream


class NamedStateSchema(Answer):
    """Who and in which standing."""

    id = fields.UUID()
    name = fields.String()
    state = worded(State)


class OwnAccountSchema(NamedStateSchema):
    """An account, and in which language its owner is written to."""

    language = fields.String(
        metadata={"description": "Tag (BCP 47) of the language in which letters to the owner are."}
    )


class SiteSchema(NamedStateSchema):
    """A site and where it lives."""

    url = fields.String()


class DomainSchema(Answer):
    """A sending domain and its standing."""

    name = fields.String()
    status = fields.String()


class UsageSchema(Answer):
    """How much was accepted in the current window (UTC)."""

    messages = fields.Integer()
    recipients = fields.Integer()
    octets = fields.Integer()


class LimitsSchema(Answer):
    """What the site may have accepted, as its plan says or an operator has set it."""

    plan = fields.String()
    second = fields.Integer(metadata={"description": "Recipients in a second."})
    hour = fields.Integer(metadata={"description": "Recipients in an hour of the clock (UTC)."})
    day = fields.Integer(metadata={"description": "Recipients in a day (UTC)."})
    recipients = fields.Integer(metadata={"description": "Recipients of one message."})
    size = fields.Integer(metadata={"description": "Bytes of one message."})
    declared_daily = fields.Integer(
        metadata={
            "description": "Recipients of transactional mail in a day that the site is expected to have."
        }
    )


class AllowanceSchema(Answer):
    """How much of one limit transactional mail has used."""

    limit = worded(Limit)
    allowed = fields.Integer()
    used = fields.Integer()
    remaining = fields.Integer()
    resets = fields.Integer(metadata={"description": "Seconds until it begins anew."})


class SourceUseSchema(Answer):
    """How much a plugin, or one of its forms, has used of its share of the hour."""

    plugin = fields.String()
    form = fields.String(allow_none=True)
    used = fields.Integer()
    allowed = fields.Integer()
    open_until = fields.DateTime(
        allow_none=True,
        metadata={"description": "Until when its breaker is open: until then its mail is refused."},
    )


class StreamStandingSchema(Answer):
    """A stream that is warned or limited by itself."""

    stream = worded(Stream)
    state = worded(State)
    cause = worded(Cause, allow_none=True)
    since = fields.String()
    reason = fields.String(allow_none=True)
    action_id = fields.UUID(allow_none=True)


class StandingSchema(Answer):
    """Where the site stands, the stricter of its own state and its account's, and what that means."""

    state = worded(State)
    cause = worded(Cause, allow_none=True)
    since = fields.AwareDateTime(allow_none=True)
    reason = fields.String(
        allow_none=True, metadata={"description": "The words of whoever decided it."}
    )
    action_id = fields.UUID(
        allow_none=True,
        metadata={"description": "The decision that led there; an appeal names it."},
    )
    lanes = fields.Dict(
        keys=fields.String(),
        values=worded(Fate),
        metadata={"description": "What becomes of new mail: goes, held or refused."},
    )
    held = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "Copies that wait for a decision, by why."},
    )
    streams = fields.List(
        fields.Nested(StreamStandingSchema),
        metadata={"description": "Streams that are warned, or limited: their mail is held."},
    )
    slowed_until = fields.AwareDateTime(
        allow_none=True,
        metadata={
            "description": "Until then newsletters and notifications have a quarter of their allowance, "
            "because all mail of this relay together is in danger."
        },
    )


class PolicySchema(Answer):
    """The acceptable use policy, and whether the account has accepted it."""

    version = fields.String(metadata={"description": "Of the policy in force."})
    url = fields.String()
    accepted_version = fields.String(allow_none=True)
    accepted_at = fields.AwareDateTime(allow_none=True)
    notice = fields.String(
        allow_none=True, metadata={"description": "What is to be done; null where nothing is."}
    )


class WaitingSchema(Answer):
    """What a site has waiting in one lane."""

    lane = worded(Lane)
    stages = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "Copies by stage (`queued` and those before it)."},
    )
    oldest_seconds = fields.Float(
        allow_none=True, metadata={"description": "How long the oldest queued copy has been due."}
    )
    gone_in_seconds = fields.Float(
        allow_none=True,
        metadata={"description": "Forecast: when the site's last queued copy will have left."},
    )


class AccountSchema(Answer):
    """The caller's account and site, and whether mail can flow."""

    account = fields.Nested(OwnAccountSchema)
    site = fields.Nested(SiteSchema)
    standing = fields.Nested(StandingSchema)
    ready = fields.Boolean(metadata={"description": "Site active and its default From verified."})
    not_ready_because = fields.List(Words())
    default_from = fields.String(allow_none=True)
    domains = fields.List(fields.Nested(DomainSchema))
    policy = fields.Nested(PolicySchema)
    usage = fields.Dict(keys=fields.String(), values=fields.Nested(UsageSchema))
    limits = fields.Nested(LimitsSchema)
    allowances = fields.List(fields.Nested(AllowanceSchema))
    warm_up = fields.Nested(WarmUpSchema)
    sources = fields.List(fields.Nested(SourceUseSchema))
    queue = fields.List(
        fields.Nested(WaitingSchema),
        metadata={
            "description": "What waits of the site's mail, by lane; empty when nothing does."
        },
    )
