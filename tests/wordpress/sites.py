"""WordPress sites: laid, installed, with the plugin in them, and served."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from relay.commands.trial.ports import free_port
from tests.wordpress import databases, phps, processes, sqlite
from tests.wordpress.phps import Php
from tests.wordpress.trees import Tree

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLUGIN = ROOT / "wp-plugin"
SALTS = ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE")
WORKERS = 4

Constant = str | bool | int


@dataclass(frozen=True)
class Administrator:
    """The person who may do everything on the site."""

    name: str = "admin"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    email: str = "owner@shop.example"


@dataclass(frozen=True)
class Versions:
    """What a site runs on."""

    wordpress: str
    php: str
    database: str

    def __str__(self) -> str:
        return f"WordPress {self.wordpress} with PHP {self.php} on {self.database.removeprefix('5.5.5-')}"


@dataclass(frozen=True)
class Site:
    """One installed WordPress with Postreeve active."""

    path: Path
    url: str
    tree: Tree
    php: Php
    administrator: Administrator
    server: databases.Server | sqlite.Files
    database: str

    @property
    def host_mail(self) -> Path:
        """What PHP's own mail() was given: nothing leaves, it is appended to this file."""
        return self.path.parent / "host-mail"

    @property
    def log(self) -> Path:
        """WordPress's debug log: every PHP notice ends here."""
        return self.path / "wp-content" / "debug.log"

    @property
    def complaints(self) -> list[str]:
        """What PHP has said about our own files: deprecations, notices, warnings, errors."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if f"{ROOT}/" in line or "plugins/postreeve/" in line]

    @property
    def port(self) -> int:
        """The port of its address."""
        return int(self.url.rsplit(":", 1)[1])

    @property
    def environment(self) -> dict[str, str]:
        """What makes PHP, and every PHP it starts, run with this site's settings."""
        return self.php.environment(self.path.parent / "php.d")

    def run(
        self,
        script: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        given: str | None = None,
    ) -> str:
        """What a PHP script prints that gets this site's folder as its first argument."""
        done = self.php.run(
            str(script),
            str(self.path),
            *arguments,
            environment={**self.environment, **(environment or {})},
            given=given,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{script.name} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def versions(self) -> Versions:
        """What the site says itself that it runs on."""
        return Versions(*self.run(HERE / "php" / "versions.php").split("\n"))

    def execute(self, statements: str) -> None:
        """Run SQL in the site's database."""
        self.server.execute(f"USE `{self.database}`; {statements}")

    @contextmanager
    def served(self) -> Iterator[None]:
        """The site answers at its address inside the block, several requests at a time."""
        command = [
            str(self.php.program),
            *("-d", "opcache.enable_cli=1"),
            *("-d", "opcache.revalidate_freq=0"),
            *("-S", f"127.0.0.1:{self.port}"),
            *("-t", str(self.path)),
            str(HERE / "php" / "router.php"),
        ]
        with processes.running(
            command,
            ready=self._answers,
            log=self.path.parent / "server.log",
            environment={
                **os.environ,
                **self.environment,
                "PHP_CLI_SERVER_WORKERS": str(WORKERS),
            },
        ):
            yield

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"{self.url}/wp-login.php", timeout=processes.PATIENCE
            ) as page:
                return bool(page.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


@contextmanager
def site(
    tree: Tree,
    server: databases.Server | sqlite.Files,
    *,
    php: Php | None = None,
    port: int | None = None,
    administrator: Administrator | None = None,
    constants: Mapping[str, Constant] | None = None,
    network: bool = False,
) -> Iterator[Site]:
    """A site made from the tree (about 1 s), with the plugin active; removed afterwards.

    `constants` go into its wp-config.php. A `network` is a multisite with two sites.
    """
    folder = Path(tempfile.mkdtemp(prefix="postreeve-site-"))
    made = Site(
        path=folder / "site",
        url=f"http://127.0.0.1:{port or free_port()}",
        tree=tree,
        php=php or phps.native(),
        administrator=administrator or Administrator(),
        server=server,
        database=f"wp_{secrets.token_hex(6)}",
    )
    try:
        server.create(made.database)
        _lay(made, constants or {})
        _install(made, network=network)
        if network:
            _configure(made, {**(constants or {}), **_network_constants(made)})
            made.run(HERE / "php" / "network.php", f"{made.url}/second")
        yield made
    finally:
        server.execute(f"DROP DATABASE IF EXISTS `{made.database}`")
        shutil.rmtree(folder, ignore_errors=True)


def _lay(site: Site, constants: Mapping[str, Constant]) -> None:
    shutil.copytree(site.tree.path, site.path, copy_function=_link)
    content = site.path / "wp-content"
    (content / "mu-plugins").mkdir(exist_ok=True)
    shutil.copy(HERE / "php" / "offline.php", content / "mu-plugins" / "offline.php")
    (content / "plugins").mkdir(exist_ok=True)
    (content / "plugins" / "postreeve").symlink_to(PLUGIN)
    _set_up_php(site)
    if isinstance(site.server, sqlite.Files):
        site.server.lay(site.path, site.path.parent / "php.d")
    _configure(site, constants)


def _set_up_php(site: Site) -> None:
    """PHP's own mail() fills a file instead of leaving the machine; every notice is reported."""
    sendmail = site.path.parent / "sendmail"
    sendmail.write_text(f"#!/bin/sh\ncat >> '{site.host_mail}'\n")
    sendmail.chmod(0o755)
    settings = site.path.parent / "php.d" / "site.ini"
    settings.parent.mkdir()
    settings.write_text(
        f'sendmail_path = "{sendmail}"\n'
        'display_errors = "stderr"\n'
        "error_reporting = E_ALL\n"
        "memory_limit = 256M\n"
    )


def _link(source: str, destination: str) -> None:
    """Sites share the tree's files where they can: quick, and nobody edits WordPress itself."""
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy(source, destination)


def _configure(site: Site, constants: Mapping[str, Constant]) -> None:
    """Write wp-config.php."""
    everything: dict[str, Constant] = {
        "DB_NAME": site.database,
        "DB_USER": databases.USER,
        "DB_PASSWORD": databases.PASSWORD,
        "DB_HOST": f"localhost:{site.server.socket}",
        "DB_CHARSET": "utf8mb4",
        "DB_COLLATE": "",
        "WP_HOME": site.url,
        "WP_SITEURL": site.url,
        "WP_HTTP_BLOCK_EXTERNAL": True,
        "WP_ACCESSIBLE_HOSTS": "127.0.0.1,localhost",
        "WP_AUTO_UPDATE_CORE": False,
        "AUTOMATIC_UPDATER_DISABLED": True,
        "DISABLE_WP_CRON": True,
        "WP_DEBUG": True,
        "WP_DEBUG_LOG": True,
        "WP_DEBUG_DISPLAY": False,
        "WP_ENVIRONMENT_TYPE": "local",
        **{f"{name}_{kind}": secrets.token_hex(32) for name in SALTS for kind in ("KEY", "SALT")},
        **constants,
    }
    lines = [f"define( {_php(name)}, {_php(value)} );" for name, value in everything.items()]
    (site.path / "wp-config.php").write_text(
        "<?php\n"
        + "\n".join(lines)
        + "\n$table_prefix = 'wp_';\n"
        + "defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );\n"
        + "require_once ABSPATH . 'wp-settings.php';\n"
    )


def _network_constants(site: Site) -> dict[str, Constant]:
    return {
        "MULTISITE": True,
        "SUBDOMAIN_INSTALL": False,
        "DOMAIN_CURRENT_SITE": f"127.0.0.1:{site.port}",
        "PATH_CURRENT_SITE": "/",
        "SITE_ID_CURRENT_SITE": 1,
        "BLOG_ID_CURRENT_SITE": 1,
    }


def _install(site: Site, *, network: bool) -> None:
    wishes = {
        "url": site.url,
        "title": "Shop",
        "name": site.administrator.name,
        "password": site.administrator.password,
        "email": site.administrator.email,
        "network": network,
    }
    site.run(HERE / "php" / "install.php", json.dumps(wishes))


def _php(value: Constant) -> str:
    """The value as PHP source."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
