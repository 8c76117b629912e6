"""The rig's command line: `python -m tests.wordpress serve | packages`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType

import click

from tests.wordpress import databases, packages, processes, sites, suites, trees


@click.group()
def main() -> None:
    """A real WordPress with Postreeve in it, on this machine only."""


@main.command("packages")
def list_packages() -> None:
    """Print the Debian packages that the rig and the plugin's tests need."""
    for name in (*packages.SERVING, *packages.TESTING):
        click.echo(name)


@main.command()
@click.option("--port", default=8027, show_default=True, help="Port on 127.0.0.1.")
@click.option("--relay", "relay_url", default="", help="Connect to the relay at this address.")
@click.option("--key", default="", envvar="POSTREEVE_SITE_KEY", help="API key of the site.")
@click.option("--admin-user", default="admin", show_default=True)
@click.option("--admin-password", default=None, help="Made up and printed when not given.")
@click.option("--admin-email", default="owner@shop.example", show_default=True)
@click.option("--oldest", is_flag=True, help="The oldest WordPress supported, not the newest.")
def serve(
    *,
    port: int,
    relay_url: str,
    key: str,
    admin_user: str,
    admin_password: str | None,
    admin_email: str,
    oldest: bool,
) -> None:
    """Serve a fresh WordPress until Ctrl-C or SIGTERM; nothing of it is kept."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        packages.check(packages.SERVING)
        if processes.listens(port):
            raise click.ClickException(f"Port {port} is taken; choose another one with --port.")
        _say("Preparing WordPress (the first time it is fetched from Debian) …")
        tree = trees.oldest() if oldest else trees.newest()
        _say(f"WordPress {tree.version} from Debian {tree.suite}. Starting MariaDB …")
        password = {"password": admin_password} if admin_password else {}
        administrator = sites.Administrator(name=admin_user, email=admin_email, **password)
        with databases.server() as server:
            _say("Installing the site …")
            with sites.site(tree, server, port=port, administrator=administrator) as site:
                if relay_url and key:
                    _connect(site, relay_url, key)
                with site.served():
                    _introduce(site, relay_url if key else "")
                    signal.pause()
    except (packages.PackagesMissing, suites.Unavailable, processes.NotReady) as trouble:
        raise click.ClickException(str(trouble)) from trouble
    except KeyboardInterrupt:
        _say("WordPress stopped.")


def _connect(site: sites.Site, relay_url: str, key: str) -> None:
    _say(f"Connecting it to {relay_url} …")
    site.run(Path(__file__).parent / "php" / "connect.php", relay_url, key)


def _introduce(site: sites.Site, relay_url: str) -> None:
    click.echo(
        f"WordPress {site.tree.version} is ready at {site.url}/wp-admin/\n"
        f"  user      {site.administrator.name}\n"
        f"  password  {site.administrator.password}\n"
        f"  relay     {relay_url or 'not connected: Settings → Postreeve'}\n"
        f"  settings  {site.url}/wp-admin/options-general.php?page=postreeve"
    )
    sys.stdout.flush()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
