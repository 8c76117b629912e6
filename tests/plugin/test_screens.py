"""The tabs Mails, Domain and Settings, and what the owner has the relay do: over HTTP, without JavaScript."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.plugin.relays import KEY, FakeRelay, a_domain, a_suppression
from tests.plugin.screens import (
    DOMAIN,
    MAILS,
    SCREEN,
    SETTINGS,
    SUPPRESSIONS,
    fresh,
    log_in,
    press,
    send_test_mail,
)
from tests.plugin.visitors import Visitor
from tests.wordpress import sites

SCRIPTS = Path(__file__).parent / "scripts"
DASHBOARD = "/wp-admin/index.php"
DIAGNOSIS = {
    "class": "policy_related",
    "parameters": {"domain": "company.example", "code": "550 5.7.1"},
    "vendor": "mimecast",
}

pytestmark = pytest.mark.wordpress


def asked(relay: FakeRelay, method: str = "GET") -> list[str]:
    """The paths that were asked for since the last look."""
    paths = [each["path"] for each in relay.requests if each["method"] == method]
    relay.requests.clear()
    return paths


def restrict(relay: FakeRelay, state: str = "limited", **lanes: str) -> None:
    """The relay limits the site because of complaints, or is stricter."""
    relay.account["site"]["state"] = state
    relay.account["standing"] = {
        "state": state,
        "cause": "complaints",
        "since": "2026-11-20T10:00:00Z",
        "reason": "9 complaints in 3 days",
        "lanes": lanes or {"transactional": "goes", "marketing": "held"},
        "held": {"standing": 40},
        "streams": [],
    }


@contextmanager
def silence(site: sites.Site) -> Iterator[None]:
    """The relay answers nobody."""
    plugin = site.path / "wp-content" / "mu-plugins" / "away.php"
    plugin.write_text(
        "<?php add_filter( 'pre_http_request', function () {\n"
        "\treturn new WP_Error( 'http_request_failed', 'timed out' );\n"
        "} );\n"
    )
    try:
        yield
    finally:
        plugin.unlink()


class TestStatus:
    def test_the_checklist_leads_to_live(self, owner: Visitor, relay: FakeRelay) -> None:
        page = owner.get(SCREEN)

        assert "Now Connect this site with a relay" in page.text
        assert "Then Verify the domain you send from" in page.text

    def test_it_goes_when_the_site_is_live(self, connected: Visitor) -> None:
        assert "On the way to live" in connected.get(SCREEN).text

        page = press(connected, "go-live")

        assert "On the way to live" not in page.text
        assert "All well." in page.text

    def test_a_delivered_test_mail_is_ticked_off(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        page = send_test_mail(connected)
        assert "It is on its way." in connected.get(SCREEN).text
        relay.settle("delivered")

        connected.get(page.url)

        assert "Done Send a test mail and see it delivered" in connected.get(SCREEN).text

    def test_a_test_mail_that_the_relay_did_not_take_is_not_followed_by_all_well(
        self, connected: Visitor, disconnected: sites.Site
    ) -> None:
        press(connected, "go-live")

        with silence(disconnected):
            page = send_test_mail(connected)
            again = connected.get(SCREEN)

        assert "It is kept here and tried again." in page.text
        for each in (page, again):
            assert 'data-summary="relay-unreachable"' in each.html
            assert "All well." not in each.text

    def test_a_limited_site_sees_what_goes_what_waits_and_why(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        restrict(relay)

        page = connected.get(fresh(SCREEN))

        assert "Limited Because of too many complaints of readers." in page.text
        assert "9 complaints in 3 days" in page.text
        assert "Receipts, form mail and the like Goes out" in page.text
        assert "Newsletters Waits at the relay" in page.text
        assert "40 mails wait at the relay" in page.text

    def test_an_older_relay_without_appeals_breaks_nothing(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        restrict(relay)

        page = connected.get(fresh(SCREEN))

        assert page.status == 200
        assert 'value="appeal"' not in page.html

    def test_the_owner_appeals_and_reads_the_answer(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        restrict(relay)
        relay.appeals = []

        page = press(connected, "appeal", fresh(SCREEN), text="A form was abused.\nIt is closed.")

        assert "Your appeal has arrived." in page.text
        assert relay.appeals[0]["text"] == "A form was abused.\nIt is closed."
        assert "Answered by" in page.text
        assert 'value="appeal"' not in page.html, "one is open at a time"

        relay.appeals[0].update(decision="declined", answer="The plugin is still there.")
        page = connected.get(fresh(SCREEN))
        assert "Declined The plugin is still there." in page.text
        assert 'value="appeal"' in page.html

    def test_limits_are_numbers_with_a_bar_beside_them(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        relay.account["allowances"] = [
            {"limit": "site-day", "allowed": 500, "used": 125, "remaining": 375, "resets": 60},
            {"limit": "requests", "allowed": 3000, "used": 1, "remaining": 2999, "resets": 60},
        ]

        page = connected.get(fresh(SCREEN))

        assert "Today Receipts and the like 125 of 500" in page.text
        assert "inline-size: 25%" in page.html
        assert "3,000" not in page.text

    def test_the_owner_sees_which_plugins_and_forms_send_and_which_is_stopped(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        shop = {"plugin": "woocommerce", "form": None, "used": 12, "allowed": 1000}
        form = {"plugin": "forms", "form": "<b>7</b>", "used": 500, "allowed": 500}
        relay.account["sources"] = [
            {**form, "open_until": tomorrow},
            {**shop, "open_until": "2026-01-01T10:00:00Z"},
        ]

        page = connected.get(fresh(SCREEN))

        assert "Which plugins and forms send" in page.text
        assert "forms / ‹b›7‹/b› 500 of 500 Stopped until" in page.text
        assert "<b>7</b>" not in page.html
        assert "woocommerce 12 of 1,000 Goes out" in page.text
        assert "See whether strangers use it." in page.text

    @pytest.mark.parametrize(
        ("state", "lanes", "says"),
        [
            ("warned", {"transactional": "goes", "marketing": "goes"}, "Goes out"),
            ("limited", {"transactional": "goes", "marketing": "held"}, "Limited"),
            ("suspended", {"protected": "goes", "transactional": "refused"}, "Suspended"),
            ("terminated", {"protected": "refused", "transactional": "refused"}, "Closed"),
        ],
    )
    def test_a_plugin_s_mail_is_said_to_go_out_only_where_all_mail_of_the_site_does(
        self, connected: Visitor, relay: FakeRelay, state: str, lanes: dict[str, str], says: str
    ) -> None:
        restrict(relay, state, **lanes)
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        shop = {"plugin": "shop", "form": None, "used": 12, "allowed": 1000}
        relay.account["sources"] = [shop, shop | {"plugin": "forms", "open_until": tomorrow}]

        page = connected.get(fresh(SCREEN))

        assert f"shop 12 of 1,000 {says}" in page.text
        assert "forms 12 of 1,000 Stopped until" in page.text
        assert ("all other mail goes on" in page.text) == (lanes["transactional"] == "goes")

    def test_a_plugin_s_mail_is_not_said_to_go_out_while_no_domain_is_verified(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        shop = {"plugin": "shop", "form": None, "used": 12, "allowed": 1000}
        relay.account |= {"ready": False, "sources": [shop]}

        assert "shop 12 of 1,000 Is refused" in connected.get(fresh(SCREEN)).text

    def test_a_new_account_is_not_told_that_all_its_mail_is_refused_for_its_owner_s_goes_out(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        lanes = ("protected", "transactional", "notification", "marketing")
        restrict(relay, "pending", **dict.fromkeys(lanes, "refused"))
        relay.account["ready"] = False

        page = connected.get(fresh(SCREEN))

        assert "Until then only mail to the account's owner goes out." in page.text
        assert "Standing Waiting for approval" in page.text
        assert "Is refused" not in page.text

    @pytest.mark.parametrize("sources", [None, [], "many", ["shop"]])
    def test_a_relay_that_tells_no_sources_has_no_table_of_them(
        self, connected: Visitor, relay: FakeRelay, sources: object
    ) -> None:
        relay.account["sources"] = sources

        page = connected.get(fresh(SCREEN))

        assert page.status == 200
        assert "Which plugins and forms send" not in page.text


class TestMails:
    def test_the_same_is_not_asked_twice_in_a_minute(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        connected.get(MAILS)
        connected.get(MAILS)
        assert asked(relay) == ["/v1/messages?limit=20"]

        connected.get(fresh(MAILS))
        assert asked(relay) == ["/v1/messages?limit=20"]

    def test_an_unreachable_relay_shows_the_last_good_list_with_its_age(
        self, connected: Visitor, relay: FakeRelay, disconnected: sites.Site
    ) -> None:
        send_test_mail(connected, to="ada@x.example")
        connected.get(MAILS)
        late = disconnected.path / "wp-content" / "mu-plugins" / "time.php"

        with silence(disconnected):
            page = connected.get(MAILS)
            lost = connected.get(f"{MAILS}&s=bob@x.example")
            late.write_text(
                "<?php namespace Postreeve; function time() { return \\time() + 120; }\n"
            )
            old = connected.get(MAILS)
            asked_again = connected.get(fresh(MAILS))

        late.unlink()
        assert "ada@x.example" in page.text
        assert "You see what was known" not in page.text, "a minute has not gone by"
        assert "ada@x.example" in old.text
        assert "You see what was known 2 min" in old.text
        assert "ada@x.example" in asked_again.text
        assert "cannot be reached at the moment (timed out)" in old.text
        assert "cannot be reached at the moment (timed out)" in lost.text
        assert "ada@x.example" not in lost.text

    def test_what_is_remembered_is_sealed_and_holds_no_key(
        self, connected: Visitor, relay: FakeRelay, disconnected: sites.Site
    ) -> None:
        send_test_mail(connected, to="ada@x.example")
        connected.get(MAILS)

        dump = disconnected.path / "wp-content" / "mu-plugins" / "dump.php"
        dump.write_text(
            "<?php add_action( 'admin_footer', function () { global $wpdb;\n"
            "\techo '<pre>' . esc_html( implode( '|', $wpdb->get_col( \"SELECT option_value FROM"
            " $wpdb->options WHERE option_name LIKE '%postreeve_seen%'\" ) ) ) . '</pre>';\n} );\n"
        )
        page = connected.get("/wp-admin/options-privacy.php")

        dump.unlink()
        assert "v1:" in page.text
        assert "ada@x.example" not in page.text

    def test_the_relay_filters_and_searches(self, connected: Visitor, relay: FakeRelay) -> None:
        send_test_mail(connected, to="ada@x.example")
        relay.settle("delivered")
        send_test_mail(connected, to="bob@x.example")
        relay.requests.clear()

        for question, people, asks in (
            ("status=delivered", {"ada"}, "limit=20&status=delivered%2Cno_report"),
            ("status=moving", {"bob"}, "limit=20&status=queued%2Csending%2Csent%2C"),
            ("s=BOB", {"bob"}, "limit=20&q=BOB"),
            ("s=bob%40x.example", {"bob"}, "limit=20&recipient=bob%40x.example"),
            ("s=ada&status=moving", set(), "limit=20&status=queued%2C"),
        ):
            page = connected.get(f"{MAILS}&{question}")

            assert {who for who in ("ada", "bob") if f"{who}@x.example" in page.text} == people
            (path,) = asked(relay)
            assert path.startswith(f"/v1/messages?{asks}"), path

    def test_a_filter_shows_only_the_copies_that_it_is_about(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        send_test_mail(connected, to="ada@x.example")
        (message,) = relay.messages.values()
        (ada,) = message["recipients"]
        message["recipients"].append(ada | {"address": "bob@x.example", "status": "bounced"})

        bounced = connected.get(f"{MAILS}&status=problems").text
        found = connected.get(f"{MAILS}&s=bob@").text
        subject = connected.get(f"{MAILS}&s=test").text

        for text, people in (
            (bounced, (False, True)),
            (found, (False, True)),
            (subject, (True, True)),
        ):
            assert ("ada@x.example" in text, "bob@x.example" in text) == people

    @pytest.mark.parametrize(
        ("filter", "says"),
        [
            ("moving", "No mail is on its way."),
            ("delivered", "No mail was delivered yet."),
            ("held", "No mail is held. A mail stands here while"),
            ("problems", "No mail has a problem."),
            ("held&s=ada", 'No mail with "ada" in its address or subject is under "Held".'),
            ("&s=100%25", 'No mail has "100%" in its address or subject.'),
        ],
    )
    def test_an_empty_list_says_why_it_is_empty(
        self, connected: Visitor, relay: FakeRelay, filter: str, says: str
    ) -> None:
        page = connected.get(f"{MAILS}&status={filter}")

        assert says in page.text
        assert "Show all" in page.text

    def test_one_letter_is_not_searched_for(self, connected: Visitor, relay: FakeRelay) -> None:
        page = connected.get(f"{MAILS}&s=a")

        assert "Enter at least two letters to search for." in page.text
        assert asked(relay) == []

    def test_a_list_says_how_many_it_shows(self, connected: Visitor, relay: FakeRelay) -> None:
        for number in range(21):
            relay.take("owner@shop.example", f"p{number}@x.example", "Hello")

        first = connected.get(f"{MAILS}&s=x.example")
        second = connected.get(first.link("Older"))

        assert "20 mails, newest first. There are older ones." in first.text
        assert "1 mail, newest first." in second.text
        assert "p0@x.example" in second.text
        assert asked(relay)[1].startswith("/v1/messages?limit=20&cursor=")
        assert "&s=x.example" in second.url

    def test_a_look_that_ended_early_goes_on_from_there(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        relay.looks_at = 2
        relay.take("owner@shop.example", "ada@x.example", "The needle")
        for _ in range(2):
            relay.take("owner@shop.example", "ada@x.example", "Hay")

        first = connected.get(f"{MAILS}&s=needle&status=moving")
        second = connected.get(first.link("Look further back"))

        assert "Of the mails since" in first.text
        assert "none fits. Older ones may." in first.text
        assert "The needle" in second.text
        assert "status=moving" in second.url

    def test_a_search_does_not_take_the_place_of_the_list_that_is_remembered(
        self, connected: Visitor, relay: FakeRelay, disconnected: sites.Site
    ) -> None:
        send_test_mail(connected, to="ada@x.example")
        connected.get(MAILS)
        connected.get(f"{MAILS}&status=held")

        with silence(disconnected):
            remembered = connected.get(fresh(MAILS))
            held = connected.get(fresh(f"{MAILS}&status=held"))
            never = connected.get(f"{MAILS}&status=delivered")

        assert "ada@x.example" in remembered.text
        assert "No mail is held." in held.text
        assert "You see what was known" in held.text
        assert "cannot be reached at the moment (timed out)" in never.text
        assert "This was not asked before, so there is no answer to show." in never.text

    def test_a_mail_s_page_of_a_site_that_is_no_longer_connected_says_so(
        self, owner: Visitor
    ) -> None:
        page = owner.get(f"{SCREEN}&mail=018f")

        assert "As soon as this site sends its mail through a relay" in page.text
        assert "Connect this site" in page.text

    def test_older_mails_are_a_cursor_away(self, connected: Visitor, relay: FakeRelay) -> None:
        connected.get(f"{MAILS}&cursor=018f")

        assert asked(relay) == ["/v1/messages?limit=20&cursor=018f"]

    def test_a_mail_s_page_can_be_loaded_anew(self, connected: Visitor, relay: FakeRelay) -> None:
        send_test_mail(connected, to="ada@x.example")
        (identifier,) = relay.messages

        page = connected.get(connected.get(MAILS).link("ada@x.example"))
        anew = connected.get(page.address_bar)

        assert identifier in page.address_bar
        assert "Back to all mails" in anew.text

    def test_a_bounce_is_explained_in_our_words(self, connected: Visitor, relay: FakeRelay) -> None:
        send_test_mail(connected, to="ada@company.example")
        relay.settle("bounced", summary="550 5.7.1 no")
        ((identifier, message),) = relay.messages.items()
        message["recipients"][0]["events"][-1]["data"] = {
            "diagnosis": DIAGNOSIS,
            "follows": {"code": "re-probe", "at": "2026-12-01T10:00:00Z"},
            "diagnosticCode": "550 5.7.1 Rejected by policy",
        }

        page = connected.get(f"{SCREEN}&mail={identifier}")

        for words in (
            "The mail server of company.example (Mimecast) refused this mail because of its own",
            "not a fault of the address",
            "The relay tries once more. (December 1, 2026",
            "550 5.7.1 Rejected by policy",
            "Ended here The receiving server has not accepted it",
        ):
            assert words in page.text

    def test_a_suppression_is_contested_where_its_mail_is_shown(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        send_test_mail(connected, to="ada@x.example")
        relay.settle("bounced")
        relay.suppressions.append(a_suppression("ada@x.example"))
        (identifier,) = relay.messages
        screen = f"{SCREEN}&mail={identifier}"

        page = press(connected, "contest", screen)

        assert "In three days one mail is sent there, and its answer decides." in page.text
        assert "You contested it: one mail will tell." in page.text
        planned = datetime.now(UTC) + timedelta(days=3)
        assert f"It is tried on {planned:%B} {planned.day}, {planned.year}" in page.text
        assert "(in 3 days)." in page.text
        assert "/v1/suppressions/0123/contest" in asked(relay, "POST")

    def test_addresses_not_mailed_are_listed_and_lifted(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        assert "None. When mail to an address comes back" in connected.get(SUPPRESSIONS).text
        relay.suppressions.append(a_suppression("ada@x.example"))
        assert "ada@x.example Not mailed Mail came back" in connected.get(fresh(SUPPRESSIONS)).text

        page = press(connected, "lift", SUPPRESSIONS)

        assert "The address may be mailed again." in page.text
        assert "You lifted it." in page.text

    def test_a_complaint_cannot_be_lifted_here(self, connected: Visitor, relay: FakeRelay) -> None:
        entry = a_suppression("ada@x.example", reason="complaint", liftable=False)
        relay.suppressions.append(entry)

        page = connected.get(SUPPRESSIONS)

        assert "Only the person can take a complaint back" in page.text
        assert 'value="lift"' not in page.html

    def test_a_mail_is_sent_again_to_a_corrected_address(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        send_test_mail(connected, to="ada@x.example")
        relay.settle("bounced")
        (identifier,) = relay.messages

        page = press(connected, "resend", f"{SCREEN}&mail={identifier}", to="eda@x.example")

        assert "The mail is sent again, as a new one." in page.text
        (resent,) = (each for each in relay.requests if each["path"].endswith("/resend"))
        assert resent["json"] == {"to": ["eda@x.example"]}

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            (
                None,
                "The relay no longer keeps the content of this mail, so it cannot be sent again.",
            ),
            ({"written_by": "relay"}, "The relay wrote this mail itself; only the relay sends it."),
        ],
    )
    def test_where_a_mail_cannot_be_sent_again_words_take_the_button_s_place(
        self, source: dict[str, str] | None, words: str, connected: Visitor, relay: FakeRelay
    ) -> None:
        send_test_mail(connected, to="ada@x.example")
        relay.settle("delivered")
        (message,) = relay.messages.values()
        address = f"{SCREEN}&mail={message['id']}"
        assert 'value="resend"' in connected.get(address).html

        message |= {"resendable": False, "source": source}

        page = connected.get(address)
        assert words in page.text
        assert "Send again" not in page.text
        assert 'value="resend"' not in page.html

    def test_a_mail_is_not_sent_again_to_nonsense(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        send_test_mail(connected, to="ada@x.example")
        relay.settle("bounced")
        (identifier,) = relay.messages

        page = press(connected, "resend", f"{SCREEN}&mail={identifier}", to="nonsense")

        assert "That is not an e-mail address." in page.text
        assert not [each for each in relay.requests if each["path"].endswith("/resend")]


class TestDomain:
    def test_without_a_domain_the_page_says_what_one_is_for(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        assert "No domain yet." in connected.get(DOMAIN).text

    def test_the_owner_adds_one_and_sees_its_records(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        page = press(connected, "add-domain", DOMAIN, domain="https://Shop.example/blog")

        assert relay.domains[0]["name"] == "shop.example"
        for words in (
            "_postreeve.shop.example",
            "postreeve-account=abc",
            "Proves that the domain is yours required",
            "Not right yet Nothing is published there yet.",
            "Send them this link.",
        ):
            assert words in page.text
        assert "https://relay.example/setup/abc" in page.html

    def test_check_now_asks_the_relay_to_look(self, connected: Visitor, relay: FakeRelay) -> None:
        relay.domains.append(a_domain("shop.example"))

        page = press(connected, "check-domain", DOMAIN)

        assert "The relay has just looked." in page.text
        assert "/v1/domains/shop.example/check" in asked(relay, "POST")

    def test_after_three_days_the_record_in_the_way_is_named(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        relay.domains.append(a_domain("shop.example"))
        assert "What is in the way" not in connected.get(DOMAIN).text

        relay.domains[0]["created_at"] = "2026-01-01T10:00:00Z"
        page = connected.get(fresh(DOMAIN))

        assert "What is in the way is the TXT record _postreeve.shop.example." in page.text


class TestConnectingInTheBrowser:
    @pytest.fixture
    def sent(self, owner: Visitor, relay: FakeRelay) -> dict[str, str]:
        """What the relay's page is asked when the owner presses the button."""
        press(owner, "connect", SETTINGS, relay_url=relay.url)
        (path,) = (path for path in asked(relay) if path.startswith("/connect?"))
        return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}

    def back(self, sent: dict[str, str], **answer: str) -> str:
        """The address at which the browser comes back."""
        return sent["return"] + "".join(f"&{name}={value}" for name, value in answer.items())

    def test_the_site_says_who_it_is_and_keeps_the_secret(
        self, sent: dict[str, str], owner: Visitor
    ) -> None:
        assert sent["site"] == owner.site_url
        assert sent["return"] == f"{owner.site_url}{SETTINGS}"
        assert (sent["name"], sent["from"]) == ("Shop", "owner@shop.example")
        assert len(sent["state"]) == len(sent["challenge"]) == 43

    def test_the_browser_comes_back_and_the_server_fetches_the_key(
        self, sent: dict[str, str], owner: Visitor, relay: FakeRelay
    ) -> None:
        page = owner.get(self.back(sent, code="abc", state=sent["state"]))

        assert "Connected. Nothing of this site's mail has changed yet." in page.text
        assert 'data-state="ready"' in page.html
        (exchange,) = (each for each in relay.requests if each["path"] == "/v1/connect")
        assert "authorization" not in exchange["headers"]
        assert (exchange["json"]["code"], exchange["json"]["site"]) == ("abc", owner.site_url)
        digest = hashlib.sha256(exchange["json"]["verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == sent["challenge"]
        assert 'data-live="no"' in page.html

    def test_a_code_is_used_once(
        self, sent: dict[str, str], owner: Visitor, relay: FakeRelay
    ) -> None:
        owner.get(self.back(sent, code="abc", state=sent["state"]))
        page = owner.get(self.back(sent, code="abc", state=sent["state"]))

        assert "This connection was not begun here" in page.text
        assert len([each for each in relay.requests if each["path"] == "/v1/connect"]) == 1

    @pytest.mark.parametrize("state", ["", "another-state-of-some-length"])
    def test_somebody_else_s_code_connects_nothing(
        self, sent: dict[str, str], owner: Visitor, relay: FakeRelay, state: str
    ) -> None:
        page = owner.get(self.back(sent, code="evil", state=state))

        assert "This connection was not begun here" in page.text
        assert asked(relay, "POST") == []

    def test_going_back_without_agreeing_is_said(
        self, sent: dict[str, str], owner: Visitor, relay: FakeRelay
    ) -> None:
        page = owner.get(self.back(sent, error="access_denied", state=sent["state"]))

        assert "you came back without agreeing" in page.text
        assert asked(relay, "POST") == []

    def test_without_an_address_nothing_is_begun(self, owner: Visitor, relay: FakeRelay) -> None:
        page = press(owner, "connect", SETTINGS, relay_url="")

        assert "Enter the address of your relay first." in page.text


class TestDashboardAndAdminBar:
    def test_the_dashboard_counts_today_and_says_how_all_is(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        press(connected, "go-live")
        send_test_mail(connected)
        relay.settle("delivered")

        page = connected.get(DASHBOARD)

        assert "All well." in page.text
        assert "1 delivered today" in page.text
        assert "of these marked as spam" not in page.text
        assert "0 not delivered" in page.text

    def test_the_dashboard_counts_what_was_marked_as_spam_as_delivered(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        send_test_mail(connected)
        relay.settle("complained")

        page = connected.get(DASHBOARD)

        assert "1 delivered today 1 of these marked as spam" in page.text
        assert "0 not delivered" in page.text

    def test_the_admin_bar_is_silent_until_something_is_wrong(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        press(connected, "go-live")
        assert "wp-admin-bar-postreeve" not in connected.get(DASHBOARD).html

        fields = connected.get(SCREEN).form_with("action", "postreeve_test")
        relay.problem("sender-not-verified", 422, "No")
        connected.post("/wp-admin/admin-post.php", fields)
        assert "Mail: some is parked" in connected.get(DASHBOARD).text
        assert "Mail: some is parked" in connected.get("/").text

        press(connected, "send-parked")
        connected.get(SCREEN)
        assert "wp-admin-bar-postreeve" not in connected.get("/").html

    def test_the_admin_bar_warns_of_a_failing_domain_as_soon_as_any_screen_has_heard_of_it(
        self, connected: Visitor, relay: FakeRelay, disconnected: sites.Site
    ) -> None:
        press(connected, "go-live")
        relay.account["domains"] = [{"name": "shop.example", "status": "failing"}]
        disconnected.execute("DELETE FROM wp_options WHERE option_name LIKE '%postreeve_seen_%'")
        assert "shop.example: Its DNS records are missing." in connected.get(DASHBOARD).text
        relay.requests.clear()

        for page in (connected.get("/"), connected.get("/wp-admin/options-privacy.php")):
            assert "Domain: Its DNS records are missing" in page.text
        assert asked(relay) == [], "it is known already"

        relay.account["domains"] = [{"name": "shop.example", "status": "verified"}]
        connected.get(fresh(SCREEN))
        assert "Mail: all well again" in connected.get("/").text

    def test_on_the_site_s_pages_too_the_admin_bar_speaks_its_reader_s_language(
        self, connected: Visitor, relay: FakeRelay, disconnected: sites.Site
    ) -> None:
        press(connected, "go-live")
        relay.problem("sender-not-verified", 422, "No")
        send_test_mail(connected)
        german = disconnected.path / "wp-content" / "mu-plugins" / "german.php"
        german.write_text(
            "<?php foreach ( array( 'locale', 'determine_locale' ) as $filter ) {\n"
            "\tadd_filter( $filter, function () { return 'de_DE'; } );\n}\n"
        )

        page = connected.get("/")

        german.unlink()
        assert "E-Mail: einige zurückgelegt" in page.text


class TestStrangers:
    @pytest.mark.parametrize("button", ["add-domain", "check-domain"])
    @pytest.mark.parametrize("lacks", ["right", "nonce"])
    def test_nobody_else_has_the_relay_do_anything(
        self, editor: Visitor, connected: Visitor, relay: FakeRelay, button: str, lacks: str
    ) -> None:
        relay.domains.append(a_domain("shop.example"))
        fields = connected.get(DOMAIN).form_with("what", button) | {"domain": "shop.example"}
        relay.requests.clear()

        if lacks == "right":
            page = editor.post("/wp-admin/admin-post.php", fields)
        else:
            page = connected.post("/wp-admin/admin-post.php", fields | {"_wpnonce": "0123456789"})

        assert page.status == 403
        assert asked(relay, "POST") == []

    def test_a_nonce_of_one_button_is_none_for_another(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        relay.domains.append(a_domain("shop.example"))
        fields = connected.get(DOMAIN).form_with("what", "check-domain") | {"what": "lift"}
        relay.requests.clear()

        assert connected.post("/wp-admin/admin-post.php", fields).status == 403
        assert relay.requests == []

    def test_an_editor_sees_no_widget_and_no_warning(self, editor: Visitor) -> None:
        page = editor.get(DASHBOARD)

        assert 'id="postreeve"' not in page.html
        assert "wp-admin-bar-postreeve" not in page.html

    def test_another_capability_can_be_enough(
        self, editor: Visitor, connected: Visitor, disconnected: sites.Site
    ) -> None:
        capability = disconnected.path / "wp-content" / "mu-plugins" / "capability.php"
        capability.write_text(
            "<?php add_filter( 'postreeve_capability', function () { return 'edit_pages'; } );\n"
        )

        page = editor.get(SCREEN)
        pressed = press(editor, "go-live")

        capability.unlink()
        assert page.status == 200
        assert 'data-live="yes"' in pressed.html


class TestRules:
    """The relay's rules for sending have a new version."""

    @pytest.fixture
    def changed(self, connected: Visitor, relay: FakeRelay) -> Visitor:
        """The owner of a live site whose relay has new rules."""
        press(connected, "go-live")
        relay.account["policy"] = {
            "version": "2027-01",
            "url": f"{relay.url}/policy",
            "accepted_version": "2026-11",
        }
        return connected

    def test_they_are_shown_with_their_text_and_accepted_by_a_named_person(
        self, changed: Visitor, relay: FakeRelay
    ) -> None:
        page = changed.get(fresh(SCREEN))
        assert "The relay's rules for sending have changed." in page.text
        assert "Please read version 2027-01 and accept it." in page.text
        assert f'href="{relay.url}/policy"' in page.html

        page = press(changed, "accept-policy")

        (said,) = (each["json"] for each in relay.requests if each["path"].endswith("/policy"))
        assert said == {"version": "2027-01", "by": "admin <owner@shop.example>"}
        assert "The rules are accepted." in page.text
        assert "data-policy" not in page.html
        assert "All well." in page.text

    def test_a_version_that_has_changed_meanwhile_is_shown_anew(
        self, changed: Visitor, relay: FakeRelay
    ) -> None:
        fields = changed.get(fresh(SCREEN)).form_with("what", "accept-policy")
        relay.account["policy"]["version"] = "2027-02"
        relay.problem("conflict", 409, "This contradicts what is there", "It is 2027-02 now")

        page = changed.post("/wp-admin/admin-post.php", fields)

        assert "It is 2027-02 now" in page.text
        assert 'data-policy="2027-02"' in page.html

    def test_hostile_rules_are_only_text(self, changed: Visitor, relay: FakeRelay) -> None:
        relay.account["policy"] |= {"version": '"><b>x', "url": "javascript:alert(1)"}

        page = changed.get(fresh(SCREEN))

        assert "<b>x" not in page.html
        assert "javascript:" not in page.html


class TestOneMoreAddress:
    """WP_HOME is made from the request, and the site has two hosts."""

    @pytest.fixture
    def other(self, connected: Visitor, disconnected: sites.Site) -> Iterator[Visitor]:
        """The owner at the other host of a live site."""
        press(connected, "go-live")
        configuration = disconnected.path / "wp-config.php"
        before = configuration.read_text()
        configuration.write_text(
            before.replace(f"'{disconnected.url}'", "'http://' . ( $_SERVER['HTTP_HOST'] ?? '' )")
        )
        visitor = Visitor(f"http://shop.test:{disconnected.port}", at="127.0.0.1")
        log_in(visitor, disconnected)
        yield visitor
        configuration.write_text(before)

    def test_its_owner_says_so_and_forgets_it(self, other: Visitor, connected: Visitor) -> None:
        page = other.get(SCREEN)
        assert 'data-elsewhere="unknown"' in page.html

        page = press(other, "same")
        assert "The site has this address as well now." in page.text
        assert "data-elsewhere" not in page.html
        assert 'data-live="yes"' in page.html
        assert "data-elsewhere" not in connected.get(SCREEN).html

        press(other, "forget-address", SETTINGS)
        assert 'data-elsewhere="unknown"' in other.get(SCREEN).html
        assert "data-elsewhere" not in connected.get(SCREEN).html

    def test_where_wp_home_is_a_fixed_name_of_this_machine_nobody_is_asked(
        self, connected: Visitor, disconnected: sites.Site
    ) -> None:
        press(connected, "go-live")
        disconnected.run(SCRIPTS / "bind.php", "shop.example")

        page = connected.get(SCREEN)

        assert 'value="moved"' in page.html
        assert 'value="same"' not in page.html


class TestElsewhere:
    """The site is not where it was connected."""

    def test_a_stranger_who_makes_a_host_up_does_not_say_where_it_is(
        self, owner: Visitor, relay: FakeRelay, disconnected: sites.Site
    ) -> None:
        constants = disconnected.path / "wp-content" / "mu-plugins" / "constants.php"
        constants.write_text(
            f"<?php define( 'POSTREEVE_RELAY_URL', '{relay.url}' );\n"
            f"define( 'POSTREEVE_API_KEY', '{KEY}' );\ndefine( 'POSTREEVE_LIVE', true );\n"
        )
        configuration = disconnected.path / "wp-config.php"
        before = configuration.read_text()
        configuration.write_text(
            before.replace(f"'{disconnected.url}'", "'http://' . ( $_SERVER['HTTP_HOST'] ?? '' )")
        )

        Visitor(f"http://made-up.test:{disconnected.port}", at="127.0.0.1").get(
            "/wp-admin/admin-ajax.php?action=x"
        )
        page = owner.get(SCREEN)

        constants.unlink()
        configuration.write_text(before)
        assert "data-elsewhere" not in page.html
        assert 'data-live="yes"' in page.html

    def test_no_test_mail_is_promised_that_would_only_be_kept(
        self, connected: Visitor, relay: FakeRelay, disconnected: sites.Site
    ) -> None:
        press(connected, "go-live")
        fields = connected.get(SCREEN).form_with("action", "postreeve_test")
        disconnected.run(SCRIPTS / "bind.php", "shop.example")

        page = connected.get(SCREEN)
        sent = connected.post("/wp-admin/admin-post.php", fields)

        assert 'value="postreeve_test"' not in page.html
        assert "It is not where it was connected." in sent.text
        assert "tried again" not in sent.text
        assert "data-kept" not in sent.html
        assert relay.messages == {}

    def test_a_site_that_moves_before_it_is_live_is_asked_too_and_goes_on(
        self, connected: Visitor, relay: FakeRelay, disconnected: sites.Site
    ) -> None:
        disconnected.run(SCRIPTS / "bind.php", "shop.example")

        page = connected.get(SCREEN)
        assert "Say whether it has moved or is a copy." in page.text
        assert "no mail leaves this site" not in page.text, "it mails as it did before"
        assert "wp-admin-bar-postreeve" not in page.html

        press(connected, "moved")
        assert "The relay has accepted it" in send_test_mail(connected).text
        assert 'data-live="yes"' in press(connected, "go-live").html


class TestParked:
    """Mails the relay refused, and what their button does where nothing can leave."""

    @pytest.fixture
    def parked(self, connected: Visitor, relay: FakeRelay) -> Visitor:
        """The owner of a site with a parked mail."""
        fields = connected.get(SCREEN).form_with("action", "postreeve_test")
        relay.problem("sender-not-verified", 422, "No")
        connected.post("/wp-admin/admin-post.php", fields)
        return connected

    def test_while_the_relay_does_not_answer_they_wait_and_the_screen_says_so(
        self, parked: Visitor, relay: FakeRelay, disconnected: sites.Site
    ) -> None:
        disconnected.execute(
            "INSERT INTO wp_options (option_name, option_value, autoload)"
            " VALUES ('postreeve_breaker', UNIX_TIMESTAMP() + 50, 'no')"
        )

        page = press(parked, "send-parked")

        assert "Mails that go out by themselves when it does: 1." in page.text
        assert "sent now" not in page.text
        assert relay.messages == {}
        assert 'data-kept="waiting"' in parked.get(SCREEN).html

    def test_while_wp_config_switches_postreeve_off_nothing_is_said_to_go_out_by_itself(
        self, connected: Visitor, disconnected: sites.Site
    ) -> None:
        with silence(disconnected):
            send_test_mail(connected)
        promise = "They go out by themselves."
        assert promise in connected.get(SCREEN).text
        constants = disconnected.path / "wp-content" / "mu-plugins" / "constants.php"
        constants.write_text("<?php define( 'POSTREEVE_OFF', true );\n")

        page = connected.get(SCREEN)

        constants.unlink()
        assert "Mails kept here that do not go out meanwhile: 1." in page.text
        assert 'data-kept="waiting"' in page.html
        assert promise not in page.text

    def test_while_wp_config_switches_postreeve_off_they_stay_parked(
        self, parked: Visitor, disconnected: sites.Site
    ) -> None:
        fields = parked.get(SCREEN).form_with("what", "send-parked")
        constants = disconnected.path / "wp-content" / "mu-plugins" / "constants.php"
        constants.write_text("<?php define( 'POSTREEVE_OFF', true );\n")

        page = parked.get(SCREEN)
        pressed = parked.post("/wp-admin/admin-post.php", fields)

        constants.unlink()
        assert "Mails kept here that do not go out meanwhile: 1." in page.text
        assert 'value="send-parked"' not in page.html
        assert "The mails stay parked." in pressed.text
        assert 'data-kept="parked"' in parked.get(SCREEN).html
