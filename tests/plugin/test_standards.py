"""What WordPress.org's Plugin Check looks at, as far as it can be seen in the source.

The names of its checks stand beside the tests. The tool itself needs wp-cli, which Debian has not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin.test_php_source import PLUGIN, SOURCES, header, readme
from tests.wordpress import sites

HERE = Path(__file__).parent

pytestmark = pytest.mark.wordpress

VIEWS = [path for path in SOURCES if path.parent.name == "views"]

GETTEXT = re.compile(
    r"\b(?P<name>__|_e|_n|_x|esc_html__|esc_html_e|esc_attr__|esc_attr_e)\( "
    r"(?P<arguments>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
)


def lines(pattern: str, *paths: Path) -> Iterator[str]:
    """Each line of the source that has the pattern, without its comment."""
    for path in paths or SOURCES:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.partition("//")[0] if "://" not in line else line
            if not code.lstrip().startswith("*") and re.search(pattern, code):
                yield f"{path.name}:{number} {line.strip()}"


def test_i18n_usage_texts_are_literal() -> None:
    calls = [
        call
        for path in SOURCES
        for call in re.findall(
            r"\b(?:__|_e|_n|_x|esc_html__|esc_attr__)\(\s*([^'\"\s])", path.read_text()
        )
    ]

    assert calls == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_i18n_usage_placeholders_are_explained_to_translators(path: Path) -> None:
    text = path.read_text().splitlines()
    for number, line in enumerate(text):
        for call in GETTEXT.finditer(line):
            if re.search(r"%(\d+\$)?[sd]", call["arguments"]):
                near = "\n".join(text[max(0, number - 3) : number])
                assert "translators:" in near, f"{path.name}:{number + 1} {line.strip()}"


@pytest.mark.parametrize(
    ("check", "pattern"),
    [
        ("code_obfuscation", r"\b(eval|gzinflate|str_rot13|create_function|assert)\s*\("),
        ("plugin_review_phpcs", r"\b(exec|shell_exec|system|passthru|proc_open|popen|goto)\b\s*\("),
        ("plugin_review_phpcs", r"<<<|<\?=|<\?\s|\bmove_uploaded_file\b"),
        ("plugin_review_phpcs", r"\b(set_time_limit|ini_set|error_log|print_r|var_dump)\s*\("),
        ("plugin_review_phpcs", r"\b(file_get_contents|curl_init|curl_exec|fsockopen)\s*\("),
        ("safe_redirect", r"\bwp_redirect\s*\("),
        ("localhost", r"https?://(localhost|127\.)"),
        ("write_file", r"\b(file_put_contents|fwrite|fputs|mkdir|touch|unlink)\s*\("),
        ("plugin_updater", r"Update URI|site_transient_update_plugins"),
        ("offloading_files", r"<(script|link|img)[^>]+https?://"),
        ("no_unfiltered_uploads", r"ALLOW_UNFILTERED_UPLOADS"),
        ("performant_wp_query_params", r"WP_Query|get_posts\s*\("),
        ("menu_image_icon", r"add_menu_page"),
        ("ai_provider, react_usage", r"createRoot|wp-element|wp_ai_client"),
    ],
)
def test_nothing_is_in_the_source_that_reviewers_refuse(check: str, pattern: str) -> None:
    assert list(lines(pattern)) == [], check


def test_file_type_only_what_ships() -> None:
    names = [path.relative_to(PLUGIN).as_posix() for path in PLUGIN.rglob("*")]

    assert not [name for name in names if re.search(r"(^|/)\.|\.(zip|phar|sh|md|min\.\w+)$", name)]


def test_plugin_header_fields() -> None:
    assert header("Text Domain") == "postreeve"
    assert (PLUGIN / header("Domain Path").strip("/")).is_dir()
    for name in ("Requires at least", "Requires PHP", "Description", "Author", "License URI"):
        assert header(name)
    assert "Network:" not in (PLUGIN / "postreeve.php").read_text()


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.name)
def test_late_escaping_every_view_escapes_what_it_writes(path: Path) -> None:
    for written in re.findall(r"\becho\s+(.+?);", path.read_text(), re.DOTALL):
        for piece in re.split(r"\s\.\s(?=esc_|'<)", written):
            assert re.match(r"esc_(html|attr|url)(__)?\(|'<|\(int\)", piece.strip()), piece


def test_setting_sanitization() -> None:
    for path in SOURCES:
        for call in re.findall(r"register_setting\((.*?)\);", path.read_text(), re.DOTALL):
            assert "sanitize_callback" in call


def test_plugin_uninstall() -> None:
    text = (PLUGIN / "uninstall.php").read_text()

    assert "defined( 'WP_UNINSTALL_PLUGIN' ) || exit;" in text


def test_personal_data_exporter_and_eraser() -> None:
    text = (PLUGIN / "includes" / "class-plugin.php").read_text()

    assert "wp_privacy_personal_data_exporters" in text
    assert "wp_privacy_personal_data_erasers" in text


def test_prefixing_all_that_others_can_see_has_our_name() -> None:
    everything = "\n".join(path.read_text() for path in SOURCES)
    hooks = re.findall(r"\b(?:do_action|apply_filters)\( '([^']+)'", everything)
    options = re.findall(r"const OPTION = '([^']+)'", everything)
    constants = re.findall(r"= '(POSTREEVE_[A-Z_]+)';", everything)

    assert hooks
    assert all(name.startswith("postreeve_") for name in hooks)
    assert options
    assert all(name.startswith("postreeve") for name in options)
    assert set(constants) == {
        *("POSTREEVE_API_KEY", "POSTREEVE_LIVE", "POSTREEVE_OFF", "POSTREEVE_OUTBOX_LIMIT"),
        "POSTREEVE_RELAY_URL",
    }
    for path in SOURCES:
        assert re.search(r"^namespace Postreeve;$", path.read_text(), re.M), path.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_nonces_and_rights_are_checked_where_a_form_is_answered(path: Path) -> None:
    text = path.read_text()
    if "$_POST" in text or "wp_send_json" in text:
        checked = re.search(r"check_(admin|ajax)_referer\(", text) and "current_user_can(" in text
        assert checked or re.search(r"\bAccess::check\(", text)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_direct_db_statements_with_values_are_prepared(path: Path) -> None:
    for statement in re.findall(r"\"((?:SELECT|UPDATE|DELETE|INSERT)[^\"]*)\"", path.read_text()):
        variables = set(re.findall(r"\$\w+", statement.replace("{$wpdb->options}", "")))
        assert variables <= {"$table", "$list", "$outbox", "$chunks"}, statement


def test_input_is_unslashed_and_sanitised_where_it_is_read() -> None:
    reads = list(lines(r"\$_(GET|POST|REQUEST|COOKIE|SERVER)\["))

    assert reads
    assert [read for read in reads if "sanitize_" not in read or "wp_unslash(" not in read] == []


def test_enqueued_styles_are_small_and_only_on_our_screen() -> None:
    style = PLUGIN / "assets" / "admin.css"

    assert style.stat().st_size < 20_000
    assert len(list(lines(r"wp_enqueue_style"))) == 1
    assert not re.search(r"\b(left|right)\s*:", style.read_text()), (
        "logical properties turn by themselves"
    )


def test_wp_functions_compatibility(site: sites.Site) -> None:
    missing = json.loads(site.run(HERE / "scripts" / "functions.php"))

    assert missing == []


def test_plugin_readme() -> None:
    text = (PLUGIN / "readme.txt").read_text()
    for section in (
        *("Description", "Installation", "Frequently Asked Questions", "External services"),
        *("Privacy", "Screenshots", "Changelog", "Upgrade Notice"),
    ):
        assert f"== {section} ==" in text
    notice = text.partition("== Upgrade Notice ==")[2]
    assert all(len(line) <= 300 for line in notice.splitlines())
    assert re.fullmatch(r"\d+\.\d+", readme("Tested up to"))
    assert f"= {header('Version')} =" in text


def test_trademarks() -> None:
    assert len(header("Plugin Name")) <= 50
    assert not re.search(r"wordpress|^wp|amazon|aws|plugin", header("Plugin Name"), re.IGNORECASE)


def test_not_a_word_of_promised_compliance() -> None:
    text = (PLUGIN / "readme.txt").read_text()

    assert not re.search(r"GDPR|DSGVO|compliant", text)
