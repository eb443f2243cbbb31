"""What says that it needs no credentials connects to nothing: every socket of every process is looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.ranges import DIGITS, ROOT
from helpers.report_fixture import build_run
from helpers.workspaces import register

from pipelines.definition.offline import offline

# Loaded by every Python below, before anything else: notes whoever is asked, and lets nothing out.
_GUARD = """
import os, sys

def look(event, arguments):
    if event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "localhost", "::1", None):
        refuse(event, arguments[0])
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            refuse(event, address)

def refuse(event, whom):
    with open(os.environ["HEARD"], "a") as heard:
        heard.write(f"{event} {whom} by {sys.argv}\\n")
    raise ConnectionRefusedError(f"the test lets nobody out: {whom}")

sys.addaudithook(look)
"""

# One process does all of them, as the SDK is imported once; each begins with a session of its own.
_COMMANDS = """
import sys
from pipelines.cli.main import main
out, run = sys.argv[1:]
for words in (
    ["definition"],
    ["check"],
    ["plan", "--out", out],
    ["plan", "--on", "aws", "--out", out],
    ["report", run],
    ["verify", run],
    ["dashboard", "--out", out],
    ["approve", "boomerang/1", "--out", out],
    ["canary", "--out", out],
    ["reject", "boomerang/1", "--reason", "x", "--out", out],
):
    print(main(words), *words, file=sys.stderr)
"""


def guarded(tmp_path: Path, *command: str) -> tuple[list[str], str]:
    """Run a program behind the guard; return who was asked, and what it said."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(_GUARD)
    heard = tmp_path / "heard"
    heard.touch()
    # As on a machine whose metadata may be asked, and with a profile whose program would be started.
    (tmp_path / "aws").write_text("[default]\ncredential_process = touch " + str(tmp_path / "started") + "\n")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    environment = {
        **kept,
        "HEARD": str(heard),
        "PYTHONPATH": f"{tmp_path / 'guard'}{os.pathsep}{ROOT}",
        "AWS_CONFIG_FILE": str(tmp_path / "aws"),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/keys",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert not (tmp_path / "started").exists(), "a profile's program was started"
    return heard.read_text().splitlines(), done.stdout + done.stderr


def test_the_guard_hears(tmp_path: Path) -> None:
    code = "import socket; socket.create_connection(('169.254.169.254', 80), timeout=1)"
    heard, said = guarded(tmp_path, "-c", code)
    assert heard and "169.254.169.254" in heard[0] and "lets nobody out" in said


@pytest.mark.whole
def test_no_command_without_credentials_connects_to_anything(tmp_path: Path) -> None:
    out = tmp_path / "runs"
    run = build_run(out / "run")
    register(out, "run", status="PendingManualApproval")
    heard, said = guarded(tmp_path, "-c", _COMMANDS, str(out), str(run))
    assert heard == []
    # What was made for a test has no canaries, and less in it than its record says.
    assert endings(said) == [
        *("0 definition", "0 check", "0 plan", "0 plan", "4 report", "4 verify", "0 dashboard"),
        *("4 approve", "2 canary", "0 reject"),
    ], said


def endings(said: str) -> list[str]:
    """Return each exit code with the command that ended with it."""
    return [
        " ".join(line.split()[:2]) for line in said.splitlines() if line[:1].isdigit() and line[1:2] == " "
    ]


# The jobs of a run get an environment of their own: the guard is put into it.
_RUN = """
import os, sys
from pipelines.cli.main import main
from pipelines.runners.process import processes
before = processes.job_environment
def guarded(project):
    given = before(project)
    path = os.environ["PYTHONPATH"].split(os.pathsep)[0] + os.pathsep + given["PYTHONPATH"]
    return given | {"PYTHONPATH": path, "HEARD": os.environ["HEARD"]}
processes.job_environment = guarded
out, entry = sys.argv[1:]
change = "--set harden=[] --set canaries.margin=0".split()
print(main(["run", "--config", entry, "--out", out, "--id", "run", *change]), "run", file=sys.stderr)
(group,) = (name for name in os.listdir(f"{out}/registry") if not name.startswith("."))
said = main(["approve", f"{group}/1", "--override", "--reason", "a test", "--out", out])
print(said, "approve", file=sys.stderr)
print(main(["canary", "--group", group, "--floor", "0", "--out", out]), "canary", file=sys.stderr)
"""


@pytest.mark.whole
def test_no_job_of_a_run_connects_to_anything(tmp_path: Path) -> None:
    (tmp_path / "digits.toml").write_text(DIGITS)
    heard, said = guarded(tmp_path, "-c", _RUN, str(tmp_path / "runs"), str(tmp_path / "digits.toml"))
    assert heard == []
    assert endings(said) == ["1 run", "0 approve", "0 canary"], said


def test_the_environment_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    before = dict(os.environ)
    with offline():
        assert "AWS_PROFILE" not in os.environ
        assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
    assert dict(os.environ) == before
