"""The shapes of requests and answers (marshmallow); they also make the OpenAPI document."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, fields, validate
from webargs.fields import DelimitedList

from relay.api.speech import Reason, Words
from relay.policy.lifecycle import STATUSES
from relay.vocabulary import (
    AttemptState,
    ConsentKind,
    Disposition,
    EventType,
    Kind,
    Outcome,
    Stage,
    Stream,
    SubscriptionStatus,
    SuppressionReason,
    SuppressionScope,
)

MOST_RECIPIENTS = 50
"""People of one message; SES's own limit for one call, kept as ours for one message."""

LONGEST_TYPED = 1_000
"""Characters of an address as it is typed."""

MOST_LISTED = 100

MOST_IN_BATCH = 500
"""Messages of one batch (our decision)."""


def worded(of: Any, **options: Any) -> fields.String:
    """A field that holds one of our words."""
    return fields.String(validate=validate.OneOf([word.value for word in of]), **options)


def _address(**options: Any) -> fields.String:
    return fields.String(
        validate=validate.Length(max=LONGEST_TYPED), metadata={"format": "email"}, **options
    )


class Closed(Schema):
    """Requests name only what is known; a misspelt field is an error, not a silent default."""

    class Meta:
        unknown = RAISE


class Answer(Schema):
    """Answers are whole: every field is always there, and the document calls it required."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Called by marshmallow for each field."""
        field_obj.required = True


class EnvelopeSchema(Closed):
    """Who the mail is from and everybody it is for (To, Cc and Bcc alike)."""

    sender = fields.String(
        data_key="from",
        load_default="",
        metadata={
            "description": "May be empty: then the From header counts.",
            "example": "shop@shop.example",
        },
    )
    to = fields.List(
        _address(),
        required=True,
        validate=validate.Length(min=1, max=MOST_RECIPIENTS),
        metadata={"example": ["ada@customer.example"]},
    )


class SourceSchema(Closed):
    """What on the site asked for the mail."""

    plugin = fields.String(allow_none=True, validate=validate.Length(max=100))
    form = fields.String(allow_none=True, validate=validate.Length(max=100))


class PurposeSchema(Closed):
    """What a mail is for."""

    stream = worded(Stream, load_default=Stream.TRANSACTIONAL.value)
    kind = worded(Kind, allow_none=True, load_default=None)
    list = fields.String(allow_none=True, load_default=None, validate=validate.Length(max=64))
    source = fields.Nested(SourceSchema, allow_none=True, load_default=None)
    expires_at = fields.AwareDateTime(
        allow_none=True, load_default=None, metadata={"example": "2026-11-22T10:00:00Z"}
    )


class MetadataSchema(PurposeSchema):
    """What a site says about a mail beside the mail itself."""

    envelope = fields.Nested(EnvelopeSchema, required=True)


class KeyedSchema(Closed):
    """One of a batch, with an idempotency key of its own (`drafts` reads it before the rest)."""

    idempotency_key = fields.String(
        allow_none=True, load_default=None, validate=validate.Length(min=1, max=255)
    )


class MimeItemSchema(MetadataSchema, KeyedSchema):
    """Metadata and finished MIME in one JSON object."""

    mime = fields.Raw(
        required=True, metadata={"description": "The MIME in base64.", "type": "string"}
    )


class PartItemSchema(MetadataSchema, KeyedSchema):
    """Metadata of a batch that names the multipart part with the MIME."""

    message = fields.String(required=True, metadata={"description": "Name of the part."})


class AttachmentSchema(Closed):
    """A file; with `content_id` an image that the HTML shows as `cid:…`."""

    filename = fields.String(required=True, validate=validate.Length(min=1, max=255))
    content_type = fields.String(load_default="application/octet-stream")
    content = fields.String(required=True, metadata={"description": "Base64."})
    content_id = fields.String(
        allow_none=True, load_default=None, validate=validate.Length(min=1, max=200)
    )


def _mailboxes() -> fields.List[str]:
    return fields.List(
        fields.String(validate=validate.Length(max=1_000)),
        load_default=list,
        validate=validate.Length(max=MOST_RECIPIENTS),
    )


