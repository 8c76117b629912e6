"""`run` and `demo`, as somebody meets them who tries Postreeve for the first time."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from email import message_from_bytes, policy
from pathlib import Path

import dns.resolver
import dns.zone
import pytest

from relay.app import create_app
from relay.commands.trial import ports, zones
from relay.commands.trial.children import Trouble
from relay.commands.trial.client import Attachment, Mail, multipart
from relay.commands.trial.installation import Installation, alone_in, write
from relay.commands.trial.ports import Ports, free_port
from relay.commands.trial.site import prepare
from relay.context import Relay
from relay.models import Site
from relay.services.accounts import NewKey
from relay.worker import Worker

ROOT = Path(__file__).parents[1]

READY = "Press Ctrl-C to stop."

PATIENCE = 180.0
"""Seconds; a machine with other things to do takes many times what it takes by itself."""


def _heeds_a_closed_terminal() -> None:
    """Whoever runs the tests with `nohup` has SIGHUP ignored, by every process they start."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Trial:
    """A `python -m relay run` and what it says."""

    def __init__(self, state: Path, *options: str, path: str | None = None) -> None:
        self.state = state
        self.output = state.parent / f"output-{time.monotonic_ns()}"
        environment = {**os.environ, "AWS_PROFILE": "real", "POSTREEVE_AWS_ENDPOINT_URL": ""}
        if path is not None:
            environment["PATH"] = path
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "relay", "run", "--state", str(state), *options],
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                preexec_fn=_heeds_a_closed_terminal,  # noqa: PLW1509  (one system call)
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def until_ready(self) -> Trial:
        ends = time.monotonic() + PATIENCE
        while READY not in self.said and self.process.poll() is None and time.monotonic() < ends:
            time.sleep(0.1)
        assert READY in self.said, self.said
        return self

    def line(self, name: str) -> str:
        """What stands beside a name in its introduction."""
        found = re.search(rf"^  {name} +(\S+)", self.said, re.MULTILINE)
        assert found, self.said
        return found[1]

    def end(self, message: signal.Signals = signal.SIGTERM) -> int:
        """Stop it; however it is stopped, no process stays. Its exit code."""
        children = family(self.process.pid)
        self.process.send_signal(message)
        code = self.process.wait(PATIENCE)
        wait(lambda: not any(map(runs, children)))
        return code


