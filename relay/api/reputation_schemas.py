"""The shape of `/v1/account/reputation`."""

from __future__ import annotations

from marshmallow import fields

from relay.api.schemas import Answer, worded
from relay.vocabulary import Rule, State, Stream


class RateSchema(Answer):
    """One rate of a stream in one window."""

    rule = worded(Rule)
    window_hours = fields.Integer()
    cases = fields.Integer()
    of = fields.Integer()
    rate = fields.Float(metadata={"description": "A fraction: 0.02 is 2 %."})
    at_least = fields.Float(
        metadata={
            "description": "What the rate is at least, with so few (Wilson, 95 %); this is compared."
        }
    )
    lines = fields.Dict(
        keys=fields.String(),
        values=fields.Float(),
        metadata={"description": "From which rate on what follows: warn, limit, suspend."},
    )


class StreamReputationSchema(Answer):
    """How one stream is doing."""

    stream = worded(Stream)
    state = worded(State)
    delivered = fields.Integer(metadata={"description": "All that ever arrived."})
    young = fields.Boolean(metadata={"description": "The site has little history yet."})
    recent = fields.Integer(metadata={"description": "Last attempts looked at, up to 100."})
    recent_invalid = fields.Integer(
        metadata={
            "description": "Of those, how many met an address that does not exist; 10 hold it."
        }
    )
    rates = fields.List(fields.Nested(RateSchema))


class ReputationSchema(Answer):
    """How the site's mail is doing, stream by stream; empty while nothing was reported."""

    streams = fields.List(fields.Nested(StreamReputationSchema))