class LetterSchema(PurposeSchema):
    """A message in parts; the relay writes the MIME."""

    sender = fields.String(
        data_key="from", required=True, metadata={"example": "Shop <news@shop.example>"}
    )
    to = _mailboxes()
    cc = _mailboxes()
    bcc = _mailboxes()
    reply_to = _mailboxes()
    subject = fields.String(load_default="", validate=validate.Length(max=900))
    text = fields.String(allow_none=True, load_default=None)
    html = fields.String(allow_none=True, load_default=None)
    headers = fields.Dict(
        keys=fields.String(),
        values=fields.String(validate=validate.Length(max=900)),
        load_default=dict,
    )
    attachments = fields.List(
        fields.Nested(AttachmentSchema), load_default=list, validate=validate.Length(max=50)
    )


class LetterItemSchema(LetterSchema, KeyedSchema):
    """A message in parts as one of a batch."""


class ResendSchema(Closed):
    """To whom a message is sent again; empty means: to the same people."""

    to = fields.List(
        _address(),
        load_default=list,
        validate=validate.Length(max=MOST_RECIPIENTS),
        metadata={"example": ["corrected@customer.example"]},
    )


class ReasonSchema(Schema):
    """Why: a code for programs, a title for people, and further details."""

    class Meta:
        unknown = EXCLUDE

    code = fields.String(required=True)
    title = Words(required=True)


class RemarkSchema(ReasonSchema):
    """What the relay changed in a message, or noticed about it; further details depend on the code."""


class DispositionSchema(Answer):
    """What acceptance means for one person."""

    id = fields.UUID()
    address = fields.String()
    disposition = worded(Disposition)
    reason = fields.Nested(ReasonSchema, allow_none=True)


class ReceiptSchema(Answer):
    """The answer to an accepted message."""

    id = fields.UUID()
    stream = worded(Stream)
    accepted_at = fields.AwareDateTime()
    recipients = fields.List(fields.Nested(DispositionSchema))
    remarks = fields.List(fields.Nested(RemarkSchema))


class AttemptSchema(Answer):
    """One try at handing the copy to Amazon SES."""

    number = fields.Integer()
    state = worded(AttemptState)
    started_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    provider_id = fields.String(allow_none=True)
    error = fields.Dict(allow_none=True)


class EventSchema(Answer):
    """Something that happened to the copy; `summary` is for people, `data` for programs."""

    type = worded(EventType)
    occurred_at = fields.AwareDateTime()
    summary = Words()
    data = fields.Dict()


class FeedEventSchema(EventSchema):
    """An event in the feed, with the copy it is about."""

    message_id = fields.UUID()
    recipient_id = fields.UUID()
    address = fields.String()


class EventsSchema(Answer):
    """Events in the order in which they were committed; pass `next_cursor` to go on from here."""

    events = fields.List(fields.Nested(FeedEventSchema))
    next_cursor = fields.String()
    has_more = fields.Boolean()


class EventsQuerySchema(Closed):
    """Where to go on, and how far."""

    cursor = fields.Integer(
        load_default=0, validate=validate.Range(min=0, max=2**62), metadata={"example": 0}
    )
    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=1_000))


class RecipientSchema(Answer):
    """One person's copy. `status` is one word for people; `stage` and `outcome` are exact."""

    id = fields.UUID()
    address = fields.String()
    status = fields.String()
    stage = worded(Stage)
    outcome = worded(Outcome)
    reason = Reason(allow_none=True)
    attempts = fields.List(fields.Nested(AttemptSchema))
    events = fields.List(fields.Nested(EventSchema))


class MessageSchema(Answer):
    """An accepted message and what became of it."""

    id = fields.UUID()
    stream = worded(Stream)
    kind = worded(Kind, allow_none=True)
    sender = fields.String(data_key="from")
    subject = fields.String()
    size = fields.Integer(metadata={"description": "Bytes of the MIME."})
    source = fields.Dict()
    removed_headers = fields.List(fields.String())
    remarks = fields.List(Reason())
    accepted_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()
    resent_from = fields.UUID(allow_none=True)
    resendable = fields.Boolean(
        metadata={
            "description": "Whether it can be sent again: its content is kept, and the relay did not "
            "write it itself."
        }
    )
    recipients = fields.List(fields.Nested(RecipientSchema))


