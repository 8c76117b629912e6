"""Amazon SES: our own client must send what boto3 would send, and understand every answer."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.credentials import Credentials
from botocore.exceptions import CredentialRetrievalError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from relay.commands.trial.ports import free_port
from relay.errors import MailerBusy, MailerRefused, MailerSilent
from relay.gateways.ses import (
    LazyMailer,
    SendingAccount,
    SesMailer,
    control_client,
    forget_suppressed,
    sending_account,
)
from relay.mail import Envelope
from tests.factories import make_envelope, make_message
from tests.gateways.servers import Answer, Request, Server, said, serve
from tests.steps import until

REGION = "eu-west-1"
SECRETS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a-session-token")
ACCEPTED = Answer(body=b'{"MessageId": "0100-accepted"}')


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with serve() as server:
        yield server


@pytest.fixture
def ses(running: Server) -> Server:
    """Amazon SES, ready to accept."""
    running.answers[:] = [ACCEPTED]
    running.requests.clear()
    return running


@pytest.fixture
def mailer(ses: Server) -> SesMailer:
    return make_mailer(ses.url)


def make_mailer(url: str, **given: Any) -> SesMailer:
    return SesMailer(
        **{
            "region": REGION,
            "configuration_set": "postreeve",
            "endpoint_url": url,
            "timeout": timedelta(seconds=60),
            "credentials": SECRETS,
        }
        | given
    )


@pytest.fixture(scope="module")
def boto(running: Server) -> Any:
    """boto3's own client for the same endpoint; `sent` lists what it would have put on the wire."""
    client = boto3.client(
        "sesv2",
        region_name=REGION,
        endpoint_url=running.url,
        aws_access_key_id=SECRETS.access_key,
        aws_secret_access_key=SECRETS.secret_key,
        aws_session_token=SECRETS.token,
    )
    client.sent = []

    def catch(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        client.sent.append(request)

        class Raw:
            def stream(self) -> Iterator[bytes]:
                yield b'{"MessageId": "0100"}'

        return AWSResponse(request.url, 200, {}, Raw())

    client.meta.events.register("before-send.sesv2.SendEmail", catch)
    return client


def as_boto_sends(boto: Any, envelope: Envelope) -> AWSPreparedRequest:
    boto.send_email(
        FromEmailAddress=envelope.sender,
        Destination={"ToAddresses": [envelope.recipient]},
        Content={"Raw": {"Data": b"".join(envelope.parts)}},
        EmailTags=[{"Name": name, "Value": value} for name, value in envelope.tags.items()],
        ConfigurationSetName="postreeve",
        **({"TenantName": envelope.tenant} if envelope.tenant else {}),
    )
    return boto.sent.pop()


# --- the request ----------------------------------------------------------------------------

ENVELOPES = {
    "plain": make_envelope(),
    "8-bit": make_envelope(parts=(make_message("Grüße\r\n"),)),
    "quote in the address": make_envelope(sender="o'hara@shop.example"),
    "in a tenant's name": make_envelope(tenant="postreeve-0123"),
    "parts of odd sizes": make_envelope(parts=(make_message(), b"a", b"bc", b"defg", b"")),
    "large": make_envelope(
        parts=(make_message(), *(bytes([65 + n]) * (1 << 20) for n in range(6)))
    ),
}


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_the_request_is_what_boto3_would_send(
    envelope: Envelope, mailer: SesMailer, ses: Server, boto: Any
) -> None:
    mailer.send(envelope)
    (ours,) = ses.requests
    theirs = as_boto_sends(boto, envelope)
    assert ours.body == theirs.body
    assert (ours.method, ses.url + ours.path) == (theirs.method, theirs.url)
    assert ours.headers["content-type"] == theirs.headers["Content-Type"].decode()
    assert ours.headers["content-length"] == str(len(theirs.body))
    assert "transfer-encoding" not in ours.headers


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_the_signature_holds_by_botocores_own_arithmetic(
    envelope: Envelope, mailer: SesMailer, ses: Server, boto: Any
) -> None:
    mailer.send(envelope)
    (ours,) = ses.requests
    assert ours.headers["authorization"] == authorization(ours, ses.url)
    # and it covers the same headers as boto3's
    theirs = as_boto_sends(boto, envelope).headers["Authorization"].decode()
    assert scope_and_headers(ours.headers["authorization"]) == scope_and_headers(theirs)


def authorization(request: Request, url: str) -> str:
    """The Authorization header that fits what came over the wire."""
    signed = scope_and_headers(request.headers["authorization"])[1].split(";")
    again = AWSRequest(
        request.method,
        url + request.path,
        data=request.body,
        headers={name: request.headers[name] for name in signed},
    )
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(SECRETS.get_frozen_credentials(), "ses", REGION)
    text = signer.string_to_sign(again, signer.canonical_request(again))
    return (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(again)}, "
        f"SignedHeaders={';'.join(signed)}, Signature={signer.signature(text, again)}"
    )


