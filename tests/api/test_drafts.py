"""What metadata is taken for is what its schema makes of it, whether or not it was read before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from marshmallow import Schema

from relay.api import drafts
from relay.api.schemas import (
    LONGEST_TYPED,
    MOST_RECIPIENTS,
    MetadataSchema,
    MimeItemSchema,
    PartItemSchema,
)
from relay.errors import Invalid

ADA = "ada@customer.example"
PLAIN = {"from": "shop@shop.example", "to": [ADA]}
WRONG = st.sampled_from((None, 1, "", "x", [], [None], {}, {"x": None}, "x" * 1_001))
ENVELOPES = st.one_of(
    WRONG,
    st.fixed_dictionaries(
        {},
        optional={
            "from": st.one_of(WRONG, st.just("shop@shop.example")),
            "to": st.one_of(WRONG, st.lists(st.one_of(WRONG, st.just(ADA)), max_size=3)),
            "cc": WRONG,
        },
    ),
)
MORE = {
    "stream": st.one_of(WRONG, st.just("marketing")),
    "kind": st.one_of(WRONG, st.just("security")),
    "list": st.one_of(WRONG, st.just("news")),
    "source": st.one_of(WRONG, st.just({"plugin": "shop", "form": None})),
    "expires_at": st.one_of(WRONG, st.just("2026-11-22T10:00:00Z")),
    "mime": WRONG,
    "message": st.just("m0"),
    "unknown": WRONG,
}
SHAPES = st.sampled_from((MetadataSchema, MimeItemSchema, PartItemSchema))


def made(read: Callable[..., Any], schema: type[Schema], body: dict[str, Any]) -> Any:
    """What is read, or what is said to be wrong; but for what says where the bytes are."""
    try:
        found = dict(read(schema, body, "#"))
    except Invalid as error:
        return error.members
    return {name: value for name, value in found.items() if name not in drafts.HOW_IT_CAME}


@given(SHAPES, ENVELOPES, st.fixed_dictionaries({}, optional=MORE))
@example(MetadataSchema, PLAIN, {"message": "m0"})
@example(PartItemSchema, PLAIN, {"message": "m0"})
@example(MimeItemSchema, {"to": [ADA] * MOST_RECIPIENTS}, {"mime": ""})
@example(MimeItemSchema, {"to": [ADA] * (MOST_RECIPIENTS + 1)}, {"mime": ""})
@example(MetadataSchema, {"to": ["x" * LONGEST_TYPED]}, {})
@example(MetadataSchema, {"to": ["x" * (LONGEST_TYPED + 1)]}, {})
def test_metadata_is_what_its_schema_makes_of_it(
    schema: type[Schema], envelope: Any, more: dict[str, Any]
) -> None:
    body = {"envelope": envelope, **more}

    first, again = made(drafts._metadata, schema, body), made(drafts._metadata, schema, body)

    assert first == again == made(drafts._load, schema, body)