class MessagesQuerySchema(Closed):
    """Which messages to list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=MOST_LISTED))
    cursor = fields.UUID(load_default=None)
    recipient = _address(load_default=None)
    status = DelimitedList(
        fields.String(validate=validate.OneOf(STATUSES)),
        load_default=list,
        metadata={"description": "Words, by commas: a copy has one of these statuses."},
    )
    q = fields.String(
        load_default=None,
        validate=[
            validate.Length(min=2, max=100),
            validate.Regexp(r"[^\x00-\x1f]*\Z", error="It holds no control characters."),
        ],
        metadata={
            "description": "Part of the subject or of a recipient's address, in any case.",
            "pattern": r"^[^\x00-\x1f]*$",
        },
    )


class MessagesSchema(Answer):
    """A page of messages, newest first."""

    messages = fields.List(fields.Nested(MessageSchema))
    next_cursor = fields.String(allow_none=True)
    looked_back_to = fields.AwareDateTime(
        allow_none=True,
        metadata={
            "description": "When the last message was accepted that was looked at, where looking "
            "ended before the page was full. Go on with `next_cursor`."
        },
    )


class MomentSchema(Answer):
    """One thing in an address's history, in a word and in a sentence."""

    at = fields.AwareDateTime()
    code = fields.String()
    title = Words()


class SuppressionSchema(Answer):
    """An address that the site does not mail, why, and what happened to it; `ended_at` if it is over."""

    id = fields.UUID()
    address = fields.String()
    reason = worded(SuppressionReason)
    scope = worded(SuppressionScope)
    title = Words()
    evidence = fields.Dict()
    began_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)
    ending = fields.String(allow_none=True)
    liftable = fields.Boolean(metadata={"description": "Whether the site's owner may lift it."})
    probe_at = fields.AwareDateTime(
        allow_none=True,
        metadata={
            "description": "From when the address is tried once more; in the past: by the next mail to it."
        },
    )
    timeline = fields.List(fields.Nested(MomentSchema))


class SuppressionsQuerySchema(Closed):
    """Which suppressions to list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=MOST_LISTED))
    cursor = fields.UUID(load_default=None)
    address = _address(load_default=None)
    ended = fields.Boolean(
        load_default=False, metadata={"description": "List those that are over as well."}
    )


class SuppressionsSchema(Answer):
    """A page of suppressions, newest first."""

    suppressions = fields.List(fields.Nested(SuppressionSchema))
    next_cursor = fields.String(allow_none=True)


def _list_text(most: int, example: str, **options: Any) -> fields.String:
    return fields.String(
        validate=validate.Length(min=1, max=most), metadata={"example": example}, **options
    )


class ListChangesSchema(Closed):
    """What can be changed about a list; what is left out stays."""

    name = _list_text(200, "Shop news")
    controller = _list_text(200, "Shop Ltd")
    postal_address = _list_text(500, "1 Market Street\nSpringfield")
    privacy_url = _list_text(500, "https://shop.example/privacy")
    language = _list_text(35, "en")
    sender = _list_text(1_000, "news@shop.example")
    archived = fields.Boolean()


class NewListSchema(Closed):
    """A list and who answers for it: no marketing without a controller, an address and a privacy policy."""

    key = _list_text(64, "news", required=True)
    name = _list_text(200, "Shop news", required=True)
    controller = _list_text(200, "Shop Ltd", required=True)
    postal_address = _list_text(500, "1 Market Street\nSpringfield", required=True)
    privacy_url = _list_text(500, "https://shop.example/privacy", required=True)
    language = _list_text(35, "en", required=True)
    sender = _list_text(1_000, "news@shop.example", required=True)


class ListSchema(Answer):
    """A list of the site; an archived one takes no more sign-ups."""

    id = fields.UUID()
    key = fields.String()
    name = fields.String()
    controller = fields.String()
    postal_address = fields.String()
    privacy_url = fields.String()
    language = fields.String()
    sender = fields.String()
    created_at = fields.AwareDateTime()
    archived_at = fields.AwareDateTime(allow_none=True)


class ListsQuerySchema(Closed):
    """Which lists to show."""

    archived = fields.Boolean(
        load_default=False, metadata={"description": "Show archived ones as well."}
    )


class ListsSchema(Answer):
    """The site's lists."""

    lists = fields.List(fields.Nested(ListSchema))


