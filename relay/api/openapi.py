"""Pieces of the OpenAPI document that no schema makes, and the document's own settings."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from relay import __version__

CONFIG: dict[str, Any] = {
    "API_TITLE": "Postreeve",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": (
                "The sending relay for WordPress. A site sends finished mail with its API key; every "
                "recipient ends in a final, explained state. Errors are problems (RFC 9457): their "
                "`type` is a page that says how to fix it."
            ),
            "license": {"name": "GPL-2.0-or-later", "identifier": "GPL-2.0-or-later"},
            "x-release": __version__,
        },
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of the site: prk_…",
                },
                "account": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of an account, which manages its sites: pra_…",
                },
                "operator": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of an operator of this relay: pro_…",
                },
            },
            "parameters": {
                "Accept-Language": {
                    "in": "header",
                    "name": "Accept-Language",
                    "description": (
                        "The language of what is said to people: `fix`, `title`, `summary` and their "
                        "like (RFC 9110 §12.5.4). `Content-Language` of the answer says which it is; "
                        "English where none is asked for that the relay speaks."
                    ),
                    "schema": {"type": "string"},
                    "example": "de-DE, de;q=0.9, en;q=0.5",
                }
            },
        },
        "security": [{"key": []}],
    },
}


def in_any_language(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the header that every route takes."""
    header = {"$ref": "#/components/parameters/Accept-Language"}
    return document | {
        "paths": {
            name: path | {"parameters": [*path.get("parameters", ()), header]}
            for name, path in document["paths"].items()
        }
    }


def _problem(description: str, **headers: dict[str, Any]) -> dict[str, Any]:
    """A response that is a problem; it always has these headers (underscores stand for dashes)."""
    return {
        "description": description,
        "headers": {
            name.replace("_", "-"): {"required": True, **header} for name, header in headers.items()
        },
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }


_RETRY_AFTER = {
    "schema": {"type": "integer", "minimum": 0},
    "description": "Seconds after which the same request may succeed.",
}

RATE_LIMITS: dict[str, Any] = {
    "RateLimit-Policy": {
        "schema": {"type": "string"},
        "description": (
            "The limits that apply to the site's transactional mail (draft-ietf-httpapi-ratelimit-"
            "headers): for each the recipients it allows (`q`) in a window of seconds (`w`)."
        ),
        "example": (
            '"site-hour";q=125;w=3600;qu="recipients", "site-day";q=500;w=86400;qu="recipients"'
        ),
    },
    "RateLimit": {
        "schema": {"type": "string"},
        "description": (
            "What is left of these limits (`r`), and in how many seconds they begin anew (`t`)."
        ),
        "example": '"site-hour";r=120;t=1800, "site-day";r=480;t=52200',
    },
}
"""Headers of answers to which limits apply."""


def _limited(description: str) -> dict[str, Any]:
    """A response that says that a limit is reached."""
    answer = _problem(description, Retry_After=_RETRY_AFTER)
    return answer | {"headers": answer["headers"] | RATE_LIMITS}


PROBLEM: dict[str, Any] = {
    "400": _problem("The request is not valid; `errors` points at what is wrong."),
    "401": _problem(
        "The API key is missing, unknown, revoked or replaced.",
        WWW_Authenticate={"schema": {"type": "string"}, "description": "Bearer, always."},
    ),
    "403": _problem("The key lacks the scope, or the account or site may not do this now."),
    "429": _limited("A limit is reached; `limit` says which: of requests, or of what may be sent."),
    "503": _problem(
        "The relay cannot do this right now; nothing is half done.", Retry_After=_RETRY_AFTER
    ),
    "default": _problem("Anything else: see `type`, a page that says how to fix it."),
}
"""What every route may answer."""

NOTHING_TO_MISTAKE: dict[str, Any] = {
    status: answer for status, answer in PROBLEM.items() if status != "400"
}
"""What a route may answer that takes nothing but a name, with a key of a site or of an account."""

OPERATORS_ONLY: dict[str, Any] = {"security": [{"operator": []}]}
"""How a route says that only operators may use it."""

ACCOUNTS_ONLY: dict[str, Any] = {"security": [{"account": []}]}
"""How a route says that only accounts' own keys may use it."""

NO_SUCH_THING: dict[str, Any] = {"404": _problem("There is no such thing.")}

NOT_NOW: dict[str, Any] = {
    "409": _problem("It contradicts the state of things: it was decided, or cannot be done now.")
}

ONE_FOR_OPERATORS: dict[str, Any] = {
    "responses": {**NO_SUCH_THING, **NOTHING_TO_MISTAKE},
    **OPERATORS_ONLY,
}
"""A route that shows operators one thing."""