class Starter:
    """Starts trials on free ports over one folder; those still up are ended with the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Trial] = []

    def __call__(self, *options: str, path: str | None = None) -> Trial:
        names = ("--port", "--simulator-port", "--wordpress-port", "--names-port")
        given = [f"{name}={free_port()}" for name in names]
        self._started.append(Trial(self._folder / "state", *given, *options, path=path))
        return self._started[-1]

    def end(self) -> None:
        for trial in self._started:
            if trial.process.poll() is None:
                trial.end()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Trials of one's own."""
    starter = Starter(tmp_path)
    yield starter
    starter.end()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A trial that is up, and stays so."""
    starter = Starter(tmp_path_factory.mktemp("trial"))
    yield starter().until_ready()
    starter.end()


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as page:
        return page.read().decode()


def family(pid: int) -> list[int]:
    """The process's descendants that run now."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if rest[0] != "Z":
            parents[int(path.parent.name)] = int(rest[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.processes
def test_the_demo_ends_well_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relay", "demo"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 9 are right" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    for words in ("bounced", "complained", "replied", "intact, unseen", "refused: suppressed"):
        assert done.stdout.count(words) == 2, f"expected and found: {words}\n{done.stdout}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.processes
def test_a_newcomer_sees_a_mail_delivered_one_bounced_and_one_refused(
    running: Trial,
) -> None:
    page = read(running.line("Start page"))

    assert re.findall(r"[✓✗] (\w+)", running.said) == ["delivered", "bounced", "refused"]
    assert "It works: 1 delivered, 1 bounced, 1 refused." in page
    for text in (running.said, page):
        assert "Mail to this address came back: the mailbox does not exist" in text
    assert "Your order has shipped" in read(running.line("Mailbox"))


@pytest.mark.processes
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_curl_lines_work_as_they_are_pasted(running: Trial) -> None:
    lines = running.said.partition("another terminal.\n\n")[2].partition(f"\n\n{READY}")[0]

    pasted = subprocess.run(["sh"], input=lines, capture_output=True, text=True, check=True)

    receipt = json.loads(pasted.stdout)
    assert [person["disposition"] for person in receipt["recipients"]] == ["queued"]
    page = running.line("Start page")
    assert lines in html.unescape(read(page))
    wait(lambda: "2 delivered" in read(page))
    assert "Hello from curl" in read(page)


@pytest.mark.processes
def test_the_command_line_works_beside_it_as_it_is_pasted(running: Trial) -> None:
    line = re.search(r"^  Commands +(\S.+?)   in another terminal$", running.said, re.MULTILINE)
    assert line

    pasted = subprocess.run(
        ["sh"],
        input=line[1],
        cwd=ROOT,
        env={"POSTREEVE_DATABASE_URL": "sqlite:////nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "owner@shop.example" in pasted.stdout


@pytest.mark.processes
def test_a_second_start_finds_everything_again(start: Starter) -> None:
    first = start().until_ready()
    assert first.end(signal.SIGINT) == 0

    second = start().until_ready()

    key = re.search(r"prk_\S+(?=')", first.said)
    assert key
    assert key[0] in second.said
    assert "bounce+2@simulator.amazonses.com" in second.said
    assert len(re.findall(r"[✓✗] ", second.said.partition("It works.")[2])) == 3


@pytest.mark.processes
def test_two_trials_do_not_share_a_folder(running: Trial) -> None:
    second = Trial(running.state)

    assert second.process.wait(PATIENCE) == 1
    assert "It runs already from" in second.said


@pytest.mark.processes
def test_a_closed_terminal_leaves_no_process_behind(start: Starter) -> None:
    trial = start().until_ready()
    assert len(family(trial.process.pid)) >= 5  # simulator, worker, gunicorn and its two

    assert trial.end(signal.SIGHUP) == 0


@pytest.mark.processes
def test_even_kill_9_leaves_no_process_behind(start: Starter) -> None:
    trial = start().until_ready()

    assert trial.end(signal.SIGKILL) == -signal.SIGKILL


@pytest.mark.processes
def test_a_dead_worker_is_named_and_ends_everything(start: Starter) -> None:
    trial = start().until_ready()
    children = family(trial.process.pid)
    (worker,) = (
        pid for pid in children if b"relay\0worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )

    os.kill(worker, signal.SIGKILL)

    assert trial.process.wait(PATIENCE) == 1
    assert "The worker was ended by SIGKILL." in trial.said
    assert "worker started" in trial.said.partition("The end of")[2]
    wait(lambda: not any(map(runs, children)))


@pytest.mark.processes
def test_without_php_it_says_what_wordpress_needs_and_goes_on(
    start: Starter, tmp_path: Path
) -> None:
    trial = start("--wordpress", path=str(tmp_path)).until_ready()

    assert "apt-get install --no-install-recommends" in trial.said
    assert "php-cli" in trial.said
    assert "The rest runs without it." in trial.said
    assert trial.end() == 0


def test_a_taken_port_is_replaced_by_the_next_free_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]

        chosen = ports.choose(Ports(taken, taken, taken, taken))

    numbers = astuple(chosen)
    assert taken not in numbers
    assert len(set(numbers)) == len(numbers) == 4


def test_a_port_that_only_udp_has_taken_is_not_for_the_name_server() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = other.getsockname()[1]

        chosen = ports.choose(Ports(taken, taken + 1, taken + 2, taken))

    assert chosen.names not in (taken, chosen.web)


def test_any_ports_are_four_that_the_kernel_gives_to_nobody_who_connects() -> None:
    for _ in range(20):
        numbers = astuple(ports.any_free())
        assert len(set(numbers)) == 4
        assert max(numbers) < 32_768


def test_no_free_port_at_all_is_said() -> None:
    with pytest.raises(Trouble, match="No port is free"):
        ports.choose(Ports(65_536, 65_536, 65_536, 65_536))


def test_a_folder_serves_one_trial_at_a_time(tmp_path: Path) -> None:
    with (
        alone_in(tmp_path),
        pytest.raises(Trouble, match=f"process {os.getpid()}"),
        alone_in(tmp_path),
    ):
        pass

    with alone_in(tmp_path):
        pass


def test_nothing_of_ours_leads_the_trial_to_the_real_amazon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "POSTREEVE_TOPIC_ARNS", "https_proxy", "GUNICORN_CMD_ARGS"):
        monkeypatch.setenv(name, "arn:aws:sns:us-east-1:111122223333:real")

    installation = Installation(tmp_path, Ports(1, 2, 3, 4))

    assert not {"arn:aws:sns:us-east-1:111122223333:real"} & set(
        installation.environment().values()
    )
    assert installation.settings().simulator_certificate is not None
    assert installation.settings().aws_endpoint_url == "http://127.0.0.1:2"


def test_a_database_of_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "postreeve.db").write_bytes(b"This is no database at all. " * 100)

    with pytest.raises(Trouble, match="Delete the folder to begin anew"):
        prepare(Installation(tmp_path, Ports(1, 2, 3, 4)))


def test_the_secret_is_kept_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    installation = Installation(tmp_path, Ports(1, 2, 3, 4))

    assert installation.settings().secret == installation.settings().secret
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def trial_page(relay: Relay, notes: Path) -> Callable[[], str]:
    """The start page of a trial that keeps its notes there."""
    settings = replace(
        relay.settings, topic_arns=(), simulator_certificate=notes, trial_notes=notes
    )
    client = create_app(replace(relay, settings=settings)).test_client()
    return lambda: client.get("/").text


def test_the_start_page_of_a_beginning_trial_looks_again(relay: Relay, tmp_path: Path) -> None:
    page = trial_page(relay, tmp_path / "notes.json")()

    assert "Starting" in page
    assert 'http-equiv="refresh"' in page


def test_the_start_page_shows_what_became_of_the_mails(
    relay: Relay, site: Site, key: NewKey, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.json"
    show = trial_page(relay, notes)
    refused = {"subject": "No", "to": "b@x.example", "why": "Because", "at": "2026-11-22T09:00Z"}
    write(notes, {"site_id": str(site.id), "finished": True, "refused": [refused]})
    type, body = multipart(Mail("news@shop.example", "<b>Hi</b>", ("ada@customer.example",)))
    accepted = (
        create_app(relay)
        .test_client()
        .post(
            "/v1/messages",
            data=body,
            content_type=type,
            headers={"Authorization": f"Bearer {key.secret}"},
        )
    )
    assert accepted.status_code == 202

    before = show()
    Worker(relay).run_until_idle()
    after = show()

    assert "It works: 1 queued, 1 refused." in before
    assert "On its way." in before
    assert "It works: 1 sent, 1 refused." in after
    for page in (before, after):
        assert "&lt;b&gt;Hi&lt;/b&gt;" in page
        assert "Because." in page


RECORDS = (
    ("shop.example", "TXT", 'v=spf1 "quoted" \\ back; -all'),
    ("shop.example", "MX", "5 mx.elsewhere.example"),
    ("Long._domainkey.shop.example", "TXT", "k" * 600),
    ("words.shop.example", "TXT", "Grüße"),
    ("one._domainkey.shop.example", "CNAME", "one.dkim.amazonses.com"),
    ("bounce.shop.example", "MX", "10 feedback-smtp.us-east-1.amazonses.com."),
    ("null.shop.example", "MX", "0 ."),
    ("mail.shop.example", "CNAME", "shop.example"),
)


def test_a_zone_file_says_exactly_the_records_that_were_given(tmp_path: Path) -> None:
    path = zones.publish(Installation(tmp_path, Ports(1, 2, 3, 4)), "shop.example", RECORDS)

    zone = dns.zone.from_file(str(path), origin="shop.example", relativize=False)
    assert path == tmp_path / "zones" / "shop.example.zone"
    for name, type, value in RECORDS:
        (record,) = zone.find_rdataset(f"{name}.", type)
        if type == "TXT":
            assert b"".join(record.strings).decode() == value
            assert max(map(len, record.strings)) <= 255
        else:
            assert record.to_text() == f"{value.rstrip('.')}."
    assert zone.find_rdataset("shop.example.", "NS")[0].to_text() == "ns.shop.example."
    assert zone.find_rdataset("shop.example.", "A")


def test_a_zone_is_replaced_and_a_domain_receives_mail_by_itself(tmp_path: Path) -> None:
    installation = Installation(tmp_path, Ports(1, 2, 3, 4))
    zones.publish(installation, "shop.example", RECORDS)

    path = zones.publish(installation, "shop.example", ())

    zone = dns.zone.from_file(str(path), origin="shop.example", relativize=False)
    assert [record.to_text() for record in zone.find_rdataset("shop.example.", "MX")] == [
        "10 mail.shop.example."
    ]
    assert zone.find_rdataset("mail.shop.example.", "A")
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "record",
    [
        ("shop.example.elsewhere.example", "TXT", "x"),
        ("workshop.example", "TXT", "x"),
        ("www.shop.example", "CNAME", "x\n@ TXT y"),
    ],
)
def test_a_zone_holds_nothing_but_its_own_names_one_record_a_line(
    tmp_path: Path, record: tuple[str, str, str]
) -> None:
    installation = Installation(tmp_path, Ports(1, 2, 3, 4))
    path = zones.publish(installation, "shop.example", ())
    before = path.read_text()

    with pytest.raises(ValueError, match="is no"):
        zones.publish(installation, "shop.example", [record])

    assert path.read_text() == before


@pytest.mark.processes
def test_the_name_server_answers_what_is_published(running: Trial) -> None:
    simulator = running.line("Mailbox").rstrip("/")
    address = json.loads(read(f"{simulator}/names.json"))["address"]
    installation = Installation(running.state, Ports(1, 2, 3, int(address.rpartition(":")[2])))
    resolver = dns.resolver.Resolver(configure=False)
    host, _, port = installation.environment()["POSTREEVE_NAMESERVERS"].partition(":")
    resolver.nameservers, resolver.port = [host], int(port)

    zones.publish(installation, "new.example", [("new.example", "TXT", "k" * 600)])

    def answer() -> bytes:
        try:
            return b"".join(resolver.resolve("new.example.", "TXT")[0].strings)
        except (dns.resolver.NoNameservers, dns.resolver.LifetimeTimeout):
            return b""

    wait(lambda: answer() == b"k" * 600)
    assert "new.example.zone" in read(f"{simulator}/names.json")


def test_the_trial_s_mime_hides_bcc_and_keeps_files() -> None:
    file = Attachment("a.bin", "application/octet-stream", bytes(range(256)))
    mail = Mail(
        "hello@shop.example", "Hi", ("a@x.example",), bcc=("b@x.example",), attachments=(file,)
    )

    raw = mail.mime()

    assert b"b@x.example" not in raw
    assert raw.count(b"\r\n") == raw.count(b"\n")
    (part,) = message_from_bytes(raw, policy=policy.default).iter_attachments()
    assert part.get_payload(decode=True) == file.data