def scope_and_headers(authorization: str) -> tuple[str, str]:
    fields = dict(part.split("=", 1) for part in authorization.split(" ", 1)[1].split(", "))
    _, _, region, service, end = fields["Credential"].split("/")
    return f"{region}/{service}/{end}", fields["SignedHeaders"]


def test_our_ids_travel_as_tags_and_come_back_in_every_event(
    mailer: SesMailer, ses: Server
) -> None:
    envelope = make_envelope()
    assert mailer.send(envelope) == "0100-accepted"
    sent = ses.requests[0].json
    assert {tag["Name"]: tag["Value"] for tag in sent["EmailTags"]} == {
        "attempt": envelope.attempt_id.hex,
        "recipient": envelope.recipient_id.hex,
    }
    assert sent["ConfigurationSetName"] == "postreeve"
    assert sent["Destination"] == {"ToAddresses": ["ada@customer.example"]}


@given(parts=st.lists(st.binary(max_size=40), min_size=1, max_size=8))
def test_however_a_message_is_cut_it_arrives_whole(running: Server, parts: list[bytes]) -> None:
    running.answers[:] = [ACCEPTED]
    make_mailer(running.url).send(make_envelope(parts=tuple(parts)))
    raw = running.requests.pop().json["Content"]["Raw"]["Data"]
    assert b64decode(raw, validate=True) == b"".join(parts)


def test_connections_are_kept(mailer: SesMailer, ses: Server) -> None:
    before = ses.connections
    for _ in range(5):
        mailer.send(make_envelope())
    assert ses.connections == before + 1


# --- the answers ----------------------------------------------------------------------------

UNVERIFIED = "Email address is not verified. The following identities failed the check"


@pytest.mark.parametrize(
    ("answer", "code", "scope"),
    [
        (said("TooManyRequestsException", "Too Many Requests", 429), "rate", "all"),
        (said("TooManyRequestsException", "Maximum sending rate exceeded."), "rate", "all"),
        (said("ThrottlingException", "Rate exceeded"), "rate", "all"),
        (said("Throttling", "Maximum sending rate exceeded."), "rate", "all"),
        (said("ThrottlingException", "Daily message quota exceeded."), "daily-quota", "all"),
        (said("LimitExceededException", "Daily message quota exceeded."), "daily-quota", "all"),
        (said("LimitExceededException", "Maximum sending rate exceeded."), "rate", "all"),
        (Answer(429, b""), "rate", "all"),
        (Answer(429, b"<html>slow down</html>"), "rate", "all"),
    ],
)
def test_a_throttle_puts_off_everything(
    answer: Answer, code: str, scope: str, mailer: SesMailer, ses: Server
) -> None:
    ses.answers[:] = [answer]
    with pytest.raises(MailerBusy) as busy:
        mailer.send(make_envelope())
    assert (busy.value.code, busy.value.scope, busy.value.throttled) == (code, scope, True)