LISTED_FOR_OPERATORS: dict[str, Any] = {
    "responses": {**NO_SUCH_THING, **PROBLEM},
    **OPERATORS_ONLY,
}
"""A route that lists what concerns an account or a site, if one is named."""

DONE_BY_OPERATORS: dict[str, Any] = {
    "responses": {**NO_SUCH_THING, **NOT_NOW, **PROBLEM},
    **OPERATORS_ONLY,
}
"""A route by which operators do something to one thing."""

NO_ACTION: dict[str, Any] = {"404": _problem("There is no such action on this account or site.")}

NO_APPEAL: dict[str, Any] = {
    "409": _problem("Nothing that was done is in force, or an appeal against it is open.")
}

NOT_IN_FORCE: dict[str, Any] = {"409": _problem("This version of the policy is not in force.")}

NOT_FOUND: dict[str, Any] = {"404": _problem("There is no such message on this site.")}

NO_CONSENT: dict[str, Any] = {
    "404": _problem("The consent ledger of this site knows nothing of this address.")
}

PROOF: dict[str, Any] = {
    "description": "The proof, or a page with it that needs nothing else and can be printed.",
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/Proof"}},
        "text/html": {"schema": {"type": "string"}},
    },
}

NO_SUPPRESSION: dict[str, Any] = {"404": _problem("There is no such suppression on this site.")}

NO_LIST: dict[str, Any] = {"404": _problem("There is no such list on this site.")}

NO_SUCH_LIST: dict[str, Any] = {"422": _problem("The site has no such list, or it is archived.")}

LIST_EXISTS: dict[str, Any] = {"409": _problem("The site has a list of this key, or had one.")}

SENDER_REFUSED: dict[str, Any] = {
    "422": _problem("The list's sender is not in a verified domain of the account.")
}

NOT_LIFTABLE: dict[str, Any] = {
    "422": _problem("A complaint: only the person can undo it."),
}

NO_DOMAIN: dict[str, Any] = {"404": _problem("There is no such sending domain in this account.")}

DOMAIN_CONFLICT: dict[str, Any] = {"409": _problem("It is a domain of this account already.")}

DOMAIN_REFUSED: dict[str, Any] = {
    "422": _problem(
        "A free-mail domain, a public suffix, a look-alike of a brand, banned, or another account's."
    )
}

DOMAIN: dict[str, Any] = {
    "in": "path",
    "name": "domain",
    "required": True,
    "description": "The domain's name, in any script.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 300},
    "example": "shop.example",
}

NO_SITE: dict[str, Any] = {"404": _problem("There is no such site, or key, in this account.")}

TOO_LARGE: dict[str, Any] = _problem("The message, or the whole request, is too large.")

REFUSALS: dict[str, Any] = {
    "409": _problem(
        "The Idempotency-Key was used for another request, or the content to send again is no "
        "longer kept."
    ),
    "413": TOO_LARGE,
    "422": _problem("The sender is not verified, or nobody is left to mail: a rule says no."),
}
"""What else becomes of a message that is not accepted."""

SITE: dict[str, Any] = {
    "in": "header",
    "name": "X-Postreeve-Site",
    "description": "The site's home URL; a key that is bound to a site needs it.",
    "schema": {"type": "string"},
    "example": "https://shop.example",
}

PERSON: dict[str, Any] = {
    "in": "path",
    "name": "email",
    "description": "The person's e-mail address, percent-encoded where it must be.",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
    "example": "ada@customer.example",
}

IDEMPOTENCY_KEY: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "Best a UUID. For 72 hours the same request with it gets the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}


def _of_receipt(operation: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": {"message_id": "$response.body#/id"}}


RECEIPT: dict[str, Any] = {
    "description": "Accepted: stored, and on its way. A repetition of the same request gets the same answer.",
    "headers": {
        "Location": {
            "required": True,
            "schema": {"type": "string"},
            "description": "Where the message's timeline is.",
        },
        "Idempotent-Replayed": {
            "schema": {"type": "string", "enum": ["true"]},
            "description": "Present when this is the answer to an earlier request with the same key.",
        },
        **RATE_LIMITS,
    },
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}},
    "links": {"message": _of_receipt("getMessage"), "resend": _of_receipt("resendMessage")},
}

