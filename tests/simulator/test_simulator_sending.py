"""SendEmail: what is accepted, what is kept, what is refused and how."""

import base64
import contextlib
import json

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_rig import MAIL, Simulator

from simulator import drafts
from simulator.errors import AwsError


def request(raw: bytes = MAIL, **more: object) -> dict[str, object]:
    content = {"Raw": {"Data": base64.b64encode(raw).decode()}}
    return {"Destination": {"ToAddresses": ["ada@company.example"]}, "Content": content} | more


def test_a_mail_is_kept_byte_for_byte(simulator: Simulator) -> None:
    raw = MAIL.replace(b"Good day.", b"8-bit \xe9, a lone dot\r\n.\r\nand tail  ")

    message_id = simulator.send("ada@company.example", raw=raw)

    assert simulator.open(f"/mails/{message_id}/raw?form=submitted")[2] == raw


def test_a_recipient_sees_the_message_id_and_date_of_ses_and_none_of_its_commands(
    simulator: Simulator,
) -> None:
    raw = MAIL.replace(
        b"Subject:", b"X-SES-MESSAGE-TAGS: a=b,\r\n c=d\r\nX-Kept: yes,\r\n\tand more\r\nSubject:"
    )

    message_id = simulator.send("ada@company.example", raw=raw)
    delivered = simulator.open(f"/mails/{message_id}/raw")[2]

    assert f"Message-ID: <{message_id}@email.amazonses.com>\r\n".encode() in delivered
    assert b"own@shop.example" not in delivered
    assert delivered.count(b"\r\nDate: ") == 1
    assert b"2 Mar 2026" not in delivered
    assert b"X-SES" not in delivered
    assert b"c=d" not in delivered
    assert b"X-Kept: yes,\r\n\tand more\r\n" in delivered
    assert delivered.endswith(b"\r\n\r\nGood day.\r\n")


def test_simple_content_becomes_a_mail(simulator: Simulator) -> None:
    content = {
        "Simple": {
            "Subject": {"Data": "Grüße", "Charset": "UTF-8"},
            "Body": {"Text": {"Data": "Hello"}, "Html": {"Data": "<b>Hello</b>"}},
            "Headers": [{"Name": "X-Shop", "Value": "1"}],
            "Attachments": [{"RawContent": b"a,b\n", "FileName": "orders.csv"}],
        }
    }

    message_id = simulator.send("ada@company.example", Content=content)
    mail = simulator.json(f"/mails/{message_id}")
    raw = simulator.open(f"/mails/{message_id}/raw")[2]

    assert mail["subject"] == "Grüße"
    assert {"name": "X-Shop", "value": "1"} in mail["headers"]
    assert b"orders.csv" in raw
    assert b"<b>Hello</b>" in raw


def test_a_mail_without_destination_goes_to_those_in_its_headers(simulator: Simulator) -> None:
    raw = MAIL.replace(b"Subject:", b'Cc: "Babbage, C." <charles@company.example>\r\nSubject:')

    message_id = simulator.send(raw=raw, Destination={})

    found = simulator.json(f"/mails/{message_id}")["destination"]
    assert found == ["ada@company.example", "charles@company.example"]


def test_tags_and_configuration_set_come_from_headers_only_if_the_call_has_none() -> None:
    raw = MAIL.replace(
        b"Subject:",
        b"X-SES-CONFIGURATION-SET: other\r\nX-SES-MESSAGE-TAGS: a=b, c=d\r\nSubject:",
    )

    by_header = drafts.parse(request(raw))
    by_call = drafts.parse(
        request(raw, EmailTags=[{"Name": "e", "Value": "f"}], ConfigurationSetName="postreeve")
    )

    assert (by_header.tags, by_header.configuration_set) == ({"a": "b", "c": "d"}, "other")
    assert (by_call.tags, by_call.configuration_set) == ({"e": "f"}, "postreeve")