class SignUpSourceSchema(Closed):
    """Where somebody signed up, from where, and the words they agreed to."""

    form = fields.String(required=True, validate=validate.Length(min=1, max=100))
    page = fields.String(load_default="", validate=validate.Length(max=2_000))
    ip = fields.String(allow_none=True, load_default=None, validate=validate.Length(max=64))
    user_agent = fields.String(
        allow_none=True, load_default=None, validate=validate.Length(max=2_000)
    )
    consent_text = fields.String(required=True, validate=validate.Length(min=1, max=5_000))
    consent_version = fields.String(load_default="", validate=validate.Length(max=64))


class SignUpSchema(Closed):
    """A sign-up, as the site's form got it."""

    email = _address(required=True)
    list = fields.String(required=True, validate=validate.Length(min=1, max=64))
    language = fields.String(allow_none=True, load_default=None, validate=validate.Length(max=35))
    name = fields.String(
        allow_none=True,
        load_default=None,
        validate=validate.Length(max=1_000),
        metadata={"description": "Greeted in the mail, unless it is longer than 60 or has a link."},
    )
    source = fields.Nested(SignUpSourceSchema, required=True)


class ChallengeSchema(Answer):
    """Where the visitor can answer a question instead of waiting."""

    url = fields.Url(require_tld=False)


class SignUpTakenSchema(Answer):
    """The answer to every sign-up, whoever it was."""

    accepted = fields.Boolean(metadata={"description": "True, always."})
    challenge = fields.Nested(
        ChallengeSchema,
        allow_none=True,
        metadata={"description": "There while the form is flooded, for everybody who uses it."},
    )


class SubscriptionSchema(Answer):
    """One person's consent to one list."""

    id = fields.UUID()
    list = fields.String()
    address = fields.String()
    status = worded(SubscriptionStatus)
    language = fields.String()
    source = fields.Dict()
    requested_at = fields.AwareDateTime()
    confirmed_at = fields.AwareDateTime(allow_none=True)
    ended_at = fields.AwareDateTime(allow_none=True)


