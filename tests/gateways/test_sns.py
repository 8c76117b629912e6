"""Amazon SNS: what Amazon signed for our topic gets in, and nothing else does."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import Forged, Unavailable
from relay.gateways import sns
from relay.gateways.sns import FUTURE, LARGEST_NOTICE, OLDEST, WINDOW, SignedNotice
from tests.fakes import TOPIC, FakeAmazon, FakeClock, Post, make_certificate
from tests.gateways.servers import Answer, Server, serve

DATA = Path(__file__).parents[1] / "data" / "sns"

HOST = "sns.us-east-1.amazonaws.com"
PEM_PATH = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"


def verify(post: Post | bytes, amazon: FakeAmazon, **given: Any) -> SignedNotice:
    body, headers = (post.body, post.headers) if isinstance(post, Post) else (post, {})
    return sns.verify(
        body,
        headers,
        **{"topics": (TOPIC,), "certificate": amazon.certificate, "now": amazon.clock()} | given,
    )


# --- what gets in ---------------------------------------------------------------------------


def test_a_genuine_notice_is_taken(amazon: FakeAmazon, clock: FakeClock) -> None:
    post = amazon.notice('{"eventType": "Send"}', MessageId="5d0f3c1e")
    assert verify(post, amazon) == SignedNotice(
        type="Notification",
        id="5d0f3c1e",
        topic_arn=TOPIC,
        message='{"eventType": "Send"}',
        token=None,
        sent_at=clock.now,
        late=False,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"Subject": "Amazon SES Email Event Notification"},
        {"Subject": ""},
        {"Message": ""},
        {"Message": "ends with a newline\n"},
        {"Message": "Grüße 😀 \u2028 \x00 \\ \" </script>"},
        {"Message": "x" * 256 * 1024},
        {"MessageAttributes": {"unsigned": {"Type": "String", "Value": "x"}}},
        {"SigningCertURL": f"https://{HOST}:443{PEM_PATH}"},
    ],
)  # fmt: skip
def test_what_SNS_may_send_is_taken(fields: dict[str, Any], amazon: FakeAmazon) -> None:
    verify(amazon.notice("text", **fields), amazon)


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_confirmations_carry_their_token(kind: str, amazon: FakeAmazon) -> None:
    notice = verify(amazon.confirmation(kind, Token="a-token"), amazon)
    assert (notice.type, notice.token) == (kind, "a-token")


@pytest.mark.parametrize(
    ("topic", "host"),
    [
        ("arn:aws:sns:us-east-1:111122223333:ses", "sns.us-east-1.amazonaws.com"),
        ("arn:aws:sns:eu-west-1:111122223333:ses", "sns.eu-west-1.amazonaws.com"),
        ("arn:aws-us-gov:sns:us-gov-west-1:111122223333:ses", "sns.us-gov-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:111122223333:ses", "sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws-eusc:sns:eusc-de-east-1:111122223333:ses", "sns.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_the_host_of_the_certificate_follows_from_our_topic(
    topic: str, host: str, amazon: FakeAmazon
) -> None:
    post = amazon.notice("x", TopicArn=topic, SigningCertURL=f"https://{host}{PEM_PATH}")
    assert verify(post, amazon, topics=(topic,)).topic_arn == topic
    others = amazon.notice("x", TopicArn=topic, SigningCertURL=f"https://sns.x-1.a.com{PEM_PATH}")
    with pytest.raises(Forged):
        verify(others, amazon, topics=(topic,))


# --- what does not: one thing is wrong in each, the rest is genuine -------------------------

FORGERIES: dict[str, Callable[[FakeAmazon], Post]] = {
    # The signature is Amazon's own, but for somebody else's topic.
    "another topic": lambda a: a.notice("x", TopicArn="arn:aws:sns:us-east-1:666666666666:evil"),
    "a topic that begins like ours": lambda a: a.notice("x", TopicArn=f"{TOPIC}2"),
    "our topic in capitals": lambda a: a.notice("x", TopicArn=TOPIC.upper()),
    "our topic with a space": lambda a: a.notice("x", TopicArn=f"{TOPIC} "),
    "our topic in another region": lambda a: a.notice("x", TopicArn=TOPIC.replace("east", "west")),
    "our topic only in the header": lambda a: a.notice(
        "x", TopicArn="arn:aws:sns:us-east-1:666666666666:evil"
    ).headed(x_amz_sns_topic_arn=TOPIC),
    "our topic put in after signing": lambda a: a.notice(
        "x", TopicArn="arn:aws:sns:us-east-1:666666666666:evil"
    ).but(TopicArn=TOPIC),
    # SignatureVersion 1 is SHA-1.
    "version 1": lambda a: a.notice("x", SignatureVersion="1"),
    "version 1 called 2": lambda a: a.notice("x", SignatureVersion="1").but(SignatureVersion="2"),
    "version 2 called 1": lambda a: a.notice("x").but(SignatureVersion="1"),
    "version 3": lambda a: a.notice("x").but(SignatureVersion="3"),
    "version as a number": lambda a: a.notice("x").but(SignatureVersion=2),
    "no version": lambda a: a.notice("x").but(SignatureVersion=None),
    # Changed on the way.
    "another Message": lambda a: a.notice("x").but(Message="y"),
    "a newline less": lambda a: a.notice("x\n").but(Message="x"),
    "another MessageId": lambda a: (
        a.notice("x").but(MessageId="y").headed(x_amz_sns_message_id="y")
    ),
    "another Timestamp": lambda a: a.notice("x").but(Timestamp="2026-11-22T09:00:01.000Z"),
    "another Subject": lambda a: a.notice("x", Subject="s").but(Subject="t"),
    "Subject added": lambda a: a.notice("x").but(Subject="s"),
    "empty Subject added": lambda a: a.notice("x").but(Subject=""),
    "Subject removed": lambda a: a.notice("x", Subject="s").but(Subject=None),
    "fields run together": lambda a: a.notice("x", Subject="s").but(
        Message="x\nMessageId\n1", MessageId="2"
    ),
    "another Token": lambda a: a.confirmation().but(Token="t"),
    "another SubscribeURL": lambda a: a.confirmation().but(SubscribeURL="http://169.254.169.254/"),
    "a notice called a confirmation": lambda a: (
        a.notice("x", Token="t", SubscribeURL="https://evil.example/")
        .but(Type="SubscriptionConfirmation")
        .headed(x_amz_sns_message_type="SubscriptionConfirmation")
    ),
    # No good signature at all.
    "no signature": lambda a: a.notice("x").but(Signature=None),
    "empty signature": lambda a: a.notice("x").but(Signature=""),
    "signature that is no base64": lambda a: a.notice("x").but(Signature="!!!!"),
    "signature in another script": lambda a: a.notice("x").but(Signature="ÄÖÜ="),
    "signature cut short": lambda a: a.notice("x").but(
        Signature=a.notice("x").fields["Signature"][:-8] + "===="
    ),
    "signature of zeros": lambda a: a.notice("x").but(
        Signature=base64.b64encode(bytes(256)).decode()
    ),
    "signature with a newline": lambda a: (p := a.notice("x")).but(
        Signature=p.fields["Signature"] + "\n"
    ),
    "a lone surrogate": lambda a: a.notice("x").but(Message="\ud800"),
    "signed by somebody else": lambda a: replace(
        a, key=rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ).notice("x"),
    # Header and body tell different things.
    "another type in the header": lambda a: a.notice("x").headed(
        x_amz_sns_message_type="SubscriptionConfirmation"
    ),
    "another id in the header": lambda a: a.notice("x").headed(x_amz_sns_message_id="other"),
    "raw delivery": lambda a: a.notice("x").headed(x_amz_sns_rawdelivery="true"),
    "raw delivery, in capitals": lambda a: a.notice("x").headed(x_amz_sns_rawdelivery="TRUE"),
    # Fields that are missing or not texts.
    "no MessageId": lambda a: a.notice("x").but(MessageId=None),
    "no Timestamp": lambda a: a.notice("x").but(Timestamp=None),
    "no certificate": lambda a: a.notice("x").but(SigningCertURL=None),
    "no Token": lambda a: a.confirmation().but(Token=None),
    "Message is an object": lambda a: a.notice("x").but(Message={"eventType": "Bounce"}),
    "MessageId is a number": lambda a: a.notice("x").but(MessageId=1),
    "Subject is a list": lambda a: a.notice("x").but(Subject=["s"]),
    "Type is a list": lambda a: a.notice("x").but(Type=["Notification"]),
    "Type is an object": lambda a: a.notice("x").but(Type={}),
    "TopicArn is a list": lambda a: a.notice("x").but(TopicArn=[TOPIC]),
    "unknown Type": lambda a: a.notice("x").but(Type="Publish"),
    "Type in small letters": lambda a: a.notice("x").but(Type="notification"),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_refused(forge: Callable[[FakeAmazon], Post], amazon: FakeAmazon) -> None:
    with pytest.raises(Forged):
        verify(forge(amazon), amazon)


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}{PEM_PATH}",
        f"ftp://{HOST}{PEM_PATH}",
        f"//{HOST}{PEM_PATH}",
        f"{HOST}{PEM_PATH}",
        f"file://{PEM_PATH}",
        # an S3 bucket called `sns`, which the usual pattern lets in
        f"https://sns.s3-us-west-2.amazonaws.com{PEM_PATH}",
        f"https://sns.s3.amazonaws.com{PEM_PATH}",
        f"https://s3.amazonaws.com/sns{PEM_PATH}",
        f"https://sns.us-west-2.amazonaws.com{PEM_PATH}",
        f"https://sns.us-east-1.amazonaws.com.cn{PEM_PATH}",
        f"https://sns.us-east-1.amazonaws.com.evil.example{PEM_PATH}",
        f"https://evil.example{PEM_PATH}",
        f"https://evil.example/{HOST}{PEM_PATH}",
        f"https://evil.{HOST}{PEM_PATH}",
        f"https://{HOST}.{PEM_PATH}",
        f"https://SNS.us-east-1.amazonaws.com{PEM_PATH}",
        f"https://{HOST}:80{PEM_PATH}",
        f"https://{HOST}:8443{PEM_PATH}",
        f"https://{HOST}:{PEM_PATH}",
        f"https://{HOST}:443@evil.example{PEM_PATH}",
        f"https://{HOST}@evil.example{PEM_PATH}",
        f"https://user@{HOST}{PEM_PATH}",
        f"https://user:password@{HOST}{PEM_PATH}",
        f"https://evil.example#@{HOST}{PEM_PATH}",
        f"https://evil.example\\@{HOST}{PEM_PATH}",
        f"https://evil.example?@{HOST}{PEM_PATH}",
        f"https://[::1]{PEM_PATH}",
        f"https://[{HOST}{PEM_PATH}",
        f"https://169.254.169.254{PEM_PATH}",
        f"https://{HOST}{PEM_PATH}?x=1",
        f"https://{HOST}{PEM_PATH}?",
        f"https://{HOST}{PEM_PATH}#x",
        f"https://{HOST}{PEM_PATH}#",
        f"https://{HOST}{PEM_PATH};x",
        f"https://{HOST}{PEM_PATH}/",
        f"https://{HOST}{PEM_PATH}\n",
        f"https://{HOST}{PEM_PATH} ",
        f" https://{HOST}{PEM_PATH}",
        f"https://{HOST}\t{PEM_PATH}",
        f"https://{HOST}{PEM_PATH[:20]}\n{PEM_PATH[20:]}",
        f"https://{HOST}/x{PEM_PATH}",
        f"https://{HOST}/..{PEM_PATH}",
        f"https://{HOST}/{PEM_PATH}",
        f"https://{HOST}/%53impleNotificationService-0123456789abcdef0123456789abcdef.pem",
        f"https://{HOST}/SimpleNotificationService-0123456789ABCDEF0123456789abcdef.pem",
        f"https://{HOST}/SimpleNotificationService-0123.pem",
        f"https://{HOST}/SimpleNotificationService-../../evil.pem",
        f"https://{HOST}/?Action=GetTopic",
        f"https://{HOST}",
        "https://",
        "",
        "\x00",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(url: str, amazon: FakeAmazon) -> None:
    with pytest.raises(Forged):
        verify(amazon.notice("x", SigningCertURL=url), amazon)
    assert amazon.fetched == []


def test_nothing_is_fetched_for_another_topic_or_version(amazon: FakeAmazon) -> None:
    for post in (amazon.notice("x", TopicArn="arn:aws:sns:us-east-1:6:evil"),
                 amazon.notice("x", SignatureVersion="1")):  # fmt: skip
        with pytest.raises(Forged):
            verify(post, amazon)
    assert amazon.fetched == []


def test_without_topics_nothing_gets_in(amazon: FakeAmazon) -> None:
    with pytest.raises(Forged):
        verify(amazon.notice("x"), amazon, topics=())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"Notification"',
        b"7",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"Type":' * 50_000,
        b"1" * 10_000,
        b'{"Type": NaN}',
        b"Type=Notification",
        b"<notification/>",
    ],
    ids=lambda body: body[:12],
)
def test_a_body_that_is_no_notice_is_refused(body: bytes, amazon: FakeAmazon) -> None:
    with pytest.raises(Forged):
        verify(body, amazon)


def test_a_huge_body_is_refused_unread(amazon: FakeAmazon) -> None:
    with pytest.raises(Forged, match="larger"):
        verify(amazon.notice("x" * LARGEST_NOTICE), amazon)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
))  # fmt: skip
def test_arbitrary_fields_are_refused_and_nothing_worse(value: Any) -> None:
    def no_certificate(url: str) -> bytes:
        raise AssertionError(f"{url} was fetched")

    genuine = {
        "Type": "Notification", "MessageId": "1", "Message": "x", "TopicArn": TOPIC,
        "Timestamp": "2026-11-22T09:00:00.000Z", "SignatureVersion": "2", "Signature": "",
        "SigningCertURL": "https://evil.example/",
    }  # fmt: skip
    for name in (*genuine, "Subject"):
        body = json.dumps(genuine | {name: value}).encode()
        with pytest.raises(Forged):
            sns.verify(
                body,
                {},
                topics=(TOPIC,),
                certificate=no_certificate,
                now=datetime(2026, 11, 22, 9, tzinfo=UTC),
            )


# --- the certificate itself -----------------------------------------------------------------


def test_an_expired_certificate_is_refused(amazon: FakeAmazon, clock: FakeClock) -> None:
    yesterday = clock.now - timedelta(days=1)
    amazon.pem = make_certificate(amazon.key, ends=yesterday)
    with pytest.raises(Forged, match="not valid today"):
        verify(amazon.notice("x"), amazon)


def test_a_certificate_of_tomorrow_is_refused(amazon: FakeAmazon, clock: FakeClock) -> None:
    tomorrow = clock.now + timedelta(days=1)
    amazon.pem = make_certificate(amazon.key, begins=tomorrow)
    with pytest.raises(Forged, match="not valid today"):
        verify(amazon.notice("x"), amazon)


def test_a_small_key_is_refused(clock: FakeClock) -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    weak = FakeAmazon(small, make_certificate(small), clock)
    with pytest.raises(Forged, match="2048"):
        verify(weak.notice("x"), weak)


def test_a_key_of_another_kind_is_refused(amazon: FakeAmazon, clock: FakeClock) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    amazon.pem = (
        x509.CertificateBuilder(name, name, curve.public_key(), x509.random_serial_number())
        .not_valid_before(clock.now - timedelta(days=1))
        .not_valid_after(clock.now + timedelta(days=1))
        .sign(curve, SHA256())
        .public_bytes(Encoding.PEM)
    )
    with pytest.raises(Forged, match="RSA"):
        verify(amazon.notice("x"), amazon)


def test_only_one_certificate_and_nothing_else_is_taken(amazon: FakeAmazon) -> None:
    good = amazon.pem
    key = amazon.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = x509.load_pem_x509_certificate(good).public_bytes(Encoding.DER)
    for pem in (
        b"",
        b"<html>no such key</html>",
        key,
        der,
        good + good,
        key + good,
        good + key,
        b"x" + good,
        good + b"trailing data",
        good[:-40],
        good.replace(b"CERTIFICATE", b"X509 CRL"),
        good.replace(b"M", b"!", 1),
    ):
        amazon.pem = pem
        with pytest.raises(Forged):
            verify(amazon.notice("x"), amazon)
    amazon.pem = b"\r\n" + good.replace(b"\n", b"\r\n") + b"\r\n"
    verify(amazon.notice("x"), amazon)


def test_without_the_certificate_SNS_is_asked_to_come_again(amazon: FakeAmazon) -> None:
    amazon.away = True
    with pytest.raises(Unavailable):
        verify(amazon.notice("x"), amazon)


# --- time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "late"),
    [
        (timedelta(0), False),
        (WINDOW, False),
        (WINDOW + timedelta(seconds=1), True),
        (OLDEST, True),
        (-FUTURE, False),
        (-FUTURE - timedelta(seconds=1), True),
        (-timedelta(days=300), True),
    ],
)
def test_a_genuine_notice_outside_the_window_is_marked_late(
    age: timedelta, late: bool, amazon: FakeAmazon, clock: FakeClock
) -> None:
    notice = verify(amazon.notice("x"), amazon, now=clock.now + age)
    assert notice.late is late


def test_what_no_queue_keeps_so_long_is_a_replay(amazon: FakeAmazon, clock: FakeClock) -> None:
    with pytest.raises(Forged, match="older"):
        verify(amazon.notice("x"), amazon, now=clock.now + OLDEST + timedelta(seconds=1))


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-13-01T00:00:00Z", "1763802000", "\x00"])
def test_a_Timestamp_is_a_time(stamp: str, amazon: FakeAmazon) -> None:
    with pytest.raises(Forged):
        verify(amazon.notice("x", Timestamp=stamp), amazon)


def test_a_Timestamp_without_zone_is_UTC(amazon: FakeAmazon, clock: FakeClock) -> None:
    notice = verify(amazon.notice("x", Timestamp="2026-11-22T09:00:00.000"), amazon)
    assert notice.sent_at == clock.now


# --- reality --------------------------------------------------------------------------------

AWS_TOPIC = "arn:aws:sns:us-west-2:131990247566:dongie-standard-topic"
AWS_DAY = datetime(2026, 3, 6, 20, 10, tzinfo=UTC)
AWS_SIGNED = sorted((DATA / "aws-signed").glob("*.json"))


def amazons_own(url: str) -> bytes:
    return (DATA / "aws-signed" / url.rpartition("/")[2]).read_bytes()


@pytest.mark.parametrize("path", AWS_SIGNED, ids=lambda path: path.stem)
def test_what_Amazon_itself_signed_is_verified(path: Path) -> None:
    """Version 2 through the door; version 1 proves our reading of the string to sign."""
    fields = json.loads(path.read_text())
    if fields["SignatureVersion"] == "2":
        notice = sns.verify(
            path.read_bytes(), {}, topics=(AWS_TOPIC,), certificate=amazons_own, now=AWS_DAY
        )
        assert notice.message == fields["Message"]
        assert not notice.late
    else:
        key = x509.load_pem_x509_certificate(amazons_own(fields["SigningCertURL"])).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(
            base64.b64decode(fields["Signature"]),
            sns.string_to_sign(fields),
            padding.PKCS1v15(),
            SHA1(),
        )
        with pytest.raises(Forged, match="SignatureVersion 2"):
            sns.verify(
                path.read_bytes(), {}, topics=(AWS_TOPIC,), certificate=amazons_own, now=AWS_DAY
            )


def test_Amazons_messages_are_no_good_any_more_today() -> None:
    path = DATA / "aws-signed" / "test-notification-signature-v2.json"
    with pytest.raises(Forged, match="not valid today"):
        sns.verify(
            path.read_bytes(),
            {},
            topics=(AWS_TOPIC,),
            certificate=amazons_own,
            now=datetime(2026, 11, 22, tzinfo=UTC),
        )


@pytest.mark.parametrize("path", sorted(DATA.glob("sns-*.json")), ids=lambda path: path.stem)
def test_the_sample_envelopes_are_read(path: Path) -> None:
    def look() -> SignedNotice:
        return sns.verify(
            path.read_bytes(),
            {},
            topics=("arn:aws:sns:eu-west-1:111122223333:relay-events",),
            certificate=lambda _url: (DATA / "sns-test-cert.pem").read_bytes(),
            now=datetime(2026, 3, 2, 9, 16, tzinfo=UTC),
        )

    if path.stem.endswith("v2"):
        assert look().message == json.loads(path.read_text())["Message"]
    else:
        with pytest.raises(Forged):
            look()


# --- fetching certificates ------------------------------------------------------------------


@pytest.fixture
def shop(certificate: bytes) -> Iterator[Server]:
    """Where the certificate lies."""
    with serve() as server:
        server.answers[:] = [Answer(body=certificate)]
        yield server


def test_a_certificate_is_fetched_once(shop: Server, certificate: bytes) -> None:
    fetch = sns.FetchedCertificates()
    assert [fetch(f"{shop.url}/a.pem") for _ in range(3)] == [certificate] * 3
    assert [request.path for request in shop.requests] == ["/a.pem"]
    fetch(f"{shop.url}/b.pem")  # a new URL is a new certificate
    assert [request.path for request in shop.requests] == ["/a.pem", "/b.pem"]


def test_a_flood_of_notices_is_one_fetch(shop: Server, certificate: bytes) -> None:
    shop.answers[:] = [Answer(body=certificate, after=(go := threading.Event()))]
    fetch = sns.FetchedCertificates()
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(fetch, f"{shop.url}/a.pem") for _ in range(8)]
        go.set()
        assert {each.result() for each in waiting} == {certificate}
    assert len(shop.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, b"<Error/>"),
        Answer(503, b""),
        Answer(302, b"", {"Location": "http://127.0.0.1:1/evil.pem"}),
        Answer(200, b"-----BEGIN CERTIFICATE-----" + b"x" * 17_000),
        Answer(200, b"<html>welcome to the hotel's network</html>"),
        Answer(200, b""),
        Answer(hang_up=True),
    ],
)
def test_a_failed_fetch_is_our_trouble_and_soon_forgotten(
    answer: Answer, shop: Server, certificate: bytes
) -> None:
    class Impatient(sns.FetchedCertificates):
        PENALTY = 0.0

    fetch, soon = sns.FetchedCertificates(), Impatient()
    shop.answers[:] = [answer]
    for each in (fetch, soon):
        with pytest.raises(Unavailable):
            each(f"{shop.url}/a.pem")
    asked = len(shop.requests)

    shop.answers[:] = [Answer(body=certificate)]
    with pytest.raises(Unavailable):  # not asked again at once
        fetch(f"{shop.url}/a.pem")
    assert len(shop.requests) == asked
    assert soon(f"{shop.url}/a.pem") == certificate


def test_the_simulators_certificate_may_come_later(tmp_path: Path, certificate: bytes) -> None:
    path = tmp_path / "sns-certificate.pem"
    fetch = sns.simulator_certificate(path)
    with pytest.raises(Unavailable):
        fetch("https://any.example/")
    path.write_bytes(certificate)
    assert fetch("https://any.example/") == certificate


# --- confirming -----------------------------------------------------------------------------


def test_a_subscription_is_confirmed_by_the_API() -> None:
    asked: list[dict[str, str]] = []

    class Client:
        def confirm_subscription(self, **parameters: str) -> None:
            asked.append(parameters)

    sns.api_confirmer(Client)(TOPIC, "a-token")
    assert asked == [{"TopicArn": TOPIC, "Token": "a-token", "AuthenticateOnUnsubscribe": "true"}]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "InvalidParameter"}}, "ConfirmSubscription"),
        EndpointConnectionError(endpoint_url="https://sns.us-east-1.amazonaws.com"),
    ],
)
def test_a_failed_confirmation_is_asked_for_again(error: Exception) -> None:
    class Client:
        def confirm_subscription(self, **_: str) -> None:
            raise error

    with pytest.raises(Unavailable):
        sns.api_confirmer(Client)(TOPIC, "a-token")
