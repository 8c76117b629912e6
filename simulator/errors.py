"""What goes wrong on purpose or by the caller's fault, in the words and shapes of AWS."""

from dataclasses import dataclass

STATUS = {
    "AccountSuspendedException": 400,
    "AlreadyExistsException": 400,
    "BadRequestException": 400,
    "ConcurrentModificationException": 500,
    "InternalServiceErrorException": 500,
    "LimitExceededException": 400,
    "MailFromDomainNotVerifiedException": 400,
    "MessageRejected": 400,
    "MissingAuthenticationTokenException": 403,
    "NotFoundException": 404,
    "SendingPausedException": 400,
    "SerializationException": 400,
    "ServiceUnavailable": 503,
    "ThrottlingException": 400,
    "TooManyRequestsException": 429,
    "UnknownOperationException": 404,
}
"""HTTP status of every error code that is answered."""

WORDS = {
    "AccountSuspendedException": "Your account's ability to send email has been suspended.",
    "InternalServiceErrorException": "An internal error occurred. Try again later.",
    "LimitExceededException": "Daily message quota exceeded.",
    "MailFromDomainNotVerifiedException": "The MAIL FROM domain is not verified.",
    "MessageRejected": "Email contents were rejected.",
    "SendingPausedException": "Sending is paused for this account.",
    "ServiceUnavailable": "Service is unable to handle request.",
    "ThrottlingException": "Maximum sending rate exceeded.",
    "TooManyRequestsException": "Maximum sending rate exceeded.",
}
"""The message of an error that is injected."""

RESET = "reset"
"""Not an error code: the connection is reset instead of answered."""

INJECTABLE = frozenset({*WORDS, RESET})


@dataclass
class AwsError(Exception):
    """An error answer of the AWS API: `code` as boto3 knows it, `message` for people."""

    code: str
    message: str

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return STATUS[self.code]

    @classmethod
    def injected(cls, code: str) -> "AwsError":
        """The error `code` with the words AWS uses for it."""
        return cls(code, WORDS[code])


class ConnectionReset(Exception):
    """The caller's connection is to be cut instead of answered."""


class InvalidControl(Exception):
    """A control field that does not exist, or a value it cannot take; the text says which."""


class CannotStart(Exception):
    """The simulator cannot start; the text says why and what to do."""


def bad_request(message: str) -> AwsError:
    """The error for a call that is malformed."""
    return AwsError("BadRequestException", message)


def not_found(message: str) -> AwsError:
    """The error for a call that names something absent."""
    return AwsError("NotFoundException", message)