REFUSED = {
    "an address without domain": (
        {"Destination": {"ToAddresses": ["ada"]}},
        "BadRequestException",
    ),
    "an address with a space": (
        {"Destination": {"CcAddresses": ["a b@company.example"]}},
        "BadRequestException",
    ),
    "a local part that is not ASCII": (
        {"Destination": {"ToAddresses": ["jürgen@company.example"]}},
        "BadRequestException",
    ),
    "51 recipients": (
        {"Destination": {"ToAddresses": [f"a{n}@company.example" for n in range(51)]}},
        "BadRequestException",
    ),
    "a tag with bad characters": (
        {"EmailTags": [{"Name": "a b", "Value": "c"}]},
        "BadRequestException",
    ),
    "a tag value with bad characters": (
        {"EmailTags": [{"Name": "a", "Value": "c@d"}]},
        "BadRequestException",
    ),
    "an unknown configuration set": ({"ConfigurationSetName": "nowhere"}, "NotFoundException"),
    "no content": ({"Content": {}}, "BadRequestException"),
    "an unknown template": ({"Content": {"Template": {"TemplateName": "x"}}}, "NotFoundException"),
    "an unknown contact list": (
        {"ListManagementOptions": {"ContactListName": "x"}},
        "NotFoundException",
    ),
    "a header twice": (
        {"Content": {"Raw": {"Data": b"Subject: again\r\n" + MAIL}}},
        "BadRequestException",
    ),
    "no From header": (
        {"Content": {"Raw": {"Data": b"Subject: x\r\n\r\nbody"}}},
        "BadRequestException",
    ),
    "a line that is too long": (
        {"Content": {"Raw": {"Data": MAIL + b"x" * 1000 + b"\r\n"}}},
        "BadRequestException",
    ),
    "an attached program": (
        {
            "Content": {
                "Raw": {
                    "Data": MAIL + b'Content-Disposition: attachment; filename="run me.EXE"\r\n'
                }
            }
        },
        "BadRequestException",
    ),
}


@pytest.mark.parametrize(("more", "code"), REFUSED.values(), ids=REFUSED)
def test_ses_refuses(simulator: Simulator, more: dict[str, object], code: str) -> None:
    before = simulator.json("/mails/count")["count"]

    with pytest.raises(ClientError) as refused:
        simulator.send(*([] if "Destination" in more else ["ada@company.example"]), **more)

    assert refused.value.response["Error"]["Code"] == code
    assert type(refused.value).__name__ == code
    assert refused.value.response["Error"]["Message"]
    assert simulator.json("/mails/count")["count"] == before


def test_a_mail_may_be_40_megabytes_and_not_a_byte_more() -> None:
    line = b"x" * 98 + b"\r\n"
    room = drafts.SIZE_LIMIT - len(MAIL)
    fits = MAIL + line * (room // 100) + b"y" * (room % 100)

    assert len(drafts.parse(request(fits)).raw) == drafts.SIZE_LIMIT
    with pytest.raises(AwsError, match="more than 41943040 bytes"):
        drafts.parse(request(fits + b"y"))


def test_lines_may_be_1000_characters_with_their_end() -> None:
    drafts.parse(request(MAIL + b"x" * 998 + b"\r\n"))

    with pytest.raises(AwsError, match="1000 characters"):
        drafts.parse(request(MAIL + b"x" * 999 + b"\r\n"))


def test_a_call_without_signature_is_turned_away(simulator: Simulator) -> None:
    body = json.dumps(request()).encode()

    status, headers, _ = simulator.open("/v2/email/outbound-emails", "POST", body)

    assert (status, headers["x-amzn-ErrorType"]) == (403, "MissingAuthenticationTokenException")


def test_an_operation_that_is_not_simulated_says_so(simulator: Simulator) -> None:
    with pytest.raises(ClientError) as refused:
        simulator.aws("sesv2").list_contact_lists()

    assert refused.value.response["Error"]["Code"] == "UnknownOperationException"


def test_with_manual_verification_only_verified_senders_may_send(simulator: Simulator) -> None:
    ses = simulator.aws("sesv2")
    simulator.control(verify_identities="manual")
    ses.create_email_identity(EmailIdentity="manual.example")

    def send() -> str:
        raw = MAIL.replace(b"shop@shop.example", b"shop@news.manual.example")
        sender = "shop@news.manual.example"
        return simulator.send("ada@company.example", raw=raw, FromEmailAddress=sender)

    with pytest.raises(ses.exceptions.MessageRejected, match="not verified"):
        send()
    simulator.control(identities={"manual.example": "SUCCESS"})
    assert send()


def test_an_unknown_sender_is_accepted_unless_told_otherwise(simulator: Simulator) -> None:
    assert simulator.send("ada@company.example")

    simulator.control(unknown_senders="reject")

    with pytest.raises(ClientError, match="not verified"):
        simulator.send("ada@company.example")


WORDS = st.sampled_from(["", "a", "a@b.example", "Ada <a@b.example>", "é", "a b", "x\r\ny", "@"])
MEMBERS = ["ToAddresses", "Name", "Value", "Raw", "Data", "Simple", "Subject", "Body", "Text"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=3)
    ),
    max_leaves=8,
)
PLACES = ["EmailTags", "Destination", "Content", "FromEmailAddress", "ListManagementOptions"]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=100), st.dictionaries(st.sampled_from(PLACES), JSON, max_size=3))
def test_whatever_comes_is_accepted_or_refused_as_ses_does(
    head: bytes, more: dict[str, object]
) -> None:
    with contextlib.suppress(AwsError):
        assert drafts.parse(request(head + MAIL) | more).destination
