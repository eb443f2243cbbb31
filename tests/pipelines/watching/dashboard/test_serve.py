"""The dashboard's server and its command."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.interrupts import heard
from helpers.ranges import ROOT
from helpers.workspaces import NOW

from boomerang.errors import UsageError
from pipelines.watching.dashboard import dashboard_page
from pipelines.watching.dashboard.serve import server


@pytest.fixture
def served(watched: Path) -> Iterator[str]:
    with server(lambda: dashboard_page(watched, now=NOW), 0) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


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
