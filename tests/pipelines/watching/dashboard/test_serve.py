"""The dashboard's server and its command."""

from __future__ import annotations

import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from helpers.interrupts import heard
from helpers.ranges import ROOT
from helpers.workspaces import NOW

from boomerang.errors import BadInput, UsageError
from pipelines.watching.dashboard import dashboard_page
from pipelines.watching.dashboard.serve import MOST_AT_ONCE, server


@contextmanager
def serving(page: Callable[[], str], **options: float) -> Iterator[int]:
    """Serves a page while the block runs; gives the port."""
    with server(page, 0, **options) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield running.server_port
        finally:
            running.shutdown()
            thread.join()


def ask(port: int, request: bytes = b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n") -> bytes:
    """Sends a request and returns all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
        wire.sendall(request)
        return b"".join(iter(lambda: wire.recv(65536), b""))


@pytest.fixture
def served(watched: Path) -> Iterator[str]:
    with serving(lambda: dashboard_page(watched, now=NOW)) as port:
        yield f"http://127.0.0.1:{port}/"


def test_the_server_reads_anew_for_every_load(served: str, watched: Path) -> None:
    with urllib.request.urlopen(served, timeout=30) as answer:
        assert b"fresh-run" not in answer.read()
    shutil.copytree(watched / "second", watched / "fresh-run")
    with urllib.request.urlopen(served, timeout=30) as answer:
        assert b"fresh-run" in answer.read()
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "host", "status"), [("", "evil.example", 403), ("execution.json", "127.0.0.1", 404)]
)
def test_the_server_answers_this_machine_alone(served: str, path: str, host: str, status: int) -> None:
    request = urllib.request.Request(served + path, headers={"Host": host})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    refused.value.close()
    assert refused.value.code == status


def test_head_is_answered_as_get_without_the_page() -> None:
    with serving(lambda: "the page") as port:
        get = ask(port).partition(b"\r\n\r\n")
        head = ask(port, b"HEAD / HTTP/1.0\r\nHost: localhost\r\n\r\n").partition(b"\r\n\r\n")
    assert (get[2], head[2]) == (b"the page", b"")
    assert b"200 OK" in head[0] and b"Content-Length: 8" in head[0]
    assert [line for line in head[0].splitlines() if b"Date" not in line] == [
        line for line in get[0].splitlines() if b"Date" not in line
    ]


def test_who_does_not_finish_a_request_is_hung_up_on() -> None:
    """Also who sends a byte now and then, for whom no timeout of the socket comes."""
    with (
        serving(lambda: "", read_s=0.3) as port,
        socket.create_connection(("127.0.0.1", port), timeout=10) as wire,
    ):
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() < began + 8:
                wire.sendall(b"G")
                time.sleep(0.05)
        assert time.monotonic() < began + 5


def test_few_are_answered_at_a_time_and_the_others_are_told() -> None:
    with serving(lambda: "the page", read_s=3.0) as port, ExitStack() as held:
        before = threading.active_count()
        for _ in range(3 * MOST_AT_ONCE):
            held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
        assert b" 503 " in ask(port)
        assert threading.active_count() <= before + 2 * MOST_AT_ONCE  # each with its deadline
        deadline = time.monotonic() + 20
        while b"the page" not in (last := ask(port)):
            assert time.monotonic() < deadline, last
            time.sleep(0.1)


def test_a_tab_that_is_closed_leaves_no_trace(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(lambda: "x" * 20_000_000) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
            wire.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            wire.recv(10)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert ask(port).endswith(b"x")
    assert capfd.readouterr() == ("", "")


def test_a_page_that_cannot_be_made_is_said_and_the_next_one_is_made(
    capfd: pytest.CaptureFixture[str],
) -> None:
    pages = iter([TypeError("odd \x1b[2J"), BadInput("a", "b"), "well"])

    def page() -> str:
        made = next(pages)
        if isinstance(made, Exception):
            raise made
        return made

    with serving(page) as port:
        assert ask(port).endswith(b"the page cannot be made: TypeError: odd \\x1b[2J\n")
        assert b" 500 " in ask(port) and ask(port).endswith(b"well")
    assert capfd.readouterr() == ("", "")


def test_a_taken_port_is_a_clear_error(served: str) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        server(lambda: "", int(served.rstrip("/").rpartition(":")[2]))


def test_the_command_serves_until_it_is_interrupted(workspace: Path) -> None:
    command = [sys.executable, "-m", "pipelines", "dashboard", "--out", str(workspace), "--serve", "0"]
    with heard():
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as said:
        try:
            address = said.readline().split()[0]
            with urllib.request.urlopen(address, timeout=30) as answer:
                assert b"data-widget" in answer.read()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
            process.wait()