@pytest.mark.parametrize(
    ("answer", "code", "scope"),
    [
        (said("AccountSuspendedException", "Account suspended"), "provider-stopped", "all"),
        (said("SendingPausedException", "Sending paused"), "provider-stopped", "all"),
        (said("MessageRejected", "Sending paused for this account."), "provider-stopped", "all"),
        (said("InternalServiceErrorException", "oops", 500), "provider-error", "copy"),
        (Answer(500, b""), "provider-error", "copy"),
        (Answer(502, b"<html>Bad Gateway</html>"), "provider-error", "copy"),
        (Answer(503, b'{"message": null}'), "provider-error", "copy"),
        (said("InvalidClientTokenId", "The security token is invalid.", 403),
         "credentials-refused", "all"),
        (said("SignatureDoesNotMatch", "", 403), "credentials-refused", "all"),
        (said("AccessDeniedException", "not authorized to perform ses:SendEmail", 403),
         "credentials-refused", "all"),
        (said("ExpiredTokenException", "", 403), "credentials-refused", "all"),
        (said("AccessDeniedException", "", 400), "credentials-refused", "all"),
        (said("ExpiredTokenException", "", 400), "credentials-refused", "all"),
        (said("RequestExpired", "", 400), "credentials-refused", "all"),
        (Answer(401, b""), "credentials-refused", "all"),
    ],
)  # fmt: skip
def test_trouble_that_may_pass_is_tried_again(
    answer: Answer, code: str, scope: str, mailer: SesMailer, ses: Server
) -> None:
    ses.answers[:] = [answer]
    with pytest.raises(MailerBusy) as busy:
        mailer.send(make_envelope())
    assert (busy.value.code, busy.value.scope, busy.value.throttled) == (code, scope, False)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (said("MessageRejected", UNVERIFIED), "MessageRejected"),
        (said("MailFromDomainNotVerifiedException", "MX missing"),
         "MailFromDomainNotVerifiedException"),
        (said("NotFoundException", "Configuration set <x> does not exist.", 404),
         "NotFoundException"),
        (said("BadRequestException", "Invalid MIME"), "BadRequestException"),
        (said("InvalidParameterValue", "Illegal address"), "InvalidParameterValue"),
        (said("ValidationException", "1 validation error"), "ValidationException"),
        # the other ways in which AWS front ends name an error
        (Answer(400, b'{"__type": "com.amazonaws.sesv2#MessageRejected", "message": "x"}'),
         "MessageRejected"),
        (Answer(400, b'{"code": "BadRequestException", "Message": "x"}'), "BadRequestException"),
        (said("BadRequestException:http://internal.amazon.com/coral/"), "BadRequestException"),
    ],
)  # fmt: skip
def test_what_no_repetition_cures_is_final(
    answer: Answer, code: str, mailer: SesMailer, ses: Server
) -> None:
    ses.answers[:] = [answer]
    with pytest.raises(MailerRefused) as refused:
        mailer.send(make_envelope())
    assert refused.value.code == code
    assert refused.value.detail.startswith(code)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b""),
        Answer(200, b"{}"),
        Answer(200, b"[]"),
        Answer(200, b"<html>welcome to the hotel's network</html>"),
        Answer(200, b'{"MessageId": ""}'),
        Answer(200, b'{"MessageId": "0100'),
        Answer(200, b'{"MessageId": "0100"}', cut=20),
        Answer(504, b"<html>Gateway Timeout</html>"),
        said("GatewayTimeout", "", 504),
        Answer(hang_up=True),
    ],
)
def test_an_answer_that_says_nothing_leaves_the_copy_unknown(
    answer: Answer, mailer: SesMailer, ses: Server
) -> None:
    ses.answers[:] = [answer]
    with pytest.raises(MailerSilent):
        mailer.send(make_envelope())
    assert len(ses.requests) == 1  # nothing is ever repeated by a library


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, b"\x00\xff garbage"),
        Answer(400, b"[" * 5_000),
        Answer(302, b"", {"Location": "http://127.0.0.1:1/elsewhere"}),
        Answer(404, b"<html>no such page</html>"),
        Answer(418, b"{}"),
    ],
)
def test_what_SES_did_not_say_is_never_final(
    answer: Answer, mailer: SesMailer, ses: Server
) -> None:
    ses.answers[:] = [answer]
    with pytest.raises(MailerBusy) as busy:
        mailer.send(make_envelope())
    assert busy.value.code == f"http-{answer.status}"
    assert len(ses.requests) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (said("SendingPausedException", "Sending is paused"), "tenant-paused"),
        (said("MessageRejected", "Sending paused for this tenant."), "tenant-paused"),
        (said("NotFoundException", "Tenant x does not exist.", 404), "tenant-refused"),
        (said("BadRequestException", "<y> is not associated with tenant <x>."), "tenant-refused"),
    ],
)
def test_trouble_with_a_tenant_stops_that_tenant_and_loses_nothing(
    answer: Answer, code: str, mailer: SesMailer, ses: Server
) -> None:
    ses.answers[:] = [answer]
    with pytest.raises(MailerBusy) as busy:
        mailer.send(make_envelope(tenant="x"))
    assert (busy.value.code, busy.value.scope) == (code, "tenant")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (said("AccountSuspendedException", "Account suspended"), "provider-stopped"),
        (said("TooManyRequestsException", "Too Many Requests", 429), "rate"),
    ],
)
def test_what_concerns_the_whole_account_does_so_for_mail_of_a_tenant_too(
    answer: Answer, code: str, mailer: SesMailer, ses: Server
) -> None:
    ses.answers[:] = [answer]
    with pytest.raises(MailerBusy) as busy:
        mailer.send(make_envelope(tenant="x"))
    assert (busy.value.code, busy.value.scope) == (code, "all")