class SubscriptionsQuerySchema(Closed):
    """Which subscriptions to list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=MOST_LISTED))
    cursor = fields.UUID(load_default=None)
    list = fields.String(load_default=None, validate=validate.Length(max=64))
    address = _address(load_default=None)


class SubscriptionsSchema(Answer):
    """A page of subscriptions, newest first."""

    subscriptions = fields.List(fields.Nested(SubscriptionSchema))
    next_cursor = fields.String(allow_none=True)


def _things(description: str) -> fields.List[dict[str, Any]]:
    """Rows as they are kept, for a person to read."""
    return fields.List(fields.Dict(), metadata={"description": description})


class PersonSchema(Answer):
    """Everything about one address at one site."""

    address = fields.String()
    site_id = fields.String()
    exported_at = fields.String(metadata={"format": "date-time"})
    erased_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    subscriptions = _things("Consents, by list.")
    ledger = _things("The consent ledger's rows, with their personal fields.")
    sign_ups = _things("Forms that were filled in with this address.")
    suppressions = _things("Why the address is or was not mailed.")
    opt_outs = _things("Mail that the person wanted no more of.")
    holds = _things("Times at which the address waited after a bounce.")
    confirmations = _things("When the person last confirmed that the address is theirs.")
    abuse_reports = _things("Mails the person reported.")
    messages = _things("Mail to the person and what became of it; no bodies.")


class ProofQuerySchema(Closed):
    """How a proof is to be written."""

    format = fields.String(load_default="json", validate=validate.OneOf(["json", "html"]))


class ProvenSchema(Answer):
    """What was computed again just now and found equal; null where there is nothing to compare."""

    hash = fields.Boolean(allow_none=True)
    commitment = fields.Boolean(allow_none=True)


class StepSchema(Answer):
    """One row of the consent ledger, and what stands beside it."""

    kind = worded(ConsentKind)
    title = fields.String()
    at = fields.AwareDateTime()
    consent_text = fields.Raw(allow_none=True)
    consent_version = fields.Raw(allow_none=True)
    form = fields.Raw(allow_none=True)
    page = fields.Raw(allow_none=True)
    address = fields.String(allow_none=True)
    ip = fields.String(allow_none=True)
    user_agent = fields.String(allow_none=True)
    facts = fields.Dict()
    personal = fields.Dict(allow_none=True)
    salt = fields.String(allow_none=True)
    commitment = fields.String()
    key_version = fields.Integer()
    mail = fields.Dict(allow_none=True)
    chain = fields.Dict(allow_none=True)
    proven = fields.Nested(ProvenSchema)


class StorySchema(Answer):
    """A list and what the person said to it; without a list, what concerned all mail."""

    list_id = fields.String(allow_none=True)
    key = fields.String(allow_none=True)
    name = fields.String(allow_none=True)
    controller = fields.String(allow_none=True)
    postal_address = fields.String(allow_none=True)
    privacy_url = fields.String(allow_none=True)
    status = worded(SubscriptionStatus, allow_none=True)
    steps = fields.List(fields.Nested(StepSchema))


class ProofSchema(Answer):
    """What proves a person's consent."""

    address = fields.String()
    site = fields.Dict()
    made_at = fields.AwareDateTime()
    erased_at = fields.AwareDateTime(allow_none=True)
    head = fields.String(metadata={"description": "NUMBER:HASH, where the site's chain ended."})
    lists = fields.List(fields.Nested(StorySchema))
    how_to_check = fields.List(fields.String())


class ErasedSchema(Answer):
    """What an erasure did: rows by kind, and how much mail it stops."""

    erased_at = fields.AwareDateTime()
    stops = worded(SuppressionScope)
    rows = fields.Dict(keys=fields.String(), values=fields.Integer())


MOST_ASKED_ABOUT = 1_000
"""Addresses of one question about an audience (our decision)."""


class AudienceSchema(Closed):
    """Whom a newsletter of a list is for."""

    list = fields.String(required=True, validate=validate.Length(min=1, max=64))
    addresses = fields.List(
        fields.String(validate=validate.Length(max=1_000)),
        required=True,
        validate=validate.Length(min=1, max=MOST_ASKED_ABOUT),
    )


class ReaderSchema(Answer):
    """Whether one person may be mailed, and why not."""

    address = fields.String(metadata={"description": "As it was asked."})
    may_mail = fields.Boolean()
    code = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    title = Words(allow_none=True)


class AudienceCheckedSchema(Answer):
    """An answer for each address, in order."""

    list = fields.String()
    answers = fields.List(fields.Nested(ReaderSchema))


class ProblemSchema(Schema):
    """An error (RFC 9457): `type` is stable, `detail` is about this case; more members may follow."""

    class Meta:
        unknown = EXCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    errors = fields.List(fields.Dict())


def pointers(messages: Any, base: str) -> list[dict[str, str]]:
    """marshmallow's messages as JSON pointers: `#/metadata/envelope/to/0`."""
    found: list[dict[str, str]] = []

    def walk(messages: Any, path: str) -> None:
        if isinstance(messages, dict):
            for name, inner in messages.items():
                walk(inner, path if name == "_schema" else f"{path}/{_escaped(str(name))}")
        elif isinstance(messages, list):
            found.extend({"pointer": path, "detail": str(message)} for message in messages)
        else:
            found.append({"pointer": path, "detail": str(messages)})

    walk(messages, base)
    return found


def _escaped(name: str) -> str:
    """A name as a token of a JSON pointer (RFC 6901 §3)."""
    return name.replace("~", "~0").replace("/", "~1")