BATCH_RESULTS: dict[str, Any] = {
    "description": "One result for each message, in order.",
    "headers": RATE_LIMITS,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["results"],
                "properties": {
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["status"],
                            "properties": {
                                "status": {
                                    "type": "integer",
                                    "description": "202, or the problem's.",
                                },
                                "replayed": {"type": "boolean"},
                                "receipt": {"$ref": "#/components/schemas/Receipt"},
                                "problem": {"$ref": "#/components/schemas/Problem"},
                            },
                        },
                    }
                },
            }
        }
    },
}


def _batch(*items: str) -> dict[str, Any]:
    shapes = [{"$ref": f"#/components/schemas/{item}"} for item in items]
    return {
        "type": "object",
        "required": ["messages"],
        "additionalProperties": False,
        "properties": {
            "messages": {
                "type": "array",
                "minItems": 1,
                "maxItems": 500,
                "items": {"anyOf": shapes} if len(shapes) > 1 else shapes[0],
            }
        },
    }


_LETTER = {
    "from": "Shop <shop@shop.example>",
    "to": ["Ada <ada@customer.example>"],
    "subject": "Your order",
    "text": "Hello Ada.",
}
_METADATA = {"envelope": {"from": "shop@shop.example", "to": ["ada@customer.example"]}}
_MIME = (
    "From: Shop <shop@shop.example>\r\nTo: Ada <ada@customer.example>\r\n"
    "Subject: Your order\r\n\r\nHello Ada.\r\n"
)

BATCH_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": _batch("MimeItem", "LetterItem"),
            "example": {
                "messages": [
                    {**_LETTER, "idempotency_key": "order-4711"},
                    {**_METADATA, "mime": b64encode(_MIME.encode()).decode()},
                ]
            },
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["metadata"],
                "properties": {"metadata": _batch("PartItem")},
                "additionalProperties": {"type": "string", "format": "binary"},
            },
            "encoding": {"metadata": {"contentType": "application/json"}},
            "example": {
                "metadata": {"messages": [{**_METADATA, "message": "first"}]},
                "first": _MIME,
            },
        },
    },
}

MESSAGE_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/Letter"},
            "example": _LETTER,
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["metadata", "message"],
                "properties": {
                    "metadata": {"$ref": "#/components/schemas/Metadata"},
                    "message": {
                        "type": "string",
                        "format": "binary",
                        "description": "The MIME, up to 40 MB, sent with a filename (message.eml).",
                    },
                },
            },
            "encoding": {
                "metadata": {"contentType": "application/json"},
                "message": {"contentType": "message/rfc822"},
            },
            "example": {"metadata": _METADATA, "message": _MIME},
        },
    },
}

RESEND_BODY: dict[str, Any] = {
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Resend"}}},
}


def _json_body(schema: str, example: dict[str, Any]) -> dict[str, Any]:
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{schema}"},
                "example": example,
            }
        },
    }


NEW_LIST_BODY: dict[str, Any] = _json_body(
    "NewList",
    {
        "key": "news",
        "name": "Shop news",
        "controller": "Shop Ltd",
        "postal_address": "1 Market Street\nSpringfield",
        "privacy_url": "https://shop.example/privacy",
        "language": "en",
        "sender": "news@shop.example",
    },
)

LIST_CHANGES_BODY: dict[str, Any] = _json_body("ListChanges", {"name": "News of the shop"})

AUDIENCE_BODY: dict[str, Any] = _json_body(
    "Audience", {"list": "readers", "addresses": ["ada@customer.example", "bob@customer.example"]}
)

SIGN_UP_BODY: dict[str, Any] = _json_body(
    "SignUp",
    {
        "email": "ada@customer.example",
        "list": "readers",
        "name": "Ada",
        "language": "en",
        "source": {
            "form": "footer",
            "page": "https://shop.example/news",
            "ip": "203.0.113.7",
            "user_agent": "Mozilla/5.0",
            "consent_text": "Yes, I want the shop's news by e-mail, about once a month.",
            "consent_version": "2026-11",
        },
    },
)

CONNECT_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/Connect"},
            "example": {
                "code": "vQ3nUu1mDkYV0h7m2yqk2b8m1Ck0T3m5i7w9y1A3C5E",
                "verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                "site": "https://shop.example",
            },
        }
    },
}

CONNECT_REFUSED: dict[str, Any] = {
    name: PROBLEM[name] for name in ("400", "429", "503", "default")
} | {
    "422": _problem("The code is unknown, used or over, or whoever presents it did not ask for it.")
}

NEW_SITE_BODY: dict[str, Any] = _json_body(
    "NewSite",
    {
        "url": "https://new.example",
        "name": "The new shop",
        "default_from": "hello@new.example",
        "domain": "auto",
    },
)