def test_an_error_of_an_unknown_name_is_final_and_explained(mailer: SesMailer, ses: Server) -> None:
    ses.answers[:] = [Answer(400, b'{"message": {"not": "a text"}, "__type": "NewException"}')]
    with pytest.raises(MailerRefused, match=r"NewException: \{'not': 'a text'\}"):
        mailer.send(make_envelope())


def test_the_provider_id_fits_its_column(mailer: SesMailer, ses: Server) -> None:
    ses.answers[:] = [Answer(body=json.dumps({"MessageId": "0" * 500}).encode())]
    assert len(mailer.send(make_envelope())) <= 100


def test_silence_after_the_request_went_out_leaves_the_copy_unknown(ses: Server) -> None:
    ses.answers[:] = [Answer(after=(over := threading.Event()), hang_up=True)]
    try:
        with pytest.raises(MailerSilent):
            make_mailer(ses.url, timeout=timedelta(seconds=0.2)).send(make_envelope())
        until(lambda: ses.requests)  # its thread may be slower than we are impatient
    finally:
        over.set()
    assert len(ses.requests) == 1


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    with pytest.raises(MailerBusy) as busy:
        make_mailer(f"http://127.0.0.1:{free_port()}").send(make_envelope())
    assert (busy.value.code, busy.value.scope) == ("unreachable", "all")


def test_without_credentials_nothing_is_sent(ses: Server) -> None:
    class Away:
        def get_frozen_credentials(self) -> Any:
            raise CredentialRetrievalError(provider="metadata", error_msg="timed out")

    with pytest.raises(MailerBusy) as busy:
        make_mailer(ses.url, credentials=Away()).send(make_envelope())
    assert (busy.value.code, busy.value.scope) == ("no-credentials", "all")
    assert ses.requests == []


def test_the_simulator_never_sees_real_credentials(
    ses: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    make_mailer(ses.url, credentials=None).send(make_envelope())
    assert "AKIDREAL" not in ses.requests[0].headers["authorization"]


# --- what SES allows us ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ({}, SendingAccount()),
        ({"SendQuota": {}}, SendingAccount()),
        (
            {
                "SendQuota": {"MaxSendRate": 14.0, "Max24HourSend": 50_000.0, "SentLast24Hours": 7},
                "SendingEnabled": False,
            },
            SendingAccount(14.0, 50_000.0, 7.0, may_send=False),
        ),
        ({"SendQuota": {"MaxSendRate": 14.0, "Max24HourSend": -1.0}}, SendingAccount(14.0, -1.0)),
    ],
)
def test_what_SES_allows_is_read(told: dict[str, Any], known: SendingAccount) -> None:
    class Client:
        def get_account(self) -> dict[str, Any]:
            return told

    assert sending_account(Client()) == known


def test_a_mailer_is_made_when_the_first_copy_leaves_and_once(ses: Server) -> None:
    made: list[SesMailer] = []

    def make() -> SesMailer:
        made.append(make_mailer(ses.url))
        return made[-1]

    lazy = LazyMailer(make)
    assert made == []
    with ThreadPoolExecutor(4) as pool:
        assert {*pool.map(lazy.send, [make_envelope()] * 8)} == {"0100-accepted"}
    assert len(made) == 1


def test_threads_get_clients_at_once_and_what_those_know_of_the_api_is_there_once() -> None:
    def make(_: int) -> Any:
        return control_client("sesv2", region="us-east-1", endpoint_url="http://127.0.0.1:9")

    with ThreadPoolExecutor(8) as pool:
        clients = [*pool.map(make, range(8))]
    assert len({id(each.meta.service_model.metadata) for each in clients}) == 1


# --- the provider's own list ------------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False])
def test_an_address_is_taken_off_the_provider_s_list(there: bool) -> None:
    client = control_client("sesv2", region="us-east-1", endpoint_url="http://127.0.0.1:9")
    with Stubber(client) as stubber:
        if there:
            stubber.add_response(
                "delete_suppressed_destination", {}, {"EmailAddress": "ada@customer.example"}
            )
        else:
            stubber.add_client_error(
                "delete_suppressed_destination", "NotFoundException", http_status_code=404
            )
        forget_suppressed(client, "ada@customer.example")
        stubber.assert_no_pending_responses()
