"""Settings → Postreeve as people use it: over HTTP, without JavaScript, oldest and newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.relays import ACCOUNT_KEY, KEY, FakeRelay
from tests.plugin.screens import (
    DOMAIN,
    MAILS,
    SCREEN,
    SETTINGS,
    connect,
    fresh,
    log_in,
    press,
    send_test_mail,
)
from tests.plugin.visitors import Visitor
from tests.wordpress import sites

SCRIPTS = Path(__file__).parent / "scripts"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'

pytestmark = pytest.mark.wordpress


def test_before_connecting_nobody_is_asked(owner: Visitor, relay: FakeRelay) -> None:
    page = owner.get(SCREEN)

    assert page.status == 200
    assert "Not connected yet. WordPress sends this site's mail by itself." in page.text
    assert "Send test mail" not in page.html
    assert relay.requests == []


def test_connecting_shows_account_site_and_domains(owner: Visitor, relay: FakeRelay) -> None:
    page = connect(owner, relay.url + "/", KEY)

    assert "Settings saved." in page.text
    assert "Connected and ready." in page.text
    for words in ("Example Ltd", "https://shop.example", "Verified shop.example"):
        assert words in page.text
    assert 'data-state="ready"' in page.html


def test_the_key_is_never_shown_again(connected: Visitor) -> None:
    page = connected.get(SETTINGS)

    assert "A key is stored." in page.text
    assert KEY not in page.html
    assert KEY[4:20] not in page.html
    assert page.form("options.php")["postreeve[new_key]"] == ""


def test_saving_without_a_new_key_keeps_the_old_one(connected: Visitor, relay: FakeRelay) -> None:
    connected.post("/wp-admin/options.php", connected.get(SETTINGS).form("options.php"))

    assert 'data-state="ready"' in connected.get(fresh(SCREEN)).html
    assert relay.requests[-1]["headers"]["authorization"] == f"Bearer {KEY}"


def test_a_wrong_key_is_named(owner: Visitor, relay: FakeRelay) -> None:
    page = connect(owner, relay.url, KEY[:-1] + "X")

    assert "The API key is not valid." in page.text
    assert 'data-state="key-invalid"' in page.html


def test_a_relay_that_is_away_is_named(owner: Visitor) -> None:
    page = connect(owner, "http://127.0.0.1:1", KEY)

    assert "The relay cannot be reached." in page.text
    assert 'data-state="relay-unreachable"' in page.html


def test_an_address_that_cannot_be_is_refused_in_words(owner: Visitor) -> None:
    page = connect(owner, "https://relay.example/?a=1", KEY)

    assert "That is not the address of a relay." in page.text


@pytest.mark.parametrize("key", ["prk_", f"{KEY[:20]} {KEY[20:]}", ACCOUNT_KEY])
def test_a_mistyped_key_leads_back_to_where_it_is_typed(
    owner: Visitor, relay: FakeRelay, key: str
) -> None:
    page = connect(owner, relay.url, key)

    assert "That is " in page.text
    assert "tab=settings" in page.url
    assert page.form("options.php")["postreeve[relay_url]"] == relay.url
    assert "tab=settings" not in connect(owner, relay.url, KEY).url


def test_forgetting_the_key_gives_the_mail_back_to_wordpress(connected: Visitor) -> None:
    page = press(connected, "disconnect", SETTINGS)

    assert "The key is forgotten." in page.text
    assert "A key is stored." not in page.text
    assert "Not connected yet." in connected.get(SCREEN).text


def test_disconnecting_ends_the_key_at_the_relay_if_the_owner_ticks_it(
    connected: Visitor, relay: FakeRelay
) -> None:
    assert 'name="ends_key"' in connected.get(SETTINGS).html

    page = press(connected, "disconnect", SETTINGS, ends_key="1")

    assert "The key has ended at the relay. The key is forgotten." in page.text
    ended = [each for each in relay.requests if each["method"] == "DELETE"]
    assert [each["path"] for each in ended] == ["/v1/key"]


def test_without_the_tick_the_key_goes_on_working(connected: Visitor, relay: FakeRelay) -> None:
    press(connected, "disconnect", SETTINGS)

    assert not [each for each in relay.requests if each["method"] == "DELETE"]


def test_a_key_that_could_not_be_ended_is_kept(connected: Visitor, relay: FakeRelay) -> None:
    fields = connected.get(SETTINGS).form_with("what", "disconnect") | {"ends_key": "1"}
    relay.problem("unavailable", 503, "Away")

    page = connected.post("/wp-admin/admin-post.php", fields)

    assert "The key is forgotten." not in page.text
    assert "A key is stored." in page.text


def test_connecting_takes_nothing_over_until_the_owner_goes_live(
    connected: Visitor, relay: FakeRelay
) -> None:
    page = connected.get(SCREEN)
    assert 'data-live="no"' in page.html
    assert "Still the way it was before Postreeve." in page.text

    page = press(connected, "go-live")
    assert "From now on this site's mail goes through the relay." in page.text
    assert 'data-live="yes"' in page.html

    page = press(connected, "go-back")
    assert "From now on this site mails as it did before." in page.text
    assert 'data-live="no"' in page.html


def test_there_is_no_going_live_before_the_relay_is_ready(
    connected: Visitor, relay: FakeRelay
) -> None:
    fields = connected.get(SCREEN).form_with("what", "go-live")
    relay.account |= {"ready": False, "not_ready_because": ["No domain is verified."]}

    assert "You can go live as soon as the relay says" in connected.get(fresh(SCREEN)).text
    page = connected.post("/wp-admin/admin-post.php", fields)

    assert "not ready for this site's mail yet. No domain is verified." in page.text
    assert 'data-live="no"' in page.html


def test_parked_mails_are_shown_and_sent_by_a_button(connected: Visitor, relay: FakeRelay) -> None:
    fields = connected.get(SCREEN).form_with("action", "postreeve_test")
    relay.problem("sender-not-verified", 422, "No")
    connected.post("/wp-admin/admin-post.php", fields)
    assert 'data-kept="parked"' in connected.get(SCREEN).html

    page = press(connected, "send-parked")

    assert "Parked mails that are sent now: 1." in page.text
    page = connected.get(SCREEN)
    assert 'data-kept="parked"' not in page.html
    assert len(relay.messages) == 1


def test_a_copy_says_so_on_every_screen_and_its_owner_decides(
    connected: Visitor, relay: FakeRelay, disconnected: sites.Site
) -> None:
    press(connected, "go-live")
    disconnected.run(SCRIPTS / "bind.php", "shop.example")

    assert "no mail leaves this site" in connected.get("/wp-admin/index.php").text
    page = connected.get(SCREEN)
    assert "It was connected as shop.example (production)" in page.text
    assert 'data-elsewhere="unknown"' in page.html

    page = press(connected, "copy")
    assert 'data-elsewhere="copy"' in page.html
    page = press(connected, "moved")
    assert "data-elsewhere" not in page.html
    assert 'data-live="yes"' in page.html


def test_a_test_mail_is_followed_until_it_is_delivered(
    connected: Visitor, relay: FakeRelay
) -> None:
    page = send_test_mail(connected)

    assert "&mail=" in page.url
    assert "Test mail from Shop" in page.text
    assert "owner@shop.example Waiting" in page.text
    assert '<meta http-equiv="refresh" content="3">' in page.html

    relay.settle("sent")
    page = connected.get(page.url)
    assert "Amazon SES has the mail." in page.text
    assert '<meta http-equiv="refresh"' in page.html

    relay.settle("delivered", summary="Accepted by mx.shop.example")
    page = connected.get(page.url)
    assert "owner@shop.example Delivered" in page.text
    assert "Accepted by mx.shop.example" in page.text
    assert '<meta http-equiv="refresh"' not in page.html


def test_a_test_mail_may_go_to_another_address(connected: Visitor, relay: FakeRelay) -> None:
    send_test_mail(connected, to="ada@x.example")

    (mail,) = [r for r in relay.requests if r["method"] == "POST"]
    assert mail["metadata"]["envelope"]["to"] == ["ada@x.example"]
    assert mail["metadata"]["source"] == {"plugin": "postreeve"}


def test_a_refused_test_mail_shows_why_and_where_help_is(
    connected: Visitor, relay: FakeRelay
) -> None:
    fields = connected.get(SCREEN).form_with("action", "postreeve_test")
    relay.problem("sender-not-verified", 422, "No", "shop.example is not verified.")

    page = connected.post("/wp-admin/admin-post.php", fields)

    assert "shop.example is not verified." in page.text
    assert f'<a href="{relay.url}/problems/sender-not-verified">How to fix this</a>' in page.html


def test_a_test_mail_to_nonsense_is_refused(connected: Visitor, relay: FakeRelay) -> None:
    page = send_test_mail(connected, to="nonsense")

    assert "That is not an e-mail address." in page.text
    assert [r for r in relay.requests if r["method"] == "POST"] == []


def test_a_test_mail_another_plugin_takes_is_noticed(
    connected: Visitor, relay: FakeRelay, disconnected: sites.Site
) -> None:
    thief = disconnected.path / "wp-content" / "mu-plugins" / "thief.php"
    thief.write_text("<?php add_filter( 'pre_wp_mail', '__return_true' );\n")

    page = send_test_mail(connected)

    thief.unlink()
    assert "another plugin takes this site's mail" in page.text


def test_recent_mails_are_listed_with_status_and_reason(
    connected: Visitor, relay: FakeRelay
) -> None:
    assert "None yet." in connected.get(MAILS).text
    send_test_mail(connected, to="gone@x.example")
    reason = {"code": "mailbox-unknown", "title": "The mailbox does not exist"}
    relay.settle("bounced", reason)

    page = connected.get(MAILS)

    assert "gone@x.example Test mail from Shop Bounced The mailbox does not exist" in page.text


def test_a_bounce_without_a_reason_shows_the_last_event(
    connected: Visitor, relay: FakeRelay
) -> None:
    send_test_mail(connected, to="gone@x.example")
    relay.settle("bounced", summary="550 5.1.1 user unknown")

    assert "Bounced 550 5.1.1 user unknown" in connected.get(MAILS).text


def test_hostile_text_from_the_relay_is_only_text(connected: Visitor, relay: FakeRelay) -> None:
    send_test_mail(connected)
    relay.account["account"]["name"] = HOSTILE
    relay.account["domains"] = [{"name": HOSTILE, "status": HOSTILE}]
    relay.settle(HOSTILE, {"code": HOSTILE, "title": HOSTILE, "detail": HOSTILE}, HOSTILE)
    for message in relay.messages.values():
        message.update(subject=HOSTILE, accepted_at=HOSTILE, **{"from": HOSTILE})
    (identifier,) = relay.messages

    pages = [connected.get(fresh(each)) for each in (SCREEN, MAILS)]
    pages.append(connected.get(f"{SCREEN}&mail={identifier}"))
    fields = pages[0].form_with("action", "postreeve_test")
    relay.problem("x", 422, HOSTILE, HOSTILE)
    pages.append(connected.post("/wp-admin/admin-post.php", fields))

    for page in pages:
        assert "alert(1)" in page.html
        assert "<script>alert" not in page.html
        assert "<img src=x" not in page.html


def test_answers_of_a_wrong_shape_break_no_page(connected: Visitor, relay: FakeRelay) -> None:
    shapes = ["[]", "[1]", '{"account": 5, "domains": [1, {"name": []}], "ready": true}', '"x"']
    for shape in shapes:
        relay.account = {"account": {}}
        for status in (200, 200, 200):
            relay.problem("x", status, "")
            relay.answers[-1].body = shape

        pages = [connected.get(fresh(each)) for each in (SCREEN, MAILS, DOMAIN)]

        assert [page.status for page in pages] == [200, 200, 200]
        relay.answers.clear()


def test_a_message_that_is_gone_is_said_to_be_gone(connected: Visitor) -> None:
    page = connected.get(f"{SCREEN}&mail=0123-unknown")

    assert "The relay does not know this any more." in page.text


def test_a_message_id_cannot_reach_another_address(connected: Visitor, relay: FakeRelay) -> None:
    connected.get(f"{SCREEN}&mail=..%2f..%2fadmin")

    assert all(r["path"].startswith("/v1/account") for r in relay.requests)


def test_constants_are_shown_and_cannot_be_edited(
    owner: Visitor, relay: FakeRelay, disconnected: sites.Site
) -> None:
    constants = disconnected.path / "wp-content" / "mu-plugins" / "constants.php"
    constants.write_text(
        "<?php\n"
        f"define( 'POSTREEVE_RELAY_URL', '{relay.url}' );\n"
        f"define( 'POSTREEVE_API_KEY', '{KEY}' );\n"
    )

    page, status = owner.get(SETTINGS), owner.get(SCREEN)

    constants.unlink()
    assert 'data-state="ready"' in status.html
    assert "Set by POSTREEVE_RELAY_URL in wp-config.php." in page.text
    assert "Set by POSTREEVE_API_KEY in wp-config.php." in page.text
    assert not [name for name in page.form("options.php") if name.startswith("postreeve[")]
    assert KEY not in page.html


def test_the_off_switch_is_shown(connected: Visitor, disconnected: sites.Site) -> None:
    constants = disconnected.path / "wp-content" / "mu-plugins" / "constants.php"
    constants.write_text("<?php define( 'POSTREEVE_OFF', true );\n")

    page, settings = connected.get(SCREEN), connected.get(SETTINGS)

    constants.unlink()
    assert "Switched off. Set by POSTREEVE_OFF in wp-config.php." in page.text
    assert "Send test mail" not in page.html
    assert "it goes the way it did before Set by POSTREEVE_OFF in wp-config.php." in settings.text
    assert 'value="go-back"' not in settings.html
    assert 'value="go-live"' not in settings.html


def test_changed_salts_are_said_on_every_screen_of_the_owner(
    connected: Visitor, disconnected: sites.Site
) -> None:
    configuration = disconnected.path / "wp-config.php"
    before = configuration.read_text()
    configuration.write_text(before.replace("'AUTH_KEY', '", "'AUTH_KEY', 'another"))
    visitor = Visitor(disconnected.url)

    dashboard = log_in(visitor, disconnected)
    screen = visitor.get(SCREEN)

    configuration.write_text(before)
    assert "Postreeve cannot read its API key" in dashboard.text
    assert "The API key has to be entered again." in screen.text


def test_the_list_of_plugins_leads_to_the_settings(owner: Visitor) -> None:
    page = owner.get("/wp-admin/plugins.php")

    assert f'href="{owner.site_url}{SCREEN}"' in page.html


class TestStrangers:
    """What people may do who may not change settings."""

    def test_an_editor_does_not_see_the_page(self, editor: Visitor) -> None:
        assert editor.get(SCREEN).status == 403
        assert "page=postreeve" not in editor.get("/wp-admin/").html

    def test_an_editor_cannot_send_a_test_mail(
        self, editor: Visitor, connected: Visitor, relay: FakeRelay
    ) -> None:
        fields = connected.get(SCREEN).form_with("action", "postreeve_test")

        page = editor.post("/wp-admin/admin-post.php", fields)

        assert page.status == 403
        assert [r for r in relay.requests if r["method"] == "POST"] == []

    def test_an_editor_cannot_change_the_settings(
        self, editor: Visitor, connected: Visitor
    ) -> None:
        fields = connected.get(SETTINGS).form("options.php")

        page = editor.post("/wp-admin/options.php", fields | {"postreeve[forget_key]": "1"})

        assert page.status == 403
        assert 'data-state="ready"' in connected.get(SCREEN).html

    @pytest.mark.parametrize("stranger_has", ["no right", "no nonce"])
    def test_nobody_else_goes_live(
        self, editor: Visitor, connected: Visitor, stranger_has: str
    ) -> None:
        fields = connected.get(SCREEN).form_with("what", "go-live")
        if stranger_has == "no right":
            page = editor.post("/wp-admin/admin-post.php", fields)
        else:
            page = connected.post("/wp-admin/admin-post.php", fields | {"_wpnonce": "0123456789"})

        assert page.status == 403
        assert 'data-live="no"' in connected.get(SCREEN).html

    def test_somebody_not_logged_in_gets_nothing(
        self, connected: Visitor, relay: FakeRelay, disconnected: sites.Site
    ) -> None:
        fields = connected.get(SCREEN).form_with("action", "postreeve_test")
        relay.requests.clear()
        stranger = Visitor(disconnected.url)

        assert "wp-login.php" in stranger.get(SCREEN).url
        stranger.post("/wp-admin/admin-post.php", fields)

        assert relay.requests == []

    def test_a_link_from_elsewhere_sends_no_test_mail(
        self, connected: Visitor, relay: FakeRelay
    ) -> None:
        fields = connected.get(SCREEN).form_with("action", "postreeve_test") | {
            "_wpnonce": "0123456789"
        }

        page = connected.post("/wp-admin/admin-post.php", fields)

        assert page.status == 403
        assert [r for r in relay.requests if r["method"] == "POST"] == []

    def test_a_link_from_elsewhere_changes_no_settings(self, connected: Visitor) -> None:
        fields = connected.get(SETTINGS).form("options.php")
        fields |= {"_wpnonce": "0123456789", "postreeve[forget_key]": "1"}

        page = connected.post("/wp-admin/options.php", fields)

        assert page.status == 403
        assert 'data-state="ready"' in connected.get(SCREEN).html


def test_visitors_of_the_site_get_nothing_of_it(connected: Visitor, relay: FakeRelay) -> None:
    page = connected.get("/")

    assert page.status == 200
    assert "postreeve" not in page.html.lower()
    assert relay.requests == []


def test_a_page_view_costs_no_query_more(connected: Visitor, disconnected: sites.Site) -> None:
    press(connected, "go-live")
    counter = disconnected.path / "wp-content" / "mu-plugins" / "counter.php"
    counter.write_text(
        "<?php\n"
        "isset( $_GET['without'] ) && add_filter( 'option_active_plugins', '__return_empty_array' );\n"
        "add_action( 'wp_loaded', function () { add_action( 'shutdown', function () {\n"
        "\techo '<!-- ' . $GLOBALS['wpdb']->num_queries . ' queries -->';\n"
        "}, PHP_INT_MAX ); }, PHP_INT_MAX );\n"
    )
    visitor = Visitor(disconnected.url)
    visitor.get("/")

    with_it, without = (visitor.get(path).html for path in ("/", "/?without=1"))

    counter.unlink()
    assert "queries -->" in with_it
    assert with_it.rpartition("<!-- ")[2] == without.rpartition("<!-- ")[2]


def test_other_screens_of_wp_admin_get_no_style_of_it(connected: Visitor) -> None:
    assert "postreeve/assets" not in connected.get("/wp-admin/edit.php").html
    assert "postreeve/assets/admin.css" in connected.get(SCREEN).html
    assert "postreeve/assets/admin.js" not in connected.get(SCREEN).html


def test_php_has_nothing_to_complain_about(connected: Visitor, disconnected: sites.Site) -> None:
    send_test_mail(connected)
    connected.get(SCREEN)

    assert disconnected.complaints == []
