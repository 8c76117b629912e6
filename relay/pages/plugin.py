"""`/plugin`: where the owner of a site gets the WordPress plugin, in their language, and how it goes on.

The archives name this relay, so that the plugin's form holds its address already.
"""

from __future__ import annotations

from io import BytesIO

from flask import Blueprint, Response, current_app, send_file

from relay.context import Relay
from relay.errors import NotFound
from relay.languages import LANGUAGES
from relay.pages import frame, speech
from relay.pages.visitors import visitor
from relay.policy.networks import network_of
from relay.services import plugin_archives
from relay.services.plugin_archives import Archive
from relay.vocabulary import AccountOpening

blueprint = Blueprint("plugin", __name__, template_folder="templates", url_prefix="/plugin")
frame.catch(blueprint)

DOWNLOADS = 30
"""Archives a minute for one network (our decision): a class of people who try it together gets theirs."""

TRANSLATIONS = "postreeve-languages.zip"


@blueprint.after_request
def headers(response: Response) -> Response:
    """As on every page for people; but who keeps an archive may use it while it is still the same."""
    frame.headers(response)
    if response.get_etag()[0] is not None:
        response.headers["Cache-Control"] = "public, no-cache"
    return response


@blueprint.get("")
def show() -> Response:
    """What the plugin is, the archive in the visitor's language, and three steps to connect."""
    relay = _relay()
    spoken = speech.speak_to()
    names = plugin_archives.names()
    return frame.show(
        "plugin.html",
        archive=_pack(spoken),
        name=names[spoken],
        spoken=LANGUAGES[spoken].name,
        others=[
            (language, names[language.tag])
            for language in LANGUAGES.values()
            if language.tag != spoken
        ],
        relay_url=relay.settings.public_url.rstrip("/"),
        version=plugin_archives.header("Version"),
        wordpress=plugin_archives.header("Requires at least"),
        php=plugin_archives.header("Requires PHP"),
        translations=TRANSLATIONS,
        closed=relay.settings.sign_up is AccountOpening.CLOSED,
    )


@blueprint.get("/<name>")
def download(name: str) -> Response:
    """An archive by its name without a version."""
    languages = {known: tag for tag, known in plugin_archives.names().items()}
    if name not in languages and name != TRANSLATIONS:
        return frame.show("plugin_none.html", status=404, kind="unknown")
    who = network_of(visitor().ip) or "unknown"
    if (seconds := _relay().throttle.ask("plugin", who, per_minute=DOWNLOADS)) is not None:
        response = frame.show("plugin_none.html", status=429, kind="crowd")
        response.headers["Retry-After"] = str(seconds)
        return response
    archive = (
        plugin_archives.pack_translations() if name == TRANSLATIONS else _pack(languages[name])
    )
    return send_file(
        BytesIO(archive.content),
        mimetype="application/zip",
        as_attachment=True,
        download_name=archive.name,
        etag=archive.digest,
        conditional=True,
    )


@blueprint.errorhandler(NotFound)
def none_here(_error: NotFound) -> Response:
    """The relay was installed without the plugin."""
    return frame.show("plugin_none.html", status=404, kind="missing")


def _pack(language: str) -> Archive:
    return plugin_archives.pack(language, relay_url=_relay().settings.public_url)


def _relay() -> Relay:
    found: Relay = current_app.extensions["relay"]
    return found
