"""The processes of jobs: what they inherit, and that they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import toy_pipeline as toy
from helpers.toy_runs import Execute, gone


def test_a_job_sees_its_own_inputs_and_no_credential(run: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("BOOMERANG_TRY", "secret")  # nor a setting of this shell: it would escape the cache
    body = """
seen = {"env": dict(os.environ), "cwd": os.listdir("."), "inputs": os.listdir(ml / "processing/input")}
(ml / "processing/output/train/seen.json").write_text(json.dumps(seen))
"""
    execution = run(toy.definition(toy.make(environment={"COLOR": "cyan"})), jobs={"make": body})
    seen = json.loads((execution.path("Make", "train") / "seen.json").read_text())

    assert "secret" not in seen["env"].values()
    assert seen["env"]["COLOR"] == "cyan"
    assert (seen["cwd"], seen["inputs"]) == ([], ["config"])


def test_a_job_over_its_time_is_killed_with_all_it_started(run: Execute, tmp_path: Path) -> None:
    pid_file = tmp_path / "grandchild"
    body = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
Path({str(pid_file)!r}).write_text(str(child.pid))
time.sleep(60)
"""
    execution = run(toy.definition(toy.make(timeout_s=2)), jobs={"make": body})

    assert "stopped at its time limit of 2 s" in execution.failure
    assert gone(int(pid_file.read_text()))


def test_what_a_job_leaves_running_ends_with_it(run: Execute, tmp_path: Path) -> None:
    pid_file = tmp_path / "grandchild"
    body = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
Path({str(pid_file)!r}).write_text(str(child.pid))
"""
    execution = run(toy.definition(toy.make()), jobs={"make": body})

    assert execution.status == "Succeeded"
    assert gone(int(pid_file.read_text()))


def test_what_a_job_took_of_the_machine_is_in_its_record(run: Execute) -> None:
    """200 MB held and half a second computed, by the job or by a process that it waits for; not by the next."""
    busy = "import time; held = bytearray(200 << 20); end = time.process_time() + 0.5\n"
    busy += "while time.process_time() < end: pass"
    body = f"""
import subprocess
subprocess.run([sys.executable, "-c", {busy!r}], check=True)
(ml / "processing/output/train/x.txt").write_text("held")
"""
    execution = run(toy.definition(toy.make(), toy.train()), jobs={"make": body})
    first, second = (execution.step(name) for name in ("Make", "Train"))

    assert first.cpu_seconds >= 0.5 and first.peak_bytes > 200 << 20
    assert 0 < second.cpu_seconds < 0.5 and 0 < second.peak_bytes < 200 << 20
